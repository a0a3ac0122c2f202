//! `POST /v1/notification/webhook/:id/recover`.

use heraldo_domain::ops::recoveries::{Asked, recover};
use heraldo_wire::api::{RecoverDryRunAnswer, RecoverRequest, Recovery, Scope};
use heraldo_wire::id::WebhookId;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Sends again what a webhook did not get in a time range
///
/// With `dryRun` it only counts. Otherwise it runs in the background, at a lower priority than what is fresh,
/// over restarts, until all is sent or it is cancelled; a webhook has one under way at most. Each event is
/// sent under the same `webhook-id` as before.
#[utoipa::path(
    post,
    path = "/v1/notification/webhook/{id}/recover",
    operation_id = "recoverWebhook",
    tag = "recoveries",
    params(("id" = WebhookId, Path, description = "The webhook")),
    request_body = RecoverRequest,
    responses(
        (status = 200, description = "What would be sent (`dryRun`)", body = RecoverDryRunAnswer),
        (status = 202, description = "It has begun", body = Recovery),
    ),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: WebhookId = call.id().await?;
    let request: RecoverRequest = call.json().await?;
    match recover(call.context(), &caller, id, &request).await? {
        Asked::Counted(counted) => reply::ok(&counted),
        Asked::Begun(recovery) => reply::json(StatusCode::ACCEPTED, &recovery.to_wire()),
    }
}
