//! Runs stored jobs when they come due, a few at a time.

mod room;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use heraldo_domain::job::{Due, Job};
use heraldo_domain::ops::Context;
use heraldo_domain::ops::jobs;
use heraldo_domain::ports::JobBell;
use heraldo_domain::store::Store;
use heraldo_wire::id::JobId;
use heraldo_wire::time::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use room::{Awaits, Room};

/// Jobs read in one go.
const PAGE: u32 = 256;
/// How long jobs that wait for others are passed over without another look.
const PASS_OVER: Duration = Duration::from_secs(60);
/// A job is stored at most so long after it was due, but for clocks that are set: what came due later than this
/// is not passed over yet, because another may come to stand before it.
const COMMIT_MAX: Duration = Duration::from_secs(10);
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
    let mut look = Look::default();
    let mut under_way = FuturesUnordered::new();
    loop {
        let (found, pause) = look.look(&*context.store, context.clock.now()).await;
        for job in found {
            under_way.push(one(&context, job));
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = bell.0.notified() => {}
            Some(job) = under_way.next(), if !under_way.is_empty() => look.ended(&job),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Which jobs are under way, and where to look for more.
#[derive(Debug, Default)]
struct Look {
    running: HashSet<JobId>,
    room: Room,
    passed_over: Option<PassedOver>,
}

/// A stretch at the head of the order in which every job waits for somebody else's server. However long it is,
/// it is not read again and again to find what does not.
#[derive(Debug, Clone, Copy)]
struct PassedOver {
    up_to: Due,
    /// Then all of it is looked at once more.
    until: Timestamp,
}

impl Look {
    /// The due jobs that there is room for, which are then under way, and how long to wait for the next.
    async fn look(&mut self, store: &dyn Store, now: Timestamp) -> (Vec<Job>, Duration) {
        self.passed_over = self.passed_over.filter(|passed| now < passed.until);
        let mut found = Vec::new();
        let (mut after, mut is_head) = (None, true);
        let pause = 'pages: loop {
            let jobs = match store.jobs(after, PAGE).await {
                Ok(jobs) => jobs,
                Err(error) => {
                    tracing::warn!(%error, "jobs cannot be read; trying again");
                    break STORE_PAUSE;
                }
            };
            for job in &jobs {
                if job.due_at > now {
                    break 'pages job.due_at.since(now).min(SLEEP_MAX);
                }
                is_head &= Awaits::of(job.task) != Awaits::Ourselves
                    && now.since(job.due_at) >= COMMIT_MAX;
                if is_head {
                    self.pass_over(job.due(), now);
                }
                if !self.running.contains(&job.id) && self.room.enter(job) {
                    self.running.insert(job.id);
                    found.push(job.clone());
                }
            }
            if jobs.len() < PAGE as usize || !self.room.has_place(Awaits::Ourselves) {
                break SLEEP_MAX;
            }
            // The first page has work for the places of those who wait for others; behind it our own counts.
            let passed = self.passed_over.map(|passed| passed.up_to);
            after = jobs.last().map(Job::due).max(passed);
        };
        (found, pause)
    }

    fn pass_over(&mut self, due: Due, now: Timestamp) {
        let passed = self.passed_over.get_or_insert(PassedOver {
            up_to: due,
            until: now.plus(PASS_OVER),
        });
        passed.up_to = passed.up_to.max(due);
    }

    fn ended(&mut self, job: &Job) {
        self.running.remove(&job.id);
        self.room.leave(job);
    }
}

/// Runs one job; whatever happens to it happens to it alone.
async fn one(context: &Context, job: Job) -> Job {
    let (id, task, failures) = (job.id, job.task, job.failures);
    match AssertUnwindSafe(jobs::run(context, job.clone()))
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
    job
}

#[cfg(test)]
mod tests;
