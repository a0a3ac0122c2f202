//! Large bodies that come slowly, or never.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::{Either, join_all, select};
use futures_util::stream::{self, Stream, StreamExt as _};
use heraldo_web::WebConfig;
use heraldo_wire::problem::ProblemCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::images::{form_of, photo, read, started, upload};
use crate::world::{Answer, Call, World};

const LONG: Duration = Duration::from_secs(600);
/// Whatever this test waits for takes far less.
const NEVER: Duration = Duration::from_secs(30);

fn config() -> WebConfig {
    WebConfig {
        upload_patience: Duration::from_millis(20),
        upload_idle_timeout: LONG,
        upload_timeout: LONG,
        ..WebConfig::default()
    }
}

/// An upload of the photo of `side` whose body comes as `pieces` say, and how its bytes are.
fn sending<'w>(
    world: &'w World,
    product: &str,
    side: &str,
    pieces: impl FnOnce(Bytes) -> Body,
) -> Call<'w> {
    let (content_type, body) = form_of(&photo(1), &json!({"productId": product, "side": side}));
    let path = format!("/v1/inspection/image/{product}");
    let call = world.request("POST", &path);
    let call = call.header("content-type", &content_type);
    // What is refused is not waited for any longer.
    let call = call.header("expect", "100-continue");
    call.body(pieces(body.into()))
}

/// The first half, then, once `until` is over, the second.
fn in_halves(body: &Bytes, until: impl Future<Output = ()> + Send + 'static) -> Body {
    let mut first = body.clone();
    let second = first.split_off(first.len() / 2);
    let second = async move {
        until.await;
        Ok(second)
    };
    let pieces = stream::iter([Ok::<_, io::Error>(first)]);
    Body::from_stream(pieces.chain(stream::once(second)))
}

#[tokio::test]
async fn a_sender_that_is_slower_than_other_requests_may_be_is_served() {
    let world = World::with(WebConfig {
        body_timeout: Duration::from_millis(1),
        request_timeout: Duration::from_millis(50),
        ..config()
    })
    .await;
    let (id, product) = started(&world, "car", &json!({})).await;
    let pause = tokio::time::sleep(Duration::from_millis(150));
    let call = sending(&world, &product, "front", |body| in_halves(&body, pause));
    call.send().await.json(201);
    world.run_jobs().await;
    let images = read(&world, &id).await["products"][0]["images"].clone();
    assert_eq!(
        images[0]["processed"], true,
        "the bytes are whole: {images}"
    );
}

#[tokio::test]
async fn a_sender_that_stops_or_takes_for_ever_is_a_408() {
    let check = async |config: WebConfig, rest: fn() -> Body| {
        let world = World::with(config).await;
        let (_, product) = started(&world, "car", &json!({})).await;
        let answer = sending(&world, &product, "front", |_| rest()).send().await;
        answer.problem(ProblemCode::RequestTimeout);
    };
    fn drip(pieces: impl Stream<Item = ()> + Send + 'static) -> Body {
        Body::from_stream(pieces.map(|()| Ok::<_, io::Error>(Bytes::from_static(b"x"))))
    }
    let stops = WebConfig {
        upload_idle_timeout: Duration::from_millis(30),
        ..config()
    };
    check(stops, || drip(stream::iter([()]).chain(stream::pending()))).await;
    let for_ever = WebConfig {
        upload_timeout: Duration::from_millis(60),
        ..config()
    };
    check(for_ever, || {
        drip(stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some(((), ()))
        }))
    })
    .await;
}

#[tokio::test]
async fn thirty_two_slow_senders_stop_no_other_and_all_get_through() {
    let world = World::with(config()).await;
    let go = CancellationToken::new();
    let mut slow = Vec::new();
    for _ in 0..32 {
        let (_, product) = started(&world, "car", &json!({})).await;
        let until = go.clone().cancelled_owned();
        let call = sending(&world, &product, "front", |body| in_halves(&body, until));
        slow.push(call.send());
    }
    let (_, product) = started(&world, "car", &json!({})).await;
    let image = photo(2);
    let healthy = upload(&world, &product, "front", &image);
    let both = select(Box::pin(join_all(slow)), Box::pin(healthy));
    let (answer, slow) = match tokio::time::timeout(NEVER, both).await.unwrap() {
        Either::Right((answer, slow)) => (answer, slow),
        Either::Left(_) => panic!("the slow ones ended first"),
    };
    answer.json(201);
    go.cancel();
    for answer in slow.await {
        answer.json(201);
    }
}

#[tokio::test]
async fn slow_senders_beyond_the_places_for_them_are_told_to_come_back() {
    let world = World::with(WebConfig {
        uploads_max: 1,
        upload_files_max: 1,
        ..config()
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let (_, product) = started(&world, "car", &json!({})).await;
        let call = sending(&world, &product, "front", |body| {
            in_halves(&body, std::future::pending())
        });
        slow.push(Box::pin(call.send()));
    }
    let first = futures_util::future::select_all(slow);
    let (answer, ..): (Answer, _, _) = tokio::time::timeout(NEVER, first).await.unwrap();
    answer.problem(ProblemCode::Overloaded);
}

#[tokio::test]
async fn an_image_token_is_looked_at_before_the_photo_is_read() {
    let world = World::new().await;
    let (_, product) = started(&world, "car", &json!({})).await;
    let (_, other) = started(&world, "car", &json!({})).await;
    let path = format!("/v1/inspection/image/token/{other}");
    let made = world.post(&path, &json!({"side": "front"})).await.json(201);
    let path = format!("/v1/inspection/image/{product}");
    for token in ["img_invented", made["token"].as_str().unwrap()] {
        let body = stream::once(async { panic!("the photo is read") });
        let body = Body::from_stream(body.map(|()| Ok::<_, io::Error>(Bytes::new())));
        let call = world
            .bare("POST", &path)
            .header("x-image-token", token)
            .header("content-type", "multipart/form-data; boundary=x")
            // So the rest of the body, which nobody has sent yet, is not read and dropped either.
            .header("expect", "100-continue");
        let answer = call.body(body).send().await;
        answer.problem(ProblemCode::InvalidCredentials);
    }
}
