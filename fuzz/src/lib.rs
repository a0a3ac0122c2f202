//! A server without a socket, for the target that sends it requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use heraldo_domain::account::{Caller, Role};
use heraldo_domain::change::Actor;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{Person, create_company, create_user};
use heraldo_domain::ops::invitations::create_invitation;
use heraldo_domain::ops::oauth_apps::create_oauth_app;
use heraldo_domain::ops::{Context, Settings};
use heraldo_domain::ports::{Clock, Entropy, IdMaker, NoHandOver};
use heraldo_media::{DocumentWriter, Folder, PhotoLimits, PhotoReader};
use heraldo_store::MemoryStore;
use heraldo_web::{Gauges, Health, SlowPasswords, Web, WebConfig};
use heraldo_wire::time::Timestamp;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// The content type of what a browser sends.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Grows with each look at it, so that nothing happens twice at one time.
#[derive(Debug)]
struct Counter(AtomicU64);

impl Clock for Counter {
    fn now(&self) -> Timestamp {
        let passed = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_millis(1_794_995_200_000 + passed.cast_signed())
    }
}

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (drawn ^ (drawn >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
        }
    }
}

struct Ready;

#[async_trait]
impl Health for Ready {
    async fn reasons_not_ready(&self) -> Vec<String> {
        Vec::new()
    }

    fn gauges(&self) -> Gauges {
        Gauges {
            in_flight: 0,
            uptime: std::time::Duration::ZERO,
        }
    }
}

/// One company with a key of every scope, an owner who is signed in, and one of everything that paths name.
pub struct Server {
    runtime: Runtime,
    web: Web,
    key: String,
    cookie: String,
    /// What every form of the owner's session carries.
    form: String,
    known: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: Vec<u8>,
    cookie: Option<String>,
}

impl Server {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let clock = Arc::new(Counter(AtomicU64::new(0)));
        let store = Arc::new(MemoryStore::new(Arc::new(NoHandOver), clock.clone()));
        let links = Links {
            public_url: "https://inspect.example.com".to_owned(),
            key: LinkKey([7; 32]),
            file_lifetime: Duration::from_secs(86_400),
        };
        let settings = Settings {
            webhooks_per_company_max: 50,
            templates_per_company_max: 50,
            ..Settings::default()
        };
        let entropy = Arc::new(Counter(AtomicU64::new(1)));
        let ids = Arc::new(IdMaker::default());
        let mut context = Context::new(store, clock, entropy, ids, links, settings);
        let folder = tempfile::tempdir().expect("a folder");
        context.files = Arc::new(Folder::open(folder.path()).expect("files"));
        context.photos = Arc::new(PhotoReader::start(PhotoLimits::default()).expect("photos"));
        context.documents = Arc::new(DocumentWriter::start().expect("documents"));
        let passwords = SlowPasswords::new(context.entropy.clone(), TaskTracker::new());
        context.passwords = Arc::new(passwords);
        let company = runtime
            .block_on(create_company(&context, "A company", Person::default()))
            .expect("a company");
        let user = Person {
            email: Some("ana@example.com".to_owned()),
            ..Person::default()
        };
        let user = create_user(&context, company.company_id, Role::Owner, user);
        let user = runtime.block_on(user).expect("a user");
        let caller = Caller {
            company_id: company.company_id,
            actor: Actor::User(user.user_id),
            testing: false,
        };
        let invited = create_invitation(&context, &caller, "eva@example.com", Role::Admin);
        let invited = runtime.block_on(invited).expect("an invitation");
        let app = create_oauth_app(
            &context,
            company.company_id,
            caller.actor,
            "An application",
            vec!["https://app.example.com/".to_owned()],
        );
        let app = runtime.block_on(app).expect("an application");
        let mut server = Self {
            web: Web::new(context, Arc::new(Ready), WebConfig::default()),
            key: company.api_key.reveal().to_owned(),
            cookie: String::new(),
            form: String::new(),
            known: vec![
                ("/team/invitations/", invited.id.to_string()),
                ("/team/", company.owner.to_string()),
                ("/applications/", app.id.to_string()),
            ],
            _folder: folder,
            runtime,
        };
        server.sign_in(user.sign_in_token.reveal());
        server.make_one_of_each();
        server
    }

    fn sign_in(&mut self, token: &str) {
        let form = format!("token={token}");
        let signed_in = self.call("POST", "/signin", FORM, form.as_bytes());
        self.cookie = signed_in.expect("a request").cookie.expect("a session");
        let page = self.call("GET", "/dashboard/account", FORM, b"");
        let page = String::from_utf8(page.expect("a request").body).expect("text");
        let (_, form) = page.split_once("name=\"form\" value=\"").expect("a form");
        let (form, _) = form.split_once('"').expect("its value");
        self.form = form.replace("&#43;", "%2B");
    }

    fn make_one_of_each(&mut self) {
        let created = br#"{"templateId":"easy"}"#;
        let made = self.made("/v1/inspection/car", created);
        let (inspection, product) = (text(&made["inspectionId"]), text(&made["productId"]));
        let goods = br#"{"templateId":"easy","goods":[{"make":"x"}]}"#;
        let goods = text(&self.made("/v1/inspection/goods", goods)["inspectionId"]);
        let finished = text(&self.made("/v1/inspection/car", created)["inspectionId"]);
        let template = br#"{"name":"n","inspectionType":"car","images":[{"side":"front"}]}"#;
        let template = text(&self.made("/v1/inspection/template", template)["_id"]);
        let hook =
            br#"{"endpoint":"https://receiver.example.com/","events":["inspection_created"]}"#;
        let hook = text(&self.made("/v1/notification/webhook", hook)["_id"]);
        let event =
            br#"{"event":"inspection_created","payload":{"_id":"651ae032ff786d198dfa4ce4"}}"#;
        let event = text(&self.made("/v1/notification/event", event)["data"][0]["_id"]);
        let delivery = text(&self.got("/v1/notification/delivery")["data"][0]["_id"]);
        let range = br#"{"from":"2020-01-01T00:00:00.000Z","to":"2020-01-02T00:00:00.000Z"}"#;
        let recover = format!("/v1/notification/webhook/{hook}/recover");
        let recovery = text(&self.made(&recover, range)["_id"]);
        let key = br#"{"name":"k","scopes":["inspections"]}"#;
        let key = text(&self.made("/v1/account/key", key)["_id"]);
        // The first one that a path holds is meant.
        self.known.extend([
            ("/template/", template),
            ("/finish", finished.clone()),
            ("/review", finished.clone()),
            ("/report", finished),
            ("/inspection/image/", product.clone()),
            ("/inspection/goods/", goods),
            ("/inspection/car/", product),
            ("/recovery/", recovery.clone()),
            ("/recover/", recovery),
            ("/webhook", hook),
            ("/event", event),
            ("/deliver", delivery),
            ("/key", key),
            ("", inspection),
        ]);
    }

    fn made(&self, path: &str, body: &[u8]) -> Value {
        let answer = self.call("POST", path, "application/json", body);
        let answer = answer.expect("a request");
        assert!(answer.status < 300, "{path}: {}", answer.status);
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn got(&self, path: &str) -> Value {
        let answer = self
            .call("GET", path, "text/plain", b"")
            .expect("a request");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// The id of what a path is about.
    pub fn known(&self, path: &str) -> &str {
        let mut known = self.known.iter();
        let found = known.find(|(part, _)| path.contains(part));
        found.map_or("", |(_, id)| id)
    }

    /// The answer to one request with the company's key and the owner's session; `None` when the path has bytes that
    /// no request carries. A form carries what it must.
    pub fn call(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Option<Answer> {
        let mut whole = Vec::new();
        if kind == FORM {
            whole.extend(format!("form={}&", self.form).bytes());
        }
        whole.extend(body);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "inspect.example.com")
            .header("x-api-key", &self.key)
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", kind)
            .body(Body::from(whole))
            .ok()?;
        Some(self.runtime.block_on(async {
            let answer = self.web.router().oneshot(request).await;
            let (parts, body) = answer.expect("an answer").into_parts();
            let header = |name: &str| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
            let cookie = header("set-cookie");
            Answer {
                status: parts.status.as_u16(),
                kind: header("content-type").unwrap_or_default(),
                body: body.collect().await.expect("a body").to_bytes().to_vec(),
                cookie: cookie.and_then(|cookie| Some(cookie.split_once(';')?.0.to_owned())),
            }
        }))
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
