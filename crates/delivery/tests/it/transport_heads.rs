//! Requests as they go out, and heads of answers as receivers may send them.

use std::sync::{Arc, Mutex};

use heraldo_wire::attempt::{ErrorClass, Phase};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::receiver::{
    BODY, Bed, OK, PATIENT, closed, flood, outgoing, read_head, read_request, trickle, with_body,
};

#[tokio::test]
async fn a_request_is_a_post_with_our_headers_and_the_exact_body() {
    let bed = Bed::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let receiver = bed
        .receiver(move |_, mut stream| {
            let log = Arc::clone(&log);
            async move {
                let request = read_request(&mut stream).await.unwrap();
                log.lock().unwrap().push(request);
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        })
        .await;
    let report = bed.send(&receiver.url()).await;
    let answer = report.outcome.unwrap();
    assert_eq!(
        (answer.status, answer.body_head.as_slice()),
        (200, b"ok".as_slice())
    );
    assert!(!answer.body_truncated);
    assert!(report.timings.connect_ms.is_some() && report.timings.first_byte_ms.is_some());
    assert!(report.timings.resolve_ms.is_none() && report.timings.tls_ms.is_none());

    let seen = seen.lock().unwrap();
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    assert!(
        head.starts_with("POST /hook?token=s3cret HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\nhost: {}", receiver.address)),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\ncontent-length: {}", BODY.len())),
        "{head}"
    );
    assert!(head.contains("\r\nuser-agent: heraldo/"), "{head}");
    assert!(
        head.contains("\r\nwebhook-id: evt_64f0c0ffee0123456789abcd"),
        "{head}"
    );
    for absent in ["accept-encoding", "transfer-encoding", "expect:"] {
        assert!(!head.contains(absent), "{head}");
    }
}

#[tokio::test]
async fn every_status_is_an_answer_and_a_redirect_is_not_followed() {
    let bed = Bed::new();
    let elsewhere = bed.answering(OK).await;
    for status in [
        "204 No Content",
        "301 Moved",
        "302 Found",
        "307 Temporary",
        "410 Gone",
        "429 Slow",
        "500 Oops",
    ] {
        let head = format!(
            "{status}\r\nlocation: {}\r\nretry-after: 120",
            elsewhere.url()
        );
        let answer_bytes = if status.starts_with("204") {
            format!("HTTP/1.1 {head}\r\n\r\n").into_bytes()
        } else {
            with_body(&head, b"x")
        };
        let receiver = bed.answering(answer_bytes).await;
        let answer = bed.answer(&receiver.url()).await;
        assert_eq!(answer.status.to_string(), status[..3]);
        assert_eq!(answer.retry_after.as_deref(), Some("120"));
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_a_connect_failure() {
    let bed = Bed::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = bed.failure(&format!("http://{address}/s3cret")).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Connect, Some(Phase::Connect))
    );
    assert!(
        failure.detail.contains("nothing listens"),
        "{}",
        failure.detail
    );
    assert!(!failure.detail.contains("s3cret"), "{}", failure.detail);
}

#[tokio::test]
async fn a_receiver_that_hangs_up_without_an_answer_is_a_reset() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move { drop(read_request(&mut stream).await) })
        .await;
    let failure = bed.failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Reset, Some(Phase::FirstByte))
    );
    assert_eq!(failure.status, None);
    // It was a fresh connection, so nothing suggests that another would fare better.
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_head_is_a_reset() {
    let bed = Bed::new();
    for abruptly in [true, false] {
        let receiver = bed
            .receiver(move |_, mut stream| async move {
                read_request(&mut stream).await.unwrap();
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-le")
                    .await
                    .unwrap();
                if abruptly {
                    stream.set_zero_linger().unwrap();
                }
            })
            .await;
        let failure = bed.failure(&receiver.url()).await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::Reset, Some(Phase::FirstByte))
        );
        assert_eq!(failure.status, None);
    }
}

#[tokio::test]
async fn a_receiver_that_never_answers_times_out_before_the_first_byte() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            closed(&mut stream).await;
        })
        .await;
    let failure = bed.brief_failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::FirstByte))
    );
    assert!(!failure.detail.contains("s3cret"), "{}", failure.detail);
}

#[tokio::test]
async fn an_answer_after_the_deadline_is_never_taken_for_the_next_one() {
    let bed = Bed::new();
    let deadline_passed = Arc::new(tokio::sync::Notify::new());
    let signal = Arc::clone(&deadline_passed);
    let receiver = bed
        .receiver(move |number, mut stream| {
            let signal = Arc::clone(&signal);
            async move {
                read_request(&mut stream).await.unwrap();
                if number == 1 {
                    signal.notified().await;
                }
                let answer = with_body("200 OK", format!("answer {number}").as_bytes());
                drop(stream.write_all(&answer).await);
            }
        })
        .await;
    let failure = bed.brief_failure(&receiver.url()).await;
    assert_eq!(failure.class, ErrorClass::Timeout);
    deadline_passed.notify_one();
    assert_eq!(bed.answer(&receiver.url()).await.body_head, b"answer 2");
}

#[tokio::test]
async fn a_trickling_head_ends_at_the_deadline() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nx-slow: ")
                .await
                .unwrap();
            trickle(&mut stream, b'a').await;
        })
        .await;
    let failure = bed.brief_failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::FirstByte))
    );
}

#[tokio::test]
async fn a_flood_of_informational_heads_ends_at_the_deadline() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            flood(&mut stream, &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).await;
        })
        .await;
    let failure = bed.brief_failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::FirstByte))
    );
}

#[tokio::test]
async fn a_few_informational_heads_are_passed_over() {
    let bed = Bed::new();
    let receiver = bed
        .answering(format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n{OK}"
        ))
        .await;
    assert_eq!(bed.answer(&receiver.url()).await.status, 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_protocol_failure() {
    let bed = Bed::new();
    let one_huge = format!("HTTP/1.1 200 OK\r\nx-huge: {}\r\n\r\n", "a".repeat(100_000));
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let many = format!("HTTP/1.1 200 OK\r\n{many}\r\n");
    for answer in [one_huge, many] {
        let receiver = bed.answering(answer).await;
        let failure = bed.failure(&receiver.url()).await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::Protocol, Some(Phase::FirstByte))
        );
    }
    let endless = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.unwrap();
            flood(&mut stream, &[b'a'; 4096]).await;
        })
        .await;
    assert_eq!(
        bed.failure(&endless.url()).await.class,
        ErrorClass::Protocol
    );
}

#[tokio::test]
async fn garbage_instead_of_http_is_a_protocol_failure() {
    let bed = Bed::new();
    for garbage in [
        b"SSH-2.0-OpenSSH_9.9\r\n".as_slice(),
        b"220 mail.example ESMTP\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n",
        b"<html><body>hello</body></html>",
        b"HTTP/1.1 abc Nope\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        let receiver = bed.answering(garbage).await;
        let failure = bed.failure(&receiver.url()).await;
        let shown = String::from_utf8_lossy(garbage);
        assert_eq!(
            failure.class,
            ErrorClass::Protocol,
            "{shown}: {}",
            failure.detail
        );
        assert_eq!(failure.phase, Some(Phase::FirstByte), "{shown}");
    }
}

#[tokio::test]
async fn an_answer_before_the_request_was_read_counts() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|number, mut stream| async move {
            read_head(&mut stream).await.unwrap();
            if number == 1 {
                stream
                    .write_all(&with_body("413 Too Large", b"no"))
                    .await
                    .unwrap();
            } else {
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
            closed(&mut stream).await;
        })
        .await;
    let large: &'static str = Box::leak("x".repeat(8 << 20).into_boxed_str());
    let report = bed
        .transport
        .send(outgoing(&receiver.url(), large, PATIENT))
        .await;
    assert_eq!(report.outcome.unwrap().status, 413);
    // The half-sent request spoils the connection: the next one gets its own.
    assert_eq!(bed.answer(&receiver.url()).await.status, 200);
    assert_eq!(receiver.connections(), 2);
}
