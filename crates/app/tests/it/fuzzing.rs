//! The API description against the real server: Schemathesis makes requests from the description and holds each
//! answer against it.

use std::collections::BTreeMap;
use std::process::Command;

use heraldo_media::testing::PhotoMaker;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::photos::{started, upload};
use crate::process::{Setup, answer_of};
use crate::receiver::Receiver;
use crate::tools::python_tool;

/// The same requests in every run; a run with another seed is one changed line away.
const SEED: &str = "20261127";
/// For each operation beyond those that the description itself suggests.
const EXAMPLES: &str = "12";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

/// One path for each type has the same description: the systematic cases of one are enough. A template's form has
/// so many fields that its cases would take half of the time.
const CONFIGURATION: &str = r#"
[[operations]]
include-path-regex = "^/v1/inspection/(moto|bike|machinery|people|custom|cellphone|goods)$"
phases.coverage.enabled = false

[[operations]]
include-path-regex = "^/v1/inspection/(moto|bike|machinery|cellphone)/[{]id[}]$"
phases.coverage.enabled = false

[[operations]]
include-path-regex = "^/v1/inspection/template/[{]id[}]$"
phases.coverage.enabled = false
"#;

/// Answers without an end: nothing waits for the whole of it.
const STREAM: &str = "/v1/notification/stream";

/// Operations that no generated request can bring to a success, and why.
const REFUSED: [(&str, &str); 16] = [
    (
        "POST /inspection/{id}/code",
        "the code is one of ten thousand",
    ),
    (
        "POST /v1/inspection/finish/{id}",
        "it is finished already, so that the photos stay",
    ),
    (
        "PUT /v1/inspection/moto/{id}",
        "described as that of cars, whose systematic cases succeed",
    ),
    ("PUT /v1/inspection/bike/{id}", "as above"),
    ("PUT /v1/inspection/machinery/{id}", "as above"),
    ("PUT /v1/inspection/cellphone/{id}", "as above"),
    (
        "POST /v1/inspection/{id}/children",
        "only an expired inspection has children",
    ),
    (
        "POST /v1/inspection/image/{id}",
        "random bytes are no photo",
    ),
    (
        "POST /v1/inspection/image/{id}/result",
        "nobody was asked about the photo",
    ),
    (
        "POST /v1/account/oauth/exchange_code",
        "a code is spent by its first use",
    ),
    (
        "POST /v1/account/oauth/refresh_token",
        "random texts are no tokens",
    ),
    (
        "POST /v1/notification/webhook/{id}/recover",
        "a range must end after it begins, which no schema can say",
    ),
    (
        "DELETE /v1/notification/recovery/{id}",
        "it has ended already",
    ),
    (
        "POST /signin",
        "a browser's form, which needs the cookie of the page before",
    ),
    (
        "GET /oauth/connect",
        "a browser's page, which needs a session",
    ),
    (
        "POST /oauth/connect",
        "a browser's form, which needs a session",
    ),
];

/// What the requests may name: one of everything.
fn known(api: &Api, folder: &std::path::Path, company: &str, receiver: &Receiver) -> Value {
    let pair = json!({ "asymmetricSignature": true });
    let webhook = api.webhook_with(&receiver.url(), pair);
    let (inspection, product) = started(api);
    let photo = PhotoMaker::jpeg(320, 240).make();
    assert_eq!(upload(api, &product, "front", &photo), 201);
    let (finished, _) = started(api);
    api.post(200, &format!("/v1/inspection/finish/{finished}"), json!({}));
    let waiting = api.inspection();
    let goods = json!({ "templateId": "easy", "goods": [{ "make": "x" }] });
    let goods = api.post(201, "/v1/inspection/goods", goods);
    let of_type = |kind: &str| {
        let made = json!({ "templateId": "easy" });
        text(&api.post(201, &format!("/v1/inspection/{kind}"), made)["productId"])
    };
    let requests = format!("/v1/inspection/{finished}/report/request");
    let report = text(&api.post(201, &requests, json!({}))["_id"]);
    let presign = format!("/v1/inspection/presign/detail/{inspection}");
    let detail = text(&api.post(201, &presign, json!({}))["url"]);
    let image = &api.get(&format!("/v1/inspection/{inspection}"))["products"][0]["images"][0];
    let src = text(&image["src"]);
    let page = format!("/inspection/{inspection}");
    let page = api.call("GET", &page, None).unwrap().body;
    let page = String::from_utf8(page).unwrap();
    let (_, asset) = page.split_once("/assets/").unwrap();
    let (asset, _) = asset.split_once('"').unwrap();
    let validations = json!([{ "validation": "date", "run": true, "required": true }]);
    let template = json!({ "name": "Propia", "inspectionType": "car",
        "images": [{ "side": "front", "validations": validations }] });
    let template = text(&api.post(201, "/v1/inspection/template", template)["_id"]);
    let event = receiver
        .wait_for(1)
        .remove(0)
        .header("webhook-id")
        .to_owned();
    let recover = format!("/v1/notification/webhook/{webhook}/recover");
    let range = json!({ "from": "2020-01-01T00:00:00.000Z", "to": "2020-01-02T00:00:00.000Z" });
    let recovery = text(&api.post(202, &recover, range)["_id"]);
    let delivery = text(&api.deliveries("")[0]["_id"]);

    let tell = |arguments: &[&str]| answer_of(folder, arguments);
    let user = tell(&[
        "user",
        "create",
        "--company",
        company,
        "--email",
        "ana@example.com",
    ]);
    let app = tell(&[
        "oauth",
        "app",
        "create",
        "--company",
        company,
        "--name",
        "App",
        "--redirect",
        "https://app.example/",
    ]);
    let (app_id, user_id) = (text(&app["client_app_id"]), text(&user["userId"]));
    let mut code = tell(&[
        "oauth",
        "code",
        "--app",
        &app_id,
        "--user",
        &user_id,
        "--scopes",
        "memberships,inspections",
    ]);
    code.as_object_mut()
        .unwrap()
        .extend(app.as_object().unwrap().clone());
    let tokens = api.post(200, "/v1/account/oauth/exchange_code", code);
    let token = &tokens["access_token"];

    let last = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    json!({
        "paths": {
            "/v1/inspection/{id}": { "id": inspection },
            "/v1/inspection/{id}/report/request": { "id": inspection },
            "/v1/inspection/{id}/report/request/{reportId}": { "id": finished, "reportId": report },
            "/v1/inspection/presign/detail/{id}": { "id": inspection },
            "/v1/inspection/{id}/access": { "id": waiting.id },
            "/v1/inspection/{id}/review": { "id": finished },
            "/v1/inspection/{id}/children": { "id": inspection },
            "/v1/inspection/finish/{id}": { "id": finished },
            "/v1/inspection/car/{id}": { "id": product },
            "/v1/inspection/moto/{id}": { "id": of_type("moto") },
            "/v1/inspection/bike/{id}": { "id": of_type("bike") },
            "/v1/inspection/machinery/{id}": { "id": of_type("machinery") },
            "/v1/inspection/cellphone/{id}": { "id": of_type("cellphone") },
            "/v1/inspection/goods/{id}": { "id": goods["inspectionId"] },
            "/v1/inspection/image/token/{id}": { "id": product },
            "/v1/inspection/image/{id}": { "id": product },
            "/v1/inspection/image/{id}/result": { "id": image["_id"] },
            "/v1/inspection/template/{id}": { "id": template },
            "/v1/notification/webhook/{id}": { "id": webhook },
            "/v1/notification/webhook/{id}/secret": { "id": webhook },
            "/v1/notification/webhook/{id}/secret/rotate": { "id": webhook },
            "/v1/notification/webhook/{id}/test": { "id": webhook },
            "/v1/notification/event/{id}": { "id": event },
            "/v1/notification/event/{id}/explain": { "id": event },
            "/v1/notification/webhook/{id}/public-key": { "id": webhook },
            "/v1/notification/webhook/{id}/recover": { "id": webhook },
            "/v1/notification/webhook/{id}/recovery": { "id": webhook },
            "/v1/notification/recovery/{id}": { "id": recovery },
            "/v1/notification/delivery/{id}": { "id": delivery },
            "/v1/notification/delivery/{id}/resend": { "id": delivery },
            "/inspection/{id}": { "id": inspection },
            "/inspection/{id}/code": { "id": waiting.id },
            "/inspection/{id}/photo": { "id": inspection },
            "/inspection/{id}/answers": { "id": inspection },
            "/inspection/{id}/finish": { "id": inspection },
            "/assets/{name}": { "name": asset },
            "/detail/{token}": { "token": last(&detail) },
            "/files/{name}": { "name": last(&src) },
        },
        "bearers": {
            "/v1/inspection/me": token,
            "/v1/inspection/all": token,
            "/v1/account/membership/authenticated": token,
            "/v1/inspection/template/oauth/list/all": token,
        },
        "membershipId": user["membershipId"],
        "bodies": {
            "templateId": "easy",
            "endpoint": receiver.url(),
            "accessCode": waiting.access_code,
            "client_app_id": app["client_app_id"],
            "client_secret": app["client_secret"],
        },
    })
}

#[test]
fn no_generated_request_gets_a_500_or_an_answer_that_is_not_described() {
    let folder = tempdir().unwrap();
    let company = answer_of(folder.path(), &["company", "create", "--name", "A"]);
    let server = Setup::serve(folder.path())
        .env("HERALDO_WRONG_KEYS_PER_MINUTE", "1000000")
        .env("HERALDO_WRONG_CODES_PER_MINUTE", "1000000")
        .start();
    let api = server.api_with(&text(&company["apiKey"]));
    let receiver = Receiver::ok();
    let known = known(&api, folder.path(), &text(&company["companyId"]), &receiver);
    let work = tempdir().unwrap();
    let configuration = work.path().join("schemathesis.toml");
    std::fs::write(&configuration, CONFIGURATION).unwrap();
    let answered = work.path().join("answered.json");

    let output = Command::new(python_tool("st"))
        .arg("--config-file")
        .arg(&configuration)
        .args(["run", &format!("http://{}/openapi.json", server.address())])
        .args(["--header", &format!("x-api-key: {}", api.key)])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args([
            "--seed",
            SEED,
            "--max-examples",
            EXAMPLES,
            "--continue-on-failure",
        ])
        .args(["--exclude-path", STREAM])
        .args([
            "--no-color",
            "--warnings",
            "off",
            "--suppress-health-check",
            "all",
        ])
        .current_dir(work.path())
        .env(
            "PYTHONPATH",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fuzzing"),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "steer")
        .env("STEER", known.to_string())
        .env("STEER_ANSWERED", &answered)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success(),
        "seed {SEED}: {said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        server
            .err
            .all()
            .iter()
            .all(|line| !line.contains("panicked")),
        "{:#?}",
        server.err.all()
    );

    // A description that is only ever answered with refusals would not have been tried.
    let answered = std::fs::read(&answered).unwrap();
    let answered: BTreeMap<String, Vec<u16>> = serde_json::from_slice(&answered).unwrap();
    let mut never: Vec<_> = Vec::new();
    for (operation, codes) in &answered {
        let succeeds = codes.iter().any(|code| (200..400).contains(code));
        let is_expected = REFUSED.iter().any(|(refused, _)| refused == operation);
        if !succeeds && !is_expected {
            never.push((operation, codes));
        }
    }
    assert!(never.is_empty(), "never carried out: {never:#?}");
    // The connection from before the run has been idle for too long.
    let described: Value = server.api_with(&api.key).get("/openapi.json");
    let operations = operations_of(&described);
    // The description itself is read before anything is tried.
    let left_out = [format!("GET {STREAM}"), "GET /openapi.json".to_owned()];
    let untried = operations
        .iter()
        .filter(|operation| !answered.contains_key(*operation) && !left_out.contains(operation));
    let untried: Vec<_> = untried.collect();
    assert!(untried.is_empty(), "not tried: {untried:?}");

    // Its own count says the same: all but the endless one, and none passed over. It counts its source as none.
    let (all, tried) = (operations.len() - 1, operations.len() - left_out.len());
    for count in [
        format!("Selected: {tried}/{all}"),
        format!("Tested: {tried}"),
    ] {
        let is_said = said.lines().any(|line| line.trim() == count);
        assert!(is_said, "Schemathesis does not say `{count}`");
    }
    let (_, fuzzing) = said.split_once("Fuzzing (in").expect("the phase");
    let outcome = fuzzing.lines().find(|line| line.contains("passed"));
    let outcome = outcome.map(|line| line.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    assert_eq!(outcome, Some(format!("{tried} passed").as_str()));
}

/// Every method of every path of a description.
fn operations_of(description: &Value) -> Vec<String> {
    let paths = description["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}
