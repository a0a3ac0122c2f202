//! `GET /v1/inspection/:id` (contract 1.3, E12).

use heraldo_domain::inspection::to_wire;
use heraldo_domain::ops::{not_found, problem_of};
use heraldo_wire::api::{Inspection, Scope};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Reads an inspection
#[utoipa::path(
    get,
    path = "/v1/inspection/{id}",
    operation_id = "retrieveInspection",
    tag = "inspections",
    params(("id" = InspectionId, Path, description = "The inspection")),
    responses((status = 200, description = "The inspection", body = Inspection)),
    security(("apiKey" = ["inspections"]), ("accessToken" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller_or_user(Scope::Inspections).await?;
    let id: InspectionId = call.id().await?;
    let context = call.context();
    let found = context.store.inspection(id).await.map_err(problem_of)?;
    let inspection = found
        .filter(|inspection| inspection.company_id == caller.company_id)
        .ok_or_else(not_found)?;
    reply::ok(&to_wire(&inspection, &context.links, context.clock.now()))
}
