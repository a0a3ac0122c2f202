//! `GET /v1/notification/webhook`.

use std::collections::HashMap;

use heraldo_domain::ops::{not_found, problem_of};
use heraldo_domain::query::Page;
use heraldo_wire::api::{CursorPage, Scope, Webhook};
use heraldo_wire::id::WebhookId;

use super::show;
use crate::api::{PageQuery, newest_first};
use crate::call::{Call, Outcome};
use crate::extract::{cursor_page, page};
use crate::reply;

/// Lists webhooks, newest first
#[utoipa::path(
    get,
    path = "/v1/notification/webhook",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(PageQuery),
    responses((status = 200, description = "One page", body = CursorPage<Webhook>)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let query: PageQuery = call.query()?;
    let page: Page<WebhookId> = page(query.limit, query.cursor.as_deref())?;
    let company = call
        .context()
        .store
        .company(caller.company_id)
        .await
        .map_err(problem_of)?;
    let company = company.ok_or_else(not_found)?;
    let rows = newest_first(company.webhooks.iter(), &page, |webhook| webhook.id);
    let ids = rows.iter().map(|webhook| webhook.id).collect();
    let failing = call.context().store.failing(ids).await;
    let failing: HashMap<_, _> = failing.map_err(problem_of)?.into_iter().collect();
    let server = &call.context().settings.webhook_defaults;
    reply::ok(&cursor_page(
        rows,
        &page,
        |webhook| webhook.id,
        |webhook| show(webhook, failing.get(&webhook.id), server),
    ))
}
