//! Why an event was delivered, or was not, webhook by webhook (contract 8).

use serde::{Deserialize, Serialize};

use super::Attempt;
use crate::event::EventType;
use crate::id::{DeliveryId, EventId, InspectionId, WebhookId};
use crate::object::words;
use crate::time::Timestamp;

words! {
    /// What became of one event for one webhook.
    ExplainedState {
        /// An attempt runs, waits for its time, or waits for the webhook to be enabled.
        Pending = "pending",
        Delivered = "delivered",
        /// No further attempt will be made, unless somebody asks for it.
        Failed = "failed",
        /// Its webhook was deleted or disabled before it was delivered.
        Cancelled = "cancelled",
        /// No delivery was made; `reason` says why.
        NotSent = "not_sent",
    }
    /// Why no delivery was made, or why one waits.
    ExplainedReason {
        /// The webhook was not subscribed to the event's type then.
        NotSubscribed = "not_subscribed",
        /// The webhook was created after the event.
        CreatedLater = "created_later",
        /// The webhook is paused: its deliveries wait until it is enabled.
        Paused = "paused",
        /// The webhook was disabled then.
        Disabled = "disabled",
        /// The event was not meant for this webhook: it is another webhook's test, or the webhook was being
        /// changed when it was made.
        Filtered = "filtered",
    }
}

/// Answer of `GET /v1/notification/event/:id/explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainAnswer {
    pub event_id: EventId,
    pub event: EventType,
    pub inspection_id: InspectionId,
    pub created_at: Timestamp,
    /// True for an event that was made by a webhook's test.
    pub test: bool,
    /// One for each webhook of the company, oldest first, deleted ones that have a delivery included.
    pub data: Vec<Explanation>,
}

/// What became of one event for one webhook, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub webhook_id: WebhookId,
    /// Null when the webhook was deleted.
    pub endpoint: Option<String>,
    pub state: ExplainedState,
    /// Null unless nothing was sent, or it waits for a paused webhook.
    pub reason: Option<ExplainedReason>,
    /// The same in a sentence, with what to do.
    pub explanation: String,
    /// Null when no delivery was made.
    pub delivery_id: Option<DeliveryId>,
    /// Null when no attempt is planned, and while the delivery waits for the one of the event before it
    /// (`ordering: strict`).
    pub next_attempt_at: Option<Timestamp>,
    pub attempt_count: u32,
    /// Null before the first attempt ended.
    pub last_attempt: Option<Attempt>,
}
