//! Names that lead where they should not, and names that lead nowhere.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::join_all;
use heraldo_delivery::guard::{vet, vet_all};
use heraldo_delivery::transport::{Resolve, TransportConfig};
use heraldo_wire::attempt::{ErrorClass, Phase};
use proptest::prelude::*;
use tokio::sync::Semaphore;

use crate::receiver::{BRIEF, Bed, OK, loopback_allowed, with_body};

/// Answers each lookup with the next list; the last one stays.
struct Scripted {
    answers: Mutex<VecDeque<io::Result<Vec<IpAddr>>>>,
    lookups: AtomicUsize,
    permits: Semaphore,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |list: &&[&str]| Ok(list.iter().map(|ip| ip.parse().unwrap()).collect());
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parsed).collect()),
            lookups: AtomicUsize::new(0),
            permits: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    /// Holds every lookup back until permits are given.
    fn held(answers: &[&[&str]]) -> Arc<Self> {
        let scripted = Self::new(answers);
        scripted.permits.forget_permits(Semaphore::MAX_PERMITS);
        scripted
    }

    fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 {
            return answers.pop_front().unwrap();
        }
        match answers.front() {
            Some(Ok(list)) => Ok(list.clone()),
            _ => Err(io::Error::other("no such name")),
        }
    }
}

fn strict() -> TransportConfig {
    TransportConfig::default()
}

#[tokio::test]
async fn a_special_address_in_the_url_is_refused_without_a_connection() {
    let bed = Bed::with(strict());
    let receiver = bed.answering(OK).await;
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let failure = bed.failure(&receiver.url_of("http", host)).await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::AddressRefused, None),
            "{host}"
        );
        assert!(
            failure.detail.contains("HERALDO_ALLOW_NETWORKS"),
            "{}",
            failure.detail
        );
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_special_address_is_refused_without_a_connection() {
    for address in [
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "0.0.0.0",
    ] {
        let bed = Bed::with_resolver(strict(), Scripted::new(&[&[address]]));
        let receiver = bed.answering(OK).await;
        let failure = bed
            .failure(&receiver.url_of("http", "receiver.example"))
            .await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::AddressRefused, Some(Phase::Resolve))
        );
        assert_eq!(receiver.connections(), 0, "{address}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_range_and_not_what_an_inner_name_resolves_to() {
    let bed = Bed::with_resolver(strict(), Scripted::new(&[&["10.1.2.3"]]));
    let failure = bed.failure("http://database.internal/").await;
    assert!(failure.detail.contains("10.0.0.0/8"), "{}", failure.detail);
    assert!(!failure.detail.contains("10.1.2.3"), "{}", failure.detail);
}

#[tokio::test]
async fn a_name_that_turns_special_between_two_deliveries_is_refused() {
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let config = TransportConfig {
        allow_networks: vec!["127.0.0.1/32".parse().unwrap()],
        ..strict()
    };
    let bed = Bed::with_resolver(config, Arc::clone(&resolver) as Arc<dyn Resolve>);
    let receiver = bed
        .answering(with_body("200 OK\r\nconnection: close", b"ok"))
        .await;
    let url = receiver.url_of("http", "rebinding.example");
    let report = bed.send(&url).await;
    assert!(report.timings.resolve_ms.is_some());
    assert_eq!(report.outcome.unwrap().status, 200);
    // One lookup: the address that was vetted is the address that was called.
    assert_eq!(resolver.lookups(), 1);
    assert_eq!(bed.failure(&url).await.class, ErrorClass::AddressRefused);
    assert_eq!(resolver.lookups(), 2);
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn refused_addresses_of_a_name_are_passed_over() {
    let resolver = Scripted::new(&[&["::1", "10.0.0.1", "127.0.0.1"]]);
    let bed = Bed::with_resolver(loopback_allowed(), resolver);
    let receiver = bed.answering(OK).await;
    assert_eq!(
        bed.answer(&receiver.url_of("http", "localhost"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses_the_connection() {
    let resolver = Scripted::new(&[&["127.0.0.2", "127.0.0.3", "127.0.0.1"]]);
    let bed = Bed::with_resolver(loopback_allowed(), resolver);
    let receiver = bed.answering(OK).await;
    assert_eq!(
        bed.answer(&receiver.url_of("http", "receiver.example"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_failure() {
    for resolver in [Scripted::new(&[]), Scripted::new(&[&[]])] {
        let bed = Bed::with_resolver(loopback_allowed(), resolver);
        let failure = bed.failure("https://nowhere.example/s3cret").await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::Dns, Some(Phase::Resolve))
        );
        assert!(
            failure.detail.contains("nowhere.example"),
            "{}",
            failure.detail
        );
        assert!(!failure.detail.contains("s3cret"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_ends_at_the_deadline() {
    let bed = Bed::with_resolver(loopback_allowed(), Scripted::held(&[]));
    let report = bed.send_within("http://slow.example/", BRIEF).await;
    assert!(report.timings.resolve_ms.is_some() && report.timings.connect_ms.is_none());
    let failure = report.outcome.unwrap_err();
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::Resolve))
    );
}

#[tokio::test]
async fn those_who_wait_for_the_same_name_share_one_lookup_and_nothing_is_cached() {
    let resolver = Scripted::held(&[&["127.0.0.1"]]);
    let bed = Bed::with_resolver(
        loopback_allowed(),
        Arc::clone(&resolver) as Arc<dyn Resolve>,
    );
    let receiver = bed
        .answering(with_body("200 OK\r\nconnection: close", b"ok"))
        .await;
    let url = receiver.url_of("http", "receiver.example");
    // The one whose turn came first gives up; the lookup goes on for the others.
    let first = bed.send_within(&url, BRIEF);
    let others = join_all((0..5).map(|_| bed.send(&url)));
    let (first, others) = tokio::join!(
        async {
            let report = first.await;
            resolver.permits.add_permits(1);
            report
        },
        others
    );
    assert_eq!(first.outcome.unwrap_err().phase, Some(Phase::Resolve));
    for report in others {
        assert_eq!(report.outcome.unwrap().status, 200);
    }
    assert_eq!(resolver.lookups(), 1);
    resolver.permits.add_permits(1);
    assert_eq!(bed.answer(&url).await.status, 200);
    assert_eq!(resolver.lookups(), 2);
}

proptest! {
    #[test]
    fn what_the_guard_lets_pass_was_vetted(addresses in proptest::collection::vec(any::<IpAddr>(), 0..20)) {
        match vet_all(&addresses, &[]) {
            Ok(passed) => {
                prop_assert!(passed.iter().all(|a| addresses.contains(a) && vet(*a, &[]).is_ok()));
                prop_assert!(!passed.is_empty() || addresses.is_empty());
            }
            Err(_) => prop_assert!(addresses.iter().all(|a| vet(*a, &[]).is_err())),
        }
    }
}
