//! Sends one request to one endpoint and says what came of it: the only HTTP client of Heraldo.
//!
//! One deadline covers everything from resolving the name to the last byte of the answer's body.
//! Redirects are not followed; of the answer only the beginning is kept. Whether a status counts as
//! delivered is decided in `domain`, not here.

mod answer;
mod connect;
mod departure;
mod exchange;
mod failure;
mod identity;
mod link;
mod pool;
mod proxy;
mod resolve;
mod stream;
mod target;
mod tls;
mod trace;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heraldo_domain::delivery::AnswerHeaders;
use heraldo_domain::ports::TlsRefused;
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::attempt::{ErrorClass, Phase, PhaseTimings};
use heraldo_wire::signature::Secret;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use identity::Identity;
pub use proxy::Proxy;
pub use resolve::{DnsResolver, Resolve};
pub use target::Target;
pub use tls::api_client_config;

use connect::Connector;
use departure::Departure;
use link::Link;
use pool::Pool;
use trace::{Trace, now};

/// The limits and the surroundings of a [`Transport`].
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Networks that are called although they are special (loopback, private, …).
    pub allow_networks: Vec<IpNet>,
    /// Certificates (PEM) that are trusted beside the public authorities.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The DNS servers that names are asked of; those of the system if there are none.
    pub dns_servers: Vec<SocketAddr>,
    /// What all connections go through; the addresses are resolved and vetted here all the same.
    pub proxy: Option<Proxy>,
    /// How much of an answer's body is kept, in bytes, after decompression.
    pub answer_bytes_kept_max: usize,
    /// How much of an answer's body is read before the connection is dropped, in bytes.
    pub answer_bytes_read_max: usize,
    /// Names of the headers of an answer that are kept.
    pub answer_headers_kept: Vec<String>,
    /// The largest head of an answer, in bytes.
    pub answer_head_bytes_max: u32,
    /// Kept-alive HTTP/1.1 connections without work, per scheme, host and port.
    pub idle_connections_per_authority_max: usize,
    /// Kept-alive HTTP/1.1 connections without work, over all authorities.
    pub idle_connections_max: usize,
    /// How long a connection without work is kept.
    pub idle_timeout: Duration,
    /// How long an address is tried before the next one of the same name is tried beside it.
    pub address_head_start: Duration,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            extra_ca_pem: None,
            dns_servers: Vec::new(),
            proxy: None,
            answer_bytes_kept_max: 4096,
            answer_bytes_read_max: 65_536,
            answer_headers_kept: Vec::new(),
            answer_head_bytes_max: 16_384,
            idle_connections_per_authority_max: 64,
            idle_connections_max: 4096,
            idle_timeout: Duration::from_secs(30),
            address_head_start: Duration::from_millis(250),
        }
    }
}

/// One POST to be made.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Whom to call: parsed once per webhook.
    pub url: Arc<Target>,
    /// Every header except `host`, `user-agent`, `content-length` and those that HTTP itself sets.
    pub headers: HeaderMap,
    /// The body, sent as it is.
    pub body: Bytes,
    /// The deadline for everything, counted from the call of [`Transport::send`].
    pub timeout: Duration,
}

/// What came of one [`Outgoing`].
#[derive(Debug)]
pub struct Report {
    pub outcome: Result<Answer, Failure>,
    /// What each phase took; a phase that did not happen is absent.
    pub timings: PhaseTimings,
    pub duration: Duration,
}

/// The endpoint answered, whatever the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The beginning of the body, decompressed.
    pub body_head: Vec<u8>,
    /// Whether the body was longer than what is kept.
    pub body_truncated: bool,
    /// Those headers that are kept, each cut to a reasonable length.
    pub headers: AnswerHeaders,
    /// The `retry-after` header as it came, if it is text of reasonable length.
    pub retry_after: Option<String>,
}

/// The endpoint did not answer, or not to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub class: ErrorClass,
    /// Where it happened; absent when an address in the URL itself was refused.
    pub phase: Option<Phase>,
    /// What happened and what to do, in words; names no path, query, header or body.
    pub detail: String,
    /// The status, when the head of the answer had come.
    pub status: Option<u16>,
    /// What had come of the answer by then, its beginning at most.
    pub answer: Option<Box<Answer>>,
}

/// Why a [`Transport`] cannot be made.
#[derive(Debug, Error)]
pub enum TransportError {
    #[error("the extra certificate authorities cannot be read: {0}")]
    ExtraCa(String),
    #[error("`{0}` is no name of a header")]
    AnswerHeader(String),
    #[error("names cannot be resolved: {0}")]
    Resolver(#[source] io::Error),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The HTTP client with its kept-alive connections: one per process, cheap to clone.
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    pool: Arc<Pool>,
    keep: exchange::Keep,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("pool", &self.inner.pool)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Makes the client with a resolver that asks DNS. Needs a running tokio runtime: what it starts runs
    /// under `tracker`. After `shutdown` nothing is kept alive any more; requests under way may end.
    ///
    /// # Errors
    ///
    /// [`TransportError`] names the setting that is wrong.
    pub fn new(
        config: TransportConfig,
        tracker: TaskTracker,
        shutdown: CancellationToken,
    ) -> Result<Self, TransportError> {
        let resolver = DnsResolver::new(&config.dns_servers).map_err(TransportError::Resolver)?;
        Self::with_resolver(config, Arc::new(resolver), tracker, shutdown)
    }

    /// The same with another resolver.
    ///
    /// # Errors
    ///
    /// As [`Transport::new`].
    pub fn with_resolver(
        config: TransportConfig,
        resolver: Arc<dyn Resolve>,
        tracker: TaskTracker,
        shutdown: CancellationToken,
    ) -> Result<Self, TransportError> {
        let headers = config.answer_headers_kept.iter().map(|name| {
            HeaderName::try_from(name).map_err(|_| TransportError::AnswerHeader(name.clone()))
        });
        let keep = exchange::Keep {
            kept_bytes_max: config.answer_bytes_kept_max,
            read_bytes_max: config.answer_bytes_read_max,
            headers: headers.collect::<Result<_, _>>()?,
        };
        let pool = Arc::new(Pool::new(&config));
        pool::sweep_under(&pool, config.idle_timeout, &tracker, shutdown);
        let connector = Connector::new(config, resolver, tracker)?;
        Ok(Self {
            inner: Arc::new(Inner {
                connector,
                pool,
                keep,
            }),
        })
    }

    /// Makes the TLS of a webhook ready: once per version of the webhook, for its connections are not shared
    /// with any other.
    ///
    /// # Errors
    /// What is wrong with the certificates or the key, and what to send instead.
    pub fn identity(
        &self,
        settings: &TlsSettings,
        client_key: Option<&Secret>,
    ) -> Result<Identity, TlsRefused> {
        self.inner.connector.identity(settings, client_key)
    }

    /// Sends one request and reads the beginning of its answer. Never takes much longer than
    /// `outgoing.timeout`. Dropping the future closes the connection that it used.
    pub async fn send(&self, outgoing: Outgoing) -> Report {
        let started = now();
        let mut trace = Trace::begin(started);
        let outcome = {
            let attempt = pin!(self.inner.attempt(&outgoing, None, &mut trace));
            within(deadline_of(&outgoing, started), attempt).await
        };
        report(&outgoing, started, trace, &self.inner.keep, outcome)
    }

    /// The same, and `record` is carried out as soon as the request is being written to a connected receiver. Of the
    /// answer nothing but the head is read before `record` has ended. It takes nothing from the deadline: how long it
    /// takes is no fault of the receiver. A request that nobody was there to be sent to is not recorded.
    pub async fn send_recorded(
        &self,
        outgoing: Outgoing,
        record: impl Future<Output = ()> + Send,
    ) -> Report {
        let started = now();
        let mut trace = Trace::begin(started);
        let departure = Arc::new(Departure::default());
        let outcome = {
            let mut deadline = deadline_of(&outgoing, started);
            let mut attempt = pin!(self.inner.attempt(&outgoing, Some(&departure), &mut trace));
            let until_it_leaves = {
                let until_it_leaves = pin!(async {
                    tokio::select! {
                        biased;
                        () = departure.left() => None,
                        outcome = &mut attempt => Some(outcome),
                    }
                });
                within(deadline, until_it_leaves).await
            };
            match until_it_leaves {
                Some(None) => {
                    let left = now();
                    tokio::select! {
                        biased;
                        // The rest of a large body goes on its way meanwhile.
                        outcome = &mut attempt => Some(outcome),
                        () = record => {
                            departure.record_ended();
                            let took = now().saturating_duration_since(left);
                            deadline = deadline.and_then(|deadline| deadline.checked_add(took));
                            within(deadline, attempt.as_mut()).await
                        }
                    }
                }
                Some(outcome) => outcome,
                None => None,
            }
        };
        report(&outgoing, started, trace, &self.inner.keep, outcome)
    }
}

/// When a request that begins at `started` must be over. A timeout too large to be added is no deadline at all in
/// practice.
fn deadline_of(outgoing: &Outgoing, started: Instant) -> Option<Instant> {
    started.checked_add(outgoing.timeout)
}

/// `None`: the deadline passed. It is given where the attempt is, and does not move it: that would cost each attempt
/// several kilobytes of copying.
async fn within<F: Future>(deadline: Option<Instant>, attempt: Pin<&mut F>) -> Option<F::Output> {
    match deadline {
        Some(deadline) => timeout_at(deadline, attempt).await.ok(),
        None => Some(attempt.await),
    }
}

fn report(
    outgoing: &Outgoing,
    started: Instant,
    mut trace: Trace,
    keep: &exchange::Keep,
    outcome: Option<Result<Answer, Failure>>,
) -> Report {
    let ended = now();
    trace.end(ended);
    let outcome = outcome.unwrap_or_else(|| {
        Err(failure::timed_out(
            &outgoing.url,
            trace.phase(),
            trace.status(),
            outgoing.timeout,
        ))
    });
    let outcome = outcome.map_err(|failure| Failure {
        answer: trace
            .take_part()
            .map(|mut part| Box::new(part.answer(keep))),
        ..failure
    });
    Report {
        outcome,
        timings: trace.timings(),
        duration: ended.saturating_duration_since(started),
    }
}

impl Inner {
    async fn attempt(
        &self,
        outgoing: &Outgoing,
        departure: Option<&Arc<Departure>>,
        trace: &mut Trace,
    ) -> Result<Answer, Failure> {
        if let Some(link) = self.pool.take(outgoing.url.key(), trace.started()).await {
            match self.exchange(link, outgoing, departure, trace).await {
                Ok(answer) => return Ok(answer),
                // The peer had closed the kept-alive connection and we could not know: the request is
                // made again, once, on a connection of its own.
                Err(cut) if cut.unanswered => {}
                Err(cut) => return Err(cut.failure),
            }
        }
        // In memory of its own: nearly every attempt finds a connection, and would carry along what opening one needs.
        let link = match Box::pin(self.connector.connect(&outgoing.url, trace)).await? {
            Link::H2(fresh) => Link::H2(self.pool.adopt(outgoing.url.key(), fresh, now())),
            link @ Link::H1(_) => link,
        };
        self.exchange(link, outgoing, departure, trace)
            .await
            .map_err(|cut| cut.failure)
    }

    async fn exchange(
        &self,
        mut link: Link,
        outgoing: &Outgoing,
        departure: Option<&Arc<Departure>>,
        trace: &mut Trace,
    ) -> Result<Answer, exchange::Cut> {
        // A multiplexed connection on which no answer came may be dead without having said so: the next
        // request must not wait on it.
        let mut suspicion = self.pool.suspect(outgoing.url.key(), &link);
        let request = exchange::request(outgoing, &link, departure);
        let response = exchange::head(&mut link, request, &outgoing.url, trace).await?;
        suspicion.lift();
        if let Some(departure) = departure {
            departure.answered().await;
        }
        let read = exchange::body(&mut link, response, &self.keep, &outgoing.url, trace).await?;
        if let Link::H1(mut connection) = link
            && read.to_the_end
            && connection.rest().await
        {
            self.pool.keep(outgoing.url.shared_key(), connection, now());
        }
        Ok(read.answer)
    }
}
