//! The part of the dispatcher that reads settings, cancels what has nobody to go to, and claims what is due.

use std::collections::VecDeque;
use std::sync::Arc;

use heraldo_delivery::lanes::{ClaimPlan, LaneSettings};
use heraldo_domain::delivery::{Claim, Claimed};
use heraldo_domain::store::StoreError;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::{CANCEL_SLICE, Driver, SLEEP_MAX, STORE_PAUSE};
use crate::oracle::Oracle;
use crate::world::{Check, World, wait_for};

/// Where the loop stands.
#[derive(Debug)]
pub(super) enum Planner {
    /// Waits for attention or for this time.
    Asleep(Timestamp),
    /// Reads settings, one webhook after the other.
    Reads(VecDeque<(WebhookId, u64)>),
    /// Has read one and has not told the lanes yet.
    HasRead(
        WebhookId,
        u64,
        Option<Arc<Webhook>>,
        VecDeque<(WebhookId, u64)>,
    ),
    Plans,
}

impl Default for Planner {
    fn default() -> Self {
        Self::Asleep(Timestamp::from_millis(0))
    }
}

impl Planner {
    pub(super) fn may_run(&self, now: Timestamp, attention: bool) -> bool {
        match self {
            Self::Asleep(wake) => attention || *wake <= now,
            Self::Reads(_) | Self::HasRead(..) | Self::Plans => true,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        !matches!(self, Self::Asleep(_))
    }

    pub(super) fn wake(&self) -> Option<Timestamp> {
        match self {
            Self::Asleep(wake) => Some(*wake),
            Self::Reads(_) | Self::HasRead(..) | Self::Plans => None,
        }
    }
}

/// A claim under way.
#[derive(Debug)]
pub(super) enum ClaimTask {
    Planned(ClaimPlan),
    /// The time that it asks for is taken; the store has not been asked yet.
    Asked(ClaimPlan, Timestamp),
    /// The store has answered; the lanes have not been told yet.
    Answered(ClaimPlan, Timestamp, Result<Claimed, StoreError>),
}

/// Cancels what waits for one webhook.
#[derive(Debug)]
pub(super) struct Cancel {
    webhook: WebhookId,
    pub(super) wake: Option<Timestamp>,
    done: bool,
}

impl Driver {
    pub(super) fn plan(&mut self, world: &mut World) -> Check {
        self.planner = match std::mem::take(&mut self.planner) {
            Planner::Asleep(_) => {
                let mut shared = self.port.shared();
                shared.attention = false;
                let mut stale = shared.lanes.stale();
                // The lanes keep them in no order; the seed gives one.
                stale.sort_unstable();
                world.dice.shuffle(&mut stale);
                Planner::Reads(stale.into())
            }
            Planner::Reads(mut left) => match left.pop_front() {
                None => Planner::Plans,
                // The mark stays; the store is asked again after a pause.
                Some(_) if world.dice.chance(world.faults.read) => Planner::Plans,
                Some((id, mark)) => match wait_for(self.store.webhook(id))? {
                    Ok(webhook) => Planner::HasRead(id, mark, webhook, left),
                    Err(_) => Planner::Plans,
                },
            },
            Planner::HasRead(id, mark, webhook, left) => {
                self.configure(id, mark, webhook.as_deref(), world)?;
                Planner::Reads(left)
            }
            Planner::Plans => {
                self.plan_claims(world);
                self.start_workers(world)?;
                Planner::Asleep(self.look_again_at(world.now()))
            }
        };
        Ok(())
    }

    fn configure(
        &mut self,
        id: WebhookId,
        mark: u64,
        webhook: Option<&Webhook>,
        world: &mut World,
    ) -> Check {
        let settings = LaneSettings::of(webhook, &self.config.defaults);
        let name = world.webhook(id);
        world.note(format_args!(
            "lanes: {name} is {:?}, {:?}, {:?} a second",
            settings.status, settings.ordering, settings.rate_per_second
        ));
        let mut shared = self.port.shared();
        let mut back = shared.lanes.configure(id, mark, settings, world.now());
        drop(shared);
        // The lanes keep them in no order.
        back.sort_by_key(|delivery| delivery.delivery_id);
        self.give_back(back);
        self.configured.insert(id, settings);
        self.start_workers(world)?;
        if self.port.shared().lanes.is_ended(id) {
            self.cancels.push(Cancel {
                webhook: id,
                wake: None,
                done: false,
            });
        }
        Ok(())
    }

    fn plan_claims(&mut self, world: &World) {
        let mut plans = self.port.shared().lanes.plan_claims(world.now());
        plans.sort_unstable_by_key(|plan| plan.webhook_id);
        self.claims
            .extend(plans.into_iter().map(ClaimTask::Planned));
    }

    fn look_again_at(&self, now: Timestamp) -> Timestamp {
        let shared = self.port.shared();
        let longest = if shared.lanes.stale().is_empty() {
            SLEEP_MAX
        } else {
            STORE_PAUSE
        };
        let wait = shared
            .lanes
            .next_wake()
            .map_or(longest, |at| at.since(now).min(longest));
        now.plus(wait)
    }

    pub(super) fn claim(&mut self, at: usize, world: &mut World) -> Check {
        match self.claims.swap_remove(at) {
            ClaimTask::Planned(plan) => self.claims.push(ClaimTask::Asked(plan, world.now())),
            ClaimTask::Asked(plan, now) => {
                self.store.maybe_fail(world)?;
                let answer = wait_for(self.store.claim(Claim {
                    webhook_id: plan.webhook_id,
                    lease: self.lease,
                    limit: u32::try_from(plan.limit).unwrap_or(u32::MAX),
                    body_bytes_max: self.config.limits.bytes_max / 4,
                    now,
                }))?;
                self.note_claim(&plan, &answer, world);
                self.claims.push(ClaimTask::Answered(plan, now, answer));
            }
            ClaimTask::Answered(plan, now, answer) => {
                self.hear_all(world)?;
                match answer {
                    Ok(claimed) => {
                        let mut shared = self.port.shared();
                        for delivery in &claimed.leased {
                            shared.take_place(delivery.webhook_id, delivery.body.len());
                        }
                        let late = shared.lanes.claimed(plan, claimed);
                        drop(shared);
                        self.give_back(late);
                        self.start_workers(world)?;
                    }
                    Err(_) => self
                        .port
                        .shared()
                        .lanes
                        .claim_failed(plan, now.plus(STORE_PAUSE)),
                }
                self.port.shared().attention = true;
            }
        }
        Ok(())
    }

    fn note_claim(
        &self,
        plan: &ClaimPlan,
        answer: &Result<Claimed, StoreError>,
        world: &mut World,
    ) {
        let name = world.webhook(plan.webhook_id);
        match answer {
            Ok(claimed) => world.note(format_args!(
                "claim {name}: {} of at most {}, {}, next due {:?}",
                claimed.leased.len(),
                plan.limit,
                if claimed.exhausted { "all" } else { "not all" },
                claimed
                    .next_due_at
                    .map(|at| at.as_millis() - world.now().as_millis()),
            )),
            Err(error) => world.note(format_args!("claim {name}: {error}")),
        }
    }

    pub(super) fn cancel(&mut self, at: usize, world: &mut World, oracle: &mut Oracle) -> Check {
        let mut task = self.cancels.swap_remove(at);
        if task.done {
            self.hear_all(world)?;
            let mut shared = self.port.shared();
            if shared.lanes.forget(task.webhook, world.now()) {
                self.brakes.remove(&task.webhook);
                self.holds.remove(&task.webhook);
            }
            shared.attention = true;
            return Ok(());
        }
        if !self.is_running() {
            // The dispatcher looks whether it stops before each slice.
            return Ok(());
        }
        self.store.maybe_fail(world)?;
        task.wake = None;
        let before = oracle.pending(task.webhook, &*self.store)?;
        match wait_for(self.store.cancel_waiting(task.webhook, CANCEL_SLICE))? {
            Ok(cancelled) => {
                oracle.cancelled(task.webhook, cancelled, &before, &*self.store, world)?;
                task.done = cancelled < CANCEL_SLICE;
            }
            Err(_) => task.wake = Some(world.now().plus(STORE_PAUSE)),
        }
        self.cancels.push(task);
        Ok(())
    }
}
