//! The live stream of attempts.

use std::time::Duration;

use axum::body::Body;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::query::{DeliveryFilter, DeliveryRecord, Page};
use heraldo_domain::store::Store as _;
use heraldo_web::WebConfig;
use heraldo_wire::api::Scope;
use heraldo_wire::problem::ProblemCode;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::deliveries::attempt;
use crate::world::World;

const PATH: &str = "/v1/notification/stream";

/// An open stream.
struct Stream(Body);

impl Stream {
    async fn open(world: &World, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = http::Request::builder()
            .uri(path)
            .header("x-api-key", &world.key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = world.web.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body())
    }

    /// The next event: its id, its name and its data; `None` at the end.
    async fn next(&mut self) -> Option<(Option<String>, String, Value)> {
        let frame = self.0.frame().await?.unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        assert!(text.ends_with("\n\n"), "{text:?}");
        let field = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name).map(ToOwned::to_owned))
        };
        let data = field("data: ").map_or(Value::Null, |data| serde_json::from_str(&data).unwrap());
        Some((field("id: "), field("event: ").unwrap_or_default(), data))
    }

    async fn ready(world: &World, query: &str) -> Self {
        let mut stream = Self::open(world, &format!("{PATH}{query}"), &[]).await;
        assert_eq!(stream.next().await.unwrap().1, "ready");
        stream
    }
}

/// Deliveries whose attempts have ended, newest first.
async fn ended(world: &World, webhook: &str, count: usize) -> Vec<DeliveryRecord> {
    for _ in 0..count {
        world.create_inspection().await;
    }
    let answered = AttemptResult::Answered(Received {
        status: 200,
        body: "ok".to_owned(),
        ..Received::default()
    });
    attempt(world, webhook, &answered).await;
    let page = Page {
        limit: 100,
        before: None,
    };
    let filter = DeliveryFilter::default();
    let store = &world.store;
    store.deliveries(world.company, filter, page).await.unwrap()
}

#[tokio::test]
async fn an_attempt_is_told_as_lists_show_it() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let announcer = world.web.announcer();
    assert!(!announcer.is_heard(), "nobody listens yet");
    let seen = ("last-event-id", "651ae032ff786d198dfa4ce4");
    let mut stream = Stream::open(&world, PATH, &[seen]).await;
    assert!(announcer.is_heard());
    let (_, name, ready) = stream.next().await.unwrap();
    assert_eq!(name, "ready");
    assert_eq!(ready["at"], "2026-11-18T09:46:40.000Z");
    assert_eq!(ready["since"], "2023-10-02T15:22:27.021Z");
    assert_eq!(ready["heartbeatSeconds"], 15);
    announcer.announce(ended(&world, &webhook, 1).await);
    let (id, name, told) = stream.next().await.unwrap();
    let listed = world.get("/v1/notification/delivery").await.json(200)["data"][0].clone();
    assert_eq!((&*name, &told), ("attempt", &listed));
    assert_eq!(id.unwrap(), told["lastAttempt"]["_id"].as_str().unwrap());
    drop(stream);
    assert!(!announcer.is_heard(), "nobody listens any more");
}

#[tokio::test]
async fn a_stream_tells_only_what_was_asked_for_of_its_own_company() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let other = world.create_webhook().await;
    let mut of_webhook = Stream::ready(&world, &format!("?webhookId={webhook}")).await;
    let mut of_other = Stream::ready(&world, &format!("?webhookId={other}")).await;
    let mut delivered = Stream::ready(&world, "?status=delivered&event=inspection_created").await;
    let mut failed = Stream::ready(&world, "?status=failed").await;
    let all = ended(&world, &webhook, 1).await;
    let mut of_webhook_only = all.into_iter();
    let record = of_webhook_only.find(|one| one.webhook_id.to_string() == webhook);
    let record = record.unwrap();
    let foreign = DeliveryRecord {
        company_id: heraldo_wire::id::CompanyId::default(),
        ..record.clone()
    };
    let of_other_webhook = DeliveryRecord {
        webhook_id: other.parse().unwrap(),
        status: heraldo_wire::api::DeliveryStatus::Failed,
        ..record.clone()
    };
    let told = vec![foreign, record, of_other_webhook];
    world.web.announcer().announce(told);
    assert_eq!(of_webhook.next().await.unwrap().2["webhookId"], webhook);
    assert_eq!(of_other.next().await.unwrap().2["webhookId"], other);
    assert_eq!(delivered.next().await.unwrap().2["webhookId"], webhook);
    assert_eq!(failed.next().await.unwrap().2["webhookId"], other);
    let wrong = world.get(&format!("{PATH}?status=asleep")).await;
    wrong.problem(ProblemCode::InvalidParameter);
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_with_a_marker_and_holds_nobody_up() {
    let config = WebConfig {
        stream_backlog_max: 4,
        ..WebConfig::default()
    };
    let world = World::with(config).await;
    let webhook = world.create_webhook().await;
    let mut stream = Stream::ready(&world, "").await;
    let records = ended(&world, &webhook, 1).await;
    for _ in 0..10 {
        // Returns although nobody reads.
        world.web.announcer().announce(records.clone());
    }
    let (_, name, closed) = stream.next().await.unwrap();
    assert_eq!(name, "closed");
    assert_eq!(closed["reason"], "too_slow");
    assert_eq!(closed["missed"], 6);
    assert_eq!(closed["since"], "2026-11-18T09:46:40.000Z");
    assert!(
        closed["detail"]
            .as_str()
            .unwrap()
            .contains("GET /v1/notification/delivery")
    );
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_revoked_key_hears_nothing_more() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let mut stream = Stream::ready(&world, "").await;
    let records = ended(&world, &webhook, 1).await;
    let key = world.get("/v1/account/key").await.json(200)["data"][0]["_id"].clone();
    let path = format!("/v1/account/key/{}", key.as_str().unwrap());
    world.request("DELETE", &path).send().await;
    world.web.announcer().announce(records);
    let (_, name, closed) = stream.next().await.unwrap();
    assert_eq!(
        (&*name, &closed["reason"]),
        ("closed", &Value::from("key_revoked"))
    );
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_silent_stream_says_that_it_is_still_there() {
    let config = WebConfig {
        stream_heartbeat: Duration::from_millis(5),
        ..WebConfig::default()
    };
    let world = World::with(config).await;
    let mut stream = Stream::ready(&world, "").await;
    // A comment, which readers pass over.
    assert_eq!(
        stream.next().await.unwrap(),
        (None, String::new(), Value::Null)
    );
}

#[tokio::test]
async fn a_company_has_so_many_streams_and_no_more() {
    let config = WebConfig {
        streams_per_company_max: 2,
        ..WebConfig::default()
    };
    let world = World::with(config).await;
    let first = Stream::ready(&world, "").await;
    let _second = Stream::ready(&world, "").await;
    let refused = world.get(PATH).await.problem(ProblemCode::LimitReached);
    assert!(refused.contains("2 streams"), "{refused}");
    let other = world.other_key().await;
    let request = http::Request::builder()
        .uri(PATH)
        .header("x-api-key", other);
    let request = request.body(Body::empty()).unwrap();
    let response = world.web.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(first);
    Stream::ready(&world, "").await;
}

#[tokio::test]
async fn listening_needs_the_scope_of_webhooks() {
    let world = World::new().await;
    let key = world.key_with(&[Scope::Inspections]).await;
    let call = world.bare("GET", PATH).header("x-api-key", &key);
    call.send().await.problem(ProblemCode::ForbiddenScope);
}
