//! Measures inspections: how many are created a second, and how long a list's first page takes when its
//! company has many.
//!
//! `cargo run --release -p heraldo-store --example lists [folder] [inspections] [creates] [only]`
//!
//! A folder that exists is measured as it stands; one that does not is filled, and stays.

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
use heraldo_domain::inspection::{Inspection, Product, State};
use heraldo_domain::ports::{Clock, IdMaker};
use heraldo_domain::query::InspectionFilter;
use heraldo_domain::store::Store;
use heraldo_store::SqliteStore;
use heraldo_store::conformance::block_on;
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{
    CompanyId, DeliveryId, EventId, Id, InspectionId, ProductId, TemplateId, UserId, WebhookId,
};
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Consumer, DeliveryPreference, InspectionStatus, InspectionType,
    Metadata, Producer, ProductAttributes, TemplateHead, TemplateType, Veredict,
};
use heraldo_wire::time::Timestamp;

use self::support::{Machine, cpu_us, open, settle_all};

const DAY_MS: i64 = 86_400_000;
const NAMES: [&str; 12] = [
    "Ana",
    "Benjamín",
    "Carla",
    "Diego",
    "Emilia",
    "Facundo",
    "Guadalupe",
    "Hernán",
    "Inés",
    "Joaquín",
    "Ximena",
    "Zoe",
];

struct Bench {
    store: Arc<SqliteStore>,
    machine: Arc<Machine>,
    ids: IdMaker,
    companies: Vec<CompanyId>,
    templates: Vec<TemplateId>,
    producers: Vec<UserId>,
    webhook: WebhookId,
}

/// Numbers that look random and are the same in every run.
fn scrambled(number: u64, salt: u64) -> u64 {
    let mixed = (number ^ (salt << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

impl Bench {
    fn id(&self, at: Timestamp) -> Id {
        self.ids.next(at, &*self.machine)
    }

    /// The first company has nearly all; most are cars of one producer and one template, completed.
    fn inspection(&self, number: u64, at: Timestamp) -> Inspection {
        let dice = |salt: u64, sides: u64| scrambled(number, salt) % sides;
        let company_id = self.companies[if dice(1, 11) == 0 {
            1 + usize::try_from(dice(2, 99)).unwrap()
        } else {
            0
        }];
        let skewed = |salt, count: usize| match dice(salt, 100_000) {
            0..60_000 => 0,
            60_000..99_970 => 1 + usize::try_from(dice(salt + 1, count as u64 - 2)).unwrap(),
            _ => count - 1,
        };
        let state = match dice(7, 100_000) {
            0..2_000 => State::Created { wrong_codes: 0 },
            2_000..3_000 => State::started(at),
            3_000..3_003 => State::Processing {
                completed_by: CompletedBy::Client,
                at,
            },
            3_003..8_000 => State::Blocked {
                reason: BlockedReason::Expired,
                at,
            },
            other => State::Completed {
                completed_by: CompletedBy::Client,
                veredict: if other % 7 == 0 {
                    Veredict::Disapproved
                } else {
                    Veredict::Approved
                },
                at,
                review: None,
            },
        };
        let name = NAMES[usize::try_from(dice(8, 12)).unwrap()];
        // So that a text and a verdict can exclude each other.
        let provider = match state {
            State::Completed {
                veredict: Veredict::Disapproved,
                ..
            } => "hotmail.com",
            _ => "gmail.com",
        };
        let mut attributes = ProductAttributes::default();
        let plate = if dice(9, 2_000) == 0 {
            1
        } else {
            dice(9, 1 << 36)
        };
        attributes
            .0
            .insert("plate".to_owned(), format!("{plate:07x}").into());
        for (field, value) in [("make", "Fiat"), ("model", "Cronos"), ("color", "red")] {
            attributes.0.insert(field.to_owned(), value.into());
        }
        Inspection {
            id: InspectionId(self.id(at)),
            company_id,
            version: 1,
            inspection_type: match dice(3, 10_000) {
                0 => InspectionType::Bike,
                1..2_000 => InspectionType::Moto,
                _ => InspectionType::Car,
            },
            template: TemplateHead {
                name: "easy".to_owned(),
                kind: TemplateType::BuiltIn,
                id: self.templates[skewed(20, self.templates.len())],
            },
            access_attempts_max: 3,
            producer: Producer {
                company_id,
                user_id: Some(self.producers[skewed(30, self.producers.len())]),
                ..Producer::default()
            },
            testing: false,
            locale: "es".to_owned(),
            callback_url: None,
            delivery: DeliveryPreference::Disabled,
            metadata: Metadata(
                [("policy".to_owned(), number.to_string())]
                    .into_iter()
                    .collect(),
            ),
            consumer: Consumer {
                first_name: Some(name.to_owned()),
                last_name: Some("Quiroga".to_owned()),
                identification: Some(dice(10, 50_000_000).to_string()),
                email: Some(format!("{name}.{}@{provider}", dice(11, 1_000_000))),
                ..Consumer::default()
            },
            products: vec![Product {
                id: ProductId(self.id(at)),
                attributes,
                inputs: Vec::new(),
                images: Vec::new(),
            }],
            inputs: Vec::new(),
            part_count: 1,
            template_revision: None,
            access_code: "0417".to_owned(),
            parent_id: None,
            created_at: at,
            updated_at: at,
            expires_at: Timestamp::from_millis(at.as_millis() + 7 * DAY_MS),
            event_count: 0,
            state,
        }
    }

    /// Inspections over the last year, oldest first.
    fn fill(&self, inspections: u64) {
        let (now, started) = (self.machine.now().as_millis(), Instant::now());
        let step = 365 * DAY_MS / i64::try_from(inspections).unwrap().max(1);
        for slice in 0..inspections / 1_000 {
            let writes = (slice * 1_000..(slice + 1) * 1_000).map(|number| {
                let at = now - 365 * DAY_MS + step * i64::try_from(number).unwrap();
                Write::CreateInspection(Box::new(
                    self.inspection(number, Timestamp::from_millis(at)),
                ))
            });
            self.commit(Change {
                writes: writes.collect(),
                ..Change::default()
            });
        }
        println!(
            "filled with {inspections} in {:.0} s",
            started.elapsed().as_secs_f64()
        );
    }

    fn commit(&self, change: Change) {
        block_on(self.store.commit(change)).unwrap();
    }

    /// What one `POST /v1/inspection/car` writes: an inspection, its event, one delivery, and its outcome.
    fn create(&self, name: &str, handed: &Receiver<Vec<Leased>>, callers: u64, creates: u64) {
        let body = Bytes::from(vec![b'x'; 660]);
        let one = |number: u64| {
            let now = self.machine.now();
            let mut inspection = self.inspection(number, now);
            inspection.state = State::Created { wrong_codes: 0 };
            inspection.event_count = 1;
            let event = NewEvent {
                id: EventId(self.id(now)),
                company_id: inspection.company_id,
                inspection_id: inspection.id,
                event_type: EventType::InspectionCreated,
                body: body.clone(),
                origin: Origin::Inspection,
                sequence: Some(1),
                follows_last: false,
                created_at: now,
                deliveries: vec![NewDelivery {
                    id: DeliveryId(self.id(now)),
                    webhook_id: self.webhook,
                    cause: Cause::First,
                    strict: false,
                }],
            };
            let writes = vec![Write::CreateInspection(Box::new(inspection.clone()))];
            self.commit(Change {
                writes,
                events: vec![event],
                ..Change::default()
            });
            inspection
        };
        let (started, cpu) = (Instant::now(), cpu_us());
        let each = creates / callers;
        let made: Vec<Inspection> = std::thread::scope(|threads| {
            let one = &one;
            let callers: Vec<_> = (0..callers)
                .map(|caller| {
                    threads.spawn(move || {
                        (0..each)
                            .map(|number| one(caller << 32 | number))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            let id = || self.id(self.machine.now());
            let events = usize::try_from(each).unwrap() * callers.len();
            settle_all(&*self.store, &self.machine, id, handed, events);
            callers
                .into_iter()
                .flat_map(|caller| caller.join().unwrap())
                .collect()
        });
        report(name, "creates", made.len(), started, cpu);

        let (started, cpu) = (Instant::now(), cpu_us());
        let slices = made.chunks(made.len() / usize::try_from(callers).unwrap());
        std::thread::scope(|threads| {
            for slice in slices {
                threads.spawn(move || {
                    for inspection in slice {
                        let next = Inspection {
                            version: 2,
                            state: State::started(inspection.created_at),
                            ..inspection.clone()
                        };
                        let writes = vec![Write::UpdateInspection(Box::new(next))];
                        self.commit(Change {
                            writes,
                            ..Change::default()
                        });
                    }
                });
            }
        });
        report(name, "updates", made.len(), started, cpu);
    }

    fn list(&self, name: &str, filter: &InspectionFilter, offset: u64) {
        if std::env::args()
            .nth(4)
            .is_some_and(|only| !name.contains(&only))
        {
            return;
        }
        let mut times = Vec::new();
        let mut total = 0;
        let cpu = cpu_us();
        for _ in 0..11 {
            let asked = Instant::now();
            let found = self
                .store
                .inspections(self.companies[0], filter.clone(), offset, 10);
            total = block_on(found).unwrap().1;
            times.push(asked.elapsed().as_secs_f64() * 1_000.0);
        }
        let cpu_ms = (cpu_us() - cpu) as f64 / 11_000.0;
        let first = times.remove(0);
        times.sort_by(f64::total_cmp);
        println!(
            "{name:36} {total:>8} match  CPU {cpu_ms:>7.2} ms, p50 {:>7.2} ms, max {:>7.2} ms, first {first:>7.2} ms",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }

    fn lists(&self) {
        let all = InspectionFilter::default();
        let with = |name: &str, change: &dyn Fn(&mut InspectionFilter)| {
            let mut filter = all.clone();
            change(&mut filter);
            self.list(name, &filter, 0);
        };
        with("all", &|_| {});
        with("status created", &|f| {
            f.status = Some(InspectionStatus::Created)
        });
        with("status processing", &|f| {
            f.status = Some(InspectionStatus::Processing)
        });
        with("status completed", &|f| {
            f.status = Some(InspectionStatus::Completed)
        });
        with("type bike", &|f| {
            f.inspection_type = Some(InspectionType::Bike)
        });
        with("type car", &|f| {
            f.inspection_type = Some(InspectionType::Car)
        });
        with("veredict disapproved", &|f| {
            f.veredict = Some(Veredict::Disapproved)
        });
        let plate =
            |plate: &'static str| move |f: &mut InspectionFilter| f.plate = Some(plate.to_owned());
        with("plate of about 450", &plate("0000001"));
        with("plate of none", &plate("nothing"));
        let seen = block_on(
            self.store
                .inspections(self.companies[0], all.clone(), 9_000, 1),
        );
        let seen = seen.unwrap().0.remove(0);
        with("plate of one", &|f| f.plate = seen.plate_key());
        with("identification of one", &|f| {
            f.consumer_identification = seen.identification_key()
        });
        let template = |number: usize| {
            let id = self.templates[number].to_string();
            move |f: &mut InspectionFilter| f.template_id = Some(id.clone())
        };
        with("template of most", &template(0));
        with("template of few", &template(self.templates.len() - 1));
        let producers = |numbers: &[usize]| {
            let producers: Vec<_> = numbers
                .iter()
                .map(|number| self.producers[*number])
                .collect();
            move |f: &mut InspectionFilter| f.producers = Some(producers.clone())
        };
        with("producer of most", &producers(&[0]));
        with("producer of few", &producers(&[self.producers.len() - 1]));
        with("30 producers", &producers(&(5..35).collect::<Vec<_>>()));
        let now = self.machine.now().as_millis();
        let days_ago = |days: i64| Some(Timestamp::from_millis(now - days * DAY_MS));
        with("from 30 days ago", &|f| f.from = days_ago(30));
        with("to 30 days ago", &|f| f.to = days_ago(30));
        with("one day, half a year ago", &|f| {
            (f.from, f.to) = (days_ago(180), days_ago(179))
        });
        let search =
            |text: &'static str| move |f: &mut InspectionFilter| f.search = Some(text.to_owned());
        with("search of one e-mail", &|f| {
            f.search = seen.consumer.email.clone()
        });
        with("search of its middle", &|f| {
            f.search = seen
                .consumer
                .identification
                .as_ref()
                .map(|text| text[1..6].to_owned());
        });
        with("search 'mail.com' (all)", &search("mail.com"));
        with("search 'ximena' (a twelfth)", &search("ximena"));
        with("search 'hernán.77'", &search("hernán.77"));
        with("search 'nobody' (none)", &search("nobody"));
        with("search '4' (beginnings)", &search("4"));
        with("search 'zo' (beginnings)", &search("zo"));
        with("search 'zq' (none)", &search("zq"));
        println!("several at once:");
        let me = producers(&[0]);
        with("producer of most, completed", &|f| {
            me(f);
            f.status = Some(InspectionStatus::Completed);
        });
        with("producer of most, processing", &|f| {
            me(f);
            f.status = Some(InspectionStatus::Processing);
        });
        with("producer of most, last 30 days", &|f| {
            me(f);
            f.from = days_ago(30);
        });
        with("producer of most, 'ximena'", &|f| {
            me(f);
            search("ximena")(f);
        });
        with("30 producers, disapproved, from", &|f| {
            producers(&(5..35).collect::<Vec<_>>())(f);
            f.veredict = Some(Veredict::Disapproved);
            f.from = days_ago(300);
        });
        with("template and producer of most", &|f| {
            me(f);
            template(0)(f);
        });
        with("template of few, producer of most", &|f| {
            me(f);
            template(self.templates.len() - 1)(f);
        });
        with("created, from 300 days ago", &|f| {
            f.status = Some(InspectionStatus::Created);
            f.from = days_ago(300);
        });
        with("'gmail.com', processing", &|f| {
            search("gmail.com")(f);
            f.status = Some(InspectionStatus::Processing);
        });
        with("'@gmail.com', disapproved (none)", &|f| {
            search("@gmail.com")(f);
            f.veredict = Some(Veredict::Disapproved);
        });
        with("'a.', disapproved", &|f| {
            search("a.")(f);
            f.veredict = Some(Veredict::Disapproved);
        });
        println!("later pages:");
        self.list("all, after 100,000", &all, 100_000);
        self.list("all, after 900,000", &all, 900_000);
        for text in ["mail.com", "4", "ximena"] {
            let filter = InspectionFilter {
                search: Some(text.to_owned()),
                ..all.clone()
            };
            self.list(&format!("search '{text}', last page"), &filter, 900_000);
        }
    }
}

fn report(name: &str, what: &str, count: usize, started: Instant, cpu: u64) {
    println!(
        "{name}: {:.0} {what}/s, {:.1} us CPU each",
        count as f64 / started.elapsed().as_secs_f64(),
        (cpu_us() - cpu) as f64 / count as f64,
    );
}

fn main() {
    let argument = |place| std::env::args().nth(place);
    let folder = argument(1).unwrap_or_else(|| "target/bench/lists".to_owned());
    let number = |place, usual| argument(place).map_or(usual, |text| text.parse().unwrap());
    let (inspections, creates): (u64, u64) = (number(2, 1_000_000), number(3, 64_000));
    let folder = Path::new(&folder);
    let is_new = !folder.exists();
    let machine = Arc::new(Machine::default());
    let (store, handed) = open(folder, &machine);
    let ids = IdMaker::default();
    // The same in every run.
    let long_ago = Timestamp::from_millis(1_700_000_000_000);
    let dice = Machine::default();
    let id = || ids.next(long_ago, &dice);
    let companies: Vec<_> = (0..100).map(|_| CompanyId(id())).collect();
    let templates = (0..12).map(|_| TemplateId(id())).collect();
    let producers = (0..60).map(|_| UserId(id())).collect();
    let webhook = WebhookId(id());
    let bench = Bench {
        store,
        machine,
        companies,
        templates,
        producers,
        webhook,
        ids: IdMaker::default(),
    };
    if is_new {
        let created = bench.companies.iter().map(|id| {
            Write::CreateCompany(Company {
                id: *id,
                name: "bench".to_owned(),
                owner: bench.producers[0],
                created_at: long_ago,
            })
        });
        bench.commit(Change {
            writes: created.collect(),
            ..Change::default()
        });
        bench.fill(inspections);
    }
    block_on(bench.store.open_epoch()).unwrap();
    if creates > 0 {
        bench.create("1 caller", &handed, 1, creates / 16);
        for _ in 0..2 {
            bench.create("32 callers", &handed, 32, creates);
        }
    }
    bench.lists();
    for file in ["heraldo.db", "heraldo.db-wal"] {
        let bytes = std::fs::metadata(folder.join(file)).unwrap().len();
        println!("{file}: {} MiB", bytes >> 20);
    }
    block_on(bench.store.close()).unwrap();
}
