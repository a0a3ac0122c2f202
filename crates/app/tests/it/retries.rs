//! Retries, order, resending, pausing, deleting: seen at the receiver and in the API.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{EVENTS, text};
use crate::process::Setup;
use crate::receiver::{Reaction, Received, Receiver};
use crate::waiting::eventually;

const INSPECTION: &str = "651ae032ff786d198dfa4ce4";

fn quick(data_dir: &std::path::Path) -> Setup<'_> {
    Setup::serve(data_dir).env("HERALDO_RETRY_SCHEDULE", "200ms,200ms")
}

fn of<'a>(got: &'a [Received], event: &str) -> Vec<&'a Received> {
    got.iter()
        .filter(|received| received.event() == event)
        .collect()
}

#[test]
fn three_events_are_tried_three_times_and_the_others_once() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::new(|_| Reaction::Status(500));
    api.webhook(&receiver.url());
    let published: Vec<(&str, String)> = EVENTS
        .iter()
        .map(|event| (*event, api.publish(event, INSPECTION)))
        .collect();
    for (event, id) in &published {
        let delivery = api.settled(id);
        assert_eq!(delivery["status"], "failed");
        let retried = [
            "image_processed",
            "extra_image_processed",
            "inspection_completed",
        ]
        .contains(event);
        let attempts = delivery["attempts"].as_array().unwrap();
        assert_eq!(
            attempts.len(),
            if retried { 3 } else { 1 },
            "{event}: {delivery}"
        );
        let causes: Vec<String> = attempts
            .iter()
            .map(|attempt| text(&attempt["cause"]))
            .collect();
        assert_eq!(causes, ["first", "retry", "retry"][..attempts.len()]);
        let got = receiver.all();
        let got = of(&got, event);
        assert_eq!(got.len(), attempts.len());
        for (index, received) in got.iter().enumerate() {
            assert_eq!(received.header("webhook-id"), id);
            assert_eq!(
                received.header("autoinspector-attempt"),
                (index + 1).to_string()
            );
            assert_eq!(received.body, got[0].body);
        }
    }
}

#[test]
fn a_retry_comes_at_its_time_and_a_success_ends_the_schedule() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::new(|received| {
        Reaction::Status(if received.header("autoinspector-attempt") == "1" {
            503
        } else {
            200
        })
    });
    api.webhook(&receiver.url());
    let event = api.publish("inspection_completed", INSPECTION);
    let delivery = api.settled(&event);
    assert_eq!(delivery["status"], "delivered");
    let at = |index: usize| {
        let at: heraldo_wire::time::Timestamp = text(&delivery["attempts"][index]["startedAt"])
            .parse()
            .unwrap();
        at
    };
    assert!(at(1).since(at(0)).as_millis() >= 200, "{delivery}");
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_webhooks_own_schedule_wins_and_none_means_none() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::new(|_| Reaction::Status(500));
    api.webhook_with(&receiver.url(), json!({ "retrySchedule": [] }));
    let event = api.publish("inspection_completed", INSPECTION);
    assert_eq!(api.settled(&event)["attempts"].as_array().unwrap().len(), 1);
}

#[test]
fn the_events_of_an_inspection_arrive_in_order_with_their_numbers() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let inspections: Vec<String> = (1..=10).map(|number| format!("{number:024x}")).collect();
    for _ in 0..5 {
        let events: Vec<Value> = inspections
            .iter()
            .flat_map(|id| EVENTS.map(|event| json!({ "event": event, "payload": { "_id": id } })))
            .collect();
        api.post(202, "/v1/notification/event", Value::Array(events));
    }
    let got = receiver.wait_for(10 * 5 * EVENTS.len());
    for id in &inspections {
        let own: Vec<&Received> = got
            .iter()
            .filter(|received| received.inspection() == *id)
            .collect();
        for (index, received) in own.iter().enumerate() {
            assert_eq!(
                received.header("autoinspector-sequence"),
                (index + 1).to_string()
            );
            assert_eq!(received.event(), EVENTS[index % EVENTS.len()]);
        }
    }
}

#[test]
fn a_failed_first_attempt_does_not_hold_the_next_event_back() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_RETRY_SCHEDULE", "1h")
        .start();
    let api = server.api();
    let receiver = Receiver::new(|received| {
        Reaction::Status(if received.event() == "inspection_completed" {
            500
        } else {
            200
        })
    });
    api.webhook(&receiver.url());
    let first = api.publish("inspection_completed", INSPECTION);
    let second = api.publish("inspection_reviewed", INSPECTION);
    assert_eq!(api.settled(&second)["status"], "delivered");
    let first = api.delivery_when(&first, |delivery| {
        delivery["attempts"].as_array().unwrap().len() == 1
    });
    assert_eq!(first["status"], "pending");
    let order: Vec<String> = receiver.all().iter().map(Received::event).collect();
    assert_eq!(order, ["inspection_completed", "inspection_reviewed"]);
}

#[test]
fn a_delivery_is_sent_again_whatever_its_state() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let event = api.publish("inspection_started", INSPECTION);
    let delivery = api.settled(&event);
    let resend = format!(
        "/v1/notification/delivery/{}/resend",
        text(&delivery["_id"])
    );
    for number in 2..=3 {
        api.post(202, &resend, json!({}));
        let delivery = api.delivery_when(&event, |delivery| {
            delivery["attempts"].as_array().unwrap().len() == number
                && delivery["status"] != "pending"
        });
        assert_eq!(delivery["status"], "delivered");
        assert_eq!(delivery["attempts"][number - 1]["cause"], "manual");
    }
    let got = receiver.wait_for(3);
    assert!(
        got.iter()
            .all(|received| received.header("webhook-id") == event)
    );
    let numbers: Vec<&str> = got
        .iter()
        .map(|received| received.header("autoinspector-attempt"))
        .collect();
    assert_eq!(numbers, ["1", "2", "3"]);
}

#[test]
fn a_paused_webhook_keeps_what_comes_and_sends_it_when_enabled() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook(&receiver.url());
    let path = format!("/v1/notification/webhook/{webhook}");
    api.patch(&path, json!({ "status": "paused" }));
    let events: Vec<String> = (0..20)
        .map(|_| api.publish("inspection_started", INSPECTION))
        .collect();
    // Something else is delivered meanwhile, so that the paused ones had their chance.
    let other = Receiver::ok();
    api.webhook(&other.url());
    let marker = api.publish("inspection_completed", "000000000000000000000001");
    other.wait_for(1);
    assert!(receiver.all().is_empty());
    assert_eq!(
        api.deliveries(&format!("status=pending&webhookId={webhook}"))
            .len(),
        21
    );
    api.patch(&path, json!({ "status": "enabled" }));
    let got = receiver.wait_for(21);
    let order: Vec<&str> = got
        .iter()
        .map(|received| received.header("webhook-id"))
        .collect();
    let own: Vec<&str> = order.iter().copied().filter(|id| *id != marker).collect();
    assert_eq!(own, events.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn deleting_a_webhook_cancels_what_waits_for_it() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook(&receiver.url());
    let path = format!("/v1/notification/webhook/{webhook}");
    api.patch(&path, json!({ "status": "paused" }));
    let events: Vec<String> = (0..20)
        .map(|_| api.publish("inspection_started", INSPECTION))
        .collect();
    api.delete(&path);
    for event in &events {
        assert_eq!(api.settled(event)["status"], "cancelled");
    }
    eventually("nothing is pending", || {
        api.deliveries("status=pending").is_empty().then_some(())
    });
    assert!(receiver.all().is_empty());
    assert_eq!(api.call("GET", &path, None).unwrap().status, 404);
}

#[test]
fn a_webhook_that_is_turned_to_another_address_is_followed_at_once() {
    let folder = tempdir().unwrap();
    let server = quick(folder.path()).start();
    let api = server.api();
    let (before, after) = (Receiver::ok(), Receiver::ok());
    let webhook = api.webhook(&before.url());
    api.publish("inspection_started", INSPECTION);
    before.wait_for(1);
    api.patch(
        &format!("/v1/notification/webhook/{webhook}"),
        json!({ "endpoint": after.url() }),
    );
    api.publish("inspection_started", INSPECTION);
    after.wait_for(1);
    assert_eq!(before.all().len(), 1);
}
