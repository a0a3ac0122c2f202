//! The count of what a recovery would send, where it takes longer than a page may: it is kept with how far it has
//! come, and goes on as a job, whoever looks (contract 8, `dryRun`).
//!
//! A webhook has one at most, the newest.

use heraldo_wire::api::RecoverCounts;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, EventId, Id, RecoverCountId, WebhookId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::query::EventStanding;
use crate::record::{Kept, RecordKind};
use crate::recovery::{Range, count};

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverCount {
    pub id: RecoverCountId,
    pub company_id: CompanyId,
    pub webhook_id: WebhookId,
    pub version: u64,
    pub range: Range,
    /// Nobody named the range's end: it is when the count was asked for.
    pub is_open: bool,
    /// What the webhook was subscribed to when the count was asked for.
    pub subscribed: Vec<EventType>,
    pub stage: Stage,
    pub tally: Tally,
    /// The webhook's id: there is one count of each.
    pub name: String,
}

/// Whether a count goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Counting,
    /// Somebody stopped it; it can go on from where it is.
    Stopped,
    Whole,
}

/// What was found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub counted: RecoverCounts,
    /// The first and the last event that were looked at.
    pub first: Option<EventId>,
    pub last: Option<EventId>,
}

impl Tally {
    /// Counts the next events of the range.
    pub fn take(&mut self, page: &[EventStanding], range: &Range, subscribed: &[EventType]) {
        for event in page {
            if let Some(status) = range.pick(event, subscribed) {
                count(&mut self.counted, status);
            }
            self.first.get_or_insert(event.event_id);
            self.last = Some(event.event_id);
        }
    }
}

impl RecoverCount {
    /// How much of the time since the first event is counted, in thousandths.
    #[must_use]
    pub fn permille(&self) -> u64 {
        let made_at = |event: EventId| event.0.made_at();
        let (Some(first), Some(last)) = (self.tally.first, self.tally.last) else {
            return 0;
        };
        let all = self.range.to.since(made_at(first)).as_millis().max(1);
        let done = made_at(last).since(made_at(first)).as_millis();
        u64::try_from(done * 1_000 / all)
            .unwrap_or(1_000)
            .min(1_000)
    }

    /// Up to when everything is counted; `None`: nothing was looked at.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.tally.last.map(|last| last.0.made_at())
    }

    /// The next version.
    #[must_use]
    pub fn with(&self, stage: Stage, tally: Tally) -> Self {
        Self {
            version: self.version + 1,
            stage,
            tally,
            ..self.clone()
        }
    }
}

impl Kept for RecoverCount {
    const KIND: RecordKind = RecordKind::RecoverCount;

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
        Some(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::api::RecoverStatus;

    use super::*;
    use crate::change::Origin;

    #[test]
    fn how_far_a_count_has_come_is_told_from_the_first_event_on() {
        let at = Timestamp::from_millis;
        let range = Range {
            // Long before anything happened.
            from: at(0),
            to: at(2_000_000),
            statuses: vec![RecoverStatus::Missing],
        };
        let count = RecoverCount {
            id: RecoverCountId::default(),
            company_id: CompanyId::default(),
            webhook_id: WebhookId::default(),
            version: 1,
            range: range.clone(),
            is_open: false,
            subscribed: vec![EventType::ImageProcessed],
            stage: Stage::Counting,
            tally: Tally::default(),
            name: String::new(),
        };
        assert_eq!((count.permille(), count.until()), (0, None));
        let event = |ms| EventStanding {
            event_id: EventId(Id::from_parts(Id::first_key_at(at(ms)), 0)),
            event_type: EventType::ImageProcessed,
            origin: Origin::Published,
            delivery: None,
        };
        let mut tally = Tally::default();
        for (ms, permille) in [(1_000_000, 0), (1_500_000, 500), (1_999_000, 999)] {
            tally.take(&[event(ms)], &range, &count.subscribed);
            let now = count.with(Stage::Counting, tally.clone());
            assert_eq!((now.permille(), now.until()), (permille, Some(at(ms))));
        }
        assert_eq!(tally.counted.missing, 3);
    }
}
