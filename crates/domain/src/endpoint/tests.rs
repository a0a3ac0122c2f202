//! What an endpoint may be and which addresses are called.

use ipnet::IpNet;

use super::*;

fn nets(list: &[&str]) -> Vec<IpNet> {
    list.iter()
        .map(|net| net.parse().expect("a CIDR"))
        .collect()
}

fn refused(address: &str, range: &str) {
    let result = vet(address.parse().expect("an address"), &[]);
    assert_eq!(result.expect_err(address).range, range, "{address}");
}

fn passes(address: &str) {
    assert_eq!(
        vet(address.parse().expect("an address"), &[]),
        Ok(()),
        "{address}"
    );
}

#[test]
fn every_special_range_is_refused_from_its_first_address_to_its_last() {
    for (first, last, range) in [
        ("0.0.0.1", "0.255.255.255", "\"this network\""),
        ("10.0.0.0", "10.255.255.255", "private"),
        ("100.64.0.0", "100.127.255.255", "carrier-grade NAT"),
        ("127.0.0.0", "127.255.255.255", "loopback"),
        ("169.254.0.0", "169.254.255.255", "link-local"),
        ("172.16.0.0", "172.31.255.255", "private"),
        ("192.0.0.0", "192.0.0.255", "protocol assignment"),
        ("192.0.2.0", "192.0.2.255", "documentation"),
        ("192.31.196.0", "192.31.196.255", "AS112"),
        ("192.52.193.0", "192.52.193.255", "AMT relay"),
        ("192.88.99.0", "192.88.99.255", "6to4 relay"),
        ("192.168.0.0", "192.168.255.255", "private"),
        ("192.175.48.0", "192.175.48.255", "AS112"),
        ("198.18.0.0", "198.19.255.255", "benchmarking"),
        ("198.51.100.0", "198.51.100.255", "documentation"),
        ("203.0.113.0", "203.0.113.255", "documentation"),
        ("224.0.0.0", "239.255.255.255", "multicast"),
        ("240.0.0.0", "255.255.255.254", "reserved"),
        ("::2", "::ffff:ffff", "IPv4-compatible"),
        ("::ffff:0.0.0.0", "::ffff:255.255.255.255", "IPv4-mapped"),
        (
            "::ffff:0:0:0",
            "::ffff:0:255.255.255.255",
            "IPv4-translated",
        ),
        (
            "64:ff9b:1::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            "local NAT64",
        ),
        ("100::", "100::ffff:ffff:ffff:ffff", "discard-only"),
        (
            "100:0:0:1::",
            "100:0:0:1:ffff:ffff:ffff:ffff",
            "dummy prefix",
        ),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"),
        (
            "2001:2::",
            "2001:2:0:ffff:ffff:ffff:ffff:ffff",
            "benchmarking",
        ),
        (
            "2001:1::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "protocol assignment",
        ),
        (
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "documentation",
        ),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"),
        (
            "2620:4f:8000::",
            "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
            "AS112",
        ),
        ("3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6bone"),
        (
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "documentation",
        ),
        (
            "5f00::",
            "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "segment routing",
        ),
        (
            "fc00::",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "unique local",
        ),
        (
            "fe80::",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "link-local",
        ),
        (
            "fec0::",
            "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "site-local",
        ),
        (
            "ff00::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "multicast",
        ),
    ] {
        refused(first, range);
        refused(last, range);
    }
    refused("0.0.0.0", "unspecified");
    refused("255.255.255.255", "broadcast");
    refused("::", "unspecified");
    refused("::1", "loopback");
    refused("4000::1", "unassigned");
    refused("1fff::1", "unassigned");
}

#[test]
fn the_neighbours_of_special_ranges_pass() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "8.8.8.8",
        "2000::1",
        "2001:200::1",
        "2001:db7:ffff::1",
        "2001:db9::1",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "3fff:1000::1",
    ] {
        passes(address);
    }
}

#[test]
fn an_address_inside_an_address_is_vetted() {
    refused("64:ff9b::10.0.0.1", "private");
    refused("64:ff9b::169.254.169.254", "link-local");
    refused("2a00:1450:4001::5efe:127.0.0.1", "loopback");
    refused("2a00:1450:4001:0:200:5efe:192.168.1.1", "private");
    passes("64:ff9b::8.8.8.8");
    refused("::ffff:8.8.8.8", "IPv4-mapped");
}

#[test]
fn an_allowed_network_wins() {
    let allow = nets(&["127.0.0.0/8", "fd00::/8", "10.1.2.3/32"]);
    for address in [
        "127.0.0.1",
        "127.9.9.9",
        "::ffff:127.0.0.1",
        "fd12::1",
        "10.1.2.3",
    ] {
        assert_eq!(vet(address.parse().unwrap(), &allow), Ok(()), "{address}");
    }
    for address in [
        "::1",
        "10.1.2.4",
        "fc00::1",
        "0.0.0.0",
        "64:ff9b::127.0.0.1",
        "::127.0.0.1",
    ] {
        assert!(vet(address.parse().unwrap(), &allow).is_err(), "{address}");
    }
}

#[test]
fn a_special_address_is_refused_in_every_notation_of_a_url() {
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f.0x0.0x0.0x1",
        "0X7F.0.0.01",
        "127.0.0.0x1",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "127。0。0。1",
        "127．0．0．1",
        "１２７.0.0.1",
        "①②⑦.⓪.⓪.①",
        "0",
        "0x",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:FFFF:7F00:0001]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "2852039166",
        "0251.0376.0251.0376",
        "0xa9fea9fe",
        "0xA9.0xFE.43518",
        "10.1",
        "192.168.257",
        "3232235777",
        "255.255.255.255",
        "4294967295",
        "224.0.0.1",
        "100.100.100.200",
    ] {
        for url in [
            format!("http://{host}/hook"),
            format!("https://{host}:8443/hook?x=1"),
        ] {
            let problem = check_url(&url, &[]).expect_err(&url);
            assert!(
                matches!(problem, UrlProblem::Address(_)),
                "{url}: {problem:?}"
            );
        }
    }
}

#[test]
fn names_of_the_machine_itself_are_refused_unless_loopback_is_allowed() {
    for name in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.b.LocalHost.",
        "localhost.localdomain",
        "ip6-localhost",
        "ｌｏｃａｌｈｏｓｔ",
        "loc%61lhost",
        "ⓛocalhost",
    ] {
        let url = format!("http://{name}:3000/");
        assert!(
            matches!(check_url(&url, &[]), Err(UrlProblem::LocalName(_))),
            "{url}"
        );
        for allow in ["127.0.0.0/8", "127.0.0.1/32", "::1/128", "0.0.0.0/0"] {
            assert!(
                check_url(&url, &nets(&[allow])).is_ok(),
                "{url} with {allow}"
            );
        }
        assert!(check_url(&url, &nets(&["10.0.0.0/8"])).is_err());
    }
    for name in ["notlocalhost", "localhost.example", "mylocalhost.com"] {
        assert!(check_url(&format!("http://{name}/"), &[]).is_ok(), "{name}");
    }
}

#[test]
fn what_is_not_an_endpoint_is_refused_with_its_reason() {
    let problem = |url: &str| check_url(url, &[]).expect_err(url);
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://example.com/",
        "ws://example.com",
    ] {
        assert!(matches!(problem(url), UrlProblem::Scheme(_)), "{url}");
    }
    for url in [
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://:secret@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
        "https:\\\\user@example.com/",
        "http://127.0.0.1@example.com/",
        "https:user@example.com",
    ] {
        assert_eq!(problem(url), UrlProblem::UserInfo, "{url}");
    }
    for url in [
        "https://example.com/#",
        "https://example.com/a#b",
        "https://example.com#@x",
    ] {
        assert_eq!(problem(url), UrlProblem::Fragment, "{url}");
    }
    for url in ["https://", "https:///", "http://?x"] {
        assert_eq!(problem(url), UrlProblem::NoHost, "{url}");
    }
    for url in [
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:-1/",
        "https://example.com:a/",
    ] {
        assert_eq!(problem(url), UrlProblem::Port, "{url}");
    }
    for url in [
        "https://a..b/",
        "https://./",
        "https://-a.com/",
        "https://a-.com/",
        "https://ex*mple.com/",
        "https://a.b.1/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://[::1/",
        "https://[::g]/",
        "https://a$b.com/",
        &format!("https://{}.com/", "a".repeat(64)),
    ] {
        assert_eq!(problem(url), UrlProblem::Host, "{url}");
    }
    for url in [
        "",
        "example.com/hook",
        "/hook",
        "https://exa mple.com/",
        "https://example.com/\nx",
        " https://example.com/",
        "https://example.com/\t",
        "https:example.com",
        "https:/example.com",
        "https:///example.com",
        "https:example.com/?to=https://example.com",
        "https:\\\\example.com",
        "https://example.com\\hook",
    ] {
        assert!(matches!(problem(url), UrlProblem::Malformed(_)), "{url}");
    }
    let long = format!("https://example.com/{}", "a".repeat(2028));
    assert_eq!(long.len(), 2048);
    assert!(check_url(&long, &[]).is_ok());
    assert_eq!(
        problem(&format!("{long}a")),
        UrlProblem::TooLong { bytes: 2049 }
    );
}

#[test]
fn a_problem_never_repeats_what_may_be_secret() {
    for url in [
        "https://u:s3cret@example.com/s3cret",
        "https://example.com/s3cret#s3cret",
        "ftp://example.com/s3cret",
        "http://10.0.0.1/s3cret",
    ] {
        let text = check_url(url, &[]).expect_err(url).to_string();
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn an_endpoint_knows_its_parts() {
    let check = |url: &str, authority: &str, port: u16, path: &str| {
        let endpoint = check_url(url, &[]).expect(url);
        assert_eq!(
            (
                endpoint.authority(),
                endpoint.port(),
                endpoint.path_and_query()
            ),
            (authority, port, path)
        );
        assert_eq!(Endpoint::parse(&endpoint.url()).as_ref(), Ok(&endpoint));
    };
    check("https://example.com", "example.com", 443, "/");
    check(
        "HTTPS://EXAMPLE.com:443/a b?c=d e"
            .replace(' ', "%20")
            .as_str(),
        "example.com",
        443,
        "/a%20b?c=d%20e",
    );
    check("http://example.com:443/", "example.com:443", 443, "/");
    check("http://example.com?x=1@2", "example.com", 80, "/?x=1@2");
    check("https://example.com/@me", "example.com", 443, "/@me");
    check(
        "https://[2a00:1450:4001::1]:8443/x",
        "[2a00:1450:4001::1]:8443",
        8443,
        "/x",
    );
    check(
        "https://ñandú.example/á",
        "xn--and-6ma2c.example",
        443,
        "/%C3%A1",
    );
    check("https://a_b.example./", "a_b.example.", 443, "/");
}
