//! Runs jobs: each kind of task is a use case of its own.

use heraldo_wire::problem::Problem;

use super::{Context, image_jobs, recover_counts, recoveries, report_jobs};
use crate::change::{Change, Write};
use crate::job::{Job, Task};
use crate::store::StoreError;

/// Why a job did not get done; it is tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JobFailed(pub String);

impl From<Problem> for JobFailed {
    fn from(problem: Problem) -> Self {
        Self(problem.detail)
    }
}

impl From<StoreError> for JobFailed {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// Runs a job to its end, or plans its next try and says why.
///
/// # Errors
/// [`JobFailed`], after the next try was planned.
pub async fn run(context: &Context, job: Job) -> Result<(), JobFailed> {
    let outcome = match job.task {
        Task::ExamineImage {
            inspection_id,
            image_id,
        } => image_jobs::examine(context, &job, inspection_id, image_id).await,
        Task::AskProcessor {
            inspection_id,
            image_id,
        } => image_jobs::ask_processor(context, &job, inspection_id, image_id).await,
        Task::GiveUpOnProcessor {
            inspection_id,
            image_id,
        } => image_jobs::give_up(context, &job, inspection_id, image_id).await,
        Task::RenderReport { report_id } => report_jobs::render(context, &job, report_id).await,
        Task::CallBackReport { report_id } => {
            report_jobs::call_back(context, &job, report_id).await
        }
        Task::Recover { recovery_id } => recoveries::run(context, &job, recovery_id).await,
        Task::CountRecover { recover_count_id } => {
            recover_counts::run(context, &job, recover_count_id).await
        }
    };
    let Err(failed) = outcome else { return Ok(()) };
    let failures = job.failures.saturating_add(1);
    let next = Job {
        failures,
        due_at: context.now().plus(job.task.wait_after(failures)),
        ..job
    };
    let change = Change {
        writes: vec![Write::UpdateJob(next)],
        ..Change::default()
    };
    // When even this fails, the job stays due as it was.
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::NotFound) => Err(failed),
        Err(error) => Err(JobFailed(format!("{failed}; and {error}"))),
    }
}

/// Ends a job that has nothing (more) to do.
pub(super) async fn end(context: &Context, job: &Job) -> Result<(), JobFailed> {
    let change = Change {
        writes: vec![Write::EndJob(job.id)],
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
