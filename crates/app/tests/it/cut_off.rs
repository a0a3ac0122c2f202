//! `kill -9` again and again at the same attempt: what may have reached its receiver is given up in the end, what
//! never left is not.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::json;
use tempfile::tempdir;

use crate::names::dns;
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};
use crate::waiting::PATIENCE;

/// How often contract 8.2 has an attempt made again that crashes cut off.
const AGAIN_MAX: usize = 3;
const INSPECTION: &str = "00000000000000000000000a";

#[test]
fn an_attempt_that_is_cut_off_after_it_left_is_made_again_three_times_and_then_says_so() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path()).env("HERALDO_LOG", "debug");
    let receiver = Receiver::new(|_| Reaction::Hang);
    let mut server = setup.start();
    let key = server.api().key;
    server.api().webhook(&receiver.url());
    // One of those that are sent once: also they are made again.
    let event = server.api().publish("inspection_started", INSPECTION);
    receiver.wait_for(1);
    for again in 1..=AGAIN_MAX {
        server.kill();
        server = setup.start();
        receiver.wait_for(1 + again);
        assert!(server.err.wait_for("which is recorded").is_some());
        let delivery = server.api_with(&key).delivery_when(&event, |_| true);
        assert_eq!(delivery["status"], "pending");
    }
    server.kill();
    server = setup.start();
    let api = server.api_with(&key);
    let settled = api.settled(&event);
    assert_eq!(settled["status"], "failed");
    let attempts = settled["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "the interruptions spent none: {settled}");
    let error = attempts[0]["error"].as_str().unwrap();
    assert!(
        error.contains("stopped during this attempt 3 times"),
        "{error}"
    );
    let came = receiver.all();
    assert_eq!(came.len(), 1 + AGAIN_MAX);
    for received in came {
        assert_eq!(received.header("webhook-id"), event);
        assert_eq!(received.header("autoinspector-attempt"), "1");
    }
    // A person may have it sent all the same, and it begins anew.
    let id = settled["_id"].as_str().unwrap();
    api.post(
        202,
        &format!("/v1/notification/delivery/{id}/resend"),
        json!({}),
    );
    receiver.wait_for(2 + AGAIN_MAX);
}

/// A DNS server that takes questions and answers none.
fn silent_dns() -> (SocketAddr, UdpSocket) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    (socket.local_addr().unwrap(), socket)
}

#[test]
fn an_attempt_that_never_left_is_made_again_however_often_it_is_cut_off() {
    let folder = tempdir().unwrap();
    let asking =
        |dns: SocketAddr| Setup::serve(folder.path()).env("HERALDO_DNS_SERVERS", dns.to_string());
    let receiver = Receiver::ok();
    let (address, questions) = silent_dns();
    let mut server = asking(address).start();
    let key = server.api().key;
    let endpoint = format!("http://receiver.example.test:{}/", receiver.address.port());
    server
        .api()
        .webhook_with(&endpoint, json!({ "timeoutMs": 30_000 }));
    let event = server.api().publish("inspection_started", INSPECTION);
    questions
        .recv(&mut [0; 1_500])
        .expect("the name is asked for");
    for _ in 0..2 * AGAIN_MAX {
        server.kill();
        // One of its own for each start, so that no question of an earlier one is taken for a new one.
        let (address, questions) = silent_dns();
        server = asking(address).start();
        questions
            .recv(&mut [0; 1_500])
            .expect("the name is asked for again");
    }
    server.kill();
    assert_eq!(receiver.count(), 0);
    server = asking(dns(Duration::ZERO)).start();
    let came = receiver.wait_for(1);
    assert_eq!(came[0].header("webhook-id"), event);
    assert_eq!(came[0].header("autoinspector-attempt"), "1");
    let settled = server.api_with(&key).settled(&event);
    assert_eq!(settled["status"], "delivered");
}
