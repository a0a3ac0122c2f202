//! Deletes what was kept long enough.

use heraldo_domain::retention::{Forgotten, Slice};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{AuditEntryId, DeliveryId, EventId, Id};
use heraldo_wire::time::Timestamp;

use super::apply::Step;

impl Step<'_> {
    pub(super) fn forget_events(&mut self, slice: &Slice) -> Forgotten {
        let limit = usize::try_from(slice.rows_max).unwrap_or(usize::MAX);
        let end = EventId(Id::from_parts(Id::first_key_at(slice.before), 0));
        let events = self.state.events.rows().range(..end).map(|(id, _)| *id);
        let old: Vec<EventId> = events
            .filter(|id| slice.after.is_none_or(|after| *id > after))
            .take(limit)
            .collect();
        let mut forgotten = Forgotten {
            after: slice.after,
            more: old.len() >= limit,
            ..Forgotten::default()
        };
        let mut rows_left = slice.rows_max.max(1);
        let mut body_bytes = 0_u64;
        for id in old {
            let of_event = self.deliveries_of(id);
            if of_event.iter().all(|(_, ended)| *ended) {
                for (delivery, _) in of_event.into_iter().rev() {
                    if rows_left == 0 {
                        forgotten.more = true;
                        return forgotten;
                    }
                    let row = self.state.remove_delivery(delivery);
                    let earlier = row.map_or(0, |row| row.attempts.len().saturating_sub(1));
                    let gone = u32::try_from(earlier + 1).unwrap_or(u32::MAX);
                    rows_left = rows_left.saturating_sub(gone);
                }
                body_bytes = body_bytes.saturating_add(self.forget_event(id));
                rows_left = rows_left.saturating_sub(1);
                forgotten.events += 1;
            }
            forgotten.after = Some(id);
            if rows_left == 0 || body_bytes >= slice.body_bytes_max.max(1) {
                forgotten.more = true;
                break;
            }
        }
        forgotten
    }

    /// An event's deliveries, oldest first, and whether each has ended.
    fn deliveries_of(&self, event: EventId) -> Vec<(DeliveryId, bool)> {
        let rows = self.state.deliveries().iter();
        rows.filter(|(_, row)| row.event_id == event)
            .map(|(id, row)| (*id, row.standing.status != DeliveryStatus::Pending))
            .collect()
    }

    /// How many bytes its body had.
    fn forget_event(&mut self, id: EventId) -> u64 {
        let Some(event) = self.state.events.remove(&id) else {
            return 0;
        };
        let (company, inspection) = (event.company_id, event.inspection_id);
        let later = (company, inspection, event.sequence.saturating_add(1))
            ..=(company, inspection, u32::MAX);
        // The last number of an inspection stays: its next event goes on from there.
        if self.state.sequences.rows().range(later).next().is_some() {
            self.state
                .sequences
                .remove(&(company, inspection, event.sequence));
        }
        u64::try_from(event.body.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn forget_audit(&mut self, before: Timestamp, limit: u32) -> u32 {
        let end = AuditEntryId(Id::from_parts(Id::first_key_at(before), 0));
        let old: Vec<AuditEntryId> = self
            .state
            .audit
            .rows()
            .range(..end)
            .map(|(id, _)| *id)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect();
        for id in &old {
            self.state.audit.remove(id);
        }
        u32::try_from(old.len()).unwrap_or(u32::MAX)
    }
}
