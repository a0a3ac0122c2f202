//! Requests that are carried out once however often they come (contract U14).

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{Answer, World};

const CAR: &str = "/v1/inspection/car";

async fn post(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    world
        .request("POST", path)
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
}

#[tokio::test]
async fn the_same_request_is_answered_again_and_not_carried_out() {
    let world = World::new().await;
    let webhook = json!({"endpoint": "https://r.example.com", "events": ["image_processed"]});
    let event = json!({"event": "image_processed", "payload": {"_id": "651ae032ff786d198dfa4ce4"}});
    let routes = [
        (CAR, json!({"templateId": "easy"})),
        ("/v1/notification/webhook", webhook),
        ("/v1/notification/event", event),
    ];
    for (path, body) in &routes {
        let first = post(&world, path, "a-key", body).await;
        assert!(first.status.is_success(), "{path}: {}", first.text());
        assert_eq!(first.header("idempotency-replayed"), None);
        let second = post(&world, path, "a-key", body).await;
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
        assert_eq!((second.status, &second.body), (first.status, &first.body));
        let other = post(&world, path, "another-key", body).await;
        assert_ne!(other.body, first.body);
    }
    assert_eq!(
        world.get(CAR.trim_end_matches("/car")).await.json(200)["totalInspections"],
        2
    );
}

#[tokio::test]
async fn another_body_with_the_same_key_is_a_conflict() {
    let world = World::new().await;
    post(&world, CAR, "a-key", &json!({"templateId": "easy"}))
        .await
        .json(201);
    let other = json!({"templateId": "easy", "locale": "es_MX"});
    post(&world, CAR, "a-key", &other)
        .await
        .problem(ProblemCode::IdempotencyConflict);
    world.clock.step(86_400_000);
    post(&world, CAR, "a-key", &other).await.json(201);
}

#[tokio::test]
async fn children_of_two_parents_are_two_requests() {
    let world = World::new().await;
    let (one, two) = (
        world.create_inspection().await,
        world.create_inspection().await,
    );
    world.clock.step(7 * 86_400_000);
    let path = |parent: &Value| {
        format!(
            "/v1/inspection/{}/children",
            parent["inspectionId"].as_str().unwrap()
        )
    };
    let first = post(&world, &path(&one), "a-key", &json!({})).await;
    let again = post(&world, &path(&one), "a-key", &json!({})).await;
    assert_eq!(first.json(201), again.json(201));
    let other = post(&world, &path(&two), "a-key", &json!({})).await;
    other.problem(ProblemCode::IdempotencyConflict);
}

#[tokio::test]
async fn keys_of_two_companies_are_two_keys() {
    let world = World::new().await;
    let body = json!({"templateId": "easy"});
    post(&world, CAR, "a-key", &body).await.json(201);
    let other = world.other_key().await;
    let call = world
        .bare("POST", CAR)
        .header("x-api-key", &other)
        .header("idempotency-key", "a-key");
    let answer = call.json(&body).send().await;
    answer.json(201);
    assert_eq!(answer.header("idempotency-replayed"), None);
}

#[tokio::test]
async fn refused_requests_use_no_key_up() {
    let world = World::new().await;
    post(&world, CAR, "a-key", &json!({"templateId": "none"}))
        .await
        .problem(ProblemCode::UnknownTemplate);
    post(&world, CAR, "a-key", &json!({"templateId": "easy"}))
        .await
        .json(201);
}

#[tokio::test]
async fn odd_keys_are_refused() {
    let world = World::new().await;
    let long = "k".repeat(256);
    for key in ["", "a key", "señal", &long] {
        let answer = post(&world, CAR, key, &json!({"templateId": "easy"})).await;
        answer.problem(ProblemCode::InvalidHeader);
    }
    let twice = world
        .request("POST", CAR)
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    twice
        .json(&json!({}))
        .send()
        .await
        .problem(ProblemCode::InvalidHeader);
    post(
        &world,
        CAR,
        &"k".repeat(255),
        &json!({"templateId": "easy"}),
    )
    .await
    .json(201);
}
