//! Measures the embedded engine alone: changes a second and CPU time per event, with settlement.
//!
//! `cargo run --release -p heraldo-store --example engine [folder] [all|singles|batches] [divisor]`

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measurement stops at the first thing that is wrong, and reads the real clock"
)]

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use heraldo_domain::account::Company;
use heraldo_domain::change::{Change, NewDelivery, NewEvent, Origin, Write};
use heraldo_domain::delivery::{AttemptReport, AttemptResult, Leased, settle};
use heraldo_domain::ports::{Clock, Entropy, HandOver, IdMaker};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Settled, Store};
use heraldo_store::conformance::block_on;
use heraldo_store::{MasterKey, MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::attempt::{Cause, PhaseTimings};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{
    AttemptId, CompanyId, DeliveryId, EventId, InspectionId, UserId, WebhookId,
};
use heraldo_wire::time::Timestamp;

/// The real clock, and dice good enough for ids.
#[derive(Debug, Default)]
struct Machine(std::sync::atomic::AtomicU64);

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
struct PassOn(Mutex<Sender<Vec<Leased>>>);

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

struct Bench {
    store: Arc<SqliteStore>,
    machine: Arc<Machine>,
    ids: IdMaker,
    company: CompanyId,
    webhook: WebhookId,
    body: Bytes,
}

impl Bench {
    fn id(&self) -> heraldo_wire::id::Id {
        self.ids.next(self.machine.now(), &*self.machine)
    }

    fn event(&self) -> NewEvent {
        NewEvent {
            id: EventId(self.id()),
            company_id: self.company,
            inspection_id: InspectionId(self.id()),
            event_type: EventType::InspectionCreated,
            body: self.body.clone(),
            origin: Origin::Published,
            sequence: None,
            created_at: self.machine.now(),
            deliveries: vec![NewDelivery {
                id: DeliveryId(self.id()),
                webhook_id: self.webhook,
                cause: Cause::First,
                strict: false,
            }],
        }
    }

    /// Settles what is handed over, in the groups in which it comes, until so many are settled.
    fn settle_all(&self, handed: &Receiver<Vec<Leased>>, events: usize) {
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
                let now = self.machine.now();
                let report = AttemptReport {
                    started_at: now,
                    duration_ms: 3,
                    result: AttemptResult::Answered {
                        status: 200,
                        body: "ok".to_owned(),
                    },
                    timings: PhaseTimings {
                        first_byte_ms: Some(3),
                        ..PhaseTimings::default()
                    },
                };
                settle(leased, report, AttemptId(self.id()), &policy, now)
            });
            let outcomes = block_on(self.store.settle(settlements.collect())).unwrap();
            assert!(
                outcomes.iter().all(|outcome| *outcome == Settled::Written),
                "a lease was lost"
            );
            settled += outcomes.len();
        }
    }

    fn run(
        &self,
        name: &str,
        handed: &Receiver<Vec<Leased>>,
        callers: usize,
        changes: usize,
        batch: usize,
    ) {
        let (started, cpu) = (Instant::now(), cpu_us());
        let mut waits = std::thread::scope(|threads| {
            let callers: Vec<_> = (0..callers)
                .map(|_| {
                    threads.spawn(|| {
                        let mut waits = Vec::with_capacity(changes / callers);
                        for _ in 0..changes / callers {
                            let events = (0..batch).map(|_| self.event()).collect();
                            let asked = Instant::now();
                            block_on(self.store.commit(Change {
                                events,
                                ..Change::default()
                            }))
                            .unwrap();
                            waits.push(asked.elapsed().as_micros());
                        }
                        waits
                    })
                })
                .collect();
            self.settle_all(handed, changes / callers.len() * callers.len() * batch);
            callers
                .into_iter()
                .flat_map(|caller| caller.join().unwrap())
                .collect::<Vec<_>>()
        });
        waits.sort_unstable();
        let seconds = started.elapsed().as_secs_f64();
        let events = (changes * batch) as f64;
        println!(
            "{name}: {:.0} changes/s, {:.0} events/s, {:.1} us CPU per event, wait p50 {} us, p99 {} us, max {} us",
            changes as f64 / seconds,
            events / seconds,
            (cpu_us() - cpu) as f64 / events,
            waits[waits.len() / 2],
            waits[waits.len() * 99 / 100],
            waits.last().unwrap(),
        );
    }
}

/// The CPU time of this process so far, user and system, as Linux counts it (in ticks of 10 ms).
fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10_000
}

fn main() {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/bench/engine".to_owned());
    let folder = Path::new(&folder);
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    let machine = Arc::new(Machine::default());
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
    let ids = IdMaker::default();
    let id = || ids.next(machine.now(), &*machine);
    let (company, webhook, owner) = (CompanyId(id()), WebhookId(id()), UserId(id()));
    let body = Bytes::from(vec![b'x'; 600]);
    let bench = Bench {
        store: Arc::new(store.unwrap()),
        machine,
        ids,
        company,
        webhook,
        body,
    };
    let created_at = bench.machine.now();
    let created = Write::CreateCompany(Company {
        id: company,
        name: "bench".to_owned(),
        owner,
        created_at,
    });
    block_on(bench.store.commit(Change {
        writes: vec![created],
        ..Change::default()
    }))
    .unwrap();
    block_on(bench.store.open_epoch()).unwrap();
    let work = std::env::args().nth(2).unwrap_or_else(|| "all".to_owned());
    let scale: usize = std::env::args()
        .nth(3)
        .map_or(1, |scale| scale.parse().unwrap());
    for _ in 0..2 {
        if work != "batches" {
            bench.run("32 callers, 1 event each", &handed, 32, 64_000 / scale, 1);
        }
        if work != "singles" {
            bench.run("4 callers, 100 events each", &handed, 4, 2_000 / scale, 100);
        }
    }
    if work == "all" {
        bench.run("1 caller, 1 event each", &handed, 1, 4_000 / scale, 1);
    }
    for file in ["heraldo.db", "heraldo.db-wal"] {
        let bytes = std::fs::metadata(folder.join(file)).unwrap().len();
        println!("{file}: {} MiB", bytes >> 20);
    }
    block_on(bench.store.close()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
