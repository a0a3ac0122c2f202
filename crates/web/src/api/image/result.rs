//! `POST /v1/inspection/image/:imageId/result` (contract 8.2 "Image result").

use heraldo_domain::ops::images::image_result;
use heraldo_wire::api::{ImageResultRequest, MessageAnswer, Scope};
use heraldo_wire::id::ImageId;

use crate::call::{Call, Outcome};
use crate::reply;

/// Takes an outside processor's word on one photo
///
/// Once: a second answer is refused. Of a check that Heraldo made too, this word counts. What it was asked and
/// does not say is taken as not valid, with confidence 0.
#[utoipa::path(
    post,
    path = "/v1/inspection/image/{id}/result",
    operation_id = "imageResult",
    tag = "images",
    params(("id" = ImageId, Path, description = "The photo")),
    request_body = ImageResultRequest,
    responses((status = 200, description = "It counts", body = MessageAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: ImageId = call.id().await?;
    let request: ImageResultRequest = call.json().await?;
    reply::ok(&image_result(call.context(), &caller, id, request).await?)
}
