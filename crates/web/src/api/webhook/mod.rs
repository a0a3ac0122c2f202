//! Webhooks: the configured endpoints (contract 1.3 E1, 8).

pub mod create;
pub mod delete;
pub mod list;
pub mod public_key;
pub mod retrieve;
pub mod rotate;
pub mod secret;
pub mod test;
pub mod update;

use heraldo_domain::health::Failing;
use heraldo_domain::ops::{Context, problem_of};
use heraldo_domain::webhook::{Defaults, TlsSettings, Webhook};
use heraldo_wire::api;
use heraldo_wire::problem::Problem;
use heraldo_wire::time::HumanDuration;

/// A webhook as it is read: its secret is not in it.
fn show(webhook: &Webhook, run: Option<&Failing>, server: &Defaults) -> api::Webhook {
    let settings = &webhook.settings;
    let waits = settings.retry_waits.as_ref();
    let disabled = webhook.life.disabled.as_ref();
    api::Webhook {
        id: webhook.id,
        endpoint: settings.endpoint.clone(),
        events: settings.events.clone(),
        description: settings.description.clone(),
        status: settings.status,
        headers: settings.headers.clone(),
        ordering: webhook.ordering(server),
        retry_schedule: waits.map(|waits| waits.iter().copied().map(HumanDuration).collect()),
        retry_events: settings.retry_events.clone(),
        timeout_ms: settings.timeout_ms,
        concurrency: settings.concurrency,
        rate_per_second: settings.rate_per_second,
        tls: (settings.tls != TlsSettings::default()).then(|| api::TlsShown {
            ca: settings.tls.ca.clone(),
            client_certificate: settings.tls.client_certificate.clone(),
        }),
        asymmetric_signature: webhook.secrets.signing_key.is_some(),
        retry_on_recovery: settings.retry_on_recovery,
        disable_after: settings.disable_after,
        disable_attempts_min: settings.disable_attempts_min,
        failing_since: run.map(|run| run.since),
        disabled_at: disabled.map(|disabled| disabled.at),
        disabled_reason: disabled.map(|disabled| disabled.reason),
        disabled_detail: disabled.map(|disabled| disabled.detail.clone()),
        created_at: webhook.created_at,
        updated_at: webhook.updated_at,
    }
}

/// One webhook as it is read, with how it fares.
async fn show_one(context: &Context, webhook: &Webhook) -> Result<api::Webhook, Problem> {
    let failing = context.store.failing(vec![webhook.id]).await;
    let failing = failing.map_err(problem_of)?;
    let run = failing.first().map(|(_, run)| run);
    Ok(show(webhook, run, &context.settings.webhook_defaults))
}
