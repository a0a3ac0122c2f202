//! Counting what a recovery would send, for whoever looks at a page: a short range at once, a long one in a job.

use std::time::Duration;

use heraldo_wire::api::{RecoverCounts, RecoverRequest};
use heraldo_wire::id::{JobId, RecoverCountId, WebhookId};
use heraldo_wire::problem::Problem;

use super::jobs::{JobFailed, end};
use super::recoveries::{check, is_last, look};
use super::{Context, not_found, problem_of};
use crate::account::Caller;
use crate::change::{Change, Write};
use crate::job::{Job, Task};
use crate::query::Page;
use crate::record::{Record, RecordKind};
use crate::recover_count::{RecoverCount, Stage, Tally};
use crate::recovery::Range;
use crate::store::StoreError;

/// Reads and time that a look spends before it leaves the rest to the job.
const READS_AT_ONCE: u32 = 4;
const TIME_AT_ONCE: Duration = Duration::from_millis(10);
/// After so many reads the job writes down how far it has come, and hears that it was stopped.
const READS_PER_STEP: u32 = 100;
/// A look that meets another one, or a step of the job, is decided anew this often.
const TRIES: usize = 8;

/// What a count came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Everything is counted.
    Whole {
        range: Range,
        counted: RecoverCounts,
    },
    /// It takes longer, and goes on under this name.
    GoesOn(RecoverCountId),
}

/// Counts what there is to send again. A count of the same range that has not ended goes on from where it is.
///
/// # Errors
/// `not_found`; `invalid_body` for an empty range or one of the future; the store's.
pub async fn count(
    context: &Context,
    caller: &Caller,
    webhook_id: WebhookId,
    request: &RecoverRequest,
) -> Result<Looked, Problem> {
    let mut met = StoreError::Conflict;
    for _ in 0..TRIES {
        match try_count(context, caller, webhook_id, request).await? {
            Ok(looked) => return Ok(looked),
            Err(error) => met = error,
        }
    }
    Err(problem_of(met))
}

/// Once; the inner error: somebody else was first.
async fn try_count(
    context: &Context,
    caller: &Caller,
    webhook_id: WebhookId,
    request: &RecoverRequest,
) -> Result<Result<Looked, StoreError>, Problem> {
    let webhook = context.own_webhook(caller, webhook_id).await?;
    let now = context.now();
    let range = check(request, now)?;
    let subscribed = &webhook.settings.events;
    let company = caller.company_id;
    let newest = Page {
        limit: 1,
        before: None,
    };
    let kept = context.kept_page::<RecoverCount>(company, Some(webhook_id.0), newest);
    let kept = kept.await.map_err(problem_of)?.pop();
    let is_same = |kept: &RecoverCount| {
        let ends_alike = kept.range.to == range.to || (kept.is_open && request.to.is_none());
        kept.stage != Stage::Whole
            && ends_alike
            && kept.range.from == range.from
            && kept.range.statuses == range.statuses
            && kept.subscribed == *subscribed
    };
    if let Some(kept) = kept.filter(is_same) {
        if kept.stage == Stage::Counting {
            return Ok(Ok(Looked::GoesOn(kept.id)));
        }
        let next = kept.with(Stage::Counting, kept.tally.clone());
        let write = Write::UpdateRecord(Record::of(&next).map_err(problem_of)?);
        return begin(context, vec![write], &next).await;
    }
    let mut tally = Tally::default();
    for _ in 0..READS_AT_ONCE {
        let page = look(context, company, webhook_id, &range, tally.last).await;
        let page = page.map_err(problem_of)?;
        tally.take(&page, &range, subscribed);
        if is_last(context, &page) {
            return Ok(Ok(Looked::Whole {
                range,
                counted: tally.counted,
            }));
        }
        if context.now().since(now) >= TIME_AT_ONCE {
            break;
        }
    }
    let count = RecoverCount {
        id: RecoverCountId(context.next_id(now)),
        company_id: company,
        webhook_id,
        version: 1,
        range,
        is_open: request.to.is_none(),
        subscribed: subscribed.clone(),
        stage: Stage::Counting,
        tally,
        name: webhook_id.to_string(),
    };
    let writes = vec![
        // The count before it; its job finds it gone.
        Write::DeleteRecordsOf {
            company_id: company,
            kind: RecordKind::RecoverCount,
            subject: webhook_id.0,
        },
        Write::CreateRecord(Record::of(&count).map_err(problem_of)?),
    ];
    begin(context, writes, &count).await
}

async fn begin(
    context: &Context,
    mut writes: Vec<Write>,
    count: &RecoverCount,
) -> Result<Result<Looked, StoreError>, Problem> {
    let now = context.now();
    writes.push(Write::CreateJob(Job {
        id: JobId(context.next_id(now)),
        company_id: count.company_id,
        task: Task::CountRecover {
            recover_count_id: count.id,
        },
        due_at: now,
        failures: 0,
        created_at: now,
    }));
    let change = Change {
        writes,
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => {
            context.bell.ring();
            Ok(Ok(Looked::GoesOn(count.id)))
        }
        Err(error @ (StoreError::NameTaken | StoreError::Conflict | StoreError::NotFound)) => {
            Ok(Err(error))
        }
        Err(error) => Err(problem_of(error)),
    }
}

/// A count of the caller's company.
///
/// # Errors
/// `not_found`, also when a newer count of its webhook took its place; the store's.
pub async fn retrieve_count(
    context: &Context,
    caller: &Caller,
    id: RecoverCountId,
) -> Result<RecoverCount, Problem> {
    let count = context.kept::<RecoverCount>(id.0).await;
    let count = count.map_err(problem_of)?;
    count
        .filter(|count| count.company_id == caller.company_id)
        .ok_or_else(not_found)
}

/// Stops a count; what it has found so far stays. One that has ended stays as it is.
///
/// # Errors
/// `not_found`; the store's.
pub async fn stop_count(
    context: &Context,
    caller: &Caller,
    id: RecoverCountId,
) -> Result<(), Problem> {
    for _ in 0..TRIES {
        let count = retrieve_count(context, caller, id).await?;
        if count.stage != Stage::Counting {
            return Ok(());
        }
        let stopped = count.with(Stage::Stopped, count.tally.clone());
        let change = Change {
            writes: vec![Write::UpdateRecord(
                Record::of(&stopped).map_err(problem_of)?,
            )],
            ..Change::default()
        };
        match context.store.commit(change).await {
            Ok(_) => return Ok(()),
            // It went a step further, or made room for another, meanwhile.
            Err(StoreError::Conflict | StoreError::NotFound) => {}
            Err(error) => return Err(problem_of(error)),
        }
    }
    Err(problem_of(StoreError::Conflict))
}

/// Counts on until all is counted, it is stopped, or its webhook is gone.
pub(super) async fn run(context: &Context, job: &Job, id: RecoverCountId) -> Result<(), JobFailed> {
    loop {
        let count = context.kept::<RecoverCount>(id.0).await?;
        let Some(count) = count.filter(|count| count.stage == Stage::Counting) else {
            return end(context, job).await;
        };
        let view = context.view(count.company_id).await?;
        if view.webhook(count.webhook_id).is_none() {
            let write = Write::DeleteRecord(Record::of(&count)?);
            save(context, vec![write]).await?;
            continue;
        }
        let next = step(context, &count).await?;
        save(context, vec![Write::UpdateRecord(Record::of(&next)?)]).await?;
    }
}

async fn step(context: &Context, count: &RecoverCount) -> Result<RecoverCount, StoreError> {
    let (company, webhook) = (count.company_id, count.webhook_id);
    let mut tally = count.tally.clone();
    for _ in 0..READS_PER_STEP {
        let page = look(context, company, webhook, &count.range, tally.last).await?;
        tally.take(&page, &count.range, &count.subscribed);
        if is_last(context, &page) {
            return Ok(count.with(Stage::Whole, tally));
        }
    }
    Ok(count.with(Stage::Counting, tally))
}

/// When somebody else was first, nothing is written: whoever called reads it again.
async fn save(context: &Context, writes: Vec<Write>) -> Result<(), JobFailed> {
    let change = Change {
        writes,
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::Conflict | StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
