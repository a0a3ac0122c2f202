//! Receivers whose every byte the test decides, and the transport that calls them.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use heraldo_delivery::transport::{
    Answer, DnsResolver, Failure, Outgoing, Report, Resolve, Target, Transport, TransportConfig,
};
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Long enough for everything that is to succeed.
pub const PATIENT: Duration = Duration::from_secs(20);
/// The deadline of what is to time out.
pub const BRIEF: Duration = Duration::from_millis(250);

pub const BODY: &str = r#"{"event":"inspection_created","payload":{}}"#;

/// A transport and the tasks of a test.
pub struct Bed {
    pub transport: Transport,
    pub tracker: TaskTracker,
    pub shutdown: CancellationToken,
    _ended: DropGuard,
}

pub fn loopback_allowed() -> TransportConfig {
    TransportConfig {
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        answer_headers_kept: vec!["retry-after".to_owned(), "server".to_owned()],
        ..TransportConfig::default()
    }
}

impl Bed {
    pub fn new() -> Self {
        Self::with(loopback_allowed())
    }

    pub fn with(config: TransportConfig) -> Self {
        Self::with_resolver(config, Arc::new(DnsResolver::new(&[]).unwrap()))
    }

    pub fn with_resolver(config: TransportConfig, resolver: Arc<dyn Resolve>) -> Self {
        let tracker = TaskTracker::new();
        let shutdown = CancellationToken::new();
        let transport =
            Transport::with_resolver(config, resolver, tracker.clone(), shutdown.clone()).unwrap();
        Self {
            transport,
            tracker,
            shutdown: shutdown.clone(),
            _ended: shutdown.drop_guard(),
        }
    }

    pub async fn send(&self, url: &str) -> Report {
        self.send_within(url, PATIENT).await
    }

    pub async fn send_within(&self, url: &str, timeout: Duration) -> Report {
        self.transport.send(outgoing(url, BODY, timeout)).await
    }

    pub async fn answer(&self, url: &str) -> Answer {
        self.send(url).await.outcome.expect("an answer")
    }

    pub async fn failure(&self, url: &str) -> Failure {
        told(self.send(url).await.outcome.expect_err("a failure"))
    }

    /// The failure of an attempt with the brief deadline, which must have been kept.
    pub async fn brief_failure(&self, url: &str) -> Failure {
        let report = self.send_within(url, BRIEF).await;
        assert!(
            report.duration < BRIEF + Duration::from_secs(5),
            "{:?}",
            report.duration
        );
        told(report.outcome.expect_err("a failure"))
    }

    /// A receiver that treats each connection as the script says; the script learns its number, from 1.
    pub async fn receiver<S, F>(&self, script: S) -> Receiver
    where
        S: Fn(usize, TcpStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let tracker = self.tracker.clone();
        let accepting = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                tracker.spawn(script(number, stream));
            }
        };
        self.tracker
            .spawn(self.shutdown.clone().run_until_cancelled_owned(accepting));
        Receiver {
            address,
            connections,
        }
    }

    /// A receiver that answers every request on every connection with the same bytes.
    pub async fn answering(&self, answer: impl Into<Vec<u8>>) -> Receiver {
        let answer = Arc::new(answer.into());
        self.receiver(move |_, mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                while read_request(&mut stream).await.is_some() {
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }
}

/// Every failure says what to do, whatever its class.
fn told(failure: Failure) -> Failure {
    const DO: [&str; 14] = [
        "check", "answer", "end ", "send ", "use ", "renew", "replace", "offer", "list ", "set ",
        "puts ", "allows ", "issue ", "install ",
    ];
    let detail = &failure.detail;
    let advice = detail
        .rsplit("; ")
        .next()
        .filter(|last| last.len() < detail.len());
    assert!(
        advice
            .is_some_and(|advice| DO.iter().any(|word| advice.contains(word))
                || advice.starts_with("do not ")),
        "{:?} does not say what to do: {detail}",
        failure.class
    );
    failure
}

pub struct Receiver {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    pub fn url(&self) -> String {
        format!("http://{}/hook?token=s3cret", self.address)
    }

    pub fn url_of(&self, scheme: &str, host: &str) -> String {
        format!(
            "{scheme}://{host}:{}/hook?token=s3cret",
            self.address.port()
        )
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub fn outgoing(url: &str, body: &'static str, timeout: Duration) -> Outgoing {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert(
        "webhook-id",
        HeaderValue::from_static("evt_64f0c0ffee0123456789abcd"),
    );
    Outgoing {
        url: Arc::new(Target::parse(url).unwrap()),
        headers,
        body: Bytes::from_static(body.as_bytes()),
        timeout,
    }
}

/// Reads one whole request; `None` when the peer has gone.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let head = read_head(stream).await?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse::<usize>().unwrap());
    let mut body = vec![0_u8; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}

/// Reads the head of a request, and nothing of its body.
pub async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// Waits until the peer has closed the connection, by whatever means.
pub async fn closed(stream: &mut TcpStream) {
    let mut rest = [0_u8; 4096];
    while matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {}
}

/// Writes the same bytes until the peer has had enough.
pub async fn flood(stream: &mut TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).await.is_ok() {}
}

/// Writes a byte now and then until the peer has had enough.
pub async fn trickle(stream: &mut TcpStream, byte: u8) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        if stream.write_all(&[byte]).await.is_err() {
            return;
        }
    }
}

pub const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An answer with that body.
pub fn with_body(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}
