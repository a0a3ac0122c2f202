//! `GET /v1/notification/recovery/:id`.

use heraldo_domain::ops::recoveries::retrieve_recovery;
use heraldo_wire::api::{Recovery, Scope};
use heraldo_wire::id::RecoveryId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Reads how far a recovery has come
#[utoipa::path(
    get,
    path = "/v1/notification/recovery/{id}",
    operation_id = "retrieveRecovery",
    tag = "recoveries",
    params(("id" = RecoveryId, Path, description = "The recovery")),
    responses((status = 200, description = "The recovery", body = Recovery)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: RecoveryId = call.id().await?;
    let recovery = retrieve_recovery(call.context(), &caller, id).await?;
    reply::ok(&recovery.to_wire())
}
