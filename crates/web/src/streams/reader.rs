//! A stream of server-sent events on its way to one reader, whoever that is and whatever it is told.

use std::convert::Infallible;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use heraldo_domain::query::DeliveryRecord;
use heraldo_wire::id::CompanyId;
use heraldo_wire::problem::ProblemCode;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Subscription;
use crate::call::Call;
use crate::problem::Failure;

/// Tells a proxy not to hold the stream back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Who reads, and what is told.
#[async_trait]
pub trait Listener: Send + 'static {
    /// Whether it may hear more: asked before each event, and with each heartbeat.
    async fn may_hear(&mut self) -> bool;

    /// The event for a delivery whose attempt has ended; `None`: it is not told of.
    fn tell(&mut self, delivery: &DeliveryRecord) -> Option<Bytes>;

    /// The last event.
    fn close(&mut self, why: Ending) -> Bytes;
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was read more slowly than attempts ended, and so many were not told of.
    TooSlow { missed: u64 },
    /// Its reader may hear no more.
    ShutOut,
    /// The server is shutting down.
    ShuttingDown,
}

/// Listens to a company's attempts from now on.
///
/// # Errors
/// `limit_reached` when the company has as many streams open as it may have.
pub fn subscribe(call: &Call, company: CompanyId) -> Result<Subscription, Failure> {
    let streams = &call.state.streams;
    streams.subscribe(company).ok_or_else(|| {
        let max = streams.limits().per_company_max;
        let detail = format!(
            "the company has {max} streams open, as many as it may have; close one of them"
        );
        ProblemCode::LimitReached.problem(detail).into()
    })
}

/// Answers with the stream: `first`, then what the listener tells.
pub fn answer(
    call: &Call,
    subscription: Subscription,
    first: Bytes,
    listener: impl Listener,
) -> Response {
    let mut beat = interval(call.state.config.stream_heartbeat);
    // Its first tick would come at once.
    beat.reset();
    let reader = Reader {
        listener,
        closing: subscription.streams.closing().clone(),
        subscription,
        heartbeat: beat,
        first: Some(first),
        is_over: false,
    };
    let mut response = Response::new(Body::from_stream(reader.into_stream()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// One server-sent event. Whatever ends a line in the data begins a new line of data.
pub fn event(id: Option<&str>, name: &str, data: &str) -> Bytes {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    let data = data.replace("\r\n", "\n");
    let lines = data.split(['\n', '\r']);
    let data: String = lines.map(|line| format!("data: {line}\n")).collect();
    format!("{id}event: {name}\n{data}\n").into()
}

struct Reader<L> {
    listener: L,
    closing: CancellationToken,
    subscription: Subscription,
    heartbeat: tokio::time::Interval,
    first: Option<Bytes>,
    is_over: bool,
}

impl<L: Listener> Reader<L> {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let bytes = reader.next().await?;
            Some((Ok(bytes), reader))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let heard = tokio::select! {
                biased;
                () = self.closing.cancelled() => return Some(self.close(Ending::ShuttingDown)),
                heard = self.subscription.ended.recv() => Some(heard),
                _ = self.heartbeat.tick() => None,
            };
            if let Some(Err(RecvError::Lagged(missed))) = heard {
                return Some(self.close(Ending::TooSlow { missed }));
            }
            if !self.listener.may_hear().await {
                return Some(self.close(Ending::ShutOut));
            }
            match heard {
                None => return Some(Bytes::from_static(b": still here\n\n")),
                Some(Ok(delivery)) => {
                    if let Some(told) = self.listener.tell(&delivery) {
                        return Some(told);
                    }
                }
                // The channel lives as long as this subscription.
                Some(Err(RecvError::Lagged(_) | RecvError::Closed)) => return None,
            }
        }
    }

    fn close(&mut self, why: Ending) -> Bytes {
        self.is_over = true;
        self.listener.close(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_the_data_of_its_event() {
        let check = |data: &str, expected: &str| {
            assert_eq!(
                event(Some("7"), "attempt", data),
                format!("id: 7\nevent: attempt\n{expected}\n")
            );
        };
        check("{}", "data: {}\n");
        check("a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n");
        check(
            "x\r\revent: closed",
            "data: x\ndata: \ndata: event: closed\n",
        );
        assert_eq!(event(None, "left", "1"), "event: left\ndata: 1\n\n");
    }
}
