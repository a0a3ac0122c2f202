//! A full disk, a process that dies, and other processes on the same database.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use heraldo_domain::change::{Change, Write};
use heraldo_domain::delivery::Leased;
use heraldo_domain::ports::HandOver;
use heraldo_domain::store::StoreError;
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::sqlite::DATABASE_FILE;
use heraldo_wire::id::{InspectionId, WebhookId};
use rusqlite::Connection;

use super::*;

fn large(scene: &Scene<'_>, webhook: WebhookId) -> Change {
    let mut event = scene.event(InspectionId(scene.world.id()), &[webhook]);
    event.body = Bytes::from(vec![b'x'; 100_000]);
    Change {
        events: vec![event],
        ..Change::default()
    }
}

#[test]
fn a_full_disk_refuses_changes_and_takes_them_again_when_there_is_room() {
    let harness = Known::new();
    let (scene, epoch) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1_000);
    let leased = scene.publish_leased(webhook);
    block_on(harness.store().limit_pages(200)).unwrap();
    let mut accepted = 0;
    let error = loop {
        match scene.commit(large(&scene, webhook)) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 100, "the limit binds");
    };
    assert_eq!(error, StoreError::Full);
    assert_eq!(scene.world.hand_over.outstanding(), 0);

    // Several at once: none is written, each is told why, reads go on.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads
                .spawn(|| assert_eq!(scene.commit(large(&scene, webhook)), Err(StoreError::Full)));
        }
    });
    assert!(block_on(scene.store.has_companies()).unwrap());
    assert_eq!(scene.world.hand_over.outstanding(), 0);

    block_on(harness.store().limit_pages(1_000_000)).unwrap();
    scene.commit(large(&scene, webhook)).unwrap();
    assert_eq!(
        scene.settle(&leased, 200),
        heraldo_domain::store::Settled::Written
    );
    block_on(scene.store.check()).unwrap();
    let waiting = scene.claim(webhook, epoch).leased.len();
    let handed = scene.world.hand_over.all().len();
    assert_eq!(
        handed + waiting,
        accepted + 2,
        "what was refused left nothing behind"
    );
}

#[test]
fn groups_that_are_synced_beside_the_writer_are_handed_over_in_commit_order() {
    const CALLERS: usize = 4;
    const CHANGES: usize = 4;
    const EVENTS: usize = 450;
    let harness = Known::new();
    let (scene, epoch) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1_000_000);
    let inspection = InspectionId(scene.world.id());
    let change = || Change {
        events: (0..EVENTS)
            .map(|_| scene.event(inspection, &[webhook]))
            .collect(),
        ..Change::default()
    };
    let changes: Vec<Vec<_>> = (0..CALLERS)
        .map(|_| (0..CHANGES).map(|_| change()).collect())
        .collect();
    std::thread::scope(|threads| {
        for (caller, changes) in changes.into_iter().enumerate() {
            let (scene, store) = (&scene, harness.store());
            threads.spawn(move || {
                for (number, change) in changes.into_iter().enumerate() {
                    if (caller, number) == (0, CHANGES / 2) {
                        store.refuse_syncs(1);
                    }
                    match scene.commit(change) {
                        Ok(_) | Err(StoreError::Failed(_)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    scene.commit(change()).unwrap();
    let handed = scene.world.hand_over.all();
    let sequences: Vec<_> = handed.iter().map(|leased| leased.sequence).collect();
    let all: Vec<_> = (1..=u32::try_from(handed.len()).unwrap()).collect();
    assert_eq!(sequences, all);
    assert!(handed.len() >= 2 * EVENTS, "{}", handed.len());
    assert!(scene.claim(webhook, epoch).leased.is_empty());
}

#[test]
fn an_outcome_is_answered_before_it_is_synced() {
    let harness = Known::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1_000);
    let leased = scene.publish_leased(webhook);
    harness.store().refuse_syncs(1);
    assert_eq!(
        scene.settle(&leased, 200),
        heraldo_domain::store::Settled::Written
    );
    let (scene, epoch) = scene.crash();
    assert!(scene.claim(webhook, epoch).leased.is_empty(), "it stands");
}

#[test]
fn dropping_the_store_without_closing_loses_nothing() {
    let harness = Known::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let made: Vec<_> = (0..50)
        .map(|_| scene.publish(webhook).deliveries[0].id)
        .collect();
    let (scene, epoch) = scene.crash();
    let claimed = scene.claim(webhook, epoch).leased;
    assert_eq!(
        claimed
            .iter()
            .map(|leased| leased.delivery_id)
            .collect::<Vec<_>>(),
        made
    );
}

#[test]
fn the_log_is_copied_and_started_anew_under_load() {
    let harness = Known::new();
    let (scene, _) = Scene::new(&harness);
    scene.world.hand_over.set_room(100_000);
    let webhook = scene.add_webhook();
    let inspection = InspectionId(scene.world.id());
    for _ in 0..120 {
        let events = (0..200)
            .map(|_| scene.event(inspection, &[webhook]))
            .collect();
        scene
            .commit(Change {
                events,
                ..Change::default()
            })
            .unwrap();
    }
    let (scene, _) = scene.crash();
    let events = block_on(scene.store.events(
        scene.company,
        heraldo_domain::query::EventFilter::default(),
        heraldo_domain::query::Page {
            limit: 30_000,
            before: None,
        },
    ));
    let mut sequences: Vec<_> = events.unwrap().iter().map(|event| event.sequence).collect();
    sequences.reverse();
    assert_eq!(sequences, (1..=24_000).collect::<Vec<_>>());
    block_on(scene.store.close()).unwrap();
    let db = Connection::open(harness.folder.path().join("data").join(DATABASE_FILE)).unwrap();
    let sound: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn a_key_revoked_by_another_process_is_unknown_after_the_next_group() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    let key = scene.api_key("hk_live_0001");
    scene.write(Write::CreateApiKey(key.clone())).unwrap();
    assert!(block_on(scene.store.api_key(key.hash)).unwrap().is_some());

    let command = SqliteConfig {
        exclusive: false,
        ..config(sqlite.path(), &World::default())
    };
    let command = SqliteStore::open(command).unwrap();
    let revoke = Write::RevokeApiKey {
        company_id: scene.company,
        id: key.id,
    };
    block_on(command.commit(Change {
        writes: vec![revoke],
        ..Change::default()
    }))
    .unwrap();
    block_on(command.close()).unwrap();

    block_on(scene.store.check()).unwrap();
    assert_eq!(block_on(scene.store.api_key(key.hash)).unwrap(), None);
    assert!(scene.world.hand_over.changed().contains(&None));
}

/// Tells when webhooks may have changed.
#[derive(Debug)]
struct Told(Mutex<Sender<Option<WebhookId>>>);

impl Told {
    fn new() -> (Arc<Self>, Receiver<Option<WebhookId>>) {
        let (sender, told) = channel();
        (Arc::new(Self(Mutex::new(sender))), told)
    }
}

impl HandOver for Told {
    fn reserve(&self, _webhook: WebhookId, _body_bytes: usize) -> bool {
        false
    }

    fn release(&self, _webhook: WebhookId, _body_bytes: usize) {}

    fn deferred(&self, _webhook: WebhookId) -> u64 {
        0
    }

    fn hand_over(&self, _leased: Vec<Leased>) {}

    fn webhook_changed(&self, webhook: Option<WebhookId>) {
        // The test may be over.
        let _ = self.0.lock().unwrap().send(webhook);
    }
}

#[test]
fn an_idle_server_notices_what_another_process_wrote() {
    let sqlite = Sqlite::new();
    let world = World::default();
    let (hand_over, told) = Told::new();
    let server = SqliteStore::open(SqliteConfig {
        hand_over,
        ..config(sqlite.path(), &world)
    })
    .unwrap();
    let command = SqliteConfig {
        exclusive: false,
        ..config(sqlite.path(), &world)
    };
    let command = SqliteStore::open(command).unwrap();
    block_on(command.check()).unwrap();
    assert_eq!(told.recv(), Ok(None));
    drop(server);
}
