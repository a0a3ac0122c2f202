//! Says that an inspection gets no more photos (contract 1.3, E15).

use heraldo_wire::api::MessageAnswer;
use heraldo_wire::id::InspectionId;
use heraldo_wire::problem::Problem;

use super::inputs::check_finish;
use super::{Context, problem_of};
use crate::account::Caller;
use crate::inspection::{Command, Inspection, State};

/// Finishes a started inspection; with no photo left to look at it completes at once.
///
/// # Errors
/// `not_found`; `invalid_input` when an input is missing that the template requires; `conflict` when its
/// status is not `started`, `inspection_expired` when it lapsed; the store's.
pub async fn finish(
    context: &Context,
    caller: &Caller,
    id: InspectionId,
) -> Result<MessageAnswer, Problem> {
    let inspection = context.own(caller, id).await?;
    finish_this(context, inspection).await?;
    Ok(MessageAnswer::new("Inspection finished"))
}

/// Finishes an inspection that whoever asks may finish.
pub(super) async fn finish_this(context: &Context, inspection: Inspection) -> Result<(), Problem> {
    // What is there stays there, so this needs no second look when somebody else is at it too.
    if matches!(inspection.state, State::Started { .. }) && !inspection.has_lapsed(context.now()) {
        let template = context.template_of(&inspection).await.map_err(problem_of)?;
        check_finish(&template, &inspection)?;
    }
    context.carry_out(inspection, &Command::Finish).await?;
    Ok(())
}
