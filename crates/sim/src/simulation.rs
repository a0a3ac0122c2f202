//! One simulation: a seed and a number of steps give a run, its report, or what must not have happened.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use heraldo_delivery::dispatcher::DispatcherConfig;
use heraldo_delivery::lanes::Limits;
use heraldo_domain::delivery::Settlement;
use heraldo_domain::health::DisablePolicy;
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::Settled;
use heraldo_domain::webhook::Defaults;
use heraldo_wire::api::Ordering;
use heraldo_wire::event::EventType;

use crate::engine::Kind;
use crate::scene::Scene;
use crate::server::{Config, Part, Server};
use crate::watch::Watch;
use crate::workload::{Asked, Clients};
use crate::world::{Check, Dice, Faults, Trace, Violation, World, violated, wait_for};

/// After so many steps without a call or a fault everything must have come to rest.
const CALM_STEPS_MAX: u32 = 400_000;

/// The trace of a failing run shows this many lines, unless more are asked for.
pub const TRACE_LINES: usize = 120;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub deliveries: usize,
    pub starts: u64,
    /// What recoveries sent again.
    pub recovered: usize,
    pub engine: Kind,
}

/// What a run found, with the last lines of its trace.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    pub steps: u32,
    pub sentence: String,
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        writeln!(
            f,
            "seed {} with {} steps: {}",
            self.seed, self.steps, self.sentence
        )?;
        write!(
            f,
            "again: cargo xtask sim --seed {} --steps {}",
            self.seed, self.steps
        )
    }
}

/// Runs one seed.
///
/// # Errors
/// What must not have happened, a panic included.
pub fn run(seed: u64, steps: u32) -> Result<Report, Failure> {
    run_with_trace(seed, steps, TRACE_LINES)
}

/// Runs one seed, and once more with a trace when it fails, of which so many lines are kept.
///
/// # Errors
/// As [`run`].
pub fn run_with_trace(seed: u64, steps: u32, lines: usize) -> Result<Report, Failure> {
    let sentence = match once(seed, steps, None) {
        Ok(report) => return Ok(report),
        Err(sentence) => sentence,
    };
    let trace = Trace::new(lines);
    let sentence = match once(seed, steps, Some(trace.clone())) {
        Err(again) if again == sentence => sentence,
        Err(other) => format!("{sentence}; run again: {other}"),
        Ok(_) => format!("{sentence}; run again it did not happen"),
    };
    Err(Failure {
        seed,
        steps,
        sentence,
        trace: trace.last(),
    })
}

/// What two runs of one seed have in common, and no two seeds: all that happened.
///
/// # Errors
/// As [`run`].
pub fn fingerprint(seed: u64, steps: u32) -> Result<u64, Failure> {
    let trace = Trace::new(TRACE_LINES);
    match once(seed, steps, Some(trace.clone())) {
        Ok(_) => Ok(trace.fingerprint()),
        Err(sentence) => Err(Failure {
            seed,
            steps,
            sentence,
            trace: trace.last(),
        }),
    }
}

fn once(seed: u64, steps: u32, trace: Option<Trace>) -> Result<Report, String> {
    let ran = catch_unwind(AssertUnwindSafe(move || {
        Simulation::new(seed, trace)?.run(steps)
    }));
    match ran {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(Violation(sentence))) => Err(sentence),
        Err(panic) => Err(match panic.downcast_ref::<String>() {
            Some(text) => format!("panic: {text}"),
            None => match panic.downcast_ref::<&str>() {
                Some(text) => format!("panic: {text}"),
                None => "panic".to_owned(),
            },
        }),
    }
}

struct Simulation {
    scene: Scene,
    /// `None` only while one server is exchanged for the next.
    server: Option<Server>,
    /// Outcomes that an earlier server knew: should they arrive after all, they must not count.
    late: Vec<Settlement>,
    /// Nothing ever fails, so nobody waits for the store to be well again.
    faultless: bool,
    calls: u32,
    idle_jumps: u32,
    kind: Kind,
}

impl Drop for Simulation {
    /// The dispatcher and the engine know each other: they are parted, or neither would ever go.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let _: Check<_> = server.end();
        }
    }
}

fn gone<T>() -> Check<T> {
    violated("the server is gone")
}

impl Simulation {
    fn new(seed: u64, trace: Option<Trace>) -> Check<Self> {
        let mut world = World::new(seed, trace);
        let config = config(&mut world.dice);
        let clients = Clients::new(&mut world, config.dispatcher.defaults.clone());
        let kind = Kind::of(seed);
        let calls = u32::try_from(world.dice.between(60, 400)).unwrap_or(200);
        let idle_jumps = u32::try_from(world.dice.between(50, 700)).unwrap_or(300);
        let faultless = world.faults == Faults::default();
        world.note(format_args!("{:?}", world.faults));
        world.note(format_args!("{config:?}"));
        world.note(format_args!("engine: {kind:?}"));
        let scene = Scene::new(world, Watch::new(config.dispatcher.clone()), clients);
        let server = Server::new(config, kind, &scene)?;
        Ok(Self {
            scene,
            server: Some(server),
            late: Vec::new(),
            faultless,
            calls,
            idle_jumps,
            kind,
        })
    }

    fn run(mut self, steps: u32) -> Check<Report> {
        self.begin()?;
        for _ in 0..steps {
            self.turn()?;
        }
        self.calm_down()?;
        let Some(server) = &self.server else {
            return gone();
        };
        let mut guard = self.scene.lock();
        let state = &mut *guard;
        server.check_empty(state)?;
        state
            .oracle
            .finish(&state.clients.companies, &**server.engine, &mut state.world)?;
        Ok(Report {
            deliveries: state.oracle.deliveries(),
            starts: state.oracle.starts,
            recovered: state.oracle.recovered(),
            engine: self.kind,
        })
    }

    /// Two or three companies with some webhooks each, without any fault.
    fn begin(&mut self) -> Check {
        let Some(server) = &mut self.server else {
            return gone();
        };
        let faults = std::mem::take(&mut self.scene.lock().world.faults);
        let companies = self.scene.lock().world.dice.between(2, 3);
        for _ in 0..companies {
            let mut guard = self.scene.lock();
            let state = &mut *guard;
            let (store, ids) = (server.engine.shared(), server.ids());
            let company = state.clients.add_company(store, ids, &state.world)?;
            let webhooks = state.world.dice.between(1, 3);
            drop(guard);
            for _ in 0..webhooks {
                let mut guard = self.scene.lock();
                let state = &mut *guard;
                let asked = state.clients.one_webhook(company, &mut state.world);
                server.call(asked, state);
                drop(guard);
                while server.has_calls() {
                    self.scene.lock().world.turn += 1;
                    server.step()?;
                }
            }
        }
        self.scene.lock().world.faults = faults;
        Ok(())
    }

    /// These calls begin now, whoever else calls.
    fn call_all(&mut self, calls: Vec<Asked>) -> Check {
        let Some(server) = &self.server else {
            return gone();
        };
        let mut guard = self.scene.lock();
        for asked in calls {
            server.call(asked, &mut guard);
        }
        Ok(())
    }

    fn turn(&mut self) -> Check {
        let Some(server) = &mut self.server else {
            return gone();
        };
        let mut guard = self.scene.lock();
        let state = &mut *guard;
        state.world.turn += 1;
        let faults = state.world.faults;
        let dice = &mut state.world.dice;
        if dice.chance(30) {
            let time = Duration::from_millis(dice.between(0, 25));
            state.world.pass(time);
        }
        let dice = &mut state.world.dice;
        if dice.chance(faults.crash) {
            drop(guard);
            return self.restart();
        }
        if server.is_stopping() {
            let impatient = dice.chance(3);
            drop(guard);
            if server.has_stopped() || impatient {
                return self.restart();
            }
            guard = self.scene.lock();
        }
        let state = &mut *guard;
        if state.world.dice.chance(faults.stop) && server.is_running(state) {
            state.world.note("stop: the server is asked to");
            let grace = state.world.dice.between(0, 20_000);
            drop(guard);
            server.stop(Duration::from_millis(grace));
            return Ok(());
        }
        if state.world.dice.chance(faults.steal) && server.rob(state)? {
            state.oracle.robbed(&state.world);
            return Ok(());
        }
        // Before the next epoch is opened the old lease still holds, and an outcome would count.
        if server.is_running(state) && !self.late.is_empty() && state.world.dice.chance(20) {
            drop(guard);
            return self.arrive_late();
        }
        let calls = !state.oracle.is_robbed() && state.clients.may_ask();
        if calls && state.world.dice.chance(self.calls) {
            let clients = &mut state.clients;
            let calls = clients.next(&server.engine, &state.oracle, &mut state.world)?;
            drop(guard);
            return self.call_all(calls);
        }
        drop(guard);
        self.go_on()
    }

    /// One step of the server; when nothing can go on, time passes.
    fn go_on(&mut self) -> Check {
        let Some(server) = &mut self.server else {
            return gone();
        };
        if server.step()? {
            return Ok(());
        }
        let mut guard = self.scene.lock();
        let state = &mut *guard;
        server.check_idle(state)?;
        if self.faultless {
            server.check_overdue(state)?;
        }
        if state.oracle.is_robbed() && server.is_at_rest(state, true) {
            // Whatever it still held it has lost; it must have let go of it.
            server.check_empty(state)?;
            drop(guard);
            return self.restart();
        }
        let wake = server.next_wake();
        let world = &mut state.world;
        match wake {
            Some(wake) if world.dice.chance(self.idle_jumps) => world.pass_until(wake),
            _ => {
                let time = Duration::from_millis(world.dice.between(1, 60));
                let soon = world.now().plus(time);
                world.pass_until(soon.min(wake.unwrap_or(soon)));
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> Check {
        let Some(server) = self.server.take() else {
            return gone();
        };
        let mut guard = self.scene.lock();
        let state = &mut *guard;
        // Ids order by the millisecond; a start takes longer than one.
        let time = Duration::from_millis(state.world.dice.between(2, 3_000));
        state.world.pass(time);
        state.oracle.crashed(&state.world);
        state.clients.cut_off(&mut state.world);
        drop(guard);
        let (next, unsettled) = server.crash()?;
        self.late.extend(unsettled);
        self.server = Some(next);
        Ok(())
    }

    /// Outcomes of a server that is gone reach the store after all.
    fn arrive_late(&mut self) -> Check {
        let late = std::mem::take(&mut self.late);
        let Some(server) = &self.server else {
            return gone();
        };
        self.scene.lock().world.note(format_args!(
            "late: {} outcomes of an earlier start arrive",
            late.len()
        ));
        match wait_for(server.engine.settle(late))? {
            Ok(group)
                if group
                    .each
                    .iter()
                    .any(|settled| *settled != Settled::LeaseLost) =>
            {
                violated("an outcome was written whose lease was void")
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Nothing fails any more and nobody calls: everything comes to rest, paused webhooks last.
    fn calm_down(&mut self) -> Check {
        let mut state = self.scene.lock();
        state.world.note("calm: the faults stop, time runs on");
        state.world.faults = Faults::default();
        let server = self.server.as_ref();
        let running = server.is_some_and(|server| server.is_running(&state));
        drop(state);
        if !running {
            self.restart()?;
        }
        let Some(server) = &self.server else {
            return gone();
        };
        server.engine.heal()?;
        // Whoever does not know whether it was done is told so.
        let unsure = self.scene.lock().clients.ask_again();
        self.call_all(unsure)?;
        self.come_to_rest(false)?;
        let mut guard = self.scene.lock();
        let state = &mut *guard;
        let paused = state.clients.resume_all(&state.oracle);
        drop(guard);
        self.call_all(paused)?;
        self.come_to_rest(true)
    }

    /// A recovery waits for its webhook, which may be paused: with `jobs` it has to end as well.
    fn come_to_rest(&mut self, jobs: bool) -> Check {
        for _ in 0..CALM_STEPS_MAX {
            let Some(server) = &mut self.server else {
                return gone();
            };
            let mut state = self.scene.lock();
            state.world.turn += 1;
            if server.is_at_rest(&state, jobs) {
                return Ok(());
            }
            drop(state);
            self.go_on()?;
        }
        violated("nothing fails and nobody calls, and still it does not come to rest")
    }
}

/// Small windows, so that they are full most of the time.
fn config(dice: &mut Dice) -> Config {
    let mut between = |low: u64, high: u64| usize::try_from(dice.between(low, high)).unwrap_or(1);
    let limits = Limits {
        in_flight_max: between(1, 8),
        concurrency: between(1, 4),
        window_max: between(2, 12),
        // Set below: a draw more would make other runs of the seeds that are known.
        window_per_slot: 0,
        window_min: between(1, 2),
        bytes_max: between(1_500, 30_000),
        claim_max: between(1, 6),
    };
    let limits = Limits {
        window_per_slot: 1 + limits.bytes_max % 12,
        ..limits
    };
    let count = between(0, 3);
    let waits = (0..count)
        .map(|_| Duration::from_millis(dice.between(0, 60_000)))
        .collect();
    let all = dice.chance(500);
    let retried: Vec<EventType> = EventType::ALL
        .into_iter()
        .filter(|event| all || event.is_retried_by_default())
        .collect();
    let parts = [
        None,
        Some(Part::HandOver),
        Some(Part::Manager),
        Some(Part::Claims),
        Some(Part::Cancels),
        Some(Part::Workers),
        Some(Part::Settler),
        Some(Part::Calls),
    ];
    let slow = dice.pick(&parts).copied().flatten();
    let dispatcher = DispatcherConfig {
        limits,
        defaults: Defaults {
            retry: RetryPolicy {
                waits,
                retried,
                retry_after_max: Duration::from_secs(dice.between(0, 30)),
            },
            timeout: Duration::from_millis(dice.between(500, 15_000)),
            rate_per_second: dice.chance(100).then_some(5),
            ordering: if dice.chance(200) {
                Ordering::Strict
            } else {
                Ordering::Inspection
            },
            disable: DisablePolicy {
                after: dice
                    .chance(400)
                    .then(|| Duration::from_millis(dice.between(1_000, 60_000))),
                attempts_min: u32::try_from(dice.between(2, 12)).unwrap_or(2),
            },
            ..Defaults::default()
        },
    };
    Config { dispatcher, slow }
}
