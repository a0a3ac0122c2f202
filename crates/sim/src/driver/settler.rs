//! The part of the dispatcher that writes outcomes in groups and gives unused leases back.

use heraldo_delivery::lanes::Hold;
use heraldo_domain::delivery::{Leased, Next, Settlement};
use heraldo_domain::store::{Settled, SettledGroup};
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::{Driver, STORE_PAUSE};
use crate::oracle::Oracle;
use crate::world::{Check, World, wait_for};

/// Outcomes on their way to the store.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) settlements: Vec<Settlement>,
    holds: Vec<Hold>,
    releases: Vec<Release>,
}

impl Outbox {
    pub(super) fn settle(&mut self, settlement: Settlement, hold: Hold) {
        self.settlements.push(settlement);
        self.holds.push(hold);
    }

    pub(super) fn release(&mut self, leased: Vec<Leased>) {
        self.releases
            .extend(leased.into_iter().map(|delivery| Release {
                delivery_id: delivery.delivery_id,
                webhook_id: delivery.webhook_id,
                body_bytes: delivery.body.len(),
            }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.settlements.is_empty() && self.releases.is_empty()
    }

    /// Small groups, so that outcomes of one moment are often written in two.
    fn take(&mut self, most: usize) -> Batch {
        let taken = self.settlements.len().min(most);
        Batch {
            settlements: self.settlements.drain(..taken).collect(),
            holds: self.holds.drain(..taken).collect(),
            releases: std::mem::take(&mut self.releases),
        }
    }
}

/// A lease on its way back, with the place that it holds until then.
#[derive(Debug, Clone, Copy)]
struct Release {
    delivery_id: DeliveryId,
    webhook_id: WebhookId,
    body_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Batch {
    settlements: Vec<Settlement>,
    holds: Vec<Hold>,
    releases: Vec<Release>,
}

impl Batch {
    /// Webhooks whose receivers say that they are gone.
    pub(super) fn gone(&self) -> Vec<WebhookId> {
        let pairs = self.settlements.iter().zip(&self.holds);
        pairs
            .filter(|(settlement, _)| settlement.says_gone())
            .map(|(_, hold)| hold.webhook_id)
            .collect()
    }
}

#[derive(Debug)]
pub(super) enum Settler {
    Idle,
    Settles {
        batch: Batch,
        wake: Option<Timestamp>,
    },
    HasSettled {
        batch: Batch,
        outcome: SettledGroup,
    },
    Releases {
        batch: Batch,
        wake: Option<Timestamp>,
    },
    HasReleased {
        batch: Batch,
    },
}

impl Settler {
    pub(super) fn may_run(&self, now: Timestamp, outbox: &Outbox) -> bool {
        match self {
            Self::Idle => !outbox.is_empty(),
            Self::Settles { wake, .. } | Self::Releases { wake, .. } => {
                wake.is_none_or(|at| at <= now)
            }
            Self::HasSettled { .. } | Self::HasReleased { .. } => true,
        }
    }

    pub(super) fn wake(&self) -> Option<Timestamp> {
        match self {
            Self::Settles { wake, .. } | Self::Releases { wake, .. } => *wake,
            Self::Idle | Self::HasSettled { .. } | Self::HasReleased { .. } => None,
        }
    }

    /// Outcomes that were known when everything stopped, written or not.
    pub(super) fn settlements(self) -> Vec<Settlement> {
        match self {
            Self::Settles { batch, .. } | Self::HasSettled { batch, .. } => batch.settlements,
            Self::Idle | Self::Releases { .. } | Self::HasReleased { .. } => Vec::new(),
        }
    }
}

impl Driver {
    pub(super) fn settle(&mut self, world: &mut World, oracle: &mut Oracle) -> Check {
        self.settler = match std::mem::replace(&mut self.settler, Settler::Idle) {
            Settler::Idle => {
                let most = world.dice.up_to(6) + 1;
                let batch = self.outbox.take(most);
                if batch.settlements.is_empty() {
                    Settler::Releases { batch, wake: None }
                } else {
                    Settler::Settles { batch, wake: None }
                }
            }
            Settler::Settles { batch, .. } => {
                self.store.maybe_fail(world)?;
                match wait_for(self.store.settle(batch.settlements.clone()))? {
                    Ok(outcome) => {
                        for (settlement, settled) in batch.settlements.iter().zip(&outcome.each) {
                            oracle.settled(settlement, *settled, world)?;
                        }
                        Settler::HasSettled { batch, outcome }
                    }
                    Err(_) => {
                        let wake = Some(world.now().plus(STORE_PAUSE));
                        Settler::Settles { batch, wake }
                    }
                }
            }
            Settler::HasSettled { batch, outcome } => {
                self.hear_all(world)?;
                self.note_settled(&batch, &outcome.each, world);
                self.take_turns(&batch, &outcome.turns, world)?;
                self.release_or_end(batch)
            }
            Settler::Releases { batch, .. } => {
                self.store.maybe_fail(world)?;
                let releases: Vec<DeliveryId> = batch
                    .releases
                    .iter()
                    .map(|release| release.delivery_id)
                    .collect();
                match wait_for(self.store.release(self.lease, releases.clone()))? {
                    Ok(()) => {
                        oracle.released(&releases);
                        Settler::HasReleased { batch }
                    }
                    Err(_) => {
                        let wake = Some(world.now().plus(STORE_PAUSE));
                        Settler::Releases { batch, wake }
                    }
                }
            }
            Settler::HasReleased { batch } => {
                self.hear_all(world)?;
                let mut shared = self.port.shared();
                for release in &batch.releases {
                    shared.free_place(release.webhook_id, release.body_bytes);
                    shared
                        .lanes
                        .returned(release.webhook_id, release.body_bytes);
                }
                if shared.lanes.wants_attention() {
                    shared.attention = true;
                }
                drop(shared);
                world.note(format_args!("settler: {} given back", batch.releases.len()));
                Settler::Idle
            }
        };
        Ok(())
    }

    fn release_or_end(&mut self, batch: Batch) -> Settler {
        if !batch.releases.is_empty() {
            return Settler::Releases { batch, wake: None };
        }
        let mut shared = self.port.shared();
        if shared.lanes.wants_attention() {
            shared.attention = true;
        }
        Settler::Idle
    }

    fn note_settled(&mut self, batch: &Batch, outcome: &[Settled], world: &mut World) {
        let now = world.now();
        let mut shared = self.port.shared();
        let wake = shared.lanes.next_wake();
        for ((settlement, hold), settled) in batch.settlements.iter().zip(&batch.holds).zip(outcome)
        {
            let due_at = match (settled, settlement.next) {
                (Settled::WrittenResendDue, _) => Some(now),
                (Settled::Written, Next::RetryAt(at)) => Some(at),
                (Settled::Written | Settled::LeaseLost, _) => None,
            };
            shared.free_place(hold.webhook_id, hold.body_bytes);
            shared.lanes.settled(hold, due_at);
        }
        if shared.lanes.next_wake() != wake || shared.lanes.wants_attention() {
            shared.attention = true;
        }
    }
}
