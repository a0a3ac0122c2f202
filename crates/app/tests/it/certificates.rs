//! Webhooks with certificates of their own, and the egress proxy, from the API to the receiver.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::process::{Setup, heraldo, run};
use crate::receiver::Receiver;
use crate::tls::{Authority, answer_all, listening, listening_tls, read_request};

const INSPECTION: &str = "651ae032ff786d198dfa4ce4";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn a_webhook_shows_its_client_certificate_and_its_key_is_never_read_back() {
    let folder = tempdir().unwrap();
    let mut server = Setup::serve(folder.path()).start();
    let api = server.api();
    let (own, clients) = (Authority::named("own"), Authority::named("clients"));
    let config = own.server(&["http/1.1"], |_| {}, Some(&clients));
    let receiver = listening_tls(config, |stream| answer_all(stream, OK));
    let url = format!("https://{receiver}/");
    let id = api.webhook_with(&url, json!({ "tls": { "ca": own.pem() } }));
    let path = format!("/v1/notification/webhook/{id}");
    let last = |event: &str| {
        let attempts = api.settled(event)["attempts"].take();
        attempts.as_array().unwrap().last().unwrap().clone()
    };

    let attempt = last(&api.publish("inspection_started", INSPECTION));
    assert_eq!(attempt["errorClass"], "tls", "{attempt}");
    let words = attempt["error"].as_str().unwrap();
    assert!(words.contains("tls.clientCertificate"), "{words}");

    let (certificate, key) = clients.client();
    let both = json!({ "clientCertificate": certificate, "clientKey": key });
    let changed = api.patch(&path, json!({ "tls": both }));
    assert_eq!(changed["tls"]["ca"], own.pem(), "what is left out stays");
    assert_eq!(changed["tls"]["clientCertificate"], certificate);
    assert!(!changed.to_string().contains("PRIVATE KEY"));
    let attempt = last(&api.publish("inspection_started", INSPECTION));
    assert_eq!(attempt["outcome"], "delivered", "{attempt}");

    let refused = |tls: Value, part: &str| {
        let answer = api.call("PATCH", &path, Some(&json!({ "tls": tls })));
        let answer = answer.unwrap();
        assert_eq!(answer.status, 400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(part), "{detail}");
    };
    refused(json!({ "ca": "x" }), "`tls.ca` holds no certificate");
    refused(json!({ "clientKey": clients.client().1 }), "is not the key");
    refused(json!({ "clientKey": null }), "belong together");
    refused(json!({ "clientKey": "" }), "`tls.clientKey` is empty");
    refused(json!({ "ca": "x".repeat(32 * 1024 + 1) }), "32768 bytes");
    let http = api.call(
        "PATCH",
        &path,
        Some(&json!({ "endpoint": "http://127.0.0.1:9/" })),
    );
    assert!(http.unwrap().json()["detail"].to_string().contains("https"));

    // A new start opens what was sealed.
    let logged = server.stop_and_read().join("\n");
    let database = std::fs::read(folder.path().join("heraldo.db")).unwrap();
    let middle = &key.lines().nth(1).unwrap()[..32];
    for (place, bytes) in [("log", logged.as_bytes()), ("database", &*database)] {
        let found = bytes
            .windows(middle.len())
            .any(|window| window == middle.as_bytes());
        assert!(!found, "the private key lies open in the {place}");
    }
    let server = Setup::serve(folder.path()).start();
    let api = server.api_with(&api.key);
    let event = api.publish("inspection_started", INSPECTION);
    assert_eq!(api.settled(&event)["status"], "delivered");
    assert_eq!(api.patch(&path, json!({ "tls": null }))["tls"], Value::Null);
}

#[test]
fn a_receiver_that_asks_for_a_certificate_is_challenged_with_it() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let (own, clients) = (Authority::named("own"), Authority::named("clients"));
    let config = own.server(&["http/1.1"], |_| {}, Some(&clients));
    let receiver = listening_tls(config, |stream| {
        let mut reader = BufReader::new(stream);
        let asked: Value = serde_json::from_slice(&read_request(&mut reader)?)?;
        let echo = json!({ "challenge": asked["payload"]["challenge"] }).to_string();
        let length = echo.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{echo}");
        reader.get_mut().write_all(answer.as_bytes())
    });
    let (certificate, key) = clients.client();
    let body = |tls: Value| {
        json!({ "endpoint": format!("https://{receiver}/"), "events": ["inspection_started"],
            "challenge": true, "tls": tls })
    };
    let strange = json!({ "ca": own.pem() });
    let refused = api.post(400, "/v1/notification/webhook", body(strange));
    assert_eq!(refused["code"], "challenge_failed", "{refused}");
    let known = json!({ "ca": own.pem(), "clientCertificate": certificate, "clientKey": key });
    api.post(201, "/v1/notification/webhook", body(known));
}

/// A proxy that opens every tunnel, and counts them.
fn proxy() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let counting = opened.clone();
    let address = listening(move |stream| {
        let mut reader = BufReader::new(stream);
        let (mut first, mut line) = (String::new(), String::new());
        reader.read_line(&mut first)?;
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        let to = first.split(' ').nth(1).unwrap();
        let mut peer = TcpStream::connect(to)?;
        counting.fetch_add(1, Ordering::SeqCst);
        let mut stream = reader.into_inner();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let (mut from, mut back) = (stream.try_clone()?, peer.try_clone()?);
        std::thread::spawn(move || std::io::copy(&mut from, &mut peer).ok());
        std::io::copy(&mut back, &mut stream).map(drop)
    });
    (address, opened)
}

#[test]
fn receivers_are_called_through_the_egress_proxy_and_the_doctor_knows_it() {
    let (proxy, opened) = proxy();
    let url = format!("http://user:s3cret@{proxy}");
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path()).env("HERALDO_EGRESS_PROXY", url.clone());
    let mut server = setup.env("HERALDO_LOG", "debug").start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    api.publish("inspection_started", INSPECTION);
    receiver.wait_for(1);
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    let logged = server.stop_and_read().join("\n");
    assert!(!logged.contains("s3cret") && !logged.contains("dXNlcjpzM2NyZXQ"));

    let doctor = |url: &str| {
        let mut command = heraldo();
        command.arg("doctor").arg("--data-dir").arg(folder.path());
        command.args(["--listen", "127.0.0.1:0"]);
        command.env("HERALDO_EGRESS_PROXY", url);
        String::from_utf8(run(command, b"").stdout).unwrap()
    };
    let well = doctor(&url);
    assert!(
        well.contains(&format!("{proxy} takes connections")),
        "{well}"
    );
    assert!(!well.contains("s3cret"));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    let report = doctor(&format!("http://{closed}"));
    assert!(report.contains("cannot be reached"), "{report}");
    let wrong = doctor("https://user:s3cret@proxy.example");
    assert!(wrong.contains("egress_proxy") && wrong.contains("over http only"));
    assert!(!wrong.contains("s3cret"), "{wrong}");
}
