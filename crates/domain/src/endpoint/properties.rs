//! What holds for every address and every text: nothing special passes, in whatever form.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// A v4 address out of one of the special ranges.
fn special() -> impl Strategy<Value = Ipv4Addr> {
    let range = prop::sample::select(vec![
        (0x0000_0000_u32, 8_u32),
        (0x0a00_0000, 8),
        (0x6440_0000, 10),
        (0x7f00_0000, 8),
        (0xa9fe_0000, 16),
        (0xac10_0000, 12),
        (0xc000_0000, 24),
        (0xc000_0200, 24),
        (0xc058_6300, 24),
        (0xc0a8_0000, 16),
        (0xc612_0000, 15),
        (0xc633_6400, 24),
        (0xcb00_7100, 24),
        (0xe000_0000, 4),
        (0xf000_0000, 4),
    ]);
    (range, any::<u32>())
        .prop_map(|((base, bits), low)| Ipv4Addr::from_bits(base | (low & (u32::MAX >> bits))))
}

/// Every IPv6 form that carries the IPv4 address.
fn embeddings(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let bits = u128::from(address.to_bits());
    vec![
        address.to_ipv6_mapped(),
        Ipv6Addr::from_bits(bits),
        Ipv6Addr::from_bits(0xffff << 48 | bits),
        Ipv6Addr::from_bits(0x0064_ff9b << 96 | bits),
        Ipv6Addr::from_bits(0x0064_ff9b_0001 << 80 | bits),
        Ipv6Addr::from_bits(0x0064_ff9b_0001 << 80 | (bits >> 16) << 64 | (bits & 0xffff) << 40),
        Ipv6Addr::from_bits(0x2002 << 112 | bits << 80),
        Ipv6Addr::from_bits(0x2001 << 112 | bits << 64),
        Ipv6Addr::from_bits(0x2001 << 112 | (!bits & 0xffff_ffff)),
        Ipv6Addr::from_bits(0x2a00_1450 << 96 | 0x5efe << 32 | bits),
    ]
}

proptest! {
    #[test]
    fn no_special_address_passes_in_any_embedded_form(address in special()) {
        prop_assert!(vet(IpAddr::V4(address), &[]).is_err());
        for embedded in embeddings(address) {
            prop_assert!(vet(IpAddr::V6(embedded), &[]).is_err(), "{embedded}");
        }
    }

    #[test]
    fn no_special_address_passes_in_any_notation(address in special(), form in 0_usize..7) {
        let [a, b, c, d] = address.octets();
        let bits = address.to_bits();
        let host = match form {
            0 => format!("{bits}"),
            1 => format!("0{bits:o}"),
            2 => format!("{bits:#x}"),
            3 => format!("0{a:o}.{b:#x}.{c}.0{d:o}"),
            4 => format!("{a}.{}", bits & 0x00ff_ffff),
            5 => format!("{a}.{b}.{:#X}", bits & 0xffff).replace("0X", "0x"),
            _ => address.to_string().replace('.', "%2E"),
        };
        let result = check_url(&format!("https://{host}/x"), &[]);
        prop_assert!(matches!(result, Err(UrlProblem::Address(_))), "{host}: {result:?}");
    }

    #[test]
    fn only_unicast_of_the_public_internet_passes(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        if vet(IpAddr::V6(address), &[]).is_ok() {
            prop_assert_eq!(bits >> 125, 1);
        }
    }

    #[test]
    fn parsing_never_panics_and_what_parses_parses_again(raw in "\\PC{0,60}", tail in "[a-z0-9.:@/\\\\?#\\[\\]%-]{0,40}") {
        for url in [raw.clone(), format!("https://{tail}"), format!("http://{raw}")] {
            if let Ok(endpoint) = check_url(&url, &[]) {
                let again = check_url(&endpoint.url(), &[]);
                prop_assert_eq!(again.as_ref(), Ok(&endpoint));
            }
        }
    }
}
