//! What a settlement, a resend and a cancellation make of a delivery's row; both engines ask here.

use heraldo_domain::delivery::{Fallback, Next};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::time::Timestamp;

/// Where a delivery stands while nothing is under way: its status and, if pending, what is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub status: DeliveryStatus,
    /// Why the next attempt is (or the last one was) made.
    pub cause: Cause,
    /// `None` unless pending.
    pub next_attempt_at: Option<Timestamp>,
    pub fallback: Fallback,
}

/// A resend that was asked for while an attempt was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResendDue {
    pub cause: Cause,
    pub at: Timestamp,
}

/// Plans one more attempt of a delivery that is not leased.
pub(crate) fn resend(now: Standing, attempts: u32, asked: ResendDue) -> Standing {
    let pending = now.status == DeliveryStatus::Pending;
    if pending && attempts == 0 {
        // Its first attempt was never made: that one is made, now, and the schedule still stands. What
        // is due already keeps its place in the queue; what has no time waits for the event before it.
        let at = now.next_attempt_at.map(|planned| planned.min(asked.at));
        return Standing {
            next_attempt_at: at,
            ..now
        };
    }
    let fallback = match now.status {
        // A manual attempt that waits already knows what it falls back to.
        DeliveryStatus::Pending if now.fallback != Fallback::Schedule => now.fallback,
        DeliveryStatus::Pending => now
            .next_attempt_at
            .map_or(Fallback::Schedule, Fallback::RetryAt),
        DeliveryStatus::Delivered => Fallback::Delivered,
        DeliveryStatus::Failed => Fallback::Failed,
        DeliveryStatus::Cancelled => Fallback::Cancelled,
    };
    Standing {
        status: DeliveryStatus::Pending,
        cause: asked.cause,
        next_attempt_at: Some(asked.at),
        fallback,
    }
}

/// A delivery that waited for the one of the event before it: its first attempt is due as of when its event
/// was made.
pub(crate) const fn its_turn(made_at: Timestamp) -> Standing {
    Standing {
        status: DeliveryStatus::Pending,
        cause: Cause::First,
        next_attempt_at: Some(made_at),
        fallback: Fallback::Schedule,
    }
}

/// What an attempt that ended leaves behind. A resend asked for meanwhile comes due at once.
pub(crate) fn settled(cause: Cause, next: Next, due: Option<ResendDue>) -> Standing {
    let (status, at, fallback) = match next {
        Next::Delivered => (DeliveryStatus::Delivered, None, Fallback::Delivered),
        Next::Failed => (DeliveryStatus::Failed, None, Fallback::Failed),
        Next::Cancelled => (DeliveryStatus::Cancelled, None, Fallback::Cancelled),
        Next::RetryAt(at) => (DeliveryStatus::Pending, Some(at), Fallback::RetryAt(at)),
    };
    match (due, at) {
        (Some(due), _) => Standing {
            status: DeliveryStatus::Pending,
            cause: due.cause,
            next_attempt_at: Some(due.at),
            fallback,
        },
        (None, Some(_)) => Standing {
            status,
            cause: Cause::Retry,
            next_attempt_at: at,
            fallback: Fallback::Schedule,
        },
        (None, None) => Standing {
            status,
            cause,
            next_attempt_at: None,
            fallback: Fallback::Schedule,
        },
    }
}

/// What cancelling a waiting delivery makes of it: one that had ended before somebody asked for one more
/// attempt ends as it had.
pub(crate) const fn cancelled(fallback: Fallback) -> DeliveryStatus {
    match fallback {
        Fallback::Delivered => DeliveryStatus::Delivered,
        Fallback::Failed => DeliveryStatus::Failed,
        Fallback::Cancelled | Fallback::Schedule | Fallback::RetryAt(_) => {
            DeliveryStatus::Cancelled
        }
    }
}
