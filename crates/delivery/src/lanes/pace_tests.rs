//! How fast a lane may go: its rate over time, and fewer attempts at once while they time out.

use heraldo_wire::api::WebhookStatus;

use super::tests::{
    BODY_BYTES, LATER, NOW, claimed, delivery, finish, hand_over, lanes, limits, webhook, webhooks,
};
use super::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn rate(per_second: u32) -> LaneSettings {
    LaneSettings {
        rate_per_second: Some(per_second),
        concurrency: Some(100),
        ..LaneSettings::default()
    }
}

/// Reads what is stale and sets it for the first webhook; returns what is to be given back.
fn configure_at(lanes: &mut Lanes, settings: LaneSettings, now: Timestamp) -> Vec<Leased> {
    let mut back = Vec::new();
    lanes.mark_stale(Some(webhook(1)));
    for (id, mark) in lanes.stale() {
        back.extend(lanes.configure(id, mark, settings, now));
    }
    // The settings were in doubt for a moment: nothing waits in the store all the same.
    for plan in lanes.plan_claims(now) {
        let mark = lanes.deferred(plan.webhook_id);
        let late = lanes.claimed(plan, claimed(Vec::new(), true, mark));
        assert!(late.is_empty());
    }
    back
}

/// Lanes opened at 0 ms whose first webhook has these settings.
fn lanes_with(settings: LaneSettings) -> Lanes {
    let mut lanes = Lanes::new(Limits {
        in_flight_max: 100,
        window_max: 100,
        ..limits()
    });
    lanes.open(at(0));
    let _ = configure_at(&mut lanes, settings, at(0));
    lanes
}

fn give(lanes: &mut Lanes, inspections: std::ops::Range<u64>) {
    let count = inspections.clone().count();
    let given = hand_over(lanes, inspections.map(|n| delivery(webhook(1), n, 1)));
    assert_eq!(given, count);
}

/// Sends all that may be sent now and ends it at once.
fn send_all(lanes: &mut Lanes, now: Timestamp) -> usize {
    let mut sent = 0;
    while let Some((_, mut hold)) = lanes.next_start(now) {
        lanes.sending(&mut hold, now);
        finish(lanes, &hold);
        sent += 1;
    }
    sent
}

#[test]
fn a_rate_is_kept_and_the_lanes_say_when_to_come_back() {
    let mut lanes = lanes_with(rate(3));
    give(&mut lanes, 0..10);
    let mut sent = Vec::new();
    let mut now = at(1_000);
    while lanes.held(webhook(1)) > 0 {
        sent.push((now.as_millis(), send_all(&mut lanes, now)));
        now = lanes.next_wake().unwrap_or(now);
    }
    assert_eq!(sent, [(1_000, 3), (2_000, 3), (3_000, 3), (4_000, 1)]);
}

#[test]
fn what_was_sent_before_the_lanes_were_opened_counts_although_nobody_knows_of_it() {
    let mut lanes = lanes_with(rate(5));
    give(&mut lanes, 0..1);
    assert!(lanes.next_start(at(999)).is_none());
    assert_eq!(lanes.next_wake(), Some(at(1_000)));
    assert!(lanes.wake_is_earlier() && !lanes.wake_is_earlier());
    assert!(lanes.next_start(at(1_000)).is_some());
}

#[test]
fn a_token_that_is_taken_and_not_yet_spent_is_waited_for() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..2);
    let (_, mut hold) = lanes.next_start(at(5_000)).unwrap();
    assert!(lanes.next_start(at(9_000)).is_none());
    assert_eq!(lanes.next_wake(), None, "nobody knows when it is sent");
    lanes.wake_is_earlier();
    lanes.sending(&mut hold, at(9_000));
    assert!(lanes.wake_is_earlier(), "somebody has to look");
    assert!(lanes.next_start(at(9_999)).is_none());
    assert_eq!(lanes.next_wake(), Some(at(10_000)));
    assert!(lanes.next_start(at(10_000)).is_some());
}

#[test]
fn what_was_not_sent_gives_its_token_back() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..2);
    let (_, hold) = lanes.next_start(at(5_000)).unwrap();
    finish(&mut lanes, &hold);
    assert!(lanes.next_start(at(5_000)).is_some());
}

#[test]
fn a_lane_that_waits_for_its_rate_holds_up_no_other() {
    let mut lanes = lanes(limits());
    let _ = configure_at(&mut lanes, rate(1), NOW);
    give(&mut lanes, 0..3);
    hand_over(&mut lanes, (0..2).map(|n| delivery(webhook(2), n, 1)));
    assert_eq!(
        webhooks(&start_all_at(&mut lanes, NOW)),
        [webhook(2), webhook(2)]
    );
}

fn start_all_at(lanes: &mut Lanes, now: Timestamp) -> Vec<(Leased, Hold)> {
    std::iter::from_fn(|| lanes.next_start(now)).collect()
}

#[test]
fn a_rate_that_is_set_under_load_counts_what_was_sent_without_one() {
    let mut lanes = lanes_with(LaneSettings {
        concurrency: Some(100),
        ..LaneSettings::default()
    });
    give(&mut lanes, 0..20);
    assert_eq!(send_all(&mut lanes, at(3_000)), 20);
    let _ = configure_at(&mut lanes, rate(5), at(3_000));
    give(&mut lanes, 20..30);
    assert_eq!(send_all(&mut lanes, at(3_999)), 0);
    assert_eq!(send_all(&mut lanes, at(4_000)), 5);
    let _ = configure_at(&mut lanes, LaneSettings::default(), at(4_000));
    assert_eq!(send_all(&mut lanes, at(4_000)), 5, "and none any more");
}

#[test]
fn a_disabled_webhook_is_remembered_as_long_as_its_rate_counts() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..1);
    assert_eq!(send_all(&mut lanes, at(5_000)), 1);
    let disabled = LaneSettings {
        status: Some(WebhookStatus::Disabled),
        ..rate(1)
    };
    let _ = configure_at(&mut lanes, disabled, at(5_000));
    lanes.forget(webhook(1), at(5_000));
    let _ = configure_at(&mut lanes, rate(1), at(5_001));
    give(&mut lanes, 1..2);
    assert_eq!(send_all(&mut lanes, at(5_999)), 0);
    assert_eq!(send_all(&mut lanes, at(6_000)), 1);
    let _ = configure_at(&mut lanes, disabled, at(6_001));
    let _ = configure_at(&mut lanes, disabled, at(6_001));
    lanes.forget(webhook(1), at(6_001));
    assert_eq!(lanes.next_wake(), Some(at(7_000)));
    assert_eq!(lanes.plan_claims(at(7_000)), []);
    assert_eq!(
        lanes.stale().len(),
        1,
        "it is read again, and forgotten then"
    );
}

#[test]
fn what_was_sent_under_a_rate_that_was_taken_away_counts_for_the_next_one() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..1);
    assert_eq!(send_all(&mut lanes, at(5_000)), 1);
    let without = LaneSettings {
        status: Some(WebhookStatus::Disabled),
        rate_per_second: None,
        ..rate(1)
    };
    let _ = configure_at(&mut lanes, without, at(5_000));
    assert!(!lanes.forget(webhook(1), at(5_000)));
    let _ = configure_at(&mut lanes, rate(1), at(5_001));
    give(&mut lanes, 1..2);
    assert_eq!(send_all(&mut lanes, at(5_999)), 0);
    assert_eq!(send_all(&mut lanes, at(6_001)), 1);
}

#[test]
fn what_waits_for_a_rate_goes_back_at_once_when_its_webhook_is_paused() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..3);
    assert_eq!(send_all(&mut lanes, at(5_000)), 1);
    let paused = LaneSettings {
        status: Some(WebhookStatus::Paused),
        ..rate(1)
    };
    assert_eq!(configure_at(&mut lanes, paused, at(5_000)).len(), 2);
    for _ in 0..2 {
        lanes.returned(webhook(1), BODY_BYTES);
    }
    assert_eq!((lanes.in_flight(), lanes.next_wake()), (0, None));
}

#[test]
fn a_clock_that_was_set_back_makes_no_lane_wait_for_it() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..2);
    assert_eq!(send_all(&mut lanes, at(9_000_000)), 1);
    assert!(lanes.next_start(at(9_000_500)).is_none());
    assert!(lanes.next_start(at(4_000)).is_none());
    let wake = lanes.next_wake().unwrap();
    assert!(wake <= at(5_000), "{wake:?}");
    assert!(lanes.next_start(wake).is_some());
}

#[test]
fn a_clock_that_was_set_back_keeps_no_lane_whose_rate_was_taken_away() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..1);
    assert_eq!(send_all(&mut lanes, at(9_000_000)), 1);
    let without = LaneSettings {
        status: Some(WebhookStatus::Disabled),
        rate_per_second: None,
        ..rate(1)
    };
    let _ = configure_at(&mut lanes, without, at(9_000_000));
    assert!(!lanes.forget(webhook(1), at(9_000_000)));
    assert!(!lanes.forget(webhook(1), at(4_000)));
    assert_eq!(lanes.next_wake(), Some(at(5_000)));
    assert!(!lanes.forget(webhook(1), at(4_999)));
    assert!(lanes.forget(webhook(1), at(5_000)));
}

#[test]
fn a_time_told_a_little_out_of_turn_changes_nothing() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..2);
    assert_eq!(send_all(&mut lanes, at(5_000)), 1);
    assert!(lanes.next_start(at(4_700)).is_none());
    assert_eq!(lanes.next_wake(), Some(at(6_000)));
}

#[test]
fn closed_lanes_wait_for_nothing() {
    let mut lanes = lanes_with(rate(1));
    give(&mut lanes, 0..3);
    assert_eq!(send_all(&mut lanes, at(5_000)), 1);
    assert_eq!(lanes.close().len(), 2);
    assert_eq!(lanes.next_wake(), None);
}

#[test]
fn attempts_that_time_out_leave_their_webhook_fewer_slots_until_others_are_delivered() {
    let mut lanes = lanes_with(LaneSettings {
        concurrency: Some(8),
        ..LaneSettings::default()
    });
    give(&mut lanes, 0..60);
    let mut under_way = start_all_at(&mut lanes, at(0));
    assert_eq!(under_way.len(), 8);
    // The receiver is dead: all eight time out, and one at a time is tried from then on.
    for (_, hold) in under_way.drain(..) {
        lanes.ended(&hold, Sign::TimedOut);
        lanes.settled(&hold, None);
    }
    let mut sizes = Vec::new();
    for _ in 0..12 {
        under_way.extend(start_all_at(&mut lanes, at(0)));
        sizes.push(under_way.len());
        let (_, hold) = under_way.remove(0);
        lanes.ended(&hold, Sign::Delivered);
        lanes.settled(&hold, None);
    }
    assert_eq!(sizes, [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5]);
}

#[test]
fn a_webhook_whose_attempts_time_out_keeps_less_in_memory() {
    let mut lanes = Lanes::new(Limits {
        window_max: 100,
        window_per_slot: 10,
        ..limits()
    });
    lanes.open(at(0));
    let settings = LaneSettings {
        concurrency: Some(4),
        ..LaneSettings::default()
    };
    let _ = configure_at(&mut lanes, settings, at(0));
    let many = |from: u64| (from..from + 100).map(|n| delivery(webhook(1), n, 1));
    assert_eq!(hand_over(&mut lanes, many(0)), 40, "10 for each slot");
    for (_, hold) in start_all_at(&mut lanes, at(0)) {
        lanes.ended(&hold, Sign::TimedOut);
        lanes.settled(&hold, None);
    }
    // One slot is left: nothing is asked for before less than half of its window is full.
    assert_eq!(lanes.held(webhook(1)), 36);
    assert_eq!(lanes.plan_claims(at(0)), []);
}

#[test]
fn a_webhook_that_nobody_has_read_gets_no_room() {
    let mut lanes = lanes(limits());
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(4), 1, 1)]), 0);
    assert_eq!(lanes.stale().len(), 1);
}

#[test]
fn a_receiver_that_wants_time_gets_it_and_nobody_else_waits() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, (0..4).map(|n| delivery(webhook(1), n, 1)));
    hand_over(&mut lanes, (0..1).map(|n| delivery(webhook(2), n, 1)));
    let (_, first) = lanes.next_start(NOW).unwrap();
    lanes.ended(&first, Sign::Hold(LATER));
    // What was under way already says the same, for a shorter time.
    lanes.ended(&first, Sign::Hold(NOW));
    assert_eq!(webhooks(&start_all_at(&mut lanes, NOW)), [webhook(2)]);
    assert_eq!(lanes.next_wake(), Some(LATER));
    assert_eq!(
        webhooks(&start_all_at(&mut lanes, LATER)),
        [webhook(1), webhook(1)]
    );
}
