//! API keys over the API.

use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{World, id_in};

const PATH: &str = "/v1/account/key";

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked_at_once() {
    let world = World::new().await;
    let body = json!({"scopes": ["inspections"], "name": "claims", "testing": true});
    let made = world.post(PATH, &body).await.json(201);
    let text = made["apiKey"].as_str().unwrap();
    assert!(text.starts_with("hk_test_"));
    let create = async || {
        let body = json!({"templateId": "easy"});
        world
            .bare("POST", "/v1/inspection/car")
            .header("x-api-key", text)
            .json(&body)
            .send()
            .await
    };
    let created = create().await.json(201);
    let path = format!(
        "/v1/inspection/{}",
        created["inspectionId"].as_str().unwrap()
    );
    assert_eq!(world.get(&path).await.json(200)["testing"], true);

    let listed = world.get(PATH).await;
    assert!(!listed.text().contains(text));
    let listed = listed.json(200);
    let key = &listed["data"][0];
    assert_eq!(key["_id"], made["_id"]);
    assert_eq!(key["hint"], text[..12]);
    assert_eq!(key["name"], "claims");
    assert_eq!(key["scopes"], json!(["inspections"]));
    assert_eq!(key["revokedAt"], Value::Null);
    assert!(key["lastUsedAt"].is_string(), "{key}");

    let path = format!("{PATH}/{}", id_in(&made));
    world.request("DELETE", &path).send().await.json(200);
    create().await.problem(ProblemCode::InvalidCredentials);
    world
        .request("DELETE", &path)
        .send()
        .await
        .problem(ProblemCode::NotFound);
    assert_eq!(
        world.get(PATH).await.json(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_key_needs_a_known_scope() {
    let world = World::new().await;
    for body in [
        json!({}),
        json!({"scopes": []}),
        json!({"scopes": ["all"]}),
        json!({"scopes": "admin"}),
    ] {
        world
            .post(PATH, &body)
            .await
            .problem(ProblemCode::InvalidBody);
    }
}

#[tokio::test]
async fn a_company_is_owned_by_a_person_with_an_address_or_by_nobody_in_particular() {
    let world = World::new().await;
    let owned_by = async |email: Option<&str>| {
        let owner = Person {
            email: email.map(str::to_owned),
            ..Person::default()
        };
        create_company(&world.context, "Otra", owner).await
    };
    owned_by(None).await.unwrap();
    owned_by(Some("owner@example.com")).await.unwrap();
    for wrong in ["", "owner"] {
        let problem = owned_by(Some(wrong)).await.unwrap_err();
        assert_eq!(problem.code, ProblemCode::InvalidBody, "{wrong}");
    }
}
