//! `POST /v1/account/oauth/exchange_code` (contract 1.3, E26).

use heraldo_domain::ops::oauth_tokens::exchange_code;
use heraldo_wire::api::{ExchangeCodeAnswer, ExchangeCodeRequest};

use super::counted;
use crate::call::{Call, Outcome};
use crate::reply;

/// Exchanges a code for an access token and a refresh token
///
/// A code works once, for 10 minutes. One that comes a second time is refused, and what it gave is taken back.
#[utoipa::path(
    post,
    path = "/v1/account/oauth/exchange_code",
    operation_id = "exchangeOauthCode",
    tag = "oauth",
    request_body = ExchangeCodeRequest,
    responses((status = 200, description = "The tokens", body = ExchangeCodeAnswer)),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let request: ExchangeCodeRequest = call.json().await?;
    match exchange_code(call.context(), &request).await {
        Ok(answer) => reply::ok(&answer),
        Err(problem) => Err(counted(call, problem)),
    }
}
