//! `POST /v1/inspection/template` (contract 8.2 "Templates").

use heraldo_domain::ops::templates::create_template;
use heraldo_wire::api::Scope;
use heraldo_wire::object::{Template, TemplateRequest};

use crate::call::{Call, Outcome};
use crate::extract::{once, parse};
use crate::reply;

const ROUTE: &str = "POST /v1/inspection/template";

/// Creates a template
///
/// Sides, identifiers and the template's name are each used once. An input without an `identifier` gets one.
#[utoipa::path(
    post,
    path = "/v1/inspection/template",
    operation_id = "createTemplate",
    tag = "templates",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    request_body = TemplateRequest,
    responses((status = 201, description = "The whole template", body = Template)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let key = call.idempotency_key()?;
    let body = call.json_bytes(call.state.config.body_bytes_max).await?;
    let request: TemplateRequest = parse(&body)?;
    let once = once(&caller, ROUTE, key, [&body[..]]);
    reply::answer(create_template(call.context(), &caller, request, once.as_ref()).await?)
}
