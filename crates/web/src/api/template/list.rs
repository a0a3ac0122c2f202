//! `GET /v1/inspection/template` (contract 1.3, E22).

use heraldo_domain::ops::templates::list;
use heraldo_domain::template::to_wire;
use heraldo_wire::api::{Scope, TemplateListQuery};
use heraldo_wire::object::Template;

use super::filter;
use crate::call::{Call, Outcome};
use crate::reply;

/// Lists templates: the built-in ones, then the company's, newest first
#[utoipa::path(
    get,
    path = "/v1/inspection/template",
    operation_id = "listTemplates",
    tag = "templates",
    params(TemplateListQuery),
    responses((status = 200, description = "All of them", body = Vec<Template>)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let query: TemplateListQuery = call.query()?;
    let templates = list(call.context(), caller.company_id, filter(query)).await?;
    let templates: Vec<Template> = templates.iter().map(|template| to_wire(template)).collect();
    reply::ok(&templates)
}
