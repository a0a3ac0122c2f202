//! What whoever carries out a recovery has read, and what of it is to be sent again.

use heraldo_wire::api::{DeliveryStatus, RecoverCounts, RecoverStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::EventId;

/// What a task has seen of a range: to count it, or to send it.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Since it began at the range's start.
    pub all: Vec<Stood>,
    /// What it read last.
    pub page: Vec<Stood>,
    pub is_last: bool,
}

/// An event as it stood for a webhook when it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stood {
    pub event: EventId,
    pub event_type: EventType,
    /// `None`: the webhook was never to have it.
    pub status: Option<DeliveryStatus>,
    pub sample: bool,
}

impl Walk {
    /// Whether this is what there is of a range to whoever is subscribed to these events.
    pub(super) fn has(
        &self,
        counts: &RecoverCounts,
        range: &[RecoverStatus],
        events: &[EventType],
    ) -> bool {
        let count = |status: RecoverStatus| {
            let picked = self
                .all
                .iter()
                .filter(|one| one.pick(range, events) == Some(status));
            u64::try_from(picked.count()).unwrap_or(u64::MAX)
        };
        counts.failed == count(RecoverStatus::Failed)
            && counts.cancelled == count(RecoverStatus::Cancelled)
            && counts.missing == count(RecoverStatus::Missing)
            && counts.delivered == count(RecoverStatus::Delivered)
    }
}

impl Stood {
    /// As what it is to be sent again; `None`: not at all.
    pub(super) fn pick(
        &self,
        wanted: &[RecoverStatus],
        events: &[EventType],
    ) -> Option<RecoverStatus> {
        let status = match self.status {
            _ if self.sample => return None,
            Some(DeliveryStatus::Pending) => return None,
            Some(DeliveryStatus::Failed) => RecoverStatus::Failed,
            Some(DeliveryStatus::Cancelled) => RecoverStatus::Cancelled,
            Some(DeliveryStatus::Delivered) => RecoverStatus::Delivered,
            None if events.contains(&self.event_type) => RecoverStatus::Missing,
            None => return None,
        };
        wanted.contains(&status).then_some(status)
    }
}
