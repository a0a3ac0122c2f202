//! Figures that a store counts as it writes, so that reading them costs the same however much is stored.

use std::time::Duration;

use heraldo_wire::api::Resolution;
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

mod histogram;
#[cfg(test)]
mod tests;

pub use histogram::Histogram;

/// At most this many buckets are read at once.
pub const BUCKETS_MAX: u64 = 1_500;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How long figures of a resolution are kept.
#[must_use]
pub const fn kept_for(resolution: Resolution) -> Duration {
    match resolution {
        Resolution::Minute => HOUR.saturating_mul(48),
        Resolution::Hour => DAY.saturating_mul(92),
        Resolution::Day => DAY.saturating_mul(1_100),
    }
}

/// How long one bucket is.
#[must_use]
pub const fn bucket(resolution: Resolution) -> Duration {
    match resolution {
        Resolution::Minute => Duration::from_secs(60),
        Resolution::Hour => HOUR,
        Resolution::Day => DAY,
    }
}

/// The start of the bucket that an instant lies in; buckets are cut in UTC.
#[must_use]
pub fn bucket_start(resolution: Resolution, at: Timestamp) -> Timestamp {
    let ms = i64::try_from(bucket(resolution).as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().div_euclid(ms) * ms)
}

/// Whose figures to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of the whole company, one row for each bucket.
    Company,
    /// Those of one webhook, one row for each bucket; a deleted one's are still there.
    Webhook(WebhookId),
    /// Those of each webhook of the company, in rows of their own.
    EachWebhook,
}

/// Which figures to read; buckets in which nothing happened have no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatisticsQuery {
    pub whose: Whose,
    pub resolution: Resolution,
    /// The bucket that it lies in is the first one.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

impl StatisticsQuery {
    /// The start of each bucket that is asked for, oldest first, at most [`BUCKETS_MAX`].
    pub fn starts(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let (first, end) = (bucket_start(self.resolution, self.from), self.to);
        let each = bucket(self.resolution);
        let buckets = (0..BUCKETS_MAX).scan(first, move |next, _| {
            let start = *next;
            *next = start.plus(each);
            Some(start)
        });
        buckets.take_while(move |start| *start < end)
    }
}

/// The figures of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistic {
    /// The bucket's start.
    pub start: Timestamp,
    /// `None`: the whole company's.
    pub webhook_id: Option<WebhookId>,
    pub figures: Figures,
}

/// What happened to a company or a webhook within some time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Events that were accepted; of a webhook: those that go to it.
    pub events: u64,
    /// Attempts that delivered.
    pub delivered: u64,
    /// Attempts that failed, by why.
    pub failed: Failures,
    /// Deliveries that were given up: their schedule was used up.
    pub given_up: u64,
    /// From accepting an event to the end of its first attempt, in milliseconds; those of the schedule alone.
    pub latency: Histogram,
    /// How long attempts took, of every cause, in milliseconds.
    pub duration: Histogram,
}

impl Figures {
    /// Attempts that failed, for whatever reason.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.iter().map(|(_, count)| count).sum()
    }

    pub fn count(&mut self, counted: &Counted) {
        match counted {
            Counted::Event | Counted::Delivery => self.events += 1,
            Counted::Attempt(attempted) => {
                match attempted.error_class {
                    None => self.delivered += 1,
                    Some(class) => self.failed.add(class, 1),
                }
                self.given_up += u64::from(attempted.given_up);
                self.duration.add(u64::from(attempted.duration_ms));
                if let Some(ms) = attempted.latency_ms {
                    self.latency.add(ms);
                }
            }
            Counted::Reopened | Counted::Cancelled(_) => {}
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.merge_attempts(other);
    }

    /// Adds the attempts that were counted elsewhere, and no events.
    pub fn merge_attempts(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.given_up += other.given_up;
        for (class, count) in other.failed.iter() {
            self.failed.add(class, count);
        }
        self.latency.merge(&other.latency);
        self.duration.merge(&other.duration);
    }
}

/// Failed attempts by their class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures([u64; ErrorClass::ALL.len()]);

impl Failures {
    pub fn add(&mut self, class: ErrorClass, count: u64) {
        let places = ErrorClass::ALL.iter().zip(&mut self.0);
        for (_, place) in places.filter(|(of, _)| **of == class) {
            *place += count;
        }
    }

    /// Every class with its count, in the order of [`ErrorClass::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (ErrorClass, u64)> + '_ {
        ErrorClass::ALL.into_iter().zip(self.0)
    }
}

/// One thing that an engine writes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// An event of the company.
    Event,
    /// A delivery of a new event, which is pending.
    Delivery,
    Attempt(Attempted),
    /// A delivery that had ended is pending again.
    Reopened,
    /// So many pending deliveries were cancelled.
    Cancelled(u32),
}

impl Counted {
    /// How many more deliveries of the webhook are pending.
    #[must_use]
    pub fn pending(&self) -> i64 {
        match self {
            Self::Event => 0,
            Self::Delivery | Self::Reopened => 1,
            Self::Attempt(attempted) => -i64::from(attempted.ended),
            Self::Cancelled(count) => -i64::from(*count),
        }
    }
}

/// What is counted of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted {
    /// `None`: it delivered.
    pub error_class: Option<ErrorClass>,
    pub duration_ms: u32,
    /// Of the first attempt: the time since its event was accepted.
    pub latency_ms: Option<u64>,
    pub given_up: bool,
    /// Its delivery is not pending any more.
    pub ended: bool,
}

/// A webhook of a company that has pending deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    pub webhook_id: WebhookId,
    /// Deliveries that have not ended, those under way included.
    pub pending: u64,
    /// When the first of those that wait is due, or was: how far behind this webhook is. `None` when nothing
    /// waits for its time.
    pub next_due_at: Option<Timestamp>,
}

/// What a store measures of itself, of all companies together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Since this process opened the store.
    pub totals: Figures,
    /// Webhooks with pending deliveries, and how many.
    pub pending: Vec<(WebhookId, u64)>,
    /// Writes that wait for the writer.
    pub queued_writes: u64,
    /// About how many bytes those hold.
    pub queued_bytes: u64,
    /// So many writes wait that further ones are refused, or nearly.
    pub queue_is_full: bool,
    /// What brings new data in is refused until there is room on the disk.
    pub disk_is_nearly_full: bool,
}

/// What is counted, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    pub company_id: CompanyId,
    /// `None`: of the company alone.
    pub webhook_id: Option<WebhookId>,
    pub at: Timestamp,
    pub counted: Counted,
}
