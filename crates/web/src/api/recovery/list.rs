//! `GET /v1/notification/webhook/:id/recovery`.

use heraldo_domain::ops::recoveries::list_recoveries;
use heraldo_wire::api::{CursorPage, Recovery, Scope};
use heraldo_wire::id::WebhookId;

use crate::api::PageQuery;
use crate::call::{Call, Outcome};
use crate::extract::{cursor_page, page};
use crate::reply;

/// Lists the recoveries of a webhook, newest first
#[utoipa::path(
    get,
    path = "/v1/notification/webhook/{id}/recovery",
    operation_id = "listRecoveries",
    tag = "recoveries",
    params(("id" = WebhookId, Path, description = "The webhook"), PageQuery),
    responses((status = 200, description = "One page", body = CursorPage<Recovery>)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let id: WebhookId = call.id().await?;
    let query: PageQuery = call.query()?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let rows = list_recoveries(call.context(), &caller, Some(id), page).await?;
    reply::ok(&cursor_page(
        rows,
        &page,
        |recovery| recovery.id,
        |recovery| recovery.to_wire(),
    ))
}
