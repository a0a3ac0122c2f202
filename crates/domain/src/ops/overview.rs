//! How a company's deliveries go: what an overview shows, from counters alone, so that it costs the same
//! however much is stored.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use heraldo_wire::api::{Resolution, WebhookStatus};
use heraldo_wire::event::DisabledReason;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::problem::Problem;
use heraldo_wire::time::Timestamp;

use super::{Context, problem_of};
use crate::query::CompanyView;
use crate::statistics::{
    Backlog, Figures, Statistic, StatisticsQuery, Whose, bucket, bucket_start,
};
use crate::webhook::Webhook;

/// So many failing webhooks are named, and as many with a backlog.
pub const NAMED_MAX: usize = 5;
/// Of so many webhooks, those that failed most by the hour, the figures are read by the minute.
const CANDIDATES_MAX: usize = 4 * NAMED_MAX;

/// The time that an overview is about; it ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 30 days.
    Month,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// What its figures are read by.
    #[must_use]
    pub const fn resolution(self) -> Resolution {
        match self {
            Self::Hour => Resolution::Minute,
            Self::Day => Resolution::Hour,
            Self::Month => Resolution::Day,
        }
    }

    /// How many buckets it has; the last one has not ended.
    #[must_use]
    pub const fn buckets(self) -> u32 {
        match self {
            Self::Hour => 60,
            Self::Day => 24,
            Self::Month => 30,
        }
    }

    fn query(self, whose: Whose, now: Timestamp) -> StatisticsQuery {
        let resolution = self.resolution();
        let before = bucket(resolution).saturating_mul(self.buckets() - 1);
        StatisticsQuery {
            whose,
            resolution,
            from: bucket_start(resolution, now).minus(before),
            to: now.plus(Duration::from_millis(1)),
        }
    }
}

/// How a company's deliveries go.
#[derive(Debug, Clone)]
pub struct Overview {
    pub span: Span,
    pub now: Timestamp,
    /// The figures of each bucket, oldest first; also of those in which nothing happened.
    pub buckets: Vec<(Timestamp, Figures)>,
    /// Those of all of them together.
    pub total: Figures,
    /// Deliveries that have not ended.
    pub pending: u64,
    /// When the first that waits is due, or was: also of what is kept for a paused webhook.
    pub first_due_at: Option<Timestamp>,
    /// The webhooks with the longest backlogs, longest first.
    pub backlog: Vec<Backlog>,
    /// The webhooks with the most failed attempts, most first; one may have been deleted since.
    pub failing: Vec<(WebhookId, Figures)>,
    /// Whether anything was accepted or sent within the last 30 days.
    pub is_used: bool,
    /// What somebody has to put right.
    pub troubles: Vec<Trouble>,
}

/// Something that stays wrong until somebody puts it right.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// The server's disk is nearly full: nothing new is accepted.
    DiskNearlyFull,
    /// More is waiting to be written than may wait: new requests are refused for the moment.
    Overloaded,
    /// Heraldo disabled this webhook.
    Disabled(Arc<Webhook>),
}

/// Reads the overview of a company.
///
/// # Errors
/// The store's.
pub async fn overview(
    context: &Context,
    company: &CompanyView,
    span: Span,
) -> Result<Overview, Problem> {
    let now = context.now();
    let id = company.company.id;
    let read = context.figures(id, span.query(Whose::Company, now)).await?;
    let mut by_start: BTreeMap<_, _> = read
        .into_iter()
        .map(|statistic| (statistic.start, statistic.figures))
        .collect();
    let starts = span.query(Whose::Company, now).starts();
    let buckets: Vec<_> = starts
        .map(|start| (start, by_start.remove(&start).unwrap_or_default()))
        .collect();
    let mut total = Figures::default();
    for (_, figures) in &buckets {
        total.merge(figures);
    }
    let mut backlog = context.store.backlog(id).await.map_err(problem_of)?;
    let pending = backlog.iter().map(|of| of.pending).sum();
    let first_due_at = backlog.iter().filter_map(|of| of.next_due_at).min();
    backlog.sort_by_key(|of| (Reverse(of.pending), of.webhook_id));
    backlog.truncate(NAMED_MAX);
    let is_used = is_anything(&total) || pending > 0 || {
        let month = Span::Month.query(Whose::Company, now);
        let month = context.figures(id, month).await?;
        month.iter().any(|of| is_anything(&of.figures))
    };
    let failing = match total.failed() {
        0 => Vec::new(),
        _ => context.failing_most(id, span, now).await?,
    };
    Ok(Overview {
        span,
        now,
        buckets,
        total,
        pending,
        first_due_at,
        backlog,
        failing,
        is_used,
        troubles: context.troubles(company),
    })
}

fn is_anything(figures: &Figures) -> bool {
    figures.events > 0 || figures.delivered > 0 || figures.failed() > 0
}

impl Context {
    async fn figures(
        &self,
        company: CompanyId,
        query: StatisticsQuery,
    ) -> Result<Vec<Statistic>, Problem> {
        let read = self.store.statistics(company, query).await;
        read.map_err(problem_of)
    }

    async fn failing_most(
        &self,
        company: CompanyId,
        span: Span,
        now: Timestamp,
    ) -> Result<Vec<(WebhookId, Figures)>, Problem> {
        let asked = span.query(Whose::EachWebhook, now);
        match span {
            Span::Day | Span::Month => {
                let read = self.figures(company, asked).await?;
                Ok(most(added_up(read), NAMED_MAX))
            }
            Span::Hour => {
                // Each webhook by the minute would be 60 rows for each: the hours that those minutes lie in
                // say first which webhooks to look at.
                let by_hour = StatisticsQuery {
                    resolution: Resolution::Hour,
                    ..asked
                };
                let by_hour = self.figures(company, by_hour).await?;
                let mut exact = BTreeMap::new();
                for (webhook, _) in most(added_up(by_hour), CANDIDATES_MAX) {
                    let whose = Whose::Webhook(webhook);
                    let read = self.figures(company, StatisticsQuery { whose, ..asked });
                    exact.extend(added_up(read.await?));
                }
                Ok(most(exact, NAMED_MAX))
            }
        }
    }

    fn troubles(&self, company: &CompanyView) -> Vec<Trouble> {
        let measures = self.store.measures();
        let mut troubles = Vec::new();
        if measures.disk_is_nearly_full {
            troubles.push(Trouble::DiskNearlyFull);
        }
        if measures.queue_is_full {
            troubles.push(Trouble::Overloaded);
        }
        let by_heraldo = company.webhooks.iter().filter(|webhook| {
            let why = webhook.life.disabled.as_ref();
            webhook.settings.status == WebhookStatus::Disabled
                && why.is_some_and(|why| match why.reason {
                    DisabledReason::Gone | DisabledReason::Failing => true,
                    DisabledReason::Manual => false,
                })
        });
        troubles.extend(by_heraldo.cloned().map(Trouble::Disabled));
        troubles
    }
}

/// The figures of each webhook over all buckets.
fn added_up(read: Vec<Statistic>) -> BTreeMap<WebhookId, Figures> {
    let mut sums: BTreeMap<_, Figures> = BTreeMap::new();
    for statistic in read {
        if let Some(webhook) = statistic.webhook_id {
            sums.entry(webhook).or_default().merge(&statistic.figures);
        }
    }
    sums
}

/// Those of which attempts failed, most first.
fn most(figures: BTreeMap<WebhookId, Figures>, count_max: usize) -> Vec<(WebhookId, Figures)> {
    let mut failing: Vec<_> = figures
        .into_iter()
        .filter(|(_, figures)| figures.failed() > 0)
        .collect();
    failing.sort_by_key(|(webhook, figures)| (Reverse(figures.failed()), *webhook));
    failing.truncate(count_max);
    failing
}
