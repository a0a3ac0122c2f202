//! Requests that are carried out once however often they come, also at the same moment.

use std::sync::Barrier;

use serde_json::json;
use tempfile::tempdir;

use crate::client::{Answer, Api};
use crate::process::Setup;
use crate::receiver::Receiver;

/// Sends a request with an idempotency key.
pub fn post(api: &Api, path: &str, key: &str, body: &str) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nidempotency-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        api.key,
        body.len()
    );
    api.send(head.as_bytes()).unwrap()
}

#[test]
fn the_same_request_with_the_same_key_is_carried_out_once() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let request = |body: &str| post(&api, "/v1/inspection/car", "same", body);
    let first = request(r#"{"templateId":"easy"}"#);
    let second = request(r#"{"templateId":"easy"}"#);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    let other = request(r#"{"templateId":"easy","metadata":{"a":"b"}}"#);
    assert_eq!(
        (other.status, other.json()["code"].clone()),
        (409, json!("idempotency_conflict"))
    );
    receiver.wait_for(1);
    assert_eq!(api.get("/v1/inspection")["totalInspections"], 1);
}

#[test]
fn of_the_same_request_from_many_at_the_same_moment_one_is_carried_out() {
    const CALLERS: usize = 8;
    const ROUNDS: usize = 10;
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let publish =
        json!({ "event": "image_processed", "payload": { "_id": "651ae032ff786d198dfa4ce4" } });
    let webhook = json!({ "endpoint": "https://r.example.com", "events": ["image_processed"] });
    for round in 0..ROUNDS {
        for (path, body) in [
            ("/v1/inspection/car", r#"{"templateId":"easy"}"#.to_owned()),
            ("/v1/notification/event", publish.to_string()),
            ("/v1/notification/webhook", webhook.to_string()),
        ] {
            let together = Barrier::new(CALLERS);
            let answers: Vec<Answer> = std::thread::scope(|scope| {
                let callers: Vec<_> = (0..CALLERS)
                    .map(|_| {
                        scope.spawn(|| {
                            let api = Api::new(server.address(), &api.key);
                            together.wait();
                            post(&api, path, &format!("round-{round}"), &body)
                        })
                    })
                    .collect();
                callers
                    .into_iter()
                    .map(|caller| caller.join().unwrap())
                    .collect()
            });
            let fresh = |answer: &&Answer| answer.header("idempotency-replayed").is_none();
            assert_eq!(answers.iter().filter(fresh).count(), 1, "{path}");
            for answer in &answers {
                assert!((200..300).contains(&answer.status), "{path} {answer:?}");
                assert_eq!(answer.body, answers[0].body, "{path}");
            }
        }
    }
    assert_eq!(api.get("/v1/inspection")["totalInspections"], ROUNDS);
}
