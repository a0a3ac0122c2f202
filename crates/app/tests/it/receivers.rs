//! Receivers that misbehave: each attempt is recorded as what it was.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::Api;
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};

const INSPECTION: &str = "651ae032ff786d198dfa4ce4";

/// One event that is sent once, to a webhook of its own; returns the one attempt.
fn attempt(api: &Api, endpoint: &str) -> Value {
    let webhook = api.webhook_with(endpoint, json!({ "timeoutMs": 400 }));
    let event = api.publish("inspection_started", INSPECTION);
    let delivery = api.settled(&event);
    assert_eq!(delivery["webhookId"], webhook.as_str());
    // The next webhook is to be the only one.
    api.delete(&format!("/v1/notification/webhook/{webhook}"));
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{delivery}");
    let outcome = if attempts[0]["outcome"] == "delivered" {
        "delivered"
    } else {
        "failed"
    };
    assert_eq!(delivery["status"], outcome, "{delivery}");
    assert_eq!(delivery["nextAttemptAt"], Value::Null, "{delivery}");
    attempts[0].clone()
}

/// Class, phase and status of an attempt.
fn check(api: &Api, endpoint: &str, expected: (Value, Value, Value)) {
    let attempt = attempt(api, endpoint);
    let found = (
        attempt["errorClass"].clone(),
        attempt["phase"].clone(),
        attempt["statusCode"].clone(),
    );
    assert_eq!(found, expected, "{endpoint}: {attempt}");
    let words = attempt["error"].as_str();
    assert_eq!(words.is_some(), attempt["outcome"] == "failed", "{attempt}");
}

#[test]
fn each_attempt_is_recorded_as_what_it_was() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let reacting = |reaction: Reaction, expected| {
        let receiver = Receiver::new(move |_| reaction.clone());
        check(&api, &receiver.url(), expected);
        assert_eq!(receiver.all().len(), 1, "sent once");
    };
    let none = Value::Null;
    reacting(
        Reaction::Status(204),
        (none.clone(), none.clone(), json!(204)),
    );
    reacting(
        Reaction::Status(500),
        (json!("status"), none.clone(), json!(500)),
    );
    reacting(
        Reaction::Status(410),
        (json!("status"), none.clone(), json!(410)),
    );
    reacting(
        Reaction::Redirect,
        (json!("status"), none.clone(), json!(302)),
    );
    reacting(
        Reaction::Hang,
        (json!("timeout"), json!("first_byte"), none.clone()),
    );
    let late = Reaction::Late(Duration::from_millis(600));
    reacting(late, (json!("timeout"), json!("first_byte"), none.clone()));
    reacting(
        Reaction::Trickle,
        (json!("timeout"), json!("body"), json!(200)),
    );
    // More body than is read is the receiver's waste, not a failure.
    reacting(Reaction::Endless, (none.clone(), none.clone(), json!(200)));
    reacting(
        Reaction::Garbage,
        (json!("protocol"), json!("first_byte"), none.clone()),
    );
    reacting(
        Reaction::Reset,
        (json!("reset"), json!("first_byte"), none.clone()),
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    check(
        &api,
        &format!("http://{closed}/"),
        (json!("connect"), json!("connect"), none.clone()),
    );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    check(&api, &url, (json!("timeout"), json!("tls"), none.clone()));
    let plain = Receiver::new(|_| Reaction::Garbage);
    let url = plain.url().replace("http://", "https://");
    let attempt = attempt(&api, &url);
    assert!(
        ["tls", "timeout"]
            .iter()
            .any(|class| attempt["errorClass"] == *class),
        "{attempt}"
    );
    check(
        &api,
        "http://no-such-name.invalid/",
        (json!("dns"), json!("resolve"), none),
    );
}

#[test]
fn the_beginning_of_an_answer_is_kept_and_phases_are_measured() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let receiver = Receiver::new(|_| Reaction::Endless);
    let attempt = attempt(&server.api(), &receiver.url());
    let kept = attempt["responseBody"].as_str().unwrap();
    assert!(
        kept.len() <= 4096 && kept.starts_with("xxxx"),
        "{} bytes",
        kept.len()
    );
    for phase in ["connectMs", "firstByteMs"] {
        assert!(attempt["phases"][phase].is_u64(), "{attempt}");
    }
}

#[test]
fn a_dead_receiver_does_not_hold_up_the_others() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let dead = Receiver::new(|_| Reaction::Hang);
    let healthy = Receiver::ok();
    api.webhook_with(&dead.url(), json!({ "timeoutMs": 20_000 }));
    api.webhook(&healthy.url());
    let events: Vec<Value> = (0..200)
        .map(|number| json!({ "event": "inspection_started", "payload": { "_id": format!("{number:024x}") } }))
        .collect();
    api.post(202, "/v1/notification/event", Value::Array(events));
    healthy.wait_for(200);
    assert!(dead.all().len() < 200);
}

#[test]
fn addresses_inside_are_refused_in_every_notation() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_ALLOW_NETWORKS", "none")
        .start();
    let api = server.api();
    for endpoint in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "http://localhost/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://0.0.0.0/",
        "ftp://example.com/",
        "http://user:pw@example.com/",
        "http://example.com/#a",
        "javascript:alert(1)",
        "http://",
        "",
        "example.com",
        "http://example.com:0/",
        "http://exa mple.com/",
        "file:///etc/passwd",
    ] {
        let body = json!({ "endpoint": endpoint, "events": ["inspection_created"] });
        let problem = api.post(400, "/v1/notification/webhook", body);
        assert_eq!(problem["code"], "invalid_url", "{endpoint}: {problem}");
    }
}
