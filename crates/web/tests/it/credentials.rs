//! Keys, scopes, and what happens to those who guess.

use heraldo_wire::api::Scope;
use heraldo_wire::problem::ProblemCode;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_key_is_needed_and_must_be_right() {
    let world = World::new().await;
    let list = || world.bare("GET", "/v1/inspection");
    list().send().await.problem(ProblemCode::MissingCredentials);
    list()
        .header("x-api-key", "")
        .send()
        .await
        .problem(ProblemCode::MissingCredentials);
    list()
        .header("x-api-key", "hk_live_nobody")
        .send()
        .await
        .problem(ProblemCode::InvalidCredentials);
    list()
        .header("x-api-key", &world.key)
        .send()
        .await
        .json(200);
}

#[tokio::test]
async fn two_keys_are_refused_even_when_both_are_right() {
    let world = World::new().await;
    let twice = world
        .request("GET", "/v1/inspection")
        .header("x-api-key", &world.key);
    twice.send().await.problem(ProblemCode::InvalidHeader);
}

#[tokio::test]
async fn a_wrong_access_token_is_refused_beside_a_right_key() {
    let world = World::new().await;
    for scheme in ["Bearer abc", "bearer abc", "BEARER"] {
        let call = world
            .request("GET", "/v1/inspection")
            .header("authorization", scheme);
        call.send().await.problem(ProblemCode::InvalidCredentials);
    }
    let body = json!({"templateId": "easy", "access_token": "abc"});
    let refused = world.post("/v1/inspection/car", &body).await;
    assert!(
        refused
            .problem(ProblemCode::InvalidCredentials)
            .contains("access_token")
    );
}

#[tokio::test]
async fn wrong_keys_are_limited_for_an_address_and_the_right_key_is_not() {
    let world = World::new().await;
    let with = |key: &str, from: &str| {
        world
            .bare("GET", "/v1/inspection")
            .header("x-api-key", key)
            .from(from)
    };
    for _ in 0..20 {
        with("wrong", "192.0.2.1")
            .send()
            .await
            .problem(ProblemCode::InvalidCredentials);
    }
    let refused = with("wrong", "192.0.2.1").send().await;
    refused.problem(ProblemCode::TooManyWrongKeys);
    assert_eq!(refused.header("retry-after"), Some("60"));
    with(&world.key, "192.0.2.1").send().await.json(200);
    with("wrong", "192.0.2.2")
        .send()
        .await
        .problem(ProblemCode::InvalidCredentials);
    world.clock.step(60_000);
    with("wrong", "192.0.2.1")
        .send()
        .await
        .problem(ProblemCode::InvalidCredentials);
}

#[tokio::test]
async fn each_route_asks_for_its_scope() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let path = |rest: &str| format!("/v1/notification/webhook/{webhook}{rest}");
    let routes = [
        ("GET", "/v1/inspection".to_owned(), vec![Scope::Inspections]),
        (
            "GET",
            "/v1/notification/event".to_owned(),
            vec![Scope::Inspections],
        ),
        (
            "GET",
            "/v1/notification/delivery".to_owned(),
            vec![Scope::Webhooks],
        ),
        ("GET", path(""), vec![Scope::Webhooks]),
        ("GET", path("/secret"), vec![Scope::Secrets]),
        (
            "POST",
            path("/secret/rotate"),
            vec![Scope::Webhooks, Scope::Secrets],
        ),
        ("GET", "/v1/account/key".to_owned(), vec![Scope::Admin]),
    ];
    for (method, path, needed) in &routes {
        for scope in Scope::ALL {
            let key = world.key_with(&[*scope]).await;
            let answer = world
                .bare(method, path)
                .header("x-api-key", &key)
                .send()
                .await;
            if *scope == Scope::Admin || *needed == [*scope] {
                answer.json(200);
            } else {
                let detail = answer.problem(ProblemCode::ForbiddenScope);
                assert!(
                    needed.iter().any(|scope| detail.contains(scope.as_str())),
                    "{detail}"
                );
            }
        }
        let key = world.key_with(needed).await;
        world
            .bare(method, path)
            .header("x-api-key", &key)
            .send()
            .await
            .json(200);
    }
}
