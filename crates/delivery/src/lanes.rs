//! Which delivery is sent next: a lane per webhook, a bounded window each, slots given in turn.
//!
//! A pure state machine: no IO, no clock, no locks. [`crate::dispatcher`] drives it.
//!
//! What keeps first attempts in order: a lane that had to refuse room says so to everything that comes
//! after, until a claim has emptied the store of what was refused. So what is in memory is always older
//! than what waits in the store. When something goes back to the store unsent, all that waits behind it in
//! memory goes with it, and nothing is claimed before all of it is back.

mod lane;
mod limits;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use heraldo_domain::delivery::{Claimed, Leased};
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::id::{InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

use lane::Lane;
pub use lane::LaneSettings;
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
}

/// All lanes of this node.
#[derive(Debug)]
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
    hungry: HashSet<WebhookId>,
    /// When something in the store is due, one entry for each lane at most.
    due: BTreeSet<(Timestamp, WebhookId)>,
    in_flight: usize,
    bytes: usize,
    /// Before the start and during the stop everything waits in the store.
    open: bool,
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
            hungry: HashSet::new(),
            due: BTreeSet::new(),
            in_flight: 0,
            bytes: 0,
            open: false,
        }
    }

    /// Begins to give room.
    pub fn open(&mut self) {
        self.open = true;
        let lanes: Vec<_> = self.lanes.keys().copied().collect();
        for webhook in lanes {
            self.weigh(webhook);
        }
    }

    /// Gives no more room and starts nothing more. Returns what was waiting in memory, to be given back.
    pub fn close(&mut self) -> Vec<Leased> {
        self.open = false;
        self.turns.clear();
        let mut waiting = Vec::new();
        for lane in self.lanes.values_mut() {
            lane.in_turn = false;
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
        let stale = self.stale.contains_key(&webhook);
        let lane = self.lane(webhook);
        let enabled = lane.settings.status == Some(WebhookStatus::Enabled);
        let room = lane.held < limits.window_min || (lane.held < limits.window_max && !full);
        if open && enabled && !stale && !lane.backlog && room {
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
    /// lanes were closed meanwhile, or what goes before them is on its way back to the store.
    #[must_use = "what is returned must be given back to the store, and told to `returned`"]
    pub fn push(&mut self, leased: Vec<Leased>) -> Vec<Leased> {
        let open = self.open;
        let mut late = Vec::new();
        for delivery in leased {
            let webhook = delivery.webhook_id;
            let lane = self.lane(webhook);
            if open && lane.returning == 0 {
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
    pub fn next_start(&mut self) -> Option<(Leased, Hold)> {
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
            if lane.in_flight >= lane.concurrency(self.limits.concurrency) {
                // It was allowed more when it was given its turn.
                continue;
            }
            let Some((delivery, chain)) = lane.ready.pop_front() else {
                continue;
            };
            lane.in_flight += 1;
            self.in_flight += 1;
            let hold = Hold {
                webhook_id: webhook,
                chain,
                body_bytes: delivery.body.len(),
            };
            self.enter_turn(webhook);
            return Some((delivery, hold));
        }
        None
    }

    /// An attempt has ended, however: its slot is free, and the next of its chain may start.
    pub fn ended(&mut self, hold: &Hold) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let webhook = hold.webhook_id;
        let Some(lane) = self.lanes.get_mut(&webhook) else {
            return;
        };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        lane.release_chain(hold.chain);
        self.enter_turn(webhook);
    }

    /// A delivery that had taken a slot was not sent, or nobody knows: its slot is free, and it goes back to
    /// the store. So does all that waits in its lane, for some of it may have to follow. Until all of it is
    /// back nothing more is taken in.
    #[must_use = "what is returned must be given back to the store, and told to `returned`"]
    pub fn turn_back(&mut self, hold: &Hold, delivery: Leased) -> Vec<Leased> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let lane = self.lane(hold.webhook_id);
        lane.in_flight = lane.in_flight.saturating_sub(1);
        let mut back = vec![delivery];
        back.extend(lane.drain());
        lane.release_chain(hold.chain);
        lane.returning += back.len();
        lane.turns_back += 1;
        lane.backlog = true;
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

    /// The webhook was changed, or, with `None`, any may have been: settings are read before more room
    /// is given.
    pub fn mark_stale(&mut self, webhook: Option<WebhookId>) {
        match webhook {
            Some(webhook) => {
                self.lane(webhook);
                self.mark(webhook);
            }
            None => {
                let all: Vec<_> = self.lanes.keys().copied().collect();
                all.into_iter().for_each(|webhook| self.mark(webhook));
            }
        }
    }

    /// Lanes whose settings must be read and given to [`Lanes::configure`] with the same mark. Until
    /// then their reservations are refused.
    #[must_use]
    pub fn stale(&self) -> Vec<(WebhookId, u64)> {
        self.stale
            .iter()
            .map(|(webhook, mark)| (*webhook, *mark))
            .collect()
    }

    fn mark(&mut self, webhook: WebhookId) {
        self.marks += 1;
        self.stale.insert(webhook, self.marks);
        self.hungry.remove(&webhook);
    }

    /// Sets what was read of a webhook. Whatever came while it was not known may wait in the store.
    ///
    /// `mark` is the one that [`Lanes::stale`] gave; a newer one stays.
    pub fn configure(&mut self, webhook: WebhookId, mark: u64, settings: LaneSettings) {
        if self.stale.get(&webhook) == Some(&mark) {
            self.stale.remove(&webhook);
        }
        let lane = self.lane(webhook);
        if lane.settings.status != settings.status {
            lane.backlog = true;
        }
        lane.settings = settings;
        self.enter_turn(webhook);
        self.weigh(webhook);
    }

    /// Whether what waits for this webhook is to be cancelled: it was disabled or deleted.
    #[must_use]
    pub fn is_ended(&self, webhook: WebhookId) -> bool {
        self.lanes.get(&webhook).is_some_and(Lane::is_ended)
    }

    /// Forgets a lane whose webhook was disabled or deleted and that holds nothing. One that is stale stays:
    /// it may have been enabled meanwhile, or something may wait for it again.
    pub fn forget(&mut self, webhook: WebhookId) {
        let idle = |lane: &Lane| {
            lane.is_ended() && lane.held == 0 && lane.in_flight == 0 && !lane.claiming
        };
        if !self.stale.contains_key(&webhook) && self.lanes.get(&webhook).is_some_and(idle) {
            self.set_due(webhook, None);
            self.lanes.remove(&webhook);
            self.hungry.remove(&webhook);
        }
    }

    /// Whether there is something to do for [`Lanes::stale`] or [`Lanes::plan_claims`] at once.
    #[must_use]
    pub fn wants_attention(&self) -> bool {
        !self.stale.is_empty() || !self.hungry.is_empty()
    }

    /// The claims that are worth making now. Each sets its room aside.
    pub fn plan_claims(&mut self, now: Timestamp) -> Vec<ClaimPlan> {
        while let Some((at, webhook)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, webhook));
            if let Some(lane) = self.lanes.get_mut(&webhook) {
                lane.next_due_at = None;
                lane.due_now = true;
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
                limits.window_max
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

    /// When something in the store is due, the earliest of all.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    fn set_due(&mut self, webhook: WebhookId, at: Option<Timestamp>) {
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
    fn weigh(&mut self, webhook: WebhookId) {
        let limits = self.limits;
        let known = self.open && !self.stale.contains_key(&webhook);
        let Some(lane) = self.lanes.get(&webhook) else {
            return;
        };
        let room = limits.window_max.saturating_sub(lane.held);
        let hungry = known
            && !lane.claiming
            && lane.returning == 0
            && (lane.backlog || lane.due_now)
            && lane.settings.status == Some(WebhookStatus::Enabled)
            // A claim is a write: wait until a fair part of the window is free.
            && room >= limits.claim_max.min(limits.window_max.div_ceil(2)).max(1);
        if hungry {
            self.hungry.insert(webhook);
        } else {
            self.hungry.remove(&webhook);
        }
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
        let may_start = !lane.ready.is_empty() && lane.in_flight < lane.concurrency(default);
        if self.open && !lane.in_turn && may_start {
            lane.in_turn = true;
            self.turns.push_back(webhook);
        }
    }
}

#[cfg(test)]
mod tests;
