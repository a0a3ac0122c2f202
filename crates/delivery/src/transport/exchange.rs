//! One request and its answer over an open connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use heraldo_domain::delivery::AnswerHeaders;
use heraldo_wire::attempt::{ErrorClass, Phase};
use http::header::{HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version};
use hyper::body::{Body, Incoming};

use super::answer::Kept;
use super::departure::{Departure, Outbound};
use super::failure::{class_of, exchange_broke, was_not_taken};
use super::link::Link;
use super::target::Target;
use super::trace::Trace;
use super::{Answer, Failure, Outgoing};

/// The longest `retry-after` that is handed on, in bytes; a date takes 29.
const RETRY_AFTER_BYTES_MAX: usize = 64;
/// What every request says that we are.
pub(super) const OURSELVES: &str = concat!("heraldo/", env!("CARGO_PKG_VERSION"));

/// The longest value of another header that is kept, in bytes.
const HEADER_BYTES_MAX: usize = 512;

/// What is kept of an answer, and how much is read for it.
#[derive(Debug, Clone)]
pub(super) struct Keep {
    pub(super) kept_bytes_max: usize,
    pub(super) read_bytes_max: usize,
    pub(super) headers: Vec<HeaderName>,
}

/// An exchange that broke off.
pub(super) struct Cut {
    pub(super) failure: Failure,
    /// The connection ended before a byte of the answer came: if it was a kept-alive one, the peer had most
    /// likely closed it before it saw the request.
    pub(super) unanswered: bool,
}

/// The head of an answer, and of its body what has come so far.
pub(super) struct Part {
    status: u16,
    headers: HeaderMap,
    kept: Kept,
}

impl Part {
    /// What has come, as an answer. The body is handed over: a second time there is none.
    pub(super) fn answer(&mut self, keep: &Keep) -> Answer {
        let (body_head, body_truncated) = self.kept.finish(&self.headers);
        Answer {
            status: self.status,
            body_head,
            body_truncated,
            headers: kept_headers(&self.headers, &keep.headers),
            retry_after: retry_after(&self.headers),
        }
    }
}

/// An answer as far as it was read.
pub(super) struct Read {
    pub(super) answer: Answer,
    /// Nothing of the answer is left on the connection.
    pub(super) to_the_end: bool,
}

pub(super) fn request(
    outgoing: &Outgoing,
    link: &Link,
    departure: Option<&Arc<Departure>>,
) -> Request<Outbound> {
    let mut request = Request::new(Outbound::new(outgoing.body.clone(), departure));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = outgoing.headers.clone();
    if link.is_h2() {
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = outgoing.url.absolute_form().clone();
        request.headers_mut().remove(HOST);
    } else {
        *request.uri_mut() = outgoing.url.origin_form().clone();
        request
            .headers_mut()
            .insert(HOST, outgoing.url.host().clone());
    }
    request
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static(OURSELVES));
    request
}

/// Sends the request and waits for the head of the answer.
pub(super) async fn head(
    link: &mut Link,
    request: Request<Outbound>,
    target: &Target,
    trace: &mut Trace,
) -> Result<Response<Incoming>, Cut> {
    let bytes_before = link.bytes_read();
    trace.enter(Phase::FirstByte);
    let response = link.send(request);
    match link.drive(response).await {
        Ok(response) => {
            trace.head_came(response.status().as_u16());
            Ok(response)
        }
        Err(error) => {
            let unanswered = match bytes_before {
                Some(before) => {
                    link.bytes_read() == Some(before) && class_of(&error) == ErrorClass::Reset
                }
                None => was_not_taken(&error),
            };
            let failure = exchange_broke(target, Phase::FirstByte, None, &error, link.tls_broke());
            Err(Cut {
                failure,
                unanswered,
            })
        }
    }
}

/// Reads the body until it ends or is longer than anybody wants to know.
pub(super) async fn body(
    link: &mut Link,
    response: Response<Incoming>,
    keep: &Keep,
    target: &Target,
    trace: &mut Trace,
) -> Result<Read, Cut> {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    let part = trace.body_begins(Part {
        status,
        headers: head.headers,
        kept: Kept::new(keep.kept_bytes_max),
    });
    let mut to_the_end = true;
    while !body.is_end_stream() {
        let frame = link
            .drive(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)))
            .await;
        match frame {
            None => break,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    part.kept.push(data);
                }
            }
            Some(Err(error)) => {
                let tls_broke = link.tls_broke();
                let failure = exchange_broke(target, Phase::Body, Some(status), &error, tls_broke);
                return Err(Cut {
                    failure,
                    unanswered: false,
                });
            }
        }
        if part.kept.seen() > keep.read_bytes_max {
            to_the_end = false;
            break;
        }
    }
    Ok(Read {
        answer: part.answer(keep),
        to_the_end,
    })
}

/// The first value of each name that is to be kept.
fn kept_headers(headers: &HeaderMap, names: &[HeaderName]) -> AnswerHeaders {
    names
        .iter()
        .filter_map(|name| {
            let value = headers.get(name)?.as_bytes();
            let value = value.get(..HEADER_BYTES_MAX).unwrap_or(value);
            let value = String::from_utf8_lossy(value).into_owned();
            Some((name.as_str().to_owned(), value))
        })
        .collect()
}

fn retry_after(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    (text.len() <= RETRY_AFTER_BYTES_MAX).then(|| text.to_owned())
}
