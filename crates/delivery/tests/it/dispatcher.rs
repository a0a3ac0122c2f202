//! From a committed event to a recorded attempt, on a real store and against real receivers.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use heraldo_delivery::lanes::Limits;
use heraldo_domain::ops::webhooks::{delete_webhook, reveal_secret, rotate_secret};
use heraldo_domain::ops::{deliveries, publish};
use heraldo_domain::query::{DeliveryFilter, Page};
use heraldo_domain::store::Store;
use heraldo_wire::api::{DeliveryStatus, Ordering, RotateSecretRequest, WebhookStatus};
use heraldo_wire::attempt::{Cause, ErrorClass, Phase};
use heraldo_wire::event::EventType;
use heraldo_wire::signature::{Envelope, construct_event, verify_standard};
use heraldo_wire::time::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::world::{Request, World, human, small_limits};

const CREATED: EventType = EventType::InspectionCreated;
const COMPLETED: EventType = EventType::InspectionCompleted;

async fn take(requests: &mut UnboundedReceiver<Request>, count: usize) -> Vec<Request> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(requests.recv().await.expect("the receiver runs"));
    }
    taken
}

fn number(request: &Request, header: &str) -> u32 {
    request
        .header(header)
        .expect("the header")
        .parse()
        .expect("a number")
}

#[tokio::test]
async fn an_event_arrives_signed_and_its_attempt_is_recorded() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    let id = world.webhook(receiver.url(), |_| {}).await;
    world.publish(&[(CREATED, 7)]).await;

    let request = take(&mut requests, 1).await.remove(0);
    let secret = reveal_secret(&world.context, &world.caller, id)
        .await
        .unwrap()
        .secret;
    let body = request.body();
    let signature = request.header("autoinspector-signature");
    let event = construct_event(body.as_bytes(), signature, &secret).unwrap();
    assert_eq!(event.name(), Some("inspection_created"));
    let envelope = Envelope {
        id: request.header("webhook-id").unwrap(),
        timestamp: request.header("webhook-timestamp").unwrap(),
        body: body.as_bytes(),
    };
    let now = Timestamp::from_millis(envelope.timestamp.parse::<i64>().unwrap() * 1_000);
    let standard = request.header("webhook-signature").unwrap();
    verify_standard(&secret, &envelope, standard, Duration::ZERO, now).unwrap();
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(number(&request, "autoinspector-attempt"), 1);
    assert_eq!(number(&request, "autoinspector-sequence"), 1);
    assert_eq!(request.header("autoinspector-test"), None);

    let stored = world.stop().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].status, DeliveryStatus::Delivered);
    assert_eq!(stored[0].event_id.to_string(), envelope.id);
    let attempt = stored[0].last_attempt.as_ref().unwrap();
    assert_eq!(
        (attempt.status_code, attempt.number, attempt.cause),
        (Some(200), 1, Cause::First)
    );
    assert_eq!(attempt.response_body, "ok");
}

#[tokio::test]
async fn a_backlog_larger_than_the_window_is_delivered_once_and_in_order() {
    let world = World::new(small_limits(), Vec::new()).await;
    // Every third first attempt fails: that ends it, and the next one follows all the same.
    let (receiver, mut requests) = world
        .receiver(|n, _| if n % 3 == 0 { 500 } else { 200 })
        .await;
    world.webhook(receiver.url(), |_| {}).await;
    let events: Vec<_> = (0..120).map(|n| (CREATED, n % 5)).collect();
    for part in events.chunks(40) {
        world.publish(part).await;
    }
    let requests = take(&mut requests, events.len()).await;
    let ids: HashSet<_> = requests
        .iter()
        .filter_map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), events.len());
    let mut last: HashMap<&str, u32> = HashMap::new();
    for request in &requests {
        let sequence = number(request, "autoinspector-sequence");
        let before = last.insert(request.body(), sequence).unwrap_or(0);
        assert_eq!(
            sequence,
            before + 1,
            "the events of one inspection came out of order"
        );
    }
    let stored = world.stop().await;
    assert!(stored.iter().all(|delivery| delivery.attempt_count == 1));
}

#[tokio::test]
async fn in_strict_order_the_next_event_waits_until_the_one_before_is_delivered_or_given_up() {
    let wait = Duration::from_millis(20);
    let world = World::new(Limits::default(), vec![wait, wait]).await;
    // The first event is delivered at its third attempt, the second is given up, the third is sent once.
    let (receiver, mut requests) = world
        .receiver(|n, _| if matches!(n, 2 | 6) { 200 } else { 500 })
        .await;
    world
        .webhook(receiver.url(), |request| {
            request.ordering = Some(Ordering::Strict);
        })
        .await;
    world
        .publish(&[(COMPLETED, 1), (COMPLETED, 1), (CREATED, 1)])
        .await;
    let requests = take(&mut requests, 7).await;
    let order: Vec<_> = requests
        .iter()
        .map(|request| {
            let attempt = number(request, "autoinspector-attempt");
            (number(request, "autoinspector-sequence"), attempt)
        })
        .collect();
    assert_eq!(
        order,
        [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1)]
    );
    let stored = world.stop().await;
    let statuses: Vec<_> = stored.iter().map(|delivery| delivery.status).collect();
    assert_eq!(
        statuses,
        [
            DeliveryStatus::Delivered,
            DeliveryStatus::Failed,
            DeliveryStatus::Delivered
        ]
    );
}

#[tokio::test]
async fn no_second_sees_more_attempts_than_the_rate_and_all_arrive() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    let id = world
        .webhook(receiver.url(), |request| request.rate_per_second = Some(20))
        .await;
    let events: Vec<_> = (0..50).map(|n| (CREATED, n)).collect();
    world.publish(&events).await;
    take(&mut requests, events.len()).await;
    let stored = world.stop().await;
    assert!(stored.iter().all(|delivery| delivery.webhook_id == id));
    let mut starts: Vec<i64> = stored
        .iter()
        .filter_map(|delivery| delivery.last_attempt.as_ref())
        .map(|attempt| attempt.started_at.as_millis())
        .collect();
    starts.sort_unstable();
    assert_eq!(starts.len(), events.len());
    for window in starts.windows(21) {
        let within = window[20] - window[0];
        assert!(within >= 1_000, "21 attempts within {within} ms");
    }
}

#[tokio::test]
async fn a_retried_event_keeps_its_id_and_counts_its_attempts() {
    let wait = Duration::from_millis(20);
    let world = World::new(Limits::default(), vec![wait, wait]).await;
    let (receiver, mut requests) = world.receiver(|n, _| if n < 2 { 503 } else { 204 }).await;
    world.webhook(receiver.url(), |_| {}).await;
    world.publish(&[(COMPLETED, 1)]).await;
    let requests = take(&mut requests, 3).await;
    let attempts: Vec<_> = requests
        .iter()
        .map(|request| number(request, "autoinspector-attempt"))
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(
        requests
            .iter()
            .all(|r| r.header("webhook-id") == requests[0].header("webhook-id"))
    );
    assert!(requests.iter().all(|r| r.body() == requests[0].body()));
    let stored = world.stop().await;
    assert_eq!(stored[0].status, DeliveryStatus::Delivered);
    let whole = world
        .store
        .delivery(world.caller.company_id, stored[0].id)
        .await
        .unwrap()
        .unwrap();
    let causes: Vec<_> = whole.attempts.iter().map(|attempt| attempt.cause).collect();
    assert_eq!(causes, [Cause::First, Cause::Retry, Cause::Retry]);
}

#[tokio::test]
async fn a_webhook_may_have_a_schedule_of_its_own() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 500).await;
    world
        .webhook(receiver.url(), |webhook| {
            webhook.retry_schedule = Some(vec![human(10)])
        })
        .await;
    world.publish(&[(COMPLETED, 1), (CREATED, 2)]).await;
    let attempts: Vec<_> = take(&mut requests, 3)
        .await
        .iter()
        .map(|request| {
            (
                request.body().contains("completed"),
                number(request, "autoinspector-attempt"),
            )
        })
        .collect();
    assert!(attempts.contains(&(true, 2)), "{attempts:?}");
    let stored = world.stop().await;
    assert!(
        stored
            .iter()
            .all(|delivery| delivery.status == DeliveryStatus::Failed)
    );
}

#[tokio::test]
async fn a_dead_receiver_hurts_nobody_else() {
    let limits = Limits {
        in_flight_max: 4,
        ..small_limits()
    };
    let world = World::new(limits, Vec::new()).await;
    // It takes the request and never answers.
    let dead = world.bed.receiver(|_, stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    });
    let dead = dead.await;
    let (healthy, mut requests) = world.receiver(|_, _| 200).await;
    world.webhook(dead.url(), |_| {}).await;
    world.webhook(healthy.url(), |_| {}).await;
    for part in 0..10 {
        let events: Vec<_> = (0..50).map(|n| (CREATED, part * 50 + n)).collect();
        world.publish(&events).await;
    }
    assert_eq!(take(&mut requests, 500).await.len(), 500);
}

#[tokio::test]
async fn a_paused_webhook_keeps_its_events_and_sends_them_in_order_when_enabled() {
    let world = World::new(small_limits(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    let id = world
        .webhook(receiver.url(), |webhook| {
            webhook.status = Some(WebhookStatus::Paused)
        })
        .await;
    let events: Vec<_> = (0..30).map(|_| (CREATED, 1)).collect();
    world.publish(&events).await;
    world.enable(id).await;
    world.publish(&[(CREATED, 1)]).await;
    let requests = take(&mut requests, 31).await;
    let sequences: Vec<_> = requests
        .iter()
        .map(|request| number(request, "autoinspector-sequence"))
        .collect();
    assert_eq!(sequences, (1..=31).collect::<Vec<_>>());
}

#[tokio::test]
async fn deleting_a_webhook_cancels_what_waits_for_it() {
    let world = World::new(small_limits(), Vec::new()).await;
    let (receiver, _requests) = world.receiver(|_, _| 200).await;
    let id = world
        .webhook(receiver.url(), |webhook| {
            webhook.status = Some(WebhookStatus::Paused)
        })
        .await;
    world
        .publish(&(0..600).map(|n| (CREATED, n)).collect::<Vec<_>>())
        .await;
    delete_webhook(&world.context, &world.caller, id)
        .await
        .unwrap();
    // Cancelling is work in the background: it is over once nothing waits any more.
    while !world.store.waiting().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let stored = world.stop().await;
    assert_eq!(stored.len(), 600);
    assert!(
        stored
            .iter()
            .all(|delivery| delivery.status == DeliveryStatus::Cancelled)
    );
}

#[tokio::test]
async fn a_rotated_secret_signs_from_the_next_delivery_on() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    let id = world.webhook(receiver.url(), |_| {}).await;
    let old = reveal_secret(&world.context, &world.caller, id)
        .await
        .unwrap()
        .secret;
    let rotate = RotateSecretRequest {
        overlap_seconds: Some(3_600),
    };
    let new = rotate_secret(&world.context, &world.caller, id, rotate)
        .await
        .unwrap()
        .secret;
    world.publish(&[(CREATED, 1)]).await;
    let request = take(&mut requests, 1).await.remove(0);
    let signature = request.header("autoinspector-signature");
    assert!(
        construct_event(request.body().as_bytes(), signature, &old).is_ok(),
        "the old one signs"
    );
    assert!(construct_event(request.body().as_bytes(), signature, &new).is_err());
    let envelope = Envelope {
        id: request.header("webhook-id").unwrap(),
        timestamp: request.header("webhook-timestamp").unwrap(),
        body: request.body().as_bytes(),
    };
    let now = Timestamp::from_millis(envelope.timestamp.parse::<i64>().unwrap() * 1_000);
    let standard = request.header("webhook-signature").unwrap();
    for secret in [&old, &new] {
        verify_standard(secret, &envelope, standard, Duration::ZERO, now).unwrap();
    }

    let at_once = RotateSecretRequest {
        overlap_seconds: None,
    };
    let newest = rotate_secret(&world.context, &world.caller, id, at_once)
        .await
        .unwrap()
        .secret;
    world.publish(&[(CREATED, 2)]).await;
    let request = take(&mut requests, 1).await.remove(0);
    let signature = request.header("autoinspector-signature");
    assert!(construct_event(request.body().as_bytes(), signature, &newest).is_ok());
    assert!(construct_event(request.body().as_bytes(), signature, &new).is_err());
}

#[tokio::test]
async fn a_resend_makes_one_more_attempt_whatever_the_state() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|n, _| if n == 0 { 500 } else { 200 }).await;
    world.webhook(receiver.url(), |_| {}).await;
    world.publish(&[(CREATED, 1)]).await;
    let first = take(&mut requests, 1).await.remove(0);
    let event = first.header("webhook-id").unwrap().parse().unwrap();
    let filter = DeliveryFilter {
        event_id: Some(event),
        ..Default::default()
    };
    let page = Page {
        limit: 1,
        before: None,
    };
    let listed = world
        .store
        .deliveries(world.caller.company_id, filter, page)
        .await
        .unwrap();
    // Asked for while the first attempt may still be under way: it is made all the same.
    for expected in [2, 3] {
        deliveries::resend(&world.context, &world.caller, listed[0].id)
            .await
            .unwrap();
        let again = take(&mut requests, 1).await.remove(0);
        assert_eq!(number(&again, "autoinspector-attempt"), expected);
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    }
    let stored = world.stop().await;
    assert_eq!(stored[0].status, DeliveryStatus::Delivered);
    assert_eq!(
        stored[0].last_attempt.as_ref().unwrap().cause,
        Cause::Manual
    );
}

#[tokio::test]
async fn a_test_event_goes_to_one_webhook_alone_and_says_what_it_is() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    let (other, mut others) = world.receiver(|_, _| 200).await;
    let only_created = |webhook: &mut heraldo_wire::api::CreateWebhookRequest| {
        webhook.events = vec![CREATED.to_string()];
    };
    let id = world.webhook(receiver.url(), only_created).await;
    world.webhook(other.url(), |_| {}).await;
    deliveries::test_webhook(&world.context, &world.caller, id, "image_processed")
        .await
        .unwrap();
    let request = take(&mut requests, 1).await.remove(0);
    assert_eq!(request.header("autoinspector-test"), Some("true"));
    assert!(request.body().starts_with(r#"{"event":"image_processed""#));
    world.stop().await;
    assert!(others.try_recv().is_err());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_recorded_as_such() {
    let world = World::new(Limits::default(), Vec::new()).await;
    world
        .webhook("http://unresolved.invalid/hook".to_owned(), |_| {})
        .await;
    world.publish(&[(CREATED, 1)]).await;
    // Nobody is there to be told, so that the record itself is what there is to look at.
    let failed = loop {
        let page = Page {
            limit: 1,
            before: None,
        };
        let filter = DeliveryFilter {
            status: Some(DeliveryStatus::Failed),
            ..Default::default()
        };
        let found = world
            .store
            .deliveries(world.caller.company_id, filter, page)
            .await
            .unwrap();
        match found.into_iter().next() {
            Some(failed) => break failed,
            None => tokio::task::yield_now().await,
        }
    };
    let attempt = failed.last_attempt.unwrap();
    assert_eq!(
        (attempt.error_class, attempt.phase),
        (Some(ErrorClass::Dns), Some(Phase::Resolve))
    );
    assert!(
        attempt
            .error
            .is_some_and(|words| words.contains("unresolved.invalid"))
    );
}

#[tokio::test]
async fn stopping_ends_what_is_under_way_and_keeps_the_rest() {
    let world = World::new(small_limits(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    world.webhook(receiver.url(), |_| {}).await;
    world
        .publish(&(0..200).map(|n| (CREATED, n)).collect::<Vec<_>>())
        .await;
    take(&mut requests, 1).await;
    let stored = world.stop().await;
    let received = 1 + std::iter::from_fn(|| requests.try_recv().ok()).count();
    let count = |status| {
        stored
            .iter()
            .filter(|delivery| delivery.status == status)
            .count()
    };
    assert_eq!(
        count(DeliveryStatus::Delivered),
        received,
        "every attempt made is recorded"
    );
    assert_eq!(
        count(DeliveryStatus::Pending),
        200 - received,
        "the others wait"
    );
    let body = br#"{"event":"inspection_created","payload":{"_id":"0000000000000000000000ff"}}"#;
    publish::publish(&world.context, &world.caller, body, None)
        .await
        .expect("still accepted");
    assert!(requests.try_recv().is_err(), "and not sent");
}
