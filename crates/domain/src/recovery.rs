//! A recovery: sends again what a webhook did not get in a time range (contract 8).
//!
//! It goes through the company's events in their order, once to count and once to send. Each step's new
//! place is written together with what it enqueues, so that a crash repeats no step and leaves none out.

use heraldo_wire::api::{self, DeliveryStatus, RecoverCounts, RecoverStatus, RecoveryState};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, EventId, Id, RecoveryId, WebhookId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Origin;
use crate::query::EventStanding;
use crate::record::{Kept, RecordKind};

/// One recovery of one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    pub id: RecoveryId,
    pub company_id: CompanyId,
    pub webhook_id: WebhookId,
    pub version: u64,
    pub range: Range,
    pub state: State,
    /// `None` until all is counted.
    pub counted: Option<RecoverCounts>,
    pub enqueued: u64,
    pub created_at: Timestamp,
    /// The webhook's id until the recovery ends: a webhook has one under way at most.
    pub name: Option<String>,
}

/// Which events of a webhook's company are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Inclusive, on the time an event was made.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
    /// Not empty, none twice.
    pub statuses: Vec<RecoverStatus>,
}

/// Where a recovery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Counting,
    Running {
        /// The last event that was looked at.
        after: Option<EventId>,
    },
    Completed(Timestamp),
    Cancelled(Timestamp),
    Stopped {
        at: Timestamp,
        why: String,
    },
}

/// What is sent again unless somebody says otherwise: everything that was not delivered.
pub const STATUSES_DEFAULT: [RecoverStatus; 3] = [
    RecoverStatus::Failed,
    RecoverStatus::Cancelled,
    RecoverStatus::Missing,
];

impl Range {
    /// As which of the statuses asked for an event is sent again; `None`: it is not. `subscribed`: what the
    /// webhook is subscribed to now. What is pending is sent anyway, and a test event was for its moment.
    #[must_use]
    pub fn pick(&self, event: &EventStanding, subscribed: &[EventType]) -> Option<RecoverStatus> {
        if event.origin == Origin::Test {
            return None;
        }
        let status = match event.delivery {
            Some((_, DeliveryStatus::Failed)) => RecoverStatus::Failed,
            Some((_, DeliveryStatus::Cancelled)) => RecoverStatus::Cancelled,
            Some((_, DeliveryStatus::Delivered)) => RecoverStatus::Delivered,
            Some((_, DeliveryStatus::Pending)) => return None,
            None if subscribed.contains(&event.event_type) => RecoverStatus::Missing,
            None => return None,
        };
        self.statuses.contains(&status).then_some(status)
    }
}

/// Counts one more event of this status.
pub fn count(counts: &mut RecoverCounts, status: RecoverStatus) {
    let counter = match status {
        RecoverStatus::Failed => &mut counts.failed,
        RecoverStatus::Cancelled => &mut counts.cancelled,
        RecoverStatus::Missing => &mut counts.missing,
        RecoverStatus::Delivered => &mut counts.delivered,
    };
    *counter += 1;
}

/// All that was counted.
#[must_use]
pub const fn total(counts: &RecoverCounts) -> u64 {
    counts.failed + counts.cancelled + counts.missing + counts.delivered
}

impl Recovery {
    #[must_use]
    pub fn new(
        id: RecoveryId,
        company_id: CompanyId,
        webhook_id: WebhookId,
        range: Range,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            company_id,
            webhook_id,
            version: 1,
            range,
            state: State::Counting,
            counted: None,
            enqueued: 0,
            created_at: now,
            name: Some(webhook_id.to_string()),
        }
    }

    /// Whether nothing more is done for it.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        match self.state {
            State::Counting | State::Running { .. } => false,
            State::Completed(_) | State::Cancelled(_) | State::Stopped { .. } => true,
        }
    }

    /// The next version, in another state. One that has ended lets another one of its webhook begin.
    #[must_use]
    pub fn with(&self, state: State) -> Self {
        let next = Self {
            version: self.version + 1,
            state,
            ..self.clone()
        };
        Self {
            name: next.name.clone().filter(|_| !next.has_ended()),
            ..next
        }
    }

    /// As the API shows it.
    #[must_use]
    pub fn to_wire(&self) -> api::Recovery {
        let (state, ended_at, detail) = match &self.state {
            State::Counting => (RecoveryState::Counting, None, None),
            State::Running { .. } => (RecoveryState::Running, None, None),
            State::Completed(at) => (RecoveryState::Completed, Some(*at), None),
            State::Cancelled(at) => (RecoveryState::Cancelled, Some(*at), None),
            State::Stopped { at, why } => (RecoveryState::Stopped, Some(*at), Some(why.clone())),
        };
        let left = |counted: &RecoverCounts| match state {
            RecoveryState::Completed => 0,
            RecoveryState::Counting
            | RecoveryState::Running
            | RecoveryState::Cancelled
            | RecoveryState::Stopped => total(counted).saturating_sub(self.enqueued),
        };
        api::Recovery {
            id: self.id,
            webhook_id: self.webhook_id,
            from: self.range.from,
            to: self.range.to,
            status: self.range.statuses.clone(),
            state,
            detail,
            counted: self.counted,
            enqueued: self.enqueued,
            remaining: self.counted.as_ref().map(left),
            created_at: self.created_at,
            ended_at,
        }
    }
}

impl Kept for Recovery {
    const KIND: RecordKind = RecordKind::Recovery;

    fn id(&self) -> Id {
        self.id.0
    }

    fn company_id(&self) -> CompanyId {
        self.company_id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn subject(&self) -> Option<Id> {
        Some(self.webhook_id.0)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::id::DeliveryId;

    use super::*;

    #[test]
    fn each_event_is_picked_by_where_its_delivery_stands() {
        use DeliveryStatus as D;
        use RecoverStatus as R;
        let range = |statuses: &[R]| Range {
            from: Timestamp::from_millis(0),
            to: Timestamp::from_millis(1),
            statuses: statuses.to_vec(),
        };
        let all = range(R::ALL);
        let check = |origin, status: Option<D>, subscribed: bool, expected: Option<R>| {
            let event = EventStanding {
                event_id: EventId::default(),
                event_type: EventType::ImageProcessed,
                origin,
                delivery: status.map(|status| (DeliveryId::default(), status)),
            };
            let subscribed: &[_] = if subscribed {
                &[EventType::ImageProcessed]
            } else {
                &[EventType::InspectionBlocked]
            };
            assert_eq!(all.pick(&event, subscribed), expected, "{event:?}");
            for one in R::ALL {
                let only = range(&[*one]).pick(&event, subscribed);
                assert_eq!(only, expected.filter(|status| status == one), "{event:?}");
            }
        };
        for origin in [Origin::Inspection, Origin::Published] {
            for subscribed in [true, false] {
                check(origin, Some(D::Failed), subscribed, Some(R::Failed));
                check(origin, Some(D::Cancelled), subscribed, Some(R::Cancelled));
                check(origin, Some(D::Delivered), subscribed, Some(R::Delivered));
                check(origin, Some(D::Pending), subscribed, None);
            }
            check(origin, None, true, Some(R::Missing));
            check(origin, None, false, None);
        }
        check(Origin::Test, Some(D::Failed), true, None);
        check(Origin::Test, None, true, None);
    }

    #[test]
    fn what_is_left_falls_with_what_is_enqueued_and_is_nothing_once_it_is_completed() {
        let range = Range {
            from: Timestamp::from_millis(0),
            to: Timestamp::from_millis(1),
            statuses: STATUSES_DEFAULT.to_vec(),
        };
        let now = Timestamp::from_millis(5);
        let (id, company) = (RecoveryId::default(), CompanyId::default());
        let begun = Recovery::new(id, company, WebhookId::default(), range, now);
        assert_eq!(begun.to_wire().remaining, None);
        let mut counted = RecoverCounts::default();
        for status in STATUSES_DEFAULT {
            count(&mut counted, status);
        }
        let running = Recovery {
            counted: Some(counted),
            enqueued: 2,
            ..begun.with(State::Running { after: None })
        };
        assert_eq!(running.to_wire().remaining, Some(1));
        assert!(running.name.is_some() && !running.has_ended());
        let completed = running.with(State::Completed(now));
        assert_eq!(completed.to_wire().remaining, Some(0));
        let cancelled = running.with(State::Cancelled(now));
        assert_eq!(cancelled.to_wire().remaining, Some(1));
        assert_eq!(cancelled.to_wire().ended_at, Some(now));
        assert_eq!((completed.name, cancelled.name), (None, None));
    }
}
