//! How large an event can become: none of an inspection is above what Express reads of a body (contract 4.1).

use heraldo_domain::endpoint::URL_BYTES_MAX;
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Map, Value, json};

use crate::world::{PUBLIC_URL, World};

/// The default limit of Express's JSON parser.
const EXPRESS_BYTES_MAX: usize = 100_000;
/// As the server bounds them, in bytes.
const METADATA: usize = 65_536;
const CONSUMER: usize = 8_192;
const TEXT: usize = 2_048;
const NAME: usize = 200;

/// Text that takes six times its bytes in JSON.
fn worst(bytes: usize) -> String {
    "\u{1}".repeat(bytes)
}

/// Entries that take exactly so many bytes as JSON.
fn metadata(bytes: usize) -> Value {
    let mut entries = Map::new();
    let left = |entries: &Map<String, Value>| bytes - serde_json::to_string(entries).unwrap().len();
    while left(&entries) > 6_100 {
        entries.insert(format!("key {:02}", entries.len()), worst(1_000).into());
    }
    // A comma, two pairs of quotes and a colon are six more.
    for (key, share) in [("a", 4), ("b", 3), ("c", 2), ("d", 1)] {
        let text = "a".repeat(left(&entries) / share - 6 - key.len());
        entries.insert(key.to_owned(), text.into());
    }
    assert_eq!(left(&entries), 0);
    entries.into()
}

/// A consumer that takes exactly so many bytes as JSON.
fn consumer(bytes: usize) -> Value {
    let mut consumer = json!({ "firstName": worst(1_300), "lastName": "" });
    let left = bytes - consumer.to_string().len();
    consumer["lastName"] = "a".repeat(left).into();
    consumer
}

/// A world whose caller is of a company with the longest names.
async fn world() -> World {
    let mut world = World::new().await;
    let owner = Person {
        email: Some(format!("{}@x", worst(NAME - 2))),
        first_name: Some(worst(NAME)),
        last_name: Some(worst(NAME)),
        internal_id: Some(worst(NAME)),
        invited_by: None,
    };
    let company = create_company(&world.context, "Grande", owner).await;
    world.key = company.unwrap().api_key.reveal().to_owned();
    world
}

fn largest() -> Value {
    json!({
        "templateId": "full_control",
        "locale": "l".repeat(35),
        "metadata": metadata(METADATA),
        "producer": { "internalId": worst(TEXT) },
        "consumer": consumer(CONSUMER),
        "callbackURL": format!("https://example.com/{}", "a".repeat(TEXT - 20)),
        "car": { "plate": worst(TEXT) },
    })
}

#[tokio::test]
async fn the_largest_created_events_fit_into_what_express_reads() {
    let world = world().await;
    let created = world.post("/v1/inspection/car", &largest()).await.json(201);
    let id = created["inspectionId"].as_str().unwrap().to_owned();
    world.clock.step(8 * 86_400_000);
    heraldo_domain::ops::sweep::expire_lapsed(&world.context, 10)
        .await
        .unwrap();
    let child = format!("/v1/inspection/{id}/children");
    world.post(&child, &json!({})).await.json(201);

    let events = world.get("/v1/notification/event").await.json(200);
    // Names of templates are texts as well, and the server may have a longer address than the tests'.
    let not_here = 6 * TEXT + URL_BYTES_MAX - PUBLIC_URL.len();
    let mut seen = Vec::new();
    for event in events["data"].as_array().unwrap() {
        let body = event["body"].as_str().unwrap();
        let name = event["event"].as_str().unwrap();
        assert!(
            body.len() + not_here < EXPRESS_BYTES_MAX,
            "{name}: {}",
            body.len()
        );
        assert!(body.len() > METADATA, "{name}: {}", body.len());
        seen.push(name);
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "children_inspection_created",
            "inspection_blocked",
            "inspection_created"
        ]
    );
}

#[tokio::test]
async fn the_largest_events_of_the_end_fit_as_well() {
    let world = world().await;
    let mut body = largest();
    body["initialStatus"] = "started".into();
    body["goods"] = vec![json!({}); 50].into();
    let created = world.post("/v1/inspection/goods", &body).await.json(201);
    let id = created["inspectionId"].as_str().unwrap().to_owned();
    let finish = format!("/v1/inspection/finish/{id}");
    world.post(&finish, &json!({})).await.json(200);
    let review = format!("/v1/inspection/{id}/review");
    let review = world
        .post(&review, &json!({ "veredict": "approved" }))
        .await;
    review.json(200);
    let events = world.get("/v1/notification/event").await.json(200);
    let mut seen = Vec::new();
    for event in events["data"].as_array().unwrap() {
        let body = event["body"].as_str().unwrap();
        let name = event["event"].as_str().unwrap();
        assert!(body.len() <= EXPRESS_BYTES_MAX, "{name}: {}", body.len());
        assert!(body.len() > METADATA, "{name}: {}", body.len());
        seen.push(name);
    }
    assert_eq!(
        seen,
        [
            "inspection_reviewed",
            "inspection_completed",
            "inspection_created"
        ]
    );
}

#[tokio::test]
async fn more_than_that_is_refused() {
    let world = world().await;
    let mut body = largest();
    body["metadata"] = metadata(METADATA + 1);
    let answer = world.post("/v1/inspection/car", &body).await;
    let detail = answer.problem(ProblemCode::InvalidBody);
    assert!(detail.contains("65536 bytes as JSON"), "{detail}");

    let mut body = largest();
    body["consumer"] = consumer(CONSUMER + 1);
    let answer = world.post("/v1/inspection/car", &body).await;
    let detail = answer.problem(ProblemCode::InvalidBody);
    assert!(detail.contains("8192 bytes as JSON"), "{detail}");

    // What is added later counts with what is there.
    let created = world.post("/v1/inspection/car", &largest()).await.json(201);
    let path = format!(
        "/v1/inspection/{}",
        created["inspectionId"].as_str().unwrap()
    );
    let more = world
        .request("PUT", &path)
        .json(&json!({"metadata": {"e": ""}}));
    more.send().await.problem(ProblemCode::InvalidBody);
    let more = world
        .request("PUT", &path)
        .json(&json!({"consumer": {"city": "Paraná"}}));
    let detail = more.send().await.problem(ProblemCode::InvalidBody);
    assert!(detail.contains("`consumer` takes more"), "{detail}");

    for person in [
        Person {
            first_name: Some("x".repeat(NAME + 1)),
            ..Person::default()
        },
        Person {
            internal_id: Some("x".repeat(NAME + 1)),
            ..Person::default()
        },
    ] {
        let refused = create_company(&world.context, "Otra", person).await;
        assert_eq!(refused.unwrap_err().code, ProblemCode::InvalidBody);
    }
}
