//! A reviewer changes a completed inspection's result (contract 8.2 "`/review`").

use heraldo_wire::api::{ReviewAnswer, ReviewRequest};
use heraldo_wire::id::InspectionId;
use heraldo_wire::problem::{Problem, ProblemCode};

use super::Context;
use super::accounts::entry;
use crate::account::Caller;
use crate::change::{AuditAction, AuditEntry};
use crate::inspection::Command;
use crate::inspection::machine::IMAGES_MAX;

/// A reason is at most this long.
const REASON_BYTES_MAX: usize = 2_048;

/// Sets the result; what already held changes nothing and fires nothing.
///
/// # Errors
/// `invalid_body` without a verdict or with photos it does not have; `not_found`; `conflict` before it is
/// completed; the store's.
pub async fn review(
    context: &Context,
    caller: &Caller,
    id: InspectionId,
    request: ReviewRequest,
) -> Result<ReviewAnswer, Problem> {
    let inspection = context.own(caller, id).await?;
    if request
        .reason
        .as_ref()
        .is_some_and(|reason| reason.len() > REASON_BYTES_MAX)
    {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`reason` is longer than {REASON_BYTES_MAX} bytes; shorten it"
        )));
    }
    let command = match (request.veredict, request.images) {
        (Some(veredict), None) => Command::Review {
            veredict: veredict.into(),
            reason: request.reason,
        },
        (None, Some(images)) if images.len() <= IMAGES_MAX => Command::ReviewImages {
            approved: images
                .into_iter()
                .map(|image| (image.id, image.approved))
                .collect(),
            reason: request.reason,
        },
        (None, Some(_)) => {
            return Err(ProblemCode::InvalidBody.problem(format!(
                "`images` names more than the {IMAGES_MAX} photos that an inspection may have"
            )));
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(ProblemCode::InvalidBody
                .problem("send either `veredict` (approved or disapproved) or `images`"));
        }
    };
    let before = inspection.veredict();
    let detail = decided(&command);
    let audit = |now| AuditEntry {
        detail: detail.clone(),
        ..entry(
            context,
            caller.company_id,
            caller.actor,
            AuditAction::InspectionReviewed,
            id,
            now,
        )
    };
    let (after, _) = context
        .carry_out_audited(inspection, &command, &audit)
        .await?;
    let message = if after.veredict() == before {
        "Nothing to change"
    } else {
        "Inspection reviewed"
    };
    Ok(ReviewAnswer {
        message: message.to_owned(),
        veredict: after.veredict(),
    })
}

/// What was decided, for the audit log.
fn decided(command: &Command) -> Option<String> {
    match command {
        Command::Review { veredict, .. } => Some(format!("result: {veredict}")),
        Command::ReviewImages { approved, .. } => {
            let yes = approved.iter().filter(|(_, approved)| *approved).count();
            let no = approved.len() - yes;
            Some(format!("photos: {yes} approved, {no} disapproved"))
        }
        Command::EnterCode(_)
        | Command::Finish
        | Command::Complete(_)
        | Command::AddImage { .. }
        | Command::AddProducts(_)
        | Command::DescribeProduct { .. }
        | Command::Expire
        | Command::ExamineImage { .. }
        | Command::AnswerForImage { .. }
        | Command::GiveUpOnImage { .. }
        | Command::Describe(_) => None,
    }
}
