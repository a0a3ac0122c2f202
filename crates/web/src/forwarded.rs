//! Whose address counts when requests come through proxies.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The caller's address: the peer's, or what the trusted proxies say in `X-Forwarded-For`.
///
/// Each proxy adds at the right whom it heard. Read from there, the first address that is no trusted
/// proxy's is the caller's; what stands to its left is the caller's own word, and anybody could write it.
pub fn caller(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut caller = peer.to_canonical();
    let is_trusted = |address| trusted.iter().any(|network| network.contains(&address));
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries {
        if !is_trusted(caller) {
            return caller;
        }
        // Who hides behind something unreadable counts as the proxy that let it through.
        let Some(address) = address_of(entry) else {
            return caller;
        };
        caller = address;
    }
    caller
}

/// `192.0.2.1`, `2001:db8::1`, and the same with a port: `192.0.2.1:80`, `[2001:db8::1]:80`.
fn address_of(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let alone = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = alone.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn check(peer: &str, lines: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        let found = caller(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{lines:?}");
    }

    #[test]
    fn a_peer_that_is_no_trusted_proxy_speaks_for_itself() {
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("::ffff:192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("192.0.2.1", &[], "192.0.2.1");
    }

    #[test]
    fn behind_trusted_proxies_the_rightmost_other_address_counts() {
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7");
        check(
            "fd00::1",
            &["203.0.113.9 ,198.51.100.7,10.0.0.2", "10.0.0.3"],
            "198.51.100.7",
        );
        check("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn entries_may_have_a_port_or_brackets() {
        for entry in [
            "2001:db8::7",
            "[2001:db8::7]",
            "[2001:db8::7]:4711",
            " 2001:db8::7 ",
        ] {
            check("10.0.0.1", &[entry], "2001:db8::7");
        }
        check("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7");
        check("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
    }

    #[test]
    fn what_is_no_address_is_not_looked_behind() {
        for entry in ["unknown", "", "198.51.100.7,", "198.51.100.7, _hidden"] {
            check("10.0.0.1", &[entry], "10.0.0.1");
        }
        check("10.0.0.1", &["198.51.100.7,?,10.0.0.2"], "10.0.0.2");
    }
}
