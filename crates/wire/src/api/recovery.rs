//! Sending again what a webhook did not get in a time range (contract 8).

use serde::{Deserialize, Serialize};

use crate::id::{RecoveryId, WebhookId};
use crate::object::words;
use crate::time::Timestamp;

words! {
    /// Which events of the range are sent again.
    RecoverStatus {
        /// Their delivery failed.
        Failed = "failed",
        /// Their delivery was cancelled when the webhook was disabled.
        Cancelled = "cancelled",
        /// They have no delivery, and the webhook is subscribed to their type now.
        Missing = "missing",
        /// They were delivered.
        Delivered = "delivered",
    }
    /// Where a recovery stands.
    RecoveryState {
        /// It counts what there is to send.
        Counting = "counting",
        /// It sends whenever the webhook has nothing fresh to send.
        Running = "running",
        /// Everything has been handed to the webhook's deliveries.
        Completed = "completed",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// It cannot go on; `detail` says why.
        Stopped = "stopped",
    }
}

/// Body of `POST /v1/notification/webhook/:id/recover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoverRequest {
    /// Events made at this instant or later.
    pub from: Timestamp,
    /// Events made before this instant; now without it, and at most now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// One, or an array of them; `failed`, `cancelled` and `missing` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RecoverStatuses>,
    /// Only counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// One word or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum RecoverStatuses {
    One(RecoverStatus),
    Many(Vec<RecoverStatus>),
}

impl RecoverStatuses {
    #[must_use]
    pub fn as_slice(&self) -> &[RecoverStatus] {
        match self {
            Self::One(status) => std::slice::from_ref(status),
            Self::Many(statuses) => statuses,
        }
    }
}

/// How many events of each status were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecoverCounts {
    pub failed: u64,
    pub cancelled: u64,
    pub missing: u64,
    pub delivered: u64,
}

/// Answer to a dry run, 200: what would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoverDryRunAnswer {
    /// True.
    pub dry_run: bool,
    pub from: Timestamp,
    pub to: Timestamp,
    pub status: Vec<RecoverStatus>,
    /// Of the statuses asked for; the others are 0.
    pub counted: RecoverCounts,
    /// The sum of them.
    pub total: u64,
    /// Null when the whole range was counted. Counting takes 10 seconds at most: ask again with this as
    /// `from` for the rest, and add.
    pub counted_until: Option<Timestamp>,
}

/// A recovery and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    #[serde(rename = "_id")]
    pub id: RecoveryId,
    pub webhook_id: WebhookId,
    pub from: Timestamp,
    pub to: Timestamp,
    pub status: Vec<RecoverStatus>,
    pub state: RecoveryState,
    /// Why it stopped; null otherwise.
    pub detail: Option<String>,
    /// Null while it counts.
    pub counted: Option<RecoverCounts>,
    /// Deliveries handed to the webhook so far. Each becomes an attempt of cause `recover`.
    pub enqueued: u64,
    /// Counted and not yet enqueued; null while it counts. 0 once it is completed: what was delivered
    /// meanwhile, or is about to be tried anyway, is not sent again.
    pub remaining: Option<u64>,
    pub created_at: Timestamp,
    /// Null until it ends.
    pub ended_at: Option<Timestamp>,
}
