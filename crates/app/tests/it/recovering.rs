//! Recoveries over `kill -9`, and a stream that nobody reads.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::Setup;
use crate::receiver::Receiver;
use crate::waiting::{PATIENCE, eventually};

/// Publishes a thousand events and returns their ids.
pub fn publish_thousand(api: &Api, from: u32) -> Vec<String> {
    let events: Vec<Value> = (from..from + 1_000)
        .map(|number| {
            let id = format!("{number:024x}");
            json!({ "event": "inspection_created", "payload": { "_id": id } })
        })
        .collect();
    let answer = api.post(202, "/v1/notification/event", Value::Array(events));
    let data = answer["data"].as_array().unwrap();
    data.iter().map(|event| text(&event["_id"])).collect()
}

/// All deliveries, page by page.
fn all_deliveries(api: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/v1/notification/delivery?limit=100{cursor}"));
        all.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn a_recovery_that_is_killed_goes_on_where_it_was_and_sends_everything_once() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let receiver = Receiver::ok();
    let mut server = setup.start();
    let api = server.api();
    let key = api.key.clone();
    let webhook = api.webhook_with(
        &receiver.url(),
        json!({ "status": "disabled", "ratePerSecond": 400 }),
    );
    let mut events = publish_thousand(&api, 0);
    events.extend(publish_thousand(&api, 1_000));
    let path = format!("/v1/notification/webhook/{webhook}");
    api.patch(&path, json!({ "status": "enabled" }));
    let ask = json!({ "from": "2020-01-01T00:00:00.000Z" });
    let dry = json!({ "from": "2020-01-01T00:00:00.000Z", "dryRun": true });
    let counted = api.post(200, &format!("{path}/recover"), dry);
    assert_eq!(counted["counted"]["missing"], 2_000);
    let begun = api.post(202, &format!("{path}/recover"), ask);
    let recovery = format!("/v1/notification/recovery/{}", text(&begun["_id"]));
    let kills = [150, 600, 1_200];
    for enough in kills {
        receiver.wait_for(enough);
        server.kill();
        receiver.wait_until_alone();
        server = setup.start();
        let progress = server.api_with(&key).get(&recovery);
        let (enqueued, left) = (&progress["enqueued"], &progress["remaining"]);
        if progress["state"] == "running" {
            assert_eq!(enqueued.as_u64().unwrap() + left.as_u64().unwrap(), 2_000);
        }
    }
    let api = server.api_with(&key);
    let done = eventually("the recovery is completed", || {
        Some(api.get(&recovery)).filter(|progress| progress["state"] == "completed")
    });
    assert_eq!(done["counted"]["missing"], 2_000);
    assert_eq!(
        (&done["enqueued"], &done["remaining"]),
        (&json!(2_000), &json!(0))
    );
    let got = receiver.wait("every event", |got| {
        let ids: HashSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
        events.iter().all(|id| ids.contains(id.as_str()))
    });
    let mut times: HashMap<&str, usize> = HashMap::new();
    for one in &got {
        // An attempt that was cut off is made again under the same number.
        assert_eq!(one.header("autoinspector-attempt"), "1");
        *times.entry(one.header("webhook-id")).or_default() += 1;
    }
    assert!(times.values().all(|count| *count <= 1 + kills.len()));
    let repeated = times.values().filter(|count| **count > 1).count();
    println!(
        "{} requests, {repeated} events repeated by {} kills",
        got.len(),
        kills.len()
    );
    let deliveries = eventually("every delivery is settled", || {
        let all = all_deliveries(&api);
        let settled = |one: &Value| one["status"] == "delivered";
        all.iter().all(settled).then_some(all)
    });
    let of_events: HashSet<String> = deliveries.iter().map(|one| text(&one["eventId"])).collect();
    assert_eq!((deliveries.len(), of_events.len()), (2_000, 2_000));
    for one in &deliveries {
        assert_eq!(
            (&one["attemptCount"], &one["lastAttempt"]["cause"]),
            (&json!(1), &json!("recover"))
        );
    }
}

#[test]
fn what_is_fresh_does_not_wait_for_a_recovery() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let receiver = Receiver::ok();
    let server = setup.start();
    let api = server.api();
    let slow = json!({ "status": "disabled", "ratePerSecond": 50 });
    let webhook = api.webhook_with(&receiver.url(), slow);
    publish_thousand(&api, 0);
    let path = format!("/v1/notification/webhook/{webhook}");
    api.patch(&path, json!({ "status": "enabled" }));
    let ask = json!({ "from": "2020-01-01T00:00:00.000Z" });
    let begun = api.post(202, &format!("{path}/recover"), ask);
    receiver.wait_for(20);
    let fresh: Vec<String> = (0..3)
        .map(|number| api.publish("inspection_completed", &format!("{:024x}", 5_000 + number)))
        .collect();
    let got = receiver.wait("the fresh ones", |got| {
        let ids: HashSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
        fresh.iter().all(|id| ids.contains(id.as_str()))
    });
    // At this rate the rest of the recovery takes nearly 20 s more.
    assert!(got.len() < 400, "{} came before the fresh ones", got.len());
    let recovery = format!("/v1/notification/recovery/{}", text(&begun["_id"]));
    let progress = api.get(&recovery);
    assert_eq!(progress["state"], "running");
    let cancelled = api.delete(&recovery);
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["remaining"].as_u64().unwrap() > 0);
}

#[test]
fn a_stream_that_nobody_reads_slows_no_delivery() {
    const EVENTS: u32 = 4_000;
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let receiver = Receiver::ok();
    let server = setup.start();
    let api = server.api();
    api.webhook(&receiver.url());
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET /v1/notification/stream HTTP/1.1\r\nhost: h\r\nx-api-key: {}\r\n\r\n",
        api.key
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "event: ready"));
    for thousand in 0..EVENTS / 1_000 {
        publish_thousand(&api, thousand * 1_000);
    }
    receiver.wait_for(usize::try_from(EVENTS).unwrap());
    eventually("all are delivered", || {
        api.deliveries("status=pending").is_empty().then_some(())
    });
    // Now it is read: it tells of each attempt, or says how many it left out.
    let mut told = 0;
    let mut name = String::new();
    while told < EVENTS {
        let line = lines.next().expect("the stream goes on");
        if let Some(event) = line.strip_prefix("event: ") {
            event.clone_into(&mut name);
            told += u32::from(name == "attempt");
        } else if let Some(data) = line.strip_prefix("data: ")
            && name == "closed"
        {
            let closed: Value = serde_json::from_str(data).unwrap();
            assert_eq!(closed["reason"], "too_slow");
            println!("{told} told, {} missed", closed["missed"]);
            return;
        }
    }
    println!("{told} told");
}
