//! `GET /v1/notification/stream`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::account::KeyHash;
use heraldo_domain::query::{DeliveryFilter, DeliveryRecord};
use heraldo_domain::store::Store;
use heraldo_wire::api::{
    DeliverySummary, Scope, StreamCloseReason, StreamClosed, StreamQuery, StreamReady,
};
use heraldo_wire::headers::API_KEY;
use heraldo_wire::id::AttemptId;
use heraldo_wire::time::Timestamp;
use serde::Serialize;

use super::list::show;
use crate::call::{Call, Outcome};
use crate::streams::reader::{self, Ending, Listener, subscribe};

const LAST_EVENT_ID: &str = "last-event-id";

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
    let subscription = subscribe(call, caller.company_id)?;
    let at = call.now();
    let ready = StreamReady {
        at,
        since: seen.map(|id| id.0.made_at()),
        heartbeat_seconds: call.state.config.stream_heartbeat.as_secs(),
    };
    let listener = Holder {
        store: call.context().store.clone(),
        key,
        asked: DeliveryFilter {
            webhook_id: query.webhook_id,
            event_type: query.event,
            status: query.status,
            ..DeliveryFilter::default()
        },
        told_until: at,
    };
    let first = event(None, "ready", &ready);
    Ok(reader::answer(call, subscription, first, listener))
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

/// The holder of an API key.
struct Holder {
    store: Arc<dyn Store>,
    key: Option<KeyHash>,
    asked: DeliveryFilter,
    /// When the last attempt that was told of started, or when the stream began.
    told_until: Timestamp,
}

#[async_trait]
impl Listener for Holder {
    /// A key that is revoked is so at once (contract 8.2). While the store cannot say, nothing changes.
    async fn may_hear(&mut self) -> bool {
        match self.key {
            Some(key) => !matches!(self.store.api_key(key).await, Ok(None)),
            None => true,
        }
    }

    fn tell(&mut self, delivery: &DeliveryRecord) -> Option<Bytes> {
        if !self.asked.keeps(delivery) {
            return None;
        }
        let attempt = delivery.last_attempt.as_ref();
        if let Some(attempt) = attempt {
            self.told_until = attempt.started_at;
        }
        let id = attempt.map(|attempt| attempt.id);
        Some(event(id, "attempt", &show(delivery.clone())))
    }

    fn close(&mut self, why: Ending) -> Bytes {
        let (reason, missed, detail) = match why {
            Ending::TooSlow { missed } => (
                StreamCloseReason::TooSlow,
                missed,
                format!(
                    "this stream was read too slowly, and {missed} attempts were not told of; connect again, \
                     and read what was missed with GET /v1/notification/delivery, newest first"
                ),
            ),
            Ending::ShutOut => (
                StreamCloseReason::KeyRevoked,
                0,
                "the API key was revoked; connect again with another one".to_owned(),
            ),
            Ending::ShuttingDown => (
                StreamCloseReason::ShuttingDown,
                0,
                "the server is shutting down; connect again in a moment".to_owned(),
            ),
        };
        let closed = StreamClosed {
            reason,
            detail,
            missed,
            since: self.told_until,
        };
        event(None, "closed", &closed)
    }
}

fn event<T: Serialize>(id: Option<AttemptId>, name: &str, data: &T) -> Bytes {
    // Answers are plain data with text keys, which always serialise.
    let data = serde_json::to_string(data).unwrap_or_default();
    reader::event(id.map(|id| id.to_string()).as_deref(), name, &data)
}
