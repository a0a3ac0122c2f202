//! `GET /v1/notification/webhook/:id/secret` (contract 8.2 "Rotation").

use heraldo_domain::ops::webhooks::reveal_secret;
use heraldo_wire::api::{Scope, SecretAnswer};
use heraldo_wire::id::WebhookId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Reveals a webhook's newest secret
///
/// Each reveal is written to the audit log.
#[utoipa::path(
    get,
    path = "/v1/notification/webhook/{id}/secret",
    operation_id = "revealWebhookSecret",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    responses((status = 200, description = "The secret", body = SecretAnswer)),
    security(("apiKey" = ["secrets"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Secrets]).await?;
    let id: WebhookId = call.id().await?;
    reply::ok(&reveal_secret(call.context(), &caller, id).await?)
}
