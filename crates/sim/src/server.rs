//! One start of the simulated server: the real dispatcher under the executor, on one of the real engines.

use std::sync::Arc;
use std::time::Duration;

use heraldo_delivery::dispatcher::{Dispatcher, DispatcherConfig, Ports, Task};
use heraldo_domain::delivery::Settlement;
use heraldo_domain::ports::IdMaker;
use heraldo_wire::id::JobId;
use heraldo_wire::time::Timestamp;

use crate::engine::{Engine, Kind as EngineKind};
use crate::executor::{Executor, Kind, Ran, SimulatedPanic, TaskId};
use crate::port::Port;
use crate::runtime::SimRuntime;
use crate::scene::{Scene, State};
use crate::store::{Access, SimStore};
use crate::watch::Watch;
use crate::workload::{Asked, keep_at};
use crate::world::{Check, Violation, violated, wait_for};

/// More jobs than there ever are.
const JOBS_MAX: u32 = 1_000;

/// How the simulated server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    pub dispatcher: DispatcherConfig,
    /// The part that mostly lets the others go first: what is rare otherwise is common then.
    pub slow: Option<Part>,
}

/// A part of the server that may be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    HandOver,
    Manager,
    Claims,
    Cancels,
    Workers,
    Settler,
    Calls,
}

/// One start of the server.
#[derive(Debug)]
pub struct Server {
    pub engine: Arc<Engine>,
    config: Config,
    dispatcher: Dispatcher<SimRuntime>,
    executor: Executor,
    port: Arc<Port>,
    store: Arc<SimStore>,
    ids: Arc<IdMaker>,
    scene: Scene,
    /// When a stop that was asked for waits no longer.
    stops_by: Option<Timestamp>,
}

/// Something that can go on now.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// The writer hands over.
    Hear,
    Run(TaskId, Kind),
}

impl Turn {
    const fn part(self) -> Option<Part> {
        match self {
            Self::Hear => Some(Part::HandOver),
            Self::Run(_, kind) => match kind {
                Kind::Start | Kind::Stop => None,
                Kind::Call | Kind::Job => Some(Part::Calls),
                Kind::Of(task) => Some(match task {
                    Task::Manage => Part::Manager,
                    Task::HandOver => Part::HandOver,
                    Task::Claim(_) => Part::Claims,
                    Task::Cancel(_) => Part::Cancels,
                    Task::Work(_) => Part::Workers,
                    Task::Settle | Task::Disable(_) | Task::SendRetries(_) => Part::Settler,
                }),
            },
        }
    }
}

impl Server {
    /// The first start, on an empty store.
    ///
    /// # Errors
    /// When the store's files cannot be made.
    pub fn new(config: Config, kind: EngineKind, scene: &Scene) -> Check<Self> {
        Self::on(config, scene, |port, state| {
            Engine::new(kind, port, &state.world)
        })
    }

    fn on(
        config: Config,
        scene: &Scene,
        engine: impl FnOnce(Arc<Port>, &State) -> Check<Engine>,
    ) -> Check<Self> {
        let state = &mut *scene.lock();
        let executor = Executor::new(state.world.clock.clone());
        let access = Access::default();
        let runtime = SimRuntime {
            scene: scene.clone(),
            tasks: executor.handle(),
            store: access.clone(),
        };
        let ids = Arc::new(IdMaker::default());
        let ports = Ports {
            clock: state.world.clock.clone(),
            entropy: state.world.entropy.clone(),
            ids: ids.clone(),
        };
        let dispatcher = Dispatcher::on(runtime, config.dispatcher.clone(), ports);
        let port = Arc::new(Port::new(dispatcher.clone()));
        let engine = Arc::new(engine(port.clone(), state)?);
        access.open(engine.clone());
        state.watch = Watch::new(config.dispatcher.clone());
        let store = Arc::new(SimStore {
            access,
            scene: scene.clone(),
            tasks: executor.handle(),
            port: Arc::downgrade(&port),
        });
        let server = Self {
            engine,
            config,
            dispatcher,
            executor,
            port,
            store,
            ids,
            scene: scene.clone(),
            stops_by: None,
        };
        server.start();
        Ok(server)
    }

    /// A start that fails ends the process, and the next one begins anew; here it is the same one.
    fn start(&self) {
        let (dispatcher, store) = (self.dispatcher.clone(), self.store.clone());
        let starting = async move { while dispatcher.start(store.clone()).await.is_err() {} };
        self.executor.handle().spawn(Kind::Start, starting);
    }

    /// What a crash and a new start leave, and the outcomes that the old one was having written.
    ///
    /// # Errors
    /// When the store cannot be opened again.
    pub fn crash(self) -> Check<(Self, Vec<Settlement>)> {
        let unsettled = std::mem::take(&mut self.scene.lock().watch.unsettled);
        let (config, scene) = (self.config.clone(), self.scene.clone());
        let engine = self.end()?;
        let next = Self::on(config, &scene, |port, state| {
            engine.reopen(port, &state.world)
        })?;
        let left = wait_for(next.engine.jobs(None, JOBS_MAX))?;
        scene.lock().watch.jobs = left.unwrap_or_default().iter().map(|job| job.id).collect();
        next.run_jobs();
        Ok((next, unsettled))
    }

    /// Ends all tasks where they are. Returns what is left.
    ///
    /// # Errors
    /// When something of it is still in use.
    pub fn end(self) -> Check<Engine> {
        // The tasks go first: what they hold is given to nobody any more.
        drop(self.executor);
        self.store.access.close();
        match Arc::into_inner(self.engine) {
            Some(engine) => Ok(engine),
            None => violated("the server has ended, and its store is still in use"),
        }
    }

    #[must_use]
    pub fn ids(&self) -> Arc<IdMaker> {
        self.ids.clone()
    }

    /// A client calls.
    pub fn call(&self, asked: Asked, state: &mut State) {
        let clients = &mut state.clients;
        let context = clients.context(self.store.clone(), self.ids.clone(), &state.world);
        let (scene, tasks) = (self.scene.clone(), self.executor.handle());
        let wished = asked.clone();
        let calling = async move {
            let reply = wished.carry_out(&context).await;
            let state = &mut *scene.lock();
            let (task, oracle) = (tasks.current_id(), &mut state.oracle);
            let reads = state.watch.reads_of(task);
            let answered = state
                .clients
                .answered(task, reply, reads, oracle, &mut state.world);
            state.note(answered);
        };
        let task = self.executor.handle().spawn(Kind::Call, calling);
        clients.begun(task, asked, &state.world);
    }

    /// A job is run until it has ended, or the server has.
    fn run_job(&self, job: JobId, state: &State) {
        let clients = &state.clients;
        let mut context = clients.context(self.store.clone(), self.ids.clone(), &state.world);
        context.lulls = Arc::new(self.dispatcher.clone());
        let tasks = self.executor.handle();
        let running = keep_at(job, context, tasks.clone());
        tasks.spawn(Kind::Job, running);
    }

    /// Begins the jobs that nobody has begun.
    fn run_jobs(&self) {
        let mut state = self.scene.lock();
        if self.is_stopping() {
            return;
        }
        for job in std::mem::take(&mut state.watch.jobs) {
            self.run_job(job, &state);
        }
    }

    /// Whether a client waits for an answer.
    #[must_use]
    pub fn has_calls(&mut self) -> bool {
        self.executor.tick();
        self.has(|kind| kind == Kind::Call)
    }

    #[must_use]
    pub fn is_running(&self, state: &State) -> bool {
        self.dispatcher.is_running() && !self.is_stopping() && !state.oracle.is_robbed()
    }

    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stops_by.is_some()
    }

    /// A graceful stop, which waits so long for attempts under way.
    pub fn stop(&mut self, grace: Duration) {
        self.stops_by = Some(self.executor.handle().now().plus(grace));
        // They are left where they are, and go on after the next start.
        self.executor.end(|kind| kind == Kind::Job);
        let dispatcher = self.dispatcher.clone();
        let stopping = async move { dispatcher.stop(grace).await };
        self.executor.handle().spawn(Kind::Stop, stopping);
    }

    /// Whether a stop that was asked for is over.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.is_stopping() && !self.has(|kind| kind == Kind::Stop)
    }

    /// A stop is over just now: if nothing kept it waiting to the end, nothing is left.
    fn check_stop(&self) -> Check {
        let in_time = self.stops_by > Some(self.executor.handle().now());
        let claims = self.has(|kind| matches!(kind, Kind::Of(Task::Claim(_))));
        if in_time && !claims && self.scene.lock().watch.has_leases() {
            return violated("the server has stopped and keeps what it should have given back");
        }
        Ok(())
    }

    /// Somebody else opens an epoch on the same data; this server goes on without knowing. `false`: not now,
    /// because the writer has something to hand over that the other would be given.
    ///
    /// # Errors
    /// When the engine had to wait.
    pub fn rob(&self, state: &State) -> Check<bool> {
        if !self.is_running(state) || self.port.has_told() {
            return Ok(false);
        }
        Ok(wait_for(self.engine.open_epoch())?.is_ok())
    }

    /// Lets something go on that can. `false`: nothing can before time passes.
    ///
    /// # Errors
    /// What must never happen.
    pub fn step(&mut self) -> Check<bool> {
        self.executor.tick();
        let Some(turn) = self.draw() else {
            return Ok(false);
        };
        match turn {
            Turn::Hear => self.port.hear_one(&self.scene),
            Turn::Run(id, kind) => match self.executor.run(id) {
                Ran::Waits => {}
                Ran::Ended if kind == Kind::Stop => self.check_stop()?,
                Ran::Ended => self.has_ended(id, kind),
                Ran::Panicked(panic) if panic.is::<SimulatedPanic>() => self.has_ended(id, kind),
                Ran::Panicked(panic) => return Err(in_words(&*panic)),
            },
        }
        self.scene.check()?;
        self.run_jobs();
        self.check_limits()?;
        Ok(true)
    }

    fn draw(&self) -> Option<Turn> {
        let heard = self.port.has_told().then_some(Turn::Hear);
        let awake = self.executor.awake().map(|(id, kind)| Turn::Run(id, kind));
        let turns: Vec<Turn> = heard.into_iter().chain(awake).collect();
        let dice = &mut self.scene.lock().world.dice;
        let slow = |turn: &Turn| turn.part().is_some() && turn.part() == self.config.slow;
        if self.config.slow.is_some() && turns.iter().any(slow) && dice.chance(900) {
            let quick: Vec<Turn> = turns.iter().copied().filter(|turn| !slow(turn)).collect();
            if let Some(turn) = dice.pick(&quick) {
                return Some(*turn);
            }
        }
        dice.pick(&turns).copied()
    }

    fn has_ended(&self, id: TaskId, kind: Kind) {
        let mut state = self.scene.lock();
        state.watch.ended(id);
        if let Kind::Of(Task::Cancel(webhook)) = kind
            && !self.dispatcher.with_lanes(|lanes| lanes.knows(webhook))
        {
            state.watch.forget(webhook);
        }
    }

    fn has(&self, kind: impl Fn(Kind) -> bool) -> bool {
        self.executor.alive().any(|(_, one)| kind(one))
    }

    /// When something goes on that only waits for time to pass.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.executor.next_wake()
    }

    /// Nothing is under way, and nothing will be by itself, however long one waits. Without `jobs` one may wait for its
    /// time.
    #[must_use]
    pub fn is_at_rest(&mut self, state: &State, jobs: bool) -> bool {
        self.executor.tick();
        let robbed = state.oracle.is_robbed();
        let busy = |kind: Kind| match kind {
            Kind::Start | Kind::Stop | Kind::Call => true,
            Kind::Job => jobs && !robbed,
            Kind::Of(task) => match task {
                Task::Manage | Task::Settle | Task::HandOver => false,
                Task::Work(_) | Task::Claim(_) => true,
                // They try again and again to write, which another server does not let them.
                Task::Cancel(_) | Task::Disable(_) | Task::SendRetries(_) => !robbed,
            },
        };
        // What the manager sleeps for is known to the lanes.
        let gathers = |(id, kind): (TaskId, Kind)| {
            kind == Kind::Of(Task::Settle) && self.executor.wake_of(id).is_some()
        };
        let waits = self.dispatcher.with_lanes(|lanes| {
            let due = !robbed && lanes.next_wake().is_some();
            due || lanes.next_resume().is_some() || lanes.wants_attention()
        });
        !waits
            && !self.port.has_told()
            && self.executor.awake().next().is_none()
            && !self.has(busy)
            && !self.executor.alive().any(gathers)
    }

    /// What holds at every moment: windows, bytes, slots.
    fn check_limits(&self) -> Check {
        let limits = self.config.dispatcher.limits;
        let (bytes, in_flight) = self
            .dispatcher
            .with_lanes(|lanes| (lanes.bytes(), lanes.in_flight()));
        let seen = self.port.seen();
        if bytes != seen.bytes {
            return violated(format!(
                "the lanes count {bytes} bytes in memory, but there are {}",
                seen.bytes
            ));
        }
        let over = |(_, held): &(&_, &usize)| **held > limits.window_max;
        if let Some((_, places)) = seen.places.iter().find(over) {
            return violated(format!("a window of {} holds {places}", limits.window_max));
        }
        let body = seen.largest_body_bytes;
        let lanes = seen.places.len();
        let bytes_max =
            limits.bytes_max + lanes * (limits.bytes_max / 4 + (1 + limits.window_min) * body);
        if bytes > bytes_max {
            return violated(format!("{bytes} bytes in memory are more than {bytes_max}"));
        }
        self.scene.lock().watch.check_slots(in_flight)
    }

    /// When nothing can go on before time passes, nothing that could go on may have been forgotten.
    ///
    /// # Errors
    /// When something was.
    pub fn check_idle(&self, state: &State) -> Check {
        if !self.is_running(state) {
            return Ok(());
        }
        let now = state.world.now();
        let manager = self.executor.alive();
        let mut manager = manager.filter(|(_, kind)| *kind == Kind::Of(Task::Manage));
        let wake = manager.next().and_then(|(id, _)| self.executor.wake_of(id));
        self.dispatcher.with_lanes(|lanes| {
            // On a copy: looking must not change anything.
            if let Some((delivery, _)) = lanes.clone().next_start(now) {
                return violated(format!(
                    "delivery {} may start and nobody starts it",
                    delivery.delivery_id
                ));
            }
            if lanes.stale().is_empty() && lanes.wants_attention() {
                return violated("a claim is worth making and nobody makes it");
            }
            let Some(wake) = wake else {
                return violated("the manager waits for nothing");
            };
            match lanes.next_wake() {
                Some(due) if due.max(now) < wake => {
                    violated("something is due before anybody looks again")
                }
                Some(_) | None => Ok(()),
            }
        })
    }

    /// Where nothing ever fails: when nothing can go on before time passes, a webhook that is enabled, has no limit and
    /// has nothing under way has nothing that is due: a lane with nothing under way may always start one, unless
    /// outcomes fill its window that wait a moment for others.
    ///
    /// # Errors
    /// When it has.
    pub fn check_overdue(&self, state: &mut State) -> Check {
        if !self.is_running(state) {
            return Ok(());
        }
        let now = state.world.now();
        let may_wait = state.watch.may_wait(now);
        let mut due = state.oracle.due(now);
        let is_late = |webhook| !may_wait(webhook) && !state.oracle.has_unstored(webhook);
        match due.find(|(webhook, ..)| is_late(*webhook)) {
            None => Ok(()),
            Some(place) => {
                drop(due);
                let name = crate::oracle::place_name(place, &mut state.world);
                violated(format!("{name} is due, and nobody sends it"))
            }
        }
    }

    /// At the end nothing is left in memory.
    ///
    /// # Errors
    /// When something is.
    pub fn check_empty(&self, state: &mut State) -> Check {
        let seen = self.port.seen();
        if let Some((webhook, places)) = seen.places.iter().find(|(_, places)| **places > 0) {
            let name = state.world.webhook(*webhook);
            return violated(format!(
                "{places} deliveries to {name} were taken and never settled"
            ));
        }
        self.dispatcher.with_lanes(|lanes| {
            if lanes.bytes() != 0 || lanes.in_flight() != 0 || !lanes.is_empty() {
                return violated(format!(
                    "at rest the lanes still hold something: {} bytes, {} slots",
                    lanes.bytes(),
                    lanes.in_flight()
                ));
            }
            Ok(())
        })
    }
}

/// What a task panicked with that no dice had it.
fn in_words(panic: &(dyn std::any::Any + Send)) -> Violation {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Violation(format!("a task panicked: {}", text.unwrap_or("no text")))
}
