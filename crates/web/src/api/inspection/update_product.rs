//! `PUT /v1/inspection/<type>/:productId` (contract 1.3, E10).

use heraldo_domain::ops::not_found;
use heraldo_domain::ops::products::update_product;
use heraldo_wire::api::{MessageAnswer, Scope};
use heraldo_wire::id::ProductId;
use heraldo_wire::object::{InputValue, InspectionType, ProductAttributes};
use serde_json::{Map, Value};

use crate::call::{Call, Outcome};
use crate::extract::parse;
use crate::problem::Failure;
use crate::reply;

/// Says more about a product
///
/// Takes JSON with the attributes under the name of the type, or multipart with the JSON in the part `data`.
/// Those of machinery may come without the name. An empty `inputs` changes nothing.
#[utoipa::path(
    put,
    path = "/v1/inspection/car/{id}",
    operation_id = "updateProduct",
    tag = "inspections",
    params(("id" = ProductId, Path, description = "The product")),
    request_body(content(
        (UpdateProductRequest = "application/json"),
        (UpdateProductForm = "multipart/form-data"),
    )),
    responses((status = 200, description = "It is changed", body = MessageAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let id: ProductId = call.id().await?;
    let kind = inspection_type(call)?;
    let form = call.json_and_files().await?;
    let body: Map<String, Value> = parse(&form.data)?;
    let files = form.files.into_iter().map(Into::into).collect();
    reply::ok(&update_product(call.context(), &caller, kind, id, body, files).await?)
}

/// The body, for the description: the keys of the other types stand beside `car`.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct UpdateProductRequest {
    car: Option<ProductAttributes>,
    moto: Option<ProductAttributes>,
    bike: Option<ProductAttributes>,
    machinery: Option<ProductAttributes>,
    cellphone: Option<ProductAttributes>,
    inputs: Option<Vec<InputValue>>,
}

/// The multipart form of the request.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct UpdateProductForm {
    /// The request as JSON; the last part.
    data: UpdateProductRequest,
}

/// The last but one part of the path is one of the fixed words that the router knows.
fn inspection_type(call: &Call) -> Result<InspectionType, Failure> {
    let word = call.parts.uri.path().rsplit('/').nth(1).unwrap_or_default();
    Ok(word.parse().map_err(|_| not_found())?)
}
