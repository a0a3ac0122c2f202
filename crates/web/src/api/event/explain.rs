//! `GET /v1/notification/event/:id/explain`.

use heraldo_domain::change::Origin;
use heraldo_domain::ops::explain::{ForWebhook, explain};
use heraldo_wire::api::{ExplainAnswer, Explanation, Scope};
use heraldo_wire::id::EventId;

use crate::api::delivery::show_attempt;
use crate::call::{Call, Outcome};
use crate::reply;

/// Explains what became of an event
///
/// For every webhook of the company: delivered, pending, failed, cancelled, or not sent and why. Deleted
/// webhooks that have a delivery of it are there too.
#[utoipa::path(
    get,
    path = "/v1/notification/event/{id}/explain",
    operation_id = "explainEvent",
    tag = "events",
    params(("id" = EventId, Path, description = "The event: the `webhook-id` of its deliveries")),
    responses((status = 200, description = "One explanation for each webhook", body = ExplainAnswer)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: EventId = call.id().await?;
    let explained = explain(call.context(), &caller, id).await?;
    let event = explained.event;
    reply::ok(&ExplainAnswer {
        event_id: event.id,
        event: event.event_type,
        inspection_id: event.inspection_id,
        created_at: event.created_at,
        test: event.origin == Origin::Test,
        data: explained.webhooks.into_iter().map(show).collect(),
    })
}

fn show(webhook: ForWebhook) -> Explanation {
    let delivery = webhook.delivery;
    let head = delivery.as_ref();
    Explanation {
        webhook_id: webhook.webhook_id,
        endpoint: webhook.endpoint,
        state: webhook.state,
        reason: webhook.reason,
        explanation: webhook.explanation,
        delivery_id: head.map(|delivery| delivery.id),
        next_attempt_at: head.and_then(|delivery| delivery.next_attempt_at),
        attempt_count: head.map_or(0, |delivery| delivery.attempt_count),
        last_attempt: delivery
            .and_then(|delivery| delivery.last_attempt)
            .map(show_attempt),
    }
}
