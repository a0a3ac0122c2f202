//! Who may open what, and which forms are refused.

use heraldo_domain::account::Role;
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_web::{PageRoute, dashboard_routes};
use http::Method;

use super::Browser;
use super::browser::checked;
use crate::world::World;

const ID: &str = "651ae032ff786d198dfa4ce4";

fn concrete(route: &PageRoute) -> String {
    route.path.replace("{id}", ID)
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

#[tokio::test]
async fn every_form_without_its_token_or_from_elsewhere_is_refused() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let other = Browser::signed_in(&world, Role::Admin).await;
    let others = other.page("/dashboard", 200).await;
    let others = others.split("name=\"form\" value=\"").nth(1).unwrap();
    let others = others.split('"').next().unwrap().replace("&#43;", "+");
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
    }
    // Nothing was done: the session is still there.
    browser.page("/dashboard", 200).await;
}

#[tokio::test]
async fn every_form_that_another_site_sends_is_refused() {
    let world = World::new().await;
    for route in posts() {
        let answer = world
            .bare("POST", &concrete(&route))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site")
            .send()
            .await;
        checked(&answer, 403);
    }
}

#[tokio::test]
async fn a_producer_is_kept_from_what_administrators_do() {
    let world = World::new().await;
    let producer = Browser::signed_in(&world, Role::Producer).await;
    let webhook = world.create_webhook().await;
    for route in dashboard_routes() {
        let path = route.path.replace("{id}", &webhook);
        let answer = match (route.method.clone(), route.role) {
            (Method::GET, Role::Producer) => continue,
            (Method::GET, _) => producer.get(&path).await,
            (_, Role::Producer) => continue,
            _ => {
                let page = producer.page("/dashboard", 200).await;
                let token = page.split("name=\"form\" value=\"").nth(1).unwrap();
                let token = token.split('"').next().unwrap().replace("&#43;", "+");
                producer.post(&path, &[("form", &token)]).await
            }
        };
        let text = checked(&answer, 403);
        assert!(text.contains("Your role does not allow this"), "{path}");
    }
    let page = producer.page("/dashboard/developers", 200).await;
    assert!(page.contains("receiver.example.com"));
    assert!(
        !page.contains("API keys") && !page.contains("hk_live_"),
        "{page}"
    );
    let page = producer
        .page(&format!("/dashboard/webhooks/{webhook}"), 200)
        .await;
    assert!(
        !page.contains("whsec_") && !page.contains("/secret"),
        "{page}"
    );
}

#[tokio::test]
async fn a_second_company_sees_nothing_of_the_first() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let first = Browser::signed_in(&world, Role::Owner).await;
    first
        .page(&format!("/dashboard/webhooks/{webhook}"), 200)
        .await;
    let other = create_company(&world.context, "Otra", Person::default())
        .await
        .unwrap();
    let stranger = Browser::of(&world, other.company_id, Role::Admin).await;
    for route in dashboard_routes() {
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
            let page = stranger.page("/dashboard", 200).await;
            let token = page.split("name=\"form\" value=\"").nth(1).unwrap();
            let token = token.split('"').next().unwrap().replace("&#43;", "+");
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
