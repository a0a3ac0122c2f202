//! What is done again and again beside the requests: ending lapsed inspections, forgetting old answers
//! and tokens.

use std::time::Duration;

use heraldo_domain::ops::{Context, problem_of, sweep::expire_lapsed};
use heraldo_wire::problem::Problem;
use tokio_util::sync::CancellationToken;

/// Inspections ended, or answers and tokens forgotten, in one go.
const BATCH: u32 = 500;
const FORGET_INTERVAL: Duration = Duration::from_secs(3_600);

/// Ends inspections whose time is over, every `interval`, until `stopping`.
pub async fn sweep(context: Context, interval: Duration, stopping: CancellationToken) {
    let mut said = None;
    while waited(interval, &stopping).await {
        let swept = all_lapsed(&context, &stopping).await;
        say(
            &mut said,
            swept,
            "cannot end inspections whose time is over; trying again",
        );
    }
}

async fn all_lapsed(context: &Context, stopping: &CancellationToken) -> Result<(), Problem> {
    let full = usize::try_from(BATCH).unwrap_or(usize::MAX);
    while expire_lapsed(context, BATCH).await? >= full && !stopping.is_cancelled() {}
    Ok(())
}

/// Forgets idempotent answers and tokens that have expired, every hour, until `stopping`.
pub async fn forget(context: Context, stopping: CancellationToken) {
    let mut said = None;
    loop {
        let forgotten = all_expired(&context, &stopping).await;
        say(
            &mut said,
            forgotten,
            "cannot forget old answers and tokens; trying again",
        );
        if !waited(FORGET_INTERVAL, &stopping).await {
            return;
        }
    }
}

async fn all_expired(context: &Context, stopping: &CancellationToken) -> Result<(), Problem> {
    let now = context.clock.now();
    loop {
        let forgotten = context
            .store
            .forget_expired(now, BATCH)
            .await
            .map_err(problem_of)?;
        if forgotten < BATCH || stopping.is_cancelled() {
            return Ok(());
        }
    }
}

/// Whether the whole time passed; `false` when the server stops.
async fn waited(time: Duration, stopping: &CancellationToken) -> bool {
    tokio::select! {
        () = stopping.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// Logs a failure once, not every time that it happens again.
fn say(said: &mut Option<String>, done: Result<(), Problem>, sentence: &'static str) {
    match done {
        Ok(()) => *said = None,
        Err(problem) => {
            let why = problem.to_string();
            if said.as_ref() != Some(&why) {
                tracing::warn!(why, "{sentence}");
            }
            *said = Some(why);
        }
    }
}
