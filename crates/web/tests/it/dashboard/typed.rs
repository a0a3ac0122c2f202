//! What is typed into a form stays when the language or the look is changed, and nothing is done with it.

use heraldo_domain::account::Role;
use heraldo_domain::query::Page;
use heraldo_domain::store::Store as _;
use heraldo_web::dashboard_routes;
use http::Method;

use super::Browser;
use super::browser::checked;
use super::samples::Samples;
use crate::world::World;

/// A form's address, input that it would act on, and what the page says of it.
type Typed = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

#[rustfmt::skip]
const TYPED: &[Typed] = &[
    ("/dashboard/account", &[("first_name", "Zoé"), ("last_name", "Ríos"), ("email", "zoe@example.com")],
        &["value=\"Zoé\"", "value=\"Ríos\"", "value=\"zoe@example.com\""]),
    // Passwords are said by no page; whoever has an address does not type it here.
    ("/dashboard/account/password", &[("password", "long enough for it"), ("again", "long enough for it")], &["id=\"again\""]),
    ("/dashboard/team/invitations", &[("email", "leo@example.com"), ("role", "admin")],
        &["value=\"leo@example.com\"", "value=\"admin\" required checked"]),
    ("/dashboard/keys", &[("name", "our key"), ("scopes", "admin"), ("testing", "yes")],
        &["value=\"our key\"", "value=\"admin\" checked", "name=\"testing\" value=\"yes\" checked"]),
    ("/dashboard/applications", &[("name", "our app"), ("redirects", "https://app.example/cb")],
        &["value=\"our app\"", "https://app.example/cb</textarea>"]),
    ("/dashboard/webhooks", &[("endpoint", "https://new.example/hook"), ("events", "image_processed"), ("description", "ours"), ("timeout", "2000")],
        &["value=\"https://new.example/hook\"", "value=\"image_processed\" checked", "value=\"ours\"", "value=\"2000\""]),
    ("/dashboard/webhooks/{id}/settings", &[("endpoint", "https://new.example/hook"), ("events", "image_processed"), ("schedule", "1s, 9s")],
        &["value=\"https://new.example/hook\"", "value=\"1s, 9s\""]),
    ("/dashboard/webhooks/{id}/check", &[("signature", "abc"), ("body", "{}")], &[">\nabc</textarea>", ">\n{}</textarea>"]),
    ("/dashboard/inspections/{id}/review", &[("veredict", "disapproved"), ("reason", "the plate is another one")],
        &["value=\"disapproved\" required checked", ">\nthe plate is another one</textarea>"]),
    ("/dashboard/inspections/{id}/review-photos", &[("reason", "too dark")], &[">\ntoo dark</textarea>"]),
];

/// How often something was done in the company.
async fn deeds(world: &World) -> usize {
    let page = Page {
        limit: 1_000,
        before: None,
    };
    world.store.audit(world.company, page).await.unwrap().len()
}

/// The form that the buttons of the frame belong to: its address, and what it carries beside what is typed.
fn kept_form(page: &str) -> (String, Vec<(&str, String)>) {
    let buttons = page.matches(" form=\"typed\" formnovalidate").count();
    assert_eq!(buttons, 5, "two languages, three looks: {page}");
    assert_eq!(page.matches(" id=\"typed\"").count(), 1, "{page}");
    let form = page
        .split("<form")
        .find(|form| form.contains("id=\"typed\""));
    let form = form.unwrap().split("</form>").next().unwrap();
    let action = form.split("action=\"").nth(1).unwrap();
    let action = action.split(['"', '?', '#']).next().unwrap();
    let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
    let hidden = hidden.map(|input| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        let value = rest.split('"').next().unwrap().replace("&#43;", "+");
        (name, value)
    });
    (action.replace("../", ""), hidden.collect())
}

#[tokio::test]
async fn what_is_typed_stays_when_the_language_or_the_look_is_changed_and_nothing_is_done() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let token = browser.form_token().await;
    let before = deeds(&world).await;
    for route in dashboard_routes() {
        if route.method != Method::POST {
            continue;
        }
        let path = samples.path_of(&route);
        let typed = TYPED.iter().find(|typed| typed.0 == route.path);
        assert_eq!(
            typed.is_some(),
            route.keeps,
            "{path} belongs into the table of this test when it keeps what is typed, and only then"
        );
        let Some((_, fields, says)) = typed else {
            // There is nothing to type: the buttons of the frame are not of this form. Whoever makes them so
            // is led back.
            let pressed = [("form", token.as_str()), ("language", "es")];
            let answer = browser.post(&path, &pressed).await;
            assert_eq!(answer.status, 303, "{path}: {}", answer.text());
            continue;
        };
        for (name, value, shows) in [
            ("language", "es", "<html lang=\"es\">"),
            ("theme", "dark", "<html lang=\"es\" data-theme=\"dark\">"),
            ("language", "en", "<html lang=\"en\" data-theme=\"dark\">"),
            ("theme", "auto", "<html lang=\"en\">"),
        ] {
            let mut all = vec![("form", token.as_str()), (name, value)];
            all.extend_from_slice(fields);
            let page = checked(&browser.post(&path, &all).await, 200);
            assert!(page.contains(shows), "{path}: {page}");
            for part in *says {
                assert!(page.contains(part), "{path}: {part} is not in {page}");
            }
            // The next press does the same again.
            let (action, hidden) = kept_form(&page);
            assert_eq!(action, path[1..], "{page}");
            assert!(hidden.contains(&("form", token.clone())), "{hidden:?}");
            // It is kept for the pages to come, too.
            let next = browser.page("/dashboard/team", 200).await;
            assert!(next.contains(shows), "{path}: {next}");
        }
        // Not without the token of this session.
        let foreign = [("form", "wrong"), ("language", "es")];
        checked(&browser.post(&path, &foreign).await, 403);
    }
    assert_eq!(deeds(&world).await, before, "something was done");
}

#[tokio::test]
async fn the_answer_to_a_form_that_was_wrong_keeps_it_as_it_was_typed() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let token = browser.form_token().await;
    for (route, fields, says) in [
        (
            "/dashboard/keys",
            &[("name", "our key")][..],
            "value=\"our key\"",
        ),
        (
            "/dashboard/webhooks",
            &[("endpoint", "receiver"), ("events", "image_processed")],
            "value=\"receiver\"",
        ),
        (
            "/dashboard/team/invitations",
            &[("email", "no address"), ("role", "admin")],
            "value=\"no address\"",
        ),
        (
            "/dashboard/inspections/{id}/review",
            &[("veredict", "perhaps"), ("reason", "too dark")],
            ">\ntoo dark</textarea>",
        ),
        (
            "/dashboard/inspections/{id}/review-photos",
            &[("reason", "too dark")],
            ">\ntoo dark</textarea>",
        ),
    ] {
        let path = samples.path(route);
        let mut all = vec![("form", token.as_str())];
        all.extend_from_slice(fields);
        let page = checked(&browser.post(&path, &all).await, 400);
        assert!(page.contains(says), "{path}: {page}");
        let (action, _) = kept_form(&page);
        assert_eq!(action, path[1..]);
    }
    // Whoever is refused a recovery comes to its form as it is filled in.
    let fields = [
        ("form", token.as_str()),
        ("webhook", "x"),
        ("from", "2026-11-18T00:00"),
    ];
    let page = checked(&browser.post("/dashboard/recover", &fields).await, 400);
    assert!(
        page.contains(
            "name=\"back\" value=\"dashboard/recover?webhook=x&#38;from=2026-11-18T00%3A00\""
        ),
        "{page}"
    );
}

#[tokio::test]
async fn what_nobody_signed_in_has_typed_stays_too() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let page = browser.page("/signin?return=dashboard%2Faudit", 200).await;
    let (action, hidden) = kept_form(&page);
    assert_eq!(action, "signin");
    assert_eq!(hidden, [("return", "dashboard/audit".to_owned())]);
    let typed = [
        ("return", "dashboard/audit"),
        ("email", "ana@example.com"),
        ("password", "secret words"),
        ("language", "es"),
    ];
    // It counts as no try, however often it is done.
    for _ in 0..50 {
        let page = checked(&browser.post("/signin", &typed).await, 200);
        assert!(page.contains("<html lang=\"es\">"), "{page}");
        assert!(page.contains("value=\"ana@example.com\""), "{page}");
        assert!(page.contains("value=\"dashboard/audit\""), "{page}");
        assert!(!page.contains("secret words"), "{page}");
    }
    let owner = Browser::signed_in(&world, Role::Owner).await;
    let fields = [("email", "leo@example.com"), ("role", "producer")];
    let made = owner
        .submit(
            "/dashboard/team/invite",
            "/dashboard/team/invitations",
            &fields,
        )
        .await;
    let made = made.text();
    let token = made.split("/invitation?token=").nth(1).unwrap();
    let token = token.split(['<', '"']).next().unwrap();
    let page = browser
        .page(&format!("/invitation?token={token}"), 200)
        .await;
    let (action, hidden) = kept_form(&page);
    assert_eq!(action, "invitation");
    assert_eq!(hidden, [("token", token.to_owned())]);
    let typed = [
        ("token", token),
        ("first_name", "Leo"),
        ("last_name", "Sosa"),
        ("password", "long enough for it"),
        ("again", "long enough for it"),
        ("theme", "dark"),
    ];
    for _ in 0..2 {
        let page = checked(&browser.post("/invitation", &typed).await, 200);
        assert!(page.contains("data-theme=\"dark\""), "{page}");
        assert!(
            page.contains("value=\"Leo\"") && page.contains("value=\"Sosa\""),
            "{page}"
        );
    }
}
