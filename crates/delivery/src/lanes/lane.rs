//! One webhook's lane: what it has in memory, and what is known of what it has in the store.

use std::collections::{HashMap, VecDeque};

use heraldo_domain::delivery::Leased;
use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::InspectionId;
use heraldo_wire::time::Timestamp;

/// What a lane needs to know of its webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// `None`: the webhook was deleted.
    pub status: Option<WebhookStatus>,
    pub concurrency: Option<usize>,
    pub ordering: Ordering,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            status: Some(WebhookStatus::Enabled),
            concurrency: None,
            ordering: Ordering::Inspection,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    /// May start now, oldest first, each with the chain that its end releases: the one it was put in, for
    /// the order that the webhook wants may change while it waits.
    pub ready: VecDeque<(Leased, Option<InspectionId>)>,
    /// An inspection is here while a first attempt of it is ready or under way; later ones wait behind.
    pub chains: HashMap<InspectionId, VecDeque<Leased>>,
    pub in_flight: usize,
    /// Places of the window taken: reserved, in memory, claimed for, or being settled.
    pub held: usize,
    /// Something refused may wait in the store.
    pub backlog: bool,
    /// Reservations refused so far.
    pub deferred: u64,
    pub claiming: bool,
    /// Given back and not yet taken back by the store; what comes meanwhile follows them.
    pub returning: usize,
    /// How often the lane was turned back: a claim from before brings what is younger than what went back.
    pub turns_back: u64,
    /// When the next delivery in the store is due, as far as is known; also in `Lanes::due`.
    pub next_due_at: Option<Timestamp>,
    /// That time has come.
    pub due_now: bool,
    /// In `Lanes::turns`.
    pub in_turn: bool,
    pub settings: LaneSettings,
}

impl Lane {
    /// Its webhook was disabled or deleted.
    pub fn is_ended(&self) -> bool {
        matches!(self.settings.status, None | Some(WebhookStatus::Disabled))
    }

    /// Attempts that may be under way at once.
    pub fn concurrency(&self, default: usize) -> usize {
        self.settings.concurrency.unwrap_or(default).max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.held == 0 && self.in_flight == 0 && self.ready.is_empty() && self.chains.is_empty()
    }

    /// Lets a delivery wait for its turn, behind the first attempts of its inspection's earlier events.
    pub fn put(&mut self, delivery: Leased) {
        let chain = chain_of(self.settings.ordering, &delivery);
        if let Some(inspection) = chain {
            if let Some(behind) = self.chains.get_mut(&inspection) {
                behind.push_back(delivery);
                return;
            }
            self.chains.insert(inspection, VecDeque::new());
        }
        self.ready.push_back((delivery, chain));
    }

    /// The next of a chain may start.
    pub fn release_chain(&mut self, chain: Option<InspectionId>) {
        let Some(inspection) = chain else { return };
        match self
            .chains
            .get_mut(&inspection)
            .and_then(VecDeque::pop_front)
        {
            Some(next) => self.ready.push_back((next, chain)),
            None => {
                self.chains.remove(&inspection);
            }
        }
    }

    /// Takes out all that has not started. A chain stays while its first attempt is under way.
    pub fn drain(&mut self) -> Vec<Leased> {
        let mut waiting = Vec::new();
        waiting.extend(self.chains.values_mut().flat_map(|behind| behind.drain(..)));
        for (delivery, chain) in self.ready.drain(..) {
            if let Some(inspection) = chain {
                self.chains.remove(&inspection);
            }
            waiting.push(delivery);
        }
        waiting
    }
}

/// The chain that a delivery belongs to: only first attempts are kept in order.
fn chain_of(ordering: Ordering, delivery: &Leased) -> Option<InspectionId> {
    (ordering == Ordering::Inspection && delivery.cause == Cause::First)
        .then_some(delivery.inspection_id)
}
