//! The live stream of attempts (contract 8): what its server-sent events hold. An `attempt` event holds a
//! [`DeliverySummary`](super::DeliverySummary).

use serde::{Deserialize, Serialize};

use super::DeliveryStatus;
use crate::event::EventType;
use crate::id::WebhookId;
use crate::time::Timestamp;

/// Query of `GET /v1/notification/stream`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams,
)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    pub webhook_id: Option<WebhookId>,
    pub event: Option<EventType>,
    /// What the attempt left its delivery as.
    pub status: Option<DeliveryStatus>,
}

/// The first event, `ready`: from now on attempts are told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamReady {
    pub at: Timestamp,
    /// When the attempt of the `Last-Event-ID` header was made; null without one. Attempts between then and
    /// `at` are not told of here: read them with `GET /v1/notification/delivery?from=…`.
    pub since: Option<Timestamp>,
    /// Seconds between two comments that keep the connection open.
    pub heartbeat_seconds: u64,
}

/// The last event, `closed`: why the stream ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamClosed {
    pub reason: StreamCloseReason,
    /// The same in a sentence, with what to do.
    pub detail: String,
    /// Attempts that ended and were not told of, those of other companies aside and before any filter.
    pub missed: u64,
    /// Up to when nothing was missed.
    pub since: Timestamp,
}

crate::object::words! {
    /// Why a stream ended.
    StreamCloseReason {
        /// It was read more slowly than attempts ended.
        TooSlow = "too_slow",
        /// Its API key was revoked.
        KeyRevoked = "key_revoked",
        /// The server is shutting down.
        ShuttingDown = "shutting_down",
    }
}
