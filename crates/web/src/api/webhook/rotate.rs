//! `POST /v1/notification/webhook/:id/secret/rotate` (contract 8.2 "Rotation").

use heraldo_domain::ops::webhooks::rotate_secret;
use heraldo_wire::api::{RotateSecretAnswer, RotateSecretRequest, Scope};
use heraldo_wire::id::WebhookId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Makes a new secret for a webhook
///
/// The body may be empty: then the old secret stops at once.
#[utoipa::path(
    post,
    path = "/v1/notification/webhook/{id}/secret/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    request_body = Option<RotateSecretRequest>,
    responses((status = 200, description = "The new secret", body = RotateSecretAnswer)),
    security(("apiKey" = ["webhooks", "secrets"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks, Scope::Secrets]).await?;
    let id: WebhookId = call.id().await?;
    let request: RotateSecretRequest = call.json().await?;
    reply::ok(&rotate_secret(call.context(), &caller, id, request).await?)
}
