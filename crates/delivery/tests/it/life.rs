//! What becomes of webhooks whose receivers are gone, take nothing for too long, or take something again.

use std::time::Duration;

use heraldo_delivery::lanes::Limits;
use heraldo_domain::change::{Actor, AuditAction};
use heraldo_domain::ops::webhooks::update_webhook;
use heraldo_domain::query::{EventFilter, Page};
use heraldo_domain::store::Store;
use heraldo_wire::api::{
    CreateWebhookRequest, DeliveryStatus, DisableAfter, UpdateWebhookRequest, WebhookStatus,
};
use heraldo_wire::event::{DisabledReason, Event, EventType, WebhookDisabled};
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::HumanDuration;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::world::{Request, World};

const CREATED: EventType = EventType::InspectionCreated;
const COMPLETED: EventType = EventType::InspectionCompleted;
/// The first page, long enough for everything here.
const fn first_page<C>() -> Page<C> {
    Page {
        limit: 9,
        before: None,
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Gets what is told of the company's other webhooks, and nothing else.
async fn subscriber(world: &World) -> UnboundedReceiver<Request> {
    let (receiver, requests) = world.receiver(|_, _| 200).await;
    world
        .webhook(receiver.url(), |request| {
            request.events = vec!["webhook_disabled".to_owned()];
        })
        .await;
    requests
}

async fn told(requests: &mut UnboundedReceiver<Request>) -> WebhookDisabled {
    let request = requests.recv().await.expect("the subscriber runs");
    match serde_json::from_str(request.body()).expect("an event") {
        Event::WebhookDisabled(payload) => payload,
        other => panic!("{other:?}"),
    }
}

async fn status(world: &World, id: WebhookId) -> WebhookStatus {
    let webhook = world.store.webhook(id).await.unwrap().unwrap();
    webhook.settings.status
}

#[tokio::test]
async fn one_410_disables_a_webhook_and_whoever_owns_the_company_is_told() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let mut news = subscriber(&world).await;
    let (receiver, mut requests) = world.receiver(|n, _| if n == 0 { 410 } else { 200 }).await;
    let id = world.webhook(receiver.url(), |_| {}).await;
    world.publish(&[(CREATED, 1)]).await;

    let payload = told(&mut news).await;
    assert_eq!((payload.id, payload.reason), (id, DisabledReason::Gone));
    assert_eq!(payload.endpoint, receiver.url());
    assert!(payload.detail.contains("410 Gone"), "{}", payload.detail);
    let webhook = world.store.webhook(id).await.unwrap().unwrap();
    let disabled = webhook.life.disabled.clone().expect("why it is disabled");
    assert_eq!(webhook.settings.status, WebhookStatus::Disabled);
    assert_eq!(
        (disabled.reason, disabled.at),
        (payload.reason, payload.disabled_at)
    );
    let audit = world
        .store
        .audit(world.caller.company_id, first_page())
        .await
        .unwrap();
    assert_eq!(audit[0].action, AuditAction::WebhookDisabled);
    assert_eq!(audit[0].actor, Actor::System);
    assert_eq!(audit[0].subject, id.to_string());
    assert_eq!(audit[0].detail, Some(payload.detail));

    // What comes now is stored, for nobody; what comes after it is enabled again is sent.
    world.publish(&[(CREATED, 2)]).await;
    world.enable(id).await;
    world.publish(&[(CREATED, 3)]).await;
    for inspection in [1, 3] {
        let request = requests.recv().await.expect("the receiver runs");
        let wanted = format!("{inspection:024x}");
        assert!(request.body().contains(&wanted), "{}", request.body());
    }
    let deliveries = world.stop().await;
    let own = deliveries
        .iter()
        .filter(|delivery| delivery.webhook_id == id);
    let states: Vec<_> = own.map(|delivery| delivery.status).collect();
    assert_eq!(states, [DeliveryStatus::Failed, DeliveryStatus::Delivered]);
    let company = world.caller.company_id;
    let events = world
        .store
        .events(company, EventFilter::default(), first_page())
        .await;
    assert_eq!(
        events.unwrap().len(),
        4,
        "three published, one about the webhook"
    );
}

#[tokio::test]
async fn a_410_of_an_endpoint_that_was_replaced_meanwhile_disables_nothing() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (entered, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    let (go, may_go) = tokio::sync::watch::channel(false);
    let slow = world
        .bed
        .receiver(move |_, mut stream| {
            let (entered, mut may_go) = (entered.clone(), may_go.clone());
            async move {
                while crate::receiver::read_request(&mut stream).await.is_some() {
                    let _ = entered.send(());
                    let _ = may_go.wait_for(|go| *go).await;
                    let gone = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n";
                    if tokio::io::AsyncWriteExt::write_all(&mut stream, gone)
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            }
        })
        .await;
    let (next, mut requests) = world.receiver(|_, _| 200).await;
    let id = world.webhook(slow.url(), |_| {}).await;
    world.publish(&[(CREATED, 1)]).await;
    waiting.recv().await.expect("an attempt");
    let request = UpdateWebhookRequest {
        endpoint: Some(next.url()),
        ..UpdateWebhookRequest::default()
    };
    update_webhook(&world.context, &world.caller, id, request)
        .await
        .unwrap();
    go.send(true).unwrap();
    world.publish(&[(CREATED, 2)]).await;
    requests.recv().await.expect("the next receiver runs");
    world.stop().await;
    world.bed.tracker.close();
    assert_eq!(status(&world, id).await, WebhookStatus::Enabled);
}

fn eager(attempts_min: u32) -> impl FnOnce(&mut CreateWebhookRequest) {
    move |request| {
        request.disable_after = Some(DisableAfter::After(HumanDuration(Duration::ZERO)));
        request.disable_attempts_min = Some(attempts_min);
        request.concurrency = Some(1);
    }
}

#[tokio::test]
async fn nothing_but_failures_disables_a_webhook_after_so_many_attempts() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let mut news = subscriber(&world).await;
    let (receiver, mut requests) = world.receiver(|_, _| 500).await;
    let id = world.webhook(receiver.url(), eager(4)).await;
    let events: Vec<_> = (0..3).map(|n| (CREATED, n)).collect();
    world.publish(&events).await;
    for _ in 0..3 {
        requests.recv().await.expect("the receiver runs");
    }
    world.publish(&[(CREATED, 9)]).await;
    let payload = told(&mut news).await;
    assert_eq!((payload.id, payload.reason), (id, DisabledReason::Failing));
    assert!(
        payload.detail.contains("in 4 attempts"),
        "{}",
        payload.detail
    );
    assert!(
        payload
            .failing_since
            .is_some_and(|since| since < payload.disabled_at)
    );
    // Enabled again it is judged anew.
    world.enable(id).await;
    assert_eq!(world.store.failing(vec![id]).await.unwrap(), []);
    world.stop().await;
}

#[tokio::test]
async fn one_message_alone_disables_nothing_however_often_it_fails() {
    let world = World::new(Limits::default(), vec![Duration::from_millis(1); 8]).await;
    let (receiver, mut requests) = world.receiver(|_, _| 500).await;
    let id = world.webhook(receiver.url(), eager(2)).await;
    world.publish(&[(COMPLETED, 1)]).await;
    for _ in 0..9 {
        requests.recv().await.expect("the receiver runs");
    }
    let deliveries = world.stop().await;
    assert_eq!(deliveries[0].attempt_count, 9);
    assert_eq!(status(&world, id).await, WebhookStatus::Enabled);
    let failing = world.store.failing(vec![id]).await.unwrap();
    assert_eq!((failing[0].1.attempts, failing[0].1.several), (9, false));
}

#[tokio::test]
async fn a_webhook_that_never_is_to_be_disabled_is_not() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 500).await;
    let id = world
        .webhook(receiver.url(), |request| {
            eager(1)(request);
            request.disable_after = Some(DisableAfter::Never);
        })
        .await;
    let events: Vec<_> = (0..5).map(|n| (CREATED, n)).collect();
    world.publish(&events).await;
    for _ in 0..5 {
        requests.recv().await.expect("the receiver runs");
    }
    world.stop().await;
    assert_eq!(status(&world, id).await, WebhookStatus::Enabled);
}

#[tokio::test]
async fn when_a_webhook_recovers_its_retries_are_sent_at_once_if_it_wants_that() {
    let world = World::new(Limits::default(), vec![HOUR]).await;
    let fails_thrice = |n, _: &Request| if n < 3 { 500 } else { 200 };
    let (eager, mut to_eager) = world.receiver(fails_thrice).await;
    let (patient, mut to_patient) = world.receiver(fails_thrice).await;
    let eager = world
        .webhook(eager.url(), |request| {
            request.retry_on_recovery = Some(true);
            request.concurrency = Some(1);
        })
        .await;
    world.webhook(patient.url(), |_| {}).await;
    world
        .publish(&[(COMPLETED, 1), (COMPLETED, 2), (COMPLETED, 3)])
        .await;
    for requests in [&mut to_eager, &mut to_patient] {
        for _ in 0..3 {
            requests.recv().await.expect("the receiver runs");
        }
    }
    world.publish(&[(CREATED, 4)]).await;
    to_patient.recv().await.expect("the receiver runs");
    let mut inspections = Vec::new();
    for _ in 0..4 {
        let request = to_eager.recv().await.expect("the receiver runs");
        let attempt = request.header("autoinspector-attempt").map(str::to_owned);
        let body: serde_json::Value = serde_json::from_str(request.body()).unwrap();
        inspections.push((body["payload"]["_id"].as_str().unwrap().to_owned(), attempt));
    }
    let expected = [(4, "1"), (1, "2"), (2, "2"), (3, "2")]
        .map(|(inspection, attempt)| (format!("{inspection:024x}"), Some(attempt.to_owned())));
    assert_eq!(inspections, expected);
    for delivery in world.stop().await {
        let is_over = delivery.webhook_id == eager || delivery.event_type == CREATED;
        let expected = if is_over {
            DeliveryStatus::Delivered
        } else {
            DeliveryStatus::Pending
        };
        assert_eq!(delivery.status, expected, "{delivery:?}");
    }
}
