//! `POST /v1/inspection/<type>` (contract 1.3, E2 to E9): the busiest route.

use heraldo_domain::ops::create_inspection::create_inspection;
use heraldo_domain::ops::not_found;
use heraldo_wire::api::{CreateInspectionAnswer, CreateInspectionRequest, Scope};
use heraldo_wire::object::InspectionType;

use crate::call::{Call, Outcome};
use crate::extract::{MediaType, once, parse};
use crate::multipart::Form;
use crate::problem::Failure;
use crate::reply;

/// Creates an inspection
///
/// Takes JSON, or multipart with files first and the JSON in a part named `data` last. A user's access token, in
/// the `Authorization` header or as `access_token` in the body, wins over the API key, and makes that user the
/// producer.
#[utoipa::path(
    post,
    path = "/v1/inspection/car",
    operation_id = "createInspection",
    tag = "inspections",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    request_body(content(
        (CreateInspectionRequest = "application/json"),
        (CreateInspectionForm = "multipart/form-data"),
    )),
    responses((status = 201, description = "The inspection was created", body = CreateInspectionAnswer)),
    security(("apiKey" = ["inspections"]), ("accessToken" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller_or_user(Scope::Inspections).await;
    let kind = inspection_type(call)?;
    let token_may_come = !call.has_bearer();
    // Who has no key is let send a small body, because a token may lie in it, and no large one.
    let is_json = matches!(call.media_type(), Ok(MediaType::Json));
    let mut caller = match caller {
        Err(refused) if !(token_may_come && is_json) => return Err(refused),
        caller => caller,
    };
    let read = read(call).await;
    let token = read.as_ref().ok();
    let token = token.and_then(|(_, request)| request.access_token.as_ref());
    if let Some(token) = token.filter(|_| token_may_come) {
        caller = call.user_of_body(token).await;
    }
    let caller = caller?;
    let key = call.idempotency_key()?;
    let (form, request) = read?;
    let once = once(&caller, route(kind), key, form.content());
    let files = form.files.into_iter().map(Into::into).collect();
    let context = call.context();
    let answer = create_inspection(context, &caller, kind, request, files, once.as_ref()).await?;
    reply::answer(answer)
}

async fn read(call: &mut Call) -> Result<(Form, CreateInspectionRequest), Failure> {
    let form = call.json_and_files().await?;
    let request = parse(&form.data)?;
    Ok((form, request))
}

/// The multipart form of the request.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct CreateInspectionForm {
    /// The request as JSON; the last part.
    data: CreateInspectionRequest,
}

/// The last part of the path is one of the fixed words that the router knows.
fn inspection_type(call: &Call) -> Result<InspectionType, Failure> {
    let word = call.parts.uri.path().rsplit('/').next().unwrap_or_default();
    Ok(word.parse().map_err(|_| not_found())?)
}

const fn route(kind: InspectionType) -> &'static str {
    match kind {
        InspectionType::Car => "POST /v1/inspection/car",
        InspectionType::Moto => "POST /v1/inspection/moto",
        InspectionType::Bike => "POST /v1/inspection/bike",
        InspectionType::Machinery => "POST /v1/inspection/machinery",
        InspectionType::Goods => "POST /v1/inspection/goods",
        InspectionType::People => "POST /v1/inspection/people",
        InspectionType::Custom => "POST /v1/inspection/custom",
        InspectionType::Cellphone => "POST /v1/inspection/cellphone",
    }
}
