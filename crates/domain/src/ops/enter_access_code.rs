//! The consumer enters the access code (contract 5.3, 8.2 "`/access`").

use heraldo_wire::api::AccessAnswer;
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::InspectionStatus;
use heraldo_wire::problem::{Problem, ProblemCode};

use super::{Context, not_found, problem_of};
use crate::inspection::{Command, Reply};

/// What entering a code came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    Granted(AccessAnswer),
    /// Wrong: the caller's address is to be counted, and this is to be answered.
    Wrong(Problem),
}

/// Enters a code. The right one starts the inspection; wrong ones are counted until it is blocked, or, when
/// it has started, until it takes no more codes.
///
/// # Errors
/// `not_found`; `inspection_blocked` once the limit is used up; `inspection_expired` and `conflict` when
/// it has ended; the store's.
pub async fn enter_access_code(
    context: &Context,
    id: InspectionId,
    code: &str,
) -> Result<Access, Problem> {
    let inspection = context
        .store
        .inspection(id)
        .await
        .map_err(problem_of)?
        .ok_or_else(not_found)?;
    let command = Command::EnterCode(code.to_owned());
    let (_, reply) = context.carry_out(inspection, &command).await?;
    Ok(match reply {
        Reply::WrongCode { attempts_left } => Access::Wrong(
            ProblemCode::WrongAccessCode
                .problem(format!("the access code is wrong; attempts left: {attempts_left}"))
                .with("attemptsLeft", attempts_left),
        ),
        Reply::BlockedNow => Access::Wrong(
            ProblemCode::InspectionBlocked
                .problem("the access code is wrong, and that was the last attempt: the inspection is blocked")
                .with("attemptsLeft", 0),
        ),
        Reply::LockedNow => Access::Wrong(
            ProblemCode::InspectionBlocked
                .problem("the access code is wrong, and that was the last attempt: this inspection takes no more codes")
                .with("attemptsLeft", 0),
        ),
        Reply::Started
        | Reply::AlreadyStarted
        | Reply::Finished
        | Reply::Completed
        | Reply::Expired
        | Reply::Reviewed
        | Reply::Unchanged
        | Reply::ImageAdded(_)
        | Reply::ImageWaits
        | Reply::ImageProcessed
        | Reply::Described
        | Reply::ProductsAdded { .. } => Access::Granted(AccessAnswer { status: InspectionStatus::Started }),
    })
}
