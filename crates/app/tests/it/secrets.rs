//! Signatures at the receiver, and the rotation of secrets.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heraldo_wire::signature::{
    Envelope, PublicKey, Secret, construct_event, verify_asymmetric, verify_standard,
};
use heraldo_wire::time::Timestamp;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::text;
use crate::process::Setup;
use crate::receiver::{Received, Receiver};

const INSPECTION: &str = "651ae032ff786d198dfa4ce4";

/// Whether each of the two signatures is right with this secret.
pub fn verified(received: &Received, secret: &str) -> (bool, bool) {
    let secret = Secret::parse(secret).unwrap();
    let signature = Some(received.header("autoinspector-signature"));
    let own = construct_event(&received.body, signature, &secret).is_ok();
    let header = received.header("webhook-signature");
    let envelope = envelope(received);
    (
        own,
        verify_standard(&secret, &envelope, header, Duration::from_secs(60), now()).is_ok(),
    )
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn envelope(received: &Received) -> Envelope<'_> {
    Envelope {
        id: received.header("webhook-id"),
        timestamp: received.header("webhook-timestamp"),
        body: &received.body,
    }
}

#[test]
fn a_receiver_that_holds_only_the_public_key_can_verify() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook_with(&receiver.url(), json!({ "asymmetricSignature": true }));
    let path = format!("/v1/notification/webhook/{webhook}");
    let keys = || -> Vec<PublicKey> {
        let shown = api.get(&format!("{path}/public-key"));
        let shown = shown["data"].as_array().unwrap();
        let key = |shown: &Value| text(&shown["publicKey"]).parse().unwrap();
        shown.iter().map(key).collect()
    };
    let verifies = |received: &Received, key: PublicKey| {
        let header = received.header("webhook-signature");
        let tolerance = Duration::from_secs(60);
        verify_asymmetric(&[key], &envelope(received), header, tolerance, now()).is_ok()
    };
    let first = keys();
    api.publish("inspection_started", INSPECTION);
    let received = receiver.wait_for(1).remove(0);
    assert!(verifies(&received, first[0]));
    // The secret signs as it did before.
    assert_eq!(verified(&received, &api.secret(&webhook)), (true, true));

    let rotate = format!("{path}/secret/rotate");
    api.post(200, &rotate, json!({ "overlapSeconds": 3_600 }));
    let both = keys();
    assert_eq!(both[1], first[0]);
    api.publish("inspection_started", INSPECTION);
    let received = receiver.wait_for(2).remove(1);
    assert!(both.iter().all(|key| verifies(&received, *key)));
    assert_eq!(received.header("webhook-signature").split(' ').count(), 4);

    api.post(200, &rotate, json!({}));
    api.publish("inspection_started", INSPECTION);
    let received = receiver.wait_for(3).remove(2);
    assert!(both.iter().all(|key| !verifies(&received, *key)));
    assert!(verifies(&received, keys()[0]));
}

#[test]
fn every_delivery_carries_both_signatures_and_its_headers() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook_with(
        &receiver.url(),
        json!({ "headers": { "x-team": "claims" } }),
    );
    let event = api.publish("inspection_started", INSPECTION);
    let received = receiver.wait_for(1).remove(0);
    assert_eq!(verified(&received, &api.secret(&webhook)), (true, true));
    assert_eq!(verified(&received, "whsec_other"), (false, false));
    assert_eq!(received.header("webhook-id"), event);
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("x-team"), "claims");
    assert!(received.header("user-agent").starts_with("heraldo/"));
    let stored = api.get(&format!("/v1/notification/event/{event}"));
    assert_eq!(text(&stored["body"]).as_bytes(), received.body);
}

#[test]
fn without_an_overlap_the_old_secret_stops_at_once() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook(&receiver.url());
    let old = api.secret(&webhook);
    let rotate = format!("/v1/notification/webhook/{webhook}/secret/rotate");
    let rotated = api.post(200, &rotate, json!({}));
    assert_eq!(rotated["previousValidUntil"], Value::Null);
    let new = text(&rotated["secret"]);
    assert_eq!(api.secret(&webhook), new);
    api.publish("inspection_started", INSPECTION);
    let received = receiver.wait_for(1).remove(0);
    assert_eq!(verified(&received, &new), (true, true));
    assert_eq!(verified(&received, &old), (false, false));
}

#[test]
fn during_an_overlap_the_old_secret_signs_and_both_verify() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook(&receiver.url());
    let old = api.secret(&webhook);
    let rotate = format!("/v1/notification/webhook/{webhook}/secret/rotate");
    let new = text(&api.post(200, &rotate, json!({ "overlapSeconds": 2 }))["secret"]);
    api.publish("inspection_started", INSPECTION);
    let received = receiver.wait_for(1).remove(0);
    assert_eq!(verified(&received, &old), (true, true));
    assert_eq!(verified(&received, &new), (false, true));
    // When the overlap has ended, without anybody's doing.
    let mut sent = 1;
    let last = crate::waiting::eventually("the overlap ends", || {
        api.publish("inspection_started", INSPECTION);
        sent += 1;
        let received = receiver.wait_for(sent).remove(sent - 1);
        verified(&received, &new).0.then_some(received)
    });
    assert_eq!(verified(&last, &new), (true, true));
    assert_eq!(verified(&last, &old), (false, false));
}

#[test]
fn a_test_event_goes_to_one_webhook_and_says_so() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let (tested, other) = (Receiver::ok(), Receiver::ok());
    let webhook = api.webhook(&tested.url());
    api.webhook(&other.url());
    let path = format!("/v1/notification/webhook/{webhook}/test");
    let answer = api.post(202, &path, json!({ "event": "inspection_completed" }));
    let received = tested.wait_for(1).remove(0);
    assert_eq!(received.header("autoinspector-test"), "true");
    assert_eq!(received.header("webhook-id"), text(&answer["eventId"]));
    assert_eq!(received.event(), "inspection_completed");
    assert_eq!(verified(&received, &api.secret(&webhook)), (true, true));
    api.settled(&text(&answer["eventId"]));
    assert!(other.all().is_empty());
}
