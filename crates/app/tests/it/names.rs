//! A DNS server that answers as its names say, and what receivers with broken DNS do to the others: nothing.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::json;
use tempfile::tempdir;

use crate::client::text;
use crate::process::{Setup, answer_of};
use crate::receiver::{Reaction, Receiver};

/// Names whose DNS is dead: together more than the threads on which a server would wait for the system's
/// resolver.
const COMPANIES: usize = 8;
const DEAD_OF_EACH: usize = 75;

/// What most names resolve to, and what one does before it turns to that.
const INSIDE: [u8; 4] = [127, 0, 0, 1];
const OUTSIDE: [u8; 4] = [127, 0, 0, 2];

/// A DNS server on loopback for as long as the test runs. What it says depends on the end of the name:
/// `silent.test` nothing, `slow.test` the address after `slow_for`, `failing.test` that it failed,
/// `empty.test` that there is no address, `garbled.test` something that is not DNS, `other.test` the answer
/// to another question, `turning.test` at first [`OUTSIDE`] and later [`INSIDE`], and for any other name
/// [`INSIDE`].
pub fn dns(slow_for: Duration) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut question = [0; 1_500];
        let mut turns = 0;
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let question = question[..length].to_vec();
            let name = name_of(&question);
            let says = |end: &str| name.ends_with(end);
            if says("silent.test") {
                continue;
            }
            if says("slow.test") {
                let socket = socket.try_clone().unwrap();
                std::thread::spawn(move || {
                    std::thread::sleep(slow_for);
                    socket.send_to(&answer(&question, 0, Some(INSIDE)), from)
                });
                continue;
            }
            let answer = if says("failing.test") {
                answer(&question, 2, None)
            } else if says("garbled.test") {
                [&question[..2], &[0xff; 40]].concat()
            } else if says("other.test") {
                let mut other = question.clone();
                // Another first letter.
                other[13] ^= 1;
                answer(&other, 0, Some(INSIDE))
            } else if says("turning.test") {
                let address = if turns == 0 { OUTSIDE } else { INSIDE };
                turns += u32::from(wants_ipv4(&question));
                answer(&question, 0, Some(address))
            } else {
                answer(&question, 0, (!says("empty.test")).then_some(INSIDE))
            };
            socket.send_to(&answer, from).unwrap();
        }
    });
    address
}

/// Where the question's type begins.
fn end_of_name(question: &[u8]) -> usize {
    let mut at = 12;
    while question[at] > 0 {
        at += usize::from(question[at]) + 1;
    }
    at + 1
}

fn name_of(question: &[u8]) -> String {
    let mut at = 12;
    let mut labels = Vec::new();
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    labels.join(".")
}

fn wants_ipv4(question: &[u8]) -> bool {
    let at = end_of_name(question);
    question[at..at + 2] == [0, 1]
}

/// The answer to a question (RFC 1035): for an IPv4 address with one, if there is one.
fn answer(question: &[u8], code: u8, address: Option<[u8; 4]>) -> Vec<u8> {
    let asked = &question[12..end_of_name(question) + 4];
    let address = address.filter(|_| wants_ipv4(question));
    let found = u8::from(address.is_some());
    let mut bytes = question[..2].to_vec();
    bytes.extend([0x81, 0x80 | code, 0, 1, 0, found, 0, 0, 0, 0]);
    bytes.extend(asked);
    if let Some(address) = address {
        // The name above, an address, a minute, four bytes.
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        bytes.extend(address);
    }
    bytes
}

#[test]
fn a_name_that_leads_inside_or_turns_there_is_refused_when_it_is_called() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_ALLOW_NETWORKS", "127.0.0.2/32")
        .env("HERALDO_DNS_SERVERS", dns(Duration::ZERO).to_string())
        .start();
    let api = server.api();
    let inside = Receiver::at((INSIDE, 0).into(), |_| Reaction::Status(200));
    let port = inside.address.port();
    // It closes each connection, so that its name is asked for each time.
    let outside = Receiver::at((OUTSIDE, port).into(), |_| Reaction::Reset);
    let attempt = |name: &str| {
        let webhook = api.webhook(&format!("http://{name}:{port}/"));
        let event = api.publish("inspection_started", "651ae032ff786d198dfa4ce4");
        let attempt = api.settled(&event)["attempts"][0].clone();
        // The next webhook is to be the only one.
        api.delete(&format!("/v1/notification/webhook/{webhook}"));
        (attempt["errorClass"].clone(), attempt["phase"].clone())
    };
    let refused = (json!("address_refused"), json!("resolve"));
    assert_eq!(attempt("receiver.example.test"), refused);
    assert_eq!(
        attempt("receiver.turning.test"),
        (json!("reset"), json!("first_byte"))
    );
    assert_eq!(attempt("receiver.turning.test"), refused);
    assert_eq!((outside.count(), inside.count()), (1, 0));
}

#[test]
fn names_whose_dns_is_dead_hold_up_no_other_name() {
    let folder = tempdir().unwrap();
    let keys: Vec<String> = (0..COMPANIES)
        .map(|number| {
            let name = format!("company {number}");
            text(&answer_of(folder.path(), &["company", "create", "--name", &name])["apiKey"])
        })
        .collect();
    let server = Setup::serve(folder.path())
        .env("HERALDO_DNS_SERVERS", dns(Duration::ZERO).to_string())
        .start();
    let event = |number: usize| json!({ "event": "inspection_started", "payload": { "_id": format!("{number:024x}") } });
    for key in &keys {
        let api = server.api_with(key);
        for number in 0..DEAD_OF_EACH {
            let endpoint = format!("http://receiver-{number}.{}.silent.test/", &key[3..9]);
            api.webhook_with(&endpoint, json!({ "timeoutMs": 60_000 }));
        }
        api.post(202, "/v1/notification/event", event(1));
    }
    // Two healthy ones under names of their own, so that each has to be asked for.
    let api = server.api_with(&keys[0]);
    for (number, name) in [(2, "my_receiver.example.test"), (3, "other.example.test")] {
        let receiver = Receiver::ok();
        api.webhook(&format!("http://{name}:{}/", receiver.address.port()));
        api.post(202, "/v1/notification/event", event(number));
        receiver.wait_for(1);
    }
    for key in &keys {
        let first = format!("inspectionId={:024x}&status=pending", 1);
        let held = server.api_with(key).deliveries(&first);
        assert_eq!(held.len(), DEAD_OF_EACH, "they are still being asked for");
    }
}

#[test]
fn an_address_that_is_no_dns_server_stops_the_start() {
    let folder = tempdir().unwrap();
    let refusal = Setup::serve(folder.path())
        .env("HERALDO_DNS_SERVERS", "dns.example.com")
        .refusal();
    assert!(
        refusal.contains("dns_servers") && refusal.contains("10.0.0.2:5353"),
        "{refusal}"
    );
}
