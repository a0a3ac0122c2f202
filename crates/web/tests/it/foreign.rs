//! What belongs to one company does not exist for another.

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{World, id_in};

/// Every route with an id in it, with `{}` in its place.
const ROUTES: [(&str, &str, &str); 19] = [
    ("inspection", "GET", "/v1/inspection/{}"),
    ("inspection", "POST", "/v1/inspection/finish/{}"),
    ("inspection", "POST", "/v1/inspection/{}/review"),
    ("inspection", "POST", "/v1/inspection/{}/children"),
    ("webhook", "GET", "/v1/notification/webhook/{}"),
    ("webhook", "PATCH", "/v1/notification/webhook/{}"),
    ("webhook", "DELETE", "/v1/notification/webhook/{}"),
    ("webhook", "GET", "/v1/notification/webhook/{}/secret"),
    (
        "webhook",
        "POST",
        "/v1/notification/webhook/{}/secret/rotate",
    ),
    ("webhook", "POST", "/v1/notification/webhook/{}/test"),
    ("webhook", "POST", "/v1/notification/webhook/{}/recover"),
    ("webhook", "GET", "/v1/notification/webhook/{}/recovery"),
    ("event", "GET", "/v1/notification/event/{}"),
    ("event", "GET", "/v1/notification/event/{}/explain"),
    ("delivery", "GET", "/v1/notification/delivery/{}"),
    ("delivery", "POST", "/v1/notification/delivery/{}/resend"),
    ("key", "DELETE", "/v1/account/key/{}"),
    ("key", "DELETE", "/v1/account/key/%7B%7D"),
    ("inspection", "GET", "/v1/inspection/%FF%00"),
];

#[tokio::test]
async fn a_second_company_sees_nothing_of_the_first() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let inspection = world.create_inspection().await;
    let delivery = world.get("/v1/notification/delivery").await.json(200)["data"][0].clone();
    let key = world.get("/v1/account/key").await.json(200)["data"][0].clone();
    let real = |kind: &str| match kind {
        "inspection" => inspection["inspectionId"].as_str().unwrap().to_owned(),
        "webhook" => webhook.clone(),
        "event" => delivery["eventId"].as_str().unwrap().to_owned(),
        "delivery" => id_in(&delivery),
        _ => id_in(&key),
    };
    let other = world.other_key().await;
    for (kind, method, path) in ROUTES {
        let mut bodies = Vec::new();
        let unknown = if kind == "event" {
            "evt_aaaaaaaaaaaaaaaaaaaaaaaa"
        } else {
            "aaaaaaaaaaaaaaaaaaaaaaaa"
        };
        for id in [&*real(kind), unknown, "not-an-id"] {
            let call = world
                .bare(method, &path.replace("{}", id))
                .header("x-api-key", &other);
            let body = json!({"event": "image_processed", "veredict": "approved", "from": "2020-01-01T00:00:00.000Z"});
            let answer = call.json(&body).send().await;
            answer.problem(ProblemCode::NotFound);
            bodies.push(answer.text().to_owned());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{path} tells ids apart: {bodies:?}");
    }
    let empty = async |path: &str, list: &str| {
        let page = world
            .bare("GET", path)
            .header("x-api-key", &other)
            .send()
            .await
            .json(200);
        assert_eq!(page[list], json!([]), "{path}");
    };
    empty("/v1/inspection", "inspections").await;
    empty("/v1/notification/webhook", "data").await;
    empty("/v1/notification/event", "data").await;
    empty("/v1/notification/delivery", "data").await;
    empty(
        &format!("/v1/notification/delivery?webhookId={webhook}"),
        "data",
    )
    .await;
    let keys = world
        .bare("GET", "/v1/account/key")
        .header("x-api-key", &other)
        .send()
        .await
        .json(200);
    assert!(
        keys["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|other| other["_id"] != key["_id"])
    );
    let still = world
        .get(&format!("/v1/notification/webhook/{webhook}"))
        .await
        .json(200);
    assert_eq!(still["status"], Value::from("enabled"));
}
