//! Says that an inspection gets no more photos (contract 1.3, E15).

use heraldo_wire::api::MessageAnswer;
use heraldo_wire::id::InspectionId;
use heraldo_wire::problem::Problem;

use super::Context;
use crate::account::Caller;
use crate::inspection::Command;

/// Finishes a started inspection; with no photo left to look at it completes at once.
///
/// # Errors
/// `not_found`; `conflict` when its status is not `started`, `inspection_expired` when it lapsed; the
/// store's.
pub async fn finish(
    context: &Context,
    caller: &Caller,
    id: InspectionId,
) -> Result<MessageAnswer, Problem> {
    let inspection = context.own(caller, id).await?;
    context.carry_out(inspection, &Command::Finish).await?;
    Ok(MessageAnswer::new("Inspection finished"))
}
