//! What the model knows of one delivery: when it may be sent, and what an attempt leaves of it.

use std::fmt::Display;

use heraldo_domain::delivery::{INTERRUPTIONS_MAX, Leased};
use heraldo_domain::retry::RetryPolicy;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::time::Timestamp;

use super::{Attempted, Expected, UnderWay};
use crate::world::{Check, violated};

impl Expected {
    pub(super) fn check_start(&self, leased: &Leased, now: Timestamp, name: impl Display) -> Check {
        if leased.event_type != self.event_type || leased.company_id != self.company {
            return violated(format!("{name} is another event than was accepted"));
        }
        if self.now != UnderWay::Nothing {
            return violated(format!(
                "{name} is sent while an attempt of it is not settled"
            ));
        }
        let number = u32::try_from(self.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        if leased.attempts + 1 != number {
            let sent = leased.attempts + 1;
            return violated(format!("{name} is sent as attempt {sent}, not {number}"));
        }
        if leased.interruptions != self.cuts {
            return violated(format!(
                "{name} is said to be cut off {} times; {} of its recorded starts were",
                leased.interruptions, self.cuts
            ));
        }
        if self.cuts >= INTERRUPTIONS_MAX {
            return violated(format!(
                "{name} is sent after {} recorded starts were cut off",
                self.cuts
            ));
        }
        let scheduled = self.status == DeliveryStatus::Pending && now >= self.due;
        let may = match leased.cause {
            Cause::First => scheduled && self.attempts.is_empty(),
            Cause::Retry => scheduled && !self.attempts.is_empty(),
            Cause::Recover if !self.is_asked_for(leased.cause) => scheduled,
            Cause::Manual | Cause::Recover => self.permits > 0 || self.manual_open,
        };
        if !may {
            let early = self.due.as_millis() - now.as_millis();
            return violated(format!(
                "{name} is sent ({:?}) while it is {}, {early} ms before it is due",
                leased.cause, self.status
            ));
        }
        Ok(())
    }

    /// Whether an attempt with this cause is one more than the schedule has. A recovery begins the schedule of what
    /// was missing.
    pub(super) fn is_asked_for(&self, cause: Cause) -> bool {
        match cause {
            Cause::First | Cause::Retry => false,
            Cause::Manual => true,
            Cause::Recover => {
                let begins = self.is_recovered && self.scheduled == 0;
                !(begins && self.status == DeliveryStatus::Pending)
            }
        }
    }

    /// A retry that waits is due now. One that waits behind a manual attempt keeps its time, and whether what was asked
    /// for still waits the store knows.
    pub(super) fn bring_forward(&mut self, now: Timestamp) {
        if self.permits == 0 && !self.manual_open {
            self.may_wait_until = now;
        }
        self.due = self.due.min(now);
    }

    pub(super) fn begin_manual(&mut self) {
        if !self.manual_open {
            self.permits = self.permits.saturating_sub(1);
            self.manual_open = true;
        }
    }

    /// When the schedule has the next attempt after a failed one; `None`: never.
    pub(super) fn due_after(
        &self,
        made: &Attempted,
        policy: &RetryPolicy,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let scheduled = self.scheduled + u32::from(!made.asked_for);
        let so_far = usize::try_from(scheduled).ok()?;
        if so_far == 0 || so_far > policy.waits.len() || !policy.retried.contains(&self.event_type)
        {
            return None;
        }
        let waited: u128 = policy
            .waits
            .iter()
            .take(so_far)
            .map(std::time::Duration::as_millis)
            .sum();
        let first = self.first_started_at.unwrap_or(made.started_at).as_millis();
        let due = first.saturating_add(i64::try_from(waited).unwrap_or(i64::MAX));
        Some(Timestamp::from_millis(due.max(now.as_millis())))
    }

    pub(super) fn settle(&mut self, attempted: Attempted, due: Option<Timestamp>) {
        self.first_started_at = self.first_started_at.or(Some(attempted.started_at));
        let manual = attempted.asked_for;
        self.scheduled += u32::from(!manual);
        if attempted.delivered {
            self.status = DeliveryStatus::Delivered;
        } else if !manual || (self.test && self.status == DeliveryStatus::Pending) {
            self.status = if due.is_some() {
                DeliveryStatus::Pending
            } else {
                DeliveryStatus::Failed
            };
            self.due = due.unwrap_or(self.due);
            self.may_wait_until = self.due;
        }
        if let Some(earliest) = self.manual_not_before.take() {
            self.due = self.due.max(earliest);
        }
        if manual {
            self.manual_open = false;
        }
        self.attempts.push(attempted);
        self.recorded = false;
        self.cuts = 0;
    }
}
