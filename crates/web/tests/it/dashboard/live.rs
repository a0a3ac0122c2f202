//! The stream behind the live list.

use axum::body::Body;
use heraldo_domain::account::Role;
use heraldo_domain::query::DeliveryRecord;
use heraldo_wire::event::EventType;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::Browser;
use super::deliveries::{LIST, answered, records};
use crate::deliveries::attempt;
use crate::world::World;

/// The stream behind the list of a browser.
async fn stream(browser: &Browser<'_>, world: &World, query: &str) -> Body {
    let request = http::Request::builder()
        .uri(format!("{LIST}/stream{query}"))
        .header("accept-language", browser.language)
        .header("cookie", browser.cookies());
    let request = request.body(Body::empty()).unwrap();
    let response = world.web.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    assert_eq!(next(&mut body).await, "event: ready\ndata: \n\n");
    body
}

async fn next(stream: &mut Body) -> String {
    let frame = stream.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn the_stream_brings_rows_as_the_page_shows_them_of_its_own_company_alone() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    attempt(&world, &webhook, &answered(500)).await;
    let record = records(&world).await.remove(0);
    let company = world.other_company().await.company_id;
    let foreign = DeliveryRecord {
        company_id: company,
        ..record.clone()
    };
    let browser = Browser::signed_in(&world, Role::Producer).await;
    let mut all = stream(&browser, &world, "").await;
    let mut delivered = stream(&browser, &world, "?status=delivered").await;
    let mut of_event = stream(&browser, &world, "?event=image_processed&status=failed").await;
    let announcer = world.web.announcer();
    let last = DeliveryRecord {
        event_type: EventType::ImageProcessed,
        ..record.clone()
    };
    announcer.announce(vec![foreign, record.clone(), last]);
    let told = next(&mut all).await;
    let attempt_id = record.last_attempt.as_ref().unwrap().id;
    assert!(told.starts_with(&format!("id: {attempt_id}\nevent: attempt\ndata: ")));
    let page = browser.page(LIST, 200).await;
    let row: String = told
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .fold(String::new(), |row, line| row + line + "\n");
    // Pages are read here without the places where a line may end.
    let row = row.replace("<wbr>", "").replace('\u{a0}', " ");
    assert!(page.contains(row.trim()), "{row} is not on {page}");
    assert_eq!(
        next(&mut delivered).await,
        format!("event: left\ndata: {}\n\n", record.id)
    );
    assert!(next(&mut of_event).await.contains("image_processed"));
}

#[tokio::test]
async fn the_stream_ends_with_its_session() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    attempt(&world, &webhook, &answered(500)).await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let mut body = stream(&browser, &world, "").await;
    browser
        .submit_and_follow("/dashboard", "/dashboard/sign-out", &[])
        .await;
    world.clock.step(1_000);
    world.web.announcer().announce(records(&world).await);
    assert_eq!(next(&mut body).await, "event: closed\ndata: signed_out\n\n");
    assert!(body.frame().await.is_none());
    // Without a session there is none to begin with.
    assert_eq!(browser.get(&format!("{LIST}/stream")).await.status, 303);
}
