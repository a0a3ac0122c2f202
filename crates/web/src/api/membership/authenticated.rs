//! `GET /v1/account/membership/authenticated` (contract 1.3, E28).

use heraldo_domain::ops::user_lists::memberships;
use heraldo_wire::api::{Membership, OauthScope};

use crate::call::{Call, Outcome};
use crate::reply;

/// Lists the companies that the user belongs to
#[utoipa::path(
    get,
    path = "/v1/account/membership/authenticated",
    operation_id = "listMemberships",
    tag = "oauth",
    responses((status = 200, description = "Every membership, oldest first", body = [Membership])),
    security(("accessToken" = ["memberships"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let user = call.user(OauthScope::Memberships).await?;
    reply::ok(&memberships(call.context(), user.user_id).await?)
}
