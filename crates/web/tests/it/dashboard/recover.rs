//! Recovering on pages: counted first, then run, followed and cancelled.

use heraldo_domain::account::Role;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::store::Store as _;
use serde_json::json;

use super::Browser;
use super::browser::checked;
use crate::deliveries::attempt;
use crate::world::World;

const PAGE: &str = "/dashboard/recover";
/// Before everything that these tests do, as the browser's own field writes it.
const EARLY: &str = "2026-11-18T00:00";

/// A webhook that failed to get one event and was disabled while two more were made, a second apart.
async fn history(world: &World) -> String {
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    let refused = AttemptResult::Answered(Received {
        status: 500,
        ..Received::default()
    });
    attempt(world, &webhook, &refused).await;
    set_status(world, &webhook, "disabled").await;
    for _ in 0..2 {
        world.clock.step(1_000);
        world.create_inspection().await;
    }
    set_status(world, &webhook, "enabled").await;
    world.clock.step(1_000);
    webhook
}

async fn set_status(world: &World, webhook: &str, status: &str) {
    let call = world.request("PATCH", &format!("/v1/notification/webhook/{webhook}"));
    call.json(&json!({"status": status})).send().await.json(200);
}

fn count_of(webhook: &str) -> String {
    format!("{PAGE}?webhook={webhook}&from={EARLY}&to=&status=failed&status=missing")
}

#[tokio::test]
async fn a_range_is_counted_first_and_sent_when_that_is_confirmed() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let page = browser.page(PAGE, 200).await;
    assert!(page.contains("Recovering takes a webhook"), "{page}");
    let webhook = history(&world).await;
    let page = browser.page(PAGE, 200).await;
    assert!(page.contains("There was none yet"), "{page}");
    // A day back, everything that was not delivered.
    assert!(page.contains("value=\"2026-11-17T09:46:00\""), "{page}");
    assert_eq!(page.matches(" checked").count(), 3);
    assert!(!page.contains("What would be sent"));

    let counted = browser.page(&count_of(&webhook), 200).await;
    for part in [
        "<dt>Failed</dt><dd>1</dd>",
        "<dt>Never sent</dt><dd>2</dd>",
        "Send (3)",
        "name=\"to\" value=\"2026-11-18T09:46:43.000Z\"",
    ] {
        assert!(counted.contains(part), "{part}: {counted}");
    }
    assert_eq!(
        world.store.jobs(None, 10).await.unwrap(),
        [],
        "nothing has begun"
    );

    let (path, shown) = browser
        .submit_and_follow(&count_of(&webhook), PAGE, &[])
        .await;
    assert!(shown.contains("The recovery has begun"), "{shown}");
    assert!(shown.contains("Counting</span>") && shown.contains("id=\"progress\" data-live"));
    // While it is under way, no other one begins: neither by the button, which is not there, nor without it.
    let counted = browser.page(&count_of(&webhook), 200).await;
    assert!(counted.contains("has a recovery under way") && !counted.contains("Send ("));
    let token = browser.form_token().await;
    let again = [
        ("form", token.as_str()),
        ("webhook", &webhook),
        ("from", EARLY),
        ("status", "failed"),
    ];
    let refused = checked(&browser.post(PAGE, &again).await, 409);
    assert!(
        refused.contains("under way") && refused.contains("role=\"alert\""),
        "{refused}"
    );

    world.run_jobs().await;
    let shown = browser.page(&path, 200).await;
    for part in [
        "Completed</span>",
        "<progress aria-labelledby=\"progress-name\" max=\"3\" value=\"3\">",
        "<dt>Enqueued</dt><dd>3</dd>",
        "<dt>Left</dt><dd>0</dd>",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("data-live") && !shown.contains("/cancel\""));
    browser.language = "es";
    let list = browser.page(PAGE, 200).await;
    assert!(
        list.contains("Terminada</span>") && list.contains("3 / 3"),
        "{list}"
    );
}

#[tokio::test]
async fn a_recovery_is_cancelled_on_its_page_and_once_it_has_ended_no_more() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    let webhook = history(&world).await;
    let (path, _) = browser
        .submit_and_follow(&count_of(&webhook), PAGE, &[])
        .await;
    let action = format!("{path}/cancel");
    let (next, shown) = browser.submit_and_follow(&path, &action, &[]).await;
    assert_eq!(next, path);
    assert!(shown.contains("The recovery was cancelled") && shown.contains("Cancelled</span>"));
    world.run_jobs().await;
    let shown = browser.page(&path, 200).await;
    assert!(shown.contains("<dt>Enqueued</dt><dd>0</dd>"), "{shown}");
    let (path, _) = browser
        .submit_and_follow(&count_of(&webhook), PAGE, &[])
        .await;
    let token = browser.form_token().await;
    set_status(&world, &webhook, "disabled").await;
    world.run_jobs().await;
    let shown = browser.page(&path, 200).await;
    assert!(shown.contains("Stopped</span>") && shown.contains("the webhook was disabled"));
    let refused = browser
        .post(&format!("{path}/cancel"), &[("form", &token)])
        .await;
    let page = checked(&refused, 409);
    assert!(page.contains("Not possible any more"), "{page}");
    browser.language = "es";
    let refused = browser
        .post(&format!("{path}/cancel"), &[("form", &token)])
        .await;
    let page = checked(&refused, 409);
    assert!(
        page.contains("Ya no es posible") && page.contains("No se cambió nada"),
        "{page}"
    );
    assert!(!page.contains("there is nothing to cancel"), "{page}");
    browser.language = "en";
    let counted = browser.page(&count_of(&webhook), 200).await;
    assert!(counted.contains("enable it, then send") && !counted.contains("Send ("));
}

#[tokio::test]
async fn what_is_wrong_with_a_range_is_said_at_its_field() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = history(&world).await;
    for (query, field) in [
        (
            "webhook=1&from=2026-11-18T00:00&status=failed".to_owned(),
            "webhook",
        ),
        ("from=2026-11-18T00:00&status=failed".to_owned(), "webhook"),
        (format!("webhook={webhook}&from=soon&status=failed"), "from"),
        (
            format!("webhook={webhook}&from=2027-01-01T00:00&status=failed"),
            "from",
        ),
        (
            format!("webhook={webhook}&from={EARLY}&to=2026-11-17T00:00&status=failed"),
            "from",
        ),
        (
            format!("webhook={webhook}&from={EARLY}&to=x&status=failed"),
            "to",
        ),
        (format!("webhook={webhook}&from={EARLY}"), "statuses"),
        (
            format!("webhook={webhook}&from={EARLY}&status=asleep"),
            "statuses",
        ),
    ] {
        let page = browser.page(&format!("{PAGE}?{query}"), 400).await;
        assert!(
            page.contains(&format!("<a href=\"#{field}\">")),
            "{query}: {page}"
        );
        assert!(!page.contains("What would be sent"), "{query}");
    }
    let token = browser.form_token().await;
    let send = async |fields: &[(&str, &str)]| {
        let all = [&[("form", token.as_str())], fields].concat();
        browser.post(PAGE, &all).await
    };
    checked(&send(&[]).await, 400);
    checked(&send(&[("webhook", &webhook), ("from", EARLY)]).await, 400);
    assert_eq!(world.store.jobs(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_to_send_is_said_and_a_paused_webhook_too() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = history(&world).await;
    let none = format!("{PAGE}?webhook={webhook}&from={EARLY}&status=cancelled");
    let page = browser.page(&none, 200).await;
    assert!(
        page.contains("nothing to send") && !page.contains("Send ("),
        "{page}"
    );
    set_status(&world, &webhook, "paused").await;
    let page = browser.page(&count_of(&webhook), 200).await;
    assert!(
        page.contains("what is sent waits until it is enabled"),
        "{page}"
    );
    assert!(page.contains("Send (3)"));
}

#[tokio::test]
async fn another_companys_webhook_and_recovery_are_not_there() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let webhook = history(&world).await;
    let (path, _) = browser
        .submit_and_follow(&count_of(&webhook), PAGE, &[])
        .await;
    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Owner).await;
    stranger.page(&count_of(&webhook), 404).await;
    stranger.page(&path, 404).await;
    let page = stranger.page(PAGE, 200).await;
    assert!(!page.contains("receiver.example.com"), "{page}");
    let token = stranger.form_token().await;
    let begin = [
        ("form", token.as_str()),
        ("webhook", &webhook),
        ("from", EARLY),
        ("status", "failed"),
    ];
    checked(&stranger.post(PAGE, &begin).await, 404);
    let cancel = format!("{path}/cancel");
    checked(&stranger.post(&cancel, &[("form", &token)]).await, 404);
    let shown = browser.page(&path, 200).await;
    assert!(shown.contains("Counting</span>"), "{shown}");
}

/// A webhook that was disabled while three thousand events were made.
async fn long_history(world: &World) -> String {
    let webhook = world.create_webhook().await;
    set_status(world, &webhook, "disabled").await;
    let event =
        json!({"event": "inspection_created", "payload": {"_id": "651ae032ff786d198dfa4ce4"}});
    let thousand = json!(vec![event; 1_000]);
    for _ in 0..3 {
        let call = world.post("/v1/notification/event", &thousand);
        call.await.json(202);
        world.clock.step(1_000);
    }
    set_status(world, &webhook, "enabled").await;
    webhook
}

/// Where a look at a range that is long leads.
async fn page_of_count(browser: &Browser<'_>, address: &str) -> String {
    let answer = browser.get(address).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = answer.header("location").unwrap();
    format!("/{}", location.trim_start_matches("../"))
}

#[tokio::test]
async fn a_long_range_is_counted_in_part_at_once_and_goes_on_by_itself() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = long_history(&world).await;
    let count = page_of_count(&browser, &count_of(&webhook)).await;
    let page = browser.page(&count, 200).await;
    for part in [
        // The first of the two thousand that were looked at says that the webhook was disabled.
        "At least 1,999 so far.",
        "Counted up to",
        "id=\"counted\" aria-labelledby=\"count\" data-live=\"1000\"",
        "<progress aria-labelledby=\"count\" max=\"1000\" value=\"333\">",
        // Without scripts there is a link to the page itself.
        &format!(
            "<noscript><p><a class=\"button\" href=\"../../../{}\">",
            &count[1..]
        ),
        "Stop counting",
        // It may be sent without waiting.
        "<button class=\"first\">Send</button>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Later, and with no end named, it is the same count, not another one.
    world.clock.step(60_000);
    assert_eq!(page_of_count(&browser, &count_of(&webhook)).await, count);
    assert_eq!(world.store.jobs(None, 10).await.unwrap().len(), 1);

    // Somebody stops it: it stays where it is.
    let (path, page) = browser
        .submit_and_follow(&count, &format!("{count}/stop"), &[])
        .await;
    assert_eq!(path, count);
    assert!(
        page.contains("Stopped</span>") && page.contains("At least 1,999"),
        "{page}"
    );
    assert!(!page.contains("data-live") && !page.contains("Stop counting"));
    world.run_jobs().await;
    let page = browser.page(&count, 200).await;
    assert!(page.contains("At least 1,999"), "{page}");
    assert_eq!(world.store.jobs(None, 10).await.unwrap(), []);
    // And lets it go on from there.
    let link = page.split("dashboard/recover?").nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    let again = page_of_count(&browser, &format!("{PAGE}?{link}")).await;
    assert_eq!(again, count);
    let page = browser.page(&count, 200).await;
    assert!(
        page.contains("At least 1,999") && page.contains("data-live"),
        "{page}"
    );
    world.run_jobs().await;
    let page = browser.page(&count, 200).await;
    assert!(page.contains("Send (3,000)"), "{page}");
    assert!(
        !page.contains("At least") && !page.contains("data-live"),
        "{page}"
    );

    // Whoever counts again when all was counted hears of what is there now.
    let next = page_of_count(&browser, &count_of(&webhook)).await;
    assert_ne!(next, count);
    checked(&browser.get(&count).await, 404);
    // What was counted is sent.
    world.run_jobs().await;
    let (_, shown) = browser.submit_and_follow(&next, PAGE, &[]).await;
    assert!(shown.contains("The recovery has begun"), "{shown}");
}

#[tokio::test]
async fn a_count_ends_with_its_webhook_and_makes_room_for_another_range() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = long_history(&world).await;
    let first = page_of_count(&browser, &count_of(&webhook)).await;
    let other = count_of(&webhook).replace("&status=failed", "");
    let second = page_of_count(&browser, &other).await;
    assert_ne!(first, second);
    checked(&browser.get(&first).await, 404);
    let path = format!("/v1/notification/webhook/{webhook}");
    world.request("DELETE", &path).send().await;
    world.run_jobs().await;
    assert_eq!(world.store.jobs(None, 10).await.unwrap(), []);
    checked(&browser.get(&second).await, 404);
}
