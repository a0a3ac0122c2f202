//! `heraldo listen` and `heraldo trigger`.

use std::process::{Child, Stdio};

use heraldo_wire::signature::{Envelope, Secret, verify_body, verify_standard};
use heraldo_wire::time::Timestamp;
use serde_json::json;
use tempfile::tempdir;

use crate::process::{Lines, Server, Setup, heraldo, run};
use crate::receiver::Receiver;

/// A running `heraldo listen`. Dropping it kills it.
struct Listener {
    child: Child,
    out: Lines,
}

impl Listener {
    fn start(arguments: &[&str]) -> Self {
        let mut command = heraldo();
        let mut child = command
            .arg("listen")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, _) = Lines::of(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn secret(&self) -> Secret {
        let line = self.out.wait_for("whsec_").expect("it shows a secret");
        Secret::parse(line.trim()).unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Triggers an event as the given key and returns its id, or what it said.
fn trigger(server: &Server, key: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = heraldo();
    command
        .arg("trigger")
        .args(arguments)
        .env("HERALDO_URL", format!("http://{}/", server.address()))
        .env("HERALDO_API_KEY", key);
    let output = run(command, b"");
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() {
        Ok(said(output.stdout))
    } else {
        Err(said(output.stderr))
    }
}

#[test]
fn events_are_forwarded_signed_and_said_in_a_line_each_also_over_a_restart() {
    let folder = tempdir().unwrap();
    let first = Setup::serve(folder.path()).start();
    let (address, key) = (first.address(), first.api().key);
    first.api().inspection();
    let receiver = Receiver::ok();
    // Of a server on this machine the data folder says where it is.
    let listener = Listener::start(&[
        "--forward-to",
        &receiver.url(),
        "--events",
        "inspection_created,inspection_completed",
        "--data-dir",
        folder.path().to_str().unwrap(),
        "--api-key",
        &key,
    ]);
    let secret = listener.secret();
    let other = trigger(&first, &key, &["image_processed"]).unwrap();
    let id = trigger(&first, &key, &["inspection_completed"]).unwrap();
    let got = receiver.wait_for(1);
    assert_eq!(got[0].header("webhook-id"), id);
    assert_eq!(got[0].event(), "inspection_completed");
    assert_eq!(got[0].json()["payload"]["veredict"], "approved");
    assert!(verify_body(
        &secret,
        &got[0].body,
        got[0].header("autoinspector-signature")
    ));
    let timestamp = got[0].header("webhook-timestamp");
    let envelope = Envelope {
        id: &id,
        timestamp,
        body: &got[0].body,
    };
    let now = Timestamp::from_millis(timestamp.parse::<i64>().unwrap() * 1_000);
    let standard = got[0].header("webhook-signature");
    verify_standard(&secret, &envelope, standard, std::time::Duration::ZERO, now).unwrap();
    assert_eq!(got[0].header("autoinspector-sequence"), "1");
    let line = listener.out.wait_for(&id).unwrap();
    assert!(
        line.contains("inspection_completed") && line.contains("-> 200"),
        "{line}"
    );

    first.kill();
    listener.out.wait_for("trying again").unwrap();
    let again = Setup::serve(folder.path()).env("HERALDO_LISTEN", address.to_string());
    let again = again.start();
    let ids: Vec<String> = (0..3)
        .map(|_| trigger(&again, &key, &["inspection_created"]).unwrap())
        .collect();
    listener.out.wait_for("is back").unwrap();
    let got = receiver.wait_for(4);
    let came: Vec<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(
        came[1..],
        ids,
        "each once, in order, and nothing from before"
    );
    assert!(!came.contains(&other.as_str()));
}

#[test]
fn a_receiver_that_is_away_is_waited_for_and_one_that_fails_is_said() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let key = server.api().key;
    let url = format!("http://{}", server.address());
    // An address that nobody listens on, until somebody does.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let forward_to = format!("http://{address}/hook");
    let arguments = [
        "--forward-to",
        &forward_to,
        "--url",
        &url,
        "--api-key",
        &key,
    ];
    let listener = Listener::start(&arguments);
    listener.secret();
    let id = trigger(&server, &key, &["inspection_blocked"]).unwrap();
    listener.out.wait_for("cannot be connected to").unwrap();
    let receiver = Receiver::at(address, |_| crate::receiver::Reaction::Status(500));
    assert_eq!(receiver.wait_for(1)[0].header("webhook-id"), id);
    let line = listener.out.wait_for(&id).unwrap();
    assert!(line.contains("-> 500"), "{line}");
}

#[test]
fn a_trigger_reaches_every_subscribed_webhook_or_one_as_a_test() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let (one, other) = (Receiver::ok(), Receiver::ok());
    let webhook = api.webhook(&one.url());
    api.webhook(&other.url());
    let id = trigger(&server, &api.key, &["inspection_reviewed"]).unwrap();
    assert_eq!(one.wait_for(1)[0].header("webhook-id"), id);
    assert_eq!(other.wait_for(1)[0].header("webhook-id"), id);
    let id = trigger(
        &server,
        &api.key,
        &["image_processed", "--webhook", &webhook],
    )
    .unwrap();
    let got = one.wait_for(2);
    assert_eq!(
        (
            got[1].header("webhook-id"),
            got[1].header("autoinspector-test")
        ),
        (&*id, "true")
    );
    assert_eq!(other.all().len(), 1);
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let check = |key: &str, arguments: &[&str], says: &str| {
        let said = trigger(&server, key, arguments).unwrap_err();
        assert!(said.contains(says), "{said}");
    };
    check(&api.key, &["inspection_exploded"], "inspection_exploded");
    check("hk_wrong", &["inspection_created"], "x-api-key");
    check("", &["inspection_created"], "HERALDO_API_KEY");
    let narrow = json!({ "scopes": ["webhooks"], "name": "narrow" });
    let narrow = api.post(201, "/v1/account/key", narrow)["apiKey"].clone();
    check(
        narrow.as_str().unwrap(),
        &["inspection_created"],
        "`inspections`",
    );
    let elsewhere = ["inspection_created", "--url", "gopher://x"];
    check(&api.key, &elsewhere, "no address of a server");
    let empty = tempdir().unwrap();
    let mut command = heraldo();
    command.args([
        "listen",
        "--forward-to",
        "http://127.0.0.1:1/",
        "--api-key",
        "x",
        "--data-dir",
    ]);
    command.arg(empty.path());
    let output = run(command, b"");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no server runs"), "{said}");
}
