//! What is no HTTP request, or too large for one, is answered in the one form of errors.

use super::*;

/// Sends the bytes on a connection of their own; the answer has this status and code, and is the last.
async fn refused(server: &Server, bytes: &[u8], status: u16, code: &str) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
    let mut stream = server.connect().await;
    stream.write_all(bytes).await.unwrap();
    let (head, body) = read_answer(&mut stream).await;
    let line = format!("http/1.1 {status}");
    assert!(head.starts_with(&line), "{shown}: {head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(head.matches("content-length").count(), 1, "{head}");
    assert_eq!(
        (&body["code"], &body["status"]),
        (&code.into(), &status.into())
    );
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.len() > 20, "{shown}: {detail}");
    assert_eq!(body["message"], detail);
    if head.contains("connection: close") {
        assert_eq!(read_to_end(&mut stream).await, "", "{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_as_a_request_is_a_400_with_a_body() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let heads: [&[u8]; 11] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"this is no request\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/inspection\r\n\r\n",
        b"GET /v1/inspection HTTP/9.9\r\nhost: h\r\n\r\n",
        b"GET /v1/inspec tion HTTP/1.1\r\nhost: h\r\n\r\n",
        b"G@T /v1/inspection HTTP/1.1\r\nhost: h\r\n\r\n",
        b"GET /v1/inspection HTTP/1.1\r\nhost: h\r\nx-a: a\x01b\r\n\r\n",
        b"GET /v1/inspection HTTP/1.1\r\nhost: h\r\nx a: b\r\n\r\n",
        b"GET /v1/inspection HTTP/1.1\r\nhost: h\r\nno colon\r\n\r\n",
        b"POST /v1/inspection/car HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
    ];
    for head in heads {
        refused(&server, head, 400, "invalid_request").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_told_the_limits() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let headers = |count: usize| {
        let lines: String = (0..count).map(|n| format!("x-{n}: {n}\r\n")).collect();
        server.head("GET", "/v1/inspection", &lines)
    };
    let long_header = |bytes: usize| {
        let line = format!("x-long: {}\r\n", "a".repeat(bytes));
        server.head("GET", "/v1/inspection", &line)
    };
    let long_uri =
        |path: &str, bytes: usize| server.head("GET", &format!("{path}{}", "a".repeat(bytes)), "");
    for (head, status, code) in [
        (headers(70), 431, "headers_too_large"),
        (headers(150), 431, "headers_too_large"),
        (headers(5_000), 431, "headers_too_large"),
        (long_header(20_000), 431, "headers_too_large"),
        // More than is ever buffered: the rest is read and forgotten, so that the answer arrives.
        (long_header(600_000), 431, "headers_too_large"),
        (
            long_uri("/v1/inspection?plate=", 20_000),
            414,
            "uri_too_long",
        ),
        (long_uri("/", 20_000), 414, "uri_too_long"),
        (long_uri("/", 70_000), 414, "uri_too_long"),
    ] {
        refused(&server, head.as_bytes(), status, code).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_before_it_are_answered_as_ever() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let asked = server.head("GET", "/v1/inspection", "");
    let mut stream = server.connect().await;
    let requests = format!("{asked}{asked}no request\r\n\r\n");
    stream.write_all(requests.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answers = read_to_end(&mut stream).await;
    assert_eq!(
        answers.matches("HTTP/1.1 200 OK\r\n").count(),
        2,
        "{answers}"
    );
    assert!(!answers.contains("content-length: 0"), "{answers}");
    let (_, last) = answers.rsplit_once("HTTP/1.1 ").unwrap();
    assert!(last.starts_with("400 Bad Request\r\n"), "{last}");
    let (_, body) = last.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["code"], "invalid_request");
    server.stop().await;
}
