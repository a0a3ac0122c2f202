//! The hand-over port of the simulated server: the real lanes, and what the engine's writer told that the
//! dispatcher has not heard yet.
//!
//! The writer hands over after its commit, while others already go on; so what it tells is queued here and
//! heard in order, at the latest before any answer to a later write.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use heraldo_delivery::lanes::Lanes;
use heraldo_domain::delivery::Leased;
use heraldo_domain::ports::HandOver;
use heraldo_wire::id::WebhookId;

#[derive(Debug)]
pub struct Port(Mutex<Shared>);

/// What the engine and the dispatcher share.
#[derive(Debug)]
pub struct Shared {
    pub lanes: Lanes,
    /// What the writer told, oldest first.
    pub told: VecDeque<Told>,
    /// The dispatcher is to look again.
    pub attention: bool,
    /// Counted beside the lanes: what is in memory or has a place set aside for it.
    pub places: BTreeMap<WebhookId, usize>,
    pub bytes: usize,
    pub largest_body_bytes: usize,
}

#[derive(Debug)]
pub enum Told {
    Changed(Option<WebhookId>),
    HandedOver(Vec<Leased>),
}

impl Shared {
    pub fn take_place(&mut self, webhook: WebhookId, body_bytes: usize) {
        *self.places.entry(webhook).or_default() += 1;
        self.bytes += body_bytes;
        self.largest_body_bytes = self.largest_body_bytes.max(body_bytes);
    }

    pub fn free_place(&mut self, webhook: WebhookId, body_bytes: usize) {
        if let Some(places) = self.places.get_mut(&webhook) {
            *places = places.saturating_sub(1);
        }
        self.bytes = self.bytes.saturating_sub(body_bytes);
    }
}

impl Port {
    #[must_use]
    pub fn new(lanes: Lanes) -> Self {
        Self(Mutex::new(Shared {
            lanes,
            told: VecDeque::new(),
            attention: false,
            places: BTreeMap::new(),
            bytes: 0,
            largest_body_bytes: 0,
        }))
    }

    pub fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandOver for Port {
    fn reserve(&self, webhook: WebhookId, body_bytes: usize) -> bool {
        let mut shared = self.shared();
        let reserved = shared.lanes.reserve(webhook, body_bytes);
        if reserved {
            shared.take_place(webhook, body_bytes);
        } else if shared.lanes.wants_attention() {
            shared.attention = true;
        }
        reserved
    }

    fn release(&self, webhook: WebhookId, body_bytes: usize) {
        let mut shared = self.shared();
        shared.lanes.release(webhook, body_bytes);
        shared.free_place(webhook, body_bytes);
        if shared.lanes.wants_attention() {
            shared.attention = true;
        }
    }

    fn deferred(&self, webhook: WebhookId) -> u64 {
        self.shared().lanes.deferred(webhook)
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        self.shared().told.push_back(Told::HandedOver(leased));
    }

    fn webhook_changed(&self, webhook: Option<WebhookId>) {
        self.shared().told.push_back(Told::Changed(webhook));
    }
}
