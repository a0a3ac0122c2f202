//! One webhook's lane: what it has in memory, and what is known of what it has in the store.

use std::collections::{HashMap, VecDeque};

use heraldo_domain::delivery::Leased;
use heraldo_domain::webhook::{Defaults, Webhook};
use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::InspectionId;
use heraldo_wire::time::Timestamp;

use super::pace::{Brake, Bucket, Empty};
use super::{Hold, Limits, Sign};

/// Of low priority so many wait in memory at most before more of it is asked for.
const LOW_AHEAD_MAX: usize = 32;

/// What a lane needs to know of its webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// `None`: the webhook was deleted.
    pub status: Option<WebhookStatus>,
    pub concurrency: Option<usize>,
    /// Attempts that may be sent in one second; `None`: as many as can be.
    pub rate_per_second: Option<u32>,
    pub ordering: Ordering,
}

impl LaneSettings {
    /// The webhook's own over the server's; `None`: it was deleted.
    #[must_use]
    pub fn of(webhook: Option<&Webhook>, server: &Defaults) -> Self {
        let Some(webhook) = webhook else {
            return Self {
                status: None,
                ..Self::default()
            };
        };
        let concurrency = webhook.settings.concurrency;
        Self {
            status: Some(webhook.settings.status),
            concurrency: concurrency.and_then(|concurrency| usize::try_from(concurrency).ok()),
            rate_per_second: webhook.rate_per_second(server),
            ordering: webhook.ordering(server),
        }
    }
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            status: Some(WebhookStatus::Enabled),
            concurrency: None,
            rate_per_second: None,
            ordering: Ordering::Inspection,
        }
    }
}

/// Whether a lane must let time pass before it may start what it has ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wait {
    #[default]
    No,
    /// Also in `Lanes::resumes`.
    Until(Timestamp),
    /// Until one that has a token is sent, or is not.
    ForToken,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    /// May start now, oldest first, each with the chain that its end releases: the one it was put in, for
    /// the order that the webhook wants may change while it waits.
    pub ready: VecDeque<(Leased, Option<InspectionId>)>,
    /// Sent while nothing of `ready` may be: what recoveries send again.
    pub low: VecDeque<Leased>,
    /// Attempts under way of what was in `low`.
    pub low_in_flight: usize,
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
    /// Something was started since the lanes were opened.
    pub has_started: bool,
    pub wait: Wait,
    pub settings: LaneSettings,
    /// `None` without a rate.
    pub bucket: Option<Bucket>,
    /// What was sent under a rate that was taken away counts until then, should there be a rate again.
    pub counts_until: Option<Timestamp>,
    pub brake: Brake,
    /// Its receiver wants nothing before then.
    pub held_until: Option<Timestamp>,
}

impl Lane {
    /// Nothing may be sent to its webhook unless this is so.
    pub fn is_enabled(&self) -> bool {
        self.settings.status == Some(WebhookStatus::Enabled)
    }

    /// Takes out all that has not started, to be given back to the store; what comes in before it is back
    /// there must follow it.
    pub fn send_back(&mut self) -> Vec<Leased> {
        let back = self.drain();
        self.returning += back.len();
        self.turns_back += 1;
        self.backlog = true;
        back
    }

    /// Its webhook was disabled or deleted.
    pub fn is_ended(&self) -> bool {
        matches!(self.settings.status, None | Some(WebhookStatus::Disabled))
    }

    /// Attempts that may be under way at once.
    pub fn concurrency(&self, default: usize) -> usize {
        self.brake
            .allowed(self.settings.concurrency.unwrap_or(default))
    }

    /// Places that it may have in memory, by the slots that it has now.
    pub fn window(&self, limits: &Limits) -> usize {
        limits.window(self.concurrency(limits.concurrency))
    }

    /// Whether an attempt may start now, and then whether it took a token.
    pub fn may_go(&mut self, now: Timestamp) -> Result<bool, Wait> {
        match self.held_until {
            Some(until) if until > now => return Err(Wait::Until(until)),
            Some(_) | None => self.held_until = None,
        }
        let Some(bucket) = &mut self.bucket else {
            return Ok(false);
        };
        bucket
            .take(now)
            .map(|()| true)
            .map_err(|empty| match empty {
                Empty::Until(at) => Wait::Until(at),
                Empty::Taken => Wait::ForToken,
            })
    }

    /// A token is spent.
    pub fn spend(&mut self, now: Timestamp) {
        if let Some(bucket) = &mut self.bucket {
            bucket.spend(now);
        }
    }

    /// Whether something may start, given a slot. Half of the slots are kept free of what is of low priority,
    /// so that something fresh never waits for slow answers to it.
    pub fn has_ready(&self, default: usize) -> bool {
        let low_max = (self.concurrency(default) / 2).max(1);
        !self.ready.is_empty() || (!self.low.is_empty() && self.low_in_flight < low_max)
    }

    /// The next to start, with the chain that its end releases, and whether it is of low priority.
    pub fn take(&mut self) -> Option<(Leased, Option<InspectionId>, bool)> {
        if let Some((delivery, chain)) = self.ready.pop_front() {
            return Some((delivery, chain, false));
        }
        let delivery = self.low.pop_front()?;
        self.low_in_flight += 1;
        Some((delivery, None, true))
    }

    /// Whether nothing fresh waits, in memory or in the store, and little of low priority.
    pub fn is_calm(&self) -> bool {
        self.is_enabled()
            && self.ready.is_empty()
            && self.low.len() < LOW_AHEAD_MAX
            && self.returning == 0
            && !self.backlog
            && !self.due_now
            && !self.claiming
    }

    /// An attempt has given its slot back.
    pub fn leave(&mut self, hold: &Hold) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if hold.low {
            self.low_in_flight = self.low_in_flight.saturating_sub(1);
        }
        if let Some(bucket) = self.bucket.as_mut().filter(|_| hold.metered) {
            bucket.give_back();
        }
    }

    /// Learns from how an attempt ended.
    pub fn heed(&mut self, sign: Sign, concurrency: usize) {
        let most = self.settings.concurrency.unwrap_or(concurrency);
        match sign {
            Sign::Delivered => self.brake.delivered(most),
            Sign::TimedOut => self.brake.timed_out(most),
            Sign::Hold(until) => {
                self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
            }
            Sign::Other => {}
        }
    }

    pub fn is_empty(&self) -> bool {
        self.held == 0
            && self.in_flight == 0
            && self.ready.is_empty()
            && self.low.is_empty()
            && self.chains.is_empty()
    }

    /// Lets a delivery wait for its turn, behind the first attempts of its inspection's earlier events.
    pub fn put(&mut self, delivery: Leased) {
        if delivery.cause == Cause::Recover {
            self.low.push_back(delivery);
            return;
        }
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
        let mut waiting: Vec<Leased> = self.low.drain(..).collect();
        let mut chains: Vec<_> = self.chains.iter_mut().collect();
        chains.sort_unstable_by_key(|(inspection, _)| **inspection);
        waiting.extend(chains.into_iter().flat_map(|(_, behind)| behind.drain(..)));
        for (delivery, chain) in self.ready.drain(..) {
            if let Some(inspection) = chain {
                self.chains.remove(&inspection);
            }
            waiting.push(delivery);
        }
        waiting
    }
}

/// The chain that a delivery belongs to: only first attempts are kept in order. The strict order is kept by
/// the store; those of its deliveries that are here follow the others' first attempts.
fn chain_of(ordering: Ordering, delivery: &Leased) -> Option<InspectionId> {
    let ordered = match ordering {
        Ordering::Inspection | Ordering::Strict => true,
        Ordering::None => false,
    };
    (ordered && delivery.cause == Cause::First).then_some(delivery.inspection_id)
}
