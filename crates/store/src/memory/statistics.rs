//! Figures, counted as they are written, and what is pending.

use std::collections::BTreeMap;

use heraldo_domain::statistics::{Backlog, Note, Statistic, StatisticsQuery, Whose, kept_for};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::state::State;
use crate::tally::{Place, Tally};

impl State {
    pub(super) fn count(&mut self, notes: &[Note]) {
        let mut tally = Tally::default();
        for note in notes {
            tally.count(note);
        }
        for (place, mut figures) in tally.rows() {
            if let Some(before) = self.figures.get(&place) {
                figures.merge(before);
            }
            self.figures.put(place, figures);
        }
    }

    pub(super) fn statistics(&self, company: CompanyId, query: &StatisticsQuery) -> Vec<Statistic> {
        let mut found = Vec::new();
        for start in query.starts() {
            let first = (query.resolution, start, company, None);
            let of_bucket = self.figures.rows().range(first..);
            let of_bucket = of_bucket.take_while(|((resolution, at, of, _), _)| {
                (*resolution, *at, *of) == (query.resolution, start, company)
            });
            let asked = of_bucket.filter(|((.., webhook), _)| match query.whose {
                Whose::Company => webhook.is_none(),
                Whose::Webhook(id) => *webhook == Some(id),
                Whose::EachWebhook => webhook.is_some(),
            });
            found.extend(asked.map(|((.., webhook_id), figures)| Statistic {
                start,
                webhook_id: *webhook_id,
                figures: figures.clone(),
            }));
        }
        found
    }

    /// How many deliveries are pending for each webhook that has some.
    pub(super) fn pending(&self) -> BTreeMap<WebhookId, u64> {
        let mut pending = BTreeMap::new();
        for row in self.deliveries().values() {
            if row.standing.status == DeliveryStatus::Pending {
                *pending.entry(row.webhook_id).or_default() += 1;
            }
        }
        pending
    }

    pub(super) fn backlog(&self, company: CompanyId) -> Vec<Backlog> {
        let firsts: BTreeMap<_, _> = self.first_waiting().into_iter().collect();
        let of_company = |id: &WebhookId| {
            let webhook = self.webhooks.get(id);
            webhook.is_some_and(|webhook| webhook.company_id == company)
        };
        let pending = self.pending().into_iter();
        pending
            .filter(|(id, _)| of_company(id))
            .map(|(webhook_id, pending)| Backlog {
                webhook_id,
                pending,
                next_due_at: firsts.get(&webhook_id).copied(),
            })
            .collect()
    }

    /// Removes up to `limit` rows of figures that were kept for as long as their resolution is.
    pub(super) fn forget_figures(&mut self, now: Timestamp, limit: u32) -> u32 {
        let kept_ms = |place: &Place| i64::try_from(kept_for(place.0).as_millis());
        let over = |place: &&Place| {
            kept_ms(place).is_ok_and(|kept| place.1.as_millis() < now.as_millis() - kept)
        };
        let rows = self.figures.rows().keys().filter(over);
        let gone: Vec<Place> = rows
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .copied()
            .collect();
        for place in &gone {
            self.figures.remove(place);
        }
        u32::try_from(gone.len()).unwrap_or(u32::MAX)
    }
}
