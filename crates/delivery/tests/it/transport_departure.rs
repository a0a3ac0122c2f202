//! When the start of an attempt is recorded: once it is being sent to a connected receiver, and before its answer
//! is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heraldo_delivery::transport::{Outgoing, Report};
use heraldo_wire::attempt::ErrorClass;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use crate::receiver::{BODY, BRIEF, Bed, OK, PATIENT, closed, outgoing, read_head, read_request};
use crate::transport_tls::{Authority, NAME, ok, serving};

/// Sends and says whether the start was recorded.
async fn recorded(bed: &Bed, outgoing: Outgoing) -> (Report, bool) {
    let recorded = AtomicBool::new(false);
    let record = async { recorded.store(true, Ordering::SeqCst) };
    let report = bed.transport.send_recorded(outgoing, record).await;
    (report, recorded.load(Ordering::SeqCst))
}

#[tokio::test]
async fn what_reaches_nobody_is_not_recorded() {
    let bed = Bed::new();
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let not_tls = bed
        .receiver(|_, mut stream| async move {
            let _ = stream.write_all(b"this is not TLS\r\n").await;
            closed(&mut stream).await;
        })
        .await;
    // It takes the connection and says nothing: the handshake does not end.
    let silent = bed
        .receiver(|_, mut stream| async move { closed(&mut stream).await })
        .await;
    for (url, timeout, class) in [
        (format!("http://{nobody}/"), PATIENT, ErrorClass::Connect),
        (
            "http://unresolved.invalid/".to_owned(),
            PATIENT,
            ErrorClass::Dns,
        ),
        (
            not_tls.url_of("https", "127.0.0.1"),
            PATIENT,
            ErrorClass::Tls,
        ),
        (
            silent.url_of("https", "127.0.0.1"),
            BRIEF,
            ErrorClass::Timeout,
        ),
        (
            "http://192.168.0.1/".to_owned(),
            PATIENT,
            ErrorClass::AddressRefused,
        ),
    ] {
        let (report, recorded) = recorded(&bed, outgoing(&url, BODY, timeout)).await;
        assert_eq!(report.outcome.unwrap_err().class, class, "{url}");
        assert!(!recorded, "{url}");
    }
}

#[tokio::test]
async fn what_a_receiver_may_have_seen_is_recorded_whatever_comes_of_it() {
    let bed = Bed::new();
    let answering = bed.answering(OK).await;
    let hanging_up = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await;
        })
        .await;
    // It answers without waiting for a body, and an empty one is never asked for.
    let eager = bed
        .receiver(|_, mut stream| async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(OK.as_bytes()).await;
        })
        .await;
    for (url, body, is_answered) in [
        (answering.url(), BODY, true),
        (hanging_up.url(), BODY, false),
        (eager.url(), "", true),
    ] {
        let (report, recorded) = recorded(&bed, outgoing(&url, body, PATIENT)).await;
        assert_eq!(report.outcome.is_ok(), is_answered, "{url}");
        assert!(recorded, "{url}");
    }
}

#[tokio::test]
async fn over_http2_it_is_recorded_as_well() {
    let authority = Authority::new();
    let bed = authority.bed();
    let receiver = serving(&bed, authority.acceptor(&["h2"], |_| {}), |_, _| async {
        ok()
    })
    .await;
    for body in [BODY, ""] {
        let url = receiver.url_of("https", NAME);
        let (report, recorded) = recorded(&bed, outgoing(&url, body, PATIENT)).await;
        assert_eq!(report.outcome.unwrap().status, 200);
        assert!(recorded);
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn the_start_is_recorded_after_the_request_came_and_before_its_answer_is_taken() {
    let bed = Bed::new();
    let (came, answered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let told = (came.clone(), answered.clone());
    let receiver = bed
        .receiver(move |_, mut stream| {
            let (came, answered) = told.clone();
            async move {
                read_request(&mut stream).await;
                came.notify_one();
                stream.write_all(OK.as_bytes()).await.unwrap();
                answered.notify_one();
                // The connection stays: what the sender has not read is still on it.
                let _ = stream.read_u8().await;
            }
        })
        .await;
    let (ended, has_ended) = oneshot::channel();
    let record = async move {
        // Both would wait for ever if nothing were sent before it is recorded.
        came.notified().await;
        answered.notified().await;
        // The whole answer lies ready: whoever does not wait for this takes it now, and this is dropped.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        ended.send(()).unwrap();
    };
    let request = outgoing(&receiver.url(), BODY, PATIENT);
    let report = bed.transport.send_recorded(request, record).await;
    assert_eq!(report.outcome.unwrap().body_head, b"ok");
    assert_eq!(has_ended.await, Ok(()));
}

#[tokio::test]
async fn recording_takes_nothing_from_the_deadline() {
    let bed = Bed::new();
    let receiver = bed.answering(OK).await;
    let request = outgoing(&receiver.url(), BODY, BRIEF);
    let record = tokio::time::sleep(BRIEF * 2);
    let report = bed.transport.send_recorded(request, record).await;
    assert_eq!(report.outcome.unwrap().status, 200);
}

#[tokio::test]
async fn a_large_body_goes_on_its_way_while_the_start_is_recorded() {
    let bed = Bed::new();
    let (came, whole) = oneshot::channel();
    let came = std::sync::Mutex::new(Some(came));
    let came = Arc::new(came);
    let receiver = bed
        .receiver(move |_, mut stream| {
            let came = came.clone();
            async move {
                let request = read_request(&mut stream).await;
                let length = request.map_or(0, |request| request.len());
                if let Some(came) = came.lock().unwrap().take() {
                    came.send(length).unwrap();
                }
                let _ = stream.write_all(OK.as_bytes()).await;
            }
        })
        .await;
    // More than the system keeps for a connection.
    let large: &'static str = Box::leak("x".repeat(16 * 1024 * 1024).into_boxed_str());
    let request = outgoing(&receiver.url(), large, PATIENT);
    let record = async move {
        assert!(whole.await.unwrap() > large.len());
    };
    let report = bed.transport.send_recorded(request, record).await;
    assert_eq!(report.outcome.unwrap().status, 200);
}
