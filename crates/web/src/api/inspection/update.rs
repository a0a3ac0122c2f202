//! `PUT /v1/inspection/:id` (contract 1.3, E14).

use heraldo_domain::ops::update_inspection::update_inspection;
use heraldo_wire::api::{MessageAnswer, Scope, UpdateInspectionRequest};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::extract::parse;
use crate::reply;

/// Says more about an inspection
///
/// Takes JSON, or multipart with files named after their inputs and the JSON in the part `data`. The consumer
/// is merged field by field, the metadata key by key, the inputs by identifier.
#[utoipa::path(
    put,
    path = "/v1/inspection/{id}",
    operation_id = "updateInspection",
    tag = "inspections",
    params(("id" = InspectionId, Path, description = "The inspection")),
    request_body(content(
        (UpdateInspectionRequest = "application/json"),
        (UpdateInspectionForm = "multipart/form-data"),
    )),
    responses((status = 200, description = "It is changed", body = MessageAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    let form = call.json_and_files().await?;
    let request: UpdateInspectionRequest = parse(&form.data)?;
    let files = form.files.into_iter().map(Into::into).collect();
    reply::ok(&update_inspection(call.context(), &caller, id, request, files).await?)
}

/// The multipart form of the request.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct UpdateInspectionForm {
    /// The request as JSON; the last part.
    data: UpdateInspectionRequest,
}
