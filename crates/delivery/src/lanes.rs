//! Which delivery is sent next: a lane per webhook, a bounded window each, slots given in turn.
//!
//! A pure state machine: no IO, no clock, no locks. [`crate::dispatcher`] drives it.
//!
//! What keeps first attempts in order: a lane that had to refuse room says so to everything that comes
//! after, until a claim has emptied the store of what was refused. So what is in memory is always older
//! than what waits in the store. When something goes back to the store unsent, all that waits behind it in
//! memory goes with it, and nothing is claimed before all of it is back.
//!
//! The same calls always come to the same: nothing that is returned has an order that a hash gave it.

mod claims;
mod lane;
mod limits;
mod pace;
mod settings;
mod time;

use std::collections::{BTreeSet, HashMap, VecDeque};

use heraldo_domain::delivery::{Leased, Settlement};
use heraldo_wire::attempt::{AttemptOutcome, ErrorClass};
use heraldo_wire::id::{InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

pub use lane::LaneSettings;
use lane::{Lane, Wait};
pub use limits::Limits;

/// A claim to carry out; its room is set aside until [`Lanes::claimed`] or [`Lanes::claim_failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimPlan {
    pub webhook_id: WebhookId,
    pub limit: usize,
    turns_back: u64,
}

/// What a delivery holds on to until it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub webhook_id: WebhookId,
    /// The chain that its end releases.
    pub chain: Option<InspectionId>,
    pub body_bytes: usize,
    /// What a recovery sends again.
    pub low: bool,
    /// It has a token of its lane's rate that is not spent; see [`Lanes::sending`].
    pub metered: bool,
}

/// What the end of an attempt tells about its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It answered with a 2XX.
    Delivered,
    /// It did not answer in time.
    TimedOut,
    /// It wants nothing more until then.
    Hold(Timestamp),
    /// Nothing that matters here.
    Other,
}

impl Sign {
    /// What an attempt that ended tells.
    #[must_use]
    pub fn of(settlement: &Settlement) -> Self {
        if let Some(until) = settlement.hold_until {
            return Self::Hold(until);
        }
        match (settlement.attempt.outcome, settlement.attempt.error_class) {
            (AttemptOutcome::Delivered, _) => Self::Delivered,
            (AttemptOutcome::Failed, Some(ErrorClass::Timeout)) => Self::TimedOut,
            (AttemptOutcome::Failed, _) => Self::Other,
        }
    }
}

/// All lanes of this node.
#[derive(Debug, Clone)]
pub struct Lanes {
    limits: Limits,
    lanes: HashMap<WebhookId, Lane>,
    /// Lanes with something ready and a slot of their own free, in the order of their turns.
    turns: VecDeque<WebhookId>,
    /// Lanes whose settings must be read before anything else is done for them.
    /// The number tells a mark that came while settings were being read from the one before.
    stale: HashMap<WebhookId, u64>,
    marks: u64,
    /// Lanes that have something in the store and room for it.
    hungry: BTreeSet<WebhookId>,
    /// When something in the store is due, one entry for each lane at most.
    due: BTreeSet<(Timestamp, WebhookId)>,
    /// When a lane that must wait although it has something ready may go on, one entry for each at most.
    resumes: BTreeSet<(Timestamp, WebhookId)>,
    in_flight: usize,
    bytes: usize,
    /// Before the start and during the stop everything waits in the store.
    open: bool,
    opened_at: Timestamp,
    /// The latest time that was told.
    latest: Timestamp,
    /// A lane may go on earlier than [`Lanes::next_wake`] has told.
    wake_is_earlier: bool,
}

impl Lanes {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            stale: HashMap::new(),
            marks: 0,
            hungry: BTreeSet::new(),
            due: BTreeSet::new(),
            resumes: BTreeSet::new(),
            in_flight: 0,
            bytes: 0,
            open: false,
            opened_at: Timestamp::default(),
            latest: Timestamp::default(),
            wake_is_earlier: false,
        }
    }

    /// Begins to give room. What was sent before this moment counts for the rates, although nobody knows of
    /// it any more.
    pub fn open(&mut self, now: Timestamp) {
        self.open = true;
        self.opened_at = now;
        self.latest = now;
        for webhook in self.in_order() {
            self.weigh(webhook);
        }
    }

    /// Gives no more room and starts nothing more. Returns what was waiting in memory, to be given back.
    pub fn close(&mut self) -> Vec<Leased> {
        self.open = false;
        self.turns.clear();
        self.resumes.clear();
        let mut waiting = Vec::new();
        for webhook in self.in_order() {
            let Some(lane) = self.lanes.get_mut(&webhook) else {
                continue;
            };
            lane.in_turn = false;
            lane.wait = Wait::No;
            waiting.extend(lane.drain());
        }
        waiting
    }

    /// Attempts under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Bytes of event bodies in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Places that are taken in a webhook's window.
    #[must_use]
    pub fn held(&self, webhook: WebhookId) -> usize {
        self.lanes.get(&webhook).map_or(0, |lane| lane.held)
    }

    /// Whether the webhook may be sent to, nothing fresh waits for it, and little of low priority.
    #[must_use]
    pub fn is_calm(&self, webhook: WebhookId) -> bool {
        let known = self.open && !self.stale.contains_key(&webhook);
        // Of a lane that nobody knows of the settings are not known either.
        known && self.lanes.get(&webhook).is_some_and(Lane::is_calm)
    }

    /// Whether no lane holds anything: no place is taken, nothing waits in memory or is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.values().all(Lane::is_empty)
    }

    /// Asks for a place in the webhook's window; a refusal is remembered.
    pub fn reserve(&mut self, webhook: WebhookId, body_bytes: usize) -> bool {
        let open = self.open;
        let full = self.bytes.saturating_add(body_bytes) > self.limits.bytes_max;
        let limits = self.limits;
        // A lane that nobody knew of is stale from now on.
        self.lane(webhook);
        let stale = self.stale.contains_key(&webhook);
        let lane = self.lane(webhook);
        let window = lane.window(&limits);
        let room = lane.held < limits.window_min || (lane.held < window && !full);
        if open && lane.is_enabled() && !stale && !lane.backlog && room {
            lane.held += 1;
            self.bytes += body_bytes;
            return true;
        }
        lane.backlog = true;
        lane.deferred += 1;
        if lane.is_ended() {
            // It was decided before the webhook ended: whatever was stored for it is cancelled again.
            self.mark(webhook);
        }
        self.weigh(webhook);
        false
    }

    /// Gives a place back.
    pub fn release(&mut self, webhook: WebhookId, body_bytes: usize) {
        self.bytes = self.bytes.saturating_sub(body_bytes);
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.held = lane.held.saturating_sub(1);
            if lane.backlog || lane.due_now {
                self.weigh(webhook);
            }
        }
    }

    /// How many reservations were refused so far.
    #[must_use]
    pub fn deferred(&self, webhook: WebhookId) -> u64 {
        self.lanes.get(&webhook).map_or(0, |lane| lane.deferred)
    }

    /// Takes deliveries whose places are held already. Returns those that come too late to be sent: the
    /// lanes were closed or the webhook was paused meanwhile, or what goes before them is on its way back
    /// to the store.
    #[must_use = "what is returned must be given back to the store, and told to `returned`"]
    pub fn push(&mut self, leased: Vec<Leased>) -> Vec<Leased> {
        let open = self.open;
        let mut late = Vec::new();
        for delivery in leased {
            let webhook = delivery.webhook_id;
            let lane = self.lane(webhook);
            if open && lane.returning == 0 && lane.is_enabled() {
                lane.put(delivery);
                self.enter_turn(webhook);
            } else {
                lane.returning += 1;
                late.push(delivery);
            }
        }
        late
    }

    /// The next delivery to send; it takes a slot until [`Lanes::ended`].
    pub fn next_start(&mut self, now: Timestamp) -> Option<(Leased, Hold)> {
        let now = self.tick(now);
        self.resume(now);
        let crowded = self.in_flight >= self.limits.in_flight_max;
        // When all slots are taken only a lane with none of its own may start: look each over once. A lane
        // that was turned back has nothing any more.
        for _ in 0..self.turns.len() {
            let webhook = self.turns.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&webhook) else {
                continue;
            };
            if crowded && lane.in_flight > 0 {
                self.turns.push_back(webhook);
                continue;
            }
            lane.in_turn = false;
            let default = self.limits.concurrency;
            if !lane.has_ready(default) || lane.in_flight >= lane.concurrency(default) {
                // It was allowed more when it was given its turn.
                continue;
            }
            let metered = match lane.may_go(now) {
                Ok(metered) => metered,
                Err(wait) => {
                    self.wait(webhook, wait);
                    continue;
                }
            };
            let Some((delivery, chain, low)) = lane.take() else {
                continue;
            };
            lane.in_flight += 1;
            lane.has_started = true;
            self.in_flight += 1;
            let hold = Hold {
                webhook_id: webhook,
                chain,
                body_bytes: delivery.body.len(),
                low,
                metered,
            };
            self.enter_turn(webhook);
            return Some((delivery, hold));
        }
        None
    }

    /// The attempt goes out now: of a [metered](Hold::metered) one the token is spent.
    pub fn sending(&mut self, hold: &mut Hold, now: Timestamp) {
        if !std::mem::take(&mut hold.metered) {
            return;
        }
        let now = self.tick(now);
        if let Some(lane) = self.lanes.get_mut(&hold.webhook_id) {
            lane.spend(now);
            self.look_again(hold.webhook_id);
        }
    }

    /// An attempt has ended, however: its slot is free, and the next of its chain may start.
    pub fn ended(&mut self, hold: &Hold, sign: Sign) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let webhook = hold.webhook_id;
        let default = self.limits.concurrency;
        let Some(lane) = self.lanes.get_mut(&webhook) else {
            return;
        };
        lane.leave(hold);
        lane.heed(sign, default);
        lane.release_chain(hold.chain);
        self.look_again(webhook);
    }

    /// A delivery that had taken a slot was not sent, or nobody knows: its slot is free, and it goes back to
    /// the store. So does all that waits in its lane, for some of it may have to follow. Until all of it is
    /// back nothing more is taken in.
    #[must_use = "what is returned must be given back to the store, and told to `returned`"]
    pub fn turn_back(&mut self, hold: &Hold, delivery: Leased) -> Vec<Leased> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let lane = self.lane(hold.webhook_id);
        lane.leave(hold);
        let mut back = vec![delivery];
        lane.returning += 1;
        back.extend(lane.send_back());
        lane.release_chain(hold.chain);
        self.hungry.remove(&hold.webhook_id);
        back
    }

    /// The store has taken a delivery back unsent: its place in the window is free.
    pub fn returned(&mut self, webhook: WebhookId, body_bytes: usize) {
        let lane = self.lane(webhook);
        lane.returning = lane.returning.saturating_sub(1);
        lane.backlog = true;
        if lane.is_ended() {
            // It was on its way when the webhook ended: what waits is cancelled again.
            self.mark(webhook);
        }
        self.release(webhook, body_bytes);
    }

    /// The outcome is stored (or the lease is gone): the place in the window is free. `due_at` is when
    /// the delivery is due again, if it is.
    pub fn settled(&mut self, hold: &Hold, due_at: Option<Timestamp>) {
        let webhook = hold.webhook_id;
        self.release(webhook, hold.body_bytes);
        let Some(due_at) = due_at else { return };
        self.due(webhook, due_at);
        if self.lanes.get(&webhook).is_some_and(Lane::is_ended) {
            // It was under way when the webhook ended: what waits is cancelled again.
            self.mark(webhook);
        }
    }

    fn in_order(&self) -> Vec<WebhookId> {
        let mut all: Vec<_> = self.lanes.keys().copied().collect();
        all.sort_unstable();
        all
    }

    fn lane(&mut self, webhook: WebhookId) -> &mut Lane {
        if !self.lanes.contains_key(&webhook) {
            self.mark(webhook);
        }
        self.lanes.entry(webhook).or_default()
    }

    fn enter_turn(&mut self, webhook: WebhookId) {
        let default = self.limits.concurrency;
        let Some(lane) = self.lanes.get_mut(&webhook) else {
            return;
        };
        let may_start = lane.has_ready(default) && lane.in_flight < lane.concurrency(default);
        if self.open && !lane.in_turn && lane.wait == Wait::No && may_start {
            lane.in_turn = true;
            self.turns.push_back(webhook);
        }
    }
}

#[cfg(test)]
mod low_tests;
#[cfg(test)]
mod pace_tests;
#[cfg(test)]
mod tests;
