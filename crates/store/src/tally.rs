//! What was counted and is not written yet; both engines gather here.

use std::collections::{BTreeMap, HashMap};

use heraldo_domain::statistics::{Counted, Figures, Note, bucket_start};
use heraldo_wire::api::Resolution;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::time::Timestamp;

/// Where figures are kept: by resolution, bucket, company and webhook; without one, the whole company's.
pub(crate) type Place = (Resolution, Timestamp, CompanyId, Option<WebhookId>);

/// Figures by minute, of webhooks with their attempts and of companies with their events alone.
#[derive(Debug, Default)]
pub(crate) struct Tally(HashMap<(CompanyId, Option<WebhookId>, Timestamp), Figures>);

impl Tally {
    pub(crate) fn count(&mut self, note: &Note) {
        match note.counted {
            Counted::Event | Counted::Delivery | Counted::Attempt(_) => {
                let minute = bucket_start(Resolution::Minute, note.at);
                let place = (note.company_id, note.webhook_id, minute);
                self.0.entry(place).or_default().count(&note.counted);
            }
            Counted::Reopened | Counted::Cancelled(_) => {}
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is to be added at each place, of every resolution.
    pub(crate) fn rows(&self) -> BTreeMap<Place, Figures> {
        let mut rows: BTreeMap<Place, Figures> = BTreeMap::new();
        for ((company, webhook, minute), figures) in &self.0 {
            for resolution in Resolution::ALL {
                let start = bucket_start(resolution, *minute);
                let own = (resolution, start, *company, *webhook);
                rows.entry(own).or_default().merge(figures);
                if webhook.is_some() {
                    let whole = (resolution, start, *company, None);
                    rows.entry(whole).or_default().merge_attempts(figures);
                }
            }
        }
        rows
    }
}
