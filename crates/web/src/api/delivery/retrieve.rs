//! `GET /v1/notification/delivery/:id`.

use heraldo_domain::ops::{not_found, problem_of};
use heraldo_wire::api::{Delivery, Scope};
use heraldo_wire::id::DeliveryId;

use super::{head, show_attempt};
use crate::call::{Call, Outcome};
use crate::reply;

/// Reads a delivery with all its attempts
#[utoipa::path(
    get,
    path = "/v1/notification/delivery/{id}",
    operation_id = "retrieveDelivery",
    tag = "deliveries",
    params(("id" = DeliveryId, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery", body = Delivery)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: DeliveryId = call.id().await?;
    let delivery = call
        .context()
        .store
        .delivery(caller.company_id, id)
        .await
        .map_err(problem_of)?;
    let delivery = delivery.ok_or_else(not_found)?;
    reply::ok(&Delivery {
        head: head(&delivery),
        attempts: delivery.attempts.into_iter().map(show_attempt).collect(),
    })
}
