//! Reservations, hand-over, epochs and recovery.

use std::task::{Context, Waker};

use heraldo_domain::change::{Change, Write};
use heraldo_domain::delivery::Epoch;
use heraldo_domain::store::{Settled, StoreError};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{DeliveryId, InspectionId};

use super::scene::{Scene, refused};
use super::{Harness, block_on};

pub fn a_reserved_delivery_is_handed_over_once_after_its_commit(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    scene.world.hand_over.set_room(5);
    let webhook = scene.add_webhook();
    let event = scene.publish(webhook);
    let handed = scene.world.hand_over.all();
    assert_eq!(handed.len(), 1);
    let leased = &handed[0];
    assert_eq!(leased.delivery_id, event.deliveries[0].id);
    assert_eq!(
        (leased.webhook_id, leased.company_id),
        (webhook, scene.company)
    );
    assert_eq!(
        (leased.event_id, leased.inspection_id),
        (event.id, event.inspection_id)
    );
    assert_eq!((leased.event_type, leased.sequence), (event.event_type, 1));
    assert_eq!((&leased.body, leased.lease), (&event.body, epoch));
    assert_eq!((leased.attempts, leased.scheduled_attempts), (0, 0));
    assert!(!leased.test && !leased.recovered && leased.first_attempt_at.is_none());

    // It is ours: nobody claims it, and it does not wait.
    assert_eq!(scene.claim(webhook, epoch).leased, []);
    assert_eq!(block_on(scene.store.waiting()).unwrap(), []);
    let record = scene.delivery(leased.delivery_id);
    assert_eq!(record.status, DeliveryStatus::Pending);
    assert_eq!(record.next_attempt_at, Some(event.id.0.made_at()));
}

pub fn deliveries_are_handed_over_in_commit_order(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    scene.world.hand_over.set_room(10_000);
    let webhooks = [scene.add_webhook(), scene.add_webhook()];
    let inspection = InspectionId(scene.world.id());
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                for _ in 0..20 {
                    let events = vec![
                        scene.event(inspection, &webhooks),
                        scene.event(inspection, &webhooks),
                    ];
                    scene
                        .commit(Change {
                            events,
                            ..Change::default()
                        })
                        .unwrap();
                }
            });
        }
    });
    let handed = scene.world.hand_over.all();
    let expected: Vec<_> = (1..=320)
        .flat_map(|sequence| webhooks.map(|webhook| (sequence, webhook)))
        .collect();
    let order: Vec<_> = handed
        .iter()
        .map(|leased| (leased.sequence, leased.webhook_id))
        .collect();
    assert_eq!(order, expected);
}

pub fn without_an_epoch_nothing_is_leased(harness: &dyn Harness) {
    let scene = Scene::without_epoch(harness);
    scene.world.hand_over.set_room(5);
    let webhook = scene.add_webhook();
    let event = scene.publish(webhook);
    assert_eq!(scene.world.hand_over.all(), []);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
    let epoch = block_on(scene.store.open_epoch()).unwrap();
    let claimed = scene.claim(webhook, epoch);
    assert_eq!(claimed.leased[0].delivery_id, event.deliveries[0].id);
    assert!(!claimed.leased[0].recovered);
}

pub fn a_refused_reservation_waits_and_is_claimed(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let event = scene.publish(webhook);
    assert_eq!(scene.world.hand_over.calls(), 0);
    let waiting = block_on(scene.store.waiting()).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].next_due_at, event.id.0.made_at());
    let claimed = scene.claim(webhook, epoch);
    assert_eq!(claimed.leased.len(), 1);
    assert_eq!(
        (&claimed.leased[0].body, claimed.leased[0].lease),
        (&event.body, epoch)
    );
    assert!(claimed.exhausted && claimed.next_due_at.is_none());
    assert_eq!(scene.claim(webhook, epoch).leased, []);
    assert_eq!(scene.settle(&claimed.leased[0], 200), Settled::Written);
}

pub fn a_caller_that_went_away_strands_nothing(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    scene.world.hand_over.set_room(1);
    let webhook = scene.add_webhook();
    let event = scene.event(InspectionId(scene.world.id()), &[webhook]);
    let change = Change {
        events: vec![event.clone()],
        ..Change::default()
    };
    let mut going = scene.store.commit(change);
    let _ = going.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(going);
    // What was asked first is done when this is answered.
    block_on(scene.store.check()).unwrap();
    assert!(
        block_on(scene.store.event(scene.company, event.id))
            .unwrap()
            .is_some()
    );
    let handed = scene.world.hand_over.last();
    assert_eq!((handed.event_id, handed.lease), (event.id, epoch));
    assert_eq!(scene.settle(&handed, 200), Settled::Written);
}

pub fn a_failed_change_gives_its_reservations_back(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    scene.world.hand_over.set_room(3);
    let webhook = scene.add_webhook();
    let inspection = InspectionId(scene.world.id());
    let mut twice = scene.event(inspection, &[webhook]);
    let first = scene.event(inspection, &[webhook, webhook]);
    twice.id = first.id;
    let change = Change {
        events: vec![first, twice],
        ..Change::default()
    };
    assert_eq!(refused(scene.commit(change)), StoreError::Conflict);
    assert!(scene.world.hand_over.given_back() >= 2);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
    assert_eq!(scene.world.hand_over.calls(), 0);
    assert_eq!(block_on(scene.store.waiting()).unwrap(), []);
    // The number that it took is free again.
    let events = vec![scene.event(inspection, &[webhook])];
    let committed = scene
        .commit(Change {
            events,
            ..Change::default()
        })
        .unwrap();
    assert_eq!(committed.sequences, [1]);
}

pub fn a_lapsed_lease_cannot_settle(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let old = scene.publish_leased(webhook);
    let (scene, epoch) = scene.crash();
    assert!(epoch > old.lease);
    assert_eq!(scene.settle(&old, 200), Settled::LeaseLost);
    assert_eq!(
        scene.delivery(old.delivery_id).status,
        DeliveryStatus::Pending
    );
    assert_eq!(scene.delivery(old.delivery_id).attempt_count, 0);

    let claimed = scene.claim(webhook, epoch);
    assert_eq!(scene.settle(&old, 200), Settled::LeaseLost);
    assert_eq!(scene.settle(&claimed.leased[0], 200), Settled::Written);
    assert_eq!(scene.settle(&claimed.leased[0], 200), Settled::LeaseLost);
    assert_eq!(scene.delivery(old.delivery_id).attempt_count, 1);
}

pub fn a_new_epoch_voids_leases_and_marks_them_recovered(harness: &dyn Harness) {
    let (scene, first) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = scene.publish_leased(webhook);
    let done = scene.publish_leased(webhook);
    scene.settle(&done, 200);
    let waiting = scene.publish(webhook);
    let (scene, second) = scene.crash();
    assert_eq!(second, Epoch(first.0 + 1));
    let claimed = scene.claim(webhook, second).leased;
    let seen: Vec<_> = claimed
        .iter()
        .map(|leased| (leased.delivery_id, leased.recovered))
        .collect();
    assert_eq!(
        seen,
        [
            (leased.delivery_id, true),
            (waiting.deliveries[0].id, false)
        ]
    );
    assert_eq!(claimed[0].interruptions, 0);
    assert_eq!(claimed[0].event_id, leased.event_id);
}

pub fn a_recorded_start_that_was_cut_off_counts(harness: &dyn Harness) {
    let (mut scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let id = scene.publish_leased(webhook).delivery_id;
    for cut_off in 0..3 {
        let epoch;
        (scene, epoch) = scene.crash();
        let claimed = scene.claim(webhook, epoch).leased;
        assert_eq!(
            (claimed[0].recovered, claimed[0].interruptions),
            (true, cut_off)
        );
        let held = block_on(scene.store.mark_started(epoch, vec![id])).unwrap();
        assert_eq!(held, [id]);
    }
    let (scene, epoch) = scene.crash();
    assert_eq!(scene.claim(webhook, epoch).leased[0].interruptions, 3);
    // A start that was not recorded does not count.
    let (scene, epoch) = scene.crash();
    assert_eq!(scene.claim(webhook, epoch).leased[0].interruptions, 3);
}

pub fn a_released_lease_waits_as_before(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let first = scene.publish_leased(webhook);
    scene.world.hand_over.set_room(0);
    let second = scene.publish(webhook);
    block_on(scene.store.mark_started(epoch, vec![first.delivery_id])).unwrap();
    block_on(
        scene
            .store
            .release(Epoch(epoch.0 + 1), vec![first.delivery_id]),
    )
    .unwrap();
    assert_eq!(scene.claim_up_to(webhook, epoch, 0, 0).leased, []);
    block_on(scene.store.release(epoch, vec![first.delivery_id])).unwrap();
    let (scene, epoch) = scene.crash();
    let claimed = scene.claim(webhook, epoch).leased;
    let seen: Vec<_> = claimed
        .iter()
        .map(|leased| (leased.delivery_id, leased.recovered))
        .collect();
    assert_eq!(
        seen,
        [(first.delivery_id, false), (second.deliveries[0].id, false)]
    );
    assert_eq!(claimed[0].interruptions, 0);
}

pub fn only_what_is_still_leased_is_marked_started(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let held = scene.publish_leased(webhook);
    let settled = scene.publish_leased(webhook);
    scene.settle(&settled, 200);
    let unknown = DeliveryId(scene.world.id());
    let asked = vec![unknown, settled.delivery_id, held.delivery_id];
    let marked = block_on(scene.store.mark_started(epoch, asked)).unwrap();
    assert_eq!(marked, [held.delivery_id]);
    let marked = block_on(
        scene
            .store
            .mark_started(Epoch(epoch.0 + 1), vec![held.delivery_id]),
    );
    assert_eq!(marked.unwrap(), []);
    // A deleted webhook changes nothing of what is under way.
    scene
        .write(Write::DeleteWebhook {
            company_id: scene.company,
            id: webhook,
        })
        .unwrap();
    assert_eq!(scene.settle(&held, 200), Settled::Written);
}
