//! One request on its way through a handler: what it carries, how it is bounded, how it is answered and
//! logged.
//!
//! The log never holds a query, a body, a header or a path with ids in it.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use futures_util::FutureExt as _;
use heraldo_domain::ops::Context;
use heraldo_wire::problem::ProblemCode;
use heraldo_wire::time::Timestamp;
use http::header::{CACHE_CONTROL, EXPECT, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::OwnedSemaphorePermit;

use crate::extract::MediaType;
use crate::frame::{Preferences, Viewer};
use crate::problem::{Failure, headers_too_large, panicked, too_slow, uri_too_long};
use crate::{State, Web, forwarded, problem_page};

/// What a handler comes to.
pub type Outcome = Result<Response, Failure>;

/// How long the rest of a refused request's body is read, so that its sender sees the answer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// One request.
pub struct Call {
    pub state: Arc<State>,
    pub parts: Parts,
    pub body: Body,
    /// The right to hold a multipart body in memory, until the answer is there.
    pub upload: Option<OwnedSemaphorePermit>,
    /// Who is signed in, once that was looked at.
    pub viewer: Option<Viewer>,
    /// The new text of the session, when the browser is to hold another.
    pub renewed: Option<String>,
    /// The page, from the root on, on which the form stands that was sent.
    pub form_page: Option<String>,
    /// What the reader chose with this request.
    pub chosen: Preferences,
    /// The handler, as its module is called: `inspection::create`.
    route: &'static str,
    /// `None` when nobody wants to know how long it took.
    started_at: Option<Timestamp>,
}

impl Call {
    pub fn new(web: Web, route: &'static str, request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let wanted = tracing::enabled!(tracing::Level::DEBUG);
        let started_at = wanted.then(|| web.state.context.clock.now());
        Self {
            state: web.state,
            parts,
            body,
            upload: None,
            viewer: None,
            renewed: None,
            form_page: None,
            chosen: Preferences::default(),
            route,
            started_at,
        }
    }

    pub fn context(&self) -> &Context {
        &self.state.context
    }

    pub fn now(&self) -> Timestamp {
        self.state.context.clock.now()
    }

    /// Where the request came from, trusted proxies aside. Unknown only when nobody said so, as in tests.
    pub fn address(&self) -> IpAddr {
        let peer = self.parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        forwarded::caller(
            peer,
            &self.parts.headers,
            &self.state.config.trusted_proxies,
        )
    }

    /// How long the handler may take. A multipart body has a time of its own.
    pub fn time_limit(&self) -> Duration {
        let config = &self.state.config;
        match self.media_type() {
            Ok(MediaType::Multipart) => config.request_timeout + config.upload_timeout,
            Ok(MediaType::Json | MediaType::Unsaid) | Err(_) => config.request_timeout,
        }
    }

    /// Refuses a request whose headers are larger than the server takes.
    pub fn check_headers(&self) -> Result<(), Failure> {
        let config = &self.state.config;
        let line = self.parts.uri.path().len() + self.parts.uri.query().map_or(0, str::len);
        if line > config.header_bytes_max {
            return Err(uri_too_long(config).into());
        }
        let bytes = line + header_bytes(&self.parts.headers);
        if bytes > config.header_bytes_max || self.parts.headers.len() > config.header_count_max {
            return Err(headers_too_large(config).into());
        }
        Ok(())
    }

    /// Ends the call: reads what is left of a refused body, writes the log line and the common headers.
    pub async fn finish(mut self, outcome: Outcome) -> Response {
        let mut response = match outcome {
            Ok(response) => response,
            Err(failure) => {
                self.note(&failure).await;
                problem_page::answer(&self, failure)
            }
        };
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        if let Some(started_at) = self.started_at {
            tracing::debug!(
                method = %self.parts.method,
                route = self.route,
                status = response.status().as_u16(),
                ms = u64::try_from(self.now().since(started_at).as_millis()).unwrap_or(u64::MAX),
                "request served"
            );
        }
        response
    }

    /// What a refusal takes, in whatever form it is answered: the rest of the body is read and dropped, and
    /// the log told.
    pub async fn note(&mut self, failure: &Failure) {
        // A sender that was too slow is not waited for once more.
        if failure.problem.code != ProblemCode::RequestTimeout {
            self.drain().await;
        }
        self.log_failure(failure);
    }

    fn log_failure(&self, failure: &Failure) {
        let (code, method, route) = (failure.problem.code, &self.parts.method, self.route);
        if code == ProblemCode::Internal {
            tracing::error!(%method, route, detail = failure.problem.detail, "a request failed");
        } else if code.status() >= 500 {
            tracing::warn!(%method, route, %code, "a request could not be served");
        }
    }

    /// Reads on, up to a limit, and forgets what it reads. A connection that is closed while its peer
    /// still sends is reset, and then the peer never sees the answer.
    async fn drain(&mut self) {
        // A peer that asked first has sent nothing yet, and will not.
        if self.body.is_end_stream() || self.parts.headers.contains_key(EXPECT) {
            return;
        }
        let body = &mut self.body;
        let mut left = self.state.config.upload_bytes_max;
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                let bytes = frame.data_ref().map_or(0, bytes::Bytes::len);
                match left.checked_sub(bytes) {
                    Some(fewer) => left = fewer,
                    None => break,
                }
            }
        };
        // When the time is up the connection is closed all the same.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, rest).await;
    }
}

/// Bounds a handler: a panic and a handler that never ends are answered like every other failure.
pub async fn bounded(limit: Duration, handler: impl Future<Output = Outcome>) -> Outcome {
    let handler = AssertUnwindSafe(handler).catch_unwind();
    match tokio::time::timeout(limit, handler).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(panicked()),
        Err(_elapsed) => Err(too_slow()),
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}
