//! A disk that refuses syncs for a moment, under the real server: whoever asks then is told so, what was accepted
//! is delivered without a new start, and what is repeated with its key is carried out once.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::json;
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::idempotency::post;
use crate::process::Setup;
use crate::receiver::Receiver;
use crate::strace::Strace;
use crate::waiting::{PATIENCE, eventually};

/// Which syncs of each thread are refused, counted from the moment in which it begins: one, early or late, and
/// some after another, among them those by which the log is mended. One alone may be that of outcomes, of which nobody
/// is told: so it is one in so many again and again.
const REFUSED: [&str; 5] = ["1+29", "2+29", "5+29", "1..2", "3..6"];
const CALLERS: usize = 3;
/// Requests of each caller that are accepted after one was refused.
const MORE: usize = 10;
const EVENTS: usize = 2;

/// The syncs of this log that are counted so fail.
fn refusing(pid: u32, log: &Path, which: &str) -> Strace {
    let refused = format!("inject=fdatasync:error=EIO:when={which}");
    let log = log.to_str().unwrap();
    Strace::on(pid, &["-P", log, "-e", "trace=fdatasync", "-e", &refused])
}

/// What the callers were told.
#[derive(Default)]
struct Told {
    accepted: HashSet<String>,
    refused: usize,
    requests: usize,
}

/// Publishes, and repeats what is refused, until enough was accepted after something was refused.
fn publish(api: &Api, told: &Mutex<Told>, refused_before: usize) {
    let deadline = Instant::now() + PATIENCE;
    let mut more = MORE;
    while more > 0 {
        assert!(Instant::now() < deadline, "the disk works again");
        let number = {
            let mut told = told.lock().unwrap();
            told.requests += 1;
            if told.refused > refused_before {
                more -= 1;
            }
            told.requests
        };
        let events: Vec<_> = (0..EVENTS)
            .map(|event| {
                let id = format!("{:024x}", number * EVENTS + event);
                json!({ "event": "inspection_started", "payload": { "_id": id } })
            })
            .collect();
        let body = json!(events).to_string();
        loop {
            let key = format!("request-{number}");
            let answer = post(api, "/v1/notification/event", &key, &body);
            let said = answer.json();
            let mut told = told.lock().unwrap();
            if answer.status == 202 {
                let ids = said["data"].as_array().unwrap().iter();
                told.accepted.extend(ids.map(|event| text(&event["_id"])));
                break;
            }
            assert_eq!(answer.status, 503, "{said}");
            assert_eq!(said["code"], "unavailable", "{said}");
            assert!(answer.header("retry-after").is_some());
            told.refused += 1;
            assert!(Instant::now() < deadline, "the disk works again");
        }
    }
}

#[test]
fn what_a_disk_refuses_for_a_moment_is_told_and_everything_accepted_is_delivered_once() {
    let folder = tempdir().unwrap();
    let mut server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let told = Mutex::new(Told::default());
    let log = folder.path().join("heraldo.db-wal");
    for which in REFUSED {
        let refused_before = told.lock().unwrap().refused;
        let refusing = refusing(server.pid(), &log, which);
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| publish(&server.api_with(&api.key), &told, refused_before));
            }
        });
        drop(refusing);
    }
    let told = told.into_inner().unwrap();
    println!(
        "{} requests, {} refusals, {} events accepted",
        told.requests,
        told.refused,
        told.accepted.len()
    );
    assert_eq!(told.accepted.len(), told.requests * EVENTS);
    receiver.wait_for(told.accepted.len());
    eventually("all outcomes are written", || {
        api.deliveries("status=pending").is_empty().then_some(())
    });
    let all = receiver.all();
    let got: HashSet<_> = all
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(
        got, told.accepted,
        "what was refused was repeated until it was accepted"
    );
    assert_eq!(all.len(), got.len(), "nothing was sent twice");
    server.signal("TERM");
    assert!(server.end().success());
}
