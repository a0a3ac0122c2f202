//! `POST /v1/inspection/:id/review` (contract 8.2 "`/review`").

use heraldo_domain::ops::review::review;
use heraldo_wire::api::{ReviewAnswer, ReviewRequest, Scope};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Changes a completed inspection's result
#[utoipa::path(
    post,
    path = "/v1/inspection/{id}/review",
    operation_id = "reviewInspection",
    tag = "inspections",
    params(("id" = InspectionId, Path, description = "The inspection")),
    request_body = ReviewRequest,
    responses((status = 200, description = "The result as it now is", body = ReviewAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    let request: ReviewRequest = call.json().await?;
    reply::ok(&review(call.context(), &caller, id, request).await?)
}
