//! `GET /v1/notification/webhook/:id/public-key`: no key, receivers have none.

use heraldo_domain::ops::webhooks::public_keys;
use heraldo_wire::api::PublicKeysAnswer;
use heraldo_wire::id::WebhookId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Shows the public keys of a webhook
///
/// What `v1a` signatures are verified with; needs no key. 404 unless the webhook has `asymmetricSignature`.
#[utoipa::path(
    get,
    path = "/v1/notification/webhook/{id}/public-key",
    operation_id = "showWebhookPublicKey",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    responses((status = 200, description = "The keys, newest first", body = PublicKeysAnswer)),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let id: WebhookId = call.id().await?;
    reply::ok(&public_keys(call.context(), id).await?)
}
