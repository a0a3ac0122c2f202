//! What a recovery reads and writes: events with their standing, and deliveries made late.

use heraldo_domain::change::{Change, NewEvent, Write};
use heraldo_domain::delivery::Next;
use heraldo_domain::query::EventStanding;
use heraldo_domain::record::Record;
use heraldo_domain::recovery::{Range, Recovery, State};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::StoreError;
use heraldo_wire::api::{DeliveryStatus, RecoverStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::{CompanyId, EventId, InspectionId, RecoveryId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::scene::{Scene, refused};
use super::{Harness, block_on};

const ALWAYS: (Timestamp, Timestamp) = (
    Timestamp::from_millis(0),
    Timestamp::from_millis(4_000_000_000_000),
);

fn standings(
    scene: &Scene<'_>,
    webhook: WebhookId,
    made: (Timestamp, Timestamp),
    after: Option<EventId>,
    limit: u32,
) -> Vec<EventStanding> {
    let found = scene
        .store
        .standings(scene.company, webhook, made, after, limit);
    block_on(found).unwrap()
}

/// How many deliveries of each webhook have not ended.
fn pending(scene: &Scene<'_>) -> Vec<(WebhookId, u64)> {
    let backlog = block_on(scene.store.backlog(scene.company)).unwrap();
    backlog
        .iter()
        .map(|one| (one.webhook_id, one.pending))
        .collect()
}

/// An event without deliveries.
fn lone_event(scene: &Scene<'_>) -> NewEvent {
    scene.world.clock.step(1_000);
    let event = scene.event(InspectionId(scene.world.id()), &[]);
    scene
        .commit(Change {
            events: vec![event.clone()],
            ..Change::default()
        })
        .unwrap();
    event
}

pub fn events_stand_as_their_delivery_to_the_webhook_does(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    let mut expected = Vec::new();
    for (next, status) in [
        (Next::Delivered, DeliveryStatus::Delivered),
        (Next::Failed, DeliveryStatus::Failed),
        (Next::Cancelled, DeliveryStatus::Cancelled),
    ] {
        scene.world.clock.step(1_000);
        let leased = scene.publish_leased(webhook);
        scene.settle_to(&leased, next);
        expected.push((leased.event_id, Some((leased.delivery_id, status))));
    }
    scene.world.clock.step(1_000);
    let pending = scene.publish(webhook);
    let id = pending.deliveries[0].id;
    expected.push((pending.id, Some((id, DeliveryStatus::Pending))));
    scene.world.clock.step(1_000);
    expected.push((scene.publish(other).id, None));
    let lone = lone_event(&scene);
    expected.push((lone.id, None));
    let read = |made, after, limit| -> Vec<_> {
        let found = standings(&scene, webhook, made, after, limit).into_iter();
        found.map(|one| (one.event_id, one.delivery)).collect()
    };
    assert_eq!(read(ALWAYS, None, 100), expected);
    let all = standings(&scene, webhook, ALWAYS, None, 100);
    assert_eq!(
        (all[0].event_type, all[0].origin),
        (lone.event_type, lone.origin)
    );
    // Pages follow each other.
    assert_eq!(read(ALWAYS, None, 2), expected[..2]);
    assert_eq!(read(ALWAYS, Some(expected[1].0), 100), expected[2..]);
    assert_eq!(read(ALWAYS, Some(expected[5].0), 100), []);
    // From the first instant, before the second.
    let made_at = |index: usize| expected[index].0.0.made_at();
    assert_eq!(read((made_at(1), made_at(4)), None, 100), expected[1..4]);
    let foreign = scene
        .store
        .standings(CompanyId::default(), webhook, ALWAYS, None, 100);
    assert_eq!(block_on(foreign).unwrap(), []);
}

pub fn a_late_delivery_is_handed_over_or_waits_like_any_other(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let first = lone_event(&scene);
    scene.world.hand_over.set_room(1);
    let (id, write) = scene.late_delivery(first.id, webhook);
    scene.write(write).unwrap();
    let leased = scene.world.hand_over.last();
    assert_eq!((leased.delivery_id, leased.event_id), (id, first.id));
    assert_eq!((leased.cause, leased.attempts), (Cause::Recover, 0));
    assert_eq!((&leased.body, leased.sequence), (&first.body, 1));
    scene.settle(&leased, 200);
    assert_eq!(scene.delivery(id).status, DeliveryStatus::Delivered);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
    assert_eq!(pending(&scene), []);

    let second = lone_event(&scene);
    let (id, write) = scene.late_delivery(second.id, webhook);
    scene.write(write).unwrap();
    assert_eq!(scene.delivery(id).next_attempt_at, Some(scene.now()));
    assert_eq!(pending(&scene), [(webhook, 1)]);
    let (scene, again) = scene.crash();
    assert!(epoch < again);
    let claimed = scene.claim(webhook, again).leased;
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        (claimed[0].delivery_id, claimed[0].cause),
        (id, Cause::Recover)
    );
    // It is listed with its event.
    let filter = heraldo_domain::query::DeliveryFilter {
        event_id: Some(second.id),
        ..Default::default()
    };
    let page = super::scene::first_page();
    let listed = block_on(scene.store.deliveries(scene.company, filter, page)).unwrap();
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
}

pub fn an_event_gets_one_delivery_of_a_webhook_at_most(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    let event = scene.publish(webhook);
    let there = scene.late_delivery(event.id, webhook).1;
    assert_eq!(refused(scene.write(there)), StoreError::Conflict);
    scene.write(scene.late_delivery(event.id, other).1).unwrap();
    let twice = scene.late_delivery(event.id, other).1;
    assert_eq!(refused(scene.write(twice)), StoreError::Conflict);
    let unknown = scene.late_delivery(EventId(scene.world.id()), webhook).1;
    assert_eq!(refused(scene.write(unknown)), StoreError::NotFound);
    let foreign = match scene.late_delivery(event.id, other).1 {
        Write::CreateDelivery {
            event_id,
            delivery,
            now,
            ..
        } => Write::CreateDelivery {
            company_id: CompanyId::default(),
            event_id,
            delivery,
            now,
        },
        other => other,
    };
    assert_eq!(refused(scene.write(foreign)), StoreError::NotFound);
}

pub fn a_late_delivery_begins_its_schedule(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let event = lone_event(&scene);
    scene.world.hand_over.set_room(1);
    let (id, write) = scene.late_delivery(event.id, webhook);
    scene.write(write).unwrap();
    let leased = scene.world.hand_over.last();
    let policy = RetryPolicy::default();
    let settlement = scene.settlement(&leased, 500, &policy);
    assert_eq!(settlement.scheduled_attempts, 1);
    let Next::RetryAt(at) = settlement.next else {
        panic!("{:?}", settlement.next);
    };
    scene.settle_as(settlement);
    let record = scene.delivery(id);
    assert_eq!(record.next_attempt_at, Some(at));
    assert_eq!(record.last_attempt.unwrap().cause, Cause::Recover);
}

pub fn what_a_recovery_enqueues_is_written_with_its_place(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let event = lone_event(&scene);
    let range = Range {
        from: ALWAYS.0,
        to: ALWAYS.1,
        statuses: RecoverStatus::ALL.to_vec(),
    };
    let id = RecoveryId(scene.world.id());
    let recovery = Recovery::new(id, scene.company, webhook, range.clone(), scene.now());
    let record = Record::of(&recovery).unwrap();
    scene.write(Write::CreateRecord(record)).unwrap();
    let second = RecoveryId(scene.world.id());
    let second = Recovery::new(second, scene.company, webhook, range, scene.now());
    let begin = || Write::CreateRecord(Record::of(&second).unwrap());
    assert_eq!(refused(scene.write(begin())), StoreError::NameTaken);
    // A step decided on an older place enqueues nothing.
    let cancelled = recovery.with(State::Cancelled(scene.now()));
    let record = Record::of(&cancelled).unwrap();
    scene.write(Write::UpdateRecord(record)).unwrap();
    let step = recovery.with(State::Running {
        after: Some(event.id),
    });
    let (delivery, write) = scene.late_delivery(event.id, webhook);
    let change = Change {
        writes: vec![write, Write::UpdateRecord(Record::of(&step).unwrap())],
        ..Change::default()
    };
    assert_eq!(refused(scene.commit(change)), StoreError::Conflict);
    assert_eq!(
        block_on(scene.store.delivery(scene.company, delivery)).unwrap(),
        None
    );
    assert_eq!(
        standings(&scene, webhook, ALWAYS, None, 9)[0].delivery,
        None
    );
    // One that has ended lets the next begin.
    scene.write(begin()).unwrap();
}
