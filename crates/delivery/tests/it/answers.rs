//! What receivers say with their answers: when to come back, and what is kept of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use heraldo_delivery::lanes::Limits;
use heraldo_wire::event::EventType;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::receiver::read_request;
use crate::world::World;

const BUSY: &[u8] =
    b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nServer: nginx\r\nSet-Cookie: a=b\r\n\
    content-length: 4\r\n\r\nbusy";
const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_receiver_that_answers_429_with_retry_after_is_left_alone_until_then() {
    let world = World::new(Limits::default(), vec![Duration::from_millis(10)]).await;
    let (seen, mut requests) = mpsc::unbounded_channel();
    let shared = Arc::new((seen, AtomicU32::new(0)));
    let receiver = world
        .bed
        .receiver(move |_, mut stream| {
            let shared = shared.clone();
            async move {
                while read_request(&mut stream).await.is_some() {
                    let is_first = shared.1.fetch_add(1, Ordering::SeqCst) == 0;
                    let answer = if is_first { BUSY } else { FINE };
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                    // A test that has seen enough no longer listens.
                    let _ = shared.0.send(());
                }
            }
        })
        .await;
    world
        .webhook(receiver.url(), |request| request.concurrency = Some(1))
        .await;
    let completed = EventType::InspectionCompleted;
    world.publish(&[(completed, 1), (completed, 2)]).await;
    for _ in 0..3 {
        requests.recv().await.unwrap();
    }
    let mut attempts = Vec::new();
    for delivery in world.stop().await {
        attempts.extend(world.whole(&delivery).await.attempts);
    }
    attempts.sort_by_key(|attempt| attempt.started_at);
    assert_eq!(attempts.len(), 3);
    assert_eq!(attempts[0].status_code, Some(429));
    assert_eq!(attempts[0].response_body, "busy");
    let headers: Vec<_> = attempts[0].response_headers.iter().collect();
    let kept = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [kept("retry-after", "1"), kept("server", "nginx")];
    assert!(
        headers
            .into_iter()
            .eq(expected.iter().map(|(name, value)| (name, value))),
        "{:?}",
        attempts[0].response_headers
    );
    // The other event, which nothing was said about, waited as well.
    for later in &attempts[1..] {
        let waited = later.started_at.since(attempts[0].started_at);
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
    }
}
