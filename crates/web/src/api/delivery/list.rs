//! `GET /v1/notification/delivery`.

use heraldo_domain::ops::problem_of;
use heraldo_domain::query::{DeliveryFilter, DeliveryRecord};
use heraldo_wire::api::{CursorPage, DeliveryListQuery, DeliverySummary, Scope};

use super::{head, show_attempt};
use crate::call::{Call, Outcome};
use crate::extract::{cursor_page, page};
use crate::reply;

/// Lists deliveries, newest first
#[utoipa::path(
    get,
    path = "/v1/notification/delivery",
    operation_id = "listDeliveries",
    tag = "deliveries",
    params(DeliveryListQuery),
    responses((status = 200, description = "One page", body = CursorPage<DeliverySummary>)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let query: DeliveryListQuery = call.query()?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let filter = DeliveryFilter {
        webhook_id: query.webhook_id,
        status: query.status,
        event_type: query.event,
        event_id: None,
        inspection_id: query.inspection_id,
        from: query.from,
        to: query.to,
    };
    let rows = call
        .context()
        .store
        .deliveries(caller.company_id, filter, page)
        .await;
    reply::ok(&cursor_page(
        rows.map_err(problem_of)?,
        &page,
        |delivery| delivery.id,
        show,
    ))
}

pub fn show(delivery: DeliveryRecord) -> DeliverySummary {
    DeliverySummary {
        head: head(&delivery),
        attempt_count: delivery.attempt_count,
        last_attempt: delivery.last_attempt.map(show_attempt),
    }
}
