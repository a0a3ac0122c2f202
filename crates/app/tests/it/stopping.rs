//! Stopping: gracefully, under load, and at once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tempfile::tempdir;

use crate::client::Api;
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};

#[test]
fn a_graceful_stop_under_load_loses_nothing_and_repeats_nothing() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let mut server = setup.start();
    let receiver = Receiver::ok();
    let api = server.api();
    api.webhook(&receiver.url());
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let stopped = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let api = Api::new(api.address, &api.key);
            let (accepted, stopped) = (accepted.clone(), stopped.clone());
            std::thread::spawn(move || {
                let body = json!({ "event": "inspection_started", "payload": { "_id": "651ae032ff786d198dfa4ce4" } });
                while let Ok(answer) = api.call("POST", "/v1/notification/event", Some(&body)) {
                    match answer.status {
                        202 => accepted.lock().unwrap().push(crate::client::text(&answer.json()["data"][0]["_id"])),
                        status => assert_eq!(status, 503, "only that it shuts down"),
                    }
                    if stopped.load(Ordering::Acquire) {
                        break;
                    }
                }
            })
        })
        .collect();
    receiver.wait_for(200);
    server.signal("TERM");
    assert!(server.end().success());
    stopped.store(true, Ordering::Release);
    for caller in callers {
        caller.join().unwrap();
    }
    let accepted: HashSet<String> = accepted.lock().unwrap().iter().cloned().collect();
    let _server = setup.start();
    let got = receiver.wait("every accepted event", |got| {
        let ids: HashSet<&str> = got
            .iter()
            .map(|received| received.header("webhook-id"))
            .collect();
        accepted.iter().all(|id| ids.contains(id.as_str()))
    });
    let distinct: HashSet<&str> = got
        .iter()
        .map(|received| received.header("webhook-id"))
        .collect();
    assert_eq!(distinct.len(), got.len(), "some came twice");
}

#[test]
fn an_attempt_under_way_may_end_within_the_grace_and_is_recorded() {
    for signal in ["TERM", "INT", "HUP"] {
        ends_gracefully_after(signal, |setup| setup, &[signal]);
    }
}

#[test]
fn a_hangup_that_was_ignored_before_the_start_stays_ignored() {
    // A second signal would end it at once, with another exit code.
    ends_gracefully_after(
        "nohup",
        |setup| setup.before("trap '' HUP"),
        &["HUP", "TERM"],
    );
}

fn ends_gracefully_after(
    what: &str,
    set_up: impl FnOnce(Setup<'_>) -> Setup<'_>,
    signals: &[&str],
) {
    let folder = tempdir().unwrap();
    let setup = set_up(Setup::serve(folder.path()));
    let mut server = setup.start();
    let receiver = Receiver::new(|_| Reaction::Late(Duration::from_millis(500)));
    let api = server.api();
    api.webhook(&receiver.url());
    let event = api.publish("inspection_started", "651ae032ff786d198dfa4ce4");
    receiver.wait_for(1);
    for signal in signals {
        server.signal(signal);
    }
    assert_eq!(server.end().code(), Some(0), "{what}");
    let server = setup.start();
    let delivery = server.api_with(&api.key).settled(&event);
    assert_eq!(delivery["status"], "delivered", "{what}");
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(receiver.all().len(), 1);
}

#[test]
fn an_attempt_that_outlasts_the_grace_is_made_again_at_the_next_start() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path()).env("HERALDO_SHUTDOWN_GRACE", "100ms");
    let mut server = setup.start();
    let first = AtomicBool::new(true);
    let receiver = Receiver::new(move |_| {
        if first.swap(false, Ordering::AcqRel) {
            Reaction::Hang
        } else {
            Reaction::Status(200)
        }
    });
    let api = server.api();
    api.webhook(&receiver.url());
    let event = api.publish("inspection_started", "651ae032ff786d198dfa4ce4");
    receiver.wait_for(1);
    server.signal("TERM");
    assert!(server.end().success());
    let server = setup.start();
    let got = receiver.wait_for(2);
    assert!(
        got.iter()
            .all(|received| received.header("webhook-id") == event)
    );
    assert!(
        got.iter()
            .all(|received| received.header("autoinspector-attempt") == "1")
    );
    assert_eq!(
        server.api_with(&api.key).settled(&event)["status"],
        "delivered"
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempdir().unwrap();
    let mut server = Setup::serve(folder.path())
        .env("HERALDO_SHUTDOWN_GRACE", "10m")
        .start();
    let receiver = Receiver::new(|_| Reaction::Hang);
    let api = server.api();
    api.webhook_with(&receiver.url(), json!({ "timeoutMs": 60_000 }));
    api.publish("inspection_started", "651ae032ff786d198dfa4ce4");
    receiver.wait_for(1);
    server.signal("TERM");
    server.err.wait_for("signal again to end at once").unwrap();
    server.signal("INT");
    assert_eq!(server.end().code(), Some(130));
}
