//! Bodies of answers: only the beginning is kept, and nothing waits past the deadline.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use heraldo_delivery::transport::TransportConfig;
use heraldo_wire::attempt::{ErrorClass, Phase};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::receiver::{Bed, closed, flood, loopback_allowed, read_request, trickle, with_body};

#[tokio::test]
async fn a_body_that_stalls_is_a_timeout_with_the_status_and_what_had_come() {
    let bed = Bed::with(TransportConfig {
        answer_headers_kept: vec!["server".to_owned()],
        ..loopback_allowed()
    });
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream
                .write_all(
                    b"HTTP/1.1 503 Busy\r\nserver: nginx\r\nretry-after: 7\r\ncontent-length: 10\r\n\r\nabc",
                )
                .await
                .unwrap();
            closed(&mut stream).await;
        })
        .await;
    let failure = bed.brief_failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::Body))
    );
    assert_eq!(failure.status, Some(503));
    let answer = failure.answer.expect("what had come");
    assert_eq!(
        (answer.status, answer.body_head.as_slice()),
        (503, &b"abc"[..])
    );
    assert_eq!(
        answer.headers.get("server").map(String::as_str),
        Some("nginx")
    );
    assert_eq!(answer.retry_after.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_trickling_body_ends_at_the_deadline() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
                .await
                .unwrap();
            trickle(&mut stream, b'a').await;
        })
        .await;
    let report = bed
        .send_within(&receiver.url(), Duration::from_millis(300))
        .await;
    assert!(report.timings.body_ms.is_some_and(|ms| ms > 0));
    let failure = report.outcome.unwrap_err();
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::Body))
    );
}

#[tokio::test]
async fn an_endless_body_is_an_answer_and_its_connection_is_dropped() {
    let bed = Bed::new();
    for head in [
        "transfer-encoding: chunked",
        "x: y",
        "content-length: 1000000000000",
    ] {
        let (gone, mut is_gone) = mpsc::unbounded_channel();
        let receiver = bed
            .receiver(move |_, mut stream| {
                let gone = gone.clone();
                async move {
                    read_request(&mut stream).await.unwrap();
                    stream
                        .write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes())
                        .await
                        .unwrap();
                    let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
                    flood(&mut stream, chunk.as_bytes()).await;
                    gone.send(()).unwrap();
                }
            })
            .await;
        let answer = bed.answer(&receiver.url()).await;
        assert_eq!(
            (answer.status, answer.body_head.len(), answer.body_truncated),
            (200, 4096, true)
        );
        is_gone.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_body_up_to_the_read_limit_leaves_the_connection_usable() {
    let bed = Bed::new();
    let receiver = bed.answering(with_body("200 OK", &[b'a'; 65_536])).await;
    for _ in 0..3 {
        let answer = bed.answer(&receiver.url()).await;
        assert_eq!(
            (answer.body_head.len(), answer.body_truncated),
            (4096, true)
        );
    }
    assert_eq!(receiver.connections(), 1);
    let longer = bed.answering(with_body("200 OK", &[b'a'; 65_537])).await;
    for _ in 0..3 {
        assert_eq!(bed.answer(&longer.url()).await.body_head.len(), 4096);
    }
    assert_eq!(longer.connections(), 3);
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_body_is_a_reset_with_the_status() {
    let bed = Bed::new();
    for (head, abruptly) in [
        ("content-length: 10", true),
        ("content-length: 10", false),
        ("transfer-encoding: chunked", false),
    ] {
        let receiver = bed
            .receiver(move |_, mut stream| async move {
                read_request(&mut stream).await.unwrap();
                let begun = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nab");
                stream.write_all(begun.as_bytes()).await.unwrap();
                if abruptly {
                    stream.set_zero_linger().unwrap();
                }
            })
            .await;
        let failure = bed.failure(&receiver.url()).await;
        // A reset may overtake the head that was sent before it.
        if !abruptly || failure.status.is_some() {
            assert_eq!(
                (failure.phase, failure.status),
                (Some(Phase::Body), Some(200)),
                "{head}"
            );
        }
        assert_eq!(
            failure.class,
            ErrorClass::Reset,
            "{head}: {}",
            failure.detail
        );
    }
}

#[tokio::test]
async fn a_chunk_that_is_no_chunk_is_a_protocol_failure() {
    let bed = Bed::new();
    let receiver = bed
        .answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a chunk\r\n")
        .await;
    let failure = bed.failure(&receiver.url()).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Protocol, Some(Phase::Body))
    );
    assert_eq!(failure.status, Some(200));
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_whole() {
    let bed = Bed::new();
    let receiver = bed
        .receiver(|_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream
                .write_all(b"HTTP/1.0 200 OK\r\n\r\nall of it")
                .await
                .unwrap();
        })
        .await;
    let answer = bed.answer(&receiver.url()).await;
    assert_eq!(
        (answer.body_head.as_slice(), answer.body_truncated),
        (b"all of it".as_slice(), false)
    );
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_body_is_kept_decompressed() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(b"hello").unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    bare.write_all(b"hello").unwrap();
    let bed = Bed::new();
    for (encoding, body, kept) in [
        ("gzip", gzip(b"hello"), b"hello".as_slice()),
        ("GZIP", gzip(b"hello"), b"hello"),
        ("x-gzip", [gzip(b"hel"), gzip(b"lo")].concat(), b"hello"),
        ("gzip", gzip(b""), b""),
        ("deflate", zlib.finish().unwrap(), b"hello"),
        ("deflate", bare.finish().unwrap(), b"hello"),
        ("gzip", b"not gzip at all".to_vec(), b"not gzip at all"),
        (
            "br",
            b"\x0b\x02\x80hello\x03".to_vec(),
            b"\x0b\x02\x80hello\x03",
        ),
        ("identity", b"hello".to_vec(), b"hello"),
    ] {
        let head = format!("200 OK\r\ncontent-encoding: {encoding}");
        let receiver = bed.answering(with_body(&head, &body)).await;
        let answer = bed.answer(&receiver.url()).await;
        assert_eq!(
            (answer.body_head.as_slice(), answer.body_truncated),
            (kept, false),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn a_gzip_bomb_yields_no_more_than_what_is_kept() {
    let bomb = gzip(&vec![0_u8; 32 << 20]);
    assert!(bomb.len() < 65_536);
    let bed = Bed::new();
    let receiver = bed
        .answering(with_body("200 OK\r\ncontent-encoding: gzip", &bomb))
        .await;
    let answer = bed.answer(&receiver.url()).await;
    assert_eq!(
        (answer.body_head.as_slice(), answer.body_truncated),
        ([0_u8; 4096].as_slice(), true)
    );
}
