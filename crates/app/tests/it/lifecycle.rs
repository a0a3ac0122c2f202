//! An inspection from its creation to its end, seen at a receiver.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::Api;
use crate::process::Setup;
use crate::receiver::{Received, Receiver};

fn access(api: &Api, inspection: &str, code: &str) -> (u16, Value) {
    let anybody = Api::new(api.address, "");
    let path = format!("/v1/inspection/{inspection}/access");
    let answer = anybody
        .call("POST", &path, Some(&json!({ "accessCode": code })))
        .unwrap();
    (answer.status, answer.json())
}

fn wrong(code: &str) -> &'static str {
    if code == "0000" { "1111" } else { "0000" }
}

/// The events about an inspection, in the order in which they came.
fn events_of(receiver: &Receiver, inspection: &str, count: usize) -> Vec<Received> {
    let own = |got: &[Received]| -> Vec<Received> {
        got.iter()
            .filter(|received| received.inspection() == inspection)
            .cloned()
            .collect()
    };
    own(
        &receiver.wait(&format!("{count} events of {inspection}"), |got| {
            own(got).len() >= count
        }),
    )
}

fn named(events: &[Received]) -> Vec<String> {
    events.iter().map(Received::event).collect()
}

#[test]
fn an_inspection_is_created_started_completed_and_reviewed() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let made = api.inspection_with(json!({
        "car": { "plate": "AB123CD" },
        "metadata": { "policy": "77" },
        "consumer": { "firstName": "Luz", "email": "luz@example.com" },
    }));
    // Opening the link starts nothing: programs that preview links do it too.
    let page = format!("/inspection/{}?accessCode={}", made.id, made.access_code);
    assert_eq!(
        Api::new(api.address, "")
            .call("GET", &page, None)
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        api.get(&format!("/v1/inspection/{}", made.id))["status"],
        "created"
    );
    assert_eq!(
        access(&api, &made.id, &made.access_code),
        (200, json!({ "status": "started" }))
    );
    assert_eq!(access(&api, &made.id, &made.access_code).0, 200);
    let finish = format!("/v1/inspection/finish/{}", made.id);
    api.post(200, &finish, json!({}));
    let review = format!("/v1/inspection/{}/review", made.id);
    let reviewed = events_of(&receiver, &made.id, 3);
    assert_eq!(
        named(&reviewed),
        [
            "inspection_created",
            "inspection_started",
            "inspection_completed"
        ]
    );
    api.post(
        200,
        &review,
        json!({ "veredict": "approved", "reason": "seen in person" }),
    );
    let events = events_of(&receiver, &made.id, 4);
    assert_eq!(named(&events)[3], "inspection_reviewed");
    let numbers: Vec<&str> = events
        .iter()
        .map(|event| event.header("autoinspector-sequence"))
        .collect();
    assert_eq!(numbers, ["1", "2", "3", "4"]);
    assert_eq!(events[3].json()["payload"]["veredict"], "approved");
    assert_eq!(events[0].json()["payload"]["metadata"]["policy"], "77");
    // No change, no event.
    api.post(200, &review, json!({ "veredict": "approved" }));
    let again = api.call("POST", &finish, Some(&json!({}))).unwrap();
    assert!(
        again.status == 200 || again.status == 409,
        "{}",
        again.status
    );
    let list = api.get(&format!("/v1/notification/event?inspectionId={}", made.id));
    assert_eq!(list["data"].as_array().unwrap().len(), 4);
}

#[test]
fn wrong_codes_block_an_inspection_for_good() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let made = api.inspection();
    for left in [2, 1] {
        let (status, body) = access(&api, &made.id, wrong(&made.access_code));
        assert_eq!(
            (status, &body["attemptsLeft"]),
            (403, &json!(left)),
            "{body}"
        );
    }
    assert_eq!(access(&api, &made.id, wrong(&made.access_code)).0, 423);
    assert_eq!(access(&api, &made.id, &made.access_code).0, 423);
    let events = events_of(&receiver, &made.id, 2);
    assert_eq!(named(&events), ["inspection_created", "inspection_blocked"]);
    assert_eq!(
        api.get(&format!("/v1/inspection/{}", made.id))["status"],
        "blocked"
    );
}

#[test]
fn what_is_not_started_in_time_is_blocked_and_may_have_a_child() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path())
        .env("HERALDO_INSPECTION_LIFETIME", "1s")
        .env("HERALDO_SWEEP_INTERVAL", "100ms");
    let server = setup.start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let made = api.inspection();
    let early = api
        .call(
            "POST",
            &format!("/v1/inspection/{}/children", made.id),
            Some(&json!({})),
        )
        .unwrap();
    assert_eq!(early.status, 409);
    let events = events_of(&receiver, &made.id, 2);
    assert_eq!(named(&events), ["inspection_created", "inspection_blocked"]);
    assert_eq!(access(&api, &made.id, &made.access_code).0, 409);
    let child = api.post(
        201,
        &format!("/v1/inspection/{}/children", made.id),
        json!({}),
    );
    let child = crate::client::Made::from(&child);
    assert_ne!(child.id, made.id);
    let events = events_of(&receiver, &child.id, 1);
    assert_eq!(named(&events)[0], "children_inspection_created");
}
