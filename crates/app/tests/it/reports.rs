//! Reports with a real process: a signed callback to a receiver that fails first, and documents that outlive a
//! kill.

use heraldo_wire::signature::{Secret, Signer};
use serde_json::json;
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::Setup;
use crate::receiver::{Reaction, Received, Receiver};

/// Refuses the first call to `/report`, so that it has to come again.
fn refuses_once() -> Receiver {
    let refused = std::sync::atomic::AtomicBool::new(false);
    Receiver::new(move |_| {
        if refused.swap(true, std::sync::atomic::Ordering::SeqCst) {
            Reaction::Status(200)
        } else {
            Reaction::Status(503)
        }
    })
}

#[test]
fn a_report_is_called_back_signed_until_it_is_taken_and_its_documents_can_be_fetched() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let hook = Receiver::ok();
    let secret = api.secret(&api.webhook(&hook.url()));
    let desk = refuses_once();
    let made = api.inspection();
    let path = format!("/v1/inspection/{}/report/request", made.id);
    let report = text(&api.post(201, &path, json!({ "callbackURL": desk.url() }))["_id"]);
    // A kill loses neither the report nor the call.
    let key = api.key.clone();
    server.kill();
    let server = Setup::serve(folder.path()).start();
    let api = server.api_with(&key);

    let calls = desk.wait_for(2);
    let signer = Signer::new(&Secret::parse(secret).unwrap());
    for call in &calls {
        assert_eq!(call.header("webhook-id"), format!("report_{report}"));
        assert_eq!(
            call.header("autoinspector-signature"),
            signer.sign_body(&call.body).as_str()
        );
    }
    let told = calls.last().map(Received::json).unwrap();
    assert_eq!(told["_id"], report);
    assert_eq!(told["inspectionId"], made.id);
    assert_eq!(told["status"], "completed");
    let shown = api.get(&format!("{path}/{report}"));
    assert_eq!(shown["completedAt"], told["completedAt"]);

    let anybody = Api::new(api.address, "");
    for (url, kind, start) in [
        (&shown["result"]["url"], "application/pdf", "%PDF-"),
        (
            &shown["result"]["htmlUrl"],
            "text/html; charset=utf-8",
            "<!doctype html>",
        ),
    ] {
        let url = text(url);
        let (_, path) = url.split_once("/files/").unwrap();
        let answer = anybody
            .call("GET", &format!("/files/{path}"), None)
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some(kind));
        assert!(answer.body.starts_with(start.as_bytes()));
    }
}
