//! `POST /v1/inspection/image/token/:productId` (contract 1.3, E20).

use heraldo_domain::ops::images::generate_image_token;
use heraldo_wire::api::{ImageRequest, ImageTokenAnswer, Scope};
use heraldo_wire::id::ProductId;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Gives a token that uploads one photo without the API key
///
/// For browsers and phones: the token is good for one photo of this side of this product, within 15 minutes.
#[utoipa::path(
    post,
    path = "/v1/inspection/image/token/{id}",
    operation_id = "generateImageToken",
    tag = "images",
    params(("id" = ProductId, Path, description = "The product")),
    request_body = ImageRequest,
    responses((status = 201, description = "The token", body = ImageTokenAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: ProductId = call.id().await?;
    let request: ImageRequest = call.json().await?;
    let answer = generate_image_token(call.context(), &caller, id, request).await?;
    reply::json(StatusCode::CREATED, &answer)
}
