//! Recoveries: asked for, read, cancelled, and run as a job (contract 8).

use std::time::Duration;

use heraldo_wire::api::{
    RecoverCounts, RecoverDryRunAnswer, RecoverRequest, RecoverStatus, WebhookStatus,
};
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{
    AuditEntryId, CompanyId, DeliveryId, EventId, JobId, RecoveryId, WebhookId,
};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::jobs::{JobFailed, end};
use super::{Context, not_found, problem_of};
use crate::account::Caller;
use crate::change::{AuditAction, AuditEntry, Change, NewDelivery, Write};
use crate::job::{Job, Task};
use crate::query::{EventStanding, Page};
use crate::record::Record;
use crate::recover_count::Tally;
use crate::recovery::{Range, Recovery, STATUSES_DEFAULT, State, count, total};
use crate::store::StoreError;

/// While a recovery counts, it looks this often, in reads, whether it was cancelled.
const CANCEL_LOOK: u32 = 20;
/// How long a dry run counts.
const DRY_RUN_MAX: Duration = Duration::from_secs(10);
/// How long a recovery waits for its webhook before it lets other jobs go first.
const LULL_WAIT: Duration = Duration::from_millis(500);
/// A cancellation that meets a step of the recovery is decided anew this often.
const TRIES: usize = 64;

/// What a recovery that was asked for came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Counted(RecoverDryRunAnswer),
    Begun(Recovery),
}

/// Counts what there is to send again, or begins to send it.
///
/// # Errors
/// `not_found`; `invalid_body` for an empty range or one of the future; `conflict` when the webhook is disabled
/// or has a recovery under way; the store's.
pub async fn recover(
    context: &Context,
    caller: &Caller,
    webhook_id: WebhookId,
    request: &RecoverRequest,
) -> Result<Asked, Problem> {
    let webhook = context.own_webhook(caller, webhook_id).await?;
    let now = context.now();
    let range = check(request, now)?;
    if request.dry_run == Some(true) {
        let subscribed = &webhook.settings.events;
        return count_for(context, caller.company_id, webhook_id, &range, subscribed)
            .await
            .map(Asked::Counted);
    }
    if webhook.settings.status == WebhookStatus::Disabled {
        return Err(ProblemCode::Conflict
            .problem("the webhook is disabled; set its `status` to enabled, then recover"));
    }
    let id = RecoveryId(context.next_id(now));
    let recovery = Recovery::new(id, caller.company_id, webhook_id, range, now);
    let job = Job {
        id: JobId(context.next_id(now)),
        company_id: caller.company_id,
        task: Task::Recover { recovery_id: id },
        due_at: now,
        failures: 0,
        created_at: now,
    };
    let change = Change {
        writes: vec![
            Write::CreateRecord(Record::of(&recovery).map_err(problem_of)?),
            Write::CreateJob(job),
        ],
        audit: Some(audit(context, caller, AuditAction::RecoveryBegun, id, now)),
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => {
            context.bell.ring();
            Ok(Asked::Begun(recovery))
        }
        Err(StoreError::NameTaken) => Err(ProblemCode::Conflict.problem(
            "a recovery of this webhook is under way; wait until it has ended, or cancel it with DELETE \
             /v1/notification/recovery/:id",
        )),
        Err(error) => Err(problem_of(error)),
    }
}

/// A recovery of the caller's company.
///
/// # Errors
/// `not_found`; the store's.
pub async fn retrieve_recovery(
    context: &Context,
    caller: &Caller,
    id: RecoveryId,
) -> Result<Recovery, Problem> {
    context
        .kept::<Recovery>(id.0)
        .await
        .map_err(problem_of)?
        .filter(|recovery| recovery.company_id == caller.company_id)
        .ok_or_else(not_found)
}

/// One page of recoveries, newest first: those of one webhook, or of all of the caller's company, also of
/// webhooks that were deleted.
///
/// # Errors
/// `not_found`; the store's.
pub async fn list_recoveries(
    context: &Context,
    caller: &Caller,
    webhook_id: Option<WebhookId>,
    page: Page<RecoveryId>,
) -> Result<Vec<Recovery>, Problem> {
    if let Some(webhook_id) = webhook_id {
        context.own_webhook(caller, webhook_id).await?;
    }
    let page = page.with_cursor(|id| id.0);
    let subject = webhook_id.map(|id| id.0);
    let recoveries = context.kept_page(caller.company_id, subject, page).await;
    recoveries.map_err(problem_of)
}

/// Cancels a recovery: nothing more is enqueued. What is enqueued already is sent. One that was cancelled
/// before stays so.
///
/// # Errors
/// `not_found`; `conflict` when it has ended; the store's.
pub async fn cancel_recovery(
    context: &Context,
    caller: &Caller,
    id: RecoveryId,
) -> Result<Recovery, Problem> {
    for _ in 0..TRIES {
        let recovery = retrieve_recovery(context, caller, id).await?;
        match recovery.state {
            State::Counting | State::Running { .. } => {}
            State::Cancelled(_) => return Ok(recovery),
            State::Completed(_) | State::Stopped { .. } => {
                return Err(ProblemCode::Conflict
                    .problem("the recovery has ended; there is nothing to cancel"));
            }
        }
        let now = context.now();
        let cancelled = recovery.with(State::Cancelled(now));
        let change = Change {
            writes: vec![Write::UpdateRecord(
                Record::of(&cancelled).map_err(problem_of)?,
            )],
            audit: Some(audit(
                context,
                caller,
                AuditAction::RecoveryCancelled,
                id,
                now,
            )),
            ..Change::default()
        };
        match context.store.commit(change).await {
            Ok(_) => return Ok(cancelled),
            // It went a step further meanwhile.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(problem_of(error)),
        }
    }
    Err(problem_of(StoreError::Conflict))
}

fn audit(
    context: &Context,
    caller: &Caller,
    action: AuditAction,
    id: RecoveryId,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        id: AuditEntryId(context.next_id(now)),
        company_id: caller.company_id,
        actor: caller.actor,
        action,
        subject: id.to_string(),
        detail: None,
        at: now,
    }
}

pub(super) fn check(request: &RecoverRequest, now: Timestamp) -> Result<Range, Problem> {
    let invalid = |detail: &str| Err(ProblemCode::InvalidBody.problem(detail));
    let to = request.to.unwrap_or(now).min(now);
    if request.from >= now {
        return invalid("`from` lies in the future; name an instant that has passed");
    }
    if request.from >= to {
        return invalid("`from` is not before `to`; name a range in which time passes");
    }
    let mut statuses: Vec<RecoverStatus> = request
        .status
        .as_ref()
        .map_or(&STATUSES_DEFAULT[..], |statuses| statuses.as_slice())
        .to_vec();
    if statuses.is_empty() {
        return invalid("`status` is empty; name at least one, or leave it out");
    }
    let order = |status: &RecoverStatus| RecoverStatus::ALL.iter().position(|one| one == status);
    statuses.sort_by_key(order);
    statuses.dedup();
    Ok(Range {
        from: request.from,
        to,
        statuses,
    })
}

/// The next events of a range after this one, as they stand for the webhook.
pub(super) async fn look(
    context: &Context,
    company: CompanyId,
    webhook: WebhookId,
    range: &Range,
    after: Option<EventId>,
) -> Result<Vec<EventStanding>, StoreError> {
    let store = &context.store;
    store
        .standings(
            company,
            webhook,
            (range.from, range.to),
            after,
            context.settings.recovery_look_events,
        )
        .await
}

/// A page that is not full is the last one.
pub(super) fn is_last(context: &Context, page: &[EventStanding]) -> bool {
    let full = usize::try_from(context.settings.recovery_look_events);
    page.len() < full.unwrap_or(usize::MAX)
}

async fn count_for(
    context: &Context,
    company: CompanyId,
    webhook: WebhookId,
    range: &Range,
    subscribed: &[EventType],
) -> Result<RecoverDryRunAnswer, Problem> {
    let deadline = context.now().plus(DRY_RUN_MAX);
    let mut counted = RecoverCounts::default();
    let mut after = None;
    let made_at = |id: EventId| id.0.made_at();
    let counted_until = 'range: loop {
        let is_late = context.now() >= deadline;
        let page = look(context, company, webhook, range, after).await;
        let page = page.map_err(problem_of)?;
        for event in &page {
            // The events of one instant are counted all or none, so that the rest can be asked for.
            let at = made_at(event.event_id);
            if is_late && after.is_some_and(|last| made_at(last) < at) {
                break 'range Some(at);
            }
            if let Some(status) = range.pick(event, subscribed) {
                count(&mut counted, status);
            }
            after = Some(event.event_id);
        }
        if is_last(context, &page) {
            break None;
        }
    };
    Ok(RecoverDryRunAnswer {
        dry_run: true,
        from: range.from,
        to: range.to,
        status: range.statuses.clone(),
        counted,
        total: total(&counted),
        counted_until,
    })
}

/// Runs a recovery until it has ended or its webhook is busy with what is fresh.
pub(super) async fn run(
    context: &Context,
    job: &Job,
    recovery_id: RecoveryId,
) -> Result<(), JobFailed> {
    let mut vain = job.failures;
    loop {
        let Some(recovery) = context.kept::<Recovery>(recovery_id.0).await? else {
            return end(context, job).await;
        };
        let after = match recovery.state {
            State::Counting => {
                count_all(context, &recovery).await?;
                continue;
            }
            State::Running { after } => after,
            State::Completed(_) | State::Cancelled(_) | State::Stopped { .. } => {
                return end(context, job).await;
            }
        };
        let Some(subscribed) = subscribed(context, &recovery).await? else {
            continue;
        };
        if !context.lulls.lull(recovery.webhook_id, LULL_WAIT).await {
            return give_way(context, job, vain).await;
        }
        vain = 0;
        step(context, &recovery, after, &subscribed).await?;
    }
}

/// What the webhook is subscribed to. `None`: nothing may be sent to it any more, and the recovery was stopped
/// for that.
async fn subscribed(
    context: &Context,
    recovery: &Recovery,
) -> Result<Option<Vec<EventType>>, JobFailed> {
    let company = context.view(recovery.company_id).await?;
    let webhook = company.webhook(recovery.webhook_id);
    let why = match webhook.map(|webhook| webhook.settings.status) {
        Some(WebhookStatus::Enabled | WebhookStatus::Paused) => {
            return Ok(webhook.map(|webhook| webhook.settings.events.clone()));
        }
        Some(WebhookStatus::Disabled) => {
            "the webhook was disabled; enable it and recover the rest of the range"
        }
        None => "the webhook was deleted",
    };
    let stopped = recovery.with(State::Stopped {
        at: context.now(),
        why: why.to_owned(),
    });
    save(context, Vec::new(), &stopped).await?;
    Ok(None)
}

/// Counts the whole range, unless the recovery is cancelled meanwhile.
async fn count_all(context: &Context, recovery: &Recovery) -> Result<(), JobFailed> {
    let Some(subscribed) = subscribed(context, recovery).await? else {
        return Ok(());
    };
    let (company, webhook) = (recovery.company_id, recovery.webhook_id);
    let range = &recovery.range;
    let mut tally = Tally::default();
    let mut reads = 0_u32;
    loop {
        let page = look(context, company, webhook, range, tally.last).await?;
        tally.take(&page, range, &subscribed);
        if is_last(context, &page) {
            break;
        }
        reads = reads.wrapping_add(1);
        if reads.is_multiple_of(CANCEL_LOOK) && is_over(context, recovery.id).await? {
            return Ok(());
        }
    }
    let running = Recovery {
        counted: Some(tally.counted),
        ..recovery.with(State::Running { after: None })
    };
    save(context, Vec::new(), &running).await
}

async fn is_over(context: &Context, id: RecoveryId) -> Result<bool, JobFailed> {
    let recovery = context.kept::<Recovery>(id.0).await?;
    Ok(recovery.is_none_or(|recovery| recovery.has_ended()))
}

/// Enqueues the next deliveries, and writes in the same commit how far it has come.
async fn step(
    context: &Context,
    recovery: &Recovery,
    after: Option<EventId>,
    subscribed: &[EventType],
) -> Result<(), JobFailed> {
    let (company, webhook) = (recovery.company_id, recovery.webhook_id);
    let page = look(context, company, webhook, &recovery.range, after).await?;
    let now = context.now();
    let mut writes = Vec::new();
    let mut seen = after;
    for event in &page {
        if writes.len() >= context.settings.recovery_step_max {
            break;
        }
        seen = Some(event.event_id);
        if recovery.range.pick(event, subscribed).is_some() {
            writes.push(enqueue(context, recovery, event, now));
        }
    }
    let is_done =
        is_last(context, &page) && seen == page.last().map(|event| event.event_id).or(after);
    let state = if is_done {
        State::Completed(now)
    } else {
        State::Running { after: seen }
    };
    let enqueued = u64::try_from(writes.len()).unwrap_or(u64::MAX);
    let next = Recovery {
        enqueued: recovery.enqueued.saturating_add(enqueued),
        ..recovery.with(state)
    };
    save(context, writes, &next).await
}

fn enqueue(context: &Context, recovery: &Recovery, event: &EventStanding, now: Timestamp) -> Write {
    let company_id = recovery.company_id;
    match event.delivery {
        Some((delivery_id, _)) => Write::Resend {
            company_id,
            delivery_id,
            cause: Cause::Recover,
            now,
        },
        None => Write::CreateDelivery {
            company_id,
            event_id: event.event_id,
            delivery: NewDelivery {
                id: DeliveryId(context.next_id(now)),
                webhook_id: recovery.webhook_id,
                cause: Cause::Recover,
                strict: false,
            },
            now,
        },
    }
}

/// Writes the recovery's next version with what it enqueues. When somebody else was first, nothing is written:
/// whoever called reads it again.
async fn save(context: &Context, mut writes: Vec<Write>, next: &Recovery) -> Result<(), JobFailed> {
    writes.push(Write::UpdateRecord(Record::of(next)?));
    let change = Change {
        writes,
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The webhook is busy or paused: other jobs go first.
async fn give_way(context: &Context, job: &Job, vain: u32) -> Result<(), JobFailed> {
    let failures = vain.saturating_add(1);
    let next = Job {
        failures,
        due_at: context.now().plus(job.task.wait_after(failures)),
        ..job.clone()
    };
    let change = Change {
        writes: vec![Write::UpdateJob(next)],
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
