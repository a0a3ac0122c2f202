//! How a webhook fares: the run of failures since its last success, and when such a run is too long.

use std::time::Duration;

use heraldo_wire::attempt::AttemptOutcome;
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::delivery::Settlement;

/// A run of attempts that all failed. It begins with the first failure after a success, and only a success,
/// a new endpoint or enabling the webhook ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// When the first of them started.
    pub since: Timestamp,
    /// How many they are, of every cause.
    pub attempts: u32,
    /// The delivery that the first of them was for.
    pub first: DeliveryId,
    /// At least one of them was for another delivery.
    pub several: bool,
}

impl Failing {
    /// The run after an attempt; `None` when the webhook is well.
    #[must_use]
    pub fn after(before: Option<Self>, settlement: &Settlement) -> Option<Self> {
        let attempt = &settlement.attempt;
        match attempt.outcome {
            AttemptOutcome::Delivered => None,
            AttemptOutcome::Failed => Some(match before {
                None => Self {
                    since: attempt.started_at,
                    attempts: 1,
                    first: settlement.delivery_id,
                    several: false,
                },
                Some(run) => Self {
                    // Attempts that run at the same time end in any order.
                    since: run.since.min(attempt.started_at),
                    attempts: run.attempts.saturating_add(1),
                    several: run.several || run.first != settlement.delivery_id,
                    ..run
                },
            }),
        }
    }

    /// Whether a run that is stored now is this one, longer or not, and none that began after a success.
    #[must_use]
    pub fn goes_on_as(&self, now: &Self) -> bool {
        now.first == self.first && now.since <= self.since && now.attempts >= self.attempts
    }
}

/// What a group of outcomes told of one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It fails, and the run is so long now.
    Failing(Failing),
    /// It was failing, and took something.
    Recovered,
}

/// One webhook's run, followed through a group of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// As it was stored.
    pub before: Option<Failing>,
    pub now: Option<Failing>,
    has_failed: bool,
}

impl Followed {
    #[must_use]
    pub const fn from(before: Option<Failing>) -> Self {
        Self {
            before,
            now: before,
            has_failed: before.is_some(),
        }
    }

    pub fn take(&mut self, settlement: &Settlement) {
        self.now = Failing::after(self.now, settlement);
        self.has_failed |= self.now.is_some();
    }

    /// What the group told; `None` of a webhook that was well all the time.
    #[must_use]
    pub fn turn(&self) -> Option<Turn> {
        match self.now {
            Some(run) => Some(Turn::Failing(run)),
            None => self.has_failed.then_some(Turn::Recovered),
        }
    }
}

/// A webhook, and what a group of outcomes told of it.
pub type WebhookTurn = (WebhookId, Turn);

/// When a webhook is disabled because it takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisablePolicy {
    /// After so long of nothing but failures; `None`: never.
    pub after: Option<Duration>,
    /// And not before so many attempts.
    pub attempts_min: u32,
}

impl Default for DisablePolicy {
    fn default() -> Self {
        Self {
            after: Some(Duration::from_secs(5 * 86_400)),
            attempts_min: 20,
        }
    }
}

impl DisablePolicy {
    /// Whether the run is too long by now. However long it is, it takes two deliveries at least: no single
    /// message disables a webhook.
    #[must_use]
    pub fn is_over(&self, run: &Failing, now: Timestamp) -> bool {
        self.after.is_some_and(|after| {
            run.several && run.attempts >= self.attempts_min && now.since(run.since) >= after
        })
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::attempt::{Cause, PhaseTimings};
    use heraldo_wire::id::{AttemptId, Id};

    use super::*;
    use crate::delivery::{Attempt, Epoch, Next};

    const DAY_MS: i64 = 86_400_000;

    fn settled(delivery: u64, outcome: AttemptOutcome, started_ms: i64) -> Settlement {
        Settlement {
            company_id: heraldo_wire::id::CompanyId::default(),
            delivery_id: DeliveryId(Id::from_parts(delivery, 0)),
            webhook_id: WebhookId::default(),
            lease: Epoch(1),
            attempt: std::sync::Arc::new(Attempt {
                id: AttemptId::default(),
                number: 1,
                cause: Cause::First,
                started_at: Timestamp::from_millis(started_ms),
                duration_ms: 1,
                outcome,
                status_code: None,
                error_class: None,
                phase: None,
                error: None,
                response_body: String::new(),
                response_headers: Default::default(),
                phases: PhaseTimings::default(),
            }),
            first_attempt_at: Timestamp::from_millis(started_ms),
            scheduled_attempts: 1,
            next: Next::Failed,
            hold_until: None,
            strict: None,
        }
    }

    fn run(outcomes: &[(u64, AttemptOutcome, i64)]) -> Option<Failing> {
        outcomes.iter().fold(None, |run, (delivery, outcome, at)| {
            Failing::after(run, &settled(*delivery, *outcome, *at))
        })
    }

    const FAILED: AttemptOutcome = AttemptOutcome::Failed;
    const DELIVERED: AttemptOutcome = AttemptOutcome::Delivered;

    #[test]
    fn a_run_counts_the_failures_since_the_last_success() {
        assert_eq!(run(&[(1, DELIVERED, 5)]), None);
        assert_eq!(run(&[(1, FAILED, 5), (2, DELIVERED, 6)]), None);
        let failing = run(&[
            (1, FAILED, 1),
            (1, DELIVERED, 2),
            (2, FAILED, 9),
            (3, FAILED, 8),
        ]);
        let failing = failing.unwrap();
        assert_eq!((failing.attempts, failing.since.as_millis()), (2, 8));
        assert!(failing.several);
    }

    #[test]
    fn a_run_goes_on_until_a_success_also_when_the_same_message_fails_again() {
        let before = [(1, FAILED, 5), (2, FAILED, 6)];
        let read = run(&before).unwrap();
        let after =
            |more: &[(u64, AttemptOutcome, i64)]| run(&[&before[..], more].concat()).unwrap();
        assert!(read.goes_on_as(&read));
        assert!(read.goes_on_as(&after(&[(3, FAILED, 7)])));
        assert!(
            read.goes_on_as(&after(&[(3, FAILED, 4)])),
            "ended later, began earlier"
        );
        let ended = (3, DELIVERED, 7);
        assert!(!read.goes_on_as(&after(&[ended, (4, FAILED, 8), (5, FAILED, 9)])));
        let again = after(&[ended, (1, FAILED, 8), (2, FAILED, 9)]);
        assert!(!read.goes_on_as(&again));
        let few = after(&[ended, (1, FAILED, 4)]);
        assert!(!read.goes_on_as(&few), "it began before that success");
    }

    #[test]
    fn a_webhook_is_disabled_after_the_time_and_the_attempts_and_never_by_one_message() {
        let policy = DisablePolicy::default();
        let over = |attempts: i64, deliveries: u64, days: i64, policy: &DisablePolicy| {
            let outcomes: Vec<_> = (0..attempts)
                .map(|n| (n.unsigned_abs() % deliveries, FAILED, n))
                .collect();
            let run = run(&outcomes).unwrap();
            policy.is_over(&run, Timestamp::from_millis(days * DAY_MS))
        };
        assert!(over(20, 2, 5, &policy));
        assert!(!over(19, 2, 5, &policy), "too few attempts");
        assert!(!over(20, 2, 4, &policy), "too short a time");
        assert!(!over(500, 1, 50, &policy), "all for one message");
        assert!(!over(500, 2, -1, &policy), "the clock was set back");
        let never = DisablePolicy {
            after: None,
            ..policy
        };
        assert!(!over(500, 2, 5_000, &never));
    }
}
