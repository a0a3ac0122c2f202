//! `GET /v1/inspection/template/oauth/list/all` (contract 1.3, E25).

use heraldo_domain::ops::templates::list;
use heraldo_domain::template::to_wire;
use heraldo_wire::api::{OauthScope, TemplateListQuery};
use heraldo_wire::object::Template;

use super::filter;
use crate::call::{Call, Outcome};
use crate::reply;

/// Lists the templates of the user's company: the built-in ones, then its own, newest first
#[utoipa::path(
    get,
    path = "/v1/inspection/template/oauth/list/all",
    operation_id = "listTemplatesWithOauth",
    tag = "oauth",
    params(TemplateListQuery),
    responses((status = 200, description = "All of them", body = Vec<Template>)),
    security(("accessToken" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let user = call.user(OauthScope::Inspections).await?;
    let query: TemplateListQuery = call.query()?;
    let templates = list(call.context(), user.company_id, filter(query)).await?;
    let templates: Vec<Template> = templates.iter().map(|template| to_wire(template)).collect();
    reply::ok(&templates)
}
