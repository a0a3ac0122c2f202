//! How fast one receiver is called: its webhook's rate, also when much waits for it, and fewer attempts at once
//! while it does not answer.

use std::time::Duration;

use heraldo_delivery::lanes::Limits;
use heraldo_domain::delivery::Attempt;
use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::event::EventType;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};

use crate::receiver::{closed, read_request};
use crate::world::{World, small_limits};

const CREATED: EventType = EventType::InspectionCreated;
const COMPLETED: EventType = EventType::InspectionCompleted;
const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Ends everything and returns all attempts that were made, in the order of their starts.
async fn attempts(world: &World) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for delivery in world.stop().await {
        attempts.extend(world.whole(&delivery).await.attempts);
    }
    attempts.sort_by_key(|attempt| attempt.started_at);
    attempts
}

fn no_second_has_more_than(rate: usize, attempts: &[Attempt]) {
    for window in attempts.windows(rate + 1) {
        let within = window[rate].started_at.since(window[0].started_at);
        assert!(
            within >= Duration::from_secs(1),
            "{} attempts within {within:?}",
            rate + 1
        );
    }
}

#[tokio::test]
async fn what_a_paused_webhook_kept_flows_in_order_at_its_own_rate() {
    let world = World::new(small_limits(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|_, _| 200).await;
    let id = world
        .webhook(receiver.url(), |request| {
            request.status = Some(WebhookStatus::Paused);
            request.rate_per_second = Some(20);
        })
        .await;
    let events: Vec<_> = (0..45).map(|_| (CREATED, 1)).collect();
    world.publish(&events).await;
    world.enable(id).await;
    for sequence in 1..=45 {
        let request = requests.recv().await.expect("the receiver runs");
        let header = request.header("autoinspector-sequence");
        assert_eq!(header, Some(sequence.to_string().as_str()));
    }
    let attempts = attempts(&world).await;
    assert_eq!(attempts.len(), 45);
    no_second_has_more_than(20, &attempts);
}

#[tokio::test]
async fn retries_that_are_sent_when_a_webhook_recovers_keep_to_its_rate() {
    let world = World::new(Limits::default(), vec![Duration::from_secs(3_600)]).await;
    let (receiver, mut requests) = world.receiver(|n, _| if n < 12 { 500 } else { 200 }).await;
    world
        .webhook(receiver.url(), |request| {
            request.retry_on_recovery = Some(true);
            request.rate_per_second = Some(10);
            request.concurrency = Some(1);
        })
        .await;
    let events: Vec<_> = (0..12).map(|n| (COMPLETED, n)).collect();
    world.publish(&events).await;
    for _ in 0..12 {
        requests.recv().await.expect("the receiver runs");
    }
    world.publish(&[(CREATED, 12)]).await;
    for _ in 0..13 {
        requests.recv().await.expect("the receiver runs");
    }
    let attempts = attempts(&world).await;
    assert_eq!(attempts.len(), 25);
    let retries = attempts.iter().filter(|attempt| attempt.number == 2);
    assert_eq!(retries.count(), 12, "an hour before their time");
    no_second_has_more_than(10, &attempts);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Silent,
    Answering,
    /// Answers once the mode is another.
    Held,
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_gets_fewer_attempts_at_once_and_all_again_when_it_does() {
    const AT_ONCE: usize = 4;
    let world = World::new(Limits::default(), Vec::new()).await;
    let (mode, modes) = watch::channel(Mode::Silent);
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let receiver = world
        .bed
        .receiver(move |_, mut stream| {
            let (mut modes, arrived) = (modes.clone(), arrived.clone());
            async move {
                while read_request(&mut stream).await.is_some() {
                    let mode = *modes.borrow();
                    // A test that has seen enough no longer listens.
                    let _ = arrived.send(mode);
                    match mode {
                        Mode::Silent => {
                            closed(&mut stream).await;
                            return;
                        }
                        Mode::Held => drop(modes.wait_for(|mode| *mode != Mode::Held).await),
                        Mode::Answering => {}
                    }
                    if stream.write_all(FINE).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
    world
        .webhook(receiver.url(), |request| {
            request.concurrency = u32::try_from(AT_ONCE).ok();
            request.timeout_ms = Some(1_000);
            request.ordering = Some(Ordering::None);
        })
        .await;
    let publish = |numbers: std::ops::Range<u64>| {
        let events: Vec<_> = numbers.map(|n| (CREATED, n)).collect();
        let world = &world;
        async move { world.publish(&events).await }
    };
    let mut wait_for = async |count: usize, expected: Mode| {
        for _ in 0..count {
            assert_eq!(arrivals.recv().await, Some(expected));
        }
    };
    publish(0..6).await;
    wait_for(6, Mode::Silent).await;
    mode.send(Mode::Answering).unwrap();
    publish(6..18).await;
    wait_for(12, Mode::Answering).await;
    mode.send(Mode::Held).unwrap();
    publish(18..26).await;
    wait_for(AT_ONCE, Mode::Held).await;
    mode.send(Mode::Answering).unwrap();
    wait_for(4, Mode::Answering).await;

    let attempts = attempts(&world).await;
    assert_eq!(attempts.len(), 26);
    let ended = |attempt: &Attempt| {
        let took = u64::from(attempt.duration_ms);
        attempt.started_at.plus(Duration::from_millis(took))
    };
    for (number, attempt) in attempts.iter().enumerate().take(6) {
        assert_eq!(attempt.error_class, Some(ErrorClass::Timeout), "{number}");
        // The first ones time out together; after that one at a time is tried.
        let before = &attempts[..if number < AT_ONCE { 0 } else { number }];
        for earlier in before {
            assert!(ended(earlier) <= attempt.started_at, "{number}");
        }
    }
}
