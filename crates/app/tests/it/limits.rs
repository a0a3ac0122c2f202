//! Bad input and too much of it: a clear 4xx each, never a 500, and nobody else is concerned.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Answer, Api};
use crate::process::Setup;
use crate::receiver::Receiver;

#[test]
fn a_hundred_wrong_keys_are_refused_and_the_right_one_keeps_working() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let wrong = Api::new(api.address, "hk_live_wrong");
    let mut statuses = Vec::new();
    for _ in 0..100 {
        let answer = wrong.call("GET", "/v1/inspection", None).unwrap();
        if answer.status == 429 {
            let wait: u64 = answer
                .header("retry-after")
                .expect("when to try again")
                .parse()
                .unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            assert_eq!(answer.json()["code"], "too_many_wrong_keys");
        }
        statuses.push(answer.status);
        api.get("/v1/inspection");
    }
    let (refused, limited) = statuses.split_at(20);
    assert!(refused.iter().all(|status| *status == 401), "{refused:?}");
    assert!(limited.iter().all(|status| *status == 429), "{limited:?}");
}

#[test]
fn behind_a_proxy_that_is_trusted_one_caller_does_not_use_up_the_tries_of_another() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_TRUSTED_PROXIES", "127.0.0.1")
        .env("HERALDO_WRONG_KEYS_PER_MINUTE", "1")
        .start();
    let proxy = Api::new(server.address(), "");
    let status = |caller: &str| {
        let head = format!(
            "GET /v1/inspection HTTP/1.1\r\nhost: x\r\nx-api-key: wrong\r\nx-forwarded-for: {caller}\r\n\r\n"
        );
        proxy.send(head.as_bytes()).unwrap().status
    };
    let callers = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "9.9.9.9, 192.0.2.2"];
    assert_eq!(callers.map(status), [401, 429, 401, 429]);
}

#[test]
fn wrong_access_codes_of_one_address_are_limited() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path()).env("HERALDO_MAX_ACCESS_ATTEMPTS", "1000");
    let server = setup.env("HERALDO_WRONG_CODES_PER_MINUTE", "5").start();
    let made = server.api().inspection();
    let anybody = Api::new(server.address(), "");
    let wrong = if made.access_code == "0000" {
        "1111"
    } else {
        "0000"
    };
    let path = format!("/v1/inspection/{}/access", made.id);
    let tried = (0..8).map(|_| {
        anybody
            .call("POST", &path, Some(&json!({ "accessCode": wrong })))
            .unwrap()
            .status
    });
    assert_eq!(
        tried.collect::<Vec<_>>(),
        [403, 403, 403, 403, 403, 429, 429, 429]
    );
}

/// Requests that are wrong, with the status that each deserves.
const WRONG: &[(&str, &str, &str, &str, u16)] = &[
    ("POST", "/v1/inspection/car", "application/json", "{", 400),
    ("POST", "/v1/inspection/car", "application/json", "", 400),
    ("POST", "/v1/inspection/car", "application/json", "[]", 400),
    (
        "POST",
        "/v1/inspection/car",
        "application/json",
        "null",
        400,
    ),
    (
        "POST",
        "/v1/inspection/car",
        "application/json",
        r#"{"templateId":5}"#,
        400,
    ),
    (
        "POST",
        "/v1/inspection/car",
        "application/json",
        r#"{"templateId":"none"}"#,
        400,
    ),
    (
        "POST",
        "/v1/inspection/car",
        "application/json",
        "{\"templateId\":\"\u{0}\"}",
        400,
    ),
    (
        "POST",
        "/v1/inspection/car",
        "application/json",
        r#"{"templateId":"easy","metadata":{"a":{}}}"#,
        400,
    ),
    (
        "POST",
        "/v1/inspection/car",
        "application/json",
        r#"{"templateId":"easy","inputs":[{"identifier":"x","value":"1"}]}"#,
        400,
    ),
    ("POST", "/v1/inspection/car", "text/csv", "a,b", 415),
    (
        "POST",
        "/v1/inspection/car",
        "multipart/form-data",
        "x",
        400,
    ),
    (
        "POST",
        "/v1/inspection/car",
        "multipart/form-data; boundary=b",
        "--b\r\n",
        400,
    ),
    ("POST", "/v1/inspection/boat", "application/json", "{}", 404),
    (
        "POST",
        "/v1/notification/webhook",
        "application/json",
        r#"{"events":[],"endpoint":"https://example.com"}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/webhook",
        "application/json",
        r#"{"events":["inspection_creatd"],"endpoint":"https://example.com"}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/webhook",
        "application/json",
        r#"{"events":"inspection_created","endpoint":"https://example.com"}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/webhook",
        "application/json",
        r#"{"events":["inspection_created"],"endpoint":"https://example.com","headers":{"host":"x"}}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/webhook",
        "application/json",
        r#"{"events":["inspection_created"],"endpoint":"https://example.com","timeoutMs":0}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/webhook",
        "application/json",
        r#"{"events":["inspection_created"],"endpoint":"https://example.com","retrySchedule":["soon"]}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/event",
        "application/json",
        r#"{"event":"inspection_created","payload":{}}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/event",
        "application/json",
        r#"{"event":"inspection_created","payload":{"_id":"xyz"}}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/event",
        "application/json",
        r#"{"event":"nothing","payload":{"_id":"651ae032ff786d198dfa4ce4"}}"#,
        400,
    ),
    (
        "POST",
        "/v1/notification/event",
        "application/json",
        "[]",
        400,
    ),
    (
        "GET",
        "/v1/notification/delivery?limit=0",
        "application/json",
        "",
        400,
    ),
    (
        "GET",
        "/v1/notification/delivery?limit=x",
        "application/json",
        "",
        400,
    ),
    (
        "GET",
        "/v1/notification/delivery?cursor=zzz",
        "application/json",
        "",
        400,
    ),
    (
        "GET",
        "/v1/notification/delivery?status=lost",
        "application/json",
        "",
        400,
    ),
    (
        "GET",
        "/v1/notification/delivery/651ae032ff786d198dfa4ce4",
        "application/json",
        "",
        404,
    ),
    (
        "GET",
        "/v1/notification/delivery/not-an-id",
        "application/json",
        "",
        404,
    ),
    (
        "GET",
        "/v1/notification/event/evt_651ae032ff786d198dfa4ce4",
        "application/json",
        "",
        404,
    ),
    (
        "GET",
        "/v1/inspection/651ae032ff786d198dfa4ce4",
        "application/json",
        "",
        404,
    ),
    (
        "GET",
        "/v1/inspection/..%2f..%2fetc",
        "application/json",
        "",
        404,
    ),
    ("GET", "/v1/inspection?page=-1", "application/json", "", 400),
    ("GET", "/v1/nothing", "application/json", "", 404),
    ("DELETE", "/v1/inspection", "application/json", "", 405),
    (
        "DELETE",
        "/v1/account/key/651ae032ff786d198dfa4ce4",
        "application/json",
        "",
        404,
    ),
];

/// An error says what it is in the one form.
fn well_formed(answer: &Answer, what: &str) {
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status, "{what}: {problem}");
    for key in ["code", "detail", "message"] {
        assert!(
            problem[key].as_str().is_some_and(|text| !text.is_empty()),
            "{what}: {problem}"
        );
    }
}

#[test]
fn every_wrong_request_gets_the_status_it_deserves() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    for (method, path, kind, body, status) in WRONG {
        let answer = api.raw(method, path, kind, body.as_bytes()).unwrap();
        let what = format!("{method} {path} {body}");
        assert_eq!(
            answer.status,
            *status,
            "{what}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        well_formed(&answer, &what);
    }
}

#[test]
fn what_is_too_much_is_refused_and_costs_nobody_else() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let create = "/v1/inspection/car";
    let json = "application/json";
    let large = format!(
        r#"{{"templateId":"easy","metadata":{{"a":"{}"}}}}"#,
        "x".repeat(2 << 20)
    );
    // The answer may come while the body is still being sent.
    if let Ok(answer) = api.raw("POST", create, json, large.as_bytes()) {
        assert_eq!(answer.status, 413);
        well_formed(&answer, "a large body");
    }
    let deep = "[".repeat(100_000);
    let answer = api.raw("POST", create, json, deep.as_bytes()).unwrap();
    assert_eq!(answer.status, 400);
    let event =
        json!({ "event": "inspection_started", "payload": { "_id": "651ae032ff786d198dfa4ce4" } });
    let many = Value::Array(vec![event; 1_001]);
    let answer = api
        .call("POST", "/v1/notification/event", Some(&many))
        .unwrap();
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (413, json!("too_many_events"))
    );
    let not_text = api
        .raw("POST", create, json, b"{\"templateId\":\"\xff\xfe\"}")
        .unwrap();
    assert_eq!(not_text.status, 400);
    let head = format!(
        "GET /v1/inspection HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "y".repeat(64 << 10)
    );
    assert_eq!(
        Api::new(api.address, "")
            .send(head.as_bytes())
            .unwrap()
            .status,
        431
    );
    let twice = "GET /v1/inspection HTTP/1.1\r\nhost: x\r\nx-api-key: a\r\nx-api-key: b\r\n\r\n";
    assert_eq!(
        Api::new(api.address, "")
            .send(twice.as_bytes())
            .unwrap()
            .status,
        400
    );
    assert_eq!(
        Api::new(api.address, "")
            .send(b"NOT HTTP\r\n\r\n")
            .unwrap()
            .status,
        400
    );
    api.inspection();
}

#[test]
fn a_company_sees_nothing_of_another() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let (mine, receiver) = (server.api(), Receiver::ok());
    let webhook = mine.webhook(&receiver.url());
    let made = mine.inspection();
    let received = receiver.wait_for(1).remove(0);
    let delivery = mine.settled(received.header("webhook-id"));
    let other = crate::process::answer_of(folder.path(), &["company", "create", "--name", "Other"]);
    let other = server.api_with(&crate::client::text(&other["apiKey"]));
    for (method, path) in [
        ("GET", format!("/v1/inspection/{}", made.id)),
        ("POST", format!("/v1/inspection/finish/{}", made.id)),
        ("GET", format!("/v1/notification/webhook/{webhook}")),
        ("GET", format!("/v1/notification/webhook/{webhook}/secret")),
        ("DELETE", format!("/v1/notification/webhook/{webhook}")),
        (
            "GET",
            format!("/v1/notification/event/{}", received.header("webhook-id")),
        ),
        (
            "GET",
            format!(
                "/v1/notification/delivery/{}",
                crate::client::text(&delivery["_id"])
            ),
        ),
        (
            "POST",
            format!(
                "/v1/notification/delivery/{}/resend",
                crate::client::text(&delivery["_id"])
            ),
        ),
    ] {
        let body = (method == "POST").then(|| json!({}));
        let answer = other.call(method, &path, body.as_ref()).unwrap();
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    for list in [
        "inspection",
        "notification/webhook",
        "notification/event",
        "notification/delivery",
    ] {
        let list = other.get(&format!("/v1/{list}"));
        let rows = list.get("data").or(list.get("inspections")).unwrap();
        assert_eq!(rows, &json!([]), "{list}");
    }
}
