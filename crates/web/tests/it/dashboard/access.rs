//! Who may open what, and which forms are refused.

use heraldo_domain::account::{Authority as _, Role};
use heraldo_web::{PageRoute, dashboard_routes};
use heraldo_wire::problem::ProblemCode;
use http::Method;

use super::Browser;
use super::browser::checked;
use super::samples::{OWN_WORDS, Samples};
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
async fn every_page_has_the_strict_policy() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let nobody = Browser::new(&world);
    let samples = Samples::of(&world).await;
    let mut answers = vec![
        nobody.get("/signin").await,
        nobody.get("/signin?token=si_wrong").await,
        nobody.get("/invitation?token=in_wrong").await,
        browser.get("/oauth/connect").await,
    ];
    for route in pages() {
        if route.method == Method::GET {
            let path = samples.path_of(&route);
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
async fn a_producer_sees_no_secrets_keys_and_people_on_any_page() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    let producer = Browser::signed_in(&world, Role::Producer).await;
    let mut pages_seen = 0;
    for route in pages() {
        let is_open = route.role == Role::Producer && route.method == Method::GET;
        let path = samples.path_of(&route);
        if !is_open || path == "/dashboard/settings" {
            continue;
        }
        // This one is not among those that the producer made.
        if route.path == "/dashboard/inspections/{id}" {
            producer.page(&path, 404).await;
            continue;
        }
        let page = producer.page(&path, 200).await;
        pages_seen += 1;
        for hidden in [
            "API keys",
            "hk_live_",
            "/secret\"",
            "dashboard/team",
            "key of the first",
            "application of the first",
            "invited@first.example",
            // What was sent, and what came back.
            "<h2 id=\"body\">",
        ] {
            assert!(!page.contains(hidden), "{path} shows {hidden}: {page}");
        }
        // No form but those of the frame and of the own account.
        let actions = page.split("action=\"").skip(1);
        let actions = actions.map(|rest| rest.split('"').next().unwrap().trim_start_matches("../"));
        for action in actions {
            let own = ["preferences", "dashboard/sign-out", "dashboard/account"];
            let is_filter = path.ends_with(&format!("/{action}"));
            let is_own = own.iter().any(|own| action.starts_with(own));
            assert!(is_own || is_filter, "{path} has a form for {action}");
        }
    }
    assert!(pages_seen >= 8, "{pages_seen}");
    // No secret of any webhook, whole or in part, in what a producer gets.
    let webhook = samples.path("/dashboard/webhooks/{id}");
    assert!(!producer.page(&webhook, 200).await.contains("whsec_"));
    let page = producer.page("/dashboard/developers", 200).await;
    assert!(page.contains("receiver.example.com"));
}

#[tokio::test]
async fn a_second_company_sees_nothing_of_the_first_and_the_first_all_of_it() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Owner).await;
    let token = stranger.form_token().await;
    for route in pages() {
        let path = samples.path_of(&route);
        let answer = if route.method == Method::GET {
            stranger.get(&path).await
        } else if route.path.contains("{id}") {
            let valid = [
                ("form", token.as_str()),
                ("endpoint", "https://evil.example.com"),
                ("events", "inspection_created"),
                ("role", "producer"),
            ];
            stranger.post(&path, &valid).await
        } else {
            continue;
        };
        if route.path.contains("{id}") {
            checked(&answer, 404);
        }
        for word in OWN_WORDS {
            assert!(!answer.text().contains(word), "{path} shows {word}");
        }
    }
    // All of it is still there, and there for its owner.
    let owner = Browser::signed_in(&world, Role::Owner).await;
    let token = owner.form_token().await;
    let mut seen = String::new();
    let mut ends = Vec::new();
    for route in pages() {
        let path = samples.path_of(&route);
        if route.method == Method::GET {
            let answer = owner.get(&path).await;
            assert!(
                answer.status == 200 || path == "/dashboard/settings",
                "{path}: {}",
                answer.status
            );
            // Where an address may break is no part of it.
            seen += &answer.text().replace("<wbr>", "");
        } else if route.path.contains("{id}") {
            ends.push(path);
        }
    }
    for word in OWN_WORDS {
        assert!(seen.contains(word), "{word} is nowhere");
    }
    // What ends a thing comes last.
    ends.sort_by_key(|path| path.ends_with("/delete") || path.ends_with("/remove"));
    for path in ends {
        let answer = owner.post(&path, &[("form", &token)]).await;
        assert!(
            answer.status != 404 && answer.status != 403,
            "{path}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn an_unknown_address_is_a_page_in_a_browser_and_json_to_a_program() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Producer).await;
    let nobody = Browser::new(&world);
    for (path, status, says) in [
        ("/dashboard/typo", 404, "There is nothing here"),
        ("/typo", 404, "There is nothing here"),
        ("/dashboard/webhooks/1/2/3", 404, "There is nothing here"),
        (
            "/dashboard/keys",
            405,
            "This address is not opened like this",
        ),
        ("/preferences", 405, "This address is not opened like this"),
    ] {
        browser.language = "en";
        let answer = browser.get(path).await;
        let page = checked(&answer, status);
        assert!(page.contains(says), "{path}: {page}");
        // Whoever is signed in stays in sight, with the way on.
        assert!(page.contains("<nav aria-label=\"Main\">"), "{path}");
        let up = "../".repeat(path.matches('/').count() - 1);
        let home = format!("<a class=\"button first\" href=\"{up}dashboard\">");
        assert!(page.contains(&home), "{path}: {page}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{path}");
        browser.language = "es";
        let page = browser.page(path, status).await;
        assert!(page.contains("<html lang=\"es\">"), "{path}: {page}");
        let page = nobody.page(path, status).await;
        assert!(!page.contains("<nav"), "{path}: {page}");
        let answer = world.bare("GET", path).send().await;
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/json"), "{path}");
    }
    let answer = browser.get("/v1/typo").await;
    answer.problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn problem_pages_keep_whoever_is_signed_in_in_sight() {
    let world = World::new().await;
    let samples = Samples::of(&world).await;
    let producer = Browser::signed_in(&world, Role::Producer).await;
    let admin = Browser::signed_in(&world, Role::Admin).await;
    let token = admin.form_token().await;
    let revoke = samples.path("/dashboard/keys/{id}/revoke");
    let pages = [
        checked(&producer.get("/dashboard/team").await, 403),
        checked(
            &producer.get(&format!("/dashboard/webhooks/{ID}")).await,
            404,
        ),
        checked(&admin.post(&revoke, &[("form", "wrong")]).await, 403),
        checked(
            &admin
                .post(
                    &samples.path("/dashboard/team/{id}/role"),
                    &[("form", &token)],
                )
                .await,
            400,
        ),
    ];
    for page in pages {
        assert!(page.contains("<nav aria-label=\"Main\">"), "{page}");
        assert!(page.contains("<details class=\"menu\">"), "{page}");
        assert!(page.contains("<a class=\"button first\" href=\""), "{page}");
    }
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
