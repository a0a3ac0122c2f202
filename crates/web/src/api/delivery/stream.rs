//! `GET /v1/notification/stream`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use heraldo_domain::account::KeyHash;
use heraldo_domain::query::DeliveryRecord;
use heraldo_domain::store::Store;
use heraldo_wire::api::{
    DeliverySummary, Scope, StreamCloseReason, StreamClosed, StreamQuery, StreamReady,
};
use heraldo_wire::headers::API_KEY;
use heraldo_wire::id::AttemptId;
use heraldo_wire::problem::ProblemCode;
use heraldo_wire::time::Timestamp;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::list::show;
use crate::call::{Call, Outcome};
use crate::streams::Subscription;

const LAST_EVENT_ID: &str = "last-event-id";
/// Tells a proxy not to hold the stream back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Streams attempts as they end
///
/// Server-sent events: `ready` once, then an `attempt` for each attempt that ends, its `id` the attempt's,
/// its data a delivery as lists show it; `closed` says why the stream ends. A reader that falls behind is cut
/// off: what it missed is read with `GET /v1/notification/delivery`. A company may have a limited number of
/// streams open at once.
#[utoipa::path(
    get,
    path = "/v1/notification/stream",
    operation_id = "streamAttempts",
    tag = "deliveries",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The last attempt that was seen"),
    ),
    responses((
        status = 200,
        description = "The data of each event",
        content_type = "text/event-stream",
        body = StreamItem,
    )),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let query: StreamQuery = call.query()?;
    let header = |name: &str| call.parts.headers.get(name)?.to_str().ok();
    let seen: Option<AttemptId> = header(LAST_EVENT_ID).and_then(|id| id.parse().ok());
    let key = header(API_KEY).map(KeyHash::of);
    let streams = &call.state.streams;
    let Some(subscription) = streams.subscribe(caller.company_id) else {
        let max = streams.limits().per_company_max;
        let detail = format!(
            "the company has {max} streams open, as many as it may have; close one of them"
        );
        return Err(ProblemCode::LimitReached.problem(detail).into());
    };
    let heartbeat = call.state.config.stream_heartbeat;
    let mut beat = interval(heartbeat);
    // Its first tick would come at once.
    beat.reset();
    let at = call.now();
    let ready = StreamReady {
        at,
        since: seen.map(|id| id.0.made_at()),
        heartbeat_seconds: heartbeat.as_secs(),
    };
    let reader = Reader {
        store: call.context().store.clone(),
        key,
        closing: streams.closing().clone(),
        subscription,
        query,
        heartbeat: beat,
        told_until: at,
        first: Some(event(None, "ready", &ready)),
        is_over: false,
    };
    let mut response = Response::new(Body::from_stream(reader.into_stream()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// What the events hold: `ready`, `attempt` and `closed`.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(untagged)]
enum StreamItem {
    Ready(StreamReady),
    Attempt(Box<DeliverySummary>),
    Closed(StreamClosed),
}

struct Reader {
    store: Arc<dyn Store>,
    key: Option<KeyHash>,
    closing: CancellationToken,
    subscription: Subscription,
    query: StreamQuery,
    heartbeat: tokio::time::Interval,
    /// When the last attempt that was told of started, or when the stream began.
    told_until: Timestamp,
    first: Option<Bytes>,
    is_over: bool,
}

impl Reader {
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
                () = self.closing.cancelled() => {
                    return Some(self.close(StreamCloseReason::ShuttingDown, 0));
                }
                heard = self.subscription.ended.recv() => Some(heard),
                _ = self.heartbeat.tick() => None,
            };
            if let Some(Err(RecvError::Lagged(missed))) = heard {
                return Some(self.close(StreamCloseReason::TooSlow, missed));
            }
            if !self.key_is_valid().await {
                return Some(self.close(StreamCloseReason::KeyRevoked, 0));
            }
            match heard {
                None => return Some(Bytes::from_static(b": still here\n\n")),
                Some(Ok(delivery)) if is_asked_for(&self.query, &delivery) => {
                    return Some(self.tell(&delivery));
                }
                Some(Ok(_)) => {}
                // The channel lives as long as this subscription.
                Some(Err(RecvError::Lagged(_) | RecvError::Closed)) => return None,
            }
        }
    }

    fn tell(&mut self, delivery: &DeliveryRecord) -> Bytes {
        let attempt = delivery.last_attempt.as_ref();
        if let Some(attempt) = attempt {
            self.told_until = attempt.started_at;
        }
        let id = attempt.map(|attempt| attempt.id);
        event(id, "attempt", &show(delivery.clone()))
    }

    /// A key that is revoked is so at once (contract 8.2). While the store cannot say, nothing changes.
    async fn key_is_valid(&self) -> bool {
        match self.key {
            Some(key) => !matches!(self.store.api_key(key).await, Ok(None)),
            None => true,
        }
    }

    fn close(&mut self, reason: StreamCloseReason, missed: u64) -> Bytes {
        self.is_over = true;
        let since = self.told_until;
        let detail = match reason {
            StreamCloseReason::TooSlow => format!(
                "this stream was read too slowly, and {missed} attempts were not told of; connect again, and \
                 read what was missed with GET /v1/notification/delivery, newest first"
            ),
            StreamCloseReason::KeyRevoked => {
                "the API key was revoked; connect again with another one".to_owned()
            }
            StreamCloseReason::ShuttingDown => {
                "the server is shutting down; connect again in a moment".to_owned()
            }
        };
        let closed = StreamClosed {
            reason,
            detail,
            missed,
            since,
        };
        event(None, "closed", &closed)
    }
}

fn is_asked_for(query: &StreamQuery, delivery: &DeliveryRecord) -> bool {
    query.webhook_id.is_none_or(|id| id == delivery.webhook_id)
        && query.event.is_none_or(|kind| kind == delivery.event_type)
        && query.status.is_none_or(|status| status == delivery.status)
}

/// One server-sent event. JSON has no line breaks of its own.
fn event<T: Serialize>(id: Option<AttemptId>, name: &str, data: &T) -> Bytes {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    // Answers are plain data with text keys, which always serialise.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n").into()
}
