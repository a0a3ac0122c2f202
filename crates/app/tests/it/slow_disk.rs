//! A disk that syncs slower than events come: what does not fit is refused with the time to come again, memory
//! stays bounded, and what was accepted is delivered.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::text;
use crate::hostile::memory_kib;
use crate::process::Setup;
use crate::receiver::Receiver;
use crate::strace::Strace;
use crate::waiting::PATIENCE;

/// More at once than fit into the queue of the writer, which takes 64 MiB.
const CALLERS: usize = 160;
/// Refused calls that are waited for.
const REFUSED: usize = 40;
const EVENTS: usize = 10;
const EVENT_BYTES: usize = 90_000;
/// What all of it may take on top of what the server had.
const MEMORY_KIB_MAX: u64 = 400 * 1024;

/// Every sync of the process takes half a minute.
const SLOW_SYNCS: [&str; 4] = [
    "-e",
    "trace=fdatasync,fsync",
    "-e",
    "inject=fdatasync,fsync:delay_enter=25s",
];

fn published(caller: usize) -> Value {
    let filler = "x".repeat(EVENT_BYTES);
    let event = |number: usize| {
        let id = caller * EVENTS + number;
        let payload = json!({ "_id": format!("{id:024x}"), "filler": filler });
        json!({ "event": "inspection_started", "payload": payload })
    };
    Value::Array((0..EVENTS).map(event).collect())
}

#[test]
fn what_a_slow_disk_cannot_keep_is_refused_and_memory_stays_bounded() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let before = memory_kib(server.pid(), "VmRSS:");
    let slow = Mutex::new(Some(Strace::on(server.pid(), &SLOW_SYNCS)));
    let refused = (Mutex::new(0_usize), Condvar::new());
    let accepted = Mutex::new(HashSet::new());
    let key = &api.key;
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (server, refused, accepted) = (&server, &refused, &accepted);
            scope.spawn(move || {
                let api = server.api_with(key);
                let answer = api.call("POST", "/v1/notification/event", Some(&published(caller)));
                let answer = answer.unwrap();
                if answer.status == 202 {
                    let data = answer.json()["data"].as_array().unwrap().clone();
                    let ids = data.iter().map(|event| text(&event["_id"]));
                    return accepted.lock().unwrap().extend(ids);
                }
                assert_eq!(answer.status, 503);
                let problem = answer.json();
                assert_eq!(problem["code"], "overloaded", "{problem}");
                assert!(answer.header("retry-after").is_some());
                *refused.0.lock().unwrap() += 1;
                refused.1.notify_all();
            });
        }
        let count = refused.0.lock().unwrap();
        let (count, waited) = refused
            .1
            .wait_timeout_while(count, PATIENCE, |count| *count < REFUSED)
            .unwrap();
        assert!(!waited.timed_out(), "{count} were refused");
        slow.lock().unwrap().take();
    });
    let most = memory_kib(server.pid(), "VmHWM:");
    println!("{before} KiB before, {most} KiB at most");
    assert!(
        most - before < MEMORY_KIB_MAX,
        "{before} KiB before, {most} KiB at most"
    );
    let accepted = accepted.into_inner().unwrap();
    assert!(!accepted.is_empty());
    receiver.wait_for(accepted.len());
    let got: HashSet<String> = receiver
        .all()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(got.len(), accepted.len(), "what was refused was not kept");
}
