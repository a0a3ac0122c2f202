//! Which delivery is sent next: a lane per webhook, a bounded window each, slots given in turn.
//!
//! A pure state machine: no IO, no clock, no locks. [`crate::dispatcher`] drives it.
//!
//! What keeps first attempts in order: a lane that had to refuse room says so to everything that comes
//! after, until a claim has emptied the store of what was refused. So what is in memory is always older
//! than what waits in the store.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use heraldo_domain::delivery::{Claimed, Leased};
use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::{InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

/// How much of everything is kept in memory and under way.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts under way in all. A lane with none under way may exceed it by one, so that slots held
    /// by dead receivers never stop a healthy one.
    pub in_flight_max: usize,
    /// Attempts under way for one webhook, unless the webhook says otherwise.
    pub concurrency: usize,
    /// Deliveries of one webhook in memory: waiting, under way, or being settled.
    pub window_max: usize,
    /// Below this a lane is given room even when `bytes_max` is reached.
    pub window_min: usize,
    /// Bytes of event bodies in memory, over all lanes.
    pub bytes_max: usize,
    /// Deliveries asked for in one claim.
    pub claim_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight_max: 8_192,
            concurrency: 32,
            window_max: 1_024,
            window_min: 16,
            bytes_max: 64 * 1024 * 1024,
            claim_max: 256,
        }
    }
}

/// What a lane needs to know of its webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// `None`: the webhook was deleted.
    pub status: Option<WebhookStatus>,
    pub concurrency: Option<usize>,
    pub ordering: Ordering,
}

/// A claim to carry out; its room is set aside until [`Lanes::claimed`] or [`Lanes::claim_failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimPlan {
    pub webhook_id: WebhookId,
    pub limit: usize,
}

/// What a delivery holds on to until it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub webhook_id: WebhookId,
    /// The chain that its end releases.
    pub chain: Option<InspectionId>,
    pub body_bytes: usize,
}

#[derive(Debug, Default)]
struct Lane {
    /// May start now, oldest first.
    ready: VecDeque<Leased>,
    /// An inspection is here while a first attempt of it is ready or under way; later ones wait behind.
    chains: HashMap<InspectionId, VecDeque<Leased>>,
    in_flight: usize,
    /// Places of the window taken: reserved, in memory, claimed for, or being settled.
    held: usize,
    /// Something refused may wait in the store.
    backlog: bool,
    /// Reservations refused so far.
    deferred: u64,
    claiming: bool,
    /// When the next delivery in the store is due, as far as is known; also in `Lanes::due`.
    next_due_at: Option<Timestamp>,
    /// That time has come.
    due_now: bool,
    /// In `Lanes::turns`.
    in_turn: bool,
    settings: LaneSettings,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self { status: Some(WebhookStatus::Enabled), concurrency: None, ordering: Ordering::Inspection }
    }
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
            waiting.extend(lane.ready.drain(..));
            waiting.extend(lane.chains.values_mut().flat_map(|chain| chain.drain(..)));
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

    /// Takes deliveries whose places are held already. Returns those that come too late to be sent:
    /// the lanes were closed meanwhile.
    #[must_use = "what is returned must be given back to the store"]
    pub fn push(&mut self, leased: Vec<Leased>) -> Vec<Leased> {
        if !self.open {
            return leased;
        }
        for delivery in leased {
            let webhook = delivery.webhook_id;
            let lane = self.lane(webhook);
            if let Some(inspection) = chain_of(lane.settings.ordering, &delivery) {
                if let Some(chain) = lane.chains.get_mut(&inspection) {
                    chain.push_back(delivery);
                    continue;
                }
                lane.chains.insert(inspection, VecDeque::new());
            }
            lane.ready.push_back(delivery);
            self.enter_turn(webhook);
        }
        Vec::new()
    }

    /// The next delivery to send; it takes a slot until [`Lanes::ended`].
    pub fn next_start(&mut self) -> Option<(Leased, Hold)> {
        let crowded = self.in_flight >= self.limits.in_flight_max;
        // When all slots are taken only a lane with none of its own may start: look each over once.
        let looks = if crowded { self.turns.len() } else { 1 };
        for _ in 0..looks {
            let webhook = self.turns.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&webhook) else { continue };
            if crowded && lane.in_flight > 0 {
                self.turns.push_back(webhook);
                continue;
            }
            lane.in_turn = false;
            let Some(delivery) = lane.ready.pop_front() else { continue };
            lane.in_flight += 1;
            self.in_flight += 1;
            let hold = Hold {
                webhook_id: webhook,
                chain: chain_of(lane.settings.ordering, &delivery),
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
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        if let Some(inspection) = hold.chain {
            match lane.chains.get_mut(&inspection).and_then(VecDeque::pop_front) {
                Some(next) => lane.ready.push_back(next),
                None => {
                    lane.chains.remove(&inspection);
                }
            }
        }
        self.enter_turn(webhook);
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
        self.stale.iter().map(|(webhook, mark)| (*webhook, *mark)).collect()
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

    /// Forgets a lane whose webhook was deleted and that holds nothing.
    pub fn forget(&mut self, webhook: WebhookId) {
        let idle = |lane: &Lane| lane.held == 0 && lane.in_flight == 0 && !lane.claiming;
        if self.lanes.get(&webhook).is_some_and(idle) {
            self.set_due(webhook, None);
            self.lanes.remove(&webhook);
            self.stale.remove(&webhook);
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
            let Some(lane) = self.lanes.get_mut(&webhook_id) else { continue };
            let window = if full { limits.window_min } else { limits.window_max };
            let limit = window.saturating_sub(lane.held).min(limits.claim_max);
            // Without room now (memory is full) it is looked at again when one of its own is settled.
            if limit > 0 {
                lane.claiming = true;
                lane.due_now = false;
                lane.held += limit;
                plans.push(ClaimPlan { webhook_id, limit });
            }
        }
        plans
    }

    /// Takes what a claim found. Returns what comes too late to be sent, as [`Lanes::push`] does.
    #[must_use = "what is returned must be given back to the store"]
    pub fn claimed(&mut self, plan: ClaimPlan, claimed: Claimed) -> Vec<Leased> {
        let found = claimed.leased.len();
        let bytes: usize = claimed.leased.iter().map(|delivery| delivery.body.len()).sum();
        self.bytes += bytes;
        let lane = self.lane(plan.webhook_id);
        lane.claiming = false;
        lane.held = lane.held.saturating_sub(plan.limit) + found;
        // Only if nothing was refused since the claim was carried out is the store empty of it.
        lane.backlog = !(claimed.exhausted && lane.deferred == claimed.deferred_mark);
        // What was settled meanwhile may be due earlier than what the claim saw.
        if let Some(at) = claimed.next_due_at {
            self.due(plan.webhook_id, at);
        }
        let late = self.push(claimed.leased);
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
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
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
        let Some(lane) = self.lanes.get(&webhook) else { return };
        let room = limits.window_max.saturating_sub(lane.held);
        let hungry = known
            && !lane.claiming
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
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let concurrency = lane.settings.concurrency.unwrap_or(default).max(1);
        if self.open && !lane.in_turn && !lane.ready.is_empty() && lane.in_flight < concurrency {
            lane.in_turn = true;
            self.turns.push_back(webhook);
        }
    }
}

impl Lane {
    /// Its webhook was disabled or deleted.
    fn is_ended(&self) -> bool {
        matches!(self.settings.status, None | Some(WebhookStatus::Disabled))
    }
}

/// The chain that a delivery belongs to: only first attempts are kept in order.
fn chain_of(ordering: Ordering, delivery: &Leased) -> Option<InspectionId> {
    (ordering == Ordering::Inspection && delivery.cause == Cause::First)
        .then_some(delivery.inspection_id)
}

#[cfg(test)]
mod tests;
