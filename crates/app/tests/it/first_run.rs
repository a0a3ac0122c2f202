//! The first minutes: what is printed works as pasted.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;
use tempfile::tempdir;

use crate::client::text;
use crate::process::{Setup, run};
use crate::waiting::eventually;

fn dev(data_dir: &std::path::Path) -> Setup<'_> {
    let mut setup = Setup::serve(data_dir);
    setup.command = "dev";
    setup
        .env
        .retain(|(name, _)| *name != "HERALDO_ALLOW_NETWORKS");
    setup
}

fn curl_lines(lines: &[String]) -> Vec<String> {
    lines
        .iter()
        .filter(|line| line.starts_with("  curl "))
        .cloned()
        .collect()
}

/// Runs a line in a shell, as a person who pastes it does.
fn paste(line: &str, key: Option<&str>) -> Value {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]);
    if let Some(key) = key {
        shell.env("HERALDO_API_KEY", key);
    }
    let output = run(shell, b"");
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_three_lines_work_as_pasted_and_the_sample_receiver_shows_the_event() {
    let folder = tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = dev(&data_dir).start();
    server.out.wait_for("Ctrl-C stops").unwrap();
    let lines = curl_lines(&server.out.all());
    let [webhook, inspection, deliveries] = &lines[..] else {
        panic!("{lines:?}")
    };
    let webhook = text(&paste(webhook, None)["_id"]);
    let inspection = text(&paste(inspection, None)["inspectionId"]);
    let shown = server.out.wait_for("received  inspection_created").unwrap();
    assert!(
        shown.contains(&inspection) && shown.contains("both signatures verified"),
        "{shown}"
    );
    let delivery = eventually("the delivery is settled", || {
        let list = paste(deliveries, None);
        let delivery = list["data"].as_array()?.first()?.clone();
        (delivery["status"] == "delivered").then_some(delivery)
    });
    assert_eq!(delivery["webhookId"], webhook);
    assert_eq!(delivery["inspectionId"], inspection);
    assert_eq!(
        delivery["lastAttempt"]["responseBody"],
        r#"{"received":true}"#
    );

    // The second run shows no key, says how to make one, and its receiver is where the webhook expects it.
    assert!(server.stop().success());
    let server = dev(&data_dir).start();
    server.out.wait_for("Ctrl-C stops").unwrap();
    let all = server.out.all();
    assert!(all.iter().all(|line| !line.contains("hk_live_")), "{all:?}");
    let command = all
        .iter()
        .find(|line| line.contains("key create"))
        .unwrap()
        .replace("export ", "");
    let output = run(
        {
            let mut shell = Command::new("sh");
            shell.args([
                "-c",
                &format!("{} && printf %s \"$HERALDO_API_KEY\"", command.trim()),
            ]);
            shell
        },
        b"",
    );
    let key = String::from_utf8(output.stdout).unwrap();
    assert!(key.starts_with("hk_live_") && key.len() == 56, "{key}");
    let inspection = text(&paste(&curl_lines(&all)[1], Some(&key))["inspectionId"]);
    let shown = server.out.wait_for(&inspection).unwrap();
    assert!(shown.contains("both signatures verified"), "{shown}");
}

#[test]
fn the_sample_receiver_refuses_what_is_not_signed() {
    let folder = tempdir().unwrap();
    let server = dev(folder.path()).start();
    let line = server.out.wait_for("receiver ").unwrap();
    let url = line.split_whitespace().nth(1).unwrap().to_owned();
    let mut curl = Command::new("curl");
    curl.args([
        "-sS",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-d",
        "{}",
        &url,
    ]);
    assert_eq!(run(curl, b"").stdout, b"400");
    let refused = server.out.wait_for("refused").unwrap();
    assert!(
        refused.contains("The signature provided in the request is not valid"),
        "{refused}"
    );
}

#[test]
fn serve_prints_the_key_and_the_links_once_and_never_again() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let server = setup.start();
    let all = server.out.all().join("\n");
    for part in ["hk_live_", "/signin?token=si_", "dashboard", "company"] {
        assert!(all.contains(part), "{all} lacks {part}");
    }
    assert_eq!(server.api().get("/health/ready")["status"], "ok");
    let address = std::fs::read_to_string(folder.path().join("address")).unwrap();
    assert_eq!(address, format!("{}\n", server.address()));
    assert!(server.stop().success());
    assert!(!folder.path().join("address").exists());
    let server = setup.start();
    assert_eq!(server.out.all().len(), 1, "{:?}", server.out.all());
}

#[test]
fn what_is_written_beside_the_database_is_nobody_elses_whatever_the_umask() {
    let folder = tempdir().unwrap();
    let server = dev(folder.path()).before("umask 000").start();
    for name in ["address", "sample-receiver-port", "master.key"] {
        let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(server.stop().success());
}

#[test]
fn receivers_on_loopback_are_refused_by_serve_unless_they_are_allowed() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_ALLOW_NETWORKS", "none")
        .start();
    let body =
        serde_json::json!({ "endpoint": "http://127.0.0.1:1/", "events": ["inspection_created"] });
    let problem = server.api().post(400, "/v1/notification/webhook", body);
    assert_eq!(problem["code"], "invalid_url");
}
