//! What the dispatcher writes: claims, outcomes, starts, and leases given back.

use std::collections::BTreeMap;
use std::sync::Arc;

use heraldo_domain::delivery::{Claim, Claimed, Epoch, Fallback, Settlement};
use heraldo_domain::health::Followed;
use heraldo_domain::store::{Settled, SettledGroup};
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::apply::Step;
use super::state::Delivery;
use crate::plan::{self, Standing};

impl Step<'_> {
    pub(super) fn open_epoch(&mut self) -> Epoch {
        self.state.epoch += 1;
        let held: Vec<(DeliveryId, Delivery)> = self
            .state
            .deliveries()
            .iter()
            .filter(|(_, row)| row.lease.is_some())
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        for (id, row) in held {
            let interruptions = row.interruptions + u32::from(row.started);
            let row = Delivery {
                lease: None,
                recovered: true,
                interruptions,
                started: false,
                ..row
            };
            self.state.put_delivery(id, row);
        }
        self.epoch = Some(Epoch(self.state.epoch));
        Epoch(self.state.epoch)
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        let deferred_mark = self.hand_over.deferred(claim.webhook_id);
        let now = claim.now.max(self.now);
        let limit = usize::try_from(claim.limit).unwrap_or(usize::MAX);
        let mut leased = Vec::new();
        let mut exhausted = true;
        let mut bytes = 0_usize;
        let due: Vec<DeliveryId> = self
            .state
            .waiting_for(claim.webhook_id)
            .take_while(|(at, _)| *at <= now)
            .map(|(_, id)| id)
            .take(limit.saturating_add(1))
            .collect();
        for id in due {
            if leased.len() >= limit || (bytes >= claim.body_bytes_max && !leased.is_empty()) {
                exhausted = false;
                break;
            }
            if let Some(one) = self.state.leased(id, claim.lease) {
                bytes = bytes.saturating_add(one.body.len());
                leased.push(one);
            }
        }
        for one in &leased {
            self.with(one.delivery_id, |row| row.lease = Some(claim.lease));
        }
        let next_due_at = self
            .state
            .waiting_for(claim.webhook_id)
            .next()
            .map(|(at, _)| at);
        Claimed {
            leased,
            exhausted,
            next_due_at,
            deferred_mark,
        }
    }

    fn with(&mut self, id: DeliveryId, change: impl FnOnce(&mut Delivery)) {
        if let Some(mut row) = self.state.delivery(id).cloned() {
            change(&mut row);
            self.state.put_delivery(id, row);
        }
    }

    fn is_held(&self, id: DeliveryId, lease: Epoch) -> bool {
        self.state
            .delivery(id)
            .is_some_and(|row| row.lease == Some(lease))
    }

    pub(super) fn mark_started(&mut self, lease: Epoch, ids: &[DeliveryId]) -> Vec<DeliveryId> {
        let held: Vec<DeliveryId> = ids
            .iter()
            .copied()
            .filter(|id| self.is_held(*id, lease))
            .collect();
        for id in &held {
            self.with(*id, |row| row.started = true);
        }
        held
    }

    pub(super) fn release(&mut self, lease: Epoch, ids: &[DeliveryId]) {
        for id in ids {
            if self.is_held(*id, lease) {
                self.with(*id, |row| {
                    row.lease = None;
                    row.started = false;
                });
            }
        }
    }

    pub(super) fn settle(&mut self, settlements: Vec<Settlement>) -> SettledGroup {
        let mut runs: BTreeMap<WebhookId, Followed> = BTreeMap::new();
        let mut each = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            let webhook = settlement.webhook_id;
            let before = self.state.failing.get(&webhook).copied();
            if self.is_held(settlement.delivery_id, settlement.lease) {
                let run = runs.entry(webhook);
                run.or_insert_with(|| Followed::from(before))
                    .take(&settlement);
            }
            each.push(self.settle_one(settlement));
        }
        let mut turns = Vec::new();
        for (webhook, run) in runs {
            match run.now {
                Some(now) if self.state.webhooks.get(&webhook).is_some() => {
                    self.state.failing.put(webhook, now);
                }
                Some(_) | None => {
                    self.state.failing.remove(&webhook);
                }
            }
            turns.extend(run.turn().map(|turn| (webhook, turn)));
        }
        SettledGroup { each, turns }
    }

    fn settle_one(&mut self, settlement: Settlement) -> Settled {
        let id = settlement.delivery_id;
        if !self.is_held(id, settlement.lease) {
            return Settled::LeaseLost;
        }
        self.notes.push(settlement.note(false));
        let over = settlement.strict.filter(|_| settlement.is_over());
        let mut settled = Settled::Written;
        self.with(id, |row| {
            if row.resend_due.is_some() {
                settled = Settled::WrittenResendDue;
            }
            row.standing = plan::settled(
                settlement.attempt.cause,
                settlement.next,
                row.resend_due.take(),
            );
            row.lease = None;
            row.scheduled_attempts = settlement.scheduled_attempts;
            row.first_attempt_at = Some(settlement.first_attempt_at);
            row.recovered = false;
            row.interruptions = 0;
            row.started = false;
            row.attempts.push(Arc::unwrap_or_clone(settlement.attempt));
        });
        if let Some((inspection, sequence)) = over {
            self.leave_queue(settlement.webhook_id, inspection, sequence);
        }
        settled
    }

    pub(super) fn bring_forward(&mut self, webhook: WebhookId, now: Timestamp, limit: u32) -> u32 {
        let is_later_retry = |id: &DeliveryId| {
            self.state.delivery(*id).is_some_and(|row| {
                row.standing.cause == Cause::Retry
                    && row.standing.next_attempt_at.is_some_and(|at| at > now)
            })
        };
        let waiting = self.state.waiting_for(webhook).map(|(_, id)| id);
        let retries: Vec<DeliveryId> = waiting
            .filter(is_later_retry)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect();
        for id in &retries {
            self.with(*id, |row| row.standing.next_attempt_at = Some(now));
        }
        u32::try_from(retries.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn cancel_waiting(&mut self, webhook: WebhookId, limit: u32) -> u32 {
        let status = self
            .state
            .webhooks
            .get(&webhook)
            .map(|webhook| webhook.settings.status);
        match status {
            Some(WebhookStatus::Enabled | WebhookStatus::Paused) => return 0,
            Some(WebhookStatus::Disabled) | None => {}
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut waiting = self.waiting_for_their_turn(webhook);
        waiting.extend(self.state.waiting_for(webhook).map(|(_, id)| id));
        waiting.truncate(limit);
        for id in &waiting {
            self.forget_queued(*id);
            self.with(*id, |row| {
                row.standing = Standing {
                    status: plan::cancelled(row.standing.fallback),
                    next_attempt_at: None,
                    fallback: Fallback::Schedule,
                    cause: row.standing.cause,
                };
                row.recovered = false;
                row.interruptions = 0;
                row.resend_due = None;
            });
        }
        u32::try_from(waiting.len()).unwrap_or(u32::MAX)
    }
}
