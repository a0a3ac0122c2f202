//! Why an event was delivered or not, webhook by webhook.

use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::store::Store as _;
use heraldo_wire::api::Scope;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::deliveries::attempt;
use crate::world::{World, id_in};

const WEBHOOK: &str = "/v1/notification/webhook";

async fn webhook(world: &World, body: Value) -> String {
    id_in(&world.post(WEBHOOK, &body).await.json(201))
}

fn hook(status: &str, events: &[&str]) -> Value {
    json!({"endpoint": "https://receiver.example.com/hook", "status": status, "events": events})
}

async fn set(world: &World, id: &str, change: Value) {
    let call = world.request("PATCH", &format!("{WEBHOOK}/{id}"));
    call.json(&change).send().await.json(200);
}

async fn explain(world: &World, event: &str) -> Vec<Value> {
    let path = format!("/v1/notification/event/{event}/explain");
    let answer = world.get(&path).await.json(200);
    assert_eq!(answer["eventId"], event);
    assert_eq!(answer["event"], "inspection_created");
    answer["data"].as_array().unwrap().clone()
}

/// The state, the reason and the sentence of one webhook.
fn of<'a>(data: &'a [Value], webhook: &str) -> (&'a str, Option<&'a str>, &'a str) {
    let found = data.iter().find(|one| one["webhookId"] == webhook).unwrap();
    let sentence = found["explanation"].as_str().unwrap();
    assert!(sentence.ends_with('.'), "{sentence}");
    (
        found["state"].as_str().unwrap(),
        found["reason"].as_str(),
        sentence,
    )
}

async fn newest_event(world: &World) -> String {
    let listed = world.get("/v1/notification/event").await.json(200);
    id_in(&listed["data"][0])
}

#[tokio::test]
async fn every_reason_for_not_sending_is_told_as_it_was_when_the_event_was_made() {
    let world = World::new().await;
    let off = webhook(&world, hook("disabled", &["inspection_created"])).await;
    let other = webhook(&world, hook("enabled", &["inspection_completed"])).await;
    let paused = webhook(&world, hook("paused", &["inspection_created"])).await;
    let on = webhook(&world, hook("enabled", &["inspection_created"])).await;
    world.clock.step(60_000);
    world.create_inspection().await;
    let event = newest_event(&world).await;
    world.clock.step(60_000);
    let late = webhook(&world, hook("enabled", &["inspection_created"])).await;
    // What is changed later changes nothing of the answer.
    set(&world, &off, json!({"status": "enabled"})).await;
    set(&world, &other, json!({"events": ["inspection_created"]})).await;
    let data = explain(&world, &event).await;
    assert_eq!(data.len(), 5);
    assert!(data.is_sorted_by_key(|one| one["webhookId"].as_str()));
    let check = |id: &str, state: &str, reason: Option<&str>, says: &str| {
        let told = of(&data, id);
        assert_eq!((told.0, told.1), (state, reason));
        assert!(told.2.contains(says), "{}", told.2);
    };
    check(&off, "not_sent", Some("disabled"), "recover");
    check(&other, "not_sent", Some("not_subscribed"), "`events`");
    check(&late, "not_sent", Some("created_later"), "after the event");
    check(&paused, "pending", Some("paused"), "paused");
    check(&on, "pending", None, "first attempt");

    let path = format!("{WEBHOOK}/{on}/test");
    let test = json!({"event": "inspection_created"});
    let test = world.post(&path, &test).await.json(202);
    let data = explain(&world, test["eventId"].as_str().unwrap()).await;
    let filtered = of(&data, &late);
    assert_eq!((filtered.0, filtered.1), ("not_sent", Some("filtered")));
    assert_eq!(of(&data, &on).0, "pending");
}

#[tokio::test]
async fn every_state_of_a_delivery_is_explained() {
    let world = World::new().await;
    let id = webhook(&world, hook("enabled", &["inspection_created"])).await;
    let ended = webhook(&world, hook("enabled", &["inspection_created"])).await;
    world.create_inspection().await;
    let event = newest_event(&world).await;
    set(&world, &ended, json!({"status": "disabled"})).await;
    world
        .store
        .cancel_waiting(ended.parse().unwrap(), 10)
        .await
        .unwrap();
    let refused = AttemptResult::Answered(Received {
        status: 500,
        body: "no".to_owned(),
        ..Received::default()
    });
    attempt(&world, &id, &refused).await;
    let data = explain(&world, &event).await;
    let (state, reason, sentence) = of(&data, &id);
    assert_eq!((state, reason), ("failed", None));
    assert!(
        sentence.contains("1 attempt") && sentence.contains("500"),
        "{sentence}"
    );
    assert_eq!(data[0]["lastAttempt"]["statusCode"], 500);
    assert_eq!(data[0]["attemptCount"], 1);
    let (state, _, sentence) = of(&data, &ended);
    assert_eq!(state, "cancelled");
    assert!(sentence.contains("disabled"), "{sentence}");

    let delivery = data[0]["deliveryId"].as_str().unwrap();
    let path = format!("/v1/notification/delivery/{delivery}/resend");
    world.request("POST", &path).send().await.json(202);
    let data = explain(&world, &event).await;
    let (state, _, sentence) = of(&data, &id);
    assert_eq!(state, "pending");
    assert!(sentence.contains("next attempt is due at"), "{sentence}");
    assert!(sentence.contains("answered 500"), "{sentence}");
    let received = AttemptResult::Answered(Received {
        status: 204,
        body: String::new(),
        ..Received::default()
    });
    attempt(&world, &id, &received).await;
    let data = explain(&world, &event).await;
    let (state, _, sentence) = of(&data, &id);
    assert_eq!(state, "delivered");
    assert!(sentence.contains("attempt 2"), "{sentence}");

    // A deleted webhook is told of while a delivery of it is.
    world
        .request("DELETE", &format!("{WEBHOOK}/{id}"))
        .send()
        .await;
    let data = explain(&world, &event).await;
    assert_eq!(of(&data, &id).0, "delivered");
    assert_eq!(data[0]["endpoint"], Value::Null);
    assert_eq!(data[1]["endpoint"], "https://receiver.example.com/hook");
}

#[tokio::test]
async fn explaining_needs_the_scope_of_webhooks() {
    let world = World::new().await;
    world.create_webhook().await;
    world.create_inspection().await;
    let event = newest_event(&world).await;
    let key = world.key_with(&[Scope::Inspections]).await;
    let path = format!("/v1/notification/event/{event}/explain");
    let call = world.bare("GET", &path).header("x-api-key", &key);
    call.send().await.problem(ProblemCode::ForbiddenScope);
}
