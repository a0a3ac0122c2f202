//! How webhooks fare: their last 24 hours, what waits for them, and what failed last. Figures come from the
//! store's counters, so that they cost the same however much is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use heraldo_wire::api::{DeliveryStatus, Resolution};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::id::{CompanyId, DeliveryId, WebhookId};
use heraldo_wire::problem::Problem;
use heraldo_wire::time::Timestamp;

use super::{Context, problem_of};
use crate::delivery::Attempt;
use crate::health::Failing;
use crate::query::{DeliveryFilter, Page};
use crate::statistics::{Figures, StatisticsQuery, Whose, bucket, bucket_start};

/// So many hours are looked at; the last one has not ended.
pub const HOURS: usize = 24;
/// So many of the newest deliveries that wait are looked through for one that failed already.
const WAITING_LOOKED_AT_MAX: u32 = 20;

/// How one webhook fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookHealth {
    /// Attempts that delivered, and that failed, in each of the last [`HOURS`] hours, oldest first.
    pub hours: Vec<(u64, u64)>,
    /// All of them together.
    pub total: Figures,
    /// Deliveries that have not ended, those under way included.
    pub pending: u64,
    /// When the first of those that wait is due, or was.
    pub next_due_at: Option<Timestamp>,
    /// The run of failures that it is in.
    pub failing: Option<Failing>,
    pub last_error: Option<LastError>,
}

/// The newest failure that is known of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastError {
    /// This attempt.
    Attempt {
        delivery_id: DeliveryId,
        class: ErrorClass,
        status_code: Option<u16>,
        at: Timestamp,
    },
    /// Its delivery succeeded later, so that only counters tell: most failures of this hour were such.
    Counted { class: ErrorClass, hour: Timestamp },
}

/// How each of these webhooks of the company fares, in their order.
///
/// # Errors
/// The store's.
pub async fn webhook_health(
    context: &Context,
    company: CompanyId,
    webhooks: &[WebhookId],
) -> Result<Vec<WebhookHealth>, Problem> {
    let now = context.now();
    let hour = bucket(Resolution::Hour);
    let hours_before = u32::try_from(HOURS - 1).unwrap_or(u32::MAX);
    let first = bucket_start(Resolution::Hour, now).minus(hour.saturating_mul(hours_before));
    let query = StatisticsQuery {
        whose: match webhooks {
            [one] => Whose::Webhook(*one),
            _ => Whose::EachWebhook,
        },
        resolution: Resolution::Hour,
        from: first,
        to: now.plus(Duration::from_millis(1)),
    };
    let starts: Vec<Timestamp> = query.starts().collect();
    let store = &context.store;
    let counted = store.statistics(company, query).await.map_err(problem_of)?;
    let mut by_webhook: BTreeMap<WebhookId, BTreeMap<Timestamp, Figures>> = BTreeMap::new();
    for statistic in counted {
        if let Some(webhook) = statistic.webhook_id {
            let hours = by_webhook.entry(webhook).or_default();
            hours.insert(statistic.start, statistic.figures);
        }
    }
    let backlog = store.backlog(company).await.map_err(problem_of)?;
    let failing = store.failing(webhooks.to_vec()).await.map_err(problem_of)?;
    let mut all = Vec::with_capacity(webhooks.len());
    for id in webhooks {
        let hours = by_webhook.remove(id).unwrap_or_default();
        let mut health = WebhookHealth::default();
        for start in &starts {
            let figures = hours.get(start);
            let count = |figures: &Figures| (figures.delivered, figures.failed());
            health.hours.push(figures.map_or((0, 0), count));
        }
        for figures in hours.values() {
            health.total.merge(figures);
        }
        if let Some(of) = backlog.iter().find(|of| of.webhook_id == *id) {
            health.pending = of.pending;
            health.next_due_at = of.next_due_at;
        }
        let run = failing.iter().find(|(of, _)| of == id);
        health.failing = run.map(|(_, run)| *run);
        if health.failing.is_some() || health.total.failed() > 0 {
            let attempt = context.last_failed_attempt(company, *id).await?;
            health.last_error = attempt.or_else(|| last_counted(&hours));
        }
        all.push(health);
    }
    Ok(all)
}

impl Context {
    /// The newest failed attempt of deliveries that were given up, or that wait for a retry.
    async fn last_failed_attempt(
        &self,
        company: CompanyId,
        webhook: WebhookId,
    ) -> Result<Option<LastError>, Problem> {
        let mut newest: Option<(DeliveryId, Attempt)> = None;
        for (status, limit) in [
            (DeliveryStatus::Failed, 1),
            (DeliveryStatus::Pending, WAITING_LOOKED_AT_MAX),
        ] {
            let filter = DeliveryFilter {
                webhook_id: Some(webhook),
                status: Some(status),
                ..DeliveryFilter::default()
            };
            let page = Page {
                limit,
                before: None,
            };
            let found = self.store.deliveries(company, filter, page).await;
            for delivery in found.map_err(problem_of)? {
                let Some(attempt) = delivery.last_attempt else {
                    continue;
                };
                let is_newer = newest
                    .as_ref()
                    .is_none_or(|(_, known)| known.started_at < attempt.started_at);
                if attempt.error_class.is_some() && is_newer {
                    newest = Some((delivery.id, attempt));
                }
            }
        }
        Ok(newest.and_then(|(delivery_id, attempt)| {
            Some(LastError::Attempt {
                delivery_id,
                class: attempt.error_class?,
                status_code: attempt.status_code,
                at: attempt.started_at,
            })
        }))
    }
}

/// The most frequent failure of the newest hour that has any.
fn last_counted(hours: &BTreeMap<Timestamp, Figures>) -> Option<LastError> {
    let (hour, figures) = hours
        .iter()
        .rev()
        .find(|(_, figures)| figures.failed() > 0)?;
    let (class, _) = figures.failed.iter().max_by_key(|(_, count)| *count)?;
    Some(LastError::Counted { class, hour: *hour })
}
