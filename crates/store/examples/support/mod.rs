//! What the measurements share: the real clock, dice, a hand-over to a thread, and CPU time.

#![allow(dead_code, reason = "not every measurement needs all of it")]

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use heraldo_domain::delivery::{AttemptReport, AttemptResult, Leased, Received, settle};
use heraldo_domain::ports::{Clock, Entropy, HandOver};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Settled, Store};
use heraldo_store::conformance::block_on;
use heraldo_store::{MasterKey, MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::attempt::PhaseTimings;
use heraldo_wire::id::{AttemptId, Id, WebhookId};
use heraldo_wire::time::Timestamp;

/// The real clock, and dice good enough for ids.
#[derive(Debug, Default)]
pub struct Machine(std::sync::atomic::AtomicU64);

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

impl Entropy for Machine {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self
                .0
                .fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed);
            let mixed = (drawn ^ (drawn >> 29))
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
                .to_be_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
    }
}

/// Passes everything on to the thread that settles.
#[derive(Debug)]
pub struct PassOn(Mutex<Sender<Vec<Leased>>>);

impl HandOver for PassOn {
    fn reserve(&self, _webhook: WebhookId, _body_bytes: usize) -> bool {
        true
    }

    fn release(&self, _webhook: WebhookId, _body_bytes: usize) {}

    fn deferred(&self, _webhook: WebhookId) -> u64 {
        0
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        self.0.lock().unwrap().send(leased).unwrap();
    }

    fn webhook_changed(&self, _webhook: Option<WebhookId>) {}
}

/// The CPU time of this process so far, user and system, in microseconds.
pub fn cpu_us() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let ran = tasks.map(|task| {
        // Nanoseconds on a CPU come first. A thread may end while this is read.
        let text = std::fs::read_to_string(task.unwrap().path().join("schedstat"));
        let ran = text
            .ok()
            .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        ran.unwrap_or(0)
    });
    ran.sum::<u64>() / 1_000
}

pub fn open(folder: &Path, machine: &Arc<Machine>) -> (Arc<SqliteStore>, Receiver<Vec<Leased>>) {
    let (sender, handed) = channel();
    let store = SqliteStore::open(SqliteConfig {
        data_dir: folder.to_owned(),
        master_key: MasterKeySource::Given(MasterKey::from_bytes([1; 32])),
        hand_over: Arc::new(PassOn(Mutex::new(sender))),
        clock: machine.clone(),
        entropy: machine.clone(),
        exclusive: true,
        limits: SqliteLimits::default(),
    });
    (Arc::new(store.unwrap()), handed)
}

/// Settles what is handed over, in the groups in which it comes, until so many are settled.
pub fn settle_all(
    store: &dyn Store,
    machine: &Machine,
    id: impl Fn() -> Id,
    handed: &Receiver<Vec<Leased>>,
    events: usize,
) {
    let policy = RetryPolicy::default();
    let mut settled = 0;
    while settled < events {
        let mut group = handed.recv().unwrap();
        while let Ok(more) = handed.try_recv() {
            group.extend(more);
            if group.len() >= 512 {
                break;
            }
        }
        let settlements = group.iter().map(|leased| {
            let now = machine.now();
            let report = AttemptReport {
                started_at: now,
                duration_ms: 3,
                result: AttemptResult::Answered(Received {
                    status: 200,
                    body: "ok".to_owned(),
                    ..Received::default()
                }),
                timings: PhaseTimings {
                    first_byte_ms: Some(3),
                    ..PhaseTimings::default()
                },
            };
            settle(leased, report, AttemptId(id()), &policy, now)
        });
        let outcomes = block_on(store.settle(settlements.collect())).unwrap();
        assert!(
            outcomes
                .each
                .iter()
                .all(|outcome| *outcome == Settled::Written),
            "a lease was lost"
        );
        settled += outcomes.each.len();
    }
}
