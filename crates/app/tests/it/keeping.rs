//! What is kept and for how long: retention, a disk that is nearly full, backups, migrations and metrics.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::text;
use crate::process::{Setup, answer_of, heraldo, run};
use crate::receiver::Receiver;
use crate::waiting::eventually;

/// Publishes so many events in calls of 25; returns their ids.
fn publish(api: &crate::client::Api, events: usize) -> HashSet<String> {
    let mut accepted = HashSet::new();
    for call in 0..events / 25 {
        let event = |number: usize| {
            let payload = json!({ "_id": format!("{:024x}", 25 * call + number) });
            json!({ "event": "inspection_started", "payload": payload })
        };
        let body = Value::Array((0..25).map(event).collect());
        let answer = api.post(202, "/v1/notification/event", body);
        let data = answer["data"].as_array().unwrap();
        accepted.extend(data.iter().map(|event| text(&event["_id"])));
    }
    accepted
}

#[test]
fn old_events_are_deleted_under_load_and_no_delivery_or_count_is_lost() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::ok();
    let server = Setup::serve(folder.path())
        .env("HERALDO_RETENTION", "1s")
        .start();
    let api = server.api();
    api.webhook(&receiver.url());
    let paused = api.webhook(&receiver.url());
    api.patch(
        &format!("/v1/notification/webhook/{paused}"),
        json!({ "status": "paused", "events": ["inspection_completed"] }),
    );
    let waiting = api.publish("inspection_completed", "f00000000000000000000001");
    let accepted = publish(&api, 1_000);
    receiver.wait("every accepted event", |got| {
        let got: HashSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
        accepted.iter().all(|id| got.contains(id.as_str()))
    });
    // All but the event that is pending for the paused webhook.
    eventually("the old events are gone", || {
        let left = api.get("/v1/notification/event?limit=2");
        let left: Vec<String> = left["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| text(&of["_id"]))
            .collect();
        (left == [waiting.clone()]).then_some(())
    });
    let read = api.get("/v1/notification/statistics");
    assert_eq!(read["total"]["events"], 1_001);
    assert_eq!(read["total"]["delivered"], 1_001, "{}", read["total"]);
    assert_eq!(read["total"]["failed"], 0);
    assert_eq!(read["backlog"][0]["pending"], 1);

    api.patch(
        &format!("/v1/notification/webhook/{paused}"),
        json!({ "status": "enabled" }),
    );
    receiver.wait("the event that waited", |got| {
        let of_it = got.iter().filter(|one| one.header("webhook-id") == waiting);
        of_it.count() == 2
    });
}

#[test]
fn on_a_nearly_full_disk_nothing_new_is_accepted_and_deliveries_go_on() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::ok();
    let roomy = Setup::serve(folder.path());
    let server = roomy.start();
    let api = server.api();
    let webhook = api.webhook(&receiver.url());
    let path = format!("/v1/notification/webhook/{webhook}");
    api.patch(&path, json!({ "status": "paused" }));
    let waiting = publish(&api, 100);
    server.stop();

    // No disk has so much.
    let full = Setup::serve(folder.path()).env("HERALDO_DISK_FREE_MIN", "1048576GiB");
    let server = full.start();
    let api = server.api_with(&api.key);
    let event =
        json!({ "event": "inspection_started", "payload": { "_id": "f00000000000000000000001" } });
    let refused = api
        .call("POST", "/v1/notification/event", Some(&event))
        .unwrap();
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (503, &json!("storage_full"))
    );
    assert!(refused.header("retry-after").is_some());
    let ready = api.call("GET", "/health/ready", None).unwrap();
    let said = String::from_utf8_lossy(&ready.body).into_owned();
    assert_eq!(ready.status, 503);
    assert!(said.contains("full or nearly full"), "{said}");
    assert!(server.err.wait_for("the disk is nearly full").is_some());
    // What was accepted is sent and recorded.
    api.patch(&path, json!({ "status": "enabled" }));
    receiver.wait_for(100);
    eventually("every outcome is recorded", || {
        let read = api.get("/v1/notification/statistics");
        (read["total"]["delivered"] == 100 && read["backlog"] == json!([])).then_some(())
    });
    server.stop();

    let server = roomy.start();
    let api = server.api_with(&api.key);
    let accepted = api.publish("inspection_started", "f00000000000000000000001");
    let got = receiver.wait_for(101);
    let got: HashSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
    assert!(
        waiting
            .iter()
            .chain([&accepted])
            .all(|id| got.contains(id.as_str()))
    );
}

#[test]
fn a_backup_made_while_the_server_runs_starts_and_delivers() {
    let folder = tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let file = folder.path().join("heraldo.backup");
    let receiver = Receiver::ok();
    let server = Setup::serve(&data).start();
    let api = server.api();
    let webhook = api.webhook(&receiver.url());
    let path = format!("/v1/notification/webhook/{webhook}");
    let secret = api.secret(&webhook);
    api.patch(&path, json!({ "status": "paused" }));
    let accepted = publish(&api, 50);
    let answer = std::thread::scope(|threads| {
        let beside = server.api_with(&api.key);
        let load = threads.spawn(move || publish(&beside, 200));
        let answer = answer_of(&data, &["backup", file.to_str().unwrap()]);
        load.join().unwrap();
        answer
    });
    assert_eq!(answer["bytes"], file.metadata().unwrap().len());
    assert_eq!(
        answer["masterKeyFile"],
        data.join("master.key").to_str().unwrap()
    );
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let backup = || {
        let mut command = heraldo();
        command
            .arg("backup")
            .arg(&file)
            .env("HERALDO_DATA_DIR", &data);
        run(command, b"")
    };
    let before = std::fs::read(&file).unwrap();
    let again = backup();
    assert_eq!(again.status.code(), Some(1));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        said.contains("already") && said.contains("name another one"),
        "{said}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::remove_file(&file).unwrap();
    let told = String::from_utf8(backup().stdout).unwrap();
    assert!(
        told.contains("master.key") && told.contains("photos"),
        "{told}"
    );
    server.kill();

    std::fs::create_dir(&copy).unwrap();
    std::fs::rename(&file, copy.join("heraldo.db")).unwrap();
    std::fs::copy(data.join("master.key"), copy.join("master.key")).unwrap();
    let server = Setup::serve(&copy).start();
    let api = server.api_with(&api.key);
    assert_eq!(api.secret(&webhook), secret);
    api.patch(&path, json!({ "status": "enabled" }));
    receiver.wait("what waited in the copy", |got| {
        let got: HashSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
        accepted.iter().all(|id| got.contains(id.as_str()))
    });
}

#[test]
fn migrate_says_what_was_done_and_metrics_what_happened() {
    let folder = tempdir().unwrap();
    let mut nowhere = heraldo();
    nowhere
        .arg("migrate")
        .env("HERALDO_DATA_DIR", folder.path().join("none"));
    let refused = run(nowhere, b"");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--data-dir"));

    let receiver = Receiver::ok();
    let data = folder.path().join("data");
    let server = Setup::serve(&data).start();
    let api = server.api();
    api.webhook(&receiver.url());
    api.publish("inspection_started", "f00000000000000000000001");
    receiver.wait_for(1);
    let done = answer_of(&data, &["migrate"]);
    assert_eq!(
        (&done["from"], &done["migrations"]),
        (&done["to"], &json!([]))
    );
    eventually("the attempt is counted", || {
        let page = api.call("GET", "/metrics", None).unwrap();
        let page = String::from_utf8(page.body).unwrap();
        let delivered = page.contains("heraldo_attempts_total{outcome=\"delivered\"} 1\n");
        (delivered && page.contains("heraldo_deliveries_pending 0\n")).then_some(())
    });
}
