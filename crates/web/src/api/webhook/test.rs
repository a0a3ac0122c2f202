//! `POST /v1/notification/webhook/:id/test` (contract 8).

use heraldo_domain::ops::deliveries::test_webhook;
use heraldo_wire::api::{Scope, TestWebhookAnswer, TestWebhookRequest};
use heraldo_wire::id::WebhookId;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Sends a sample event to one webhook
///
/// It goes to this webhook alone, subscribed or not, with the header `autoinspector-test: true`.
#[utoipa::path(
    post,
    path = "/v1/notification/webhook/{id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path, description = "The webhook")),
    request_body = TestWebhookRequest,
    responses((status = 202, description = "It is on its way", body = TestWebhookAnswer)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: WebhookId = call.id().await?;
    let request: TestWebhookRequest = call.json().await?;
    let answer = test_webhook(call.context(), &caller, id, &request.event).await?;
    reply::json(StatusCode::ACCEPTED, &answer)
}
