//! `POST /v1/account/key`.

use heraldo_domain::ops::accounts::{KeyRequest, create_key};
use heraldo_wire::api::{CreateKeyAnswer, CreateKeyRequest, Scope};
use heraldo_wire::object::Confidential;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::reply;

/// Makes an API key
///
/// The answer is the only place where its text is shown.
#[utoipa::path(
    post,
    path = "/v1/account/key",
    operation_id = "createKey",
    tag = "keys",
    request_body = CreateKeyRequest,
    responses((status = 201, description = "The key", body = CreateKeyAnswer)),
    security(("apiKey" = ["admin"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Admin]).await?;
    let CreateKeyRequest {
        scopes,
        name,
        testing,
    } = call.json().await?;
    let request = KeyRequest {
        name,
        scopes,
        testing,
    };
    let key = create_key(call.context(), caller.company_id, caller.actor, request).await?;
    let answer = CreateKeyAnswer {
        id: key.id,
        api_key: Confidential::new(key.api_key.reveal()),
    };
    reply::json(StatusCode::CREATED, &answer)
}
