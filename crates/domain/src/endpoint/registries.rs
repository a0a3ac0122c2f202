//! The special-purpose registries of IANA, row by row, against the guard.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::vet;

/// "IANA IPv4 Special-Purpose Address Registry", every row, the rows inside other rows included.
const IPV4: &[(&str, &str)] = &[
    ("0.0.0.0/8", "\"This network\""),
    ("0.0.0.0/32", "\"This host on this network\""),
    ("10.0.0.0/8", "Private-Use"),
    ("100.64.0.0/10", "Shared Address Space"),
    ("127.0.0.0/8", "Loopback"),
    ("169.254.0.0/16", "Link Local"),
    ("172.16.0.0/12", "Private-Use"),
    ("192.0.0.0/24", "IETF Protocol Assignments"),
    ("192.0.0.0/29", "IPv4 Service Continuity Prefix"),
    ("192.0.0.8/32", "IPv4 dummy address"),
    ("192.0.0.9/32", "Port Control Protocol Anycast"),
    ("192.0.0.10/32", "Traversal Using Relays around NAT Anycast"),
    ("192.0.0.170/32", "NAT64/DNS64 Discovery"),
    ("192.0.0.171/32", "NAT64/DNS64 Discovery"),
    ("192.0.2.0/24", "Documentation (TEST-NET-1)"),
    ("192.31.196.0/24", "AS112-v4"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "Deprecated (6to4 Relay Anycast)"),
    ("192.88.99.2/32", "6a44-relay anycast address"),
    ("192.168.0.0/16", "Private-Use"),
    ("192.175.48.0/24", "Direct Delegation AS112 Service"),
    ("198.18.0.0/15", "Benchmarking"),
    ("198.51.100.0/24", "Documentation (TEST-NET-2)"),
    ("203.0.113.0/24", "Documentation (TEST-NET-3)"),
    ("240.0.0.0/4", "Reserved"),
    ("255.255.255.255/32", "Limited Broadcast"),
];

/// "IANA IPv6 Special-Purpose Address Registry", every row but [`NAT64`].
const IPV6: &[(&str, &str)] = &[
    ("::1/128", "Loopback Address"),
    ("::/128", "Unspecified Address"),
    ("::ffff:0:0/96", "IPv4-mapped Address"),
    ("64:ff9b:1::/48", "IPv4-IPv6 Translat."),
    ("100::/64", "Discard-Only Address Block"),
    ("100:0:0:1::/64", "Dummy IPv6 Prefix"),
    ("2001::/23", "IETF Protocol Assignments"),
    ("2001::/32", "TEREDO"),
    ("2001:1::1/128", "Port Control Protocol Anycast"),
    ("2001:1::2/128", "Traversal Using Relays around NAT Anycast"),
    (
        "2001:1::3/128",
        "DNS-SD Service Registration Protocol Anycast",
    ),
    ("2001:2::/48", "Benchmarking"),
    ("2001:3::/32", "AMT"),
    ("2001:4:112::/48", "AS112-v6"),
    ("2001:10::/28", "Deprecated (previously ORCHID)"),
    ("2001:20::/28", "ORCHIDv2"),
    (
        "2001:30::/28",
        "Drone Remote ID Protocol Entity Tags (DETs)",
    ),
    ("2001:db8::/32", "Documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "Direct Delegation AS112 Service"),
    ("3fff::/20", "Documentation"),
    ("5f00::/16", "Segment Routing (SRv6) SIDs"),
    ("fc00::/7", "Unique-Local"),
    ("fe80::/10", "Link-Local Unicast"),
];

/// The one row of both registries that is not refused as a whole: in a network without IPv4, every public
/// receiver is reached through it.
const NAT64: &str = "64:ff9b::/96";

/// Ranges of the other registries of IANA: multicast, and what IPv6 never gave out or took back.
const BEYOND: &[(&str, &str)] = &[
    ("224.0.0.0/4", "IPv4 Multicast Address Space"),
    ("ff00::/8", "IPv6 Multicast Address Space"),
    ("fec0::/10", "Site-Local, deprecated"),
    ("::/96", "IPv4-Compatible, deprecated"),
    ("200::/7", "OSI NSAP-mapped, deprecated"),
    ("3ffe::/16", "6bone, returned"),
    ("4000::/2", "Reserved by IETF"),
    ("8000::/2", "Reserved by IETF"),
    ("e000::/4", "Reserved by IETF"),
];

fn ends(net: IpNet) -> [IpAddr; 2] {
    match net {
        IpNet::V4(net) => [net.network().into(), net.broadcast().into()],
        IpNet::V6(net) => [net.network().into(), net.broadcast().into()],
    }
}

#[test]
fn every_row_of_the_registries_is_refused_from_end_to_end() {
    for (cidr, name) in IPV4.iter().chain(IPV6).chain(BEYOND) {
        let net: IpNet = cidr.parse().expect(cidr);
        for address in ends(net) {
            assert!(vet(address, &[]).is_err(), "{name}: {address} of {cidr}");
        }
    }
}

#[test]
fn every_row_of_the_ipv4_registry_is_refused_in_every_ipv6_form() {
    for (cidr, name) in IPV4 {
        let net: Ipv4Net = cidr.parse().expect(cidr);
        for address in [net.network(), net.broadcast()] {
            let bits = address.to_bits();
            let [high, low] = [bits >> 16, bits & 0xffff];
            for (form, text) in [
                ("mapped", format!("::ffff:{address}")),
                ("compatible", format!("::{address}")),
                ("translated", format!("::ffff:0:{address}")),
                ("NAT64", format!("64:ff9b::{address}")),
                ("local NAT64", format!("64:ff9b:1::{address}")),
                ("6to4", format!("2002:{high:x}:{low:x}::1")),
                ("Teredo server", format!("2001:0:{high:x}:{low:x}::1")),
                (
                    "Teredo client",
                    format!("2001:0:800:808::{:x}:{:x}", high ^ 0xffff, low ^ 0xffff),
                ),
                ("ISATAP", format!("2a00:1450::5efe:{address}")),
                (
                    "ISATAP, universal",
                    format!("2a00:1450::200:5efe:{address}"),
                ),
            ] {
                let embedded: IpAddr = text.parse().expect(&text);
                assert!(vet(embedded, &[]).is_err(), "{name} as {form}: {embedded}");
            }
        }
    }
}

#[test]
fn the_nat64_prefix_is_as_good_as_the_address_in_it() {
    let net: Ipv6Net = NAT64.parse().expect(NAT64);
    let with = |v4: u32| {
        let bits = net.network().to_bits() | u128::from(v4);
        IpAddr::from(std::net::Ipv6Addr::from_bits(bits))
    };
    assert_eq!(vet(with(0x0808_0808), &[]), Ok(()));
    assert!(vet(with(0x7f00_0001), &[]).is_err());
}

#[test]
fn an_allowed_network_opens_its_row_alone() {
    for (cidr, name) in IPV4.iter().chain(IPV6).chain(BEYOND) {
        let allowed: IpNet = cidr.parse().expect(cidr);
        for address in ends(allowed) {
            assert_eq!(vet(address, &[allowed]), Ok(()), "{name}: {address}");
        }
        for (other, _) in IPV4.iter().chain(IPV6) {
            let other: IpNet = other.parse().expect(other);
            // Each may hold the other, and a mapped address is the IPv4 address in it.
            let related = allowed.contains(&other)
                || other.contains(&allowed)
                || other.to_string() == "::ffff:0.0.0.0/96";
            for address in ends(other) {
                assert!(
                    related || vet(address, &[allowed]).is_err(),
                    "{address} with {cidr}"
                );
            }
        }
    }
}
