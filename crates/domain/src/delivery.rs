//! The delivery machine: what is leased, what an attempt came to, and what happens next.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heraldo_wire::attempt::{AttemptOutcome, Cause, ErrorClass, Phase, PhaseTimings};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{AttemptId, CompanyId, DeliveryId, EventId, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::retry::RetryPolicy;
use crate::statistics::{Attempted, Counted, Note};
use answer::{GONE, Seen, TOO_MANY_REQUESTS};

/// A start of the server. It grows by one with each start; leases of older epochs are void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u32);

/// A recorded start that a crash cut off is made again at most this often (contract 8.2, last rule).
pub const INTERRUPTIONS_MAX: u32 = 3;

/// An attempt's answer is kept up to this many bytes.
pub const ANSWER_BYTES_KEPT_MAX: usize = 4 * 1024;

/// One delivery handed to this node: everything that sending it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    pub delivery_id: DeliveryId,
    pub webhook_id: WebhookId,
    pub company_id: CompanyId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub inspection_id: InspectionId,
    /// The event's number within its inspection, from 1.
    pub sequence: u32,
    /// The event's body, rendered once.
    pub body: Bytes,
    /// A test event, which says so in a header.
    pub test: bool,
    pub lease: Epoch,
    /// Attempts made so far, of every cause.
    pub attempts: u32,
    /// Attempts made so far by the schedule (`first` and `retry`, and the `recover` of what had no delivery).
    pub scheduled_attempts: u32,
    /// Why the next attempt is made.
    pub cause: Cause,
    /// When the first attempt started; `None` before it.
    pub first_attempt_at: Option<Timestamp>,
    /// What a failed manual attempt falls back to.
    pub fallback: Fallback,
    /// The lease before this one was cut off by a crash.
    pub recovered: bool,
    /// How many recorded starts of the next attempt were cut off by crashes. A start is recorded once the request
    /// is on its way to a receiver; a crash before that is not counted.
    pub interruptions: u32,
    /// The inspection's next event waits for its end.
    pub strict: bool,
}

/// The state that a failed manual attempt returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The schedule decides.
    Schedule,
    /// A retry was planned, and stays planned.
    RetryAt(Timestamp),
    Delivered,
    Failed,
    Cancelled,
}

/// What one attempt came to, as the transport saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptReport {
    pub started_at: Timestamp,
    pub duration_ms: u32,
    pub result: AttemptResult,
    pub timings: PhaseTimings,
}

/// The answer, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver answered; only a 2XX is a success.
    Answered(Received),
    /// No whole answer came. `status` is there when the head had arrived, `part` with what had come by then.
    Failed {
        class: ErrorClass,
        phase: Option<Phase>,
        error: String,
        status: Option<u16>,
        part: Option<Box<Received>>,
    },
}

/// An answer, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    pub status: u16,
    /// Its beginning, as text.
    pub body: String,
    /// Those that are kept, names in lower case.
    pub headers: AnswerHeaders,
    /// The value of `retry-after` as it came.
    pub retry_after: Option<String>,
}

/// Headers of an answer, name to value.
pub type AnswerHeaders = IndexMap<String, String>;

/// One attempt as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub id: AttemptId,
    /// 1, 2, 3 … over all causes.
    pub number: u32,
    pub cause: Cause,
    pub started_at: Timestamp,
    pub duration_ms: u32,
    pub outcome: AttemptOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_class: Option<ErrorClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response_body: String,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub response_headers: AnswerHeaders,
    #[serde(default)]
    pub phases: PhaseTimings,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Failed,
    Cancelled,
    RetryAt(Timestamp),
}

/// One attempt's outcome, written only while the lease still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub delivery_id: DeliveryId,
    pub webhook_id: WebhookId,
    pub company_id: CompanyId,
    pub lease: Epoch,
    /// Shared, because it is handed from the sender to the settler and kept by both until it is written.
    pub attempt: Arc<Attempt>,
    /// When the delivery's first attempt started, this one included.
    pub first_attempt_at: Timestamp,
    /// Attempts made by the schedule, this one included.
    pub scheduled_attempts: u32,
    pub next: Next,
    /// The receiver asked for fewer requests, and for none at all until then.
    pub hold_until: Option<Timestamp>,
    /// Whose turn it is next when this delivery has ended: the inspection, and the event's number in it.
    pub strict: Option<(InspectionId, u32)>,
}

impl Settlement {
    /// The schedule makes no further attempt.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        match self.next {
            Next::Delivered | Next::Failed | Next::Cancelled => true,
            Next::RetryAt(_) => false,
        }
    }

    /// What is counted of it once it is written; `ended`: the delivery is not pending any more, which a resend
    /// that was asked for meanwhile prevents.
    #[must_use]
    pub fn note(&self, ended: bool) -> Note {
        let attempt = &self.attempt;
        let took = Duration::from_millis(u64::from(attempt.duration_ms));
        let at = attempt.started_at.plus(took);
        let latency = at.since(self.delivery_id.0.made_at()).as_millis();
        let attempted = Attempted {
            error_class: attempt.error_class,
            duration_ms: attempt.duration_ms,
            latency_ms: (attempt.cause == Cause::First)
                .then(|| u64::try_from(latency).unwrap_or(u64::MAX)),
            given_up: self.next == Next::Failed
                && matches!(attempt.cause, Cause::First | Cause::Retry),
            ended,
        };
        Note {
            company_id: self.company_id,
            webhook_id: Some(self.webhook_id),
            at,
            counted: Counted::Attempt(attempted),
        }
    }

    /// The receiver wants nothing any more.
    #[must_use]
    pub fn says_gone(&self) -> bool {
        self.attempt.status_code == Some(GONE)
            && self.attempt.error_class == Some(ErrorClass::Status)
    }
}

/// Decides what an attempt means: a 2XX delivers, everything else fails and is retried as the policy says.
#[must_use]
pub fn settle(
    leased: &Leased,
    report: AttemptReport,
    id: AttemptId,
    policy: &RetryPolicy,
    now: Timestamp,
) -> Settlement {
    let seen = Seen::of(report.result);
    let not_before = seen.not_before(policy.retry_after_max, now);
    let first_attempt_at = leased.first_attempt_at.unwrap_or(report.started_at);
    let scheduled = match leased.cause {
        Cause::First | Cause::Retry => true,
        // A recovered event that had no delivery begins its schedule with this attempt.
        Cause::Recover => leased.fallback == Fallback::Schedule,
        Cause::Manual => false,
    };
    let scheduled_attempts = leased.scheduled_attempts + u32::from(scheduled);
    let later = |at: Timestamp| Next::RetryAt(not_before.map_or(at, |earliest| at.max(earliest)));
    let next = match seen.outcome {
        AttemptOutcome::Delivered => Next::Delivered,
        AttemptOutcome::Failed => match leased.fallback {
            Fallback::RetryAt(at) => later(at),
            Fallback::Delivered => Next::Delivered,
            Fallback::Failed => Next::Failed,
            Fallback::Cancelled => Next::Cancelled,
            Fallback::Schedule => policy
                .next_attempt_at(leased.event_type, scheduled_attempts, first_attempt_at, now)
                .map_or(Next::Failed, later),
        },
    };
    Settlement {
        delivery_id: leased.delivery_id,
        webhook_id: leased.webhook_id,
        company_id: leased.company_id,
        lease: leased.lease,
        attempt: Arc::new(Attempt {
            id,
            number: leased.attempts + 1,
            cause: leased.cause,
            started_at: report.started_at,
            duration_ms: report.duration_ms,
            outcome: seen.outcome,
            status_code: seen.status_code,
            error_class: seen.error_class,
            phase: seen.phase,
            error: seen.error,
            response_body: seen.response_body,
            response_headers: seen.response_headers,
            phases: report.timings,
        }),
        first_attempt_at,
        scheduled_attempts,
        next,
        hold_until: not_before.filter(|_| seen.status_code == Some(TOO_MANY_REQUESTS)),
        strict: leased
            .strict
            .then_some((leased.inspection_id, leased.sequence)),
    }
}

/// The report of an attempt whose recorded start was cut off too often to be made again.
#[must_use]
pub fn interrupted_report(now: Timestamp) -> AttemptReport {
    AttemptReport {
        started_at: now,
        duration_ms: 0,
        result: AttemptResult::Failed {
            class: ErrorClass::Reset,
            phase: None,
            error: format!(
                "Heraldo stopped during this attempt {INTERRUPTIONS_MAX} times and did not make it again; \
                 see why it stopped, then resend"
            ),
            status: None,
            part: None,
        },
        timings: PhaseTimings::default(),
    }
}

/// Asks for due deliveries of one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub webhook_id: WebhookId,
    pub lease: Epoch,
    /// At most this many, oldest first.
    pub limit: u32,
    /// At most about this many bytes of bodies; one delivery is always given.
    pub body_bytes_max: usize,
    /// What is due by then is claimed, and what came due until the claim is carried out: `deferred_mark`
    /// tells of that moment, so that what was refused room up to it must not be passed over.
    pub now: Timestamp,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Oldest first, now leased.
    pub leased: Vec<Leased>,
    /// Nothing else was due when the claim was carried out.
    pub exhausted: bool,
    /// When the next unleased delivery of the webhook is due, if there is one.
    pub next_due_at: Option<Timestamp>,
    /// What [`HandOver::deferred`](crate::ports::HandOver::deferred) said while the claim was carried out.
    pub deferred_mark: u64,
}

/// A webhook that has pending, unleased deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub webhook_id: WebhookId,
    pub next_due_at: Timestamp,
}

#[cfg(test)]
mod tests;
