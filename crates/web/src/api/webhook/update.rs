//! `PATCH /v1/notification/webhook/:id`.

use heraldo_domain::ops::webhooks::update_webhook;
use heraldo_wire::api::{Scope, UpdateWebhookRequest, Webhook};
use heraldo_wire::id::WebhookId;

use super::show_one;
use crate::call::{Call, Outcome};
use crate::reply;

/// Changes a webhook
///
/// What is left out stays; null goes back to the server's default.
#[utoipa::path(
    patch,
    path = "/v1/notification/webhook/{id}",
    operation_id = "updateWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    request_body = UpdateWebhookRequest,
    responses((status = 200, description = "The webhook as it now is", body = Webhook)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: WebhookId = call.id().await?;
    let request: UpdateWebhookRequest = call.json().await?;
    let webhook = update_webhook(call.context(), &caller, id, request).await?;
    reply::ok(&show_one(call.context(), &webhook).await?)
}
