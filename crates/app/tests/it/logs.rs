//! What is in the logs, and what never is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};

/// Ours and that of everybody whom we let work with secrets and bodies.
const EVERYTHING: &str = "trace,hyper=trace,hyper_util=trace,h2=trace,axum=trace,tower=trace";

/// Begins to speak HTTP/2, whose library says much, and waits for the server's first frame.
fn speak_http2(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    let no_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    stream.write_all(&no_settings).unwrap();
    stream.read_exact(&mut [0; 9]).unwrap();
}

#[test]
fn no_secret_is_in_the_logs_of_a_busy_run_at_debug() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path())
        .env("HERALDO_LOG", EVERYTHING)
        .env("HERALDO_RETRY_SCHEDULE", "10ms");
    let mut server = setup.start();
    let api = server.api();
    let wrong = Api::new(api.address, "hk_live_somebody_elses_key");
    let mut secrets = vec![api.key.clone(), wrong.key.clone()];
    let receiver = Receiver::new(|received| {
        Reaction::Status(if received.header("autoinspector-attempt") == "1" {
            500
        } else {
            200
        })
    });
    let webhook = api.webhook_with(
        &receiver.url(),
        json!({ "headers": { "authorization": "Bearer sesame" } }),
    );
    secrets.push("Bearer sesame".to_owned());
    secrets.push(api.secret(&webhook));
    let rotate = format!("/v1/notification/webhook/{webhook}/secret/rotate");
    secrets.push(text(
        &api.post(200, &rotate, json!({ "overlapSeconds": 60 }))["secret"],
    ));
    let mut codes = Vec::new();
    for number in 0..20 {
        let made = api.inspection_with(json!({
            "consumer": { "email": format!("consumer{number}@example.com") },
            "metadata": { "policy": format!("policy-of-nobody-{number}") },
        }));
        let page = format!("/inspection/{}?accessCode={}", made.id, made.access_code);
        assert_eq!(wrong.call("GET", &page, None).unwrap().status, 200);
        let access = format!("/v1/inspection/{}/access", made.id);
        let wrong_code = json!({ "accessCode": "not it" });
        assert_eq!(
            wrong
                .call("POST", &access, Some(&wrong_code))
                .unwrap()
                .status,
            403
        );
        api.post(200, &access, json!({ "accessCode": made.access_code }));
        api.post(
            200,
            &format!("/v1/inspection/finish/{}", made.id),
            json!({}),
        );
        assert_eq!(
            wrong.call("GET", "/v1/inspection", None).unwrap().status,
            401
        );
        api.raw(
            "POST",
            "/v1/inspection/car",
            "application/json",
            b"{\"templateId\": sesame",
        )
        .unwrap();
        codes.push(made.access_code);
    }
    // Created and started are sent once, completed twice.
    for received in receiver.wait_for(20 * 4) {
        secrets.push(received.header("autoinspector-signature").to_owned());
        let signatures = received.header("webhook-signature").split(' ');
        secrets.extend(signatures.map(|signature| signature.trim_start_matches("v1,").to_owned()));
    }
    secrets.extend(["consumer7@example.com", "policy-of-nobody", "accessCode="].map(str::to_owned));
    let token = server.out.all().iter().find_map(|line| {
        line.split_once("token=")
            .map(|(_, rest)| rest.split(' ').next().unwrap().to_owned())
    });
    secrets.push(token.unwrap());
    let key_file = std::fs::read_to_string(folder.path().join("master.key")).unwrap();
    secrets.push(key_file.trim().to_owned());
    let lines = server.stop_and_read();
    assert!(lines.len() > 100, "it said little: {lines:#?}");
    for line in &lines {
        for secret in &secrets {
            assert!(!line.contains(secret), "a secret is in: {line}");
        }
        let mut words = line.split(|letter: char| !letter.is_alphanumeric());
        let code = words.find(|word| codes.iter().any(|code| code == word));
        assert_eq!(code, None, "an access code is in: {line}");
    }
}

#[test]
fn lines_are_json_when_nobody_reads_them_on_a_terminal_and_text_on_request() {
    let folder = tempdir().unwrap();
    let stopped = |format: &str| {
        let mut server = Setup::serve(folder.path())
            .env("HERALDO_LOG_FORMAT", format)
            .start();
        server.signal("INT");
        assert!(server.end().success());
        server.err.all()
    };
    for line in stopped("auto") {
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert!(
            parsed["level"].is_string() && parsed["message"].is_string(),
            "{line}"
        );
    }
    let text = stopped("text");
    assert!(
        text.iter()
            .any(|line| line.contains("INFO") && !line.starts_with('{')),
        "{text:?}"
    );
}

#[test]
fn no_line_shows_where_the_program_was_built() {
    let folder = tempdir().unwrap();
    let everything = format!("{EVERYTHING},rusqlite_migration=trace,log=trace");
    let mut server = Setup::serve(folder.path())
        .env("HERALDO_LOG", everything)
        .start();
    speak_http2(server.address());
    let lines = server.stop_and_read();
    assert!(lines.len() > 10, "it said little: {lines:#?}");
    for line in lines {
        for part in [".cargo", "/registry/", env!("CARGO_MANIFEST_DIR")] {
            assert!(!line.contains(part), "{line}");
        }
    }
}

#[test]
fn others_log_warnings_only_unless_they_are_named() {
    let folder = tempdir().unwrap();
    let others = |filter: &str| {
        let mut server = Setup::serve(folder.path())
            .env("HERALDO_LOG", filter)
            .start();
        speak_http2(server.address());
        let lines = server.stop_and_read();
        let theirs = |line: &&String| {
            let parsed: Value = serde_json::from_str(line).unwrap();
            !text(&parsed["target"]).starts_with("heraldo")
        };
        assert!(!lines.iter().all(|line| theirs(&line)), "ours are there");
        lines.iter().filter(theirs).count()
    };
    assert_eq!(others("trace"), 0);
    assert!(others("info,h2=trace") > 0);
}
