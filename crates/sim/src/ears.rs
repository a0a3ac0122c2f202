//! The ears of the model at the store: what was written is told to it, at once.

use heraldo_domain::change::{Change, Committed, Write};
use heraldo_domain::delivery::{Claim, Claimed, Leased, Settlement};
use heraldo_domain::store::{Result, SettledGroup, StoreError};
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::id::JobId;

use crate::engine::Engine;
use crate::executor::TaskId;
use crate::scene::State;
use crate::workload::Heard;
use crate::world::{Check, violated, wait_for};

/// What a client's call writes. Now and then it is stored, and told to have failed: the disk refuses the sync.
///
/// # Errors
/// When it is not what must be.
pub fn commit_of_client(
    task: TaskId,
    change: Change,
    engine: &Engine,
    state: &mut State,
) -> Check<Result<Committed>> {
    let doubts =
        state.clients.is_next_in_doubt(&state.world) && engine.doubt_next_change(&state.world)?;
    let answer = wait_for(engine.commit(change.clone()))?;
    if doubts {
        engine.end_doubt(&state.world)?;
    }
    let in_doubt = doubts && matches!(answer, Err(StoreError::Failed(_)));
    if doubts && answer.is_ok() {
        return violated("a change was answered although the disk did not keep it");
    }
    if answer.is_ok() || in_doubt {
        let mut heard = Heard {
            change: &change,
            reads: state.watch.reads_of(task),
            oracle: &mut state.oracle,
            world: &mut state.world,
        };
        state.clients.stored(task, in_doubt, &mut heard)?;
        state.watch.jobs.extend(jobs_of(&change));
    }
    Ok(answer)
}

fn jobs_of(change: &Change) -> impl Iterator<Item = JobId> {
    change.writes.iter().filter_map(|write| match write {
        Write::CreateJob(job) => Some(job.id),
        _ => None,
    })
}

/// Webhooks that the server has disabled by itself.
///
/// # Errors
/// When it is not what must be.
pub fn note_disabled(task: TaskId, change: &Change, state: &mut State) -> Check {
    for write in &change.writes {
        if let Write::UpdateWebhook(webhook) = write
            && webhook.settings.status == WebhookStatus::Disabled
        {
            let policy = webhook.disable_policy(&state.watch.config.defaults);
            let told = (change.events.first(), state.watch.reads_of(task));
            state
                .oracle
                .disabled(webhook, policy, told, &mut state.world)?;
        }
    }
    Ok(())
}

/// Returns what the server has let go.
///
/// # Errors
/// When it is not what must be.
pub fn note_settled(
    settlements: &[Settlement],
    group: &SettledGroup,
    state: &mut State,
) -> Check<Vec<Leased>> {
    let mut gone = Vec::with_capacity(settlements.len());
    for (settlement, settled) in settlements.iter().zip(&group.each) {
        let leased = state.watch.let_go(settlement.delivery_id)?;
        if !state.oracle.has_ended(&leased) {
            let at = settlement.attempt.started_at;
            let given_up = state.watch.take_given_up(leased.webhook_id, at);
            state.oracle.gave_up(
                &leased,
                given_up,
                &state.watch.config.defaults,
                &mut state.world,
            )?;
        }
        state
            .oracle
            .settled(&leased, settlement, *settled, &mut state.world)?;
        gone.push(leased);
    }
    Ok(gone)
}

/// What a claim came to, for the trace.
pub fn note_claim(claim: &Claim, answer: &Result<Claimed>, state: &mut State) {
    let name = state.world.webhook(claim.webhook_id);
    let now = state.world.now();
    match answer {
        Ok(claimed) => state.world.note(format_args!(
            "claim {name}: {} of at most {}, {}, next due {:?}",
            claimed.leased.len(),
            claim.limit,
            if claimed.exhausted { "all" } else { "not all" },
            claimed
                .next_due_at
                .map(|at| at.as_millis() - now.as_millis()),
        )),
        Err(error) => state.world.note(format_args!("claim {name}: {error}")),
    }
}
