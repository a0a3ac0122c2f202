//! `POST /v1/inspection/goods/:id`: two operations, told apart by their key (contract 1.3, E11).

use heraldo_domain::ops::products::{add_goods, update_good};
use heraldo_wire::api::{CreateInspectionAnswer, GoodsRequest, Scope};
use heraldo_wire::id::{InspectionId, ProductId};
use heraldo_wire::problem::ProblemCode;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Adds goods, or says more about one
///
/// With `goods` the id is an inspection's, and the answer (201) names the new products in the order of the
/// request. With `good` it is a product's (200); `type` and `category` stay as they are.
#[utoipa::path(
    post,
    path = "/v1/inspection/goods/{id}",
    operation_id = "addOrUpdateGoods",
    tag = "inspections",
    params(("id" = InspectionId, Path, description = "The inspection, or the product")),
    request_body = GoodsRequest,
    responses(
        (status = 200, description = "The product is changed", body = CreateInspectionAnswer),
        (status = 201, description = "The goods were added", body = CreateInspectionAnswer),
    ),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: InspectionId = call.id().await?;
    let request: GoodsRequest = call.json().await?;
    let context = call.context();
    match (request.goods, request.good) {
        (Some(goods), None) => {
            let answer = add_goods(context, &caller, id, goods).await?;
            reply::json(StatusCode::CREATED, &answer)
        }
        (None, Some(good)) => {
            reply::ok(&update_good(context, &caller, ProductId(id.0), good).await?)
        }
        (Some(_), Some(_)) | (None, None) => Err(ProblemCode::InvalidBody
            .problem("send either `goods` (an array, to add them to the inspection) or `good` (an object, to change that product)")
            .into()),
    }
}
