//! What recoveries send again gives way to what is fresh.

use heraldo_wire::attempt::Cause;

use super::tests::{delivery, finish, hand_over, lanes, limits, start_all, webhook};
use super::*;

const ONE: u64 = 1;

fn low(number: u64) -> Leased {
    Leased {
        cause: Cause::Recover,
        attempts: 1,
        ..delivery(webhook(ONE), number, 1)
    }
}

fn fresh(number: u64) -> Leased {
    delivery(webhook(ONE), number, 1)
}

fn numbers(started: &[(Leased, Hold)]) -> Vec<u64> {
    started
        .iter()
        .map(|(delivery, _)| delivery.inspection_id.0.key())
        .collect()
}

/// One lane with so many slots.
fn lane_of(concurrency: usize) -> Lanes {
    lanes(Limits {
        concurrency,
        in_flight_max: 100,
        window_max: 100,
        ..limits()
    })
}

#[test]
fn what_is_fresh_starts_before_what_a_recovery_sends_again() {
    let mut lanes = lane_of(1);
    assert_eq!(hand_over(&mut lanes, [low(1), low(2)]), 2);
    let first = start_all(&mut lanes);
    assert_eq!(numbers(&first), [1]);
    assert_eq!(hand_over(&mut lanes, [fresh(3), fresh(4)]), 2);
    let mut order = Vec::new();
    let mut under_way = first;
    while let Some((_, hold)) = under_way.pop() {
        finish(&mut lanes, &hold);
        under_way = start_all(&mut lanes);
        order.extend(numbers(&under_way));
    }
    assert_eq!(order, [3, 4, 2]);
}

#[test]
fn a_recovery_takes_half_of_the_slots_and_leaves_the_others_to_what_is_fresh() {
    let mut lanes = lane_of(4);
    hand_over(&mut lanes, (1..=8).map(low));
    let recovered = start_all(&mut lanes);
    assert_eq!(numbers(&recovered), [1, 2]);
    hand_over(&mut lanes, (11..=18).map(fresh));
    let started = start_all(&mut lanes);
    assert_eq!(
        numbers(&started),
        [11, 12],
        "at once, though two are under way"
    );
    finish(&mut lanes, &recovered[0].1);
    assert_eq!(numbers(&start_all(&mut lanes)), [13]);
}

#[test]
fn a_lane_is_calm_while_nothing_fresh_waits_and_little_else() {
    let mut lanes = lane_of(2);
    let id = webhook(ONE);
    assert!(lanes.is_calm(id));
    assert!(!lanes.is_calm(webhook(9)), "nobody knows its settings");
    // What is under way holds nobody up.
    hand_over(&mut lanes, [fresh(1), fresh(2)]);
    assert!(!lanes.is_calm(id));
    let started = start_all(&mut lanes);
    assert!(lanes.is_calm(id));
    hand_over(&mut lanes, (10..60).map(low));
    assert!(!lanes.is_calm(id), "enough of low priority waits");
    for (_, hold) in started {
        finish(&mut lanes, &hold);
    }
    let mut under_way = start_all(&mut lanes);
    while !lanes.is_calm(id) {
        for (_, hold) in under_way {
            finish(&mut lanes, &hold);
        }
        under_way = start_all(&mut lanes);
    }
    // Something fresh had to be refused room: it waits in the store.
    lanes.mark_stale(Some(id));
    assert!(!lanes.is_calm(id));
    assert!(!lanes.reserve(id, 1));
    for (webhook, mark) in lanes.stale() {
        let _ = lanes.configure(webhook, mark, LaneSettings::default(), Timestamp::default());
    }
    assert!(!lanes.is_calm(id));
}

#[test]
fn what_a_recovery_sends_again_goes_back_to_the_store_like_all_else() {
    let mut lanes = lane_of(1);
    hand_over(&mut lanes, [low(1), low(2), fresh(3)]);
    assert_eq!(lanes.close().len(), 3);
    assert_eq!(numbers(&start_all(&mut lanes)), Vec::<u64>::new());
}
