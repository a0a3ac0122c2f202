//! `POST /v1/inspection/:id/access` (contract 8.2 "`/access`"): no key, the consumer's own call.

use heraldo_domain::ops::enter_access_code::{Access, enter_access_code};
use heraldo_wire::api::{AccessAnswer, AccessRequest};
use heraldo_wire::id::InspectionId;
use heraldo_wire::problem::ProblemCode;

use crate::call::{Call, Outcome};
use crate::extract::parse;
use crate::problem::Failure;
use crate::reply;

/// Anybody may send it, so that it is small.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Enters the access code
///
/// The right code starts the inspection, and is answered the same when it already was. Wrong ones are
/// counted until the inspection is blocked.
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
    // Before the code is tried: a guesser must not learn of a right one among too many.
    let (address, now) = (call.address(), call.now());
    call.state
        .wrong_codes
        .check(address, now)
        .map_err(too_many)?;
    let id: InspectionId = call.id().await?;
    let request: AccessRequest = parse(&call.json_bytes(BODY_BYTES_MAX).await?)?;
    let code = request.access_code.reveal().trim();
    match enter_access_code(call.context(), id, code).await? {
        Access::Granted(answer) => reply::ok(&answer),
        Access::Wrong(problem) => {
            call.state
                .wrong_codes
                .count(address, now)
                .map_err(too_many)?;
            Err(problem.into())
        }
    }
}

fn too_many(too_many: crate::limits::TooMany) -> Failure {
    Failure::too_many(ProblemCode::TooManyWrongCodes, "access codes", too_many)
}
