//! The example receivers against a real server, as the page of a webhook shows them.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use heraldo_wire::signature::{Secret, Signer};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::client::{read_answer, text};
use crate::process::{Lines, Server, Setup};
use crate::receiver::{Received, Receiver};
use crate::tools::{bring, python_tool};

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
        let line = out.wait_for("http://127.0.0.1:").expect("it starts");
        let (_, address) = line.split_once("http://").unwrap();
        let address = address.split(['/', ')']).next().unwrap();
        let url = format!("http://{address}/webhook");
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

    /// What the page shows is what lies in `examples`.
    fn is_the_example(&self, path: &str) {
        let example = std::fs::read_to_string(workspace().join("examples").join(path));
        assert_eq!(self.code, example.unwrap());
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
    shown.is_the_example("receiver-node/receiver.mjs");
    let mut node = Command::new("node");
    node.arg(shown.file("receiver.mjs"));
    check(&shown, node);
}

#[test]
fn the_receiver_in_python_accepts_what_is_signed_and_refuses_what_is_forged() {
    let shown = Shown::new("python");
    shown.is_the_example("receiver-python/receiver.py");
    let mut python = Command::new("python3");
    python.arg(shown.file("receiver.py"));
    check(&shown, python);
}

#[test]
fn the_receiver_in_php_accepts_what_is_signed_and_refuses_what_is_forged() {
    let shown = Shown::new("php");
    shown.is_the_example("receiver-php/receiver.php");
    // Its server says everything among its errors.
    let mut php = Command::new("sh");
    php.args(["-c", "exec php -S 127.0.0.1:0 \"$0\" 2>&1"]);
    php.arg(shown.file("receiver.php"));
    check(&shown, php);
}

/// A program of the example in Rust. Built first, however long that takes: only its start is waited for with a limit.
fn built_in_rust(program: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "receiver-rust"])
        .current_dir(workspace())
        .status()
        .unwrap();
    assert!(built.success(), "the example does not build");
    Path::new(env!("CARGO_BIN_EXE_heraldo")).with_file_name(program)
}

#[test]
fn the_receiver_in_rust_accepts_what_is_signed_and_refuses_what_is_forged() {
    let shown = Shown::new("rust");
    shown.is_the_example("receiver-rust/src/main.rs");
    check(&shown, Command::new(built_in_rust("receiver-rust")));
}

/// Runs a verifier with what came to a receiver, whole, and with what somebody changed on the way.
fn check_verifier(mut command: impl FnMut() -> Command) {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let webhook = api.webhook_with(&receiver.url(), json!({"asymmetricSignature": true}));
    let public_keys = || {
        let path = format!("/v1/notification/webhook/{webhook}/public-key");
        let keys = api.get(&path)["data"].as_array().unwrap().clone();
        let keys: Vec<String> = keys.iter().map(|key| text(&key["publicKey"])).collect();
        keys.join(" ")
    };
    let mut verify = |received: &Received, timestamp: &str, body: &[u8], keys: &str| {
        let mut command = command();
        let mut child = command
            .args([received.header("webhook-id"), timestamp])
            .arg(received.header("webhook-signature"))
            .env("AUTOINSPECTOR_WEBHOOK_PUBLIC_KEY", keys)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(body).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(
            said.starts_with(if output.status.success() {
                "verified"
            } else {
                "refused: "
            }),
            "{said}"
        );
        output.status.success()
    };
    let first_key = public_keys();
    api.inspection();
    let got = &receiver.wait_for(1)[0];
    let timestamp = got.header("webhook-timestamp").to_owned();
    assert!(verify(got, &timestamp, &got.body, &first_key));
    let mut forged = got.body.clone();
    forged.push(b' ');
    assert!(!verify(got, &timestamp, &forged, &first_key));
    let later = (timestamp.parse::<u64>().unwrap() + 1).to_string();
    assert!(!verify(got, &later, &got.body, &first_key), "another time");
    assert!(
        !verify(got, "1000000000", &got.body, &first_key),
        "a replay"
    );

    // While two secrets are valid, either key will do; afterwards only the new one.
    let rotate = format!("/v1/notification/webhook/{webhook}/secret/rotate");
    api.post(200, &rotate, json!({"overlapSeconds": 3_600}));
    api.inspection();
    let got = &receiver.wait_for(2)[1];
    let timestamp = got.header("webhook-timestamp").to_owned();
    let both = public_keys();
    assert_eq!(both.split(' ').count(), 2);
    for key in both.split(' ').chain([both.as_str()]) {
        assert!(verify(got, &timestamp, &got.body, key), "{key}");
    }
    api.post(200, &rotate, json!({"overlapSeconds": 0}));
    api.inspection();
    let got = &receiver.wait_for(3)[2];
    let timestamp = got.header("webhook-timestamp").to_owned();
    assert!(verify(got, &timestamp, &got.body, &public_keys()));
    assert!(!verify(got, &timestamp, &got.body, &both), "old keys");
}

fn verifier(program: impl AsRef<std::ffi::OsStr>, file: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(workspace().join("examples/verify-ed25519").join(file));
    command
}

#[test]
fn the_public_key_verifies_in_node_what_was_signed_and_nothing_else() {
    check_verifier(|| verifier("node", "verify.mjs"));
}

#[test]
fn the_public_key_verifies_in_php_what_was_signed_and_nothing_else() {
    check_verifier(|| verifier("php", "verify.php"));
}

#[test]
fn the_public_key_verifies_in_python_what_was_signed_and_nothing_else() {
    let python = python_tool("python");
    let imports = Command::new(&python)
        .args(["-c", "import cryptography"])
        .output();
    if !imports.unwrap().status.success() {
        bring();
    }
    check_verifier(|| verifier(&python, "verify.py"));
}

#[test]
fn the_public_key_verifies_in_rust_what_was_signed_and_nothing_else() {
    let program = built_in_rust("verify-v1a");
    check_verifier(|| Command::new(&program));
}
