//! `GET /v1/inspection/template/preview` (contract 1.3, E23).

use heraldo_domain::ops::templates::list;
use heraldo_domain::template::to_preview;
use heraldo_wire::api::{Scope, TemplateListQuery};
use heraldo_wire::object::Template;

use super::filter;
use crate::call::{Call, Outcome};
use crate::reply;

/// Lists templates without their schema, inputs and variables
#[utoipa::path(
    get,
    path = "/v1/inspection/template/preview",
    operation_id = "previewTemplates",
    tag = "templates",
    params(TemplateListQuery),
    responses((status = 200, description = "All of them", body = Vec<Template>)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let query: TemplateListQuery = call.query()?;
    let templates = list(call.context(), caller.company_id, filter(query)).await?;
    let templates = templates.iter().map(|template| to_preview(template));
    reply::ok(&templates.collect::<Vec<Template>>())
}
