//! Webhooks: how they fare, their secrets, tests, checks, and their life.

use heraldo_domain::account::Role;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::signature::{Secret, sign_body};
use serde_json::json;

use super::Browser;
use super::browser::checked;
use crate::deliveries::attempt;
use crate::world::World;

fn answered(status: u16, body: &str) -> AttemptResult {
    AttemptResult::Answered(Received {
        status,
        body: body.to_owned(),
        ..Received::default()
    })
}

fn unreachable() -> AttemptResult {
    AttemptResult::Failed {
        class: ErrorClass::Connect,
        phase: None,
        error: "refused".to_owned(),
        status: None,
        part: None,
    }
}

async fn secret(world: &World, webhook: &str) -> String {
    let path = format!("/v1/notification/webhook/{webhook}/secret");
    let answer = world.get(&path).await.json(200);
    answer["secret"].as_str().unwrap().to_owned()
}

async fn status(world: &World, webhook: &str) -> String {
    let path = format!("/v1/notification/webhook/{webhook}");
    let answer = world.get(&path).await.json(200);
    answer["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_list_says_at_a_glance_how_each_webhook_fares() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let browser = Browser::signed_in(&world, Role::Producer).await;
    let list = browser.page("/dashboard/developers", 200).await;
    assert!(
        list.contains("no attempts") && list.contains(">none<"),
        "{list}"
    );
    world.create_inspection().await;
    attempt(&world, &id, &answered(200, "")).await;
    world.create_inspection().await;
    attempt(&world, &id, &unreachable()).await;
    world.create_inspection().await;
    let list = browser.page("/dashboard/developers", 200).await;
    for part in [
        ">50%<",
        ">12 ms<",
        "data-name=\"Waiting\">1<",
        ">no connection</a>",
        "aria-label=\"Last 24 hours. Attempts delivered: 1; failed: 1\"",
        "/dashboard/deliveries/",
    ] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let page = browser
        .page(&format!("/dashboard/webhooks/{id}"), 200)
        .await;
    for part in [
        "Failing since",
        "50%",
        // By the hour, with its axes, and what holds without a setting of its own.
        "<title id=\"day-title\">Attempts per hour</title>",
        "<dd>32 <small>",
        "<dd>15 s <small>",
        "<dd>15 min, 15 min <small>",
        "<dd>5 days, at least 20 attempts <small>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What failed and succeeded later is known from counters alone.
    let delivery = world
        .get("/v1/notification/delivery?status=failed")
        .await
        .json(200);
    let delivery = delivery["data"][0]["_id"].as_str().unwrap().to_owned();
    let resend = format!("/v1/notification/delivery/{delivery}/resend");
    world.request("POST", &resend).send().await.json(202);
    attempt(&world, &id, &answered(200, "")).await;
    let list = browser.page("/dashboard/developers", 200).await;
    assert!(list.contains(">no connection<br>"), "{list}");
}

#[tokio::test]
async fn the_secret_is_hidden_until_it_is_revealed_and_that_is_audited() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let path = format!("/dashboard/webhooks/{id}");
    let reveal = format!("{path}/secret");
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let first = secret(&world, &id).await;
    let entries = async || {
        let page = heraldo_domain::query::Page {
            limit: 10,
            before: None,
        };
        let store = &world.context.store;
        let entries = store.audit(world.company, page).await.unwrap();
        let users = entries
            .iter()
            .filter(|entry| matches!(entry.actor, heraldo_domain::change::Actor::User(_)));
        let actions = users.map(|entry| format!("{:?}", entry.action));
        actions.collect::<Vec<_>>()
    };
    let page = browser.page(&path, 200).await;
    assert!(
        !page.contains(&first[6..]) && page.contains("whsec_••••"),
        "{page}"
    );
    assert_eq!(entries().await, ["SignedIn"]);
    let shown = checked(&browser.submit(&path, &reveal, &[]).await, 200);
    let shown = shown.replace("&#43;", "+");
    assert!(
        shown.contains(&format!("<code id=\"secret\">{first}</code>")),
        "{shown}"
    );
    assert_eq!(entries().await, ["SecretRevealed", "SignedIn"]);
    // Opening its address does nothing.
    assert_eq!(browser.get(&reveal).await.status, 405);
    assert!(!browser.page(&path, 200).await.contains(&first[6..]));
}

#[tokio::test]
async fn a_secret_is_regenerated_at_once_or_with_an_overlap_that_counts_down() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let path = format!("/dashboard/webhooks/{id}");
    let rotate = format!("{path}/secret/rotate");
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let first = secret(&world, &id).await;
    let (next, page) = browser
        .submit_and_follow(&path, &rotate, &[("overlap", "0")])
        .await;
    assert_eq!(next, path);
    assert!(
        page.contains("There is a new secret") && !page.contains("data-until"),
        "{page}"
    );
    let second = secret(&world, &id).await;
    assert_ne!(first, second);
    let (_, page) = browser
        .submit_and_follow(&path, &rotate, &[("overlap", "3600")])
        .await;
    assert!(
        page.contains("data-until=\"2026-11-18T10:46:40.000Z\""),
        "{page}"
    );
    assert_ne!(second, secret(&world, &id).await);
    world.clock.step(3_600_000);
    assert!(!browser.page(&path, 200).await.contains("data-until"));
    let third = secret(&world, &id).await;
    for wrong in ["", "soon", "-1", "604801"] {
        let answer = browser.submit(&path, &rotate, &[("overlap", wrong)]).await;
        let page = checked(&answer, 400);
        assert!(
            page.contains("<a href=\"#overlap\">") && page.contains("id=\"rotate\" open"),
            "{page}"
        );
    }
    assert_eq!(third, secret(&world, &id).await);
}

#[tokio::test]
async fn a_webhook_is_paused_resumed_disabled_enabled_and_deleted() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    world.create_inspection().await;
    let path = format!("/dashboard/webhooks/{id}");
    let change = format!("{path}/status");
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let page = browser.page(&path, 200).await;
    assert!(page.contains("1 delivery waits now."), "{page}");
    assert!(page.contains("Pause, disable or delete"), "{page}");
    let mut button = "Pause this webhook";
    for (asked, said, next_button) in [
        ("paused", "The webhook is paused", "Resume this webhook"),
        ("enabled", "The webhook is enabled", "Disable this webhook"),
        ("disabled", "Disabled since", "Enable this webhook"),
        ("enabled", "The webhook is enabled", "Pause this webhook"),
    ] {
        let page = browser.page(&path, 200).await;
        assert!(page.contains(button), "{button}: {page}");
        let (_, page) = browser
            .submit_and_follow(&path, &change, &[("status", asked)])
            .await;
        assert!(page.contains(said), "{said}: {page}");
        assert_eq!(status(&world, &id).await, asked);
        // What waits for a paused webhook is not about to be sent.
        let waits = "<dt>Waiting</dt><dd>1<small>oldest: due for 20 min";
        if asked == "paused" {
            world.clock.step(20 * 60_000);
            let page = browser.page(&path, 200).await;
            assert!(page.contains(waits) && page.contains("Resume, disable or delete"));
        }
        if asked == "disabled" {
            let recover = format!("dashboard/recover?webhook={id}\">Recover what it missed");
            assert!(
                page.contains(&recover) && page.contains("Enable or delete"),
                "{page}"
            );
        }
        button = next_button;
    }
    let answer = browser.submit(&path, &change, &[("status", "gone")]).await;
    assert!(checked(&answer, 400).contains("<a href=\"#life\">"));
    let (next, page) = browser
        .submit_and_follow(&path, &format!("{path}/delete"), &[])
        .await;
    assert_eq!(next, "/dashboard/developers");
    assert!(page.contains("The webhook was deleted."), "{page}");
    checked(&browser.get(&path).await, 404);
}

#[tokio::test]
async fn a_test_event_shows_its_attempts_and_the_receivers_words_as_text() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let path = format!("/dashboard/webhooks/{id}");
    let test = format!("{path}/test");
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let answer = browser
        .submit(&path, &test, &[("event", "inspection_completed")])
        .await;
    assert_eq!(answer.status, 303);
    let location = answer.header("location").unwrap();
    let shown = format!("/{}", location.trim_start_matches("../"));
    let shown = shown.trim_end_matches("#test");
    let page = browser.page(shown, 200).await;
    assert!(
        page.contains("waiting for the attempt") && page.contains("data-live="),
        "{page}"
    );
    let answer = answered(500, "<script>alert(1)</script>");
    attempt(&world, &id, &answer).await;
    let page = browser.page(shown, 200).await;
    for part in [
        "<span class=\"mark bad\">failed</span>",
        "Attempt 1",
        "<strong>500</strong>",
        "see its own logs",
        "&#60;script&#62;alert(1)",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Another webhook's page shows nothing of it.
    let other = world.create_webhook().await;
    let query = shown.split('?').nth(1).unwrap();
    let page = browser
        .page(&format!("/dashboard/webhooks/{other}?{query}"), 200)
        .await;
    assert!(!page.contains("Attempt 1"), "{page}");
    let wrong = browser.submit(&path, &test, &[("event", "no_such")]).await;
    assert!(checked(&wrong, 400).contains("<a href=\"#event\">"));
}

#[tokio::test]
async fn the_check_says_what_is_wrong_with_a_signature_and_shows_no_secret() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let other = world.create_webhook().await;
    world.create_inspection().await;
    let page = format!("/dashboard/webhooks/{id}/receiver");
    let action = format!("/dashboard/webhooks/{id}/check");
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let own = secret(&world, &id).await;
    let events = world.get("/v1/notification/event").await.json(200);
    let event = events["data"][0]["_id"].as_str().unwrap().to_owned();
    let sent = events["data"][0]["body"].as_str().unwrap().to_owned();
    let sign = |secret: &str, body: &str| {
        sign_body(&Secret::parse(secret).unwrap(), body.as_bytes()).to_string()
    };
    let right = sign(&own, &sent);
    let check = async |signature: &str, body: &str| {
        let fields = [("signature", signature), ("body", body)];
        let answer = browser.submit(&page, &action, &fields).await;
        let text = checked(&answer, 200);
        assert!(!text.contains(&own[6..]), "{text}");
        text
    };
    let said = check(&right, &sent).await;
    assert!(said.contains("The signature is right."), "{said}");
    let said = check(&right, &format!("{sent}\n")).await;
    assert!(said.contains("A line break was added"), "{said}");
    let said = check(&right.to_uppercase(), &sent).await;
    assert!(said.contains("upper case"), "{said}");
    let said = check(&format!("autoinspector-signature: sha256={right}"), &sent).await;
    assert!(said.contains("take it away: sha256="), "{said}");
    let value: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let said = check(&right, &pretty).await;
    assert!(said.contains("parsed and written anew as JSON"), "{said}");
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let said = check(&right, &sorted.to_string()).await;
    assert!(said.contains("in another order"), "{said}");
    assert!(
        said.contains(&format!("/dashboard/events/{event}")),
        "{said}"
    );
    let said = check(&right, "{\"event\":\"other\"}").await;
    assert!(said.contains("another delivery"), "{said}");
    let others = sign(&secret(&world, &other).await, &sent);
    let said = check(&others, &sent).await;
    assert!(said.contains("another webhook of the company"), "{said}");
    let said = check(&sign("whsec_unknown", &sent), &sent).await;
    assert!(said.contains("made with another secret"), "{said}");
    let said = check("<b>", "</textarea><script>").await;
    assert!(
        said.contains("cannot be a signature") && said.contains("&#60;/textarea&#62;&#60;script"),
        "{said}"
    );
    // What became of the old secret is known as long as it is kept.
    let rotate = format!("/dashboard/webhooks/{id}/secret/rotate");
    let detail = format!("/dashboard/webhooks/{id}");
    browser
        .submit_and_follow(&detail, &rotate, &[("overlap", "3600")])
        .await;
    let said = check(&right, &sent).await;
    assert!(
        said.contains("with the old secret, which is valid until"),
        "{said}"
    );
    world.clock.step(3_600_000);
    let said = check(&right, &sent).await;
    assert!(said.contains("no longer valid: copy the new one"), "{said}");
}

#[tokio::test]
async fn receivers_are_shown_in_four_languages_with_the_endpoints_own_path() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let browser = Browser::signed_in(&world, Role::Producer).await;
    for (language, part) in [
        ("node", "timingSafeEqual"),
        ("php", "hash_equals"),
        ("python", "compare_digest"),
        ("rust", "construct_event"),
    ] {
        let path = format!("/dashboard/webhooks/{id}/receiver?in={language}");
        let page = browser.page(&path, 200).await;
        assert!(page.contains(part) && page.contains("/hook"), "{page}");
        assert!(!page.contains("<form method=\"post\" action=\"../../../dashboard/webhooks"));
    }
}

#[tokio::test]
async fn every_setting_is_set_by_the_form_and_shown_again() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let fields = [
        ("endpoint", "https://receiver.example.com/all"),
        ("events", "image_processed"),
        ("events", "webhook_disabled"),
        ("ordering", "none"),
        ("schedule", "30s 5m"),
        ("retried", "inspection_started image_processed"),
        ("timeout", "5000"),
        ("concurrency", "4"),
        ("rate", "20"),
        ("headers", "Authorization: Bearer abc\r\nX-Region: south"),
        ("recovery", "yes"),
        ("disable-after", "12h"),
        ("disable-attempts", "50"),
        ("asymmetric", "yes"),
    ];
    let (path, page) = browser
        .submit_and_follow("/dashboard/webhooks/new", "/dashboard/webhooks", &fields)
        .await;
    let id = path.rsplit('/').next().unwrap();
    let hook = world
        .get(&format!("/v1/notification/webhook/{id}"))
        .await
        .json(200);
    for (name, value) in [
        ("ordering", json!("none")),
        ("retrySchedule", json!(["30s", "5m"])),
        (
            "retryEvents",
            json!(["inspection_started", "image_processed"]),
        ),
        ("timeoutMs", json!(5000)),
        ("concurrency", json!(4)),
        ("ratePerSecond", json!(20)),
        (
            "headers",
            json!({"Authorization": "Bearer abc", "X-Region": "south"}),
        ),
        ("retryOnRecovery", json!(true)),
        ("disableAfter", json!("12h")),
        ("disableAttemptsMin", json!(50)),
        ("asymmetricSignature", json!(true)),
    ] {
        assert_eq!(hook[name], value, "{name}");
    }
    // A value of a header may be a password.
    assert!(
        page.contains("Authorization, X-Region") && !page.contains("Bearer abc"),
        "{page}"
    );
    let receiver = browser.page(&format!("{path}/receiver?in=php"), 200).await;
    for part in [
        "AUTOINSPECTOR_WEBHOOK_PUBLIC_KEY='whpk_",
        "sodium_crypto_sign_verify_detached",
        "Also v1a, and an Ed25519 signature",
    ] {
        assert!(receiver.contains(part), "{part}: {receiver}");
    }
    assert!(page.contains("whpk_") && page.contains("12 h, at least 50 attempts"));
    let form = browser.page(&format!("{path}/settings"), 200).await;
    for part in [
        "value=\"30s, 5m\"",
        "value=\"inspection_started, image_processed\"",
        "value=\"12h\"",
        "Authorization: Bearer abc\nX-Region: south",
        "name=\"asymmetric\" value=\"yes\" checked",
        "<option value=\"yes\" selected>",
    ] {
        assert!(form.contains(part), "{part}: {form}");
    }
    // An empty form of settings gives everything back to the server.
    let settings = format!("{path}/settings");
    let bare = [
        ("endpoint", "https://receiver.example.com/all"),
        ("events", "image_processed"),
    ];
    browser.submit_and_follow(&settings, &settings, &bare).await;
    let hook = world
        .get(&format!("/v1/notification/webhook/{id}"))
        .await
        .json(200);
    assert_eq!(hook["headers"], json!({}));
    assert_eq!(hook["retryOnRecovery"], json!(null));
    assert_eq!(hook["asymmetricSignature"], json!(false));
    assert_eq!(hook["tls"], json!(null));
}

#[tokio::test]
async fn a_wrong_setting_is_said_at_its_field_and_a_key_is_never_shown_again() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    for (name, value, field) in [
        ("recovery", "maybe", "recovery"),
        ("disable-after", "soon", "disable-after"),
        ("disable-after", "400d", "disable-after"),
        ("disable-attempts", "0", "disable-attempts"),
        ("disable-attempts", "many", "disable-attempts"),
        ("tls-ca", "some authority", "tls-ca"),
        ("tls-key", "a key in PEM", "tls-ca"),
        ("challenge", "yes", "challenge"),
    ] {
        let fields = [
            ("endpoint", "http://receiver.example.com"),
            ("events", "image_processed"),
            ("description", "kept text"),
            (name, value),
        ];
        let answer = browser
            .submit("/dashboard/webhooks/new", "/dashboard/webhooks", &fields)
            .await;
        let page = checked(&answer, 400);
        assert!(
            page.contains(&format!("id=\"{field}-wrong\"")),
            "{name}={value}: {page}"
        );
        assert!(page.contains("kept text") && !page.contains("a key in PEM"));
    }
    let hooks = world.get("/v1/notification/webhook").await.json(200);
    assert_eq!(hooks["data"], json!([]));
}
