//! Kept-alive connections: used again, replaced when stale, bounded, closed in time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use heraldo_delivery::transport::TransportConfig;
use heraldo_wire::attempt::{ErrorClass, Phase};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Barrier, mpsc};

use crate::receiver::{
    BODY, Bed, OK, PATIENT, closed, loopback_allowed, outgoing, read_request, with_body,
};

#[tokio::test]
async fn a_connection_is_used_again_and_spares_its_phases() {
    let bed = Bed::new();
    let receiver = bed.answering(OK).await;
    for round in 0..20 {
        let report = bed.send(&receiver.url()).await;
        assert_eq!(report.timings.connect_ms.is_some(), round == 0);
        assert_eq!(report.outcome.unwrap().status, 200);
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_stale_connection_is_replaced_within_the_attempt() {
    let bed = Bed::new();
    for answers_before_closing in [1_usize, 3] {
        let receiver = bed
            .receiver(move |number, mut stream| async move {
                let mut answered = 0;
                // The first connection takes one more request than it answers: nobody could know.
                while read_request(&mut stream).await.is_some() {
                    if number == 1 && answered == answers_before_closing {
                        return;
                    }
                    stream.write_all(OK.as_bytes()).await.unwrap();
                    answered += 1;
                }
            })
            .await;
        for _ in 0..answers_before_closing + 2 {
            assert_eq!(bed.answer(&receiver.url()).await.status, 200);
        }
        assert_eq!(receiver.connections(), 2);
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_at_rest_is_replaced() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
        })
        .await;
    for _ in 0..20 {
        assert_eq!(bed.answer(&receiver.url()).await.status, 200);
    }
    assert_eq!(receiver.connections(), 20);
}

#[tokio::test]
async fn a_connection_on_which_the_receiver_speaks_unasked_is_not_used_again() {
    let bed = Bed::new();
    let receiver = bed.answering(format!("{OK}{OK}")).await;
    for _ in 0..3 {
        assert_eq!(bed.answer(&receiver.url()).await.body_head, b"ok");
    }
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test]
async fn a_connection_is_replaced_once_only() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|number, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            if number == 1 {
                stream.write_all(OK.as_bytes()).await.unwrap();
                read_request(&mut stream).await.unwrap();
            }
        })
        .await;
    assert_eq!(bed.answer(&receiver.url()).await.status, 200);
    assert_eq!(bed.failure(&receiver.url()).await.class, ErrorClass::Reset);
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_request_is_not_repeated_once_a_byte_of_the_answer_came() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
            read_request(&mut stream).await.unwrap();
            stream.write_all(b"H").await.unwrap();
        })
        .await;
    assert_eq!(bed.answer(&receiver.url()).await.status, 200);
    let failure = bed.failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Reset, Some(Phase::FirstByte))
    );
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_receiver_that_wants_no_keep_alive_gets_none() {
    let bed = Bed::new();
    let receiver = bed
        .answering(with_body("200 OK\r\nconnection: close", b"ok"))
        .await;
    for _ in 0..3 {
        assert_eq!(bed.answer(&receiver.url()).await.status, 200);
    }
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test]
async fn dropping_the_attempt_closes_its_connection() {
    let bed = Bed::new();
    let (events, mut seen) = mpsc::unbounded_channel();
    let receiver = bed
        .receiver(move |_, mut stream| {
            let events = events.clone();
            async move {
                read_request(&mut stream).await.unwrap();
                events.send("request").unwrap();
                closed(&mut stream).await;
                events.send("closed").unwrap();
            }
        })
        .await;
    let url = receiver.url();
    tokio::select! {
        report = bed.send(&url) => panic!("nobody answered, yet: {report:?}"),
        event = seen.recv() => assert_eq!(event, Some("request")),
    }
    assert_eq!(seen.recv().await, Some("closed"));
}

/// A receiver that answers only when so many requests wait at once, and reports each closed connection.
async fn simultaneous(
    bed: &Bed,
    count: usize,
) -> (crate::receiver::Receiver, mpsc::UnboundedReceiver<usize>) {
    let barrier = Arc::new(Barrier::new(count));
    let (closings, closed) = mpsc::unbounded_channel();
    let receiver = bed
        .receiver(move |number, mut stream| {
            let (barrier, closings) = (Arc::clone(&barrier), closings.clone());
            async move {
                while read_request(&mut stream).await.is_some() {
                    barrier.wait().await;
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
                closings.send(number).ok();
            }
        })
        .await;
    (receiver, closed)
}

async fn send_at_once(bed: &Bed, url: &str, count: usize) {
    for report in join_all((0..count).map(|_| bed.send(url))).await {
        assert_eq!(report.outcome.unwrap().status, 200);
    }
}

#[tokio::test]
async fn connections_at_rest_are_bounded_per_authority() {
    let bed = Bed::with(TransportConfig {
        idle_connections_per_authority_max: 3,
        ..loopback_allowed()
    });
    let (receiver, mut closed) = simultaneous(&bed, 5).await;
    send_at_once(&bed, &receiver.url(), 5).await;
    closed.recv().await.unwrap();
    closed.recv().await.unwrap();
    send_at_once(&bed, &receiver.url(), 5).await;
    assert_eq!(receiver.connections(), 7);
}

#[tokio::test]
async fn connections_at_rest_are_bounded_in_all() {
    let bed = Bed::with(TransportConfig {
        idle_connections_max: 1,
        ..loopback_allowed()
    });
    let (kept, _closed) = simultaneous(&bed, 1).await;
    let (not_kept, mut closed) = simultaneous(&bed, 1).await;
    send_at_once(&bed, &kept.url(), 1).await;
    send_at_once(&bed, &not_kept.url(), 1).await;
    closed.recv().await.unwrap();
    send_at_once(&bed, &kept.url(), 1).await;
    assert_eq!(kept.connections(), 1);
}

#[tokio::test]
async fn a_connection_at_rest_is_closed_after_the_idle_limit() {
    let bed = Bed::with(TransportConfig {
        idle_timeout: Duration::from_millis(50),
        ..loopback_allowed()
    });
    let (receiver, mut closed) = simultaneous(&bed, 1).await;
    send_at_once(&bed, &receiver.url(), 1).await;
    assert_eq!(closed.recv().await, Some(1));
    send_at_once(&bed, &receiver.url(), 1).await;
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn shutdown_closes_what_rests_and_lets_what_runs_end() {
    let bed = Bed::new();
    let (receiver, mut closed) = simultaneous(&bed, 1).await;
    send_at_once(&bed, &receiver.url(), 1).await;
    let (resting, mut resting_closed) = simultaneous(&bed, 1).await;
    send_at_once(&bed, &resting.url(), 1).await;

    let slow = bed
        .receiver({
            let shutdown = bed.shutdown.clone();
            move |_, mut stream| {
                let shutdown = shutdown.clone();
                async move {
                    read_request(&mut stream).await.unwrap();
                    shutdown.cancel();
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            }
        })
        .await;
    let report = bed
        .transport
        .send(outgoing(&slow.url(), BODY, PATIENT))
        .await;
    assert_eq!(report.outcome.unwrap().status, 200);
    assert_eq!(closed.recv().await, Some(1));
    assert_eq!(resting_closed.recv().await, Some(1));
    bed.tracker.close();
    bed.tracker.wait().await;
}
