//! How webhooks fare, as the list and a webhook's own page show it.

use std::sync::Arc;

use heraldo_domain::ops::webhook_health::{LastError, WebhookHealth, webhook_health};
use heraldo_domain::statistics::{Figures, bucket, bucket_start};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::{Resolution, WebhookStatus};
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use crate::dashboard::chart::{Captions, Chart, Series};
use crate::dashboard::moment::{Brief, Moment};
use crate::dashboard::spark::{Spark, spark};
use crate::dashboard::visit::Visit;
use crate::problem::Failure;
use crate::words::Words;

/// One webhook of the list.
pub struct WebhookRow {
    pub id: WebhookId,
    pub endpoint: String,
    pub description: Option<String>,
    pub status: WebhookStatus,
    pub events: usize,
    pub health: Health,
}

/// How one webhook fares, in words.
pub struct Health {
    pub chart: Spark,
    /// The same with its axes, for the webhook's own page.
    pub day: Chart<'static>,
    /// Of the attempts of the last 24 hours; `None`: there were none.
    pub success: Option<String>,
    /// Whether some failed.
    pub has_failures: bool,
    pub attempts: String,
    /// What 95 of 100 attempts did not take longer than.
    pub p95: Option<String>,
    pub waiting: String,
    /// How long the oldest waits, or when it is sent.
    pub waiting_note: Option<String>,
    pub failing_since: Option<Moment>,
    pub last_error: Option<ErrorShown>,
}

/// The last failure.
pub struct ErrorShown {
    pub what: String,
    pub at: Moment,
    /// Its delivery, from the root on.
    pub path: Option<String>,
}

impl Health {
    fn new(t: Words, health: &WebhookHealth, status: WebhookStatus, now: Timestamp) -> Self {
        let WebhookHealth {
            hours,
            total,
            pending,
            next_due_at,
            failing,
            last_error,
        } = health;
        let attempts = total.delivered + total.failed();
        Self {
            chart: spark(t, hours),
            day: day(t, hours, total, now),
            success: t.percent(total.delivered, attempts),
            has_failures: total.failed() > 0,
            attempts: t.number(attempts),
            p95: total.duration.percentile(95).map(|ms| t.lasting(ms)),
            waiting: t.number(*pending),
            waiting_note: next_due_at.and_then(|at| waiting_note(t, status, at, now)),
            failing_since: failing.as_ref().map(|run| Moment(run.since)),
            last_error: last_error.as_ref().map(|error| ErrorShown::new(t, error)),
        }
    }
}

impl ErrorShown {
    fn new(t: Words, error: &LastError) -> Self {
        match error {
            LastError::Attempt {
                delivery_id,
                class,
                status_code,
                at,
            } => Self {
                what: t.failure_with(class, *status_code),
                at: Moment(*at),
                path: Some(format!("dashboard/deliveries/{delivery_id}")),
            },
            LastError::Counted { class, hour } => Self {
                what: t.failure_short(class).to_owned(),
                at: Moment(*hour),
                path: None,
            },
        }
    }
}

/// What is said below the number of those that wait: the first is due then.
fn waiting_note(t: Words, status: WebhookStatus, at: Timestamp, now: Timestamp) -> Option<String> {
    let is_due = at <= now;
    match status {
        // Being cancelled.
        WebhookStatus::Disabled => None,
        WebhookStatus::Enabled if !is_due => Some(format!("{}: {}", t.tile_next(), t.due(at, now))),
        WebhookStatus::Paused if !is_due => Some(t.held_back().to_owned()),
        WebhookStatus::Enabled | WebhookStatus::Paused => {
            Some(format!("{}: {}", t.tile_oldest(), t.due(at, now)))
        }
    }
}

/// The attempts of the last hours, up to now.
fn day(t: Words, hours: &[(u64, u64)], total: &Figures, now: Timestamp) -> Chart<'static> {
    let before = u32::try_from(hours.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let hour = bucket(Resolution::Hour);
    let first = bucket_start(Resolution::Hour, now).minus(hour.saturating_mul(before));
    let series = |class, name, count: fn(&(u64, u64)) -> u64| Series {
        class,
        name,
        values: hours.iter().map(|of| Some(count(of) as f64)).collect(),
    };
    Chart::bars(
        "day",
        Captions {
            title: t.day_attempts(),
            description: t.last_hours(total.delivered, total.failed()),
            from: Brief::Clock(first),
            to: Brief::Clock(now),
        },
        vec![
            series("good", t.chart_delivered(), |of| of.0),
            series("bad", t.chart_failed(), |of| of.1),
        ],
        |value| t.decimal(value),
    )
}

/// The rows of these webhooks.
pub async fn rows(
    visit: &mut Visit<'_>,
    webhooks: &[Arc<Webhook>],
) -> Result<Vec<WebhookRow>, Failure> {
    let ids: Vec<WebhookId> = webhooks.iter().map(|webhook| webhook.id).collect();
    let health = webhook_health(visit.context(), visit.company.company.id, &ids).await?;
    let now = visit.call.now();
    let rows = webhooks
        .iter()
        .zip(&health)
        .map(|(webhook, health)| WebhookRow {
            id: webhook.id,
            endpoint: webhook.settings.endpoint.clone(),
            description: webhook.settings.description.clone(),
            status: webhook.settings.status,
            events: webhook.settings.events.len(),
            health: Health::new(visit.t, health, webhook.settings.status, now),
        });
    Ok(rows.collect())
}

/// How this one fares.
pub async fn health(
    visit: &mut Visit<'_>,
    webhook: &Webhook,
) -> Result<(WebhookHealth, Health), Failure> {
    let ids = [webhook.id];
    let found = webhook_health(visit.context(), visit.company.company.id, &ids).await?;
    let found = found.into_iter().next().unwrap_or_default();
    let (status, now) = (webhook.settings.status, visit.call.now());
    let shown = Health::new(visit.t, &found, status, now);
    Ok((found, shown))
}
