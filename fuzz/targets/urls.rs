//! Endpoints through the network guard.
#![no_main]

use heraldo_delivery::transport::{Proxy, Target};
use heraldo_domain::endpoint::{Peer, check_url, vet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    // A proxy's address is read by other rules.
    let _ = Proxy::parse(input);
    let Ok(endpoint) = check_url(input, &[]) else {
        return;
    };
    let again = check_url(&endpoint.url(), &[]);
    assert_eq!(again.as_ref(), Ok(&endpoint), "it does not parse to itself");
    match endpoint.peer() {
        Peer::Address(address) => assert_eq!(vet(*address, &[]), Ok(())),
        Peer::Name(name) => {
            let is_address = name.parse::<std::net::IpAddr>().is_ok();
            assert!(!is_address && !name.is_empty(), "{name}");
        }
    }
    assert!(Target::new(endpoint).is_ok(), "accepted, but not callable");
});
