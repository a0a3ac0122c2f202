//! Recoveries as clients begin and cancel them.

use std::time::Duration;

use heraldo_domain::change::Write;
use heraldo_domain::ops::Context;
use heraldo_domain::ops::jobs;
use heraldo_domain::ops::recoveries::Asked as Recovered;
use heraldo_domain::recovery::STATUSES_DEFAULT;
use heraldo_wire::api::{RecoverRequest, RecoverStatus, RecoverStatuses};
use heraldo_wire::id::JobId;
use heraldo_wire::time::Timestamp;

use super::calls::{Call, Did, Heard};
use super::webhooks::any_hook;
use super::{Wish, missing};
use crate::executor::{Handle, TaskId};
use crate::oracle::Oracle;
use crate::world::{Check, World, violated};

/// More jobs than there ever are.
const ALL: u32 = 1_000;
/// How long a store that fails is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A range that ends now, or a little before.
pub(super) fn recover(oracle: &Oracle, world: &mut World) -> Option<Wish> {
    let (id, company) = any_hook(oracle, world)?;
    let now = world.now();
    let mut back = |low: u64, high: u64| {
        let ms = i64::try_from(world.dice.between(low, high)).unwrap_or(1);
        Timestamp::from_millis(now.as_millis() - ms)
    };
    let (from, to) = (back(2_000, 120_000), back(0, 1_900));
    let dice = &mut world.dice;
    let statuses: Vec<RecoverStatus> = RecoverStatus::ALL
        .iter()
        .copied()
        .filter(|_| dice.chance(700))
        .collect();
    let named = !statuses.is_empty() && dice.chance(800);
    let request = RecoverRequest {
        from,
        to: dice.chance(300).then_some(to),
        status: named.then(|| RecoverStatuses::Many(statuses.clone())),
        dry_run: dice.chance(250).then_some(true),
    };
    Some(Wish::Recover {
        id,
        company,
        statuses: if named {
            statuses
        } else {
            STATUSES_DEFAULT.to_vec()
        },
        request: Box::new(request),
    })
}

pub(super) fn cancel(oracle: &Oracle, world: &mut World) -> Option<Wish> {
    let under_way: Vec<_> = oracle.recovering().collect();
    let (id, company) = world.dice.pick(&under_way).copied()?;
    Some(Wish::CancelRecovery { id, company })
}

/// What a call about recoveries wrote is stored.
pub(super) fn stored(call: &Call, heard: &mut Heard<'_>) -> Check<Did> {
    match (&call.asked.wish, heard.change.writes.as_slice()) {
        (Wish::Recover { request, .. }, [Write::CreateRecord(record), Write::CreateJob(_)])
            if request.dry_run.is_none() =>
        {
            heard
                .oracle
                .recovery_begun(record, heard.reads, heard.world)?;
        }
        (Wish::CancelRecovery { id, .. }, [Write::UpdateRecord(record)]) if record.id == id.0 => {
            heard.oracle.recovery_cancelled(*id, heard.world)?;
        }
        _ => return missing("what was asked for"),
    }
    Ok(Did::Wish)
}

/// A recovery was begun or counted.
pub(super) fn granted(
    task: TaskId,
    call: &Call,
    recovered: &Recovered,
    reads: &[u64],
    oracle: &mut Oracle,
) -> Check {
    match (recovered, &call.asked.wish) {
        (Recovered::Begun(_), _) if call.did == Some(Did::Wish) => Ok(()),
        (Recovered::Counted(counted), Wish::Recover { id, statuses, .. })
            if call.did.is_none() && counted.counted_until.is_none() =>
        {
            oracle.counted(task, *id, statuses, &counted.counted, reads)
        }
        _ => violated("a recovery was answered that was not begun"),
    }
}

/// Runs a job until it has ended, as the server's runner does.
pub async fn keep_at(job: JobId, context: Context, tasks: Handle) {
    loop {
        let Ok(jobs) = context.store.jobs(None, ALL).await else {
            tasks.sleep(STORE_PAUSE).await;
            continue;
        };
        let Some(job) = jobs.into_iter().find(|one| one.id == job) else {
            return;
        };
        tasks.sleep_until(job.due_at).await;
        if jobs::run(&context, job).await.is_err() {
            tasks.sleep(STORE_PAUSE).await;
        }
    }
}
