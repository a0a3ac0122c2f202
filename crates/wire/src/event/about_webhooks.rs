//! The payloads of the events about webhooks themselves.

use serde::{Deserialize, Serialize};

use crate::id::WebhookId;
use crate::object::words;
use crate::time::Timestamp;

words! {
    /// Why a webhook is disabled.
    DisabledReason {
        /// Somebody did it.
        Manual = "manual",
        /// Its receiver answered 410 Gone.
        Gone = "gone",
        /// Its receiver took nothing for too long.
        Failing = "failing",
    }
}

/// Payload of `webhook_disabled`: another webhook of the company was disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDisabled {
    #[serde(rename = "_id")]
    pub id: WebhookId,
    pub endpoint: String,
    pub description: Option<String>,
    pub reason: DisabledReason,
    /// The reason in words, with what to do.
    pub detail: String,
    pub disabled_at: Timestamp,
    /// When the first failure after the last success began; null unless it was failing.
    pub failing_since: Option<Timestamp>,
}
