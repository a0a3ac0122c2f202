//! `GET /v1/inspection/:id/report/request/:reportId` (contract 1.3, E19).

use heraldo_domain::ops::reports::retrieve_report;
use heraldo_wire::api::{ReportRequest, Scope};
use heraldo_wire::id::{InspectionId, ReportId};

use crate::call::{Call, Outcome};
use crate::reply;

/// Reads a report request
///
/// Once it is completed, `result` holds the addresses of the report. Each answer has new ones, which live as
/// long as those of photos.
#[utoipa::path(
    get,
    path = "/v1/inspection/{id}/report/request/{reportId}",
    operation_id = "retrieveReportRequest",
    tag = "reports",
    params(
        ("id" = InspectionId, Path, description = "The inspection"),
        ("reportId" = ReportId, Path, description = "The report request"),
    ),
    responses((status = 200, description = "The report request", body = ReportRequest)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let (id, report_id): (InspectionId, ReportId) = call.ids().await?;
    reply::ok(&retrieve_report(call.context(), &caller, id, report_id).await?)
}
