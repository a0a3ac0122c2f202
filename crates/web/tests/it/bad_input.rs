//! A table of bad requests, each with the code it is answered with. Nothing is ever a 500.

use heraldo_wire::problem::ProblemCode::{self, *};
use serde_json::{Value, json};

use crate::world::World;

const CAR: &str = "/v1/inspection/car";
const WEBHOOK: &str = "/v1/notification/webhook";

async fn refused(path: &str, body: impl Into<Vec<u8>>, code: ProblemCode) -> String {
    let world = World::new().await;
    let call = world
        .request("POST", path)
        .header("content-type", "application/json");
    call.body(body.into()).send().await.problem(code)
}

#[tokio::test]
async fn malformed_json_is_told_from_json_of_the_wrong_form() {
    let says = async |body: &str, code, words: &str| {
        let detail = refused(CAR, body, code).await;
        assert!(detail.contains(words), "{body}: {detail}");
    };
    says("{\n  \"templateId\": easy", InvalidJson, "line 2 column 17").await;
    says("{", InvalidJson, "EOF").await;
    says("nothing", InvalidJson, "line 1").await;
    says("{}x", InvalidJson, "trailing characters").await;
    says(
        "{\"templateId\":\"easy\"} {}",
        InvalidJson,
        "trailing characters",
    )
    .await;
    says("\u{feff}{}", InvalidJson, "line 1 column 1").await;
    says("[]", InvalidBody, "object").await;
    says("\"easy\"", InvalidBody, "object").await;
    says("null", InvalidBody, "object").await;
    says("{}", InvalidBody, "templateId").await;
    says("", InvalidBody, "templateId").await;
    says("{\"templateId\":null}", InvalidBody, "`templateId`").await;
}

#[tokio::test]
async fn wrong_types_name_their_field() {
    let says = async |body: Value, field: &str| {
        let detail = refused(CAR, body.to_string(), InvalidBody).await;
        assert!(
            detail.starts_with(&format!("`{field}`: ")),
            "{body}: {detail}"
        );
        assert!(detail.len() < 700, "{detail}");
    };
    says(json!({"templateId": 7}), "templateId").await;
    says(
        json!({"templateId": "easy", "consumer": {"sex": "x"}}),
        "consumer.sex",
    )
    .await;
    says(
        json!({"templateId": "easy", "metadata": {"a": 1}}),
        "metadata.a",
    )
    .await;
    says(
        json!({"templateId": "easy", "inputs": [{"identifier": 1}]}),
        "inputs[0].identifier",
    )
    .await;
    says(
        json!({"templateId": "easy", "initialStatus": "blocked"}),
        "initialStatus",
    )
    .await;
    says(
        json!({"templateId": "easy", "delivery": {"disabled": false}}),
        "delivery",
    )
    .await;
    says(
        json!({"templateId": "easy", "locale": ["x".repeat(5_000)]}),
        "locale",
    )
    .await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let detail = refused(CAR, b"{\"templateId\":\"\xff\"}".to_vec(), InvalidJson).await;
    assert!(detail.contains("15"), "{detail}");
    refused(CAR, vec![0; 100], InvalidJson).await;
}

#[tokio::test]
async fn deep_nesting_crashes_nothing() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    refused(CAR, deep("[", "]"), InvalidBody).await;
    refused(CAR, format!("{{\"car\":{}}}", deep("[", "]")), InvalidJson).await;
    refused(CAR, deep("{\"car\":", "}"), InvalidJson).await;
    let unknown = format!("{{\"templateId\":\"none\",\"unknown\":{}}}", deep("[", "]"));
    refused(CAR, unknown, UnknownTemplate).await;
    let payload = format!(
        "{{\"event\":\"image_processed\",\"payload\":{}}}",
        deep("[", "]")
    );
    refused("/v1/notification/event", payload, InvalidBody).await;
}

#[tokio::test]
async fn nothing_goes_in_that_could_not_be_read_again() {
    let world = World::new().await;
    let nested = |levels: usize| {
        (0..levels).fold(json!(1), |inner, level| {
            if level % 2 == 0 {
                json!({ "a": inner })
            } else {
                json!([inner])
            }
        })
    };
    let create = async |field: &str, value: Value| {
        let mut body = json!({"templateId": "easy"});
        body[field] = value;
        world.post(CAR, &body).await
    };
    let kept = create("car", json!({"trim": nested(16)})).await.json(201);
    let path = format!("/v1/inspection/{}", kept["inspectionId"].as_str().unwrap());
    let read = world.get(&path).await.json(200);
    assert_eq!(read["products"][0]["attributes"]["trim"], nested(16));
    for field in ["car", "moto"] {
        let refused = create(field, json!({"trim": nested(17)})).await;
        let detail = refused.problem(InvalidBody);
        assert!(
            detail.starts_with(&format!("`{field}` holds a value")),
            "{detail}"
        );
    }
    create("goods", json!([{}, {"trim": nested(120)}]))
        .await
        .problem(InvalidBody);
    let long = "x".repeat(2_049);
    for (field, value) in [
        ("consumer", json!({"firstName": long})),
        ("consumer", json!({"address": long})),
        ("producer", json!({"internalId": long})),
        ("metadata", json!({"a": long})),
        ("callbackURL", json!(format!("https://example.com/{long}"))),
        (
            "delivery",
            json!({"disabled": false, "channel": "sms", "destination": long}),
        ),
    ] {
        let detail = create(field, value).await.problem(InvalidBody);
        assert!(detail.starts_with(&format!("`{field}")), "{detail}");
    }
}

#[tokio::test]
async fn arrays_are_no_objects_but_the_empty_one_that_php_writes_is() {
    let world = World::new().await;
    for field in ["car", "consumer", "producer", "metadata"] {
        let mut body = json!({"templateId": "easy"});
        body[field] = json!([]);
        world.post(CAR, &body).await.json(201);
        body[field] = json!(["x"]);
        let detail = world.post(CAR, &body).await.problem(InvalidBody);
        assert!(
            detail.starts_with(&format!("`{field}`: ")) && detail.ends_with("expected an object"),
            "{detail}"
        );
    }
    let inputs = json!({"templateId": "easy", "inputs": [["input_1", "Oro"]]});
    let detail = world.post(CAR, &inputs).await.problem(InvalidBody);
    assert!(detail.starts_with("`inputs[0]`: "), "{detail}");
}

#[tokio::test]
async fn a_repeated_key_counts_once_the_last_time() {
    let world = World::new().await;
    let call = world
        .request("POST", CAR)
        .header("content-type", "application/json");
    let body =
        r#"{"templateId":"none","templateId":"easy","car":{"plate":"A"},"car":{"plate":"B"}}"#;
    let created = call.body(body).send().await.json(201);
    let path = format!(
        "/v1/inspection/{}",
        created["inspectionId"].as_str().unwrap()
    );
    let read = world.get(&path).await.json(200);
    assert_eq!(read["products"][0]["attributes"]["plate"], "B");
}

#[tokio::test]
async fn media_types_are_told_apart() {
    let world = World::new().await;
    let send = async |content_type: &str, body: &str| {
        let call = world
            .request("POST", CAR)
            .header("content-type", content_type);
        call.body(body.to_owned()).send().await
    };
    let easy = r#"{"templateId":"easy"}"#;
    for right in [
        "application/json",
        "Application/JSON ; charset=UTF-8",
        "application/json;charset=utf-8",
    ] {
        send(right, easy).await.json(201);
    }
    for wrong in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "",
        "json",
    ] {
        let detail = send(wrong, easy).await.problem(UnsupportedMediaType);
        assert!(detail.contains("application/json"), "{detail}");
    }
    world.request("POST", CAR).body(easy).send().await.json(201);
    let packed = world
        .request("POST", CAR)
        .header("content-type", "application/json");
    packed
        .header("content-encoding", "gzip")
        .body(easy)
        .send()
        .await
        .problem(UnsupportedMediaType);
    let twice = world
        .request("POST", CAR)
        .header("content-type", "application/json");
    twice
        .json(&json!({"templateId": "easy"}))
        .send()
        .await
        .problem(InvalidHeader);
}

#[tokio::test]
async fn large_bodies_are_refused_on_every_route_by_its_own_limit() {
    let blank = |bytes: usize| " ".repeat(bytes);
    refused(CAR, blank((1 << 20) + 1), BodyTooLarge).await;
    refused(WEBHOOK, blank((1 << 20) + 1), BodyTooLarge).await;
    refused("/v1/notification/event", blank((8 << 20) + 1), BodyTooLarge).await;
    refused(
        "/v1/inspection/651ae032ff786d198dfa4ce4/access",
        blank(16_385),
        BodyTooLarge,
    )
    .await;
    refused(CAR, blank(1 << 20), InvalidBody).await;
}

#[tokio::test]
async fn webhooks_that_cannot_be_called_are_refused() {
    let check = async |body: Value, code| {
        refused(WEBHOOK, body.to_string(), code).await;
    };
    let to = |endpoint: &str| json!({"endpoint": endpoint, "events": ["image_processed"]});
    for url in [
        "",
        "receiver",
        "ftp://r.example.com",
        "javascript:alert(1)",
        "http://",
        "http://a b",
        "http://user:secret@r.example.com",
        "http://127.0.0.1",
        "http://2130706433",
        "http://0x7f.1",
        "http://[::1]",
        "http://[::ffff:10.0.0.1]",
        "http://169.254.169.254/latest",
        "http://10.1.2.3",
    ] {
        check(to(url), InvalidUrl).await;
    }
    let with = |key: &str, value: Value| {
        let mut body = to("https://r.example.com");
        body[key] = value;
        body
    };
    check(with("events", json!([])), InvalidBody).await;
    check(
        with("events", json!(["image_processed", "nothing"])),
        UnknownEvent,
    )
    .await;
    check(with("events", json!("image_processed")), InvalidBody).await;
    check(with("headers", json!({"host": "x"})), InvalidBody).await;
    check(with("headers", json!({"x-a": "1\r\nx-b: 2"})), InvalidBody).await;
    check(
        with("headers", json!({"x-a": "1", "X-A": "2"})),
        InvalidBody,
    )
    .await;
    check(with("headers", json!(["x-a"])), InvalidBody).await;
    check(with("retrySchedule", json!(["15"])), InvalidBody).await;
    check(with("timeoutMs", json!(1)), InvalidBody).await;
    check(with("timeoutMs", json!(-1)), InvalidBody).await;
    check(with("concurrency", json!(0)), InvalidBody).await;
    check(with("ratePerSecond", json!(0)), InvalidBody).await;
    check(with("ratePerSecond", json!(10_001)), InvalidBody).await;
    check(with("ratePerSecond", json!(0.5)), InvalidBody).await;
    check(json!({"events": ["image_processed"]}), InvalidBody).await;
}

#[tokio::test]
async fn inspections_that_make_no_sense_are_refused() {
    let check = async |body: Value, code| {
        refused(CAR, body.to_string(), code).await;
    };
    check(json!({"templateId": "none"}), UnknownTemplate).await;
    check(
        json!({"templateId": "651ae032ff786d198dfa4ce4"}),
        UnknownTemplate,
    )
    .await;
    check(
        json!({"templateId": "easy", "callbackURL": "javascript:alert(1)"}),
        InvalidUrl,
    )
    .await;
    check(
        json!({"templateId": "easy", "inputs": [{"identifier": "x", "value": 1}]}),
        UnknownInput,
    )
    .await;
    let producer = json!({"internalId": "nobody", "mustMatchUser": true});
    check(
        json!({"templateId": "easy", "producer": producer}),
        InvalidBody,
    )
    .await;
    let long = json!({"templateId": "easy", "metadata": {"a": "x".repeat(3_000)}});
    check(long, InvalidBody).await;
}

#[tokio::test]
async fn too_many_and_too_long_headers_are_refused() {
    let world = World::new().await;
    let long = world
        .request("GET", "/v1/inspection")
        .header("x-long", &"a".repeat(17_000));
    long.send().await.problem(HeadersTooLarge);
    let mut many = world.request("GET", "/v1/inspection");
    for number in 0..70 {
        many = many.header(&format!("x-{number}"), "1");
    }
    many.send().await.problem(HeadersTooLarge);
    world
        .get(&format!("/v1/inspection?plate={}", "a".repeat(17_000)))
        .await
        .problem(UriTooLong);
}

#[tokio::test]
async fn the_form_of_every_error_is_the_same() {
    let world = World::new().await;
    let body = async |answer: crate::world::Answer| {
        let status = answer.status.as_u16();
        serde_json::to_string_pretty(&answer.json(status)).unwrap()
    };
    insta::assert_snapshot!(body(world.bare("GET", "/v1/inspection").send().await).await, @r#"
    {
      "code": "missing_credentials",
      "status": 401,
      "detail": "send your API key in the `x-api-key` header",
      "message": "send your API key in the `x-api-key` header"
    }
    "#);
    insta::assert_snapshot!(body(world.get("/v1/nothing").await).await, @r#"
    {
      "code": "not_found",
      "status": 404,
      "detail": "there is no such route; `GET /openapi.json` lists them all",
      "message": "there is no such route; `GET /openapi.json` lists them all"
    }
    "#);
    insta::assert_snapshot!(body(world.post(CAR, &json!({"templateId": 7})).await).await, @r#"
    {
      "code": "invalid_body",
      "status": 400,
      "detail": "`templateId`: invalid type: number `7`, expected a string",
      "message": "`templateId`: invalid type: number `7`, expected a string"
    }
    "#);
}
