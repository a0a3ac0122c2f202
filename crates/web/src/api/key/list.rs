//! `GET /v1/account/key`.

use heraldo_domain::account;
use heraldo_domain::ops::accounts::list_keys;
use heraldo_wire::api::{ApiKey, CursorPage, Scope};

use crate::api::PageQuery;
use crate::call::{Call, Outcome};
use crate::extract::{cursor_page, page};
use crate::reply;

/// Lists the keys that are valid, newest first
#[utoipa::path(
    get,
    path = "/v1/account/key",
    operation_id = "listKeys",
    tag = "keys",
    params(PageQuery),
    responses((status = 200, description = "One page", body = CursorPage<ApiKey>)),
    security(("apiKey" = ["admin"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Admin]).await?;
    let query: PageQuery = call.query()?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let rows = list_keys(call.context(), caller.company_id, page).await?;
    reply::ok(&cursor_page(rows, &page, |key| key.id, show))
}

fn show(key: account::ApiKey) -> ApiKey {
    ApiKey {
        id: key.id,
        name: Some(key.name),
        hint: key.prefix,
        scopes: key.scopes,
        testing: key.testing,
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        revoked_at: None,
    }
}
