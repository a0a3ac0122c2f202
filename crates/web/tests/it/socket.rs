//! A real socket: connections, limits that only exist there, and the end of the server.

use std::net::SocketAddr;
use std::time::Duration;

use heraldo_web::{WebConfig, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::world::World;

mod sdks;
mod unparsed;

struct Server {
    world: World,
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

const LONG: Duration = Duration::from_secs(600);

impl Server {
    async fn start(config: WebConfig, grace: Duration) -> Self {
        let world = World::with(config).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let serving = serve(
            listener,
            world.web.clone(),
            stop.clone(),
            tracker.clone(),
            grace,
        );
        let ended = tracker.spawn(serving);
        Self {
            world,
            address,
            stop,
            ended,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the test is the outside")]
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn head(&self, method: &str, path: &str, more: &str) -> String {
        let key = &self.world.key;
        format!("{method} {path} HTTP/1.1\r\nhost: h\r\nx-api-key: {key}\r\n{more}\r\n")
    }

    async fn stop(self) {
        self.stop.cancel();
        self.ended.await.unwrap();
    }
}

/// Reads one answer: its head, and as much body as it announces.
async fn read_answer(stream: &mut TcpStream) -> (String, Value) {
    let mut read = Vec::new();
    let head_end = loop {
        if let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        let count = stream.read_buf(&mut read).await.unwrap();
        assert_ne!(count, 0, "closed early: {}", String::from_utf8_lossy(&read));
    };
    let head = String::from_utf8(read[..head_end].to_vec())
        .unwrap()
        .to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let length: usize = length.parse().unwrap();
    while read.len() < head_end + length {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    assert_eq!(read.len(), head_end + length, "more than one answer");
    (head, serde_json::from_slice(&read[head_end..]).unwrap())
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut read).await;
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        let body = r#"{"templateId":"easy"}"#;
        let more = format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        let request = server.head("POST", "/v1/inspection/car", &more) + body;
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, body) = read_answer(&mut stream).await;
        assert!(head.starts_with("http/1.1 201"), "{head}");
        assert!(body["inspectionId"].is_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_chunked_multipart_body_as_node_sends_it_is_read() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let mut stream = server.connect().await;
    let boundary = "--------------------------015498766812374509123456";
    let more = format!(
        "Accept: application/json, text/plain, */*\r\n\
         Content-Type: multipart/form-data; boundary={boundary}\r\n\
         Idempotency-Key: 6f1c3a52-6e4b-4a44-9a57-0b7b0f6c8c11\r\n\
         User-Agent: autoinspector-node-sdk/2.9.1\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n"
    );
    let head = server.head("POST", "/v1/inspection/car", &more);
    stream.write_all(head.as_bytes()).await.unwrap();
    let pieces = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n"),
        r#"{"templateId":"easy","metadata":{"policyId":"POL-1"}}"#.to_owned(),
        "\r\n".to_owned(),
        format!("--{boundary}--\r\n"),
    ];
    for piece in pieces {
        let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let (head, body) = read_answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 201"), "{head} {body}");
    server.stop().await;
}

#[tokio::test]
async fn a_refused_upload_gets_its_answer_and_the_connection_lives() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let body = "x".repeat(5 << 20);
    let json = "content-type: application/json\r\n".to_owned();
    let form = "content-type: multipart/form-data; boundary=b\r\n".to_owned();
    let length = format!("content-length: {}\r\n", body.len());
    let chunked = "transfer-encoding: chunked\r\n".to_owned();
    let in_chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let cases = [
        (
            format!("x-api-key: again\r\n{json}{length}"),
            &body,
            "invalid_header",
        ),
        (json.clone() + &length, &body, "body_too_large"),
        (json + &chunked, &in_chunks, "body_too_large"),
        (form + &chunked, &in_chunks, "invalid_body"),
    ];
    let mut stream = server.connect().await;
    for (more, body, code) in cases {
        let request = server.head("POST", "/v1/inspection/car", &more) + body;
        stream.write_all(request.as_bytes()).await.unwrap();
        let (_, answer) = read_answer(&mut stream).await;
        assert_eq!(answer["code"], code, "{more}");
    }
    let request = server.head("GET", "/v1/inspection", "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (head, _) = read_answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_408() {
    let config = WebConfig {
        body_timeout: Duration::from_millis(30),
        ..WebConfig::default()
    };
    let server = Server::start(config, LONG).await;
    let more = "content-type: application/json\r\ncontent-length: 100\r\n";
    for path in ["/v1/inspection/car", "/v1/notification/webhook"] {
        let mut stream = server.connect().await;
        let request = server.head("POST", path, more) + "{\"templateId\":";
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, body) = read_answer(&mut stream).await;
        assert!(head.starts_with("http/1.1 408"), "{head}");
        assert_eq!(body["code"], "request_timeout");
    }
    server.stop().await;
}

/// The statuses of requests with a wrong key that come over loopback, from these in `X-Forwarded-For`.
async fn wrong_keys(trusted: &str, forwarded: &[&str]) -> Vec<String> {
    let config = WebConfig {
        wrong_keys_per_minute: 1,
        trusted_proxies: vec![trusted.parse().unwrap()],
        ..WebConfig::default()
    };
    let server = Server::start(config, LONG).await;
    let mut stream = server.connect().await;
    let mut statuses = Vec::new();
    for address in forwarded {
        let request = format!(
            "GET /v1/inspection HTTP/1.1\r\nhost: h\r\nx-api-key: wrong\r\nx-forwarded-for: {address}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, _) = read_answer(&mut stream).await;
        statuses.push(head.split(' ').nth(1).unwrap().to_owned());
    }
    server.stop().await;
    statuses
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_caller_has_limits_of_its_own() {
    let callers = [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.1",
        "192.0.2.2, 192.0.2.1",
    ];
    let statuses = wrong_keys("127.0.0.0/8", &callers).await;
    assert_eq!(statuses, ["401", "401", "429", "429"]);
    // Nobody else's word is taken.
    let statuses = wrong_keys("10.0.0.0/8", &callers).await;
    assert_eq!(statuses, ["401", "429", "429", "429"]);
}

#[tokio::test]
async fn headers_that_never_end_close_the_connection() {
    let timeout = Duration::from_millis(30);
    let config = WebConfig {
        header_read_timeout: timeout,
        ..WebConfig::default()
    };
    let server = Server::start(config, LONG).await;
    for start in [
        "",
        "PRI * HTT",
        "G",
        "GET /v1/inspection HTTP/1.1\r\nhost: h\r\n",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{start}: {answer}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_ends() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let mut stream = server.connect().await;
    let body = r#"{"templateId":"easy"}"#;
    let more = format!(
        "content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n",
        body.len()
    );
    let request = server.head("POST", "/v1/inspection/car", &more);
    stream.write_all(request.as_bytes()).await.unwrap();
    // The server asks for the body: the request is under way.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop.cancel();
    stream.write_all(body.as_bytes()).await.unwrap();
    let (head, _) = read_answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 201"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(read_to_end(&mut stream).await, "");
    server.ended.await.unwrap();
}

#[tokio::test]
async fn idle_connections_and_silent_peers_do_not_hold_the_end_up() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let mut idle = server.connect().await;
    let request = server.head("GET", "/v1/inspection", "");
    idle.write_all(request.as_bytes()).await.unwrap();
    read_answer(&mut idle).await;
    let mut silent = server.connect().await;
    server.stop().await;
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
}

#[tokio::test]
async fn a_request_that_outlives_the_grace_is_cut_off() {
    let server = Server::start(WebConfig::default(), Duration::from_millis(30)).await;
    let mut stream = server.connect().await;
    let more = "content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 9\r\n";
    let request = server.head("POST", "/v1/inspection/car", more);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    server.stop().await;
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_stream_ends_when_the_server_stops() {
    let server = Server::start(WebConfig::default(), LONG).await;
    let mut stream = server.connect().await;
    let request = server.head("GET", "/v1/notification/stream", "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("event: ready") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    // The grace is long: the stream ends by itself.
    server.stop().await;
    let rest = read_to_end(&mut stream).await;
    assert!(rest.contains("event: closed"), "{rest}");
    assert!(rest.contains("shutting_down"), "{rest}");
}
