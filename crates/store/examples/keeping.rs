//! Measures what keeping costs: how long a slice of old events holds the writer, and what reading figures and
//! the backlog takes with so many deliveries stored.
//!
//! `cargo run --release --example keeping -p heraldo-store -- [EVENTS]` (200,000 without it)

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program that measures: a broken expectation ends it, and it needs the real time"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use heraldo_domain::change::Change;
use heraldo_domain::delivery::Epoch;
use heraldo_domain::retention::Slice;
use heraldo_domain::statistics::{StatisticsQuery, Whose};
use heraldo_domain::store::Store;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::conformance::{Harness, World, block_on};
use heraldo_store::{MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::api::Resolution;
use heraldo_wire::id::{InspectionId, WebhookId};

const PER_CHANGE: usize = 500;
const BODY_BYTES: usize = 800;

struct Folder(tempfile::TempDir);

impl Harness for Folder {
    fn open(&self, world: &World) -> Arc<dyn Store> {
        let config = SqliteConfig {
            data_dir: self.0.path().join("data"),
            master_key: MasterKeySource::File(self.0.path().join("master.key")),
            hand_over: world.hand_over.clone(),
            clock: world.clock.clone(),
            entropy: world.entropy.clone(),
            exclusive: true,
            limits: SqliteLimits::default(),
        };
        Arc::new(SqliteStore::open(config).unwrap())
    }

    fn reopen(&self, store: Arc<dyn Store>, world: &World) -> Arc<dyn Store> {
        drop(store);
        self.open(world)
    }
}

fn publish(scene: &Scene<'_>, webhook: WebhookId) {
    let event = |_| {
        let mut event = scene.event(InspectionId(scene.world.id()), &[webhook]);
        event.body = Bytes::from(vec![b'x'; BODY_BYTES]);
        event
    };
    let events = (0..PER_CHANGE).map(event).collect();
    scene
        .commit(Change {
            events,
            ..Change::default()
        })
        .unwrap();
}

fn settle_all(scene: &Scene<'_>, webhook: WebhookId, epoch: Epoch) {
    loop {
        let claimed = scene.claim_up_to(webhook, epoch, 500, usize::MAX);
        let policy = heraldo_domain::retry::RetryPolicy::default();
        let settlements = claimed
            .leased
            .iter()
            .map(|leased| scene.settlement(leased, 200, &policy));
        block_on(scene.store.settle(settlements.collect())).unwrap();
        if claimed.exhausted {
            return;
        }
    }
}

fn said(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| {
        times
            .get((times.len() - 1) * percent / 100)
            .copied()
            .unwrap()
    };
    println!(
        "{what}: {} times, median {:?}, p99 {:?}, longest {:?}",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}

fn timed<T>(times: &mut Vec<Duration>, ask: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let answer = ask();
    times.push(begun.elapsed());
    answer
}

fn main() {
    let events = std::env::args()
        .nth(1)
        .map_or(200_000, |text| text.parse().unwrap());
    let folder = Folder(tempfile::tempdir().unwrap());
    let (scene, epoch) = Scene::new(&folder);
    let webhook = scene.add_webhook();
    let begun = Instant::now();
    for _ in 0..events / PER_CHANGE {
        publish(&scene, webhook);
        scene.world.clock.step(50);
    }
    println!("{events} events stored in {:?}", begun.elapsed());
    let mut backlog = Vec::new();
    let query = StatisticsQuery {
        whose: Whose::Company,
        resolution: Resolution::Hour,
        from: scene.now().minus(Duration::from_secs(86_400)),
        to: scene.now(),
    };
    for _ in 0..100 {
        timed(&mut backlog, || {
            block_on(scene.store.backlog(scene.company)).unwrap()
        });
    }
    said("reading the backlog", backlog);
    settle_all(&scene, webhook, epoch);
    let mut figures = Vec::new();
    for _ in 0..100 {
        timed(&mut figures, || {
            block_on(scene.store.statistics(scene.company, query)).unwrap()
        });
    }
    said("reading 24 hours of figures", figures);
    let (scene, _) = {
        let begun = Instant::now();
        let opened = scene.crash();
        println!("opened in {:?}", begun.elapsed());
        opened
    };
    scene.world.clock.step(1_000);
    let mut slice = Slice {
        before: scene.now(),
        after: None,
        rows_max: 128,
        body_bytes_max: 1 << 20,
    };
    let (mut slices, mut gone) = (Vec::new(), 0);
    let begun = Instant::now();
    loop {
        let forgotten = timed(&mut slices, || {
            block_on(scene.store.forget_events(slice)).unwrap()
        });
        gone += forgotten.events;
        slice.after = forgotten.after;
        if !forgotten.more {
            break;
        }
    }
    println!("{gone} events deleted in {:?}", begun.elapsed());
    said("a slice, with its commit", slices);
}
