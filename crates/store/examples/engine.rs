//! Measures the embedded engine alone: changes a second and CPU time per event, with settlement.
//!
//! `cargo run --release -p heraldo-store --example engine [folder] [all|singles|batches] [divisor]`

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measurement stops at the first thing that is wrong, and reads the real clock"
)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use bytes::Bytes;
use heraldo_domain::account::Company;
use heraldo_domain::change::{Change, NewDelivery, NewEvent, Origin, Write};
use heraldo_domain::delivery::Leased;
use heraldo_domain::ports::{Clock, IdMaker};
use heraldo_domain::store::Store;
use heraldo_store::SqliteStore;
use heraldo_store::conformance::block_on;
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, InspectionId, UserId, WebhookId};

use self::support::{Machine, cpu_us, open, settle_all};

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
            follows_last: false,
            created_at: self.machine.now(),
            deliveries: vec![NewDelivery {
                id: DeliveryId(self.id()),
                webhook_id: self.webhook,
                cause: Cause::First,
                strict: false,
            }],
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
            let events = changes / callers.len() * callers.len() * batch;
            settle_all(&*self.store, &self.machine, || self.id(), handed, events);
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

fn main() {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/bench/engine".to_owned());
    let folder = Path::new(&folder);
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    let machine = Arc::new(Machine::default());
    let (store, handed) = open(folder, &machine);
    let ids = IdMaker::default();
    let id = || ids.next(machine.now(), &*machine);
    let (company, webhook, owner) = (CompanyId(id()), WebhookId(id()), UserId(id()));
    let body = Bytes::from(vec![b'x'; 600]);
    let bench = Bench {
        store,
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
