//! What outcomes make of deliveries.

use heraldo_domain::delivery::{Attempt, Next, Settlement};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::Settled;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::{AttemptOutcome, Cause, ErrorClass};
use heraldo_wire::id::DeliveryId;
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};

pub fn a_success_delivers(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let leased = scene.publish_leased(scene.add_webhook());
    let settlement = scene.settlement(&leased, 204, &RetryPolicy::default());
    assert_eq!(scene.settle_as(settlement.clone()), Settled::Written);
    let record = scene.delivery(leased.delivery_id);
    assert_eq!(
        (record.status, record.next_attempt_at),
        (DeliveryStatus::Delivered, None)
    );
    assert_eq!(record.attempt_count, 1);
    assert_eq!(record.last_attempt.as_ref(), Some(&*settlement.attempt));
    assert_eq!(record.attempts, [Attempt::clone(&settlement.attempt)]);
    assert_eq!(block_on(scene.store.waiting()).unwrap(), []);
}

pub fn a_failure_with_a_retry_waits_for_it(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = scene.publish_leased(webhook);
    let started_at = scene.now();
    let settlement = scene.settlement(&leased, 500, &RetryPolicy::default());
    let Next::RetryAt(at) = settlement.next else {
        panic!("the event is retried")
    };
    assert_eq!(scene.settle_as(settlement), Settled::Written);
    let record = scene.delivery(leased.delivery_id);
    assert_eq!(
        (record.status, record.next_attempt_at),
        (DeliveryStatus::Pending, Some(at))
    );
    let failed = record.last_attempt.expect("an attempt");
    assert_eq!(
        (failed.outcome, failed.error_class),
        (AttemptOutcome::Failed, Some(ErrorClass::Status))
    );

    scene
        .world
        .clock
        .step(at.as_millis() - scene.now().as_millis());
    let again = scene.claim(webhook, epoch).leased.remove(0);
    assert_eq!(
        (again.cause, again.attempts, again.scheduled_attempts),
        (Cause::Retry, 1, 1)
    );
    assert_eq!(again.first_attempt_at, Some(started_at));
    assert_eq!(scene.settle(&again, 200), Settled::Written);
    assert_eq!(
        scene.delivery(leased.delivery_id).status,
        DeliveryStatus::Delivered
    );
}

pub fn a_used_up_schedule_fails(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let mut leased = scene.publish_leased(webhook);
    for _ in 0..2 {
        scene.settle(&leased, 503);
        let at = scene
            .delivery(leased.delivery_id)
            .next_attempt_at
            .expect("a retry");
        scene
            .world
            .clock
            .step(at.as_millis() - scene.now().as_millis());
        leased = scene.claim(webhook, epoch).leased.remove(0);
    }
    assert_eq!(scene.settle(&leased, 503), Settled::Written);
    let record = scene.delivery(leased.delivery_id);
    assert_eq!(
        (record.status, record.next_attempt_at),
        (DeliveryStatus::Failed, None)
    );
    assert_eq!(record.attempt_count, 3);
}

pub fn a_cancelled_settlement_cancels(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let leased = scene.publish_leased(scene.add_webhook());
    assert_eq!(scene.settle_to(&leased, Next::Cancelled), Settled::Written);
    let record = scene.delivery(leased.delivery_id);
    assert_eq!(
        (record.status, record.next_attempt_at),
        (DeliveryStatus::Cancelled, None)
    );
}

pub fn earlier_attempts_are_kept_in_order(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let mut leased = scene.publish_leased(webhook);
    let mut expected = Vec::new();
    for number in 1..=12 {
        assert_eq!(leased.attempts, number - 1);
        let settlement = scene.settlement(&leased, 500, &RetryPolicy::default());
        expected.push(Attempt::clone(&settlement.attempt));
        scene.settle_as(Settlement {
            next: Next::RetryAt(scene.now()),
            ..settlement
        });
        leased = scene.claim(webhook, epoch).leased.remove(0);
    }
    let record = scene.delivery(leased.delivery_id);
    assert_eq!(record.attempts, expected);
    assert_eq!(record.last_attempt, expected.pop());
    assert_eq!(record.attempt_count, 12);
}

pub fn each_settlement_stands_for_itself(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = [(); 3].map(|()| scene.publish_leased(webhook));
    let policy = RetryPolicy::default();
    let mut settlements: Vec<_> = leased
        .iter()
        .map(|leased| scene.settlement(leased, 200, &policy))
        .collect();
    let mut unknown = settlements[0].clone();
    unknown.delivery_id = DeliveryId(scene.world.id());
    settlements.insert(1, unknown);
    settlements.push(settlements[0].clone());
    let settled = block_on(scene.store.settle(settlements)).unwrap();
    use Settled::{LeaseLost, Written};
    assert_eq!(
        settled.each,
        [Written, LeaseLost, Written, Written, LeaseLost]
    );
    for leased in leased {
        assert_eq!(
            scene.delivery(leased.delivery_id).status,
            DeliveryStatus::Delivered
        );
    }
}

pub fn a_settlement_clears_what_recovery_noted(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let id = scene.publish_leased(webhook).delivery_id;
    block_on(scene.store.mark_started(epoch, vec![id])).unwrap();
    let (scene, epoch) = scene.crash();
    let recovered = scene.claim(webhook, epoch).leased.remove(0);
    assert_eq!((recovered.recovered, recovered.interruptions), (true, 1));
    let soon = Timestamp::from_millis(scene.now().as_millis());
    scene.settle_to(&recovered, Next::RetryAt(soon));
    let next = scene.claim(webhook, epoch).leased.remove(0);
    assert_eq!((next.recovered, next.interruptions), (false, 0));
}
