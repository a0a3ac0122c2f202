//! A worker sends one delivery after the other; each of its awaits is the end of a step.

use std::sync::Arc;
use std::time::Duration;

use heraldo_delivery::lanes::{Hold, Sign};
use heraldo_domain::delivery::{
    AttemptReport, AttemptResult, INTERRUPTIONS_MAX, Leased, interrupted_report, settle,
};
use heraldo_domain::store::StoreError;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::attempt::{Phase, PhaseTimings};
use heraldo_wire::id::AttemptId;
use heraldo_wire::time::Timestamp;

use super::{Driver, STORE_PAUSE};
use crate::oracle::{Oracle, Receiver};
use crate::world::{Check, World, wait_for};

#[derive(Debug)]
pub(super) struct Worker {
    /// Taken out once its outcome is in the outbox.
    pub(super) leased: Option<Leased>,
    pub(super) hold: Hold,
    pub(super) stage: Stage,
    pub(super) wake: Option<Timestamp>,
    /// The rate that the lanes were told when it took its slot.
    rate: Option<u32>,
    /// The turn in which it read the webhook.
    read: u64,
    sign: Sign,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Reads the webhook.
    Looks,
    Sends(Arc<Webhook>),
    /// Of an attempt that a crash cut off: nothing of it has left until the wake.
    Connects(Sent),
    /// The request is on its way: that it is gets recorded.
    Records(Sent),
    HasRecorded(Sent),
    /// Under way until the wake.
    Sending(Sent),
    HasReport(Arc<Webhook>, AttemptReport),
    /// Frees its slot, and gives back what it did not send.
    Ends {
        panicked: bool,
    },
    TakesNext,
}

/// An attempt under way.
#[derive(Debug)]
pub(super) struct Sent {
    webhook: Arc<Webhook>,
    started_at: Timestamp,
    over_at: Timestamp,
    result: AttemptResult,
}

impl Stage {
    /// Whether it holds one of the slots that the lanes count.
    pub(super) fn has_slot(&self) -> bool {
        !matches!(self, Self::TakesNext)
    }
}

/// Whether an attempt that comes to this was being sent to a receiver at all.
const fn leaves(result: &AttemptResult) -> bool {
    match result {
        AttemptResult::Answered(_) => true,
        AttemptResult::Failed { phase, .. } => match phase {
            Some(Phase::FirstByte | Phase::Body) => true,
            None | Some(Phase::Resolve | Phase::Connect | Phase::Tls) => false,
        },
    }
}

impl Driver {
    pub(super) fn start_workers(&mut self, world: &mut World) -> Check {
        loop {
            let Some((leased, hold)) = self.next_start(world) else {
                return Ok(());
            };
            self.add_worker(leased, hold, world)?;
        }
    }

    fn next_start(&self, world: &World) -> Option<(Leased, Hold)> {
        let mut shared = self.port.shared();
        let next = shared.lanes.next_start(world.now());
        shared.attention |= shared.lanes.wake_is_earlier();
        next
    }

    fn add_worker(&mut self, leased: Leased, hold: Hold, world: &mut World) -> Check {
        let name = world.webhook(leased.webhook_id);
        let inspection = world.inspection(leased.inspection_id);
        world.note(format_args!(
            "slot: {name} takes {inspection}#{}",
            leased.sequence
        ));
        self.workers.push(Worker {
            leased: Some(leased),
            hold,
            stage: Stage::Looks,
            wake: None,
            rate: self
                .configured
                .get(&hold.webhook_id)
                .and_then(|settings| settings.rate_per_second),
            read: world.turn,
            sign: Sign::Other,
        });
        self.check_start(hold.webhook_id, world.now())
    }

    pub(super) fn work(&mut self, at: usize, world: &mut World, oracle: &mut Oracle) -> Check {
        let mut worker = self.workers.swap_remove(at);
        worker.wake = None;
        let Some(leased) = worker.leased.take() else {
            return self.finish_work(worker, world);
        };
        let stage = std::mem::replace(&mut worker.stage, Stage::Ends { panicked: false });
        worker.stage = match stage {
            Stage::Looks => {
                worker.read = world.turn;
                self.look(&leased, &mut worker.wake, world)?
            }
            Stage::Connects(sent) => {
                oracle.left(&leased, world);
                Stage::Records(sent)
            }
            Stage::Records(sent) => {
                self.store.maybe_fail(world)?;
                let asked = vec![leased.delivery_id];
                let answer = wait_for(self.store.mark_started(leased.lease, asked))?;
                if answer.is_ok_and(|held| held.contains(&leased.delivery_id)) {
                    oracle.recorded(&leased, world)?;
                }
                Stage::HasRecorded(sent)
            }
            Stage::HasRecorded(sent) => {
                self.hear_all(world)?;
                // Recorded or not, its answer is waited for.
                worker.wake = Some(sent.over_at);
                Stage::Sending(sent)
            }
            Stage::Sends(webhook) if leased.interruptions >= INTERRUPTIONS_MAX => {
                oracle.gave_up(&leased)?;
                Stage::HasReport(webhook, interrupted_report(world.now()))
            }
            Stage::Sends(webhook) => {
                let mut shared = self.port.shared();
                shared.lanes.sending(&mut worker.hold, world.now());
                shared.attention |= shared.lanes.wake_is_earlier();
                drop(shared);
                let to = Receiver {
                    webhook: &webhook,
                    read: worker.read,
                    rate: worker.rate,
                    defaults: &self.config.defaults,
                };
                oracle.started(&leased, &to, &*self.store, world)?;
                let deadline = webhook.timeout(&self.config.defaults).as_millis();
                let deadline = u64::try_from(deadline).unwrap_or(u64::MAX);
                let reaction = self.receivers.react(webhook.id, deadline, &mut world.dice);
                let started_at = world.now();
                let sent = Sent {
                    webhook,
                    started_at,
                    over_at: started_at.plus(Duration::from_millis(reaction.after_ms)),
                    result: reaction.result,
                };
                if leased.recovered && leaves(&sent.result) {
                    let connects_ms = world.dice.between(0, reaction.after_ms);
                    worker.wake = Some(started_at.plus(Duration::from_millis(connects_ms)));
                    Stage::Connects(sent)
                } else {
                    worker.wake = Some(sent.over_at);
                    Stage::Sending(sent)
                }
            }
            Stage::Sending(_) if world.dice.chance(world.faults.panic) => {
                oracle.cut_off(&leased, world);
                Stage::Ends { panicked: true }
            }
            Stage::Sending(Sent {
                webhook,
                started_at,
                result,
                ..
            }) => {
                let took = world.now().since(started_at).as_millis();
                let duration_ms = u32::try_from(took).unwrap_or(u32::MAX);
                let timings = PhaseTimings::default();
                Stage::HasReport(
                    webhook,
                    AttemptReport {
                        started_at,
                        duration_ms,
                        result,
                        timings,
                    },
                )
            }
            Stage::HasReport(webhook, report) => {
                let now = world.now();
                let policy = webhook.retry_policy(&self.config.defaults);
                oracle.ended(&leased, &report, &policy, world)?;
                let id = AttemptId(self.ids.next(now, &*world.entropy));
                let settlement = settle(&leased, report, id, &policy, now);
                worker.sign = Sign::of(&settlement);
                self.outbox.settle(settlement, worker.hold);
                worker.stage = Stage::Ends { panicked: false };
                self.workers.push(worker);
                return Ok(());
            }
            Stage::Ends { .. } | Stage::TakesNext => {
                worker.leased = Some(leased);
                worker.stage = stage;
                return self.finish_work(worker, world);
            }
        };
        worker.leased = Some(leased);
        self.workers.push(worker);
        Ok(())
    }

    fn look(
        &self,
        leased: &Leased,
        wake: &mut Option<Timestamp>,
        world: &mut World,
    ) -> Check<Stage> {
        let read = if world.dice.chance(world.faults.read) {
            Err(StoreError::Failed("a simulated fault".to_owned()))
        } else {
            wait_for(self.store.webhook(leased.webhook_id))?
        };
        let name = world.webhook(leased.webhook_id);
        Ok(match read {
            Ok(Some(webhook)) if webhook.settings.status == WebhookStatus::Enabled => {
                Stage::Sends(webhook)
            }
            Ok(_) => {
                world.note(format_args!("worker: {name} is not enabled"));
                let mut shared = self.port.shared();
                shared.lanes.mark_stale(Some(leased.webhook_id));
                shared.attention = true;
                Stage::Ends { panicked: false }
            }
            Err(_) if self.is_stopping() => Stage::Ends { panicked: false },
            Err(_) => {
                world.note(format_args!("fault: the settings of {name} cannot be read"));
                *wake = Some(world.now().plus(STORE_PAUSE));
                Stage::Looks
            }
        })
    }

    fn finish_work(&mut self, mut worker: Worker, world: &mut World) -> Check {
        match worker.stage {
            Stage::Ends { panicked } => {
                match worker.leased.take() {
                    None => {
                        self.port.shared().lanes.ended(&worker.hold, worker.sign);
                        self.heed(worker.hold.webhook_id, worker.sign);
                    }
                    Some(leased) => {
                        let back = self.port.shared().lanes.turn_back(&worker.hold, leased);
                        self.give_back(back);
                    }
                }
                if panicked {
                    self.start_workers(world)?;
                } else {
                    worker.stage = Stage::TakesNext;
                    self.workers.push(worker);
                }
            }
            Stage::TakesNext => {
                if let Some((leased, hold)) = self.next_start(world) {
                    self.add_worker(leased, hold, world)?;
                    self.start_workers(world)?;
                }
            }
            Stage::Connects(_)
            | Stage::Records(_)
            | Stage::HasRecorded(_)
            | Stage::Looks
            | Stage::Sends(_)
            | Stage::Sending(_)
            | Stage::HasReport(..) => {}
        }
        Ok(())
    }
}
