//! Webhooks that are disabled because of their receivers, and who is told.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::Api;
use crate::process::Setup;
use crate::receiver::{Reaction, Received, Receiver};

const INSPECTION: &str = "651ae032ff786d198dfa4ce4";

/// The webhook that the subscriber is told of.
fn told(subscriber: &Receiver) -> Value {
    let got = subscriber.wait_for(1);
    assert_eq!(got[0].event(), "webhook_disabled");
    got[0].json()["payload"].clone()
}

fn webhook(api: &Api, id: &str) -> Value {
    api.get(&format!("/v1/notification/webhook/{id}"))
}

/// Gets what is told of other webhooks.
fn subscribe(api: &Api) -> Receiver {
    let subscriber = Receiver::ok();
    api.webhook_with(&subscriber.url(), json!({ "events": ["webhook_disabled"] }));
    subscriber
}

#[test]
fn a_410_disables_a_webhook_also_over_a_restart_until_it_is_enabled() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let mut server = setup.start();
    let api = server.api();
    let subscriber = subscribe(&api);
    let receiver = Receiver::new(|received: &Received| {
        let is_first = received.header("autoinspector-sequence") == "1";
        Reaction::Status(if is_first { 410 } else { 200 })
    });
    let id = api.webhook(&receiver.url());
    api.publish("inspection_started", INSPECTION);
    let payload = told(&subscriber);
    assert_eq!(payload["_id"], id.as_str());
    assert_eq!(payload["reason"], "gone");
    let shown = webhook(&api, &id);
    assert_eq!(shown["status"], "disabled");
    assert_eq!(shown["disabledReason"], "gone");
    assert_eq!(shown["disabledAt"], payload["disabledAt"]);

    api.publish("inspection_started", INSPECTION);
    let lines = server.stop_and_read();
    let said = lines
        .iter()
        .find(|line| line.contains("a webhook was disabled"));
    assert!(
        said.is_some_and(|line| line.contains("410 Gone")),
        "{lines:?}"
    );
    let server = setup.start();
    let api = server.api_with(&api.key);
    assert_eq!(webhook(&api, &id), shown);
    api.patch(
        &format!("/v1/notification/webhook/{id}"),
        json!({ "status": "enabled" }),
    );
    api.publish("inspection_started", INSPECTION);
    let got = receiver.wait_for(2);
    let sequences: Vec<&str> = got
        .iter()
        .map(|received| received.header("autoinspector-sequence"))
        .collect();
    assert_eq!(sequences, ["1", "3"]);
}

#[test]
fn nothing_but_failures_disables_a_webhook_counted_over_a_restart() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path())
        .env("HERALDO_WEBHOOK_DISABLE_AFTER", "1ms")
        .env("HERALDO_WEBHOOK_DISABLE_ATTEMPTS_MIN", "4");
    let server = setup.start();
    let api = server.api();
    let subscriber = subscribe(&api);
    let receiver = Receiver::new(|_| Reaction::Status(500));
    let id = api.webhook(&receiver.url());
    let patient = Receiver::new(|_| Reaction::Status(500));
    let kept = api.webhook_with(&patient.url(), json!({ "disableAfter": "never" }));
    for _ in 0..3 {
        let event = api.publish("inspection_started", INSPECTION);
        api.settled(&event);
    }
    receiver.wait_for(3);
    server.stop();

    let server = setup.start();
    let api = server.api_with(&api.key);
    let failing = webhook(&api, &id);
    assert_eq!(failing["status"], "enabled");
    assert!(failing["failingSince"].is_string(), "{failing}");
    api.publish("inspection_started", INSPECTION);
    let payload = told(&subscriber);
    assert_eq!(payload["reason"], "failing");
    assert_eq!(payload["failingSince"], failing["failingSince"]);
    let detail = payload["detail"].as_str().unwrap();
    assert!(detail.contains("in 4 attempts"), "{detail}");
    assert_eq!(webhook(&api, &id)["disabledReason"], "failing");
    assert_eq!(webhook(&api, &kept)["status"], "enabled");
}

#[test]
fn a_receiver_that_does_not_echo_the_challenge_gets_no_webhook() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_WEBHOOK_CHALLENGE", "true")
        .start();
    let api = server.api();
    let receiver = Receiver::ok();
    let body = json!({ "endpoint": receiver.url(), "events": ["inspection_started"] });
    let refused = api.post(400, "/v1/notification/webhook", body);
    assert_eq!(refused["code"], "challenge_failed");
    let got = receiver.wait_for(1);
    assert_eq!(got[0].event(), "webhook_challenge");
    let listed = api.get("/v1/notification/webhook");
    assert_eq!(listed["data"], json!([]));
}
