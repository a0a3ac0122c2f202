//! Plays the dispatcher's runtime step by step over the real lanes: what `heraldo-delivery`'s dispatcher does
//! in tasks between two awaits is one step here, and the dice say whose turn it is.
//!
//! It decides nothing that the dispatcher leaves to the lanes, to `settle` or to the store.

mod life;
mod limits;
mod planner;
mod settler;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use heraldo_delivery::lanes::{LaneSettings, Lanes, Limits};
use heraldo_domain::delivery::{Epoch, Leased, Settlement, Waiting};
use heraldo_domain::ports::IdMaker;
use heraldo_domain::webhook::Defaults;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use crate::engine::{Engine, Kind};
use crate::oracle::Oracle;
use crate::port::{Port, Told};
use crate::receiver::Receivers;
use crate::world::{Check, World, wait_for};
use planner::{Cancel, ClaimTask, Planner};
use settler::{Outbox, Settler};
use worker::Worker;

/// As in the dispatcher: after the store failed, it is asked again after this long.
pub(crate) const STORE_PAUSE: Duration = Duration::from_millis(250);
/// As in the dispatcher: a due time further away is looked at again on the way.
pub(crate) const SLEEP_MAX: Duration = Duration::from_secs(30);
/// Small, so that one webhook's backlog takes several slices.
pub(crate) const CANCEL_SLICE: u32 = 12;

/// How the simulated server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    pub limits: Limits,
    pub defaults: Defaults,
    /// The part that mostly lets the others go first: what is rare otherwise is common then.
    pub slow: Option<Part>,
}

/// A part of the dispatcher that may be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    HandOver,
    Planner,
    Claims,
    Cancels,
    Workers,
    Settler,
}

/// How far the start has come.
#[derive(Debug)]
enum Life {
    Closed,
    EpochOpened,
    WaitingRead(Vec<Waiting>),
    Running,
    /// It gives back what waits and starts nothing more.
    Stopping,
    /// Somebody else opened an epoch: it does not know, and claims nothing more.
    Robbed,
}

/// One start of the server.
#[derive(Debug)]
pub struct Driver {
    pub port: Arc<Port>,
    pub store: Engine,
    pub receivers: Receivers,
    config: Config,
    ids: Arc<IdMaker>,
    lease: Epoch,
    life: Life,
    planner: Planner,
    claims: Vec<ClaimTask>,
    cancels: Vec<Cancel>,
    workers: Vec<Worker>,
    outbox: Outbox,
    settler: Settler,
    /// What the lanes were last told of each webhook.
    configured: BTreeMap<WebhookId, LaneSettings>,
    /// Counted beside the lanes: how many attempts at once a webhook that timed out may have.
    brakes: BTreeMap<WebhookId, limits::Brake>,
    /// Until when a webhook wants nothing.
    holds: BTreeMap<WebhookId, Timestamp>,
    heeds: Vec<life::Heed>,
}

/// Something that can go on now.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Hear,
    Start,
    Plan,
    Claim(usize),
    Cancel(usize),
    Work(usize),
    Settle,
    Heed(usize),
    /// Of a server that claims nothing more: what it has it still sends when the time has come.
    Resume,
}

impl Turn {
    const fn part(self) -> Option<Part> {
        match self {
            Self::Hear => Some(Part::HandOver),
            Self::Start | Self::Resume => None,
            Self::Plan => Some(Part::Planner),
            Self::Claim(_) => Some(Part::Claims),
            Self::Cancel(_) => Some(Part::Cancels),
            Self::Work(_) => Some(Part::Workers),
            Self::Settle | Self::Heed(_) => Some(Part::Settler),
        }
    }
}

impl Driver {
    /// The first start, on an empty store.
    ///
    /// # Errors
    /// When the store's files cannot be made.
    pub fn new(config: Config, kind: Kind, world: &World, ids: Arc<IdMaker>) -> Check<Self> {
        let port = Arc::new(Port::new(Lanes::new(config.limits)));
        let store = Engine::new(kind, port.clone(), world)?;
        Ok(Self::on(config, port, store, ids))
    }

    fn on(config: Config, port: Arc<Port>, store: Engine, ids: Arc<IdMaker>) -> Self {
        Self {
            port,
            store,
            receivers: Receivers::default(),
            config,
            ids,
            lease: Epoch(0),
            life: Life::Closed,
            planner: Planner::default(),
            claims: Vec::new(),
            cancels: Vec::new(),
            workers: Vec::new(),
            outbox: Outbox::default(),
            settler: Settler::Idle,
            configured: BTreeMap::new(),
            brakes: BTreeMap::new(),
            holds: BTreeMap::new(),
            heeds: Vec::new(),
        }
    }

    /// What a crash and a new start leave, and the outcomes that the old one knew and had not stored.
    ///
    /// # Errors
    /// When the store cannot be opened again.
    pub fn crash(self, world: &World) -> Check<(Self, Vec<Settlement>)> {
        let mut unsettled = self.outbox.settlements;
        unsettled.extend(self.settler.settlements());
        let port = Arc::new(Port::new(Lanes::new(self.config.limits)));
        let store = self.store.reopen(port.clone(), world)?;
        let mut next = Self::on(self.config, port, store, Arc::new(IdMaker::default()));
        next.receivers = self.receivers;
        Ok((next, unsettled))
    }

    #[must_use]
    pub fn ids(&self) -> Arc<IdMaker> {
        self.ids.clone()
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.life, Life::Running)
    }

    #[must_use]
    pub fn is_robbed(&self) -> bool {
        matches!(self.life, Life::Robbed)
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(self.life, Life::Stopping)
    }

    /// A graceful stop: closes the lanes and gives back what waits in them.
    pub fn stop(&mut self) {
        let mut waiting = self.port.shared().lanes.close();
        waiting.sort_by_key(|delivery| delivery.delivery_id);
        self.give_back(waiting);
        self.life = Life::Stopping;
    }

    /// Somebody else opens an epoch on the same data; this server goes on without knowing. `false`: not now,
    /// because a claim is under way that would be made with a lease that is void already.
    ///
    /// # Errors
    /// When the engine had to wait.
    pub fn rob(&mut self) -> Check<bool> {
        if !self.is_running() || !self.claims.is_empty() || !self.port.shared().told.is_empty() {
            return Ok(false);
        }
        let robbed = wait_for(self.store.open_epoch())?.is_ok();
        if robbed {
            self.life = Life::Robbed;
        }
        Ok(robbed)
    }

    /// Does one step of something that can go on now. `false`: nothing can before time passes.
    ///
    /// # Errors
    /// What must never happen.
    pub fn step(&mut self, world: &mut World, oracle: &mut Oracle) -> Check<bool> {
        let turns = self.turns(world.now());
        let quick: Vec<Turn> = turns
            .iter()
            .copied()
            .filter(|turn| turn.part().is_none() || turn.part() != self.config.slow)
            .collect();
        let hurry = !quick.is_empty() && world.dice.chance(900);
        let turns = if hurry { quick } else { turns };
        let Some(turn) = world.dice.pick(&turns).copied() else {
            return Ok(false);
        };
        match turn {
            Turn::Hear => self.hear_one(world)?,
            Turn::Start => self.start(world)?,
            Turn::Plan => self.plan(world)?,
            Turn::Claim(at) => self.claim(at, world)?,
            Turn::Cancel(at) => self.cancel(at, world, oracle)?,
            Turn::Work(at) => self.work(at, world, oracle)?,
            Turn::Settle => self.settle(world, oracle)?,
            Turn::Heed(at) => self.heed_one(at, world, oracle)?,
            Turn::Resume => self.start_workers(world)?,
        }
        self.check_limits()?;
        Ok(true)
    }

    fn turns(&self, now: Timestamp) -> Vec<Turn> {
        let mut turns = Vec::new();
        if !self.port.shared().told.is_empty() {
            turns.push(Turn::Hear);
        }
        match self.life {
            Life::Closed | Life::EpochOpened | Life::WaitingRead(_) => turns.push(Turn::Start),
            Life::Running => {
                if self.planner.may_run(now, self.port.shared().attention) {
                    turns.push(Turn::Plan);
                }
            }
            Life::Robbed => {
                if self.next_resume().is_some_and(|at| at <= now) {
                    turns.push(Turn::Resume);
                }
            }
            Life::Stopping => {}
        }
        turns.extend((0..self.claims.len()).map(Turn::Claim));
        let awake = |wake: Option<Timestamp>| wake.is_none_or(|at| at <= now);
        let cancels = self.cancels.iter().enumerate();
        turns.extend(
            cancels
                .filter(|(_, task)| awake(task.wake))
                .map(|(at, _)| Turn::Cancel(at)),
        );
        let workers = self.workers.iter().enumerate();
        turns.extend(
            workers
                .filter(|(_, worker)| awake(worker.wake))
                .map(|(at, _)| Turn::Work(at)),
        );
        if self.settler.may_run(now, &self.outbox) {
            turns.push(Turn::Settle);
        }
        let heeds = self.heeds.iter().enumerate();
        turns.extend(
            heeds
                .filter(|(_, heed)| awake(heed.wake))
                .map(|(at, _)| Turn::Heed(at)),
        );
        turns
    }

    /// When something goes on that only waits for time to pass.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let planner = self.is_running().then(|| self.planner.wake()).flatten();
        let tasks = self.cancels.iter().filter_map(|task| task.wake);
        let workers = self.workers.iter().filter_map(|worker| worker.wake);
        tasks
            .chain(workers)
            .chain(self.heeds.iter().filter_map(|heed| heed.wake))
            .chain(self.settler.wake())
            .chain(planner)
            .chain(self.next_resume())
            .min()
    }

    /// When a server that was robbed goes on with what it has.
    fn next_resume(&self) -> Option<Timestamp> {
        let shared = self.port.shared();
        self.is_robbed()
            .then(|| shared.lanes.next_resume())
            .flatten()
    }

    /// Nothing is under way, and nothing will be by itself.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let shared = self.port.shared();
        let waits = self.is_running()
            && (shared.lanes.next_wake().is_some()
                || shared.lanes.wants_attention()
                || shared.attention
                || self.planner.is_busy());
        let starts = !matches!(self.life, Life::Running | Life::Stopping | Life::Robbed);
        !starts
            && !waits
            && shared.told.is_empty()
            && self.claims.is_empty()
            && self.cancels.is_empty()
            && self.workers.is_empty()
            && self.outbox.is_empty()
            && self.heeds.is_empty()
            && matches!(self.settler, Settler::Idle)
            && !(self.is_robbed() && shared.lanes.next_resume().is_some())
    }

    /// Of a stop: nothing is under way any more and every outcome is written.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.port.shared().lanes.in_flight() == 0
            && self.outbox.is_empty()
            && matches!(self.settler, Settler::Idle)
    }

    fn start(&mut self, world: &mut World) -> Check {
        match std::mem::replace(&mut self.life, Life::Closed) {
            Life::Closed => {
                self.store.maybe_fail(world)?;
                // A start that fails ends the process; the next one begins anew.
                if let Ok(lease) = wait_for(self.store.open_epoch())? {
                    self.lease = lease;
                    self.life = Life::EpochOpened;
                    world.note(format_args!("start: epoch {}", lease.0));
                }
            }
            Life::EpochOpened => {
                self.life = match wait_for(self.store.waiting())? {
                    Ok(waiting) => Life::WaitingRead(waiting),
                    Err(_) => Life::Closed,
                };
            }
            Life::WaitingRead(waiting) => {
                let mut shared = self.port.shared();
                for lane in waiting {
                    shared.lanes.left_over(lane.webhook_id, lane.next_due_at);
                }
                shared.lanes.open(world.now());
                shared.attention = true;
                drop(shared);
                self.life = Life::Running;
                world.note("start: lanes are open");
            }
            life @ (Life::Running | Life::Stopping | Life::Robbed) => self.life = life,
        }
        Ok(())
    }

    fn hear_one(&mut self, world: &mut World) -> Check {
        let told = self.port.shared().told.pop_front();
        match told {
            None => {}
            Some(Told::Changed(webhook)) => {
                let mut shared = self.port.shared();
                shared.lanes.mark_stale(webhook);
                shared.attention = true;
            }
            Some(Told::HandedOver(leased)) => {
                let late = self.port.shared().lanes.push(leased);
                self.give_back(late);
                self.start_workers(world)?;
            }
        }
        Ok(())
    }

    /// The writer hands over before it answers, so whoever hears an answer has heard all of this.
    fn hear_all(&mut self, world: &mut World) -> Check {
        while !self.port.shared().told.is_empty() {
            self.hear_one(world)?;
        }
        Ok(())
    }

    fn give_back(&mut self, leased: Vec<Leased>) {
        if !leased.is_empty() {
            self.outbox.release(leased);
        }
    }
}
