//! Deliveries and their attempts as they are read (contract 8.2, "Delivery and attempt").

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptOutcome, Cause, ErrorClass, Phase, PhaseTimings};
use crate::event::EventType;
use crate::id::{AttemptId, DeliveryId, EventId, InspectionId, WebhookId};
use crate::object::words;
use crate::time::Timestamp;

words! {
    /// Where a delivery stands.
    DeliveryStatus {
        /// An attempt runs, or the next one is due at `nextAttemptAt`.
        Pending = "pending",
        Delivered = "delivered",
        /// No further attempt will be made, unless somebody asks for it.
        Failed = "failed",
        /// Its webhook was deleted or disabled before it was delivered.
        Cancelled = "cancelled",
    }
}

/// What a delivery is, without its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryHead {
    #[serde(rename = "_id")]
    pub id: DeliveryId,
    pub event_id: EventId,
    pub event: EventType,
    pub webhook_id: WebhookId,
    pub inspection_id: InspectionId,
    pub status: DeliveryStatus,
    /// Null when none will be made, and while the delivery waits for the one of the event before it
    /// (`ordering: strict`).
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// One delivery with all its attempts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    #[serde(flatten)]
    pub head: DeliveryHead,
    pub attempts: Vec<Attempt>,
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    #[serde(flatten)]
    pub head: DeliveryHead,
    pub attempt_count: u32,
    /// Null before the first attempt ended.
    pub last_attempt: Option<Attempt>,
}

/// One attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    #[serde(rename = "_id")]
    pub id: AttemptId,
    /// From 1; the value of `autoinspector-attempt`.
    pub number: u32,
    pub cause: Cause,
    pub started_at: Timestamp,
    pub duration_ms: u32,
    pub outcome: AttemptOutcome,
    /// The answer's status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_class: Option<ErrorClass>,
    /// Where a timeout struck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What went wrong in words, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first bytes of the answer, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
    /// Those headers of the answer that are kept, names in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    pub response_headers: Option<IndexMap<String, String>>,
    pub phases: PhaseTimings,
}

/// Query of `GET /v1/notification/delivery`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct DeliveryListQuery {
    pub webhook_id: Option<WebhookId>,
    pub status: Option<DeliveryStatus>,
    pub event: Option<EventType>,
    pub inspection_id: Option<InspectionId>,
    /// Deliveries made at this instant or later.
    pub from: Option<Timestamp>,
    /// Deliveries made before this instant.
    pub to: Option<Timestamp>,
    /// From 1 to 100; 10 without it.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// Answer of `POST /v1/notification/delivery/:id/resend`, 202: one more attempt is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResendAnswer {
    pub message: String,
    pub delivery_id: DeliveryId,
}
