//! Wrong access codes count for the address that they come from, over all inspections.

use heraldo_domain::inspection::State;
use heraldo_domain::store::Store as _;
use heraldo_wire::problem::ProblemCode;
use serde_json::json;

use crate::inspections::{code, id, wrong};
use crate::world::{PUBLIC_URL, World};

#[tokio::test]
async fn wrong_codes_are_limited_for_an_address() {
    let world = World::new().await;
    let enter = async |id: &str, code: &str, from: &str| {
        let call = world
            .bare("POST", &format!("/v1/inspection/{id}/access"))
            .from(from);
        call.json(&json!({"accessCode": code})).send().await
    };
    let mut tries = 0;
    while tries < 30 {
        let created = world.create_inspection().await;
        for _ in 0..3 {
            enter(id(&created), wrong(&code(&created)), "192.0.2.1").await;
            tries += 1;
        }
    }
    let created = world.create_inspection().await;
    let refused = enter(id(&created), &code(&created), "192.0.2.1").await;
    refused.problem(ProblemCode::TooManyWrongCodes);
    enter(id(&created), &code(&created), "192.0.2.2")
        .await
        .json(200);
}

/// Sends each code to its inspection by the API and by the page, all at once from one address: all are under way, and
/// their bodies come, before the first code is looked at.
async fn enter_at_once(world: &World, codes: &[(String, String)]) -> Vec<u16> {
    let go = tokio_util::sync::CancellationToken::new();
    let calls = codes.iter().flat_map(|(id, code)| {
        [
            (
                "application/json",
                format!("/v1/inspection/{id}/access"),
                json!({"accessCode": code}).to_string(),
            ),
            (
                "application/x-www-form-urlencoded",
                format!("/inspection/{id}/code"),
                format!("accessCode={code}"),
            ),
        ]
    });
    let calls = calls.map(|(content_type, path, body)| {
        let go = go.clone();
        let body = futures_util::stream::once(async move {
            go.cancelled().await;
            Ok::<_, std::io::Error>(body)
        });
        let call = world.bare("POST", &path).from("192.0.2.1");
        let call = call.header("content-type", content_type);
        let call = call.header("origin", PUBLIC_URL);
        call.body(axum::body::Body::from_stream(body)).send()
    });
    let release = async {
        tokio::task::yield_now().await;
        go.cancel();
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), release);
    answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect()
}

#[tokio::test]
async fn of_200_wrong_codes_at_once_only_those_within_the_limit_are_looked_at() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for _ in 0..100 {
        let created = world.create_inspection().await;
        codes.push((id(&created).to_owned(), wrong(&code(&created)).to_owned()));
    }
    let answers = enter_at_once(&world, &codes).await;
    let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((of(403), of(429)), (30, 170));
    let mut looked_at = 0;
    for (id, _) in &codes {
        let inspection = world.store.inspection(id.parse().unwrap()).await.unwrap();
        if let State::Created { wrong_codes } = inspection.unwrap().state {
            looked_at += wrong_codes;
        }
    }
    assert_eq!(looked_at, 30);
}

/// A whole office behind one address, or a backend that enters codes for its consumers.
#[tokio::test]
async fn of_200_right_codes_at_once_none_is_refused_and_none_counts() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for _ in 0..100 {
        let created = world.create_inspection().await;
        codes.push((id(&created).to_owned(), code(&created)));
    }
    let answers = enter_at_once(&world, &codes).await;
    let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((of(200), of(303)), (100, 100), "{answers:?}");
    let answers = enter_at_once(&world, &codes[..20]).await;
    assert_eq!(answers, [200, 303].repeat(20));
}
