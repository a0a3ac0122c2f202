//! `POST /v1/inspection/:id/children` (contract 5.4, 8.2 "`/children`").

use heraldo_domain::ops::children::create_child;
use heraldo_wire::api::{ChildrenRequest, CreateInspectionAnswer, Scope};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::extract::{once, parse};
use crate::reply;

const ROUTE: &str = "POST /v1/inspection/:id/children";

/// Makes a new inspection from an expired one
///
/// The body may be empty.
#[utoipa::path(
    post,
    path = "/v1/inspection/{id}/children",
    operation_id = "createChildInspection",
    tag = "inspections",
    params(
        ("id" = InspectionId, Path, description = "The inspection that expired"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again"),
    ),
    request_body = Option<ChildrenRequest>,
    responses((status = 201, description = "The new inspection", body = CreateInspectionAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    let key = call.idempotency_key()?;
    let body = call.json_bytes(call.state.config.body_bytes_max).await?;
    let request: ChildrenRequest = parse(&body)?;
    let once = once(&caller, ROUTE, key, [&id.0.as_bytes()[..], &body]);
    reply::answer(create_child(call.context(), &caller, id, request, once.as_ref()).await?)
}
