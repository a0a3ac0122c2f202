//! A server with two companies, without a socket: time stands still unless a test moves it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use heraldo_domain::change::Actor;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{KeyRequest, NewCompany, Person, create_company, create_key};
use heraldo_domain::ops::{Context, Settings, jobs};
use heraldo_domain::ports::{Clock, Entropy, IdMaker, NoHandOver};
use heraldo_domain::store::Store as _;
use heraldo_media::{DocumentWriter, Folder, PhotoLimits, PhotoReader};
use heraldo_store::MemoryStore;
use heraldo_web::{Gauges, Health, SlowPasswords, Web, WebConfig};
use heraldo_wire::api::Scope;
use heraldo_wire::id::{CompanyId, UserId};
use heraldo_wire::problem::ProblemCode;
use heraldo_wire::time::Timestamp;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub const START: i64 = 1_794_995_200_000;
pub const PUBLIC_URL: &str = "https://inspect.example.com";

#[derive(Debug)]
pub struct StepClock(AtomicI64);

impl StepClock {
    pub fn step(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Never the same twice, always the same in the next run.
#[derive(Debug)]
struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (drawn ^ (drawn >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// The reason that makes the handler that asks for reasons panic.
pub const PANIC: &str = "panic";

#[derive(Debug, Default)]
pub struct SayReasons(pub Mutex<Vec<String>>);

/// The reason that makes it wait until that reason is taken away.
pub const HANG: &str = "hang";

#[async_trait]
impl Health for SayReasons {
    async fn reasons_not_ready(&self) -> Vec<String> {
        while self.0.lock().unwrap().iter().any(|reason| reason == HANG) {
            tokio::task::yield_now().await;
        }
        let reasons = self.0.lock().unwrap().clone();
        assert!(reasons != [PANIC], "told to panic");
        reasons
    }

    fn gauges(&self) -> Gauges {
        Gauges {
            in_flight: 3,
            uptime: Duration::from_millis(61_500),
        }
    }
}

pub struct World {
    pub web: Web,
    pub context: Context,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<StepClock>,
    pub health: Arc<SayReasons>,
    /// Holds the photos.
    pub folder: tempfile::TempDir,
    pub company: CompanyId,
    pub owner: UserId,
    /// Has every scope.
    pub key: String,
}

impl World {
    pub async fn new() -> Self {
        Self::with(WebConfig::default()).await
    }

    pub async fn with(config: WebConfig) -> Self {
        Self::with_webhooks(config, 5).await
    }

    /// One whose companies may have so many webhooks.
    pub async fn with_webhooks(config: WebConfig, max: usize) -> Self {
        let clock = Arc::new(StepClock(AtomicI64::new(START)));
        let store = Arc::new(MemoryStore::new(Arc::new(NoHandOver), clock.clone()));
        let links = Links {
            public_url: PUBLIC_URL.to_owned(),
            key: LinkKey([7; 32]),
            file_lifetime: std::time::Duration::from_secs(30 * 86_400),
        };
        let settings = Settings {
            webhooks_per_company_max: max,
            templates_per_company_max: 3,
            ..Settings::default()
        };
        let mut context = Context::new(
            store.clone(),
            clock.clone(),
            Arc::new(CountingEntropy(AtomicU64::new(1))),
            Arc::new(IdMaker::default()),
            links,
            settings,
        );
        let folder = tempfile::tempdir().unwrap();
        context.files = Arc::new(Folder::open(folder.path()).unwrap());
        context.photos = Arc::new(PhotoReader::start(PhotoLimits::default()).unwrap());
        context.documents = Arc::new(DocumentWriter::start().unwrap());
        context.passwords = Arc::new(SlowPasswords::new(
            context.entropy.clone(),
            TaskTracker::new(),
        ));
        let health = Arc::new(SayReasons::default());
        let company = create_company(&context, "Seguros del Sur", Person::default())
            .await
            .unwrap();
        Self {
            web: Web::new(context.clone(), health.clone(), config),
            context,
            store,
            clock,
            health,
            folder,
            company: company.company_id,
            owner: company.owner,
            key: company.api_key.reveal().to_owned(),
        }
    }

    /// Runs every job that is due, those that come due by it included; each must be done.
    pub async fn run_jobs(&self) {
        while self.try_jobs().await > 0 {}
    }

    /// Runs every job that is due now once, and says how many got done.
    pub async fn try_jobs(&self) -> usize {
        let mut done = 0;
        for job in self.store.jobs(None, 1_000).await.unwrap() {
            if job.due_at <= self.clock.now() {
                done += usize::from(jobs::run(&self.context, job).await.is_ok());
            }
        }
        done
    }

    /// A company beside the first.
    pub async fn other_company(&self) -> NewCompany {
        let other = create_company(&self.context, "Otra", Person::default()).await;
        other.unwrap()
    }

    /// The key of a company of its own.
    pub async fn other_key(&self) -> String {
        self.other_company().await.api_key.reveal().to_owned()
    }

    /// A further key of the company.
    pub async fn key_with(&self, scopes: &[Scope]) -> String {
        let request = KeyRequest {
            name: None,
            scopes: scopes.to_vec(),
            testing: false,
        };
        let key = create_key(&self.context, self.company, Actor::CommandLine, request).await;
        key.unwrap().api_key.reveal().to_owned()
    }

    /// A request with the company's key.
    pub fn request(&self, method: &str, path: &str) -> Call<'_> {
        self.bare(method, path).header("x-api-key", &self.key)
    }

    /// A request without a key.
    pub fn bare(&self, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path);
        Call {
            world: self,
            request,
            body: Body::empty(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send().await
    }

    pub async fn create_inspection(&self) -> Value {
        let body = serde_json::json!({"templateId": "easy"});
        self.post("/v1/inspection/car", &body).await.json(201)
    }

    pub async fn create_webhook(&self) -> String {
        let body = serde_json::json!({
            "endpoint": "https://receiver.example.com/hook",
            "events": ["inspection_created", "inspection_completed"],
        });
        id_in(&self.post("/v1/notification/webhook", &body).await.json(201))
    }
}

/// The `_id` of an object.
pub fn id_in(object: &Value) -> String {
    object["_id"].as_str().unwrap().to_owned()
}

/// One request that is being put together.
pub struct Call<'w> {
    world: &'w World,
    request: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn from(mut self, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse().unwrap(), 50_000);
        self.request = self.request.extension(ConnectInfo(peer));
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let response = self.world.web.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The detail of a problem with this code, after a look at the form of every problem.
    #[track_caller]
    pub fn problem(&self, code: ProblemCode) -> String {
        let body = self.json(self.status.as_u16());
        assert_eq!(body["code"], code.as_str(), "{body}");
        assert_eq!(self.status.as_u16(), code.status());
        assert_eq!(body["status"], code.status());
        assert_eq!(body["detail"], body["message"]);
        let waits = matches!(code.status(), 429 | 503);
        assert_eq!(
            self.header("retry-after").is_some(),
            waits,
            "{code}: retry-after"
        );
        body["detail"].as_str().unwrap().to_owned()
    }
}
