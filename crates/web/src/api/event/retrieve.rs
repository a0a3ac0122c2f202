//! `GET /v1/notification/event/:id`.

use heraldo_domain::ops::{not_found, problem_of};
use heraldo_wire::api::{Event, Scope};
use heraldo_wire::id::EventId;

use super::show;
use crate::call::{Call, Outcome};
use crate::reply;

/// Reads an event with its exact body
#[utoipa::path(
    get,
    path = "/v1/notification/event/{id}",
    operation_id = "retrieveEvent",
    tag = "events",
    params(("id" = EventId, Path, description = "The event: the `webhook-id` of its deliveries")),
    responses((status = 200, description = "The event", body = Event)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: EventId = call.id().await?;
    let event = call
        .context()
        .store
        .event(caller.company_id, id)
        .await
        .map_err(problem_of)?;
    reply::ok(&show(event.ok_or_else(not_found)?))
}
