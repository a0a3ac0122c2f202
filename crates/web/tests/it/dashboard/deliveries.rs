//! Deliveries on pages: the list, one of them, and what became of an event.

use std::collections::BTreeMap;

use heraldo_domain::account::Role;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::query::{DeliveryFilter, DeliveryRecord, Page};
use heraldo_domain::store::Store as _;
use heraldo_wire::attempt::{ErrorClass, Phase, PhaseTimings};
use serde_json::json;

use super::Browser;
use super::browser::checked;
use crate::deliveries::{attempt, attempt_taking};
use crate::world::{World, id_in};

pub const LIST: &str = "/dashboard/deliveries";
const EVIL: &str = "<script>alert('x')</script>";

pub fn answered(status: u16) -> AttemptResult {
    AttemptResult::Answered(Received {
        status,
        body: format!("{EVIL} said {status}"),
        headers: [("x-evil".to_owned(), EVIL.to_owned())]
            .into_iter()
            .collect(),
        retry_after: None,
    })
}

/// Deliveries of the first company, newest first.
pub async fn records(world: &World) -> Vec<DeliveryRecord> {
    let page = Page {
        limit: 100,
        before: None,
    };
    let filter = DeliveryFilter::default();
    let found = world.store.deliveries(world.company, filter, page).await;
    found.unwrap()
}

fn row_count(page: &str) -> usize {
    page.matches("<tr id=\"").count()
}

#[tokio::test]
async fn deliveries_are_listed_filtered_and_paged_as_the_address_says() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Producer).await;
    let webhook = world.create_webhook().await;
    for _ in 0..2 {
        world.create_inspection().await;
    }
    attempt(&world, &webhook, &answered(200)).await;
    world.clock.step(60_000);
    let inspection = world.create_inspection().await;
    attempt(&world, &webhook, &answered(503)).await;
    for _ in 0..26 {
        world.create_inspection().await;
    }
    let page = browser.page(LIST, 200).await;
    assert_eq!(row_count(&page), 24);
    assert!(page.contains("https://receiver.example.com/hook"), "{page}");
    let newest = records(&world).await;
    assert!(page.contains(&format!("<tr id=\"{}\"", newest[0].id)));
    let older = page.split("id=\"older\"").nth(1).unwrap();
    let older = older.split("href=\"").nth(1).unwrap();
    let older = older.split('"').next().unwrap();
    let next = browser.page(&format!("/dashboard/{older}"), 200).await;
    assert_eq!(row_count(&next), 5);
    assert!(
        next.contains("id=\"older\" class=\"button\" hidden"),
        "{next}"
    );
    assert!(!next.contains("data-stream"), "an older page is not live");

    let count = async |query: &str| {
        let page = browser.page(&format!("{LIST}?{query}"), 200).await;
        row_count(&page)
    };
    assert_eq!(count("status=delivered").await, 2);
    assert_eq!(count("status=failed").await, 1);
    assert_eq!(count(&format!("webhook={webhook}&status=failed")).await, 1);
    assert_eq!(count("webhook=651ae032ff786d198dfa4ce4").await, 0);
    assert_eq!(count("event=inspection_completed").await, 0);
    let subject = inspection["inspectionId"].as_str().unwrap();
    assert_eq!(count(&format!("subject={subject}")).await, 1);
    let event = newest[0].event_id;
    assert_eq!(count(&format!("subject={event}")).await, 1);
    assert_eq!(count("from=2026-11-18T09:47:40&status=delivered").await, 0);
    assert_eq!(count("from=2026-11-18T09:00&to=2026-11-18T09:47").await, 2);
    let filtered = browser.page(&format!("{LIST}?status=failed"), 200).await;
    assert!(filtered.contains("data-stream=\"deliveries/stream?status=failed\""));
    assert!(
        filtered.contains("<option value=\"failed\" selected>"),
        "{filtered}"
    );
}

#[tokio::test]
async fn an_empty_list_says_what_to_do_next() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let page = browser.page(LIST, 200).await;
    assert!(page.contains("Without an endpoint") && page.contains(">Add endpoint</a>"));
    let producer = Browser::of(&world, world.company, Role::Producer).await;
    let page = producer.page(LIST, 200).await;
    assert!(page.contains("Without an endpoint") && !page.contains(">Add endpoint</a>"));
    world.create_webhook().await;
    let page = browser.page(LIST, 200).await;
    assert!(page.contains("There are no deliveries yet"), "{page}");
    let page = browser.page(&format!("{LIST}?status=failed"), 200).await;
    assert!(page.contains("No delivery matches the filters"), "{page}");
}

#[tokio::test]
async fn wrong_filters_are_named_and_filter_nothing() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    for (query, field) in [
        ("webhook=1", "webhook"),
        ("event=boat", "event"),
        ("status=asleep", "status"),
        ("subject=%3Cscript%3E", "subject"),
        ("from=yesterday", "from"),
        ("to=2026-02-30T00:00", "to"),
        ("cursor=x", "cursor"),
        ("from=2026-11-20T08:30&to=2026-11-20T08:00", "from"),
    ] {
        let path = format!("{LIST}?webhook={webhook}&{query}");
        let page = browser.page(&path, 400).await;
        // What stands in the address alone is nowhere on the page.
        let says = match field {
            "cursor" => "an id has 24 digits from 0 to f".to_owned(),
            _ => format!("<a href=\"#{field}\">"),
        };
        assert!(page.contains(&says), "{query}: {page}");
        assert_eq!(row_count(&page), 0, "{query}");
        assert!(!page.contains("data-stream"), "{query}");
        let answer = browser.get(&format!("{LIST}/stream?{query}")).await;
        checked(&answer, 400);
    }
    browser.language = "es";
    let page = browser.page(&format!("{LIST}?from=ayer"), 400).await;
    assert!(page.contains("Escribe un momento como"), "{page}");
}

#[tokio::test]
async fn a_delivery_shows_what_was_sent_and_every_attempt_and_no_script_of_a_receiver_runs() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let settings = json!({
        "endpoint": "https://receiver.example.com/hook?a='b'",
        "events": ["inspection_created"],
        "headers": {"x-region": "sur"},
    });
    let webhook = id_in(
        &world
            .post("/v1/notification/webhook", &settings)
            .await
            .json(201),
    );
    let path = format!("/v1/notification/webhook/{webhook}/secret");
    let secret = world.get(&path).await.json(200)["secret"].clone();
    let secret = secret
        .as_str()
        .unwrap()
        .trim_start_matches("whsec_")
        .to_owned();
    let body = json!({"templateId": "easy", "metadata": {"note": EVIL}});
    world.post("/v1/inspection/car", &body).await.json(201);
    let id = records(&world).await[0].id;
    let path = format!("{LIST}/{id}");
    let page = browser.page(&path, 200).await;
    assert!(page.contains("There was no attempt yet"), "{page}");
    assert!(page.contains("id=\"standing\" data-live=\"2000\""));

    let timings = PhaseTimings {
        resolve_ms: Some(3),
        connect_ms: Some(2),
        tls_ms: None,
        first_byte_ms: Some(6),
        body_ms: Some(0),
    };
    attempt_taking(&world, &webhook, &answered(503), timings).await;
    let again = async || {
        world.clock.step(61_000);
        let path = format!("/v1/notification/delivery/{id}/resend");
        world.post(&path, &json!({})).await.json(202);
    };
    again().await;
    let late = AttemptResult::Failed {
        class: ErrorClass::Timeout,
        phase: Some(Phase::FirstByte),
        error: format!("no answer in time {EVIL}"),
        status: None,
        part: None,
    };
    attempt(&world, &webhook, &late).await;
    again().await;
    attempt(&world, &webhook, &answered(200)).await;
    let page = browser.page(&path, 200).await;
    let has = |part: &str| assert!(page.contains(part), "{part} is not in {page}");
    for number in 1..=3 {
        has(&format!("<strong>Attempt {number}</strong>"));
    }
    has("Delivered · 200");
    has("The receiver answered, but not with a 2XX.");
    has("The deadline passed while waiting for the answer.");
    has("first byte 6 ms");
    has("body &#60;1 ms");
    has("<rect class=\"p4\" x=\"416\" width=\"500\"");
    has("&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62; said 503");
    has("no answer in time &#60;script&#62;");
    has("x-evil: &#60;script&#62;");
    // The body as it is and laid out, the headers but for the signatures, and the command.
    has("&#34;metadata&#34;: {\n");
    has("<dt>x-region</dt><dd>sur</dd>");
    has("Those of attempt 3. webhook-timestamp may differ by a second.");
    has("<dt>autoinspector-attempt</dt><dd>3</dd>");
    has("<dt>webhook-timestamp</dt><dd>1794995322</dd>");
    has("<dt>autoinspector-signature</dt><dd><span class=\"quiet\">HMAC-SHA256");
    has("hook?a=&#39;\\&#39;&#39;b&#39;\\&#39;&#39;&#39;");
    // What is complete is looked at less often, and follows a stream of its own.
    has("id=\"standing\" data-live=\"15000\"");
    has(&format!(
        "data-stream=\"../../dashboard/deliveries/stream?webhook={webhook}&amp;subject=evt_"
    ));
    assert!(!page.contains(&secret), "{page}");

    // What is not known for certain any more is marked.
    world.clock.step(1_000);
    let hook = format!("/v1/notification/webhook/{webhook}");
    let changed = json!({"headers": {"x-region": "norte"}});
    world
        .request("PATCH", &hook)
        .json(&changed)
        .send()
        .await
        .json(200);
    let changed = browser.page(&path, 200).await;
    assert!(
        changed.contains("<dt>x-region</dt><dd>norte <small>(as it is now)</small></dd>")
            && changed.contains("it was changed after the attempt, <time")
            && changed.contains("<dt>autoinspector-attempt</dt><dd>3</dd>"),
        "{changed}"
    );

    browser.language = "es";
    let page = browser.page(&path, 200).await;
    for part in [
        "Intento 3",
        "El plazo venció esperando la respuesta",
        "primer byte 6 ms",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let bytes = browser
        .get(&format!(
            "/dashboard/events/{}/body",
            records(&world).await[0].event_id
        ))
        .await;
    assert_eq!(bytes.status, 200);
    let event = records(&world).await[0].event_id;
    let event = world.store.event(world.company, event).await.unwrap();
    assert_eq!(bytes.body, event.unwrap().body);
    assert_eq!(
        bytes.header("content-disposition"),
        Some("attachment; filename=\"body.json\"")
    );
    assert_eq!(bytes.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_long_body_is_shown_by_its_beginning_and_kept_light() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = world.create_webhook().await;
    let long = "\"ñ".repeat(30_000);
    let payload = json!({"_id": "651ae032ff786d198dfa4ce4", "note": long});
    let event = json!({"event": "inspection_created", "payload": payload});
    world.post("/v1/notification/event", &event).await.json(202);
    let refused = AttemptResult::Answered(Received {
        status: 500,
        body: "x".repeat(4_096),
        ..Received::default()
    });
    attempt(&world, &webhook, &refused).await;
    for _ in 0..6 {
        let id = records(&world).await[0].id;
        let path = format!("/v1/notification/delivery/{id}/resend");
        world.post(&path, &json!({})).await.json(202);
        attempt(&world, &webhook, &refused).await;
    }
    let record = &records(&world).await[0];
    let page = browser.page(&format!("{LIST}/{}", record.id), 200).await;
    assert!(page.contains("This is its beginning"), "{page}");
    assert!(page.contains("download it as body.json first"));
    assert!(!page.contains("printf %s &#39;{"));
    let path = format!("/dashboard/events/{}", record.event_id);
    let page = browser.page(&path, 200).await;
    assert!(page.contains("This is its beginning"));
}

#[tokio::test]
async fn a_producer_sees_where_a_delivery_stands_and_nothing_that_is_in_it() {
    let world = World::new().await;
    let producer = Browser::signed_in(&world, Role::Producer).await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    attempt(&world, &webhook, &answered(500)).await;
    let record = &records(&world).await[0];
    for path in [
        format!("{LIST}/{}", record.id),
        format!("/dashboard/events/{}", record.event_id),
    ] {
        let page = producer.page(&path, 200).await;
        assert!(page.contains("Failed"), "{page}");
        assert!(page.contains("shown to the owner and administrators"));
        for hidden in [
            "accessCode",
            "said 500",
            "x-evil",
            "<form method=\"post\" action=\"../../dashboard/deliveries",
            "curl",
        ] {
            assert!(!page.contains(hidden), "{hidden}: {page}");
        }
    }
}

#[tokio::test]
async fn a_resend_makes_one_more_attempt_and_says_why_it_cannot() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    attempt(&world, &webhook, &answered(500)).await;
    let id = records(&world).await[0].id;
    let (page, action) = (format!("{LIST}/{id}"), format!("{LIST}/{id}/resend"));
    let (next, shown) = browser.submit_and_follow(&page, &action, &[]).await;
    assert_eq!(next, page);
    assert!(shown.contains("One more attempt is on its way"), "{shown}");
    attempt(&world, &webhook, &answered(200)).await;
    let record = records(&world).await.remove(0);
    assert_eq!(record.attempt_count, 2);
    let shown = browser.page(&page, 200).await;
    assert!(shown.contains("resent · <time"), "{shown}");

    let path = format!("/v1/notification/webhook/{webhook}");
    let disabled = json!({"status": "disabled"});
    // The form was open when the webhook was disabled.
    let token = browser.form_token().await;
    let call = world.request("PATCH", &path).json(&disabled);
    call.send().await.json(200);
    let shown = browser.page(&page, 200).await;
    assert!(shown.contains("The webhook is disabled: enable it to resend"));
    assert!(!shown.contains("/resend\""));
    let answer = browser.post(&action, &[("form", &token)]).await;
    let text = checked(&answer, 409);
    assert!(text.contains("is disabled"), "{text}");
    world.request("DELETE", &path).send().await;
    let shown = browser.page(&page, 200).await;
    assert!(shown.contains("there is nowhere to resend to"), "{shown}");
    assert!(shown.contains("(deleted webhook)"));
}

#[tokio::test]
async fn another_companys_delivery_and_event_are_not_there() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    attempt(&world, &webhook, &answered(500)).await;
    let record = records(&world).await.remove(0);
    let company = world.other_company().await.company_id;
    let stranger = Browser::of(&world, company, Role::Owner).await;
    let (delivery, event) = (record.id, record.event_id);
    for path in [
        format!("{LIST}/{delivery}"),
        format!("/dashboard/events/{event}"),
        format!("/dashboard/events/{event}/body"),
    ] {
        stranger.page(&path, 404).await;
    }
    let token = stranger.form_token().await;
    let resend = format!("{LIST}/{delivery}/resend");
    checked(&stranger.post(&resend, &[("form", &token)]).await, 404);
    assert_eq!(records(&world).await[0], record);
    for query in [
        String::new(),
        format!("?webhook={webhook}"),
        format!("?subject={event}"),
        format!("?subject={}", record.inspection_id),
        format!("?cursor={delivery}"),
    ] {
        let page = stranger.page(&format!("{LIST}{query}"), 200).await;
        assert_eq!(row_count(&page), 0, "{query}");
        assert!(!page.contains("receiver.example.com"), "{query}");
    }
}

#[tokio::test]
async fn an_event_is_answered_for_every_webhook_with_what_to_do() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let hook = async |name: &str, events: &str, status: &str| {
        let endpoint = format!("https://{name}.example.com");
        let made = json!({"endpoint": endpoint, "events": [events], "status": status});
        id_in(
            &world
                .post("/v1/notification/webhook", &made)
                .await
                .json(201),
        )
    };
    let taken = hook("taken", "inspection_created", "enabled").await;
    let broken = hook("broken", "inspection_created", "enabled").await;
    hook("paused", "inspection_created", "paused").await;
    hook("off", "inspection_created", "disabled").await;
    world.create_inspection().await;
    attempt(&world, &taken, &answered(204)).await;
    attempt(&world, &broken, &answered(404)).await;
    world.clock.step(10_000);
    let path = format!("/v1/notification/webhook/{taken}");
    world.request("DELETE", &path).send().await;
    hook("later", "inspection_created", "enabled").await;
    let event = records(&world).await[0].event_id;
    let path = format!("/dashboard/events/{event}");
    let page = browser.page(&path, 200).await;
    let table = page.split("id=\"why\"").nth(1).unwrap();
    let answers: BTreeMap<&str, &str> = table
        .split("<tr><th scope=\"row\"")
        .skip(1)
        .map(|row| {
            let names = ["broken", "paused", "off", "later"];
            let own = |name: &&str| row.contains(&format!("https://{name}."));
            (names.into_iter().find(own).unwrap_or("deleted"), row)
        })
        .collect();
    for (name, expected) in [
        ("deleted", "Delivered</span>"),
        ("deleted", "answered 2XX"),
        ("broken", "Failed</span>"),
        ("broken", "Check the path in the webhook"),
        ("paused", "Pending</span>"),
        ("paused", "because the webhook is paused"),
        ("off", "Not sent</span>"),
        ("off", "was disabled when the event was made"),
        ("later", "was created after the event"),
    ] {
        assert!(
            answers[name].contains(expected),
            "{name}: {}",
            answers[name]
        );
    }
    assert_eq!(answers.len(), 5);
    browser.language = "es";
    let page = browser.page(&path, 200).await;
    assert!(
        page.contains("estaba desactivado cuando se hizo el evento"),
        "{page}"
    );
    browser
        .page("/dashboard/events/evt_651ae032ff786d198dfa4ce4", 404)
        .await;
}
