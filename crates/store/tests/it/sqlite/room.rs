//! Room: what happens near the end of the disk and of the queue, and that what is deleted is used again.

use bytes::Bytes;
use heraldo_domain::change::{Change, Write};
use heraldo_domain::delivery::Next;
use heraldo_domain::retention::Slice;
use heraldo_domain::store::{Settled, StoreError};
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::sqlite::DATABASE_FILE;
use heraldo_wire::id::{InspectionId, WebhookId};
use rusqlite::Connection;

use super::*;

const KIB: usize = 1 << 10;

fn pages(harness: &Known) -> u32 {
    let db = Connection::open(harness.folder.path().join("data").join(DATABASE_FILE)).unwrap();
    db.query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap()
}

fn event(scene: &Scene<'_>, webhook: WebhookId, bytes: usize) -> Change {
    event_about(InspectionId(scene.world.id()), scene, webhook, bytes)
}

fn event_about(
    inspection: InspectionId,
    scene: &Scene<'_>,
    webhook: WebhookId,
    bytes: usize,
) -> Change {
    let mut event = scene.event(inspection, &[webhook]);
    event.body = Bytes::from(vec![b'x'; bytes]);
    Change {
        events: vec![event],
        ..Change::default()
    }
}

/// Stores an event about each of these inspections, whose deliveries have ended.
fn load(scene: &Scene<'_>, webhook: WebhookId, about: &[InspectionId]) {
    let before = scene.world.hand_over.all().len();
    scene.world.hand_over.set_room(about.len());
    for inspection in about {
        let change = event_about(*inspection, scene, webhook, 4 * KIB);
        scene.commit(change).unwrap();
    }
    for leased in &scene.world.hand_over.all()[before..] {
        assert_eq!(scene.settle_to(leased, Next::Delivered), Settled::Written);
    }
}

fn delete_everything(scene: &Scene<'_>) {
    scene.world.clock.step(1_000);
    let mut slice = Slice {
        before: scene.now(),
        after: None,
        rows_max: 64,
        body_bytes_max: 1 << 20,
    };
    loop {
        let forgotten = block_on(scene.store.forget_events(slice)).unwrap();
        if !forgotten.more {
            return;
        }
        slice.after = forgotten.after;
    }
}

#[test]
fn what_is_deleted_makes_room_for_the_same_load_again() {
    let harness = Known::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let about: Vec<_> = (0..300).map(|_| InspectionId(scene.world.id())).collect();
    let sizes = [(); 6].map(|()| {
        load(&scene, webhook, &about);
        let size = pages(&harness);
        delete_everything(&scene);
        size
    });
    assert!(sizes[0] > 300, "a body takes a page: {sizes:?}");
    // The first deletion adds the last number of each inspection, once.
    assert!(sizes[1] <= sizes[0] + sizes[0] / 20, "{sizes:?}");
    assert!(
        sizes[2..].iter().all(|size| *size <= sizes[1] + 2),
        "{sizes:?}"
    );
}

/// A disk with so many pages left, as far as the database can tell, and a minimum of 1 MiB.
fn nearly_full() -> Known {
    Known::with(SqliteLimits {
        disk_free_bytes_min: 1 << 20,
        ..SqliteLimits::default()
    })
}

/// Leaves so many pages of 4 KiB from now on.
fn leave(harness: &Known, scene: &Scene<'_>, left: u32) {
    block_on(harness.store().limit_pages(pages(harness) + left)).unwrap();
    look(scene);
}

/// The writer looks twice a second, after a group.
fn look(scene: &Scene<'_>) {
    scene.world.clock.step(500);
    drop(block_on(
        scene
            .store
            .release(heraldo_domain::delivery::Epoch(1), Vec::new()),
    ));
}

#[test]
fn near_the_end_of_the_disk_nothing_new_is_accepted_and_the_rest_goes_on() {
    let harness = nearly_full();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let key = scene.api_key("hrld_k");
    scene.write(Write::CreateApiKey(key.clone())).unwrap();
    let leased = scene.publish_leased(webhook);
    leave(&harness, &scene, 255);
    for change in [
        event(&scene, webhook, KIB),
        Change {
            writes: vec![Write::CreateInspection(Box::new(scene.inspection("AB1")))],
            ..Change::default()
        },
    ] {
        assert_eq!(scene.commit(change), Err(StoreError::Full));
    }
    assert_eq!(block_on(scene.store.check()), Err(StoreError::Full));
    assert!(scene.store.measures().disk_is_nearly_full);
    assert_eq!(scene.settle(&leased, 200), Settled::Written);
    scene
        .write(Write::RevokeApiKey {
            company_id: scene.company,
            id: key.id,
        })
        .unwrap();
    assert!(block_on(scene.store.has_companies()).unwrap());

    leave(&harness, &scene, 1_000);
    scene.commit(event(&scene, webhook, KIB)).unwrap();
    assert_eq!(block_on(scene.store.check()), Ok(()));
}

#[test]
fn what_was_deleted_counts_as_room() {
    let harness = nearly_full();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let about: Vec<_> = (0..400).map(|_| InspectionId(scene.world.id())).collect();
    load(&scene, webhook, &about);
    leave(&harness, &scene, 128);
    assert_eq!(
        scene.commit(event(&scene, webhook, KIB)),
        Err(StoreError::Full)
    );
    delete_everything(&scene);
    look(&scene);
    scene.commit(event(&scene, webhook, KIB)).unwrap();
    // But the log needs room of its own.
    leave(&harness, &scene, 63);
    assert_eq!(
        scene.commit(event(&scene, webhook, KIB)),
        Err(StoreError::Full)
    );
}

#[test]
fn a_disk_that_is_too_slow_bounds_what_waits_and_loses_nothing_that_was_accepted() {
    const QUEUED_MAX: usize = 4 << 20;
    const BODY: usize = 64 * KIB;
    let harness = Known::with(SqliteLimits {
        queue_bytes_max: QUEUED_MAX,
        ..SqliteLimits::default()
    });
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let leased = scene.publish_leased(webhook);
    // Whoever holds the database stands for a disk that does not answer.
    let held = Connection::open(harness.folder.path().join("data").join(DATABASE_FILE)).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let changes: Vec<_> = (0..400).map(|_| event(&scene, webhook, BODY)).collect();
    let results: Vec<_> = std::thread::scope(|threads| {
        let callers: Vec<_> = changes
            .into_iter()
            .map(|change| threads.spawn(|| block_on(scene.store.commit(change))))
            .collect();
        // Outcomes are let in all the same: refusing them would only keep their deliveries open.
        let settling = threads.spawn(|| scene.settle(&leased, 200));
        let refused = || callers.iter().filter(|caller| caller.is_finished()).count();
        while refused() < 300 {
            std::thread::yield_now();
        }
        let measures = scene.store.measures();
        let waiting = measures.queued_bytes;
        assert!(waiting <= (QUEUED_MAX + 2 * BODY) as u64, "{waiting}");
        assert!(measures.queue_is_full);
        held.execute_batch("ROLLBACK").unwrap();
        assert_eq!(settling.join().unwrap(), Settled::Written);
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    assert!((1..=100).contains(&accepted), "{accepted}");
    let overloaded = results
        .iter()
        .filter(|result| **result == Err(StoreError::Overloaded));
    assert_eq!(
        accepted + overloaded.count(),
        400,
        "nobody is told anything else"
    );
    let pending = scene.store.measures().pending;
    assert_eq!(pending, [(webhook, accepted as u64)]);
}
