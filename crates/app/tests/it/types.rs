//! The whole life of an inspection of every type, seen at a receiver that holds each event against its signatures,
//! its place in the order, and its committed JSON Schema.

use std::collections::HashSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use heraldo_media::testing::PhotoMaker;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, EVENTS, Made, text};
use crate::photos::upload;
use crate::process::Setup;
use crate::receiver::{Received, Receiver};
use crate::secrets::verified;
use crate::tools::python_tool;

/// Each type, what a create says of its product, and what its photos are of.
fn types() -> [(&'static str, Value, &'static str); 8] {
    let vehicle = json!({ "plate": "AB123CD", "color": "red", "milage": 52_000, "year": 2020 });
    let device = json!({ "make": "Sur", "model": "X", "price": 1_200, "serialNumber": "S-1" });
    let goods = json!([{ "type": "laptop", "category": "electronics", "price": "900" }]);
    [
        ("car", json!({ "car": vehicle }), "product"),
        ("moto", json!({ "moto": vehicle }), "product"),
        ("bike", json!({ "bike": device }), "product"),
        (
            "machinery",
            json!({ "machinery": { "type": "tractor", "use": "OFICIAL" } }),
            "product",
        ),
        ("goods", json!({ "goods": goods }), "product"),
        ("people", json!({ "people": {} }), "identity"),
        ("custom", json!({}), "custom"),
        ("cellphone", json!({ "cellphone": device }), "product"),
    ]
}

fn create(api: &Api, kind: &str, template: &str, more: &Value) -> (Made, String) {
    let mut body = json!({
        "templateId": template,
        "delivery": { "disabled": true },
        "locale": "es_AR",
        "consumer": { "firstName": "Luz", "identification": "30111222" },
        "metadata": { "policyId": "POL-2291" },
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let made = api.post(201, &format!("/v1/inspection/{kind}"), body);
    let product = match &made["productIds"] {
        Value::Array(ids) => &ids[0],
        _ => &made["productId"],
    };
    (Made::from(&made), text(product))
}

/// From the create to the review; returns the names of the events that must have come of it.
fn inspected(api: &Api, receiver: &Receiver, kind: &str, number: u32, more: &Value) -> Life {
    let (made, product) = create(api, kind, "easy", more);
    let access = format!("/v1/inspection/{}/access", made.id);
    api.post(200, &access, json!({ "accessCode": made.access_code }));
    let template = text(&api.get(&format!("/v1/inspection/{}", made.id))["template"]["_id"]);
    let template = api.get(&format!("/v1/inspection/template/{template}"));
    let images = template["images"].as_array().unwrap().iter();
    let sides: Vec<_> = images.map(|image| text(&image["side"])).collect();
    let extra = "a side that no template has".to_owned();
    for (place, side) in (0..).zip(sides.iter().chain([&extra])) {
        let photo = PhotoMaker::jpeg(320, 240)
            .scene(number * 100 + place)
            .make();
        assert_eq!(upload(api, &product, side, &photo), 201, "{kind} {side}");
    }
    api.post(
        200,
        &format!("/v1/inspection/finish/{}", made.id),
        json!({}),
    );
    let is_completed = |received: &Received| {
        received.inspection() == made.id && received.event() == "inspection_completed"
    };
    receiver.wait("it is completed", |got| got.iter().any(is_completed));
    let review = format!("/v1/inspection/{}/review", made.id);
    api.post(
        200,
        &review,
        json!({ "veredict": "disapproved", "reason": "seen in person" }),
    );
    let mut events = vec!["inspection_created", "inspection_started"];
    events.extend(vec!["image_processed"; sides.len()]);
    // Photos are looked at side by side: which of them is told of first is open.
    events.push("extra_image_processed");
    events.extend(["inspection_completed", "inspection_reviewed"]);
    Life {
        id: made.id,
        events,
    }
}

/// One that nobody starts in time, and its child.
fn expired(api: &Api, receiver: &Receiver, kind: &str, more: &Value) -> [Life; 2] {
    let template = json!({
        "name": format!("Short {kind}"),
        "inspectionType": kind,
        "images": [{ "side": "front", "validations": [] }],
        "parameters": { "lifetime": "1s" },
    });
    let template = text(&api.post(201, "/v1/inspection/template", template)["_id"]);
    let (parent, _) = create(api, kind, &template, more);
    let is_blocked = |received: &Received| {
        received.inspection() == parent.id && received.event() == "inspection_blocked"
    };
    receiver.wait("it is blocked", |got| got.iter().any(is_blocked));
    let children = format!("/v1/inspection/{}/children", parent.id);
    let child = Made::from(&api.post(201, &children, json!({})));
    let is_the_childs = |received: &Received| received.inspection() == child.id;
    receiver.wait("the child is told of", |got| got.iter().any(is_the_childs));
    [
        Life {
            id: parent.id,
            events: vec!["inspection_created", "inspection_blocked"],
        },
        Life {
            id: child.id,
            events: vec!["children_inspection_created"],
        },
    ]
}

/// An inspection, and the events that it has so far.
struct Life {
    id: String,
    events: Vec<&'static str>,
}

/// What a schema says against each of the bodies.
fn complaints(events: &[&Received]) -> String {
    let mut checker = Command::new(python_tool("python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schemas.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = checker.stdin.take().unwrap();
    for event in events {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas");
        let body = String::from_utf8(event.body.clone()).unwrap();
        let schema = format!("{folder}/{}.json", event.event());
        writeln!(input, "{}", json!({ "schema": schema, "body": body })).unwrap();
    }
    drop(input);
    let output = checker.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_type_lives_through_all_eight_events_signed_in_order_and_by_their_schemas() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_SWEEP_INTERVAL", "50ms")
        .start();
    let api = server.api();
    let receiver = Receiver::ok();
    let secret = api.secret(&api.webhook(&receiver.url()));
    let mut lives = Vec::new();
    for (number, (kind, more, _)) in (1..).zip(types()) {
        lives.push(inspected(&api, &receiver, kind, number, &more));
        lives.extend(expired(&api, &receiver, kind, &more));
        // Their events are told apart by the inspection, so the next type need not wait.
    }
    let count: usize = lives.iter().map(|life| life.events.len()).sum();
    // The child of a type blocks when its own time is over: more may come than is looked at.
    let got = receiver.wait("every event", |got| {
        let of_lives = |received: &&Received| {
            let life = lives.iter().find(|life| life.id == received.inspection());
            life.is_some_and(|life| life.events.contains(&received.event().as_str()))
        };
        got.iter().filter(of_lives).count() >= count
    });
    let mut names = HashSet::new();
    for (place, life) in lives.iter().enumerate() {
        let (kind, _, target) = &types()[place / 3];
        let own = |received: &&Received| received.inspection() == life.id;
        let own: Vec<_> = got.iter().filter(own).take(life.events.len()).collect();
        let mut came: Vec<_> = own.iter().map(|received| received.event()).collect();
        if let Some(extra) = came.iter().position(|name| name == "extra_image_processed") {
            let told = came.remove(extra);
            let at = life.events.iter().position(|name| *name == told).unwrap();
            came.insert(at, told);
            assert!((2..=at).contains(&extra), "{kind}: {came:?}");
        }
        assert_eq!(came, life.events, "{kind}");
        for (number, received) in (1..).zip(&own) {
            assert_eq!(verified(received, &secret), (true, true), "{kind}");
            assert_eq!(
                received.header("autoinspector-sequence"),
                number.to_string(),
                "{kind}"
            );
            let event = received.json();
            let payload = &event["payload"];
            assert_eq!(
                payload["metadata"]["policyId"], "POL-2291",
                "{kind}: {event}"
            );
            if received.event().ends_with("image_processed") {
                assert_eq!(payload["inspectionType"], *kind, "{event}");
                assert_eq!(payload["type"], *target, "{event}");
                assert!(payload[*target].is_object(), "{event}");
            } else {
                assert_eq!(payload["type"], *kind, "{event}");
            }
            names.insert(received.event());
        }
        assert_eq!(complaints(&own), "", "{kind}");
    }
    assert_eq!(names.len(), EVENTS.len(), "{names:?}");
}

#[test]
fn a_body_that_breaks_its_schema_is_seen() {
    let body = br#"{"event":"inspection_started","payload":{"_id":7}}"#.to_vec();
    let received = Received {
        headers: Vec::new(),
        body,
    };
    assert!(complaints(&[&received]).contains("inspection_started: "));
}
