//! People in a real browser: from the link of the first run to a password, an invitation, and what each role
//! sees.

use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::client::{Api, text};
use crate::process::{Setup, answer_of};

const PASSWORD: &str = "correct horse battery";
const EN: Look = Look::DESKTOP.speaking("en");

/// What every page must be. Its other looks are seen elsewhere.
fn look_once(page: &Browser, name: &str) {
    page.assert_accessible();
    page.assert_fits();
    page.screenshot(name);
}

fn enter(page: &Browser, base: &str, email: &str, password: &str) {
    page.open(&format!("{base}/signin"));
    page.find("#email").type_text(email);
    page.find("#password").type_text(password);
    page.find("main form button").click();
}

fn fill(page: &Browser, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        page.find(field).type_text(text);
    }
}

#[test]
fn from_the_link_of_the_first_run_to_a_producer_who_sees_no_secrets() {
    let folder = tempdir().unwrap();
    let mut setup = Setup::serve(folder.path());
    setup.command = "dev";
    let server = setup.start();
    let base = format!("http://{}", server.address());
    let printed = server.out.wait_for("sign in ").unwrap();
    let link = printed
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    let link = link.unwrap().to_owned();
    assert!(
        link.starts_with(&format!("{base}/signin?token=si_")),
        "{printed}"
    );
    let printed = server.out.all().into_iter();
    let dashboard = printed
        .filter(|line| line.contains("dashboard"))
        .collect::<String>();
    assert!(
        dashboard.contains(&format!("{base}/dashboard")),
        "{dashboard}"
    );

    // The link of the first run, and a password.
    let page = Browser::start(EN);
    page.open(&format!("{base}/dashboard"));
    page.see("Sign in to Heraldo");
    look_once(&page, "sign-in");
    page.open(&link);
    look_once(&page, "sign-in-link");
    page.see("Opening this page changed nothing");
    page.find("main form button").click();
    page.see("First steps");
    look_once(&page, "first-steps");
    page.find("main ol a").click();
    page.see("With a password you come in again");
    look_once(&page, "account-without-password");
    let password = [("#password", PASSWORD), ("#again", PASSWORD)];
    fill(
        &page,
        &[("#email", "ana@example.com"), password[0], password[1]],
    );
    page.find("form[action$='account/password'] button").click();
    page.see("The password is saved.");
    fill(&page, &[("#first-name", "Ana"), ("#last-name", "Ríos")]);
    page.find("form[action$='dashboard/account'] button")
        .click();
    page.see("Your details are saved.");
    look_once(&page, "account");
    page.find("form[action$='account/password'] input[name=present]")
        .type_text("wrong");
    fill(&page, &password);
    page.find("form[action$='account/password'] button").click();
    page.see("The present password is wrong.");
    page.complaints();
    look_once(&page, "account-wrong");
    page.find("main form[action$='dashboard/sign-out'] button")
        .click();
    page.see("Sign in to Heraldo");

    // Again with the password.
    enter(&page, &base, "ana@example.com", PASSWORD);
    page.see("First steps");
    page.open(&format!("{base}/dashboard/team"));
    page.see("This is the only owner");
    page.find("main a[href$='team/invite']").click();
    look_once(&page, "invite");
    page.find("#email").type_text("leo@example.com");
    page.find("main form[action$='invitations'] button").click();
    page.see("Invitation made");
    look_once(&page, "invitation-made");
    let invitation = page.find("#link").text();
    page.open(&format!("{base}/dashboard/team"));
    page.see("leo@example.com");
    look_once(&page, "team-invited");
    page.assert_quiet();

    // Accepted in another browser, which sees what a producer may.
    let second = Browser::start(EN);
    second.open(&invitation);
    second.see("Ana Ríos invites you");
    look_once(&second, "invitation");
    fill(
        &second,
        &[
            ("#first-name", "Leo"),
            ("#last-name", "Paz"),
            password[0],
            password[1],
        ],
    );
    second.find("main form button").click();
    second.see("First steps");
    second.open(&format!("{base}/dashboard/developers"));
    second.see("Webhooks");
    second.assert_quiet();
    for hidden in [
        "#keys",
        "#applications",
        "a[href$='dashboard/team']",
        "a[href*='/new']",
    ] {
        assert!(!second.has(&format!("main {hidden}")), "{hidden}");
    }
    second.open(&format!("{base}/dashboard/team"));
    second.see("Your role does not allow this");
    second.complaints();
    look_once(&second, "not-allowed");
    second.open(&invitation);
    second.see("The invitation does not work");
    look_once(&second, "invitation-spent");

    // What is changed in the first browser holds in the second at once.
    page.reload();
    page.see("Leo Paz");
    look_once(&page, "team");
    page.find("tr:nth-child(2) details:last-of-type summary")
        .click();
    page.see("All sessions end at once");
    look_once(&page, "team-remove");
    page.find("tr:nth-child(2) details:first-of-type summary")
        .click();
    page.find("tr:nth-child(2) option[value=admin]").click();
    page.find("tr:nth-child(2) form[action$='/role'] button")
        .click();
    page.see("The role is changed.");
    second.open(&format!("{base}/dashboard/developers"));
    second.see("API keys");
    look_once(&second, "developers");

    // Wrong passwords, to the limit.
    page.open(&format!("{base}/dashboard/account"));
    page.find("main form[action$='dashboard/sign-out'] button")
        .click();
    page.see("Sign in to Heraldo");
    let mut wrong = 0;
    loop {
        enter(&page, &base, "leo@example.com", "wrong");
        if !page.has("#password") {
            break;
        }
        page.see("The e-mail address or the password is wrong.");
        if wrong == 0 {
            look_once(&page, "sign-in-wrong");
        }
        wrong += 1;
        assert!(wrong < 30, "there is no limit");
    }
    // One more came from this browser before: the wrong present password.
    assert!(wrong >= 9, "{wrong}");
    enter(&page, &base, "leo@example.com", PASSWORD);
    page.see("Too many tries");
    look_once(&page, "sign-in-too-many");
    // Whoever is in, stays in.
    second.reload();
    second.see("API keys");
}

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
