//! `POST /v1/inspection/:id/report/request` (contract 1.3, E17).

use heraldo_domain::ops::reports::request_report;
use heraldo_wire::api::{CreateReportAnswer, CreateReportRequest, Scope};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::extract::{once, parse};
use crate::reply;

const ROUTE: &str = "POST /v1/inspection/:id/report/request";

/// Asks for a report of an inspection
///
/// It is written as the inspection is when its turn comes, in every status. The body may be empty.
#[utoipa::path(
    post,
    path = "/v1/inspection/{id}/report/request",
    operation_id = "createReportRequest",
    tag = "reports",
    params(
        ("id" = InspectionId, Path, description = "The inspection"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again"),
    ),
    request_body = Option<CreateReportRequest>,
    responses((status = 201, description = "The report request", body = CreateReportAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    let key = call.idempotency_key()?;
    let body = call.json_bytes(call.state.config.body_bytes_max).await?;
    let request: CreateReportRequest = parse(&body)?;
    let once = once(&caller, ROUTE, key, [&id.0.as_bytes()[..], &body]);
    reply::answer(request_report(call.context(), &caller, id, request, once.as_ref()).await?)
}
