//! The example receivers (`receiver-node`, `receiver-rust`) against a real server.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use heraldo_wire::signature::{Secret, Signer};
use serde_json::json;
use tempfile::tempdir;

use crate::client::read_answer;
use crate::process::{Lines, Setup};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// An example that runs. Dropping it ends it.
struct Running {
    child: Child,
    out: Lines,
    url: String,
}

impl Running {
    fn start(mut command: Command, secret: &str) -> Self {
        let mut child = command
            .env("AUTOINSPECTOR_WEBHOOK_SECRET", secret)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, _) = Lines::of(child.stdout.take().unwrap());
        let line = out.wait_for("listening on ").expect("it starts");
        let url = line.trim_start_matches("listening on ").to_owned();
        Self { child, out, url }
    }

    /// Posts a body and returns the status of the answer.
    fn post(&self, signature: &str, body: &str) -> u16 {
        let authority = self
            .url
            .trim_start_matches("http://")
            .trim_end_matches("/webhook");
        let mut stream = TcpStream::connect(authority).unwrap();
        let request = format!(
            "POST /webhook HTTP/1.1\r\nhost: {authority}\r\nautoinspector-signature: {signature}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = std::io::BufReader::new(stream);
        read_answer(&mut reader).unwrap().status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An inspection's events are accepted; what is forged, and what is signed but is no event, is not.
fn check(command: Command) {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    // The receiver wants its secret first, so that its address comes later.
    let webhook = api.webhook("https://example.com/not-yet");
    let secret = api.secret(&webhook);
    let receiver = Running::start(command, &secret);
    api.patch(
        &format!("/v1/notification/webhook/{webhook}"),
        json!({ "endpoint": receiver.url }),
    );
    let made = api.inspection();
    let line = receiver
        .out
        .wait_for("received: inspection_created")
        .unwrap();
    let id = line.rsplit(' ').next().unwrap();
    assert!(line.contains(&made.id), "{line}");
    let delivery = api.settled(id);
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(
        delivery["attempts"][0]["responseBody"],
        r#"{"received":true}"#
    );
    api.post(
        200,
        &format!("/v1/inspection/{}/access", made.id),
        json!({ "accessCode": made.access_code }),
    );
    receiver
        .out
        .wait_for("unhandled: inspection_started")
        .unwrap();
    let right = r#"{"event":"inspection_completed","payload":{}}"#;
    assert_eq!(receiver.post(&"0".repeat(64), right), 400);
    receiver
        .out
        .wait_for("refused: The signature provided in the request is not valid")
        .unwrap();
    let signer = Signer::new(&Secret::parse(&secret).unwrap());
    for odd in [
        "null",
        "[]",
        "5",
        "\"text\"",
        "{}",
        "{",
        "",
        r#"{"event":null,"payload":{}}"#,
        r#"{"event":"inspection_completed"}"#,
        r#"{"event":"inspection_completed","payload":null}"#,
    ] {
        let signature = signer.sign_body(odd.as_bytes());
        assert_eq!(receiver.post(signature.as_str(), odd), 400, "{odd}");
    }
    let signature = signer.sign_body(right.as_bytes());
    assert_eq!(receiver.post(signature.as_str(), right), 200);
}

#[test]
fn the_receiver_in_node_accepts_what_is_signed_and_refuses_what_is_forged() {
    let mut node = Command::new("node");
    node.arg(workspace().join("examples/receiver-node/receiver.mjs"));
    check(node);
}

#[test]
fn the_receiver_in_rust_accepts_what_is_signed_and_refuses_what_is_forged() {
    // Built first, however long that takes: only its start is waited for with a limit.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "receiver-rust"])
        .current_dir(workspace())
        .status()
        .unwrap();
    assert!(built.success(), "the example does not build");
    let beside = Path::new(env!("CARGO_BIN_EXE_heraldo")).with_file_name("receiver-rust");
    check(Command::new(beside));
}
