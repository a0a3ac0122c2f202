//! Figures of deliveries in buckets of time: `GET /v1/notification/statistics`.

use serde::{Deserialize, Serialize};

use crate::id::WebhookId;
use crate::time::Timestamp;

/// How long one bucket is. Minutes are kept for 2 days, hours for 92, days for 1,100.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    Minute,
    Hour,
    Day,
}

impl Resolution {
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];
}

/// Which figures to read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Figures of this webhook; without it those of the whole company.
    pub webhook_id: Option<WebhookId>,
    /// How long one bucket is; `hour` without it.
    pub resolution: Option<Resolution>,
    /// The bucket that this instant lies in is the first one; without it 24 buckets are read.
    pub from: Option<Timestamp>,
    /// Buckets that begin before this instant; now without it. At most 1,500 buckets are read.
    pub to: Option<Timestamp>,
}

/// Answer of `GET /v1/notification/statistics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatisticsAnswer {
    pub resolution: Resolution,
    /// Oldest first. Buckets in which nothing happened are left out.
    pub data: Vec<Bucket>,
    /// All buckets together.
    pub total: Figures,
    /// Webhooks with pending deliveries now: of the company, or the one asked for.
    pub backlog: Vec<BacklogItem>,
}

/// One bucket of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// When it begins.
    pub start: Timestamp,
    #[serde(flatten)]
    pub figures: Figures,
}

/// What happened within some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Events accepted; of a webhook: those that go to it.
    pub events: u64,
    /// Attempts that delivered.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Those by `errorClass`.
    pub failed_by_class: FailedByClass,
    /// Deliveries given up, their retries used up.
    pub given_up: u64,
    /// From accepting an event to the end of its first attempt.
    pub latency: Percentiles,
    /// How long attempts took.
    pub duration: Percentiles,
}

/// Failed attempts by `errorClass`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FailedByClass {
    pub dns: u64,
    pub address_refused: u64,
    pub connect: u64,
    pub tls: u64,
    pub timeout: u64,
    pub reset: u64,
    pub protocol: u64,
    pub status: u64,
}

/// Percentiles in milliseconds, within 12.5 %; null when nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Percentiles {
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
    pub p99_ms: Option<u64>,
}

/// What waits for one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BacklogItem {
    pub webhook_id: WebhookId,
    /// Deliveries that have not ended, those under way included.
    pub pending: u64,
    /// When the first of those that wait is due, or was.
    pub next_due_at: Option<Timestamp>,
}
