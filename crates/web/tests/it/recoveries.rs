//! A time range of a webhook, sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::ops::jobs;
use heraldo_domain::ports::Lulls;
use heraldo_domain::store::Store as _;
use heraldo_wire::api::Scope;
use heraldo_wire::id::WebhookId;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::deliveries::attempt;
use crate::world::{World, id_in};

const WEBHOOK: &str = "/v1/notification/webhook";
/// Before everything that these tests do.
const EARLY: &str = "2026-11-18T00:00:00.000Z";

/// Lets so many steps through.
#[derive(Debug)]
struct Steps(AtomicUsize);

#[async_trait]
impl Lulls for Steps {
    async fn lull(&self, _webhook: WebhookId, _wait: Duration) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .is_ok()
    }
}

async fn set_status(world: &World, webhook: &str, status: &str) {
    let call = world.request("PATCH", &format!("{WEBHOOK}/{webhook}"));
    call.json(&json!({"status": status})).send().await.json(200);
}

fn answered(status: u16) -> AttemptResult {
    AttemptResult::Answered(Received {
        status,
        body: String::new(),
        ..Received::default()
    })
}

async fn ask(world: &World, webhook: &str, body: Value) -> crate::world::Answer {
    let path = format!("{WEBHOOK}/{webhook}/recover");
    world.post(&path, &body).await
}

async fn begin(world: &World, webhook: &str, body: Value) -> String {
    id_in(&ask(world, webhook, body).await.json(202))
}

async fn read(world: &World, recovery: &str) -> Value {
    let path = format!("/v1/notification/recovery/{recovery}");
    world.get(&path).await.json(200)
}

/// The deliveries of a webhook with this status.
async fn deliveries(world: &World, webhook: &str, status: &str) -> Vec<Value> {
    let path = format!("/v1/notification/delivery?webhookId={webhook}&status={status}&limit=100");
    world.get(&path).await.json(200)["data"]
        .as_array()
        .unwrap()
        .clone()
}

/// A webhook with one delivery that was delivered, two that failed, one that was cancelled, three events
/// that it never got, and one that it was not subscribed to; a second apart.
async fn history(world: &World) -> String {
    let webhook = world.create_webhook().await;
    let inspect = async || {
        world.clock.step(1_000);
        world.create_inspection().await;
    };
    inspect().await;
    attempt(world, &webhook, &answered(200)).await;
    for _ in 0..2 {
        inspect().await;
        attempt(world, &webhook, &answered(500)).await;
    }
    inspect().await;
    set_status(world, &webhook, "disabled").await;
    let id = webhook.parse().unwrap();
    world.store.cancel_waiting(id, 10).await.unwrap();
    for _ in 0..3 {
        inspect().await;
    }
    let other = json!({"event": "image_processed", "payload": {"_id": "651ae032ff786d198dfa4ce4"}});
    world.post("/v1/notification/event", &other).await.json(202);
    set_status(world, &webhook, "enabled").await;
    world.clock.step(1_000);
    webhook
}

#[tokio::test]
async fn a_dry_run_counts_and_sends_nothing() {
    let world = World::new().await;
    let webhook = history(&world).await;
    let body = json!({"from": EARLY, "dryRun": true});
    let counted = ask(&world, &webhook, body).await.json(200);
    let expected = json!({
        "dryRun": true,
        "from": EARLY,
        "to": "2026-11-18T09:46:48.000Z",
        "status": ["failed", "cancelled", "missing"],
        "counted": {"failed": 2, "cancelled": 1, "missing": 3, "delivered": 0},
        "total": 6,
        "countedUntil": null,
    });
    assert_eq!(counted, expected);
    let total = async |body: Value| ask(&world, &webhook, body).await.json(200)["total"].clone();
    let all = json!(["missing", "delivered", "failed", "cancelled", "failed"]);
    let body = json!({"from": EARLY, "dryRun": true, "status": all});
    assert_eq!(total(body).await, 7);
    let body = json!({"from": EARLY, "dryRun": true, "status": "missing"});
    assert_eq!(total(body).await, 3);
    // From the first instant, before the second.
    let body = json!({
        "from": "2026-11-18T09:46:42.000Z",
        "to": "2026-11-18T09:46:45.000Z",
        "dryRun": true,
    });
    assert_eq!(total(body).await, 3);
    assert!(deliveries(&world, &webhook, "pending").await.is_empty());
    assert_eq!(world.store.jobs(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_recovery_sends_everything_of_the_range_that_was_not_delivered_under_the_same_id() {
    let world = World::new().await;
    let webhook = history(&world).await;
    let begun = ask(&world, &webhook, json!({"from": EARLY}))
        .await
        .json(202);
    let id = id_in(&begun);
    assert_eq!(
        (&begun["state"], &begun["counted"]),
        (&json!("counting"), &Value::Null)
    );
    let second = ask(&world, &webhook, json!({"from": EARLY})).await;
    let detail = second.problem(ProblemCode::Conflict);
    assert!(detail.contains("under way"), "{detail}");
    world.run_jobs().await;
    let done = read(&world, &id).await;
    let expected = json!({
        "_id": id,
        "webhookId": webhook,
        "from": EARLY,
        "to": "2026-11-18T09:46:48.000Z",
        "status": ["failed", "cancelled", "missing"],
        "state": "completed",
        "detail": null,
        "counted": {"failed": 2, "cancelled": 1, "missing": 3, "delivered": 0},
        "enqueued": 6,
        "remaining": 0,
        "createdAt": "2026-11-18T09:46:48.000Z",
        "endedAt": "2026-11-18T09:46:48.000Z",
    });
    assert_eq!(done, expected);
    let waiting = deliveries(&world, &webhook, "pending").await;
    assert_eq!(waiting.len(), 6);
    attempt(&world, &webhook, &answered(200)).await;
    let delivered = deliveries(&world, &webhook, "delivered").await;
    assert_eq!(delivered.len(), 7);
    let recovered = |one: &&Value| one["lastAttempt"]["cause"] == "recover";
    assert_eq!(delivered.iter().filter(recovered).count(), 6);
    let mut events: Vec<_> = delivered
        .iter()
        .map(|one| one["eventId"].as_str())
        .collect();
    events.sort_unstable();
    events.dedup();
    assert_eq!(events.len(), 7, "each event once");
    // Another one may begin, and finds nothing.
    let body = json!({"from": EARLY, "status": ["failed", "cancelled", "missing"]});
    let again = begin(&world, &webhook, body).await;
    world.run_jobs().await;
    assert_eq!(read(&world, &again).await["enqueued"], 0);
    let body = json!({"from": EARLY, "status": "delivered"});
    let again = begin(&world, &webhook, body).await;
    world.run_jobs().await;
    assert_eq!(read(&world, &again).await["enqueued"], 7);
    let listed = world
        .get(&format!("{WEBHOOK}/{webhook}/recovery?limit=2"))
        .await;
    let listed = listed.json(200);
    assert_eq!(listed["data"][0]["_id"], again);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    assert!(listed["nextCursor"].is_string());
}

#[tokio::test]
async fn a_recovery_waits_for_its_webhook_keeps_its_place_and_can_be_cancelled() {
    let mut world = World::new().await;
    let webhook = world.create_webhook().await;
    set_status(&world, &webhook, "disabled").await;
    let event =
        json!({"event": "inspection_created", "payload": {"_id": "651ae032ff786d198dfa4ce4"}});
    let events: Vec<_> = std::iter::repeat_n(event, 200).collect();
    let published = json!(events);
    world
        .post("/v1/notification/event", &published)
        .await
        .json(202);
    set_status(&world, &webhook, "enabled").await;
    world.clock.step(1_000);
    let steps = Arc::new(Steps(AtomicUsize::new(2)));
    world.context.lulls = steps.clone();
    let id = begin(&world, &webhook, json!({"from": EARLY})).await;
    let run = async |world: &World| {
        let job = world.store.jobs(None, 1).await.unwrap().remove(0);
        jobs::run(&world.context, job.clone()).await.unwrap();
        world
            .store
            .jobs(None, 1)
            .await
            .unwrap()
            .pop()
            .map(|next| next.due_at.since(world.context.clock.now()))
    };
    assert_eq!(run(&world).await, Some(Duration::from_secs(1)));
    let progress = read(&world, &id).await;
    assert_eq!(progress["state"], "running");
    assert_eq!(progress["counted"]["missing"], 200);
    assert_eq!(
        (&progress["enqueued"], &progress["remaining"]),
        (&json!(128), &json!(72))
    );
    // In vain: it lets others go first for longer, and nothing is enqueued twice.
    assert_eq!(run(&world).await, Some(Duration::from_secs(2)));
    assert_eq!(run(&world).await, Some(Duration::from_secs(4)));
    assert_eq!(read(&world, &id).await["enqueued"], 128);
    steps.0.store(1, Ordering::SeqCst);
    run(&world).await;
    assert_eq!(read(&world, &id).await["enqueued"], 192);

    let path = format!("/v1/notification/recovery/{id}");
    let cancel = async |world: &World| world.request("DELETE", &path).send().await;
    let cancelled = cancel(&world).await.json(200);
    assert_eq!(
        (&cancelled["state"], &cancelled["remaining"]),
        (&json!("cancelled"), &json!(8))
    );
    assert_eq!(cancel(&world).await.json(200), cancelled);
    steps.0.store(9, Ordering::SeqCst);
    assert_eq!(run(&world).await, None, "the job is done");
    assert_eq!(read(&world, &id).await, cancelled);
    let found = world.store.deliveries(
        world.company,
        heraldo_domain::query::DeliveryFilter::default(),
        heraldo_domain::query::Page {
            limit: 1_000,
            before: None,
        },
    );
    assert_eq!(found.await.unwrap().len(), 192);
    let done = begin(&world, &webhook, json!({"from": EARLY})).await;
    world.run_jobs().await;
    assert_eq!(read(&world, &done).await["enqueued"], 8);
    let path = format!("/v1/notification/recovery/{done}");
    let ended = world.request("DELETE", &path).send().await;
    ended.problem(ProblemCode::Conflict);
}

#[tokio::test]
async fn a_recovery_stops_when_nothing_may_be_sent_any_more() {
    let world = World::new().await;
    let webhook = history(&world).await;
    let id = begin(&world, &webhook, json!({"from": EARLY})).await;
    set_status(&world, &webhook, "disabled").await;
    let refused = ask(&world, &webhook, json!({"from": EARLY})).await;
    let detail = refused.problem(ProblemCode::Conflict);
    assert!(detail.contains("`status` to enabled"), "{detail}");
    world.run_jobs().await;
    let stopped = read(&world, &id).await;
    assert_eq!(stopped["state"], "stopped");
    assert!(stopped["detail"].as_str().unwrap().contains("disabled"));
    assert_eq!(stopped["enqueued"], 0);

    set_status(&world, &webhook, "enabled").await;
    let id = begin(&world, &webhook, json!({"from": EARLY})).await;
    let path = format!("{WEBHOOK}/{webhook}");
    world.request("DELETE", &path).send().await;
    world.run_jobs().await;
    let stopped = read(&world, &id).await;
    assert_eq!(stopped["detail"], "the webhook was deleted");
}

#[tokio::test]
async fn wrong_ranges_are_refused_with_what_to_change() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let check = async |body: Value, says: &str| {
        let answer = ask(&world, &webhook, body).await;
        let detail = answer.problem(ProblemCode::InvalidBody);
        assert!(detail.contains(says), "{detail}");
    };
    check(json!({}), "from").await;
    check(json!({"from": "yesterday"}), "from").await;
    check(json!({"from": "2030-01-01T00:00:00.000Z"}), "future").await;
    check(json!({"from": EARLY, "to": EARLY}), "not before").await;
    check(json!({"from": EARLY, "status": []}), "empty").await;
    check(json!({"from": EARLY, "status": "asleep"}), "status").await;
    check(json!({"from": EARLY, "status": ["failed", 1]}), "status").await;
}

#[tokio::test]
async fn recoveries_need_the_scope_of_webhooks_and_belong_to_their_company() {
    let world = World::new().await;
    let webhook = history(&world).await;
    let id = begin(&world, &webhook, json!({"from": EARLY})).await;
    let path = format!("/v1/notification/recovery/{id}");
    let (foreign, narrow) = (
        world.other_key().await,
        world.key_with(&[Scope::Inspections]).await,
    );
    for method in ["GET", "DELETE"] {
        let with = async |key: &str| {
            world
                .bare(method, &path)
                .header("x-api-key", key)
                .send()
                .await
        };
        with(&foreign).await.problem(ProblemCode::NotFound);
        with(&narrow).await.problem(ProblemCode::ForbiddenScope);
    }
    assert_eq!(read(&world, &id).await["state"], "counting");
}
