//! The example receivers against a real server, as the page of a webhook shows them.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use heraldo_wire::signature::{Secret, Signer};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::client::read_answer;
use crate::process::{Lines, Server, Setup};

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

/// The receiver that the page of a webhook shows, as it is copied.
fn shown(server: &Server, webhook: &str, language: &str) -> String {
    let lines = server.out.all().join(" ");
    let mut words = lines.split_whitespace();
    let link = words.find(|word| word.contains("/signin?token=")).unwrap();
    let token = link.split("token=").nth(1).unwrap();
    let api = server.api();
    let form = format!("token={token}");
    let kind = "application/x-www-form-urlencoded";
    let signed_in = api.raw("POST", "/signin", kind, form.as_bytes()).unwrap();
    let cookie = signed_in.header("set-cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let request = format!(
        "GET /dashboard/webhooks/{webhook}/receiver?in={language} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\r\n",
        server.address()
    );
    let page = api.send(request.as_bytes()).unwrap();
    let page = String::from_utf8(page.body).unwrap();
    let code = page.split("<code id=\"code\">").nth(1).unwrap();
    let code = code.split("</code>").next().unwrap();
    ["<", ">", "\"", "'", "&"]
        .iter()
        .fold(code.to_owned(), |code, sign| {
            code.replace(&format!("&#{};", u32::from(sign.as_bytes()[0])), sign)
        })
}

/// A server with a webhook, and the receiver that its page shows, kept in a file.
struct Shown {
    folder: TempDir,
    server: Server,
    webhook: String,
    code: String,
}

impl Shown {
    fn new(language: &str) -> Self {
        let folder = tempdir().unwrap();
        let server = Setup::serve(folder.path()).start();
        // The receiver wants its secret first, so that its address comes later.
        let webhook = server.api().webhook("https://example.com/webhook");
        let code = shown(&server, &webhook, language);
        Self {
            folder,
            server,
            webhook,
            code,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, &self.code).unwrap();
        path
    }
}

/// An inspection's events are accepted; what is forged, and what is signed but is no event, is not.
fn check(shown: &Shown, command: Command) {
    let Shown {
        server, webhook, ..
    } = shown;
    let api = server.api();
    let secret = api.secret(webhook);
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
    let shown = Shown::new("node");
    let mut node = Command::new("node");
    node.arg(shown.file("receiver.mjs"));
    check(&shown, node);
}

#[test]
fn the_receiver_in_python_accepts_what_is_signed_and_refuses_what_is_forged() {
    let shown = Shown::new("python");
    let mut python = Command::new("python3");
    python.arg(shown.file("receiver.py"));
    check(&shown, python);
}

#[test]
fn the_receiver_in_rust_accepts_what_is_signed_and_refuses_what_is_forged() {
    let shown = Shown::new("rust");
    let example = workspace().join("examples/receiver-rust/src/main.rs");
    assert_eq!(shown.code, std::fs::read_to_string(example).unwrap());
    // Built first, however long that takes: only its start is waited for with a limit.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "receiver-rust"])
        .current_dir(workspace())
        .status()
        .unwrap();
    assert!(built.success(), "the example does not build");
    let beside = Path::new(env!("CARGO_BIN_EXE_heraldo")).with_file_name("receiver-rust");
    check(&shown, Command::new(beside));
}
