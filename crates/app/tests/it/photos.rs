//! Photos with real processes: crashes between an upload and the look at it, two finishes at once, thousands of
//! inspections that expire together.

use std::collections::{HashMap, HashSet};
use std::sync::Barrier;

use heraldo_media::testing::PhotoMaker;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Answer, Api, text};
use crate::process::Setup;
use crate::receiver::{Received, Receiver};

const SIDES: [&str; 4] = ["front", "back", "sideLeft", "sideRight"];
const BOUNDARY: &str = "--------------------------478203962110238400127341";

/// Uploads a photo as the SDKs do and returns the status.
pub fn upload(api: &Api, product: &str, side: &str, photo: &[u8]) -> u16 {
    send_photo(api, product, side, photo).status
}

/// Uploads a photo as the SDKs do.
pub fn send_photo(api: &Api, product: &str, side: &str, photo: &[u8]) -> Answer {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(photo);
    let data = json!({ "productId": product, "side": side });
    body.extend_from_slice(
        format!(
            "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n\
             --{BOUNDARY}--\r\n"
        )
        .as_bytes(),
    );
    let path = format!("/v1/inspection/image/{product}");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    api.raw("POST", &path, &kind, &body).unwrap()
}

/// A started inspection: its id and its product's.
pub fn started(api: &Api) -> (String, String) {
    let body = json!({ "templateId": "easy", "initialStatus": "started" });
    let made = api.post(201, "/v1/inspection/car", body);
    (text(&made["inspectionId"]), text(&made["productId"]))
}

/// The events of an inspection, each once, with their names, in the order in which they came first.
pub fn of_inspection(got: &[Received], id: &str) -> Vec<(String, Value)> {
    let mut seen = HashSet::new();
    let mut events = Vec::new();
    for received in got {
        let body = received.json();
        if body["payload"]["_id"] == id && seen.insert(received.header("webhook-id").to_owned()) {
            events.push((text(&body["event"]), body));
        }
    }
    events
}

#[test]
fn photos_of_a_server_that_was_killed_are_looked_at_once() {
    const ROUNDS: usize = 8;
    let folder = tempdir().unwrap();
    let receiver = Receiver::ok();
    let first = Setup::serve(folder.path()).start();
    let key = first.api().key.clone();
    first.api().webhook(&receiver.url());
    let photo = PhotoMaker::jpeg(1_280, 960).make();
    let mut server = first;
    let mut ids = Vec::new();
    // Photos that were taken in and not looked at when the kill came.
    let mut waiting = 0;
    for round in 0..ROUNDS {
        let api = server.api_with(&key);
        let (id, product) = started(&api);
        // The kill comes at another point of the work each time: after one, two, three or four uploads, and
        // before or after the finish.
        let uploads = &SIDES[..=round % SIDES.len()];
        for side in uploads {
            assert_eq!(upload(&api, &product, side, &photo), 201);
        }
        let is_finished = round >= ROUNDS / 2;
        if is_finished {
            api.post(200, &format!("/v1/inspection/finish/{id}"), json!({}));
        }
        let shown = api.get(&format!("/v1/inspection/{id}"));
        let images = shown["products"][0]["images"].as_array().unwrap();
        waiting += images
            .iter()
            .filter(|image| image["processed"] == false)
            .count();
        server.kill();
        server = Setup::serve(folder.path()).start();
        let api = server.api_with(&key);
        if !is_finished {
            api.post(200, &format!("/v1/inspection/finish/{id}"), json!({}));
        }
        ids.push((id, uploads.len()));
    }
    assert!(
        waiting > 0,
        "every photo had been looked at before its kill"
    );
    let is_whole = |got: &[Received]| {
        let completed = got
            .iter()
            .filter(|received| received.event() == "inspection_completed");
        let inspections: HashSet<_> = completed.map(Received::inspection).collect();
        inspections.len() == ROUNDS
    };
    let got = receiver.wait("every inspection is completed", is_whole);
    for (id, uploads) in ids {
        let events = of_inspection(&got, &id);
        let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
        let mut expected = vec!["inspection_created"];
        expected.extend(vec!["image_processed"; uploads]);
        expected.push("inspection_completed");
        assert_eq!(names, expected, "{id}");
        let images: HashSet<_> = events[1..=uploads]
            .iter()
            .map(|(_, body)| text(&body["payload"]["product"]["image"][0]["_id"]))
            .collect();
        assert_eq!(images.len(), uploads, "a photo was told of twice");
    }
}

#[test]
fn of_two_finishes_at_the_same_moment_one_counts() {
    const ROUNDS: usize = 10;
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    for _ in 0..ROUNDS {
        let (id, _) = started(&api);
        let path = format!("/v1/inspection/finish/{id}");
        let together = Barrier::new(2);
        let finish = || {
            let api = server.api_with(&api.key);
            together.wait();
            api.call("POST", &path, None).unwrap().status
        };
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(finish);
            (finish(), other.join().unwrap())
        });
        assert_eq!((one.min(other), one.max(other)), (200, 409));
    }
    let got = receiver.wait_for(2 * ROUNDS);
    let mut completed: HashMap<String, usize> = HashMap::new();
    for received in got {
        if received.event() == "inspection_completed" {
            *completed.entry(received.inspection()).or_default() += 1;
        }
    }
    assert_eq!(completed.len(), ROUNDS);
    assert!(completed.values().all(|times| *times == 1));
}

#[test]
fn ten_thousand_inspections_that_expire_together_are_each_blocked_once() {
    const INSPECTIONS: usize = 10_000;
    const CALLERS: usize = 4;
    let folder = tempdir().unwrap();
    // They live until all of them are made: the clock of the server is not waited for, only its lifetime is
    // changed between two starts, because an inspection's end is fixed when it is made.
    let receiver = Receiver::ok();
    let server = Setup::serve(folder.path())
        .env("HERALDO_INSPECTION_LIFETIME", "1ms")
        .env("HERALDO_SWEEP_INTERVAL", "1d")
        .start();
    let key = server.api().key.clone();
    let body = json!({
        "endpoint": receiver.url(),
        "events": ["inspection_blocked", "inspection_started"],
    });
    server.api().post(201, "/v1/notification/webhook", body);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let api = server.api_with(&key);
                for _ in 0..INSPECTIONS / CALLERS {
                    api.inspection();
                }
            });
        }
    });
    server.stop();
    let server = Setup::serve(folder.path())
        .env("HERALDO_SWEEP_INTERVAL", "10ms")
        .start();
    let api = server.api_with(&key);
    // Others are served meanwhile: while there is more to expire one is made, and told of to a webhook of its own.
    let created = Receiver::ok();
    let body = json!({ "endpoint": created.url(), "events": ["inspection_created"] });
    api.post(201, "/v1/notification/webhook", body);
    receiver.wait_for(1);
    let made = api.inspection();
    let told = created.wait_for(1);
    assert_eq!(told[0].inspection(), made.id);
    let blocked = api.get("/v1/inspection?status=blocked&limit=1");
    let blocked = blocked["totalInspections"].as_u64().unwrap();
    assert!(blocked < INSPECTIONS as u64, "all had expired before");
    let path = format!("/v1/inspection/{}/access", made.id);
    api.post(200, &path, json!({ "accessCode": made.access_code }));
    let is_whole = |got: &[Received]| got.len() > INSPECTIONS;
    let got = receiver.wait("every inspection is blocked", is_whole);
    let blocked: Vec<_> = got
        .iter()
        .filter(|received| received.event() == "inspection_blocked")
        .map(Received::inspection)
        .collect();
    let distinct: HashSet<_> = blocked.iter().collect();
    assert_eq!((blocked.len(), distinct.len()), (INSPECTIONS, INSPECTIONS));
}
