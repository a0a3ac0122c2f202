//! How many attempts are under way at one receiver: as many as its webhook may have, and never one more.

use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::Api;
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};
use crate::waiting::PATIENCE;

const OF_THE_SERVER: usize = 3;
const OF_ITS_OWN: usize = 5;
/// Each of another inspection, so that no order holds one back.
const EVENTS: usize = 20;

/// Holds every request until it is opened, and counts those that it holds.
#[derive(Default)]
struct Gate {
    held: Mutex<Held>,
    moved: Condvar,
}

#[derive(Default)]
struct Held {
    now: usize,
    most: usize,
    is_open: bool,
}

impl Gate {
    fn receiver(self: &Arc<Self>) -> Receiver {
        let gate = self.clone();
        Receiver::new(move |_| {
            let mut held = gate.held.lock().unwrap();
            held.now += 1;
            held.most = held.most.max(held.now);
            gate.moved.notify_all();
            held = gate.moved.wait_while(held, |held| !held.is_open).unwrap();
            held.now -= 1;
            Reaction::Status(200)
        })
    }

    fn wait_for(&self, count: usize) {
        let held = self.held.lock().unwrap();
        let too_few = |held: &mut Held| held.now < count;
        let (held, timeout) = self
            .moved
            .wait_timeout_while(held, PATIENCE, too_few)
            .unwrap();
        assert!(!timeout.timed_out(), "{} of {count} came", held.now);
    }

    fn open(&self) {
        self.held.lock().unwrap().is_open = true;
        self.moved.notify_all();
    }

    fn most(&self) -> usize {
        self.held.lock().unwrap().most
    }
}

fn publish(api: &Api, from: usize) {
    let events: Vec<Value> = (from..from + EVENTS)
        .map(|number| json!({ "event": "inspection_started", "payload": { "_id": format!("{number:024x}") } }))
        .collect();
    api.post(202, "/v1/notification/event", Value::Array(events));
}

#[test]
fn no_more_attempts_are_under_way_at_a_receiver_than_its_webhook_or_the_server_allows() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_WEBHOOK_CONCURRENCY", OF_THE_SERVER.to_string())
        .start();
    let api = server.api();
    let gates: [Arc<Gate>; 2] = Default::default();
    let receivers = gates.each_ref().map(Gate::receiver);
    let patient = json!({ "timeoutMs": 60_000 });
    api.webhook_with(&receivers[0].url(), patient);
    let own = json!({ "timeoutMs": 60_000, "concurrency": OF_ITS_OWN });
    api.webhook_with(&receivers[1].url(), own);
    let other = Receiver::ok();
    api.webhook(&other.url());

    publish(&api, 0);
    gates[0].wait_for(OF_THE_SERVER);
    gates[1].wait_for(OF_ITS_OWN);
    // While they are held the server has many turns to start more of them, and starts those of another one.
    other.wait_for(EVENTS);
    publish(&api, EVENTS);
    other.wait_for(2 * EVENTS);
    let most = gates.each_ref().map(|gate| gate.most());
    assert_eq!(most, [OF_THE_SERVER, OF_ITS_OWN]);
    for (gate, receiver) in gates.iter().zip(&receivers) {
        gate.open();
        receiver.wait_for(2 * EVENTS);
    }
    let most = gates.each_ref().map(|gate| gate.most());
    assert_eq!(most, [OF_THE_SERVER, OF_ITS_OWN]);
}
