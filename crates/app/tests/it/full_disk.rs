//! Writes that fail while the server runs: clear refusals, no crash, nothing accepted is lost.

use std::collections::HashSet;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::text;
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};

fn published(events: usize, bytes: usize) -> Value {
    let filler = "x".repeat(bytes);
    let event = |number| {
        let payload = json!({ "_id": format!("{number:024x}"), "filler": filler });
        json!({ "event": "inspection_started", "payload": payload })
    };
    Value::Array((0..events).map(event).collect())
}

#[test]
fn a_full_disk_is_answered_503_and_what_was_accepted_is_sent_when_there_is_room() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::new(|_| Reaction::Status(200));
    let mut setup = Setup::serve(folder.path()).env("HERALDO_SHUTDOWN_GRACE", "500ms");
    // No file may grow past 2 MiB: the shell counts in blocks of 512 bytes.
    setup.before = Some("trap '' XFSZ; ulimit -f 4096".to_owned());
    let mut server = setup.start();
    let api = server.api();
    api.webhook(&receiver.url());
    let mut accepted = HashSet::new();
    // Ever smaller, so that in the end nothing fits any more.
    for (events, bytes) in [(20, 8_000), (1, 8_000), (1, 10)] {
        let body = published(events, bytes);
        let mut refused = 0;
        while refused < 10 {
            let answer = api
                .call("POST", "/v1/notification/event", Some(&body))
                .unwrap();
            match answer.status {
                202 => {
                    let data = answer.json()["data"].as_array().unwrap().clone();
                    accepted.extend(data.iter().map(|event| text(&event["_id"])));
                    refused = 0;
                }
                503 => {
                    let problem = answer.json();
                    let codes = ["storage_full", "unavailable"];
                    assert!(
                        codes.iter().any(|code| problem["code"] == *code),
                        "{problem}"
                    );
                    assert!(answer.header("retry-after").is_some());
                    refused += 1;
                }
                status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
            }
            assert!(accepted.len() < 10_000, "the disk never fills");
        }
    }
    assert!(!accepted.is_empty());
    let ready = api.call("GET", "/health/ready", None).unwrap();
    assert_eq!(
        ready.status,
        503,
        "{}",
        String::from_utf8_lossy(&ready.body)
    );
    assert_eq!(api.call("GET", "/health/live", None).unwrap().status, 200);
    server.signal("TERM");
    assert!(server.end().code().is_some(), "it crashed");
    let said = server.err.all();
    assert!(
        said.iter()
            .all(|line| !line.contains("an invariant is broken")),
        "{said:#?}"
    );

    setup.before = None;
    let server = setup.start();
    receiver.wait("every accepted event", |got| {
        let ids: HashSet<&str> = got
            .iter()
            .map(|received| received.header("webhook-id"))
            .collect();
        accepted.iter().all(|id| ids.contains(id.as_str()))
    });
    server.api_with(&api.key).inspection();
}
