//! The strict order: of a webhook's deliveries for one inspection only the first has its turn.

use heraldo_domain::change::{Change, NewDelivery, NewEvent};
use heraldo_domain::delivery::{Epoch, Leased, Next};
use heraldo_domain::store::Settled;
use heraldo_wire::api::{DeliveryStatus, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::{DeliveryId, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};

/// More room than any fact needs.
const ROOM: usize = 50;

/// Publishes events about one inspection to one webhook, whose deliveries keep the strict order.
fn publish(
    scene: &Scene<'_>,
    inspection: InspectionId,
    webhook: WebhookId,
    count: usize,
) -> Vec<DeliveryId> {
    let publish_one = || {
        let event = scene.event(inspection, &[webhook]);
        let strict = |delivery: &NewDelivery| NewDelivery {
            strict: true,
            ..*delivery
        };
        let deliveries: Vec<NewDelivery> = event.deliveries.iter().map(strict).collect();
        let id = deliveries[0].id;
        scene
            .commit(Change {
                events: vec![NewEvent {
                    deliveries,
                    ..event
                }],
                ..Change::default()
            })
            .unwrap();
        id
    };
    std::iter::repeat_with(publish_one).take(count).collect()
}

fn ids(leased: &[Leased]) -> Vec<DeliveryId> {
    leased.iter().map(|leased| leased.delivery_id).collect()
}

fn handed_over(scene: &Scene<'_>) -> Vec<DeliveryId> {
    ids(&scene.world.hand_over.all())
}

fn claimed(scene: &Scene<'_>, webhook: WebhookId, epoch: Epoch) -> Vec<Leased> {
    scene.claim(webhook, epoch).leased
}

fn inspection(scene: &Scene<'_>) -> InspectionId {
    InspectionId(scene.world.id())
}

pub fn the_next_event_waits_until_the_one_before_is_delivered_or_given_up(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(ROOM);
    let ids = publish(&scene, inspection(&scene), webhook, 4);
    assert_eq!(handed_over(&scene), ids[..1]);
    assert!(scene.world.hand_over.last().strict);
    let second = scene.delivery(ids[1]);
    assert_eq!(
        (second.status, second.next_attempt_at),
        (DeliveryStatus::Pending, None)
    );
    // A planned retry keeps the others waiting.
    let first = scene.world.hand_over.last();
    let later = Timestamp::from_millis(scene.now().as_millis() + 500);
    scene.settle_to(&first, Next::RetryAt(later));
    scene.world.clock.step(499);
    assert_eq!(claimed(&scene, webhook, epoch), []);
    scene.world.clock.step(1);
    let retry = claimed(&scene, webhook, epoch);
    assert_eq!((retry[0].delivery_id, retry.len()), (ids[0], 1));
    assert!(retry[0].strict);
    scene.settle_to(&retry[0], Next::Delivered);
    assert_eq!(handed_over(&scene), ids[..2], "its turn has come");
    scene.settle_to(&scene.world.hand_over.last(), Next::Failed);
    assert_eq!(handed_over(&scene), ids[..3], "and the next one's");
    let third = scene.world.hand_over.last();
    assert_eq!((third.cause, third.attempts), (Cause::First, 0));
    scene.settle_to(&third, Next::Cancelled);
    scene.settle_to(&scene.world.hand_over.last(), Next::Delivered);
    assert_eq!(handed_over(&scene), ids);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
}

pub fn inspections_and_webhooks_do_not_wait_for_each_other(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (one, other) = (scene.add_webhook(), scene.add_webhook());
    scene.world.hand_over.set_room(ROOM);
    let here = inspection(&scene);
    let mut firsts = publish(&scene, here, one, 1);
    publish(&scene, here, one, 1);
    firsts.extend(publish(&scene, inspection(&scene), one, 1));
    firsts.extend(publish(&scene, here, other, 1));
    // What keeps no strict order waits for nothing.
    let plain = scene.publish_about(here, one);
    firsts.push(plain.deliveries[0].id);
    assert_eq!(handed_over(&scene), firsts);
}

pub fn what_has_its_turn_and_no_room_waits_and_is_claimed_before_what_came_later(
    harness: &dyn Harness,
) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1);
    let queue = publish(&scene, inspection(&scene), webhook, 2);
    scene.world.clock.step(10);
    let younger = scene.publish(webhook).deliveries[0].id;
    scene.world.clock.step(10);
    let mark = scene.claim_up_to(webhook, epoch, 0, 0).deferred_mark;
    scene.settle_to(&scene.world.hand_over.last(), Next::Delivered);
    let found = scene.claim(webhook, epoch);
    assert!(found.deferred_mark > mark, "room was asked for and refused");
    assert_eq!(ids(&found.leased), [queue[1], younger]);
}

pub fn a_claim_names_no_time_of_what_has_none(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1);
    publish(&scene, inspection(&scene), webhook, 3);
    let found = scene.claim(webhook, epoch);
    assert_eq!((found.leased.len(), found.exhausted), (0, true));
    assert_eq!(found.next_due_at, None);
    assert_eq!(block_on(scene.store.waiting()).unwrap(), []);
    let later = Timestamp::from_millis(scene.now().as_millis() + 500);
    scene.settle_to(&scene.world.hand_over.last(), Next::RetryAt(later));
    assert_eq!(scene.claim(webhook, epoch).next_due_at, Some(later));
    let waiting = block_on(scene.store.waiting()).unwrap();
    assert_eq!((waiting.len(), waiting[0].next_due_at), (1, later));
}

pub fn the_order_holds_over_a_crash(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1);
    let queue = publish(&scene, inspection(&scene), webhook, 3);
    let (scene, epoch) = scene.crash();
    let recovered = claimed(&scene, webhook, epoch);
    assert_eq!(ids(&recovered), queue[..1]);
    assert!(recovered[0].recovered && recovered[0].strict);
    scene.settle_to(&recovered[0], Next::Delivered);
    let (scene, epoch) = scene.crash();
    let next = claimed(&scene, webhook, epoch);
    assert_eq!(ids(&next), queue[1..2]);
    assert!(!next[0].recovered, "it was never leased");
}

pub fn a_settlement_without_its_lease_lets_nobody_go_on(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(ROOM);
    let queue = publish(&scene, inspection(&scene), webhook, 2);
    let first = scene.world.hand_over.last();
    let (scene, epoch) = scene.crash();
    assert_eq!(scene.settle_to(&first, Next::Delivered), Settled::LeaseLost);
    assert_eq!(ids(&claimed(&scene, webhook, epoch)), queue[..1]);
}

pub fn a_resend_does_not_overtake_the_one_before(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(ROOM);
    let queue = publish(&scene, inspection(&scene), webhook, 2);
    let first = scene.world.hand_over.last();
    scene.resend(queue[1]).unwrap();
    assert_eq!(handed_over(&scene), queue[..1]);
    assert_eq!(claimed(&scene, webhook, epoch), []);
    // One more attempt of the first, asked for while it is under way, holds nobody up once it has ended.
    scene.resend(queue[0]).unwrap();
    assert_eq!(
        scene.settle_to(&first, Next::Failed),
        Settled::WrittenResendDue
    );
    assert_eq!(handed_over(&scene), queue);
    let second = scene.world.hand_over.last();
    assert_eq!((second.cause, second.attempts), (Cause::First, 0));
    // Nor does its outcome let anybody go twice.
    let again = claimed(&scene, webhook, epoch);
    assert_eq!(ids(&again), queue[..1]);
    scene.settle_to(&again[0], Next::Delivered);
    assert_eq!(scene.world.hand_over.all().len(), 2);
}

pub fn a_successful_resend_of_what_waits_for_its_retry_lets_the_next_go_on(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(ROOM);
    let queue = publish(&scene, inspection(&scene), webhook, 2);
    let later = Timestamp::from_millis(scene.now().as_millis() + 500);
    scene.settle_to(&scene.world.hand_over.last(), Next::RetryAt(later));
    scene.resend(queue[0]).unwrap();
    let manual = scene.world.hand_over.last();
    assert_eq!(
        (manual.delivery_id, manual.cause),
        (queue[0], Cause::Manual)
    );
    scene.settle_to(&manual, Next::Delivered);
    assert_eq!(scene.world.hand_over.last().delivery_id, queue[1]);
}

pub fn cancelling_ends_what_waits_for_its_turn_too(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let here = inspection(&scene);
    scene.world.hand_over.set_room(1);
    let mut queue = publish(&scene, here, webhook, 4);
    queue.extend(publish(&scene, inspection(&scene), webhook, 2));
    let under_way = scene.world.hand_over.last();
    scene.set_status(webhook, WebhookStatus::Disabled);
    let cancel = |limit| block_on(scene.store.cancel_waiting(webhook, limit)).unwrap();
    assert_eq!([cancel(2), cancel(2), cancel(2)], [2, 2, 1]);
    for id in &queue[1..] {
        let status = scene.delivery(*id).status;
        assert_eq!(status, DeliveryStatus::Cancelled);
    }
    scene.settle_to(&under_way, Next::Delivered);
    // Nobody is left in a queue: what comes next has its turn at once.
    scene.set_status(webhook, WebhookStatus::Enabled);
    scene.world.hand_over.set_room(ROOM);
    let fresh = publish(&scene, here, webhook, 1);
    assert_eq!(scene.world.hand_over.last().delivery_id, fresh[0]);
    assert_eq!(claimed(&scene, webhook, epoch), []);
}

pub fn a_slice_that_was_cancelled_strands_nobody(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let queue = publish(&scene, inspection(&scene), webhook, 4);
    scene.set_status(webhook, WebhookStatus::Disabled);
    assert_eq!(block_on(scene.store.cancel_waiting(webhook, 2)).unwrap(), 2);
    scene.set_status(webhook, WebhookStatus::Enabled);
    // Whatever was cancelled, the rest goes on one after the other.
    let left: Vec<DeliveryId> = queue
        .into_iter()
        .filter(|id| scene.delivery(*id).status == DeliveryStatus::Pending)
        .collect();
    assert_eq!(left.len(), 2);
    for id in left {
        let next = claimed(&scene, webhook, epoch);
        assert_eq!(ids(&next), [id]);
        scene.settle_to(&next[0], Next::Delivered);
    }
}
