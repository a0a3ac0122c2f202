//! Every form: what it answers to wrong input, that nobody else can send it, and where its answer leads back to.

use heraldo_domain::account::Role;
use heraldo_web::{PageRoute, dashboard_routes, open_forms, openapi_json};
use http::Method;
use serde_json::Value;
use url::form_urlencoded;

use super::Browser;
use super::browser::checked;
use super::samples::Samples;
use crate::world::World;

const ID: &str = "651ae032ff786d198dfa4ce4";

/// In the place of an id; forms with nothing to type get this wrong alone.
const NO_ID: &str = "no-id";

/// A form's address, wrong input, the status of the answer, and what it says: `#` with the field to mend, which
/// is then on the page, or some of its words.
type Wrong = (
    &'static str,
    &'static [(&'static str, &'static str)],
    u16,
    &'static str,
);

const NOTHING_HERE: &str = "There is nothing here";

#[rustfmt::skip]
const WRONG: &[Wrong] = &[
    ("/dashboard/account", &[("first_name", "Ana"), ("email", "no address")], 400, "#email"),
    ("/dashboard/account", &[("first_name", ""), ("email", "")], 400, "#email"),
    ("/dashboard/account/password", &[("password", "short"), ("again", "short")], 400, "#password"),
    ("/dashboard/account/password", &[("password", "long enough for it"), ("again", "another one")], 400, "#again"),
    ("/dashboard/team/invitations", &[("email", "no address"), ("role", "producer")], 400, "#email"),
    ("/dashboard/team/invitations", &[("email", "leo@example.com"), ("role", "king")], 400, "#role"),
    ("/dashboard/team/invitations", &[("email", "owner@example.com"), ("role", "admin")], 409, "#email"),
    ("/dashboard/team/invitations/{id}/revoke", &[], 404, NOTHING_HERE),
    ("/dashboard/team/{id}/role", &[("role", "king")], 400, "`role`"),
    ("/dashboard/team/{id}/role", &[], 400, "`role`"),
    ("/dashboard/team/{id}/remove", &[], 404, NOTHING_HERE),
    ("/dashboard/team/{id}/reset", &[], 404, NOTHING_HERE),
    ("/dashboard/keys", &[("name", ""), ("scopes", "webhooks")], 400, "#name"),
    ("/dashboard/keys", &[("name", "x")], 400, "#scopes"),
    ("/dashboard/keys", &[("name", "x"), ("scopes", "root")], 400, "#scopes"),
    ("/dashboard/keys/{id}/revoke", &[], 404, NOTHING_HERE),
    ("/dashboard/applications", &[("name", ""), ("redirects", "https://app.example/cb")], 400, "#name"),
    ("/dashboard/applications", &[("name", "x"), ("redirects", "javascript:alert(1)")], 400, "#redirects"),
    ("/dashboard/applications/{id}/secret", &[], 404, NOTHING_HERE),
    ("/dashboard/applications/{id}/delete", &[], 404, NOTHING_HERE),
    ("/dashboard/webhooks", &[("endpoint", "receiver"), ("events", "image_processed")], 400, "#endpoint"),
    ("/dashboard/webhooks", &[("endpoint", "https://r.example.com")], 400, "#events"),
    ("/dashboard/webhooks/{id}/settings", &[("endpoint", "ftp://x"), ("events", "image_processed")], 400, "#endpoint"),
    ("/dashboard/webhooks/{id}/settings", &[("endpoint", "https://r.example.com"), ("events", "image_processed"), ("timeout", "soon")], 400, "#timeout"),
    ("/dashboard/webhooks/{id}/settings", &[("endpoint", "https://r.example.com"), ("events", "image_processed"), ("retried", "inspection_lost")], 400, "#retried"),
    ("/dashboard/webhooks/{id}/secret", &[], 404, NOTHING_HERE),
    ("/dashboard/webhooks/{id}/secret/rotate", &[("overlap", "a while")], 400, "#overlap"),
    ("/dashboard/webhooks/{id}/test", &[("event", "no_such_event")], 400, "#event"),
    ("/dashboard/webhooks/{id}/status", &[("status", "asleep")], 400, "#life"),
    ("/dashboard/webhooks/{id}/delete", &[], 404, NOTHING_HERE),
    // Wrong input is what it is for.
    ("/dashboard/webhooks/{id}/check", &[("signature", "abc"), ("body", "{}")], 200, "This cannot be a signature:"),
    ("/dashboard/webhooks/{id}/check", &[], 200, "This cannot be a signature:"),
    ("/dashboard/inspections/{id}/access", &[], 404, NOTHING_HERE),
    ("/dashboard/inspections/{id}/review", &[("veredict", "perhaps")], 400, "#veredict"),
    ("/dashboard/inspections/{id}/review-photos", &[("photo-x", "approve")], 400, "#photos"),
    ("/dashboard/inspections/{id}/child", &[], 409, "expired"),
    ("/dashboard/inspections/{id}/report", &[], 404, NOTHING_HERE),
    ("/dashboard/deliveries/{id}/resend", &[], 404, NOTHING_HERE),
    ("/dashboard/recover", &[], 400, "#from"),
    ("/dashboard/recover", &[("webhook", ID), ("from", "soon"), ("status", "failed")], 400, "#from"),
    ("/dashboard/recover", &[("webhook", "x"), ("from", "2026-11-18T00:00"), ("status", "failed")], 400, "#webhook"),
    ("/dashboard/recover/{id}/cancel", &[], 404, NOTHING_HERE),
    ("/dashboard/recover/counts/{id}/stop", &[], 404, NOTHING_HERE),
];

/// They take nothing but the session's own token.
const NOTHING_TO_TYPE: [&str; 2] = ["/dashboard/sign-out", "/dashboard/sign-out-everywhere"];

fn posts() -> Vec<PageRoute> {
    let routes = dashboard_routes().into_iter();
    let posts: Vec<_> = routes
        .filter(|route| route.method == Method::POST)
        .collect();
    assert!(posts.len() > 3);
    posts
}

#[tokio::test]
async fn every_form_says_what_is_wrong_with_its_input_and_leads_back_to_its_page() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    let token = browser.form_token().await;
    for route in posts() {
        let cases: Vec<&Wrong> = WRONG.iter().filter(|case| case.0 == route.path).collect();
        let types_nothing = NOTHING_TO_TYPE.contains(&route.path);
        assert_ne!(
            cases.is_empty(),
            !types_nothing,
            "{} needs wrong input in the table of this test",
            route.path
        );
        for (_, fields, status, says) in cases {
            let address = |route: &str| match status {
                404 => route.replace("{id}", NO_ID),
                _ => samples.path(route),
            };
            let path = address(route.path);
            let mut all = vec![("form", token.as_str())];
            all.extend_from_slice(fields);
            browser.language = "en";
            let page = checked(&browser.post(&path, &all).await, *status);
            match says.strip_prefix('#') {
                None => assert!(page.contains(says), "{path} {fields:?}: {page}"),
                Some(field) => {
                    let link = format!("<a href=\"#{field}\">");
                    assert!(page.contains(&link), "{path} {fields:?}: {page}");
                    let place = format!(" id=\"{field}\"");
                    assert!(page.contains(&place), "{path} {fields:?}: {page}");
                    assert!(page.contains("role=\"alert\""), "{path} {fields:?}");
                    // In the reader's language, too.
                    browser.language = "es";
                    let spanish = checked(&browser.post(&path, &all).await, *status);
                    assert!(spanish.contains("Revisa el formulario"), "{path}");
                }
            }
            // Whoever then changes the language comes to the page with the form.
            let back = address(route.page);
            let field = format!("name=\"back\" value=\"{}", &back[1..]);
            let leads = ["\"", "?"].map(|end| page.contains(&format!("{field}{end}")));
            assert!(leads.contains(&true), "{path} leads not to {back}: {page}");
            if *status != 404 {
                browser.language = "en";
                let shown = browser.page(&back, 200).await;
                let form = format!("{}\"", &path[1..]);
                let form_with_query = format!("{}?", &path[1..]);
                let is_hidden = ["child", "role"].iter().any(|end| path.ends_with(end));
                assert!(
                    shown.contains(&form)
                        || shown.contains(&form_with_query)
                        || is_hidden
                        || path.ends_with("recover"),
                    "{back} has no form for {path}"
                );
            }
        }
    }
    for (path, ..) in WRONG {
        let is_there = posts().iter().any(|route| route.path == *path);
        assert!(is_there, "{path} is no form any more");
    }
}

/// Sends a form of this session as another site would make the browser send it.
async fn send_from(
    world: &World,
    browser: &Browser<'_>,
    path: &str,
    token: &str,
    origin: &[(&str, &str)],
) {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("form", token)
        .finish();
    let mut call = world
        .bare("POST", path)
        .header("host", "inspect.example.com")
        .header("accept-language", "en")
        .header("cookie", &browser.cookies())
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in origin {
        call = call.header(name, value);
    }
    let answer = call.body(body).send().await;
    let text = checked(&answer, 403);
    assert!(
        text.contains("The form is not one of this session"),
        "{path} {origin:?}"
    );
}

#[tokio::test]
async fn every_form_is_refused_without_its_token_with_anothers_and_from_elsewhere() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let other = Browser::signed_in(&world, Role::Admin).await;
    let (own, others) = (browser.form_token().await, other.form_token().await);
    for route in posts() {
        let path = route.path.replace("{id}", ID);
        for fields in [
            &[][..],
            &[("form", "")],
            &[("form", "wrong")],
            &[("form", &others)],
        ] {
            let answer = browser.post(&path, fields).await;
            let text = checked(&answer, 403);
            assert!(
                text.contains("The form is not one of this session"),
                "{path}"
            );
        }
        for origin in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://inspect.example.com"),
            ],
        ] {
            send_from(&world, &browser, &path, &own, origin).await;
        }
    }
    // Nothing was done: the session is still there.
    browser.page("/dashboard", 200).await;
}

/// Every form of a page outside the dashboard, with what stands for an id.
fn forms_outside() -> Vec<String> {
    let description: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut forms: Vec<String> = open_forms().into_iter().map(str::to_owned).collect();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let post = &methods["post"];
        let body = &post["requestBody"]["content"];
        let is_form = body.get("application/x-www-form-urlencoded").is_some();
        let is_page = post["tags"][0] == "pages";
        if is_form || is_page {
            forms.push(path.clone());
        }
    }
    assert!(forms.len() >= 6, "{forms:?}");
    forms
}

#[tokio::test]
async fn every_form_outside_the_dashboard_is_refused_from_another_site() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    for form in forms_outside() {
        let path = form.replace("{id}", &samples.inspection);
        let send = async |site: &str| {
            let call = world
                .bare("POST", &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("sec-fetch-site", site);
            call.send().await
        };
        let own = send("same-origin").await;
        for site in ["cross-site", "same-site"] {
            let answer = send(site).await;
            let status = answer.status.as_u16();
            assert!(status == 400 || status == 403, "{path}: {status}");
            assert_eq!(answer.header("set-cookie"), None, "{path}");
            // The same from a page of this server is answered in another way.
            assert_ne!(answer.text(), own.text(), "{path}");
        }
    }
}
