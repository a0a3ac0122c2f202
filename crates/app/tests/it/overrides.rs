//! What the server sets holds for every webhook until one has its own, seen at the receivers.

use std::path::Path;
use std::time::Duration;

use heraldo_wire::time::Timestamp;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::{Server, Setup};
use crate::receiver::{Reaction, Received, Receiver};
use crate::waiting::eventually;

const INSPECTION: &str = "651ae032ff786d198dfa4ce4";
const SERVERS_RATE: usize = 5;

fn start(folder: &Path) -> Server {
    Setup::serve(folder)
        .env("HERALDO_RETRY_SCHEDULE", "100ms")
        .env("HERALDO_RETRY_EVENTS", "inspection_started")
        .env("HERALDO_DELIVERY_TIMEOUT", "1500ms")
        .env("HERALDO_ANSWER_HEADERS", "content-length")
        .env("HERALDO_WEBHOOK_HEADERS", "x-from=server,x-region=eu")
        .env("HERALDO_WEBHOOK_ORDERING", "none")
        .env("HERALDO_WEBHOOK_RATE_PER_SECOND", SERVERS_RATE.to_string())
        .start()
}

/// A webhook's delivery of one event, once it has ended.
fn ended(api: &Api, webhook: &str, event: &str) -> Value {
    eventually(event, || {
        let all = api.deliveries(&format!("webhookId={webhook}"));
        let found = all.iter().find(|delivery| delivery["event"] == event)?;
        let path = format!("/v1/notification/delivery/{}", text(&found["_id"]));
        Some(api.get(&path)).filter(|delivery| delivery["status"] != "pending")
    })
}

fn started(delivery: &Value) -> Timestamp {
    let last = delivery
        .get("lastAttempt")
        .unwrap_or(&delivery["attempts"][0]);
    text(&last["startedAt"]).parse().unwrap()
}

fn starts_ms(api: &Api, webhook: &str, count: usize) -> Vec<i64> {
    let deliveries = eventually("all have been sent", || {
        let all = api.deliveries(&format!("webhookId={webhook}&status=delivered"));
        (all.len() == count).then_some(all)
    });
    let starts = deliveries.iter().map(started);
    let mut starts: Vec<i64> = starts.map(Timestamp::as_millis).collect();
    starts.sort_unstable();
    starts
}

#[test]
fn retries_headers_and_what_is_kept_are_the_servers_until_a_webhook_has_its_own() {
    let folder = tempdir().unwrap();
    let server = start(folder.path());
    let api = server.api();
    let receivers = [(); 2].map(|()| Receiver::new(|_: &Received| Reaction::Says(500, "no")));
    let of_the_server = api.webhook(&receivers[0].url());
    let own = api.webhook_with(
        &receivers[1].url(),
        json!({
            "headers": { "X-From": "own" },
            "retrySchedule": ["50ms", "50ms"],
            "retryEvents": ["inspection_completed"],
        }),
    );
    api.publish("inspection_started", INSPECTION);
    api.publish("inspection_completed", INSPECTION);
    for (webhook, event, attempts) in [
        (&of_the_server, "inspection_started", 2),
        (&of_the_server, "inspection_completed", 1),
        (&own, "inspection_started", 1),
        (&own, "inspection_completed", 3),
    ] {
        let delivery = ended(&api, webhook, event);
        let made = delivery["attempts"].as_array().unwrap();
        assert_eq!(made.len(), attempts, "{event}: {delivery}");
        assert_eq!(
            made[0]["responseHeaders"],
            json!({ "content-length": "2" }),
            "{delivery}"
        );
    }
    for (receiver, from) in receivers.iter().zip(["server", "own"]) {
        for received in receiver.all() {
            assert_eq!(received.header("x-from"), from);
            assert_eq!(received.header("x-region"), "eu");
        }
    }
}

#[test]
fn the_deadline_and_the_order_are_the_servers_until_a_webhook_has_its_own() {
    let folder = tempdir().unwrap();
    let server = start(folder.path());
    let api = server.api();
    let silent = || Receiver::new(|_: &Received| Reaction::Hang);
    let (any_order, brief, in_order) = (silent(), silent(), silent());
    let of_the_server = api.webhook(&any_order.url());
    let own_deadline = api.webhook_with(&brief.url(), json!({ "timeoutMs": 100 }));
    let patient = json!({ "timeoutMs": 60_000, "ordering": "inspection" });
    api.webhook_with(&in_order.url(), patient);
    api.publish("inspection_reviewed", INSPECTION);
    api.publish("inspection_completed", INSPECTION);
    let durations = [&of_the_server, &own_deadline].map(|webhook| {
        let last = &ended(&api, webhook, "inspection_completed")["attempts"][0];
        assert_eq!(last["errorClass"], "timeout", "{last}");
        Duration::from_millis(last["durationMs"].as_u64().unwrap())
    });
    // Both were under way although neither was answered.
    any_order.wait_for(2);
    let first = ended(&api, &of_the_server, "inspection_reviewed");
    let second = ended(&api, &of_the_server, "inspection_completed");
    let apart = started(&second).since(started(&first));
    assert!(apart < Duration::from_millis(1_500), "{apart:?}");
    let [servers, own] = durations;
    assert!(servers >= Duration::from_millis(1_500), "{servers:?}");
    assert!(
        own >= Duration::from_millis(100) && own < servers,
        "{own:?}"
    );
    // By then the other one's second event would have come long ago, had it not to wait for the first.
    in_order.wait_for(1);
    assert_eq!(in_order.count(), 1);
}

#[test]
fn the_rate_is_the_servers_until_a_webhook_has_its_own() {
    const EVENTS: usize = 2 * SERVERS_RATE + 1;
    let folder = tempdir().unwrap();
    let server = start(folder.path());
    let api = server.api();
    let (slow, fast) = (Receiver::ok(), Receiver::ok());
    let of_the_server = api.webhook(&slow.url());
    let own = api.webhook_with(&fast.url(), json!({ "ratePerSecond": 1_000 }));
    let events: Vec<Value> = (0..EVENTS)
        .map(|number| json!({ "event": "inspection_started", "payload": { "_id": format!("{number:024x}") } }))
        .collect();
    api.post(202, "/v1/notification/event", Value::Array(events));
    let widths = |webhook: &str| -> Vec<i64> {
        let starts = starts_ms(&api, webhook, EVENTS);
        let windows = starts.windows(SERVERS_RATE + 1);
        windows
            .map(|window| window[SERVERS_RATE] - window[0])
            .collect()
    };
    let (slow, fast) = (widths(&of_the_server), widths(&own));
    assert!(slow.iter().all(|width| *width >= 1_000), "{slow:?}");
    assert!(fast.iter().any(|width| *width < 1_000), "{fast:?}");
}
