//! OAuth from the command line to the running server.

use serde_json::json;
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::{Setup, answer_of, heraldo, run};

#[test]
fn an_application_made_beside_a_running_server_lists_what_users_and_the_invited_made() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let tell = |arguments: &[&str]| answer_of(folder.path(), arguments);
    let company = text(&tell(&["company", "create", "--name", "A"])["companyId"]);
    let user = |email: &str, more: &[&str]| {
        let mut create = vec!["user", "create", "--company", &company, "--email", email];
        create.extend(more);
        tell(&create)
    };
    let ana = user("ana@example.com", &[]);
    let ben = user("ben@example.com", &["--invited-by", &text(&ana["userId"])]);
    let redirects = ["https://app.example/a", "https://app.example/b"];
    let app = tell(&[
        "oauth",
        "app",
        "create",
        "--company",
        &company,
        "--name",
        "App",
        "--redirect",
        redirects[0],
        "--redirect",
        redirects[1],
    ]);
    let keys: Vec<_> = app.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["client_app_id", "client_secret"]);
    let id = text(&app["client_app_id"]);
    let nobody = Api::new(server.address(), "");
    let token = |user: &str| {
        let scopes = "memberships,inspections";
        let code = tell(&[
            "oauth", "code", "--app", &id, "--user", user, "--scopes", scopes,
        ]);
        let keys: Vec<_> = code.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["code"]);
        let body = json!({"code": code["code"], "client_app_id": app["client_app_id"],
            "client_secret": app["client_secret"]});
        text(&nobody.post(200, "/v1/account/oauth/exchange_code", body)["access_token"])
    };
    let bens = json!({"templateId": "easy", "access_token": token(&text(&ben["userId"]))});
    let made = nobody.post(201, "/v1/inspection/car", bens);
    let anas = token(&text(&ana["userId"]));
    let list = |which: &str| {
        let path = format!(
            "/v1/inspection/{which}?membershipId={}",
            text(&ana["membershipId"])
        );
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {anas}\r\nconnection: close\r\n\r\n"
        );
        let answer = nobody.send(head.as_bytes()).unwrap();
        assert_eq!(answer.status, 200);
        answer.json()
    };
    assert_eq!(list("me")["pagination"]["totalDocs"], 0);
    assert_eq!(list("all")["inspections"][0]["_id"], made["inspectionId"]);

    let told = tell(&["oauth", "app", "delete", &id]);
    assert_eq!(told, json!({"client_app_id": id, "deleted": true}));
    let head = format!(
        "GET /v1/account/membership/authenticated HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {anas}\r\n\
         connection: close\r\n\r\n"
    );
    assert_eq!(nobody.send(head.as_bytes()).unwrap().status, 401);

    let mut wrong = heraldo();
    wrong
        .args([
            "oauth",
            "code",
            "--app",
            &id,
            "--user",
            &id,
            "--scopes",
            "account",
            "--data-dir",
        ])
        .arg(folder.path());
    let output = run(wrong, b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("check --app and --user"));
}
