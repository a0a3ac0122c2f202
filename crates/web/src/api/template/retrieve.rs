//! `GET /v1/inspection/template/:id` (contract 1.3, E24).

use heraldo_domain::ops::templates::find;
use heraldo_domain::template::to_wire;
use heraldo_wire::api::Scope;
use heraldo_wire::id::TemplateId;
use heraldo_wire::object::Template;

use crate::call::{Call, Outcome};
use crate::reply;

/// Reads a template
#[utoipa::path(
    get,
    path = "/v1/inspection/template/{id}",
    operation_id = "retrieveTemplate",
    tag = "templates",
    params(("id" = TemplateId, Path, description = "The template, a built-in one or the company's")),
    responses((status = 200, description = "The template", body = Template)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: TemplateId = call.id().await?;
    reply::ok(&to_wire(
        &*find(call.context(), caller.company_id, id).await?,
    ))
}
