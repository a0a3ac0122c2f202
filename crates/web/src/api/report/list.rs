//! `GET /v1/inspection/:id/report/request` (contract 1.3, E18).

use heraldo_domain::ops::reports::list_reports;
use heraldo_wire::api::{ReportListAnswer, Scope};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Lists the report requests of an inspection, newest first
#[utoipa::path(
    get,
    path = "/v1/inspection/{id}/report/request",
    operation_id = "listReportRequests",
    tag = "reports",
    params(("id" = InspectionId, Path, description = "The inspection")),
    responses((status = 200, description = "All of them", body = ReportListAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    reply::ok(&list_reports(call.context(), &caller, id).await?)
}
