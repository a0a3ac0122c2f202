//! Explains one event: what became of it for each webhook of its company (contract 8).

use std::collections::HashMap;

use heraldo_wire::api::{DeliveryStatus, ExplainedReason, ExplainedState, WebhookStatus};
use heraldo_wire::id::{EventId, WebhookId};
use heraldo_wire::problem::Problem;

use super::{Context, not_found, problem_of};
use crate::account::Caller;
use crate::delivery::Attempt;
use crate::explain::{WebhookState, why_not_sent};
use crate::query::{DeliveryFilter, DeliveryRecord, EventRecord, Page};
use crate::webhook::Webhook;

/// An event, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub event: EventRecord,
    /// Oldest webhook first.
    pub webhooks: Vec<ForWebhook>,
}

/// What became of an event for one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForWebhook {
    pub webhook_id: WebhookId,
    /// `None`: it was deleted.
    pub endpoint: Option<String>,
    pub state: ExplainedState,
    pub reason: Option<ExplainedReason>,
    pub explanation: String,
    pub delivery: Option<DeliveryRecord>,
}

/// Explains an event of the caller's company.
///
/// # Errors
/// `not_found`; the store's.
pub async fn explain(
    context: &Context,
    caller: &Caller,
    id: EventId,
) -> Result<Explained, Problem> {
    let store = &context.store;
    let event = store
        .event(caller.company_id, id)
        .await
        .map_err(problem_of)?
        .ok_or_else(not_found)?;
    let company = context.view(caller.company_id).await?;
    let filter = DeliveryFilter {
        event_id: Some(id),
        ..DeliveryFilter::default()
    };
    // As many as there are webhooks, deleted ones included: one for each at most.
    let page = Page {
        limit: u32::MAX,
        before: None,
    };
    let deliveries = store
        .deliveries(caller.company_id, filter, page)
        .await
        .map_err(problem_of)?;
    let mut deliveries: HashMap<WebhookId, DeliveryRecord> = deliveries
        .into_iter()
        .map(|delivery| (delivery.webhook_id, delivery))
        .collect();
    let unsent = company.webhooks.iter().map(|webhook| webhook.id);
    let unsent: Vec<WebhookId> = unsent.filter(|id| !deliveries.contains_key(id)).collect();
    let mut states: HashMap<WebhookId, Vec<WebhookState>> = HashMap::new();
    let found = store.webhook_states(unsent, event.created_at).await;
    for state in found.map_err(problem_of)? {
        states.entry(state.webhook_id).or_default().push(state);
    }
    let mut webhooks: Vec<ForWebhook> = company
        .webhooks
        .iter()
        .map(|webhook| match deliveries.remove(&webhook.id) {
            Some(delivery) => sent(Some(webhook), delivery),
            None => {
                let states = states.get(&webhook.id).map_or(&[][..], Vec::as_slice);
                not_sent(&event, webhook, states)
            }
        })
        .collect();
    webhooks.extend(
        deliveries
            .into_values()
            .map(|delivery| sent(None, delivery)),
    );
    webhooks.sort_by_key(|webhook| webhook.webhook_id);
    Ok(Explained { event, webhooks })
}

fn not_sent(event: &EventRecord, webhook: &Webhook, states: &[WebhookState]) -> ForWebhook {
    let (reason, explanation) = why_not_sent(event, webhook, states);
    ForWebhook {
        webhook_id: webhook.id,
        endpoint: Some(webhook.settings.endpoint.clone()),
        state: ExplainedState::NotSent,
        reason: Some(reason),
        explanation,
        delivery: None,
    }
}

fn sent(webhook: Option<&std::sync::Arc<Webhook>>, delivery: DeliveryRecord) -> ForWebhook {
    let status = webhook.map(|webhook| webhook.settings.status);
    let waits_for_pause =
        delivery.status == DeliveryStatus::Pending && status == Some(WebhookStatus::Paused);
    let state = match delivery.status {
        DeliveryStatus::Pending => ExplainedState::Pending,
        DeliveryStatus::Delivered => ExplainedState::Delivered,
        DeliveryStatus::Failed => ExplainedState::Failed,
        DeliveryStatus::Cancelled => ExplainedState::Cancelled,
    };
    ForWebhook {
        webhook_id: delivery.webhook_id,
        endpoint: webhook.map(|webhook| webhook.settings.endpoint.clone()),
        state,
        reason: waits_for_pause.then_some(ExplainedReason::Paused),
        explanation: sentence(status, &delivery),
        delivery: Some(delivery),
    }
}

/// `status`: the webhook's; `None`: it was deleted.
fn sentence(status: Option<WebhookStatus>, delivery: &DeliveryRecord) -> String {
    let count = delivery.attempt_count;
    let last = delivery.last_attempt.as_ref();
    match delivery.status {
        DeliveryStatus::Delivered => last.map_or_else(
            || "Delivered.".to_owned(),
            |last| {
                format!(
                    "Delivered at {} by attempt {}, which took {} ms.",
                    last.started_at, last.number, last.duration_ms
                )
            },
        ),
        DeliveryStatus::Failed => {
            let why = last.map_or_else(String::new, why_failed);
            format!(
                "Failed after {}{why}; no further attempt is planned. To send it again, resend the delivery \
                 or recover a time range of the webhook.",
                attempts(count)
            )
        }
        DeliveryStatus::Cancelled => {
            let what = if status.is_none() {
                "deleted"
            } else {
                "disabled"
            };
            format!(
                "Cancelled after {}: the webhook was {what} before it was delivered. To send it, {}.",
                attempts(count),
                if status.is_none() {
                    "make a webhook and recover a time range with `status` missing"
                } else {
                    "enable the webhook and recover a time range"
                }
            )
        }
        DeliveryStatus::Pending => waiting(status, delivery),
    }
}

fn waiting(status: Option<WebhookStatus>, delivery: &DeliveryRecord) -> String {
    let why = delivery
        .last_attempt
        .as_ref()
        .filter(|last| last.error.is_some())
        .map_or_else(String::new, |last| {
            format!(
                " Attempt {} did not deliver it{}.",
                last.number,
                why_failed(last)
            )
        });
    match (status, delivery.next_attempt_at) {
        (Some(WebhookStatus::Paused), _) => format!(
            "Waits because the webhook is paused; it is sent once the webhook's `status` is `enabled`.{why}"
        ),
        (None | Some(WebhookStatus::Disabled), _) => {
            "About to be cancelled: the webhook was disabled or deleted.".to_owned()
        }
        (Some(WebhookStatus::Enabled), None) => {
            "Waits until the delivery of the inspection's event before it has ended, because the webhook keeps \
             the strict order."
                .to_owned()
        }
        (Some(WebhookStatus::Enabled), Some(at)) if delivery.attempt_count == 0 => {
            format!("The first attempt is due since {at}: it is under way or takes its turn.")
        }
        (Some(WebhookStatus::Enabled), Some(at)) => {
            format!("The next attempt is due at {at}.{why}")
        }
    }
}

fn why_failed(last: &Attempt) -> String {
    let error = last.error.as_deref();
    error.map_or_else(String::new, |error| format!(" ({error})"))
}

fn attempts(count: u32) -> String {
    match count {
        0 => "no attempt".to_owned(),
        1 => "1 attempt".to_owned(),
        _ => format!("{count} attempts"),
    }
}
