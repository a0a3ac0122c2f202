//! `GET /v1/notification/event`.

use heraldo_domain::ops::problem_of;
use heraldo_domain::query::EventFilter;
use heraldo_wire::api::{CursorPage, Event, EventListQuery, Scope};

use super::show;
use crate::call::{Call, Outcome};
use crate::extract::{cursor_page, page};
use crate::reply;

/// Lists events with their exact bodies, newest first
#[utoipa::path(
    get,
    path = "/v1/notification/event",
    operation_id = "listEvents",
    tag = "events",
    params(EventListQuery),
    responses((status = 200, description = "One page", body = CursorPage<Event>)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let query: EventListQuery = call.query()?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let filter = EventFilter {
        event_type: query.kind,
        inspection_id: query.inspection_id,
        from: query.from,
        to: query.to,
    };
    let rows = call
        .context()
        .store
        .events(caller.company_id, filter, page)
        .await;
    reply::ok(&cursor_page(
        rows.map_err(problem_of)?,
        &page,
        |event| event.id,
        show,
    ))
}
