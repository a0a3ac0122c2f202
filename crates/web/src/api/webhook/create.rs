//! `POST /v1/notification/webhook` (contract 1.3, E1).

use heraldo_domain::ops::webhooks::create_webhook;
use heraldo_wire::api::{CreateWebhookAnswer, CreateWebhookRequest, Scope};

use crate::call::{Call, Outcome};
use crate::extract::{once, parse};
use crate::reply;

const ROUTE: &str = "POST /v1/notification/webhook";

/// Creates a webhook
///
/// The secret is not in the answer; `GET /v1/notification/webhook/{id}/secret` shows it.
#[utoipa::path(
    post,
    path = "/v1/notification/webhook",
    operation_id = "createWebhook",
    tag = "webhooks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    request_body = CreateWebhookRequest,
    responses((status = 201, description = "The webhook was created", body = CreateWebhookAnswer)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let key = call.idempotency_key()?;
    let body = call.json_bytes(call.state.config.body_bytes_max).await?;
    let request: CreateWebhookRequest = parse(&body)?;
    let once = once(&caller, ROUTE, key, [&body[..]]);
    reply::answer(create_webhook(call.context(), &caller, request, once.as_ref()).await?)
}
