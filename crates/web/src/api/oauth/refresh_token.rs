//! `POST /v1/account/oauth/refresh_token` (contract 1.3, E27).

use heraldo_domain::ops::oauth_tokens::refresh_token;
use heraldo_wire::api::{RefreshTokenAnswer, RefreshTokenRequest};

use super::counted;
use crate::call::{Call, Outcome};
use crate::reply;

/// Gives a new access token for a refresh token
///
/// The refresh token stays the same; it works for 30 days. `refreshToken` is taken for `refresh_token`.
#[utoipa::path(
    post,
    path = "/v1/account/oauth/refresh_token",
    operation_id = "refreshOauthToken",
    tag = "oauth",
    request_body = RefreshTokenRequest,
    responses((status = 200, description = "The access token", body = RefreshTokenAnswer)),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let request: RefreshTokenRequest = call.json().await?;
    match refresh_token(call.context(), &request).await {
        Ok(answer) => reply::ok(&answer),
        Err(problem) => Err(counted(call, problem)),
    }
}
