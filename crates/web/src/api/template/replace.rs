//! `PUT /v1/inspection/template/:id` (contract 8.2 "Templates").

use heraldo_domain::ops::templates::replace_template;
use heraldo_domain::template::to_wire;
use heraldo_wire::api::Scope;
use heraldo_wire::id::TemplateId;
use heraldo_wire::object::{Template, TemplateRequest};

use crate::call::{Call, Outcome};
use crate::reply;

/// Replaces a template
///
/// Inspections that were made with it keep what it was. `inspectionType` stays as it is; parts under the same
/// name keep their ids.
#[utoipa::path(
    put,
    path = "/v1/inspection/template/{id}",
    operation_id = "replaceTemplate",
    tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")),
    request_body = TemplateRequest,
    responses((status = 200, description = "The whole template as it now is", body = Template)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: TemplateId = call.id().await?;
    let request: TemplateRequest = call.json().await?;
    reply::ok(&to_wire(
        &replace_template(call.context(), &caller, id, request).await?,
    ))
}
