//! A month of one company's traffic, written through the store itself at times of its own: pages that show
//! how deliveries go over time have something to show, the same in every run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heraldo_domain::account::{Caller, Role};
use heraldo_domain::change::{Actor, Change, Write};
use heraldo_domain::delivery::{AttemptReport, AttemptResult, Claim, Epoch, Received, settle};
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{Person, create_company, create_user};
use heraldo_domain::ops::disable_webhook::{Complaint, Means, disable_webhook};
use heraldo_domain::ops::publish::publish;
use heraldo_domain::ops::webhooks::{create_webhook, update_webhook};
use heraldo_domain::ops::{Context, Settings};
use heraldo_domain::ports::{Clock, Entropy, IdMaker, NoHandOver};
use heraldo_domain::record::Record;
use heraldo_domain::recover_count::{RecoverCount, Stage, Tally};
use heraldo_domain::recovery::Range;
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::Store as _;
use heraldo_domain::webhook::Defaults;
use heraldo_store::{MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::api::{RecoverCounts, RecoverStatus};
use heraldo_wire::attempt::{ErrorClass, Phase, PhaseTimings};
use heraldo_wire::id::{
    AttemptId, CompanyId, EventId, Id, InspectionId, RecoverCountId, WebhookId,
};
use heraldo_wire::time::Timestamp;
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A clock that is set, and dice that fall the same in every run.
#[derive(Debug)]
struct Given {
    now_ms: AtomicI64,
    drawn: AtomicU64,
}

impl Clock for Given {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms.load(Ordering::Relaxed))
    }
}

impl Entropy for Given {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let length = chunk.len();
            chunk.copy_from_slice(&self.draw().to_be_bytes()[..length]);
        }
    }
}

impl Given {
    fn draw(&self) -> u64 {
        let drawn = self
            .drawn
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 3
    }

    /// A number below `end`.
    fn below(&self, end: u64) -> u64 {
        self.draw() % end
    }
}

struct World {
    context: Context,
    store: Arc<SqliteStore>,
    given: Arc<Given>,
    caller: Caller,
    lease: Epoch,
    /// Those that are sent to.
    webhooks: Vec<WebhookId>,
}

/// Writes the traffic into a new data folder, and gives the path of a link that signs its owner in.
pub fn write_month(data_dir: &Path) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = i64::try_from(now.as_millis()).unwrap();
        let mut world = World::new(data_dir, now_ms - 31 * DAY_MS).await;
        for day in (1..30).rev() {
            world.pass(now_ms - day * DAY_MS, 150, 12).await;
        }
        for hour in (1..24).rev() {
            world.pass(now_ms - hour * HOUR_MS, 120, 12).await;
        }
        for minute in (0..60).rev() {
            // A wave, and ten minutes in which two receivers were in trouble.
            let wave = (minute as f64 / 9.0).sin() * 8.0;
            let is_bad = (18..28).contains(&minute);
            let failing = if is_bad { 3 } else { 40 };
            let events = 26 + wave as u64 + world.given.below(9);
            let at = now_ms - minute * MINUTE_MS - 20_000;
            if minute == 41 {
                world.pause().await;
            }
            world.pass(at, events, failing).await;
        }
        world.given.now_ms.store(now_ms, Ordering::Relaxed);
        world.end().await
    })
}

/// Puts a count of what a recovery would send, which is about half way and which nobody counts on, into a data
/// folder that no server has open, and gives its id.
pub fn keep_count(data_dir: &Path, company_id: CompanyId, webhook_id: WebhookId) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(now.as_millis()).unwrap();
    let (store, given) = open(data_dir, now_ms);
    let ids = IdMaker::default();
    let at = |before_ms| Timestamp::from_millis(now_ms - before_ms);
    let made = |before_ms| ids.next(at(before_ms), &*given);
    let tally = Tally {
        counted: RecoverCounts {
            failed: 1_904,
            missing: 2_310_552,
            ..RecoverCounts::default()
        },
        first: Some(EventId(made(30 * DAY_MS))),
        last: Some(EventId(made(14 * DAY_MS))),
    };
    let count = RecoverCount {
        id: RecoverCountId(made(0)),
        company_id,
        webhook_id,
        version: 1,
        range: Range {
            from: at(30 * DAY_MS),
            to: at(0),
            statuses: vec![RecoverStatus::Failed, RecoverStatus::Missing],
        },
        is_open: false,
        subscribed: Vec::new(),
        stage: Stage::Counting,
        tally,
        name: webhook_id.to_string(),
    };
    let change = Change {
        writes: vec![Write::CreateRecord(Record::of(&count).unwrap())],
        ..Change::default()
    };
    runtime.block_on(store.commit(change)).unwrap();
    count.id.to_string()
}

/// The store of a data folder.
fn open(data_dir: &Path, now_ms: i64) -> (Arc<SqliteStore>, Arc<Given>) {
    let given = Arc::new(Given {
        now_ms: AtomicI64::new(now_ms),
        drawn: AtomicU64::new(11),
    });
    let store = SqliteStore::open(SqliteConfig {
        data_dir: data_dir.to_owned(),
        master_key: MasterKeySource::File(data_dir.join("master.key")),
        hand_over: Arc::new(NoHandOver),
        clock: given.clone(),
        entropy: given.clone(),
        exclusive: true,
        limits: SqliteLimits::default(),
    });
    (Arc::new(store.unwrap()), given)
}

impl World {
    async fn new(data_dir: &Path, now_ms: i64) -> Self {
        let (store, given) = open(data_dir, now_ms);
        let links = Links {
            public_url: String::new(),
            key: LinkKey(*store.derive_key("links")),
            file_lifetime: Duration::from_secs(60),
        };
        let context = Context::new(
            store.clone(),
            given.clone(),
            given.clone(),
            Arc::new(IdMaker::default()),
            links,
            Settings::default(),
        );
        let owner = Person {
            first_name: Some("Ana".to_owned()),
            last_name: Some("Ruiz".to_owned()),
            ..Person::default()
        };
        let company = create_company(&context, "Seguros del Sur", owner).await;
        let company = company.unwrap();
        let caller = Caller {
            company_id: company.company_id,
            actor: Actor::CommandLine,
            testing: false,
        };
        let lease = store.open_epoch().await.unwrap();
        let mut world = Self {
            context,
            store,
            given,
            caller,
            lease,
            webhooks: Vec::new(),
        };
        for (endpoint, description) in [
            ("https://hooks.cotizador.example/heraldo", "Cotizador"),
            ("https://siniestros.example/api/eventos", "Siniestros"),
            ("https://crm.example/webhooks/inspections", "CRM"),
            ("https://bi.example/ingest", "Reportes, en pausa"),
        ] {
            let webhook = world.webhook(endpoint, description).await;
            world.webhooks.push(webhook);
        }
        world
    }

    async fn webhook(&self, endpoint: &str, description: &str) -> WebhookId {
        let request = json!({
            "endpoint": endpoint,
            "events": ["inspection_started", "inspection_completed"],
            "description": description,
        });
        let request = serde_json::from_value(request).unwrap();
        let made = create_webhook(&self.context, &self.caller, request, None).await;
        let made: Value = serde_json::from_slice(&made.unwrap().body).unwrap();
        made["_id"].as_str().unwrap().parse().unwrap()
    }

    /// So many events at a time, of whose attempts one in `failing` fails.
    async fn pass(&self, at_ms: i64, events: u64, failing: u64) {
        self.given.now_ms.store(at_ms, Ordering::Relaxed);
        let published = (0..events).map(|number| {
            let inspection = InspectionId(Id::from_parts(self.given.draw(), 7));
            let event =
                ["inspection_started", "inspection_completed"][usize::from(number % 5 == 0)];
            json!({ "event": event, "payload": { "_id": inspection } })
        });
        let body = Value::from(published.collect::<Vec<_>>()).to_string();
        publish(&self.context, &self.caller, body.as_bytes(), None)
            .await
            .unwrap();
        for (number, webhook) in self.webhooks.iter().enumerate() {
            self.attempt(*webhook, number, failing).await;
        }
    }

    async fn attempt(&self, webhook_id: WebhookId, number: usize, failing: u64) {
        let now = self.given.now();
        let claim = Claim {
            webhook_id,
            lease: self.lease,
            limit: 1_000,
            body_bytes_max: 16 << 20,
            now,
        };
        let claimed = self.store.claim(claim).await.unwrap();
        let settlements = claimed.leased.iter().map(|leased| {
            let waited_ms = self.given.below(40);
            let tail_ms = if self.given.below(12) == 0 { 900 } else { 90 };
            let took_ms = 25 + 30 * number as u64 + self.given.below(tail_ms);
            let fails = number != 2 && self.given.below(failing) == 0;
            let result = match (fails, number) {
                (false, _) => AttemptResult::Answered(received(200)),
                (true, 0) => AttemptResult::Answered(received(503)),
                (true, _) => AttemptResult::Failed {
                    class: ErrorClass::Timeout,
                    phase: Some(Phase::FirstByte),
                    error: "no answer in time".to_owned(),
                    status: None,
                    part: None,
                },
            };
            let report = AttemptReport {
                started_at: now.plus(Duration::from_millis(waited_ms)),
                duration_ms: u32::try_from(took_ms).unwrap(),
                result,
                timings: PhaseTimings::default(),
            };
            let id = AttemptId(self.context.ids.next(now, &*self.given));
            settle(leased, report, id, &RetryPolicy::default(), now)
        });
        let settlements = settlements.collect();
        self.store.settle(settlements).await.unwrap();
    }

    /// Pauses the last webhook.
    async fn pause(&mut self) {
        let paused = self.webhooks.pop().unwrap();
        let pause = serde_json::from_value(json!({ "status": "paused" })).unwrap();
        update_webhook(&self.context, &self.caller, paused, pause)
            .await
            .unwrap();
    }

    /// What is so at the end: one more webhook was disabled, and the owner may sign in.
    async fn end(self) -> String {
        let endpoint = "https://old.example/hook";
        let gone = self.webhook(endpoint, "Antiguo").await;
        let means = Means {
            store: &*self.context.store,
            clock: &*self.context.clock,
            entropy: &*self.context.entropy,
            ids: &self.context.ids,
            server: &Defaults::default(),
        };
        let complaint = Complaint::Gone {
            endpoint: endpoint.to_owned(),
        };
        disable_webhook(means, gone, &complaint).await.unwrap();
        let person = Person {
            first_name: Some("Ana".to_owned()),
            last_name: Some("Ruiz".to_owned()),
            email: Some("ana@example.com".to_owned()),
            ..Person::default()
        };
        let user = create_user(&self.context, self.caller.company_id, Role::Owner, person).await;
        self.store.close().await.unwrap();
        format!("/signin?token={}", user.unwrap().sign_in_token.reveal())
    }
}

fn received(status: u16) -> Received {
    Received {
        status,
        ..Received::default()
    }
}
