//! `GET /v1/notification/webhook/:id`.

use heraldo_wire::api::{Scope, Webhook};
use heraldo_wire::id::WebhookId;

use super::show_one;
use crate::call::{Call, Outcome};
use crate::reply;

/// Reads a webhook
#[utoipa::path(
    get,
    path = "/v1/notification/webhook/{id}",
    operation_id = "retrieveWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook", body = Webhook)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: WebhookId = call.id().await?;
    let webhook = call.context().own_webhook(&caller, id).await?;
    reply::ok(&show_one(call.context(), &webhook).await?)
}
