//! A server without a socket, for the target that sends it requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_domain::ops::{Context, Settings};
use heraldo_domain::ports::{Clock, Entropy, IdMaker, NoHandOver};
use heraldo_media::{DocumentWriter, Folder, PhotoLimits, PhotoReader};
use heraldo_store::MemoryStore;
use heraldo_web::{Gauges, Health, Web, WebConfig};
use heraldo_wire::time::Timestamp;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

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

/// One company with a key of every scope, an inspection and a webhook.
pub struct Server {
    runtime: Runtime,
    web: Web,
    key: String,
    /// The ids that paths are made of: of the inspection, its product and the webhook.
    pub inspection: String,
    pub product: String,
    pub webhook: String,
    _folder: tempfile::TempDir,
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
        let company = runtime
            .block_on(create_company(&context, "A company", Person::default()))
            .expect("a company");
        let mut server = Self {
            web: Web::new(context, Arc::new(Ready), WebConfig::default()),
            key: company.api_key.reveal().to_owned(),
            inspection: String::new(),
            product: String::new(),
            webhook: String::new(),
            _folder: folder,
            runtime,
        };
        let made = br#"{"templateId":"easy"}"#;
        let made = server.made("/v1/inspection/car", made);
        server.inspection = made["inspectionId"].as_str().expect("an id").to_owned();
        server.product = made["productId"].as_str().expect("an id").to_owned();
        let hook =
            br#"{"endpoint":"https://receiver.example.com/","events":["inspection_created"]}"#;
        let hook = server.made("/v1/notification/webhook", hook);
        server.webhook = hook["_id"].as_str().expect("an id").to_owned();
        server
    }

    fn made(&self, path: &str, body: &[u8]) -> Value {
        let (_, answer) = self
            .call("POST", path, "application/json", body)
            .expect("a request");
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// Status and body of the answer to one request with the company's key; `None` when the path has bytes
    /// that no request carries.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Option<(u16, Vec<u8>)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-api-key", &self.key)
            .header("content-type", kind)
            .body(Body::from(body.to_vec()))
            .ok()?;
        Some(self.runtime.block_on(async {
            let answer = self.web.router().oneshot(request).await;
            let answer = answer.expect("an answer");
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.expect("a body");
            (status, body.to_bytes().to_vec())
        }))
    }
}
