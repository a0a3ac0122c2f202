//! Commands on the store, while a server runs on it and while none does.

use std::collections::HashSet;

use heraldo_wire::signature::{AsymmetricSigner, Envelope, SigningKey};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, text};
use crate::process::{Setup, answer_of, heraldo, run};
use crate::receiver::Receiver;

fn keys_of(answer: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = answer
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_company_made_before_the_first_start_is_served() {
    let folder = tempdir().unwrap();
    let made = answer_of(
        folder.path(),
        &[
            "company",
            "create",
            "--name",
            "Seguros del Sur",
            "--owner-email",
            "ana@example.com",
        ],
    );
    assert_eq!(text(&made["companyId"]).len(), 24);
    assert_eq!(keys_of(&made), ["apiKey", "companyId", "signInLink"]);
    let server = Setup::serve(folder.path()).start();
    let all = server.out.all();
    assert!(all.iter().all(|line| !line.contains("hk_live_")), "{all:?}");
    server.api_with(&text(&made["apiKey"])).inspection();
}

#[test]
fn keys_made_and_revoked_beside_a_running_server_count_at_once() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let company = answer_of(folder.path(), &["company", "create", "--name", "Beside"]);
    let company = text(&company["companyId"]);
    let create = [
        "key",
        "create",
        "--company",
        &company,
        "--scopes",
        "inspections,webhooks",
    ];
    let key = answer_of(folder.path(), &create);
    assert_eq!(keys_of(&key), ["apiKey", "keyId"]);
    let api = server.api_with(&text(&key["apiKey"]));
    api.inspection();
    assert_eq!(
        api.call("GET", "/v1/account/key", None).unwrap().status,
        403
    );
    answer_of(folder.path(), &["key", "revoke", &text(&key["keyId"])]);
    let refused = api.call("GET", "/v1/inspection", None).unwrap();
    assert_eq!(
        (refused.status, refused.json()["code"].clone()),
        (401, json!("invalid_credentials"))
    );

    let mut again = heraldo();
    again
        .args(["key", "revoke", &text(&key["keyId"]), "--data-dir"])
        .arg(folder.path());
    let output = run(again, b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no key with the id"));
}

#[test]
fn companies_are_listed_with_the_ids_that_other_commands_take() {
    let folder = tempdir().unwrap();
    let made = ["Seguros del Sur", "Seguros del Norte"].map(|name| {
        let made = answer_of(folder.path(), &["company", "create", "--name", name]);
        (text(&made["companyId"]), name)
    });
    let list = answer_of(folder.path(), &["company", "list"]);
    let listed = list["companies"].as_array().unwrap().iter().rev();
    let listed: Vec<_> = listed
        .map(|company| (text(&company["companyId"]), text(&company["name"])))
        .collect();
    assert_eq!(listed, made.map(|(id, name)| (id, name.to_owned())));
    let mut command = heraldo();
    command
        .args(["company", "list", "--data-dir"])
        .arg(folder.path());
    let shown = String::from_utf8(run(command, b"").stdout).unwrap();
    let lines: Vec<_> = listed
        .iter()
        .rev()
        .map(|(id, name)| format!("{id}  {name}"))
        .collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_user_gets_a_link_that_leads_to_the_running_server() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let company =
        text(&answer_of(folder.path(), &["company", "create", "--name", "A"])["companyId"]);
    let create = [
        "user",
        "create",
        "--company",
        &company,
        "--email",
        "luz@example.com",
        "--role",
        "admin",
    ];
    let user = answer_of(folder.path(), &create);
    let ids: HashSet<String> = ["userId", "membershipId"]
        .map(|name| text(&user[name]))
        .into();
    assert!(
        ids.len() == 2 && ids.iter().all(|id| id.len() == 24),
        "{ids:?}"
    );
    let link = text(&user["signInLink"]);
    let path = link
        .strip_prefix(&format!("http://{}", server.address()))
        .expect(&link);
    assert_eq!(
        Api::new(server.address(), "")
            .call("GET", path, None)
            .unwrap()
            .status,
        200
    );
}

#[test]
fn inspections_of_a_testing_key_say_so() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let receiver = Receiver::ok();
    let company =
        text(&answer_of(folder.path(), &["company", "create", "--name", "T"])["companyId"]);
    let scopes = "inspections,webhooks,secrets,admin";
    let create = [
        "key",
        "create",
        "--company",
        &company,
        "--scopes",
        scopes,
        "--testing",
    ];
    let key = text(&answer_of(folder.path(), &create)["apiKey"]);
    assert!(key.starts_with("hk_test_"), "{key}");
    let api = server.api_with(&key);
    api.webhook(&receiver.url());
    api.inspection();
    assert_eq!(receiver.wait_for(1)[0].json()["payload"]["testing"], true);
}

#[test]
fn commands_say_what_is_wrong_with_what_they_are_given() {
    let folder = tempdir().unwrap();
    let check = |arguments: &[&str], part: &str| {
        let mut command = heraldo();
        command.args(arguments).arg("--data-dir").arg(folder.path());
        let output = run(command, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(part),
            "{arguments:?}: {said}"
        );
    };
    let company = "651ae032ff786d198dfa4ce4";
    check(
        &["key", "create", "--company", company, "--scopes", "admin"],
        "there is no data of Heraldo",
    );
    check(&["company", "list"], "there is no data of Heraldo");
    check(
        &["company", "create", "--name", " "],
        "must have 1 to 200 bytes",
    );
    check(
        &[
            "key",
            "create",
            "--company",
            company,
            "--scopes",
            "everything",
        ],
        "`everything` is not known",
    );
    check(
        &["key", "create", "--company", "mine", "--scopes", "admin"],
        "24 hex digits",
    );
    for arguments in [
        ["key", "create", "--company", company, "--scopes", "admin"],
        ["user", "create", "--company", company, "--email", "a@b.c"],
    ] {
        check(
            &arguments,
            "there is no company with the id 651ae032ff786d198dfa4ce4",
        );
        check(&arguments, "`heraldo company list`");
    }
    check(&["key", "revoke", "hk_live_1"], "not by the key itself");
    check(
        &[
            "user",
            "create",
            "--company",
            company,
            "--email",
            "x",
            "--role",
            "king",
        ],
        "possible values",
    );
}

#[test]
fn verify_says_whether_a_signature_is_right_and_if_not_why() {
    let check = |signature: &str, body: &[u8], code: i32, part: &str| {
        let mut command = heraldo();
        command.args(["verify", "--secret", "whsec_test", "--signature", signature]);
        let output = run(command, body);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(part), "{said}");
    };
    // printf %s '{}' | openssl dgst -sha256 -hmac whsec_test
    let right = "46bdc2a2e83964bd2695acc6a1f97162d8bafc135a071aa5cd5c99aae5481440";
    check(right, b"{}", 0, "is right");
    check(right, b"{}\n", 1, "trailing newline");
    check(&right.to_uppercase(), b"{}", 1, "upper case");
    check(&format!("sha256={right}"), b"{}", 1, "sha256=");
    check("00", b"{}", 1, "64 hex digits");
}

#[test]
fn verify_takes_a_public_key_instead_of_the_secret() {
    let pair = AsymmetricSigner::new(&SigningKey::from_random([7; 32]));
    let signature = pair.sign_standard(&Envelope {
        id: "evt_1",
        timestamp: "1763647402",
        body: b"{}",
    });
    let other = SigningKey::from_random([8; 32]).public_key().to_string();
    let key = pair.public_key().to_string();
    let check = |keys: &[&str], id: &str, code: i32, part: &str| {
        let mut command = heraldo();
        command.args(["verify", "--timestamp", "1763647402", "--id", id]);
        command.args(["--signature", &format!("v1,abc {signature}")]);
        for key in keys {
            command.args(["--public-key", key]);
        }
        let output = run(command, b"{}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(part), "{said}");
    };
    check(&[&key], "evt_1", 0, "is right");
    check(&[&other, &key], "evt_1", 0, "is right");
    check(&[&other], "evt_1", 1, "is not the one for this id");
    check(&[&key], "evt_2", 1, "is not the one for this id");
    check(&["whsec_test"], "evt_1", 1, "whpk_ and the base64");
}

#[test]
fn the_doctor_is_content_with_a_fresh_server_and_names_what_is_wrong() {
    let folder = tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Setup::serve(&data_dir).start();
    let doctor = || {
        let mut command = heraldo();
        command.arg("doctor").arg("--data-dir").arg(&data_dir);
        command.args(["--listen", "127.0.0.1:0"]);
        let output = run(command, b"");
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, report) = doctor();
    assert_eq!(code, Some(0), "{report}");
    for part in [
        "its pages are sound",
        "each with its owner",
        "one is ready on 127.0.0.1:",
    ] {
        assert!(report.contains(part), "{report} lacks {part}");
    }
    server.kill();
    let key = data_dir.join("master.key");
    let mut permissions = std::fs::metadata(&key).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&key, permissions).unwrap();
    let (code, report) = doctor();
    assert_eq!(code, Some(1), "{report}");
    assert!(
        report.contains("error    master key") && report.contains("chmod 600"),
        "{report}"
    );

    std::fs::remove_file(&key).unwrap();
    std::fs::create_dir(&key).unwrap();
    let (code, report) = doctor();
    assert_eq!(code, Some(1), "{report}");
    assert!(
        report.contains("is no file but a folder") && !report.contains("chmod 600"),
        "{report}"
    );
}
