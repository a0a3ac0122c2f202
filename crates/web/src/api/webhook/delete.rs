//! `DELETE /v1/notification/webhook/:id`.

use heraldo_domain::ops::webhooks::delete_webhook;
use heraldo_wire::api::{MessageAnswer, Scope};
use heraldo_wire::id::WebhookId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Deletes a webhook
///
/// What waits for it is cancelled.
#[utoipa::path(
    delete,
    path = "/v1/notification/webhook/{id}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    responses((status = 200, description = "It was deleted", body = MessageAnswer)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: WebhookId = call.id().await?;
    delete_webhook(call.context(), &caller, id).await?;
    reply::ok(&MessageAnswer::new("Webhook deleted"))
}
