//! How webhooks fare, as the list and a webhook's own page show it.

use std::sync::Arc;

use heraldo_domain::ops::webhook_health::{LastError, WebhookHealth, webhook_health};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::id::WebhookId;

use crate::dashboard::moment::Moment;
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
    /// Of the attempts of the last 24 hours; `None`: there were none.
    pub success: Option<String>,
    /// Whether some failed.
    pub has_failures: bool,
    pub attempts: String,
    /// What 95 of 100 attempts did not take longer than.
    pub p95: Option<String>,
    pub waiting: String,
    pub next_due_at: Option<Moment>,
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
    fn new(t: Words, health: &WebhookHealth) -> Self {
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
            success: t.percent(total.delivered, attempts),
            has_failures: total.failed() > 0,
            attempts: t.number(attempts),
            p95: total.duration.percentile(95).map(|ms| t.lasting(ms)),
            waiting: t.number(*pending),
            next_due_at: next_due_at.map(Moment),
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
            } => {
                let what = t.failure_short(class);
                Self {
                    what: status_code
                        .map_or_else(|| what.to_owned(), |code| format!("{what} ({code})")),
                    at: Moment(*at),
                    path: Some(format!("dashboard/deliveries/{delivery_id}")),
                }
            }
            LastError::Counted { class, hour } => Self {
                what: t.failure_short(class).to_owned(),
                at: Moment(*hour),
                path: None,
            },
        }
    }
}

/// The rows of these webhooks.
pub async fn rows(
    visit: &mut Visit<'_>,
    webhooks: &[Arc<Webhook>],
) -> Result<Vec<WebhookRow>, Failure> {
    let ids: Vec<WebhookId> = webhooks.iter().map(|webhook| webhook.id).collect();
    let health = webhook_health(visit.context(), visit.company.company.id, &ids).await?;
    let rows = webhooks
        .iter()
        .zip(&health)
        .map(|(webhook, health)| WebhookRow {
            id: webhook.id,
            endpoint: webhook.settings.endpoint.clone(),
            description: webhook.settings.description.clone(),
            status: webhook.settings.status,
            events: webhook.settings.events.len(),
            health: Health::new(visit.t, health),
        });
    Ok(rows.collect())
}

/// How this one fares.
pub async fn health(
    visit: &mut Visit<'_>,
    id: WebhookId,
) -> Result<(WebhookHealth, Health), Failure> {
    let found = webhook_health(visit.context(), visit.company.company.id, &[id]).await?;
    let found = found.into_iter().next().unwrap_or_default();
    let shown = Health::new(visit.t, &found);
    Ok((found, shown))
}
