//! Multipart creates, byte for byte as the SDKs send them.

use axum::body::Body;
use futures_util::stream;
use heraldo_wire::problem::ProblemCode;

use crate::world::{Answer, World};

const BOUNDARY: &str = "--------------------------478203962110238400127341";
const CAR: &str = "/v1/inspection/car";

fn part(headers: &str, content: &str) -> String {
    format!("--{BOUNDARY}\r\n{headers}\r\n\r\n{content}\r\n")
}

fn data(json: &str) -> String {
    part("Content-Disposition: form-data; name=\"data\"", json)
}

fn end() -> String {
    format!("--{BOUNDARY}--\r\n")
}

async fn send(world: &World, body: impl Into<Body>) -> Answer {
    let call = world.request("POST", CAR);
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    call.header("content-type", &content_type)
        .body(body)
        .send()
        .await
}

#[tokio::test]
async fn the_part_data_creates_an_inspection() {
    let world = World::new().await;
    send(&world, data(r#"{"templateId":"easy"}"#) + &end())
        .await
        .json(201);
}

#[tokio::test]
async fn a_body_cut_anywhere_is_put_together_again() {
    let world = World::new().await;
    let body = data(r#"{"templateId":"easy","metadata":{"nota":"ñandú"}}"#) + &end();
    for size in [1, 2, 3, 7, 64] {
        let pieces: Vec<_> = body.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        send(&world, Body::from_stream(stream::iter(pieces)))
            .await
            .json(201);
    }
}

#[tokio::test]
async fn a_file_before_the_data_is_the_value_of_an_input() {
    let world = World::new().await;
    // A Node Buffer has no file name.
    let headers = "Content-Disposition: form-data; name=\"input_photo\"\r\nContent-Type: application/octet-stream";
    let body = part(headers, "bytes") + &data(r#"{"templateId":"easy"}"#) + &end();
    let detail = send(&world, body).await.problem(ProblemCode::UnknownInput);
    assert!(detail.contains("inputs"), "{detail}");
}

#[tokio::test]
async fn an_idempotency_key_stands_for_the_content_and_not_for_the_boundary() {
    let world = World::new().await;
    let send = async |boundary: &str, json: &str| {
        let body = (data(json) + &end()).replace(BOUNDARY, boundary);
        let call = world
            .request("POST", CAR)
            .header("idempotency-key", "a-key");
        let content_type = format!("multipart/form-data; boundary={boundary}");
        call.header("content-type", &content_type)
            .body(body)
            .send()
            .await
    };
    let first = send("one", r#"{"templateId":"easy"}"#).await;
    let again = send("two", r#"{"templateId":"easy"}"#).await;
    assert_eq!(first.json(201), again.json(201));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let other = send("one", r#"{"templateId":"easy","locale":"es_MX"}"#).await;
    other.problem(ProblemCode::IdempotencyConflict);
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let world = World::new().await;
    let easy = data(r#"{"templateId":"easy"}"#);
    let check = async |body: String, code| {
        send(&world, body).await.problem(code);
    };
    check(end(), ProblemCode::InvalidBody).await;
    check(String::new(), ProblemCode::InvalidBody).await;
    check(easy.clone(), ProblemCode::InvalidBody).await;
    check("nothing".to_owned(), ProblemCode::InvalidBody).await;
    check(easy.clone() + &easy + &end(), ProblemCode::InvalidBody).await;
    check(part("X-Odd: 1", "x") + &end(), ProblemCode::InvalidBody).await;
    check(data("{") + &end(), ProblemCode::InvalidJson).await;
    check(data("[]") + &end(), ProblemCode::InvalidBody).await;
    let file = part("Content-Disposition: form-data; name=\"f\"", "x");
    check(file.repeat(101) + &easy + &end(), ProblemCode::InvalidBody).await;
    check(
        data(&" ".repeat(1_100_000)) + &end(),
        ProblemCode::BodyTooLarge,
    )
    .await;
    let huge = part(
        "Content-Disposition: form-data; name=\"f\"",
        &"x".repeat(21 << 20),
    );
    check(huge + &easy + &end(), ProblemCode::BodyTooLarge).await;
    let call = world
        .request("POST", CAR)
        .header("content-type", "multipart/form-data");
    call.body("x")
        .send()
        .await
        .problem(ProblemCode::InvalidHeader);
    let path = "/v1/notification/webhook";
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let call = world
        .request("POST", path)
        .header("content-type", &content_type);
    call.body(easy + &end())
        .send()
        .await
        .problem(ProblemCode::UnsupportedMediaType);
}
