//! Ends inspections whose time is over (contract 5.4).

use heraldo_wire::problem::Problem;

use super::{Context, problem_of};
use crate::inspection::Command;

/// Ends up to `limit` lapsed inspections and returns how many there were: call it again while it
/// returns `limit`. One that somebody else changes meanwhile is left to them.
///
/// # Errors
/// The store's; what was ended before stays ended.
pub async fn expire_lapsed(context: &Context, limit: u32) -> Result<usize, Problem> {
    let lapsed = context
        .store
        .lapsed(context.now(), limit)
        .await
        .map_err(problem_of)?;
    let found = lapsed.len();
    let ended = lapsed
        .into_iter()
        .map(|inspection| context.carry_out(inspection, &Command::Expire));
    // All at once, so that the engine commits them together.
    for outcome in futures_util::future::join_all(ended).await {
        match outcome {
            Ok(_) => {}
            // It was finished, reviewed or expired by somebody else first.
            Err(problem) if problem.status() == 409 || problem.status() == 423 => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(found)
}
