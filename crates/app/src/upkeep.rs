//! What is done again and again beside the requests: ending lapsed inspections, forgetting old answers
//! and tokens, noting when keys were used, deleting events that were kept long enough.

use std::time::{Duration, Instant};

use heraldo_domain::ops::accounts::write_key_uses;
use heraldo_domain::ops::{Context, problem_of, sweep::expire_lapsed};
use heraldo_domain::retention::Slice;
use heraldo_wire::problem::Problem;
use tokio_util::sync::CancellationToken;

/// Inspections ended in one go.
const BATCH: u32 = 500;
/// Rows deleted in one go, which holds the writer for a few milliseconds.
const SLICE_ROWS: u32 = 128;
/// The same of bodies, whose every 4 KiB is a page more to free.
const SLICE_BODY_BYTES: u64 = 1 << 20;
/// Between two slices others write for so many times as long as a slice took.
const PAUSE: u32 = 3;
/// How often what is old enough is looked for: so many times in the time for which it is kept, within these.
const DELETE_ROUNDS: u32 = 20;
const DELETE_INTERVAL_MIN: Duration = Duration::from_millis(100);
const DELETE_INTERVAL_MAX: Duration = Duration::from_secs(600);
const FORGET_INTERVAL: Duration = Duration::from_secs(3_600);
const KEY_USE_INTERVAL: Duration = Duration::from_secs(60);

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

/// Writes when keys were last used, once a minute at most, until `stopping`.
pub async fn note_key_uses(context: Context, stopping: CancellationToken) {
    let mut said = None;
    while waited(KEY_USE_INTERVAL, &stopping).await {
        let noted = write_key_uses(&context).await;
        say(
            &mut said,
            noted,
            "cannot write when keys were last used; trying again",
        );
    }
}

async fn all_expired(context: &Context, stopping: &CancellationToken) -> Result<(), Problem> {
    let now = context.clock.now();
    loop {
        let begun = Instant::now();
        let forgotten = context.store.forget_expired(now, SLICE_ROWS).await;
        let more = forgotten.map_err(problem_of)? >= SLICE_ROWS;
        if !more || !waited(begun.elapsed() * PAUSE, stopping).await {
            return Ok(());
        }
    }
}

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Events with their deliveries and attempts.
    pub events: Duration,
    pub audit: Duration,
}

/// Deletes what was kept long enough, in slices, until `stopping`.
pub async fn delete_old(context: Context, kept: Kept, stopping: CancellationToken) {
    let shorter = kept.events.min(kept.audit);
    let interval = (shorter / DELETE_ROUNDS).clamp(DELETE_INTERVAL_MIN, DELETE_INTERVAL_MAX);
    let mut said = None;
    loop {
        let deleted = all_old(&context, kept, &stopping).await;
        say(
            &mut said,
            deleted,
            "cannot delete events that were kept long enough; trying again",
        );
        if !waited(interval, &stopping).await {
            return;
        }
    }
}

async fn all_old(
    context: &Context,
    kept: Kept,
    stopping: &CancellationToken,
) -> Result<(), Problem> {
    let now = context.clock.now();
    let mut slice = Slice {
        before: now.minus(kept.events),
        after: None,
        rows_max: SLICE_ROWS,
        body_bytes_max: SLICE_BODY_BYTES,
    };
    let mut events = 0_u64;
    loop {
        let begun = Instant::now();
        let forgotten = context
            .store
            .forget_events(slice)
            .await
            .map_err(problem_of)?;
        events += u64::from(forgotten.events);
        slice.after = forgotten.after;
        if !forgotten.more || !waited(begun.elapsed() * PAUSE, stopping).await {
            break;
        }
    }
    if events > 0 {
        tracing::info!(events, "events that were kept long enough were deleted");
    }
    let before = now.minus(kept.audit);
    loop {
        let begun = Instant::now();
        let forgotten = context.store.forget_audit(before, SLICE_ROWS).await;
        let more = forgotten.map_err(problem_of)? >= SLICE_ROWS;
        if !more || !waited(begun.elapsed() * PAUSE, stopping).await {
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
