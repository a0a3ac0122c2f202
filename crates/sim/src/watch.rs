//! What is seen of one server at its ports: who has a slot, what it was handed and has not let go, how many attempts
//! each webhook may have at once; and what must hold of that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use heraldo_delivery::dispatcher::DispatcherConfig;
use heraldo_delivery::lanes::LaneSettings;
use heraldo_domain::delivery::{Leased, Settlement};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{DeliveryId, EventId, JobId, WebhookId};
use heraldo_wire::time::Timestamp;

use crate::executor::TaskId;
use crate::world::{Check, World, violated};

/// What the end of an attempt tells of its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Delivered,
    TimedOut,
    /// It wants fewer requests, and none until then.
    Hold(Timestamp),
    Other,
}

#[derive(Debug)]
pub struct Watch {
    pub config: DispatcherConfig,
    workers: BTreeMap<TaskId, Worker>,
    /// What the lanes were last told of each webhook.
    configured: BTreeMap<WebhookId, LaneSettings>,
    /// How many attempts at once a webhook that timed out may have.
    brakes: BTreeMap<WebhookId, Brake>,
    /// Until when a webhook wants nothing.
    holds: BTreeMap<WebhookId, Timestamp>,
    /// What the server was handed and has neither settled nor given back.
    leased: BTreeMap<DeliveryId, Leased>,
    /// Given up unsent, because they were cut off too often: not stored yet.
    given_up: BTreeMap<WebhookId, VecDeque<GivenUp>>,
    /// Outcomes that the store was asked to write and has not answered for.
    pub unsettled: Vec<Settlement>,
    /// The turns in which each task has read a company: what it writes was decided in one of them.
    reads: BTreeMap<TaskId, Vec<u64>>,
    /// Jobs that nobody has begun.
    pub jobs: Vec<JobId>,
}

/// A task that sends.
#[derive(Debug)]
struct Worker {
    webhook: WebhookId,
    /// The rate that the lanes were told when it took its slot.
    rate: Option<u32>,
    stage: Stage,
    /// The worker that made it between two attempts of its own, while it has not begun the second: that one took
    /// its slot before.
    made_by: Option<TaskId>,
}

#[derive(Debug)]
enum Stage {
    /// Is about to read the webhook, or reads it again because it could not be read.
    Looks,
    HasLooked(Looked),
    Sends,
    /// Its attempt is over, and it takes the next slot, if there is one.
    Free,
    /// It panics: its slot is free, and it takes none.
    Panics,
}

/// A webhook as a worker read it.
#[derive(Debug, Clone)]
pub struct Looked {
    pub webhook: Arc<Webhook>,
    /// The turn in which it was read.
    pub read: u64,
    at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct GivenUp {
    pub webhook: Arc<Webhook>,
    pub at: Timestamp,
}

/// What a worker sends, and what it knew when it began.
#[derive(Debug)]
pub struct Departing {
    pub leased: Leased,
    pub looked: Looked,
    pub rate: Option<u32>,
}

/// How many attempts a webhook may have at once, and its successes since that changed.
#[derive(Debug, Clone, Copy)]
struct Brake {
    at_once: usize,
    successes: usize,
}

impl Watch {
    #[must_use]
    pub fn new(config: DispatcherConfig) -> Self {
        Self {
            config,
            workers: BTreeMap::new(),
            configured: BTreeMap::new(),
            brakes: BTreeMap::new(),
            holds: BTreeMap::new(),
            leased: BTreeMap::new(),
            given_up: BTreeMap::new(),
            unsettled: Vec::new(),
            reads: BTreeMap::new(),
            jobs: Vec::new(),
        }
    }

    /// A worker was made, by the task `by`, for a delivery to this webhook.
    ///
    /// # Errors
    /// When it must not start.
    pub fn spawned(
        &mut self,
        id: TaskId,
        webhook: WebhookId,
        by: TaskId,
        world: &mut World,
    ) -> Check {
        // A worker that starts others has just ended one attempt, and has taken a slot for the next: of which
        // webhook is seen when it reads it.
        let mut taken = 0;
        if let Some(worker) = self.workers.get_mut(&by)
            && matches!(worker.stage, Stage::Free | Stage::HasLooked(_))
        {
            taken = 1;
            let before = worker.webhook;
            if let Stage::HasLooked(looked) = std::mem::replace(&mut worker.stage, Stage::Free) {
                self.give_up(before, looked);
            }
        }
        let made_by = (taken == 1).then_some(by);
        self.start(id, webhook, made_by, world)?;
        self.check_start(webhook, |_| true, taken, world)
    }

    /// A worker is about to read the webhook that it sends to.
    ///
    /// # Errors
    /// When it must not start.
    pub fn looks(&mut self, id: TaskId, webhook: WebhookId, world: &mut World) -> Check {
        let Some(worker) = self.workers.get_mut(&id) else {
            return violated("something sends that was not told to");
        };
        if matches!(worker.stage, Stage::Looks) {
            return if worker.webhook == webhook {
                Ok(())
            } else {
                violated("a worker sends to another webhook than it was told to")
            };
        }
        let before = worker.webhook;
        if let Stage::HasLooked(looked) = std::mem::replace(&mut worker.stage, Stage::Looks) {
            self.give_up(before, looked);
        }
        self.start(id, webhook, None, world)?;
        self.check_start(webhook, |worker| worker.made_by != Some(id), 0, world)?;
        for worker in self.workers.values_mut() {
            worker.made_by = worker.made_by.filter(|by| *by != id);
        }
        Ok(())
    }

    /// A worker has read its webhook; `None`: nothing may be sent to it.
    pub fn has_looked(
        &mut self,
        id: TaskId,
        webhook: Option<Arc<Webhook>>,
        read: u64,
        at: Timestamp,
    ) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.stage = webhook.map_or(Stage::Free, |webhook| {
                Stage::HasLooked(Looked { webhook, read, at })
            });
        }
    }

    /// A worker sends what it has of this event.
    ///
    /// # Errors
    /// When it has nothing of it.
    pub fn sends(&mut self, id: TaskId, to: WebhookId, event: EventId) -> Check<Departing> {
        let Some(worker) = self.workers.get_mut(&id) else {
            return violated("something is sent by nobody who may");
        };
        let Stage::HasLooked(looked) = std::mem::replace(&mut worker.stage, Stage::Sends) else {
            return violated("something is sent to a webhook that was not read");
        };
        if worker.webhook != to || looked.webhook.id != to {
            return violated("something is sent to another webhook than it is for");
        }
        let held = |one: &&Leased| one.webhook_id == to && one.event_id == event;
        let Some(leased) = self.leased.values().find(held) else {
            return violated("something is sent that the server was not handed, or has let go");
        };
        Ok(Departing {
            leased: leased.clone(),
            looked,
            rate: worker.rate,
        })
    }

    /// The attempt of a worker has ended; its slot is free.
    pub fn has_sent(&mut self, id: TaskId, webhook: WebhookId, sign: Sign) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.stage = Stage::Free;
        }
        self.heed(webhook, sign);
    }

    pub fn panics(&mut self, id: TaskId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.stage = Stage::Panics;
        }
    }

    /// A task reads a company.
    pub fn reads(&mut self, id: TaskId, turn: u64) {
        self.reads.entry(id).or_default().push(turn);
    }

    /// What a task writes next is decided anew.
    pub fn has_written(&mut self, id: TaskId) {
        self.reads.remove(&id);
    }

    /// The turns in which a task has read a company.
    #[must_use]
    pub fn reads_of(&self, id: TaskId) -> &[u64] {
        self.reads.get(&id).map_or(&[], Vec::as_slice)
    }

    /// A task has ended or panicked.
    pub fn ended(&mut self, id: TaskId) {
        self.reads.remove(&id);
        if let Some(Worker { webhook, stage, .. }) = self.workers.remove(&id)
            && let Stage::HasLooked(looked) = stage
        {
            self.give_up(webhook, looked);
        }
    }

    /// It looked whether it may send, and did not: what it had was cut off too often.
    fn give_up(&mut self, webhook: WebhookId, looked: Looked) {
        let given_up = GivenUp {
            webhook: looked.webhook,
            at: looked.at,
        };
        self.given_up
            .entry(webhook)
            .or_default()
            .push_back(given_up);
    }

    /// What was given up unsent at this moment, once its outcome is to be stored.
    pub fn take_given_up(&mut self, webhook: WebhookId, at: Timestamp) -> Option<GivenUp> {
        let given_up = self.given_up.get_mut(&webhook)?;
        let found = given_up.iter().position(|one| one.at == at)?;
        given_up.remove(found)
    }

    /// Whether something of a webhook was given up unsent and is not stored yet.
    #[must_use]
    pub fn has_given_up(&self, webhook: WebhookId) -> bool {
        self.given_up
            .get(&webhook)
            .is_some_and(|given_up| !given_up.is_empty())
    }

    /// # Errors
    /// When the server has it already.
    pub fn handed(&mut self, leased: &[Leased]) -> Check {
        for one in leased {
            if self.leased.insert(one.delivery_id, one.clone()).is_some() {
                return violated(format!("delivery {} is handed over twice", one.delivery_id));
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn leased(&self, delivery: DeliveryId) -> Option<&Leased> {
        self.leased.get(&delivery)
    }

    /// # Errors
    /// When the server has none like it.
    pub fn let_go(&mut self, delivery: DeliveryId) -> Check<Leased> {
        match self.leased.remove(&delivery) {
            Some(leased) => Ok(leased),
            None => violated("something was settled or given back that the server was not handed"),
        }
    }

    #[must_use]
    pub fn has_leases(&self) -> bool {
        !self.leased.is_empty()
    }

    pub fn configured(&mut self, webhook: WebhookId, settings: LaneSettings) {
        self.configured.insert(webhook, settings);
    }

    /// The lanes know nothing of a webhook any more.
    pub fn forget(&mut self, webhook: WebhookId) {
        self.brakes.remove(&webhook);
        self.holds.remove(&webhook);
    }

    /// How many slots of these workers each webhook holds.
    fn slots(&self, of: impl Fn(&Worker) -> bool) -> BTreeMap<WebhookId, usize> {
        let mut slots = BTreeMap::new();
        let busy =
            |worker: &&Worker| !matches!(worker.stage, Stage::Free | Stage::Panics) && of(worker);
        for worker in self.workers.values().filter(busy) {
            *slots.entry(worker.webhook).or_default() += 1;
        }
        slots
    }

    /// # Errors
    /// When the lanes count others, or there are more than may be.
    pub fn check_slots(&self, counted: usize) -> Check {
        let slots = self.slots(|_| true);
        let in_flight: usize = slots.values().sum();
        if counted != in_flight {
            return violated(format!(
                "the lanes count {counted} slots taken, but there are {in_flight}"
            ));
        }
        // Each lane may exceed the limit by one of its own, and only by its first.
        let firsts = slots.len();
        let most = self.config.limits.in_flight_max;
        if in_flight > most + firsts.saturating_sub(1).max(1) {
            return violated(format!(
                "{in_flight} attempts are under way in {firsts} lanes, the limit being {most}"
            ));
        }
        Ok(())
    }

    /// Whether a webhook that is enabled and has something due may let it wait: it has a limit, or something under
    /// way.
    pub fn may_wait(&self, now: Timestamp) -> impl Fn(WebhookId) -> bool {
        let slots = self.slots(|_| true);
        move |webhook| {
            let held = self.holds.get(&webhook).is_some_and(|until| now < *until);
            let settings = self.configured.get(&webhook);
            let limited = settings.is_none_or(|settings| settings.rate_per_second.is_some());
            held || limited || slots.contains_key(&webhook)
        }
    }

    fn start(
        &mut self,
        id: TaskId,
        webhook: WebhookId,
        made_by: Option<TaskId>,
        world: &mut World,
    ) -> Check {
        let settings = self.configured.get(&webhook);
        let worker = Worker {
            webhook,
            rate: settings.and_then(|settings| settings.rate_per_second),
            stage: Stage::Looks,
            made_by,
        };
        self.workers.insert(id, worker);
        let name = world.webhook(webhook);
        world.note(format_args!("slot: one to {name} begins"));
        let now = world.now();
        if self.holds.get(&webhook).is_some_and(|until| now < *until) {
            return violated(format!(
                "{name} is sent something, and asked for fewer requests"
            ));
        }
        Ok(())
    }

    /// A start must have found a slot of its webhook's own, and one of all, or be its webhook's only one. Counted
    /// are these workers, and others whose webhooks are not seen.
    fn check_start(
        &self,
        webhook: WebhookId,
        of: impl Fn(&Worker) -> bool,
        others: usize,
        world: &mut World,
    ) -> Check {
        let slots = self.slots(of);
        let own = slots.get(&webhook).copied().unwrap_or(0);
        let all = slots.values().sum::<usize>() + others;
        let name = world.webhook(webhook);
        let most = self.concurrency_of(webhook);
        if own > most {
            return violated(format!(
                "{own} attempts at once are more than the {most} that {name} takes"
            ));
        }
        if all > self.config.limits.in_flight_max && own > 1 {
            return violated(format!(
                "{name} took a second slot when all slots were taken"
            ));
        }
        Ok(())
    }

    /// What the lanes hold a webhook's attempts to: its own limit, or the server's, or less while they time
    /// out.
    fn concurrency_of(&self, webhook: WebhookId) -> usize {
        let most = self.most_at_once(webhook);
        let braked = self.brakes.get(&webhook);
        braked.map_or(most, |brake| brake.at_once.min(most))
    }

    fn most_at_once(&self, webhook: WebhookId) -> usize {
        let own = self
            .configured
            .get(&webhook)
            .and_then(|settings| settings.concurrency);
        own.unwrap_or(self.config.limits.concurrency).max(1)
    }

    /// Half as many after each timeout, one more after as many successes as there may be at once.
    fn heed(&mut self, webhook: WebhookId, sign: Sign) {
        let most = self.most_at_once(webhook);
        match (sign, self.brakes.get_mut(&webhook)) {
            (Sign::TimedOut, braked) => {
                let at_once = braked.map_or(most, |brake| brake.at_once.min(most));
                let brake = Brake {
                    at_once: (at_once / 2).max(1),
                    successes: 0,
                };
                self.brakes.insert(webhook, brake);
            }
            (Sign::Delivered, Some(brake)) => {
                brake.successes += 1;
                if brake.successes == brake.at_once {
                    brake.at_once += 1;
                    brake.successes = 0;
                }
                if brake.at_once >= most {
                    self.brakes.remove(&webhook);
                }
            }
            (Sign::Hold(until), _) => {
                let held = self.holds.entry(webhook).or_insert(until);
                *held = until.max(*held);
            }
            (Sign::Delivered, None) | (Sign::Other, _) => {}
        }
    }
}
