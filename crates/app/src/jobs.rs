//! Runs stored jobs when they come due, a few at a time.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use heraldo_domain::job::{Job, Task};
use heraldo_domain::ops::Context;
use heraldo_domain::ops::jobs;
use heraldo_domain::ports::JobBell;
use heraldo_wire::id::JobId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Jobs under way at once: most of them wait for a file, a processor thread or somebody else's server.
const UNDER_WAY_MAX: usize = 16;
/// Of them recoveries, which wait for their webhooks.
const RECOVERIES_UNDER_WAY_MAX: usize = 8;
/// Jobs looked at in one go; more than can be under way, so that those that are hide no others.
const LOOK: u32 = 256;
/// How long a failing store is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// The longest sleep: a clock that is set is noticed after it.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// Wakes the runner.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl JobBell for Bell {
    fn ring(&self) {
        self.0.notify_one();
    }
}

/// Runs jobs until `stopping`; those under way are then left, and run again at the next start.
pub async fn run(context: Context, bell: Arc<Bell>, stopping: CancellationToken) {
    let mut running = HashSet::new();
    let mut recovering = HashSet::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        let pause = match context.store.jobs(LOOK).await {
            Ok(jobs) => {
                let now = context.clock.now();
                let mut pause = SLEEP_MAX;
                for job in jobs {
                    if running.contains(&job.id) {
                        continue;
                    }
                    if job.due_at > now {
                        pause = job.due_at.since(now).min(SLEEP_MAX);
                        break;
                    }
                    if running.len() >= UNDER_WAY_MAX {
                        break;
                    }
                    if matches!(job.task, Task::Recover { .. }) {
                        if recovering.len() >= RECOVERIES_UNDER_WAY_MAX {
                            continue;
                        }
                        recovering.insert(job.id);
                    }
                    running.insert(job.id);
                    under_way.push(one(&context, job));
                }
                pause
            }
            Err(error) => {
                tracing::warn!(%error, "jobs cannot be read; trying again");
                STORE_PAUSE
            }
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = bell.0.notified() => {}
            Some(id) = under_way.next(), if !under_way.is_empty() => {
                running.remove(&id);
                recovering.remove(&id);
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Runs one job; whatever happens to it happens to it alone.
async fn one(context: &Context, job: Job) -> JobId {
    let (id, task, failures) = (job.id, job.task, job.failures);
    match AssertUnwindSafe(jobs::run(context, job))
        .catch_unwind()
        .await
    {
        Ok(Ok(())) => {}
        Ok(Err(failed)) => {
            tracing::warn!(job = %id, ?task, failures, reason = %failed, "a job failed; unless it was given up, it will be tried again");
            // Should its next try not have been planned, it is still due.
            tokio::time::sleep(STORE_PAUSE).await;
        }
        Err(_panic) => {
            tracing::error!(job = %id, ?task, "a job broke an invariant; it is tried again after a pause");
            tokio::time::sleep(STORE_PAUSE).await;
        }
    }
    id
}
