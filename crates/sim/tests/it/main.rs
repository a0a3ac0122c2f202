//! Runs a fixed set of seeds, and those that found something.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use heraldo_sim::engine::Kind;
use heraldo_sim::{fingerprint, run, seeds};

const STEPS: u32 = 500;

/// Runs these seeds; the first that fails is shown with its trace.
fn check(seeds: impl IntoIterator<Item = (u64, u32)>) {
    let (mut deliveries, mut starts) = (0, 0);
    for (seed, steps) in seeds {
        match run(seed, steps) {
            Ok(report) => {
                deliveries += report.deliveries;
                starts += report.starts;
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(
        starts as usize >= deliveries / 2,
        "{starts} attempts for {deliveries} deliveries"
    );
}

#[test]
fn whatever_happens_every_accepted_event_is_delivered_given_up_or_cancelled() {
    check((1..=80).map(|seed| (seed, STEPS)));
}

#[test]
fn and_so_with_other_seeds() {
    check((1_001..=1_080).map(|seed| (seed, STEPS)));
}

#[test]
fn seeds_that_found_something_find_it_no_more() {
    check(seeds::found_something());
}

#[test]
fn one_seed_gives_one_run() {
    let all = |seed| fingerprint(seed, STEPS).map_err(|failure| failure.to_string());
    // One in memory, one on SQLite, whose threads must not bring chance into it.
    for seed in [7, 16] {
        assert_eq!(all(seed).unwrap(), all(seed).unwrap());
    }
    assert_ne!(all(7).unwrap(), all(8).unwrap());
    let engine = |seed| run(seed, STEPS).unwrap().engine;
    assert_eq!((engine(7), engine(16)), (Kind::Memory, Kind::Sqlite));
}
