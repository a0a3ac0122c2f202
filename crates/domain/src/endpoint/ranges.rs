//! The address ranges that Heraldo refuses to call: the special-purpose registries of IANA.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Why an address is not called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The address as it was vetted.
    pub address: IpAddr,
    /// What the range is for, in words.
    pub range: &'static str,
    /// The range itself, as a CIDR.
    pub cidr: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "it lies in the {} range ({}); use a public address, or list the network among the allowed ones (HERALDO_ALLOW_NETWORKS)",
            self.range, self.cidr
        )
    }
}

impl std::error::Error for Refused {}

struct V4Range {
    base: [u8; 4],
    bits: u8,
    name: &'static str,
    cidr: &'static str,
}

struct V6Range {
    base: [u16; 8],
    bits: u8,
    name: &'static str,
    cidr: &'static str,
}

const fn v4(base: [u8; 4], bits: u8, name: &'static str, cidr: &'static str) -> V4Range {
    V4Range {
        base,
        bits,
        name,
        cidr,
    }
}

const fn v6(base: [u16; 8], bits: u8, name: &'static str, cidr: &'static str) -> V6Range {
    V6Range {
        base,
        bits,
        name,
        cidr,
    }
}

/// Also the ranges that the registry calls globally reachable (anycast relays, AS112): none of them
/// holds a receiver, and each is answered by whatever machine is nearest.
const V4_RANGES: &[V4Range] = &[
    v4([255, 255, 255, 255], 32, "broadcast", "255.255.255.255/32"),
    v4([0, 0, 0, 0], 32, "unspecified", "0.0.0.0/32"),
    v4([0, 0, 0, 0], 8, "\"this network\"", "0.0.0.0/8"),
    v4([10, 0, 0, 0], 8, "private", "10.0.0.0/8"),
    v4([100, 64, 0, 0], 10, "carrier-grade NAT", "100.64.0.0/10"),
    v4([127, 0, 0, 0], 8, "loopback", "127.0.0.0/8"),
    v4([169, 254, 0, 0], 16, "link-local", "169.254.0.0/16"),
    v4([172, 16, 0, 0], 12, "private", "172.16.0.0/12"),
    v4([192, 0, 0, 0], 24, "protocol assignment", "192.0.0.0/24"),
    v4([192, 0, 2, 0], 24, "documentation", "192.0.2.0/24"),
    v4([192, 31, 196, 0], 24, "AS112", "192.31.196.0/24"),
    v4([192, 52, 193, 0], 24, "AMT relay", "192.52.193.0/24"),
    v4([192, 88, 99, 0], 24, "6to4 relay", "192.88.99.0/24"),
    v4([192, 168, 0, 0], 16, "private", "192.168.0.0/16"),
    v4([192, 175, 48, 0], 24, "AS112", "192.175.48.0/24"),
    v4([198, 18, 0, 0], 15, "benchmarking", "198.18.0.0/15"),
    v4([198, 51, 100, 0], 24, "documentation", "198.51.100.0/24"),
    v4([203, 0, 113, 0], 24, "documentation", "203.0.113.0/24"),
    v4([224, 0, 0, 0], 4, "multicast", "224.0.0.0/4"),
    v4([240, 0, 0, 0], 4, "reserved", "240.0.0.0/4"),
];

/// What lies outside `2000::/3` is refused as a whole (see [`special_v6`]); it is listed for its name.
const V6_RANGES: &[V6Range] = &[
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified", "::/128"),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback", "::1/128"),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible", "::/96"),
    v6(
        [0, 0, 0, 0, 0, 0xffff, 0, 0],
        96,
        "IPv4-mapped",
        "::ffff:0:0/96",
    ),
    v6(
        [0, 0, 0, 0, 0xffff, 0, 0, 0],
        96,
        "IPv4-translated",
        "::ffff:0:0:0/96",
    ),
    v6(
        [0x64, 0xff9b, 1, 0, 0, 0, 0, 0],
        48,
        "local NAT64",
        "64:ff9b:1::/48",
    ),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard-only", "100::/64"),
    v6(
        [0x100, 0, 0, 1, 0, 0, 0, 0],
        64,
        "dummy prefix",
        "100:0:0:1::/64",
    ),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo", "2001::/32"),
    v6(
        [0x2001, 2, 0, 0, 0, 0, 0, 0],
        48,
        "benchmarking",
        "2001:2::/48",
    ),
    v6(
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        23,
        "protocol assignment",
        "2001::/23",
    ),
    v6(
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0],
        32,
        "documentation",
        "2001:db8::/32",
    ),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4", "2002::/16"),
    v6(
        [0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0],
        48,
        "AS112",
        "2620:4f:8000::/48",
    ),
    v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, "6bone", "3ffe::/16"),
    v6(
        [0x3fff, 0, 0, 0, 0, 0, 0, 0],
        20,
        "documentation",
        "3fff::/20",
    ),
    v6(
        [0x5f00, 0, 0, 0, 0, 0, 0, 0],
        16,
        "segment routing",
        "5f00::/16",
    ),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local", "fc00::/7"),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local", "fe80::/10"),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local", "fec0::/10"),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast", "ff00::/8"),
];

/// Whether Heraldo may call this address. `allow` wins; an IPv4-mapped address counts as the IPv4 address
/// in it there, because the connection would go to that machine.
///
/// # Errors
///
/// [`Refused`] with the range that the address lies in.
pub fn vet(address: IpAddr, allow: &[IpNet]) -> Result<(), Refused> {
    let mapped = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
    };
    let is_allowed = |candidate: IpAddr| allow.iter().any(|net| net.contains(&candidate));
    if is_allowed(address) || mapped.is_some_and(is_allowed) {
        return Ok(());
    }
    let special = match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    };
    match special {
        None => Ok(()),
        Some((range, cidr)) => Err(Refused {
            address,
            range,
            cidr,
        }),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<(&'static str, &'static str)> {
    let value = address.to_bits();
    V4_RANGES
        .iter()
        .find(|range| {
            let differing = value ^ u32::from_be_bytes(range.base);
            differing.leading_zeros() >= u32::from(range.bits)
        })
        .map(|range| (range.name, range.cidr))
}

fn special_v6(address: Ipv6Addr) -> Option<(&'static str, &'static str)> {
    let value = address.to_bits();
    let listed = V6_RANGES.iter().find(|range| {
        let differing = value ^ Ipv6Addr::from(range.base).to_bits();
        differing.leading_zeros() >= u32::from(range.bits)
    });
    if let Some(range) = listed {
        return Some((range.name, range.cidr));
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = Ipv4Addr::from_bits((u32::from(g) << 16) | u32::from(h));
    // The gateway of a network without IPv4 makes these out of public addresses: refused only when the
    // address inside is special.
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return special_v4(embedded);
    }
    // A tunnel (ISATAP) carries the IPv4 address in the interface part of any prefix.
    if (e & !0x0200) == 0 && f == 0x5efe {
        return special_v4(embedded);
    }
    // IANA has given out addresses for the public internet from 2000::/3 alone.
    if a & 0xe000 != 0x2000 {
        return Some(("unassigned", "outside 2000::/3"));
    }
    None
}
