//! Who may open what, and which forms are refused.

use heraldo_domain::account::{Authority as _, Role};
use heraldo_web::{PageRoute, dashboard_routes};
use http::Method;
use url::form_urlencoded;

use super::Browser;
use super::browser::checked;
use crate::world::World;

const ID: &str = "651ae032ff786d198dfa4ce4";

fn concrete(route: &PageRoute) -> String {
    route.path.replace("{id}", ID)
}

/// Every page; a stream, which has no end, has tests of its own.
fn pages() -> Vec<PageRoute> {
    let routes = dashboard_routes().into_iter();
    routes
        .filter(|route| route.path != "/dashboard/deliveries/stream")
        .collect()
}

fn posts() -> Vec<PageRoute> {
    let routes = dashboard_routes().into_iter();
    let posts: Vec<_> = routes
        .filter(|route| route.method == Method::POST)
        .collect();
    assert!(posts.len() > 3);
    posts
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_sign_in_page_and_back() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    for route in dashboard_routes() {
        let path = concrete(&route);
        if route.method == Method::GET {
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, 303, "{path}");
            let location = answer.header("location").unwrap();
            let up = "../".repeat(path.matches('/').count() - 1);
            let back = path[1..].replace('/', "%2F");
            assert_eq!(location, format!("{up}signin?return={back}"));
        } else {
            let answer = browser.post(&path, &[("form", "x")]).await;
            assert_eq!(answer.status, 303, "{path}");
        }
    }
    let page = browser
        .page("/signin?return=dashboard%2Fdevelopers", 200)
        .await;
    assert!(page.contains("value=\"dashboard/developers\""), "{page}");
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
        let path = concrete(&route);
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
    // What changes something before anybody is signed in looks at the origin, too.
    for path in ["/signin", "/invitation", "/preferences"] {
        let answer = world
            .bare("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site")
            .send()
            .await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}

#[tokio::test]
async fn every_page_has_the_strict_policy() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let nobody = Browser::new(&world);
    let webhook = world.create_webhook().await;
    let mut answers = vec![
        nobody.get("/signin").await,
        nobody.get("/signin?token=si_wrong").await,
        nobody.get("/invitation?token=in_wrong").await,
        browser.get("/oauth/connect").await,
    ];
    for route in pages() {
        if route.method == Method::GET {
            let path = route.path.replace("{id}", &webhook);
            answers.push(browser.get(&path).await);
        }
    }
    let mut pages = 0;
    for answer in answers {
        let kind = answer.header("content-type").unwrap_or_default();
        if !kind.starts_with("text/html") {
            continue;
        }
        pages += 1;
        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                 img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            )
        );
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert!(pages > 10, "{pages}");
}

#[tokio::test]
async fn each_role_opens_what_the_table_of_routes_gives_it_and_nothing_else() {
    let world = World::new().await;
    let routes = pages();
    for role in [Role::Producer, Role::Admin, Role::Owner] {
        let browser = Browser::signed_in(&world, role).await;
        for route in &routes {
            // Of nothing that is there, so that a form of the right role changes nothing of the next one.
            let path = concrete(route);
            let answer = if route.method == Method::GET {
                browser.get(&path).await
            } else if route.path.contains("{id}") || !role.includes(route.role) {
                let token = browser.form_token().await;
                browser.post(&path, &[("form", &token)]).await
            } else {
                // Each is sent with its token and what it needs by the tests of its page.
                continue;
            };
            assert_eq!(
                answer.status == 403,
                !role.includes(route.role),
                "{role} {} {path}: {}",
                route.method,
                answer.status
            );
            if answer.status == 403 {
                let text = checked(&answer, 403);
                assert!(text.contains("Your role does not allow this"), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_producer_sees_no_secrets_keys_and_people() {
    let world = World::new().await;
    let producer = Browser::signed_in(&world, Role::Producer).await;
    let webhook = world.create_webhook().await;
    let pages = ["/dashboard", "/dashboard/developers", "/dashboard/account"];
    for path in pages
        .map(str::to_owned)
        .into_iter()
        .chain([format!("/dashboard/webhooks/{webhook}")])
    {
        let page = producer.page(&path, 200).await;
        for hidden in [
            "API keys",
            "hk_live_",
            "whsec_",
            "/secret",
            "dashboard/team",
        ] {
            assert!(!page.contains(hidden), "{path} shows {hidden}: {page}");
        }
    }
    let page = producer.page("/dashboard/developers", 200).await;
    assert!(page.contains("receiver.example.com"));
}

#[tokio::test]
async fn a_second_company_sees_nothing_of_the_first() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let first = Browser::signed_in(&world, Role::Owner).await;
    first
        .page(&format!("/dashboard/webhooks/{webhook}"), 200)
        .await;
    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Admin).await;
    for route in pages() {
        let path = route.path.replace("{id}", &webhook);
        if route.method == Method::GET {
            let answer = stranger.get(&path).await;
            let text = answer.text();
            assert!(
                !text.contains("receiver.example.com") && !text.contains("Seguros del Sur"),
                "{path}"
            );
            if route.path.contains("{id}") {
                checked(&answer, 404);
            }
        } else if route.path.contains("{id}") {
            let token = stranger.form_token().await;
            let valid = [
                ("form", token.as_str()),
                ("endpoint", "https://evil.example.com"),
                ("events", "inspection_created"),
            ];
            checked(&stranger.post(&path, &valid).await, 404);
        }
    }
    first
        .page(&format!("/dashboard/webhooks/{webhook}"), 200)
        .await;
}

#[tokio::test]
async fn language_and_look_are_chosen_and_kept() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let page = browser.page("/dashboard", 200).await;
    assert!(page.contains("<html lang=\"en\">"), "{page}");
    let chosen = [("language", "es"), ("theme", "dark")];
    let (next, page) = browser
        .submit_and_follow("/dashboard/developers", "/preferences", &chosen)
        .await;
    assert_eq!(next, "/dashboard/developers");
    assert!(
        page.contains("<html lang=\"es\" data-theme=\"dark\">"),
        "{page}"
    );
    let evil = [("language", "en"), ("back", "https://evil.example")];
    let answer = browser.post("/preferences", &evil).await;
    assert_eq!(answer.header("location"), Some("dashboard"));
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Producer).await;
    let stolen = Browser::new(&world);
    browser.lend_cookies_to(&stolen);
    stolen.page("/dashboard", 200).await;
    let (next, _) = browser
        .submit_and_follow("/dashboard", "/dashboard/sign-out", &[])
        .await;
    assert_eq!(next, "/signin");
    assert_eq!(stolen.get("/dashboard").await.status, 303);
}

#[tokio::test]
async fn style_and_script_are_kept_for_ever_under_the_names_of_their_content() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let page = browser.page("/signin", 200).await;
    for (mark, kind) in [
        ("href=\"", "text/css; charset=utf-8"),
        ("src=\"", "text/javascript; charset=utf-8"),
    ] {
        let path = page
            .split(mark)
            .find(|part| part.starts_with("assets/"))
            .unwrap();
        let path = format!("/{}", path.split('"').next().unwrap());
        let file = browser.get(&path).await;
        assert_eq!(file.status, 200);
        assert_eq!(file.header("content-type"), Some(kind));
        assert_eq!(
            file.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(
        browser
            .get("/assets/heraldo-0000000000000000.css")
            .await
            .status,
        404
    );
}
