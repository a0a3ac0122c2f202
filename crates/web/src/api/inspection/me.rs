//! `GET /v1/inspection/me` (contract 1.3, E29), and what it shares with `GET /v1/inspection/all`.

use heraldo_domain::ops::not_found;
use heraldo_domain::ops::user_lists::{Whose, user_inspections};
use heraldo_domain::query::InspectionFilter;
use heraldo_wire::api::{OauthScope, UserInspectionListAnswer, UserInspectionListQuery};
use heraldo_wire::problem::ProblemCode;

use crate::call::{Call, Outcome};
use crate::extract::limit;
use crate::reply;

/// Lists the inspections that the user made, newest first
#[utoipa::path(
    get,
    path = "/v1/inspection/me",
    operation_id = "listOwnInspections",
    tag = "oauth",
    params(UserInspectionListQuery),
    responses((status = 200, description = "One page", body = UserInspectionListAnswer)),
    security(("accessToken" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    list(call, Whose::Own).await
}

/// One page of a user's list.
pub async fn list(call: &mut Call, whose: Whose) -> Outcome {
    let user = call.user(OauthScope::Inspections).await?;
    let query: UserInspectionListQuery = call.query()?;
    let membership = match query.membership_id.as_deref() {
        // What a template writes for a variable that is not set (contract E29).
        None | Some("undefined") => {
            return Err(ProblemCode::InvalidParameter
                .problem(
                    "`membershipId` is missing; send one of `GET /v1/account/membership/authenticated`",
                )
                .into());
        }
        Some(text) => text.parse().map_err(|_| not_found())?,
    };
    let limit = limit(query.limit)?;
    let page = query.page.unwrap_or(1);
    if page == 0 {
        return Err(ProblemCode::InvalidParameter
            .problem("`page` counts from 1")
            .into());
    }
    let filter = InspectionFilter {
        status: query.status,
        veredict: query.veredict,
        from: query.from,
        to: query.to,
        search: query.search,
        ..InspectionFilter::default()
    };
    let user_id = user.user_id;
    let context = call.context();
    reply::ok(&user_inspections(context, user_id, membership, whose, filter, page, limit).await?)
}
