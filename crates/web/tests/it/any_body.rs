//! Bodies and queries of any kind, for every route that takes one: an answer comes, and none is a 500.
//!
//! The same entry point is the fuzz target `requests`, which runs for longer and learns from coverage.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::world::World;

const PLACES: &[(&str, &str)] = &[
    ("POST", "/v1/inspection/car"),
    ("POST", "/v1/inspection/goods"),
    ("PUT", "/v1/inspection/{i}"),
    ("PUT", "/v1/inspection/car/{p}"),
    ("POST", "/v1/inspection/finish/{i}"),
    ("POST", "/v1/inspection/{i}/access"),
    ("POST", "/v1/inspection/{i}/review"),
    ("POST", "/v1/inspection/{i}/report/request"),
    ("POST", "/v1/inspection/image/token/{p}"),
    ("POST", "/v1/inspection/image/{p}"),
    ("POST", "/v1/inspection/template"),
    ("POST", "/v1/notification/webhook"),
    ("PATCH", "/v1/notification/webhook/{w}"),
    ("POST", "/v1/notification/webhook/{w}/secret/rotate"),
    ("POST", "/v1/notification/event"),
    ("POST", "/v1/account/key"),
    ("POST", "/v1/account/oauth/exchange_code"),
];

struct Prepared {
    runtime: Runtime,
    world: World,
    inspection: String,
    product: String,
    webhook: String,
}

static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (world, made, webhook) = runtime.block_on(async {
        let world = World::new().await;
        let made = world.create_inspection().await;
        let webhook = world.create_webhook().await;
        (world, made, webhook)
    });
    Prepared {
        inspection: made["inspectionId"].as_str().unwrap().to_owned(),
        product: made["productId"].as_str().unwrap().to_owned(),
        runtime,
        world,
        webhook,
    }
});

/// JSON of the names that requests have, with values of any kind.
fn json() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "templateId",
        "car",
        "goods",
        "consumer",
        "metadata",
        "delivery",
        "inputs",
        "data",
        "side",
        "coordinates",
        "endpoint",
        "events",
        "event",
        "payload",
        "_id",
        "headers",
        "retrySchedule",
        "tls",
        "clientKey",
        "timeoutMs",
        "overlapSeconds",
        "accessCode",
        "veredict",
        "images",
        "name",
        "inspectionType",
        "validationSchema",
        "scopes",
        "code",
        "latitude",
        "date",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "easy",
            "4s",
            "front",
            "inspection_created",
            "https://a.example"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name.clone(), inner), 0..6).prop_map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

/// A content type and a body that may go with it.
fn body() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let multipart = (
        vec(("[a-z]{1,6}", vec(any::<u8>(), 0..40), any::<bool>()), 0..4),
        json(),
    );
    prop_oneof![
        4 => json().prop_map(|value| ("application/json", value.to_string().into_bytes())),
        1 => vec(any::<u8>(), 0..80).prop_map(|bytes| ("application/json", bytes)),
        1 => vec(any::<u8>(), 0..80).prop_map(|bytes| ("application/x-www-form-urlencoded", bytes)),
        2 => multipart.prop_map(|(parts, data)| {
            let mut body = Vec::new();
            for (name, bytes, is_file) in parts {
                let file = if is_file { "; filename=\"a\"" } else { "" };
                let head = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
                body.extend([head.as_bytes(), &bytes, b"\r\n"].concat());
            }
            let data = format!("--x\r\ncontent-disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n--x--\r\n");
            body.extend(data.into_bytes());
            ("multipart/form-data; boundary=x", body)
        }),
        1 => vec(any::<u8>(), 0..120).prop_map(|bytes| ("multipart/form-data; boundary=x", bytes)),
    ]
}

async fn check(method: &str, path: &str, kind: &str, body: Vec<u8>) -> Result<(), TestCaseError> {
    let world = &PREPARED.world;
    let call = world.request(method, path).header("content-type", kind);
    let answer = call.body(body).send().await;
    let status = answer.status.as_u16();
    prop_assert!(status < 500, "{method} {path}: {status} {}", answer.text());
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    prop_assert!(status < 400 || value["detail"].is_string(), "{value}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_body_of_any_route_is_answered(place in 0..PLACES.len(), (kind, body) in body()) {
        let (method, path) = PLACES[place];
        let path = path
            .replace("{i}", &PREPARED.inspection)
            .replace("{p}", &PREPARED.product)
            .replace("{w}", &PREPARED.webhook);
        PREPARED.runtime.block_on(check(method, &path, kind, body))?;
    }

    #[test]
    fn any_query_of_any_list_is_answered(
        place in prop::sample::select(vec!["inspection", "notification/delivery", "notification/event", "notification/webhook", "inspection/template"]),
        query in "((limit|cursor|status|from|to|type|offset|webhookId)=[a-z0-9%:.-]{0,24}&?){0,3}",
    ) {
        PREPARED.runtime.block_on(check("GET", &format!("/v1/{place}?{query}"), "text/plain", Vec::new()))?;
    }
}
