//! `POST /v1/notification/delivery/:id/resend`.

use heraldo_domain::ops::deliveries::resend;
use heraldo_wire::api::{ResendAnswer, Scope};
use heraldo_wire::id::DeliveryId;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Makes one more attempt now
///
/// Whatever the delivery's state. The body may be empty.
#[utoipa::path(
    post,
    path = "/v1/notification/delivery/{id}/resend",
    operation_id = "resendDelivery",
    tag = "deliveries",
    params(("id" = DeliveryId, Path, description = "The delivery")),
    responses((status = 202, description = "It is on its way", body = ResendAnswer)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: DeliveryId = call.id().await?;
    call.json::<serde::de::IgnoredAny>().await?;
    reply::json(
        StatusCode::ACCEPTED,
        &resend(call.context(), &caller, id).await?,
    )
}
