//! What must hold at the end, when the faults have stopped and time has run on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use heraldo_domain::query::{DeliveryFilter, DeliveryRecord, EventFilter, Page};
use heraldo_domain::store::Store;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::AttemptOutcome;
use heraldo_wire::id::{CompanyId, EventId, WebhookId};

use super::{Expected, Oracle, Place, place_name};
use crate::world::{Check, Violation, World, violated, wait_for};

/// More than any run makes.
const ALL: u32 = 1_000_000;

impl Oracle {
    /// Every accepted event reached each of its takers, or was given up or cancelled for a reason; every
    /// attempt that was settled is there; nothing else is.
    ///
    /// # Errors
    /// When that does not hold.
    pub fn finish(&self, companies: &[CompanyId], store: &dyn Store, world: &mut World) -> Check {
        let mut found: BTreeMap<Place, DeliveryRecord> = BTreeMap::new();
        for company in companies {
            let sequences = self.check_events(*company, store, world)?;
            let filter = DeliveryFilter::default();
            let page = Page {
                limit: ALL,
                before: None,
            };
            for record in stored(wait_for(store.deliveries(*company, filter, page))?)? {
                let full =
                    stored(wait_for(store.delivery(*company, record.id))?)?.unwrap_or(record);
                let sequence = sequences.get(&full.event_id).copied().unwrap_or(0);
                let place = (full.webhook_id, full.inspection_id, sequence);
                if !self.expected.contains_key(&place) || found.insert(place, full).is_some() {
                    let name = place_name(place, world);
                    return violated(format!(
                        "{name} is stored, and is none of what was to be made"
                    ));
                }
            }
        }
        for (place, expected) in &self.expected {
            let name = place_name(*place, world);
            match found.get(place) {
                None => return violated(format!("{name} is lost: it is not in the store")),
                Some(record) => expected.check_end(record, name)?,
            }
        }
        if self.recovering().next().is_some() {
            return violated("at the end a recovery is still under way");
        }
        match stored(wait_for(store.waiting())?)?.first() {
            Some(waiting) => {
                let name = world.webhook(waiting.webhook_id);
                violated(format!("at the end something still waits for {name}"))
            }
            None => Ok(()),
        }
    }

    /// Each inspection's events are numbered from 1 without a gap, and are as many as were accepted.
    fn check_events(
        &self,
        company: CompanyId,
        store: &dyn Store,
        world: &mut World,
    ) -> Check<BTreeMap<EventId, u32>> {
        let page = Page {
            limit: ALL,
            before: None,
        };
        let events = stored(wait_for(store.events(
            company,
            EventFilter::default(),
            page,
        ))?)?;
        let accepted = self.events.get(&company).copied().unwrap_or(0);
        if events.len() != accepted {
            let name = world.company(company);
            return violated(format!(
                "{name} has {} events; accepted were {accepted}",
                events.len()
            ));
        }
        let mut numbers: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for event in &events {
            numbers
                .entry(event.inspection_id)
                .or_default()
                .push(event.sequence);
        }
        for (inspection, mut numbers) in numbers {
            // Two that were decided at the same time may be numbered otherwise than named.
            numbers.sort_unstable();
            if !numbers.iter().copied().eq((1..).take(numbers.len())) {
                let name = world.inspection(inspection);
                return violated(format!("the events of {name} are numbered {numbers:?}"));
            }
        }
        Ok(events
            .into_iter()
            .map(|event| (event.id, event.sequence))
            .collect())
    }
}

impl Expected {
    fn check_end(&self, record: &DeliveryRecord, name: impl Display) -> Check {
        if self.status == DeliveryStatus::Pending || record.status == DeliveryStatus::Pending {
            return violated(format!("{name} is still pending at the end"));
        }
        if record.status != self.status {
            return violated(format!(
                "{name} is {}; it should be {}",
                record.status, self.status
            ));
        }
        if self.owed {
            return violated(format!(
                "one more attempt of {name} was promised and never made"
            ));
        }
        let same = record.attempts.len() == self.attempts.len()
            && record
                .attempts
                .iter()
                .zip(&self.attempts)
                .all(|(stored, seen)| {
                    stored.cause == seen.cause
                        && stored.started_at == seen.started_at
                        && (stored.outcome == AttemptOutcome::Delivered) == seen.delivered
                        && stored.status_code == seen.status_code
                });
        if !same {
            return violated(format!(
                "{name} has {} stored attempts; {} were settled",
                record.attempts.len(),
                self.attempts.len()
            ));
        }
        Ok(())
    }
}

/// What is pending for a webhook.
pub(super) fn pending(
    store: &dyn Store,
    company: CompanyId,
    webhook: WebhookId,
) -> Check<BTreeSet<Place>> {
    let filter = DeliveryFilter {
        webhook_id: Some(webhook),
        status: Some(DeliveryStatus::Pending),
        ..DeliveryFilter::default()
    };
    let page = Page {
        limit: ALL,
        before: None,
    };
    let mut places = BTreeSet::new();
    for record in stored(wait_for(store.deliveries(company, filter, page))?)? {
        if let Some(event) = stored(wait_for(store.event(company, record.event_id))?)? {
            places.insert((webhook, record.inspection_id, event.sequence));
        }
    }
    Ok(places)
}

/// Reading cannot fail here.
fn stored<T>(read: heraldo_domain::store::Result<T>) -> Check<T> {
    read.map_err(|error| Violation(format!("the store cannot be read: {error}")))
}
