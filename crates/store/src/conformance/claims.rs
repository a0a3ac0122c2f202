//! Claims from the backlog, and what is cancelled in it.

use heraldo_domain::change::Write;
use heraldo_domain::delivery::{Claim, Next};
use heraldo_domain::query::DeliveryFilter;
use heraldo_domain::store::Settled;
use heraldo_wire::api::{DeliveryStatus, WebhookStatus};
use heraldo_wire::id::DeliveryId;
use heraldo_wire::time::Timestamp;

use super::scene::{Scene, first_page};
use super::{Harness, block_on};

/// Publishes so many events that wait, a millisecond apart.
fn backlog(
    scene: &Scene<'_>,
    webhook: heraldo_wire::id::WebhookId,
    events: usize,
) -> Vec<DeliveryId> {
    let publish = |_| {
        scene.world.clock.step(1);
        scene.publish(webhook).deliveries[0].id
    };
    (0..events).map(publish).collect()
}

fn ids(leased: &[heraldo_domain::delivery::Leased]) -> Vec<DeliveryId> {
    leased.iter().map(|leased| leased.delivery_id).collect()
}

pub fn claims_are_first_in_first_out(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    let mut expected = backlog(&scene, webhook, 5);
    backlog(&scene, other, 2);
    expected.extend(backlog(&scene, webhook, 5));
    assert_eq!(ids(&scene.claim(webhook, epoch).leased), expected);
}

pub fn a_claim_keeps_to_its_limit(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let expected = backlog(&scene, webhook, 5);
    let third = Timestamp::from_millis(scene.now().as_millis() - 2);
    let first = scene.claim_up_to(webhook, epoch, 2, usize::MAX);
    assert_eq!(ids(&first.leased), expected[..2]);
    assert!(!first.exhausted);
    assert_eq!(first.next_due_at, Some(third));
    let second = scene.claim_up_to(webhook, epoch, 3, usize::MAX);
    assert_eq!(ids(&second.leased), expected[2..]);
    assert!(second.exhausted && second.next_due_at.is_none());
}

pub fn a_claim_keeps_to_its_bytes_but_gives_one(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let expected = backlog(&scene, webhook, 4);
    let first = scene.claim_up_to(webhook, epoch, 100, 1);
    assert_eq!(ids(&first.leased), expected[..1]);
    assert!(!first.exhausted);
    let body = first.leased[0].body.len();
    let second = scene.claim_up_to(webhook, epoch, 100, body + 1);
    assert_eq!(ids(&second.leased), expected[1..3]);
    assert!(!second.exhausted);
}

pub fn a_claim_takes_only_what_is_due(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let retried = scene.publish_leased(webhook);
    let at = Timestamp::from_millis(scene.now().as_millis() + 500);
    scene.settle_to(&retried, Next::RetryAt(at));
    let due = backlog(&scene, webhook, 1);

    let claimed = scene.claim(webhook, epoch);
    assert_eq!(ids(&claimed.leased), due);
    assert!(claimed.exhausted);
    assert_eq!(claimed.next_due_at, Some(at));
    scene.world.clock.step(498);
    assert_eq!(scene.claim(webhook, epoch).leased, []);
    scene.world.clock.step(1);
    assert_eq!(
        ids(&scene.claim(webhook, epoch).leased),
        [retried.delivery_id]
    );
}

pub fn a_claim_takes_what_came_due_before_it_was_carried_out(harness: &dyn Harness) {
    let (scene, lease) = Scene::new(harness);
    let webhook_id = scene.add_webhook();
    let asked_at = scene.now();
    let waiting = backlog(&scene, webhook_id, 2);
    let claim = Claim {
        webhook_id,
        lease,
        limit: 9,
        body_bytes_max: usize::MAX,
        now: asked_at,
    };
    let claimed = block_on(scene.store.claim(claim)).unwrap();
    assert_eq!(ids(&claimed.leased), waiting);
    assert!(claimed.exhausted);
}

pub fn a_claim_tells_how_often_room_was_refused(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    backlog(&scene, webhook, 3);
    backlog(&scene, other, 1);
    assert_eq!(scene.claim(webhook, epoch).deferred_mark, 3);
    backlog(&scene, webhook, 1);
    assert_eq!(scene.claim(webhook, epoch).deferred_mark, 4);
    assert_eq!(scene.claim(other, epoch).deferred_mark, 1);
}

pub fn each_waiting_webhook_is_named_with_its_next_time(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhooks = [
        scene.add_webhook(),
        scene.add_webhook(),
        scene.add_webhook(),
    ];
    scene.world.clock.step(1);
    let first = scene.now();
    scene.publish(webhooks[2]);
    backlog(&scene, webhooks[2], 3);
    let second = Timestamp::from_millis(scene.now().as_millis() + 1);
    backlog(&scene, webhooks[0], 2);
    let mut waiting = block_on(scene.store.waiting()).unwrap();
    waiting.sort_by_key(|waiting| waiting.webhook_id);
    let seen: Vec<_> = waiting
        .iter()
        .map(|waiting| (waiting.webhook_id, waiting.next_due_at))
        .collect();
    assert_eq!(seen, [(webhooks[0], second), (webhooks[2], first)]);
    scene.claim(webhooks[2], epoch);
    assert_eq!(block_on(scene.store.waiting()).unwrap().len(), 1);
}

pub fn what_waits_is_cancelled_in_slices(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    let waiting = backlog(&scene, webhook, 5);
    let spared = backlog(&scene, other, 1);
    let cancel = || block_on(scene.store.cancel_waiting(webhook, 3)).unwrap();
    scene.set_status(webhook, WebhookStatus::Disabled);
    assert_eq!([cancel(), cancel(), cancel()], [3, 2, 0]);
    for id in waiting {
        let record = scene.delivery(id);
        assert_eq!(
            (record.status, record.next_attempt_at),
            (DeliveryStatus::Cancelled, None)
        );
    }
    assert_eq!(scene.delivery(spared[0]).status, DeliveryStatus::Pending);
    assert_eq!(scene.claim(webhook, epoch).leased, []);
    let filter = DeliveryFilter {
        status: Some(DeliveryStatus::Cancelled),
        ..DeliveryFilter::default()
    };
    let listed = block_on(scene.store.deliveries(scene.company, filter, first_page())).unwrap();
    assert_eq!(listed.len(), 5);
}

pub fn cancelling_a_waiting_resend_keeps_how_it_had_ended(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let ends = [
        (Next::Delivered, DeliveryStatus::Delivered),
        (Next::Failed, DeliveryStatus::Failed),
        (
            Next::RetryAt(Timestamp::from_millis(i64::MAX)),
            DeliveryStatus::Cancelled,
        ),
    ];
    for (next, status) in ends {
        let leased = scene.publish_leased(webhook);
        scene.settle_to(&leased, next);
        scene.resend(leased.delivery_id).unwrap();
        assert_eq!(
            scene.delivery(leased.delivery_id).status,
            DeliveryStatus::Pending
        );
        scene.set_status(webhook, WebhookStatus::Disabled);
        assert_eq!(block_on(scene.store.cancel_waiting(webhook, 9)).unwrap(), 1);
        scene.set_status(webhook, WebhookStatus::Enabled);
        assert_eq!(scene.delivery(leased.delivery_id).status, status);
    }
}

pub fn what_is_leased_is_not_cancelled(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = scene.publish_leased(webhook);
    scene.set_status(webhook, WebhookStatus::Disabled);
    assert_eq!(block_on(scene.store.cancel_waiting(webhook, 9)).unwrap(), 0);
    assert_eq!(
        scene.delivery(leased.delivery_id).status,
        DeliveryStatus::Pending
    );
    scene.settle(&leased, 200);
    assert_eq!(block_on(scene.store.cancel_waiting(webhook, 9)).unwrap(), 0);
    assert_eq!(
        scene.delivery(leased.delivery_id).status,
        DeliveryStatus::Delivered
    );
}

pub fn what_waits_for_an_enabled_or_paused_webhook_is_not_cancelled(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let waiting = backlog(&scene, webhook, 1);
    let cancel = || block_on(scene.store.cancel_waiting(webhook, 9)).unwrap();
    assert_eq!(cancel(), 0);
    scene.set_status(webhook, WebhookStatus::Paused);
    assert_eq!(cancel(), 0);
    assert_eq!(scene.delivery(waiting[0]).status, DeliveryStatus::Pending);
    let company_id = scene.company;
    scene
        .write(Write::DeleteWebhook {
            company_id,
            id: webhook,
        })
        .unwrap();
    assert_eq!(cancel(), 1);
}

pub fn cancelling_ends_a_resend_that_was_asked_before_a_crash(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = scene.publish_leased(webhook);
    scene.resend(leased.delivery_id).unwrap();
    let (scene, epoch) = scene.crash();
    scene.set_status(webhook, WebhookStatus::Disabled);
    assert_eq!(block_on(scene.store.cancel_waiting(webhook, 9)).unwrap(), 1);
    scene.set_status(webhook, WebhookStatus::Enabled);
    scene.resend(leased.delivery_id).unwrap();
    let again = scene.claim(webhook, epoch).leased.remove(0);
    assert_eq!(scene.settle(&again, 200), Settled::Written);
}
