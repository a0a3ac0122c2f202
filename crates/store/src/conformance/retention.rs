//! Deleting what was kept long enough.

use bytes::Bytes;
use heraldo_domain::change::{Actor, AuditAction, AuditEntry, Change};
use heraldo_domain::delivery::Next;
use heraldo_domain::query::{DeliveryFilter, EventFilter};
use heraldo_domain::retention::{Forgotten, Slice};
use heraldo_domain::statistics::{StatisticsQuery, Whose};
use heraldo_domain::store::StoreError;
use heraldo_wire::api::{Resolution, WebhookStatus};
use heraldo_wire::id::{AuditEntryId, EventId, InspectionId};
use heraldo_wire::time::Timestamp;

use super::scene::{Scene, first_page};
use super::{Harness, block_on};

const DAY_MS: i64 = 86_400_000;

/// Everything that was made until now is old.
fn pass(scene: &Scene<'_>, rows_max: u32) -> Vec<Forgotten> {
    pass_up_to(scene, rows_max, u64::MAX)
}

fn pass_up_to(scene: &Scene<'_>, rows_max: u32, body_bytes_max: u64) -> Vec<Forgotten> {
    scene.world.clock.step(1_000);
    let mut slices = Vec::new();
    let mut slice = Slice {
        before: scene.now(),
        after: None,
        rows_max,
        body_bytes_max,
    };
    loop {
        let forgotten = block_on(scene.store.forget_events(slice)).unwrap();
        slices.push(forgotten);
        assert!(slices.len() < 1_000, "a pass ends");
        if !forgotten.more {
            return slices;
        }
        slice.after = forgotten.after;
    }
}

fn events(scene: &Scene<'_>) -> Vec<EventId> {
    let page = first_page();
    let found = block_on(
        scene
            .store
            .events(scene.company, EventFilter::default(), page),
    );
    found.unwrap().into_iter().map(|event| event.id).collect()
}

fn deliveries(scene: &Scene<'_>) -> usize {
    let page = first_page();
    let found = block_on(
        scene
            .store
            .deliveries(scene.company, DeliveryFilter::default(), page),
    );
    found.unwrap().len()
}

pub fn ended_deliveries_go_with_their_events_and_attempts(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let mut retried = scene.publish_leased(webhook);
    scene.settle_to(&retried, Next::RetryAt(scene.now()));
    retried = scene.claim(webhook, epoch).leased.remove(0);
    scene.settle(&retried, 200);
    scene.settle_to(&scene.publish_leased(webhook), Next::Failed);
    scene.settle_to(&scene.publish_leased(webhook), Next::Cancelled);
    scene
        .commit(Change {
            events: vec![scene.event(InspectionId(scene.world.id()), &[])],
            ..Change::default()
        })
        .unwrap();
    scene.world.clock.step(2_000);
    let kept = scene.publish_leased(webhook);
    scene.settle(&kept, 200);

    let slice = Slice {
        before: Timestamp::from_millis(scene.now().as_millis() - 1_000),
        after: None,
        rows_max: 100,
        body_bytes_max: u64::MAX,
    };
    let forgotten = block_on(scene.store.forget_events(slice)).unwrap();
    assert_eq!((forgotten.events, forgotten.more), (4, false));
    assert_eq!(events(&scene), [kept.event_id]);
    assert_eq!(deliveries(&scene), 1);
    let gone = block_on(scene.store.delivery(scene.company, retried.delivery_id));
    assert_eq!(gone, Ok(None));
    assert_eq!(scene.resend(retried.delivery_id), Err(StoreError::NotFound));
    assert_eq!(
        scene.settle(&retried, 200),
        heraldo_domain::store::Settled::LeaseLost
    );
}

pub fn what_is_pending_is_never_deleted(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let (webhook, paused) = (scene.add_webhook(), scene.add_webhook());
    scene.set_status(paused, WebhookStatus::Paused);
    let under_way = scene.publish_leased(webhook);
    scene.world.hand_over.set_room(0);
    let waiting = scene.publish(webhook).id;
    let for_paused = scene.publish(paused).id;
    // One of its two deliveries has ended.
    scene.world.hand_over.set_room(1);
    let both = scene.event(InspectionId(scene.world.id()), &[webhook, paused]);
    let half = both.id;
    scene
        .commit(Change {
            events: vec![both],
            ..Change::default()
        })
        .unwrap();
    let ended = scene.world.hand_over.last();
    assert_eq!(ended.webhook_id, webhook);
    scene.settle(&ended, 200);
    let done = scene.publish_leased(webhook);
    scene.settle(&done, 200);

    let slices = pass(&scene, 2);
    assert_eq!(slices.iter().map(|slice| slice.events).sum::<u32>(), 1);
    assert_eq!(
        events(&scene),
        [half, for_paused, waiting, under_way.event_id]
    );
    scene.settle(&under_way, 200);
    let [claimed] = scene.claim(webhook, epoch).leased.try_into().unwrap();
    assert_eq!(claimed.event_id, waiting);
    pass(&scene, 2);
    assert_eq!(events(&scene), [half, for_paused, waiting]);
}

pub fn a_slice_keeps_to_its_rows(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhooks = [(); 12].map(|()| scene.add_webhook());
    scene.world.hand_over.set_room(1_000);
    let wide = scene.event(InspectionId(scene.world.id()), &webhooks);
    let narrow = [(); 9].map(|()| scene.event(InspectionId(scene.world.id()), &webhooks[..1]));
    scene
        .commit(Change {
            events: [wide].into_iter().chain(narrow).collect(),
            ..Change::default()
        })
        .unwrap();
    for leased in scene.world.hand_over.all() {
        scene.settle(&leased, 200);
    }
    // 13 rows, then 9 times 2.
    let slices = pass(&scene, 5);
    assert_eq!(events(&scene), []);
    assert_eq!(deliveries(&scene), 0);
    let gone: Vec<u32> = slices.iter().map(|slice| slice.events).collect();
    assert_eq!(gone.iter().sum::<u32>(), 10);
    assert_eq!(gone[..2], [0, 0], "the wide one goes in parts: {gone:?}");
    assert!(slices.len() >= 6, "{} slices of 5 rows", slices.len());
}

pub fn a_slice_keeps_to_its_bytes_but_deletes_one(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1_000);
    for kib in [200, 1, 1, 40, 40, 40, 1] {
        let mut event = scene.event(InspectionId(scene.world.id()), &[webhook]);
        event.body = Bytes::from(vec![b'x'; kib * 1_024]);
        scene
            .commit(Change {
                events: vec![event],
                ..Change::default()
            })
            .unwrap();
        scene.settle(&scene.world.hand_over.last(), 200);
    }
    let slices = pass_up_to(&scene, 100, 64 * 1_024);
    let gone: Vec<u32> = slices.iter().map(|slice| slice.events).collect();
    assert_eq!(gone, [1, 4, 2]);
    assert_eq!(deliveries(&scene), 0);
}

pub fn figures_outlive_what_they_count(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.settle(&scene.publish_leased(webhook), 200);
    pass(&scene, 100);
    assert_eq!(events(&scene), []);
    let query = StatisticsQuery {
        whose: Whose::Company,
        resolution: Resolution::Day,
        from: Timestamp::from_millis(scene.now().as_millis() - DAY_MS),
        to: scene.now(),
    };
    let found = block_on(scene.store.statistics(scene.company, query)).unwrap();
    let counted = found
        .iter()
        .map(|of| (of.figures.events, of.figures.delivered));
    assert_eq!(counted.collect::<Vec<_>>(), [(1, 1)]);
}

pub fn the_numbers_of_an_inspection_go_on_when_its_events_are_gone(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = InspectionId(scene.world.id());
    let publish = || {
        let committed = scene.commit(Change {
            events: vec![scene.event(inspection, &[])],
            ..Change::default()
        });
        committed.unwrap().sequences[0]
    };
    assert_eq!([publish(), publish()], [1, 2]);
    pass(&scene, 100);
    assert_eq!(events(&scene), []);
    assert_eq!(publish(), 3);
    pass(&scene, 100);
    assert_eq!([publish(), publish()], [4, 5]);
}

pub fn old_audit_entries_are_deleted_in_slices(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let enter = || {
        let entry = AuditEntry {
            id: AuditEntryId(scene.world.id()),
            company_id: scene.company,
            actor: Actor::CommandLine,
            action: AuditAction::SecretRevealed,
            subject: "x".to_owned(),
            detail: None,
            at: scene.now(),
        };
        let id = entry.id;
        scene
            .commit(Change {
                audit: Some(entry),
                ..Change::default()
            })
            .unwrap();
        id
    };
    for _ in 0..3 {
        enter();
    }
    scene.world.clock.step(1_000);
    let before = scene.now();
    let kept = enter();
    let forget = || block_on(scene.store.forget_audit(before, 2)).unwrap();
    assert_eq!([forget(), forget(), forget()], [2, 1, 0]);
    let left = block_on(scene.store.audit(scene.company, first_page())).unwrap();
    assert_eq!(
        left.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        [kept]
    );
}
