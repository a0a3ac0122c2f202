//! `GET /openapi.json`.

use bytes::Bytes;
use heraldo_wire::headers::CONTENT_TYPE_JSON;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::{openapi_json, reply};

/// Describes the API
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describeApi",
    tag = "server",
    responses((status = 200, description = "This description", body = serde_json::Value)),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let text = call
        .state
        .openapi
        .get_or_init(|| Bytes::from(openapi_json()));
    Ok(reply::bytes(
        StatusCode::OK,
        CONTENT_TYPE_JSON,
        text.clone(),
    ))
}
