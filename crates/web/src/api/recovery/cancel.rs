//! `DELETE /v1/notification/recovery/:id`.

use heraldo_domain::ops::recoveries::cancel_recovery;
use heraldo_wire::api::{Recovery, Scope};
use heraldo_wire::id::RecoveryId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Cancels a recovery
///
/// Nothing more is enqueued; what is enqueued already is sent. It is still read afterwards.
#[utoipa::path(
    delete,
    path = "/v1/notification/recovery/{id}",
    operation_id = "cancelRecovery",
    tag = "recoveries",
    params(("id" = RecoveryId, Path, description = "The recovery")),
    responses((status = 200, description = "As it was cancelled", body = Recovery)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: RecoveryId = call.id().await?;
    let recovery = cancel_recovery(call.context(), &caller, id).await?;
    reply::ok(&recovery.to_wire())
}
