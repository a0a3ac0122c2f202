//! One more attempt, asked for in every state.

use heraldo_domain::change::Write;
use heraldo_domain::delivery::{Fallback, Leased, Next};
use heraldo_domain::store::{Settled, StoreError};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::DeliveryId;
use heraldo_wire::time::Timestamp;

use super::Harness;
use super::scene::{Scene, refused};

/// Every end of a delivery with the fallback that a resend remembers it as.
const ENDS: [(Next, Fallback, DeliveryStatus); 3] = [
    (
        Next::Delivered,
        Fallback::Delivered,
        DeliveryStatus::Delivered,
    ),
    (Next::Failed, Fallback::Failed, DeliveryStatus::Failed),
    (
        Next::Cancelled,
        Fallback::Cancelled,
        DeliveryStatus::Cancelled,
    ),
];

fn is_manual(leased: &Leased, fallback: Fallback) {
    assert_eq!((leased.cause, leased.fallback), (Cause::Manual, fallback));
}

pub fn an_ended_delivery_is_handed_over_once_more(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    for (next, fallback, status) in ENDS {
        let first = scene.publish_leased(webhook);
        scene.settle_to(&first, next);
        scene.world.hand_over.set_room(1);
        scene.resend(first.delivery_id).unwrap();
        let again = scene.world.hand_over.last();
        assert_eq!(again.delivery_id, first.delivery_id);
        assert_eq!((again.attempts, again.scheduled_attempts), (1, 1));
        assert_eq!((&again.body, again.sequence), (&first.body, first.sequence));
        is_manual(&again, fallback);
        assert_eq!(
            scene.delivery(first.delivery_id).status,
            DeliveryStatus::Pending
        );
        // Its failure leaves what was before.
        assert_eq!(scene.settle(&again, 500), Settled::Written);
        let record = scene.delivery(first.delivery_id);
        assert_eq!((record.status, record.attempt_count), (status, 2));
    }
}

pub fn a_resend_without_room_waits_and_is_claimed(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    for (next, fallback, _) in ENDS {
        let first = scene.publish_leased(webhook);
        scene.settle_to(&first, next);
        scene.world.clock.step(5);
        scene.resend(first.delivery_id).unwrap();
        assert_eq!(
            scene.delivery(first.delivery_id).next_attempt_at,
            Some(scene.now())
        );
        let claimed = scene.claim(webhook, epoch).leased.remove(0);
        assert_eq!(claimed.delivery_id, first.delivery_id);
        is_manual(&claimed, fallback);
        assert_eq!(scene.settle(&claimed, 200), Settled::Written);
        assert_eq!(
            scene.delivery(first.delivery_id).status,
            DeliveryStatus::Delivered
        );
    }
}

pub fn a_resend_remembers_the_planned_retry(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let first = scene.publish_leased(webhook);
    let planned = Timestamp::from_millis(scene.now().as_millis() + 700);
    scene.settle_to(&first, Next::RetryAt(planned));
    scene.resend(first.delivery_id).unwrap();
    let manual = scene.claim(webhook, epoch).leased.remove(0);
    is_manual(&manual, Fallback::RetryAt(planned));

    scene.settle(&manual, 500);
    let record = scene.delivery(first.delivery_id);
    assert_eq!(
        (record.status, record.next_attempt_at),
        (DeliveryStatus::Pending, Some(planned))
    );
    scene.world.clock.step(700);
    let retry = scene.claim(webhook, epoch).leased.remove(0);
    assert_eq!(
        (retry.cause, retry.fallback),
        (Cause::Retry, Fallback::Schedule)
    );
    assert_eq!((retry.attempts, retry.scheduled_attempts), (2, 1));
}

pub fn a_first_attempt_that_waits_stays_the_first(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let waiting = [(); 3].map(|()| {
        scene.world.clock.step(1);
        scene.publish(webhook)
    });
    scene.world.clock.step(1);
    scene.resend(waiting[1].deliveries[0].id).unwrap();
    let claimed = scene.claim(webhook, epoch).leased;
    let order: Vec<_> = claimed.iter().map(|leased| leased.event_id).collect();
    assert_eq!(order, waiting.map(|event| event.id));
    let first = &claimed[1];
    assert_eq!(
        (first.cause, first.fallback),
        (Cause::First, Fallback::Schedule)
    );
}

pub fn a_second_resend_keeps_the_first_fallback(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let first = scene.publish_leased(webhook);
    scene.settle_to(&first, Next::Delivered);
    scene.resend(first.delivery_id).unwrap();
    scene.world.clock.step(1);
    scene.resend(first.delivery_id).unwrap();
    let manual = scene.claim(webhook, epoch).leased;
    assert_eq!(manual.len(), 1);
    is_manual(&manual[0], Fallback::Delivered);
}

pub fn a_resend_while_leased_comes_due_when_settled(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let later = Timestamp::from_millis(scene.now().as_millis() + 9_000);
    let retry = (
        Next::RetryAt(later),
        Fallback::RetryAt(later),
        DeliveryStatus::Pending,
    );
    for (next, fallback, _) in ENDS.into_iter().chain([retry]) {
        let first = scene.publish_leased(webhook);
        // Asked for twice, made once.
        scene.resend(first.delivery_id).unwrap();
        scene.resend(first.delivery_id).unwrap();
        assert_eq!(scene.claim(webhook, epoch).leased, []);
        assert_eq!(scene.settle_to(&first, next), Settled::WrittenResendDue);
        let record = scene.delivery(first.delivery_id);
        assert_eq!(
            (record.status, record.attempt_count),
            (DeliveryStatus::Pending, 1)
        );

        let manual = scene.claim(webhook, epoch).leased;
        assert_eq!(manual.len(), 1);
        is_manual(&manual[0], fallback);
        assert_eq!(scene.settle(&manual[0], 200), Settled::Written);
        let record = scene.delivery(first.delivery_id);
        assert_eq!(
            (record.status, record.attempt_count),
            (DeliveryStatus::Delivered, 2)
        );
    }
}

pub fn a_resend_of_anothers_delivery_is_not_found(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let leased = scene.publish_leased(scene.add_webhook());
    scene.settle(&leased, 200);
    let (stranger, _) = scene.add_company();
    let resend = |company_id, delivery_id| {
        scene.write(Write::Resend {
            company_id,
            delivery_id,
            cause: Cause::Manual,
            now: scene.now(),
        })
    };
    assert_eq!(
        refused(resend(stranger, leased.delivery_id)),
        StoreError::NotFound
    );
    let unknown = DeliveryId(scene.world.id());
    assert_eq!(
        refused(resend(scene.company, unknown)),
        StoreError::NotFound
    );
    assert_eq!(
        scene.delivery(leased.delivery_id).status,
        DeliveryStatus::Delivered
    );
}

pub fn a_resend_asked_before_a_crash_is_made_after_it(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let first = scene.publish_leased(webhook);
    scene.resend(first.delivery_id).unwrap();
    let (scene, epoch) = scene.crash();
    let recovered = scene.claim(webhook, epoch).leased.remove(0);
    assert_eq!((recovered.cause, recovered.recovered), (Cause::First, true));
    assert_eq!(scene.settle(&recovered, 200), Settled::WrittenResendDue);
    is_manual(&scene.claim(webhook, epoch).leased[0], Fallback::Delivered);
}
