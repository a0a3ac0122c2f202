//! `POST /v1/inspection/:id/access` (contract 8.2 "`/access`"): no key, the consumer's own call.

use heraldo_domain::ops::enter_access_code::{Access, enter_access_code};
use heraldo_wire::api::{AccessAnswer, AccessRequest};
use heraldo_wire::id::InspectionId;

use crate::call::{Call, Outcome};
use crate::extract::parse;
use crate::reply;

/// Anybody may send it, so that it is small.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Enters the access code
///
/// The right code starts the inspection, and is answered the same when it already was. Wrong ones are
/// counted until the inspection is blocked; after the start, until it takes no more codes, while whoever is in
/// goes on.
#[utoipa::path(
    post,
    path = "/v1/inspection/{id}/access",
    operation_id = "enterAccessCode",
    tag = "inspections",
    params(("id" = InspectionId, Path, description = "The inspection")),
    request_body = AccessRequest,
    responses((status = 200, description = "The code is right", body = AccessAnswer)),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let id: InspectionId = call.id().await?;
    let request: AccessRequest = parse(&call.json_bytes(BODY_BYTES_MAX).await?)?;
    let code = request.access_code.reveal().trim();
    let look = call.look_at_code().await?;
    let entered = enter_access_code(call.context(), id, code).await;
    if !matches!(entered, Ok(Access::Wrong(_))) {
        look.forgive();
    }
    match entered? {
        Access::Granted(answer) => reply::ok(&answer),
        Access::Wrong(problem) => Err(problem.into()),
    }
}
