//! Which delivery may start next: turns between lanes, order within an inspection, windows and limits.

use bytes::Bytes;
use heraldo_domain::delivery::{Claimed, Epoch, Fallback};
use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, Id};

use super::*;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_000);
pub(super) const LATER: Timestamp = Timestamp::from_millis(2_000);
pub(super) const BODY_BYTES: usize = 100;

pub(super) fn webhook(number: u64) -> WebhookId {
    WebhookId(Id::from_parts(number, 0))
}

pub(super) fn delivery(webhook_id: WebhookId, inspection: u64, sequence: u32) -> Leased {
    Leased {
        delivery_id: DeliveryId(Id::from_parts(inspection, sequence)),
        webhook_id,
        company_id: CompanyId::default(),
        event_id: EventId::default(),
        event_type: EventType::InspectionCreated,
        inspection_id: InspectionId(Id::from_parts(inspection, 0)),
        sequence,
        body: Bytes::from(vec![0; BODY_BYTES]),
        test: false,
        lease: Epoch(1),
        attempts: 0,
        scheduled_attempts: 0,
        cause: Cause::First,
        first_attempt_at: None,
        fallback: Fallback::Schedule,
        recovered: false,
        interruptions: 0,
        strict: false,
    }
}

pub(super) fn limits() -> Limits {
    Limits {
        in_flight_max: 4,
        concurrency: 2,
        window_max: 8,
        window_per_slot: 100,
        window_min: 1,
        bytes_max: 100 * BODY_BYTES,
        claim_max: 4,
    }
}

/// Open lanes whose webhooks 1 to 3 are known and enabled.
pub(super) fn lanes(limits: Limits) -> Lanes {
    let mut lanes = Lanes::new(limits);
    lanes.open(NOW);
    for number in 1..=3 {
        lanes.mark_stale(Some(webhook(number)));
    }
    for (id, mark) in lanes.stale() {
        let _ = lanes.configure(id, mark, LaneSettings::default(), NOW);
    }
    lanes
}

/// Hands over what there is room for, as an engine does, and says how many were taken.
pub(super) fn hand_over(lanes: &mut Lanes, deliveries: impl IntoIterator<Item = Leased>) -> usize {
    let taken: Vec<_> = deliveries
        .into_iter()
        .filter(|delivery| lanes.reserve(delivery.webhook_id, delivery.body.len()))
        .collect();
    let count = taken.len();
    assert!(lanes.push(taken).is_empty(), "open lanes take everything");
    count
}

pub(super) fn start_all(lanes: &mut Lanes) -> Vec<(Leased, Hold)> {
    std::iter::from_fn(|| lanes.next_start(NOW)).collect()
}

pub(super) fn webhooks(started: &[(Leased, Hold)]) -> Vec<WebhookId> {
    started
        .iter()
        .map(|(delivery, _)| delivery.webhook_id)
        .collect()
}

pub(super) fn finish(lanes: &mut Lanes, hold: &Hold) {
    lanes.ended(hold, Sign::Other);
    lanes.settled(hold, None);
}

pub(super) fn claimed(leased: Vec<Leased>, exhausted: bool, deferred_mark: u64) -> Claimed {
    Claimed {
        leased,
        exhausted,
        next_due_at: None,
        deferred_mark,
    }
}

#[test]
fn slots_go_to_the_lanes_in_turn() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, (0..4).map(|n| delivery(webhook(1), n, 1)));
    hand_over(&mut lanes, (0..4).map(|n| delivery(webhook(2), n, 1)));
    let started = start_all(&mut lanes);
    assert_eq!(
        webhooks(&started),
        [webhook(1), webhook(2), webhook(1), webhook(2)]
    );
}

#[test]
fn a_lane_with_nothing_under_way_starts_even_when_dead_ones_hold_every_slot() {
    let mut lanes = lanes(Limits {
        in_flight_max: 2,
        ..limits()
    });
    hand_over(&mut lanes, (0..4).map(|n| delivery(webhook(1), n, 1)));
    assert_eq!(start_all(&mut lanes).len(), 2);
    hand_over(&mut lanes, (0..4).map(|n| delivery(webhook(2), n, 1)));
    assert_eq!(webhooks(&start_all(&mut lanes)), [webhook(2)]);
}

#[test]
fn first_attempts_of_one_inspection_start_one_after_the_other() {
    let mut lanes = lanes(limits());
    hand_over(
        &mut lanes,
        [1, 2].map(|sequence| delivery(webhook(1), 7, sequence)),
    );
    hand_over(&mut lanes, [delivery(webhook(1), 8, 1)]);
    let started = start_all(&mut lanes);
    let order: Vec<_> = started
        .iter()
        .map(|(delivery, _)| (delivery.inspection_id, delivery.sequence))
        .collect();
    let inspection = |number| InspectionId(Id::from_parts(number, 0));
    assert_eq!(order, [(inspection(7), 1), (inspection(8), 1)]);
    // A failed first attempt frees the next just as a delivered one: only its end counts.
    lanes.ended(&started[0].1, Sign::Other);
    lanes.settled(&started[0].1, Some(LATER));
    let next = start_all(&mut lanes);
    assert_eq!(next[0].0.sequence, 2);
}

#[test]
fn a_webhook_without_order_starts_everything_at_once() {
    let mut lanes = lanes(limits());
    lanes.mark_stale(Some(webhook(1)));
    let (id, mark) = lanes.stale()[0];
    let settings = LaneSettings {
        ordering: Ordering::None,
        ..LaneSettings::default()
    };
    let _ = lanes.configure(id, mark, settings, NOW);
    // The settings were in doubt for a moment: the store is looked at before room is given again.
    hand_over(
        &mut lanes,
        [1, 2].map(|sequence| delivery(webhook(1), 7, sequence)),
    );
    assert_eq!(start_all(&mut lanes).len(), 2);
}

#[test]
fn a_retry_waits_for_no_first_attempt() {
    let mut lanes = lanes(limits());
    let retry = Leased {
        cause: Cause::Retry,
        attempts: 1,
        ..delivery(webhook(1), 7, 1)
    };
    hand_over(&mut lanes, [delivery(webhook(1), 7, 2), retry]);
    assert_eq!(start_all(&mut lanes).len(), 2);
}

#[test]
fn after_one_refusal_everything_waits_until_the_store_is_empty_of_it() {
    let mut lanes = lanes(limits());
    assert_eq!(
        hand_over(&mut lanes, (0..20).map(|n| delivery(webhook(1), n, 1))),
        8
    );
    let started = start_all(&mut lanes);
    // Room again, but older ones wait in the store: the new one may not overtake them.
    started
        .iter()
        .for_each(|(_, hold)| finish(&mut lanes, hold));
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 90, 1)]), 0);
    start_all(&mut lanes)
        .iter()
        .for_each(|(_, hold)| finish(&mut lanes, hold));

    let plan = lanes.plan_claims(NOW)[0];
    assert_eq!((plan.webhook_id, plan.limit), (webhook(1), 4));
    assert_eq!(lanes.plan_claims(NOW), [], "one claim at a time");
    let mark = lanes.deferred(webhook(1));
    let found = (8..12).map(|n| delivery(webhook(1), n, 1)).collect();
    assert!(lanes.claimed(plan, claimed(found, false, mark)).is_empty());
    assert_eq!(
        hand_over(&mut lanes, [delivery(webhook(1), 91, 1)]),
        0,
        "there is still more"
    );
}

#[test]
fn a_refusal_during_a_claim_keeps_the_backlog() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, (0..9).map(|n| delivery(webhook(1), n, 1)));
    for _ in 0..4 {
        start_all(&mut lanes)
            .iter()
            .for_each(|(_, hold)| finish(&mut lanes, hold));
    }
    let plan = lanes.plan_claims(NOW)[0];
    let mark = lanes.deferred(webhook(1));
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 50, 1)]), 0);
    let found = vec![delivery(webhook(1), 8, 1)];
    assert!(lanes.claimed(plan, claimed(found, true, mark)).is_empty());
    // The claim had not seen number 50: it is asked for again before anything newer is let past it.
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 51, 1)]), 0);
    start_all(&mut lanes)
        .iter()
        .for_each(|(_, hold)| finish(&mut lanes, hold));
    let plan = lanes.plan_claims(NOW)[0];
    let mark = lanes.deferred(webhook(1));
    let found = [50, 51].map(|n| delivery(webhook(1), n, 1)).to_vec();
    assert!(lanes.claimed(plan, claimed(found, true, mark)).is_empty());
    assert_eq!(
        hand_over(&mut lanes, [delivery(webhook(1), 52, 1)]),
        1,
        "the way is free again"
    );
}

#[test]
fn a_due_time_is_claimed_when_it_comes_and_not_before() {
    let mut lanes = lanes(limits());
    lanes.due(webhook(1), LATER);
    assert_eq!(lanes.plan_claims(NOW), []);
    assert_eq!(lanes.next_wake(), Some(LATER));
    assert_eq!(
        hand_over(&mut lanes, [delivery(webhook(1), 1, 1)]),
        1,
        "a planned retry blocks nobody"
    );
    let plans = lanes.plan_claims(LATER);
    assert_eq!(plans.len(), 1);
    assert_eq!(lanes.next_wake(), None);
}

#[test]
fn a_failed_claim_is_made_again_after_a_pause() {
    let mut lanes = lanes(limits());
    lanes.due(webhook(1), NOW);
    let plan = lanes.plan_claims(NOW)[0];
    lanes.claim_failed(plan, LATER);
    assert_eq!(lanes.plan_claims(NOW), []);
    assert_eq!(lanes.plan_claims(LATER), [plan]);
}

#[test]
fn a_paused_webhook_keeps_everything_in_the_store_and_flows_when_enabled() {
    let mut lanes = lanes(limits());
    let configure = |lanes: &mut Lanes, status| {
        lanes.mark_stale(Some(webhook(1)));
        let (id, mark) = lanes.stale()[0];
        let _ = lanes.configure(
            id,
            mark,
            LaneSettings {
                status,
                ..LaneSettings::default()
            },
            NOW,
        );
    };
    configure(&mut lanes, Some(WebhookStatus::Paused));
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 1, 1)]), 0);
    assert_eq!(lanes.plan_claims(LATER), []);
    configure(&mut lanes, Some(WebhookStatus::Enabled));
    assert_eq!(lanes.plan_claims(LATER).len(), 1);
}

#[test]
fn settings_that_change_while_they_are_read_are_read_again() {
    let mut lanes = lanes(limits());
    lanes.mark_stale(Some(webhook(1)));
    let (id, mark) = lanes.stale()[0];
    lanes.mark_stale(Some(webhook(1)));
    let _ = lanes.configure(id, mark, LaneSettings::default(), NOW);
    assert_eq!(lanes.stale().len(), 1, "the newer mark stays");
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 1, 1)]), 0);
}

#[test]
fn memory_is_bounded_but_every_lane_keeps_a_minimum() {
    let mut lanes = lanes(Limits {
        bytes_max: 3 * BODY_BYTES,
        ..limits()
    });
    assert_eq!(
        hand_over(&mut lanes, (0..9).map(|n| delivery(webhook(1), n, 1))),
        3
    );
    assert_eq!(
        hand_over(&mut lanes, (0..9).map(|n| delivery(webhook(2), n, 1))),
        1
    );
    assert_eq!(lanes.bytes(), 4 * BODY_BYTES);
}

#[test]
fn what_was_held_is_free_again_in_the_end() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, (0..8).map(|n| delivery(webhook(1), n, 1)));
    while let Some((_, hold)) = lanes.next_start(NOW) {
        finish(&mut lanes, &hold);
    }
    assert_eq!((lanes.in_flight(), lanes.bytes()), (0, 0));
    assert_eq!(
        hand_over(&mut lanes, (0..8).map(|n| delivery(webhook(1), n, 1))),
        8
    );
}

#[test]
fn closed_lanes_start_nothing_and_give_back_what_waited() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, (0..5).map(|n| delivery(webhook(1), n, 1)));
    hand_over(&mut lanes, [delivery(webhook(1), 4, 2)]);
    let started = start_all(&mut lanes).len();
    assert_eq!(lanes.close().len(), 6 - started);
    assert!(lanes.next_start(NOW).is_none());
    assert_eq!(hand_over_when_closed(&mut lanes), 1);
}

fn hand_over_when_closed(lanes: &mut Lanes) -> usize {
    lanes.push(vec![delivery(webhook(2), 1, 1)]).len()
}

#[test]
fn what_comes_due_for_an_ended_webhook_has_it_cancelled() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, [delivery(webhook(1), 1, 1)]);
    let (_, hold) = lanes.next_start(NOW).expect("a delivery");
    lanes.mark_stale(Some(webhook(1)));
    let (id, mark) = lanes.stale()[0];
    let _ = lanes.configure(
        id,
        mark,
        LaneSettings {
            status: None,
            ..LaneSettings::default()
        },
        NOW,
    );
    assert!(lanes.is_ended(id) && lanes.stale().is_empty());
    lanes.ended(&hold, Sign::Other);
    lanes.settled(&hold, Some(LATER));
    assert_eq!(
        lanes.stale().len(),
        1,
        "its settings are read again, and what waits is cancelled"
    );
}

/// Reads what is stale and sets it.
fn configure(lanes: &mut Lanes, settings: LaneSettings) {
    lanes.mark_stale(Some(webhook(1)));
    for (id, mark) in lanes.stale() {
        let _ = lanes.configure(id, mark, settings, NOW);
    }
}

fn sequences(leased: &[Leased]) -> Vec<u32> {
    leased.iter().map(|delivery| delivery.sequence).collect()
}

#[test]
fn what_was_left_over_goes_before_what_comes_new() {
    let mut lanes = Lanes::new(limits());
    lanes.left_over(webhook(1), NOW);
    lanes.open(NOW);
    configure(&mut lanes, LaneSettings::default());
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 7, 2)]), 0);
    let plan = lanes.plan_claims(NOW)[0];
    let mark = lanes.deferred(webhook(1));
    let found = [1, 2]
        .map(|sequence| delivery(webhook(1), 7, sequence))
        .to_vec();
    assert!(lanes.claimed(plan, claimed(found, true, mark)).is_empty());
    assert_eq!(lanes.next_start(NOW).unwrap().0.sequence, 1);
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 7, 3)]), 1);
}

#[test]
fn what_is_turned_back_takes_along_what_waits_behind_it() {
    let mut lanes = lanes(limits());
    hand_over(
        &mut lanes,
        [1, 2].map(|sequence| delivery(webhook(1), 7, sequence)),
    );
    let (first, hold) = lanes.next_start(NOW).unwrap();
    // Room for the third was given before, and it is handed over while the others are on their way back.
    assert!(lanes.reserve(webhook(1), BODY_BYTES));
    assert_eq!(sequences(&lanes.turn_back(&hold, first)), [1, 2]);
    assert_eq!(
        sequences(&lanes.push(vec![delivery(webhook(1), 7, 3)])),
        [3]
    );
    assert_eq!(hand_over(&mut lanes, [delivery(webhook(1), 7, 4)]), 0);
    assert!(lanes.next_start(NOW).is_none());
    for _ in 0..3 {
        assert_eq!(lanes.plan_claims(NOW), [], "some are not back yet");
        lanes.returned(webhook(1), BODY_BYTES);
    }
    assert_eq!(lanes.plan_claims(NOW).len(), 1);
    assert_eq!((lanes.in_flight(), lanes.bytes()), (0, 0));
}

#[test]
fn a_claim_from_before_a_turn_back_brings_what_must_go_back_too() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, [delivery(webhook(1), 7, 1)]);
    lanes.due(webhook(1), NOW);
    let plan = lanes.plan_claims(NOW)[0];
    let (first, hold) = lanes.next_start(NOW).unwrap();
    assert_eq!(lanes.turn_back(&hold, first).len(), 1);
    lanes.returned(webhook(1), BODY_BYTES);
    let found = vec![delivery(webhook(1), 7, 2)];
    assert_eq!(
        sequences(&lanes.claimed(plan, claimed(found, true, 0))),
        [2]
    );
    assert_eq!(lanes.plan_claims(NOW), []);
    lanes.returned(webhook(1), BODY_BYTES);
    assert_eq!(lanes.plan_claims(NOW).len(), 1, "and then in order");
}

#[test]
fn a_chain_is_released_whatever_the_order_has_become_meanwhile() {
    let mut lanes = lanes(limits());
    hand_over(
        &mut lanes,
        [1, 2].map(|sequence| delivery(webhook(1), 7, sequence)),
    );
    configure(
        &mut lanes,
        LaneSettings {
            ordering: Ordering::None,
            ..LaneSettings::default()
        },
    );
    let (_, hold) = lanes.next_start(NOW).unwrap();
    finish(&mut lanes, &hold);
    let (second, hold) = lanes.next_start(NOW).unwrap();
    assert_eq!(second.sequence, 2);
    finish(&mut lanes, &hold);
    assert!(lanes.is_empty());
}

#[test]
fn a_lane_that_was_given_its_turn_keeps_to_a_concurrency_lowered_since() {
    let mut lanes = lanes(limits());
    hand_over(&mut lanes, (0..3).map(|n| delivery(webhook(1), n, 1)));
    let (_, hold) = lanes.next_start(NOW).unwrap();
    let one_slot = LaneSettings {
        concurrency: Some(1),
        ..LaneSettings::default()
    };
    configure(&mut lanes, one_slot);
    assert!(lanes.next_start(NOW).is_none());
    finish(&mut lanes, &hold);
    assert_eq!(start_all(&mut lanes).len(), 1);
}

#[test]
fn a_lane_whose_webhook_may_have_been_enabled_again_is_not_forgotten() {
    let mut lanes = lanes(limits());
    configure(
        &mut lanes,
        LaneSettings {
            status: None,
            ..LaneSettings::default()
        },
    );
    lanes.mark_stale(Some(webhook(1)));
    lanes.forget(webhook(1), NOW);
    assert_eq!(lanes.stale().len(), 1);
    configure(&mut lanes, LaneSettings::default());
    lanes.due(webhook(1), LATER);
    lanes.forget(webhook(1), NOW);
    assert_eq!(lanes.next_wake(), Some(LATER));
}
