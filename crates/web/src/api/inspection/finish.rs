//! `POST /v1/inspection/finish/:id` (contract 1.3, E15).

use heraldo_domain::ops::finish::finish;
use heraldo_wire::api::{MessageAnswer, Scope};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Says that an inspection gets no more photos
///
/// The body may be empty or `{}`.
#[utoipa::path(
    post,
    path = "/v1/inspection/finish/{id}",
    operation_id = "finishInspection",
    tag = "inspections",
    params(("id" = InspectionId, Path, description = "The inspection")),
    responses((status = 200, description = "It is finished", body = MessageAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    call.json::<serde::de::IgnoredAny>().await?;
    reply::ok(&finish(call.context(), &caller, id).await?)
}
