//! `POST /v1/inspection/presign/detail/:id` (contract 1.3, E16).

use heraldo_domain::ops::detail::presign_detail;
use heraldo_wire::api::{PresignAnswer, PresignRequest, Scope};
use heraldo_wire::id::InspectionId;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Makes a link to the detail page of an inspection
///
/// Whoever has the link may read the page until it expires. Works in every status. The body may be empty.
#[utoipa::path(
    post,
    path = "/v1/inspection/presign/detail/{id}",
    operation_id = "presignDetail",
    tag = "reports",
    params(("id" = InspectionId, Path, description = "The inspection")),
    request_body = Option<PresignRequest>,
    responses((status = 201, description = "The link", body = PresignAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    let request: PresignRequest = call.json().await?;
    let answer = presign_detail(call.context(), &caller, id, request).await?;
    reply::json(StatusCode::CREATED, &answer)
}
