//! The overview: figures, notices, and the steps before there is anything to show.

use heraldo_domain::account::Role;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::ops::disable_webhook::{Complaint, Means, disable_webhook};
use heraldo_domain::webhook::Defaults;
use heraldo_wire::attempt::{ErrorClass, Phase};
use serde_json::json;

use super::Browser;
use super::browser::checked;
use crate::deliveries::attempt;
use crate::world::{World, id_in};

const MINUTE_MS: i64 = 60_000;

fn taken() -> AttemptResult {
    AttemptResult::Answered(Received {
        status: 200,
        ..Received::default()
    })
}

fn too_late() -> AttemptResult {
    AttemptResult::Failed {
        class: ErrorClass::Timeout,
        phase: Some(Phase::FirstByte),
        error: "no answer in time".to_owned(),
        status: None,
        part: None,
    }
}

#[tokio::test]
async fn until_anything_was_sent_the_overview_shows_the_steps() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    let page = browser.page("/dashboard", 200).await;
    for part in [
        "First steps",
        "href=\"dashboard/webhooks/new\"",
        "dashboard/developers#keys",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<svg viewBox=\"0 0 600"), "{page}");
    browser.language = "es";
    let page = browser.page("/dashboard?range=month", 200).await;
    // Without figures there is no time to choose them by.
    assert!(page.contains("Primeros pasos") && !page.contains("Últimos 30 días"));
    let producer = Browser::signed_in(&world, Role::Producer).await;
    let page = producer.page("/dashboard", 200).await;
    assert!(page.contains("Add an endpoint") && !page.contains("webhooks/new"));
}

#[tokio::test]
async fn the_figures_are_those_of_the_asked_time() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    for _ in 0..3 {
        world.create_inspection().await;
    }
    attempt(&world, &webhook, &too_late()).await;
    // The day before counts in the month alone.
    world.clock.step(26 * 60 * MINUTE_MS);
    for minute in 0..90 {
        world.create_inspection().await;
        let result = if minute % 10 == 9 {
            too_late()
        } else {
            taken()
        };
        attempt(&world, &webhook, &result).await;
        world.clock.step(MINUTE_MS);
    }
    world.create_inspection().await;
    world.clock.step(10_000);

    let browser = Browser::signed_in(&world, Role::Producer).await;
    let page = browser.page("/dashboard", 200).await;
    assert!(!page.contains("First steps"), "{page}");
    // 59 whole minutes and the present one.
    for part in [
        "<dt>Success rate</dt><dd>89.83%",
        "<dt>Waiting</dt><dd>1<small>oldest: due for 10 s",
        "<dt>Given up</dt><dd>6",
        "aria-labelledby=\"attempts-title attempts-text\"",
        "Attempts per minute, at most: 1. In all, delivered: 53; failed: 6.",
        "aria-labelledby=\"latency-title latency-text\"",
        "Most frequent reason: timeout",
        "receiver.example.com/hook</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("<tr><th scope=\"row\"><time").count(), 59);
    let page = browser.page("/dashboard?range=day", 200).await;
    assert!(page.contains("delivered: 81; failed: 9"), "{page}");
    let page = browser.page("/dashboard?range=month", 200).await;
    assert!(page.contains("delivered: 81; failed: 12"), "{page}");
    assert!(page.contains(">2026-11-18</time>"), "{page}");
    let page = browser.page("/dashboard?range=", 200).await;
    assert!(page.contains("delivered: 53; failed: 6"), "{page}");

    let wrong = checked(&browser.get("/dashboard?range=century").await, 400);
    assert!(
        wrong.contains("Not possible") && wrong.contains("range"),
        "{wrong}"
    );

    // An hour without attempts says so; the rest stays.
    world.clock.step(120 * MINUTE_MS);
    let page = browser.page("/dashboard", 200).await;
    for part in [
        "There were no attempts in this time.",
        "<dt>Success rate</dt><dd>–",
        "None failed in this time.",
        "oldest: due for 2 h",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn the_fullest_overview_weighs_little() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let mut webhooks = Vec::new();
    for number in 0..5 {
        let endpoint = format!("https://receiver.example.com/{number}/{}", "x".repeat(200));
        let body = json!({"endpoint": endpoint, "events": ["inspection_created"]});
        let made = world.post("/v1/notification/webhook", &body).await;
        webhooks.push(id_in(&made.json(201)));
    }
    for _ in 0..61 {
        for _ in 0..3 {
            world.create_inspection().await;
        }
        for webhook in &webhooks {
            attempt(&world, webhook, &too_late()).await;
        }
        world.clock.step(MINUTE_MS);
    }
    world.create_inspection().await;
    for webhook in &webhooks {
        let complaint = Complaint::Gone {
            endpoint: format!(
                "https://receiver.example.com/{}/{}",
                webhooks.iter().position(|id| id == webhook).unwrap(),
                "x".repeat(200)
            ),
        };
        disable(&world, webhook, &complaint).await;
    }
    let page = browser.page("/dashboard", 200).await;
    assert_eq!(page.matches("Heraldo disabled a webhook").count(), 5);
    assert_eq!(page.matches("data-name=\"Failed\"").count(), 5);
}

async fn disable(world: &World, webhook: &str, complaint: &Complaint) {
    let means = Means {
        store: &*world.context.store,
        clock: &*world.context.clock,
        entropy: &*world.context.entropy,
        ids: &world.context.ids,
        server: &Defaults::default(),
    };
    let disabled = disable_webhook(means, webhook.parse().unwrap(), complaint).await;
    assert!(disabled.unwrap().is_some());
}

#[tokio::test]
async fn a_webhook_that_heraldo_disabled_is_told_of_until_it_is_enabled() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = world.create_webhook().await;
    let path = format!("/v1/notification/webhook/{webhook}");
    let set = |status: &'static str| {
        let call = world.request("PATCH", &path);
        call.json(&json!({ "status": status })).send()
    };
    // Whoever disabled it knows.
    set("disabled").await.json(200);
    let page = browser.page("/dashboard", 200).await;
    assert!(!page.contains("Heraldo disabled"), "{page}");
    set("enabled").await.json(200);
    let complaint = Complaint::Gone {
        endpoint: "https://receiver.example.com/hook".to_owned(),
    };
    disable(&world, &webhook, &complaint).await;
    let page = browser.page("/dashboard?range=month", 200).await;
    for part in [
        "Heraldo disabled a webhook",
        "Its receiver answered 410 Gone",
        &format!("dashboard/webhooks/{webhook}\">https://receiver"),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    set("enabled").await.json(200);
    let page = browser.page("/dashboard", 200).await;
    assert!(!page.contains("Heraldo disabled"), "{page}");
}

#[tokio::test]
async fn the_overview_of_a_second_company_has_nothing_of_the_first() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    attempt(&world, &webhook, &too_late()).await;
    world.create_inspection().await;
    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Owner).await;
    for range in ["hour", "day", "month"] {
        let path = format!("/dashboard?range={range}");
        let page = stranger.page(&path, 200).await;
        assert!(page.contains("First steps"), "{page}");
        assert!(!page.contains("receiver.example.com"), "{page}");
    }
}

#[tokio::test]
async fn an_endpoint_is_shown_as_text() {
    let world = World::new().await;
    let body = json!({
        "endpoint": "https://receiver.example.com/?q=<img/src=x>",
        "events": ["inspection_created"],
    });
    let made = world.post("/v1/notification/webhook", &body).await;
    let webhook = id_in(&made.json(201));
    world.create_inspection().await;
    attempt(&world, &webhook, &too_late()).await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let page = browser.page("/dashboard", 200).await;
    assert!(page.contains("?q="), "{page}");
    assert!(!page.contains("<img"), "{page}");
}
