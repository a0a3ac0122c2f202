//! Bodies and queries of any kind, for every route that there is: an answer comes, and none is a 500.
//!
//! The same entry point is the fuzz target `requests`, which runs for longer and learns from coverage.

use std::sync::LazyLock;

use heraldo_domain::account::Role;
use heraldo_web::every_route;
use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::dashboard::Browser;
use crate::world::{World, id_in};

/// Answers without an end: nothing waits for the whole of one.
const STREAMS: [&str; 2] = ["/v1/notification/stream", "/dashboard/deliveries/stream"];
const FORM: &str = "application/x-www-form-urlencoded";

/// What it is that later requests name, or are allowed by.
const TAKES_AWAY: [&str; 7] = [
    "/delete",
    "/revoke",
    "/remove",
    "/cancel",
    "/sign-out",
    "/sign-out-everywhere",
    "/password",
];

struct Prepared {
    runtime: Runtime,
    world: World,
    routes: Vec<(Method, String)>,
    cookies: String,
    form_token: String,
    /// The first one whose part is in a path is what the path is about.
    known: Vec<(&'static str, String)>,
}

static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(World::new());
    let (known, cookies, form_token) = runtime.block_on(async {
        let browser = Browser::signed_in(&world, Role::Owner).await;
        let form_token = browser.form_token().await;
        (one_of_each(&world).await, browser.cookies(), form_token)
    });
    let mut routes = every_route();
    routes.retain(|(_, path)| !STREAMS.contains(&path.as_str()));
    assert!(routes.len() > 100, "{routes:?}");
    Prepared {
        runtime,
        world,
        routes,
        cookies,
        form_token: form_token.replace('+', "%2B"),
        known,
    }
});

async fn one_of_each(world: &World) -> Vec<(&'static str, String)> {
    let made = world.create_inspection().await;
    let [inspection, product] =
        ["inspectionId", "productId"].map(|name| made[name].as_str().unwrap().to_owned());
    let finished = world.create_inspection().await;
    let finished = finished["inspectionId"].as_str().unwrap().to_owned();
    let webhook = world.create_webhook().await;
    let goods = json!({ "templateId": "easy", "goods": [{ "make": "x" }] });
    let goods = world.post("/v1/inspection/goods", &goods).await.json(201);
    let template = json!({ "name": "n", "inspectionType": "car", "images": [{ "side": "front" }] });
    let template = world.post("/v1/inspection/template", &template).await;
    let event = json!({ "event": "inspection_created", "payload": { "_id": inspection } });
    let event = world.post("/v1/notification/event", &event).await.json(202);
    let delivery = world.get("/v1/notification/delivery").await.json(200);
    let range = json!({ "from": "2020-01-01T00:00:00.000Z", "to": "2020-01-02T00:00:00.000Z" });
    let recover = format!("/v1/notification/webhook/{webhook}/recover");
    let recovery = id_in(&world.post(&recover, &range).await.json(202));
    let key = json!({ "name": "k", "scopes": ["inspections"] });
    let key = world.post("/v1/account/key", &key).await.json(201);
    vec![
        ("/team/", world.owner.to_string()),
        ("/template/", id_in(&template.json(201))),
        ("/finish", finished.clone()),
        ("/review", finished.clone()),
        ("/report", finished),
        ("/inspection/image/", product.clone()),
        (
            "/inspection/goods/",
            goods["inspectionId"].as_str().unwrap().to_owned(),
        ),
        ("/inspection/car/", product),
        ("/recovery/", recovery.clone()),
        ("/recover/", recovery),
        ("/webhook", webhook),
        ("/event", id_in(&event["data"][0])),
        ("/deliver", id_in(&delivery["data"][0])),
        ("/key", id_in(&key)),
        ("", inspection),
    ]
}

impl Prepared {
    /// The path of a route about something that exists, unless the request might take that away.
    fn path(&self, method: &Method, path: &str, name: &str) -> String {
        let takes_away =
            *method == Method::DELETE || TAKES_AWAY.iter().any(|end| path.ends_with(end));
        let known = self.known.iter().find(|(part, _)| path.contains(part));
        let id = match known {
            Some((_, id)) if !takes_away => id,
            _ => "651ae032ff786d198dfa4ce4",
        };
        let path = path.replace("{id}", id);
        ["{reportId}", "{name}", "{token}"]
            .iter()
            .fold(path, |path, part| path.replace(part, name))
    }
}

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
        "retryEvents",
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

/// Fields of the names that forms have, with texts of any kind.
fn form() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "token",
        "email",
        "password",
        "name",
        "role",
        "scopes",
        "endpoint",
        "events",
        "status",
        "reason",
        "webhook",
        "from",
        "to",
        "overlap",
        "ordering",
        "schedule",
        "retried",
        "timeout",
        "concurrency",
        "rate",
        "headers",
        "event",
        "verdict",
        "comment",
        "redirects",
        "language",
        "theme",
        "back",
        "code",
        "answer",
        "client_app_id",
        "state",
        "body",
        "signature",
        "secret",
    ]);
    let text = prop_oneof!["[a-zA-Z0-9%+:/.-]{0,24}", "\\PC{0,12}"];
    vec((name, text), 0..6).prop_map(|fields| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| format!("{name}={text}"))
            .collect();
        fields.join("&")
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
        1 => vec(any::<u8>(), 0..80).prop_map(|bytes| (FORM, bytes)),
        3 => form().prop_map(|text| (FORM, text.into_bytes())),
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

async fn check(
    method: &Method,
    path: &str,
    kind: &str,
    mut body: Vec<u8>,
) -> Result<(), TestCaseError> {
    let world = &PREPARED.world;
    let mut call = world
        .request(method.as_str(), path)
        .header("host", "inspect.example.com")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", kind);
    if kind == FORM {
        // As a browser sends it; what takes the session away is sent without one.
        body.splice(..0, format!("form={}&", PREPARED.form_token).into_bytes());
    }
    if !TAKES_AWAY.iter().any(|end| path.ends_with(end)) {
        call = call.header("cookie", &PREPARED.cookies);
    }
    let answer = call.body(body).send().await;
    let status = answer.status.as_u16();
    prop_assert!(status < 500, "{method} {path}: {status} {}", answer.text());
    if answer.header("content-type") == Some("application/json") {
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        prop_assert!(
            status < 400 || value["detail"].is_string(),
            "{method} {path}: {value}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_body_of_any_route_is_answered(
        place in any::<prop::sample::Index>(),
        name in "[a-zA-Z0-9._%-]{0,40}",
        (kind, body) in body(),
    ) {
        let prepared = &*PREPARED;
        let (method, path) = place.get(&prepared.routes);
        let path = prepared.path(method, path, &name.replace('%', "%25"));
        prepared.runtime.block_on(check(method, &path, kind, body))?;
    }
}

proptest! {
    // Most of these are pages, which cost more to write than a refusal.
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_query_of_any_page_or_list_is_answered(
        place in any::<prop::sample::Index>(),
        query in "((limit|cursor|status|from|to|type|offset|webhookId|page|q|event|lang|accessCode|client_app_id|token)=[a-z0-9%:.-]{0,24}&?){0,3}",
    ) {
        let prepared = &*PREPARED;
        let read: Vec<_> = prepared.routes.iter().filter(|(method, _)| *method == Method::GET).collect();
        let (method, path) = place.get(&read);
        let path = prepared.path(method, path, "name");
        prepared.runtime.block_on(check(method, &format!("{path}?{query}"), "text/plain", Vec::new()))?;
    }
}
