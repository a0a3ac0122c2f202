//! What waits in the store for each lane: when it is due, which claims are worth making, what they found.

use heraldo_domain::delivery::{Claimed, Leased};
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::{ClaimPlan, Lanes};

impl Lanes {
    /// A delivery of this webhook waits in the store until `at`.
    pub fn due(&mut self, webhook: WebhookId, at: Timestamp) {
        let known = self.lane(webhook).next_due_at;
        if known.is_none_or(|known| at < known) {
            self.set_due(webhook, Some(at));
        }
    }

    /// Deliveries of this webhook wait in the store from before the lanes were opened, the first of them
    /// until `at`: they go before whatever comes new.
    pub fn left_over(&mut self, webhook: WebhookId, at: Timestamp) {
        self.lane(webhook).backlog = true;
        self.due(webhook, at);
    }

    /// The claims that are worth making now. Each sets its room aside.
    pub fn plan_claims(&mut self, now: Timestamp) -> Vec<ClaimPlan> {
        let now = self.tick(now);
        while let Some((at, webhook)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, webhook));
            if let Some(lane) = self.lanes.get_mut(&webhook) {
                lane.next_due_at = None;
                lane.due_now = true;
                if lane.is_ended() {
                    // Nothing is claimed for it: it is looked at whether it may be forgotten.
                    self.mark(webhook);
                }
            }
            self.weigh(webhook);
        }
        let limits = self.limits;
        let full = self.bytes >= limits.bytes_max;
        let mut plans = Vec::new();
        for webhook_id in std::mem::take(&mut self.hungry) {
            let Some(lane) = self.lanes.get_mut(&webhook_id) else {
                continue;
            };
            let window = if full {
                limits.window_min
            } else {
                lane.window(&limits)
            };
            let limit = window.saturating_sub(lane.held).min(limits.claim_max);
            // Without room now (memory is full) it is looked at again when one of its own is settled.
            if limit > 0 {
                lane.claiming = true;
                lane.due_now = false;
                lane.held += limit;
                plans.push(ClaimPlan {
                    webhook_id,
                    limit,
                    turns_back: lane.turns_back,
                });
            }
        }
        plans
    }

    /// Takes what a claim found. Returns what comes too late to be sent, as [`Lanes::push`] does.
    #[must_use = "what is returned must be given back to the store"]
    pub fn claimed(&mut self, plan: ClaimPlan, claimed: Claimed) -> Vec<Leased> {
        let found = claimed.leased.len();
        let bytes: usize = claimed
            .leased
            .iter()
            .map(|delivery| delivery.body.len())
            .sum();
        self.bytes += bytes;
        let lane = self.lane(plan.webhook_id);
        lane.claiming = false;
        lane.held = lane.held.saturating_sub(plan.limit) + found;
        // Only if nothing was refused, and nothing went back, since the claim was carried out is the store
        // empty of it.
        let in_order = lane.turns_back == plan.turns_back;
        lane.backlog = !(in_order && claimed.exhausted && lane.deferred == claimed.deferred_mark);
        // What was settled meanwhile may be due earlier than what the claim saw.
        if let Some(at) = claimed.next_due_at {
            self.due(plan.webhook_id, at);
        }
        let late = if in_order {
            self.push(claimed.leased)
        } else {
            self.lane(plan.webhook_id).returning += found;
            claimed.leased
        };
        self.weigh(plan.webhook_id);
        late
    }

    /// A claim failed: its room is free again, and it is tried again at `again_at`.
    pub fn claim_failed(&mut self, plan: ClaimPlan, again_at: Timestamp) {
        let lane = self.lane(plan.webhook_id);
        lane.held = lane.held.saturating_sub(plan.limit);
        lane.claiming = false;
        // Not hungry before `again_at`, even with a backlog: the store needs the pause.
        self.due(plan.webhook_id, again_at);
    }

    pub(super) fn set_due(&mut self, webhook: WebhookId, at: Option<Timestamp>) {
        let Some(lane) = self.lanes.get_mut(&webhook) else {
            return;
        };
        if let Some(known) = lane.next_due_at.take() {
            self.due.remove(&(known, webhook));
        }
        if let Some(at) = at {
            lane.next_due_at = Some(at);
            self.due.insert((at, webhook));
        }
    }

    /// Notes whether a claim for this lane is worth making.
    pub(super) fn weigh(&mut self, webhook: WebhookId) {
        let limits = self.limits;
        let known = self.open && !self.stale.contains_key(&webhook);
        let Some(lane) = self.lanes.get(&webhook) else {
            return;
        };
        let window = lane.window(&limits);
        let room = window.saturating_sub(lane.held);
        let hungry = known
            && !lane.claiming
            && lane.returning == 0
            && (lane.backlog || lane.due_now)
            && lane.is_enabled()
            // A claim is a write: wait until a fair part of the window is free.
            && room >= limits.claim_max.min(window.div_ceil(2)).max(1);
        if hungry {
            self.hungry.insert(webhook);
        } else {
            self.hungry.remove(&webhook);
        }
    }
}
