//! `GET /v1/inspection/all` (contract 1.3, E29).

use heraldo_domain::ops::user_lists::Whose;
use heraldo_wire::api::{UserInspectionListAnswer, UserInspectionListQuery};

use super::me::list;
use crate::call::{Call, Outcome};

/// Lists the inspections that the user or somebody invited by the user made, newest first
#[utoipa::path(
    get,
    path = "/v1/inspection/all",
    operation_id = "listOwnAndInvitedInspections",
    tag = "oauth",
    params(UserInspectionListQuery),
    responses((status = 200, description = "One page", body = UserInspectionListAnswer)),
    security(("accessToken" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    list(call, Whose::OwnAndInvited).await
}
