//! The hand-over port of the simulated server: the dispatcher's own, and what the engine's writer told that the
//! dispatcher has not heard yet.
//!
//! The writer hands over after its commit, while others already go on; so what it tells is queued here and
//! heard in order, at the latest before any answer to a later write.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use heraldo_delivery::dispatcher::Dispatcher;
use heraldo_domain::delivery::Leased;
use heraldo_domain::ports::HandOver;
use heraldo_wire::id::WebhookId;

use crate::runtime::SimRuntime;
use crate::scene::Scene;

pub struct Port {
    dispatcher: Dispatcher<SimRuntime>,
    seen: Mutex<Seen>,
}

/// What went through the port.
#[derive(Debug, Default)]
pub struct Seen {
    /// What the writer told, oldest first.
    told: VecDeque<Told>,
    /// Counted beside the lanes: what is in memory or has a place set aside for it.
    pub places: BTreeMap<WebhookId, usize>,
    pub bytes: usize,
    pub largest_body_bytes: usize,
}

#[derive(Debug)]
enum Told {
    Changed(Option<WebhookId>),
    HandedOver(Vec<Leased>),
}

impl Seen {
    fn take_place(&mut self, webhook: WebhookId, body_bytes: usize) {
        *self.places.entry(webhook).or_default() += 1;
        self.bytes += body_bytes;
        self.largest_body_bytes = self.largest_body_bytes.max(body_bytes);
    }

    fn free_place(&mut self, webhook: WebhookId, body_bytes: usize) {
        if let Some(places) = self.places.get_mut(&webhook) {
            *places = places.saturating_sub(1);
        }
        self.bytes = self.bytes.saturating_sub(body_bytes);
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Port {
    #[must_use]
    pub fn new(dispatcher: Dispatcher<SimRuntime>) -> Self {
        Self {
            dispatcher,
            seen: Mutex::default(),
        }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A claim brought these: each has a place now.
    pub fn claimed(&self, leased: &[Leased]) {
        let mut seen = self.seen();
        for one in leased {
            seen.take_place(one.webhook_id, one.body.len());
        }
    }

    /// The server lets go of these: their places are free.
    pub fn let_go(&self, leased: &[Leased]) {
        let mut seen = self.seen();
        for one in leased {
            seen.free_place(one.webhook_id, one.body.len());
        }
    }

    /// Whether the dispatcher has not heard something.
    #[must_use]
    pub fn has_told(&self) -> bool {
        !self.seen().told.is_empty()
    }

    /// Lets the dispatcher hear the oldest thing that it was told.
    pub fn hear_one(&self, scene: &Scene) {
        let told = self.seen().told.pop_front();
        match told {
            None => {}
            Some(Told::Changed(webhook)) => self.dispatcher.webhook_changed(webhook),
            Some(Told::HandedOver(leased)) => {
                let mut state = scene.lock();
                let handed = state.watch.handed(&leased);
                state.note(handed);
                drop(state);
                self.dispatcher.hand_over(leased);
            }
        }
    }

    /// The writer hands over before it answers, so whoever hears an answer has heard all of this.
    pub fn hear_all(&self, scene: &Scene) {
        while self.has_told() {
            self.hear_one(scene);
        }
    }
}

impl HandOver for Port {
    fn reserve(&self, webhook: WebhookId, body_bytes: usize) -> bool {
        let reserved = self.dispatcher.reserve(webhook, body_bytes);
        if reserved {
            self.seen().take_place(webhook, body_bytes);
        }
        reserved
    }

    fn release(&self, webhook: WebhookId, body_bytes: usize) {
        self.dispatcher.release(webhook, body_bytes);
        self.seen().free_place(webhook, body_bytes);
    }

    fn deferred(&self, webhook: WebhookId) -> u64 {
        self.dispatcher.deferred(webhook)
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        self.seen().told.push_back(Told::HandedOver(leased));
    }

    fn webhook_changed(&self, webhook: Option<WebhookId>) {
        self.seen().told.push_back(Told::Changed(webhook));
    }
}
