//! People, as the command line sees them.

use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::{Setup, answer_of};

#[test]
fn people_are_listed_signed_out_and_let_in_again_from_the_command_line() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let tell = |arguments: &[&str]| answer_of(folder.path(), arguments);
    let company = text(&tell(&["company", "create", "--name", "A"])["companyId"]);
    let email = ["--email", "ana@example.com"];
    let ana = tell(&["user", "create", "--company", &company, email[0], email[1]]);
    let id = text(&ana["userId"]);
    let listed = tell(&["user", "list", "--company", &company]);
    let expected = serde_json::json!({"userId": id, "role": "producer", "email": email[1]});
    assert_eq!(listed["users"][1], expected);
    let nobody = Api::new(server.address(), "");
    let enter = |link: &str| {
        let (_, token) = link.split_once("token=").unwrap();
        let body = format!("token={token}");
        let head = format!(
            "POST /signin HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
             application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = nobody.send(head.as_bytes()).unwrap();
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let opens = |cookie: &str| {
        let head = format!(
            "GET /dashboard HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n"
        );
        nobody.send(head.as_bytes()).unwrap().status == 200
    };
    let cookie = enter(&text(&ana["signInLink"]));
    assert!(opens(&cookie));
    assert_eq!(
        tell(&["user", "sign-out", "--user", &id])["signedOut"],
        true
    );
    assert!(!opens(&cookie));
    let link = text(&tell(&["user", "reset", "--user", &id])["signInLink"]);
    assert!(opens(&enter(&link)));
}
