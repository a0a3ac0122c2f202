//! `DELETE /v1/account/key/:id`.

use heraldo_domain::ops::accounts::revoke_key;
use heraldo_wire::api::{MessageAnswer, Scope};
use heraldo_wire::id::ApiKeyId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Revokes an API key, at once
#[utoipa::path(
    delete,
    path = "/v1/account/key/{id}",
    operation_id = "revokeKey",
    tag = "keys",
    params(("id" = ApiKeyId, Path, description = "The key")),
    responses((status = 200, description = "It was revoked", body = MessageAnswer)),
    security(("apiKey" = ["admin"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Admin]).await?;
    let id: ApiKeyId = call.id().await?;
    revoke_key(call.context(), caller.company_id, caller.actor, id).await?;
    reply::ok(&MessageAnswer::new("Key revoked"))
}
