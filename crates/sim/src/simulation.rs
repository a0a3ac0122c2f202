//! One simulation: a seed and a number of steps give a run, its report, or what must not have happened.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use heraldo_delivery::lanes::Limits;
use heraldo_domain::delivery::Settlement;
use heraldo_domain::health::DisablePolicy;
use heraldo_domain::ports::IdMaker;
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::Settled;
use heraldo_domain::webhook::Defaults;
use heraldo_wire::api::Ordering;
use heraldo_wire::event::EventType;

use crate::driver::{Config, Driver, Part};
use crate::engine::Kind;
use crate::oracle::Oracle;
use crate::workload::Workload;
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
    pub engine: Kind,
    /// Two runs of one seed have the same.
    pub fingerprint: u64,
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

/// Runs one seed and keeps so many lines of its trace.
///
/// # Errors
/// As [`run`].
pub fn run_with_trace(seed: u64, steps: u32, lines: usize) -> Result<Report, Failure> {
    let trace = Trace::new(lines);
    let kept = trace.clone();
    let ran = catch_unwind(AssertUnwindSafe(move || {
        Simulation::new(seed, trace)?.run(steps)
    }));
    let sentence = match ran {
        Ok(Ok(report)) => return Ok(report),
        Ok(Err(Violation(sentence))) => sentence,
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(text) => format!("panic: {text}"),
            None => match panic.downcast_ref::<&str>() {
                Some(text) => format!("panic: {text}"),
                None => "panic".to_owned(),
            },
        },
    };
    Err(Failure {
        seed,
        steps,
        sentence,
        trace: kept.last(),
    })
}

/// `None` only while one server is exchanged for the next.
struct Simulation {
    world: World,
    driver: Option<Driver>,
    oracle: Oracle,
    workload: Workload,
    /// Outcomes that an earlier server knew: should they arrive after all, they must not count.
    late: Vec<Settlement>,
    /// Nothing ever fails, so nobody waits for the store to be well again.
    faultless: bool,
    calls: u32,
    idle_jumps: u32,
    kind: Kind,
}

impl Simulation {
    fn new(seed: u64, trace: Trace) -> Check<Self> {
        let mut world = World::new(seed, trace);
        let config = config(&mut world.dice);
        let workload = Workload::new(&mut world, config.defaults.clone());
        world.note(format_args!("{:?}", world.faults));
        world.note(format_args!("{:?}, {:?}", config.limits, config.defaults));
        world.note(format_args!("slow: {:?}", config.slow));
        let kind = Kind::of(seed);
        world.note(format_args!("engine: {kind:?}"));
        let driver = Driver::new(config, kind, &world, Arc::new(IdMaker::default()))?;
        let calls = u32::try_from(world.dice.between(60, 400)).unwrap_or(200);
        let idle_jumps = u32::try_from(world.dice.between(50, 700)).unwrap_or(300);
        let oracle = Oracle::default();
        let faultless = world.faults == Faults::default();
        Ok(Self {
            world,
            driver: Some(driver),
            oracle,
            workload,
            late: Vec::new(),
            faultless,
            calls,
            idle_jumps,
            kind,
        })
    }

    fn run(mut self, steps: u32) -> Check<Report> {
        let Self {
            world,
            driver: Some(driver),
            oracle,
            workload,
            ..
        } = &mut self
        else {
            return violated("there is no server to begin with");
        };
        workload.begin(driver, world, oracle)?;
        for _ in 0..steps {
            self.turn()?;
        }
        self.calm_down()?;
        let Some(driver) = &self.driver else {
            return violated("the server is gone");
        };
        driver.check_empty(&mut self.world)?;
        self.oracle
            .finish(&self.workload.companies, &*driver.store, &mut self.world)?;
        Ok(Report {
            deliveries: self.oracle.deliveries(),
            starts: self.oracle.starts,
            engine: self.kind,
            fingerprint: self.world.trace.fingerprint(),
        })
    }

    fn turn(&mut self) -> Check {
        self.world.turn += 1;
        let Some(driver) = &mut self.driver else {
            return violated("the server is gone");
        };
        let faults = self.world.faults;
        let dice = &mut self.world.dice;
        if dice.chance(30) {
            let time = Duration::from_millis(dice.between(0, 25));
            self.world.pass(time);
        }
        let dice = &mut self.world.dice;
        if dice.chance(faults.crash) {
            return self.restart();
        }
        if driver.is_stopping() && (driver.is_drained() || dice.chance(3)) {
            return self.restart();
        }
        if dice.chance(faults.stop) && driver.is_running() {
            self.world.note("stop: the server is asked to");
            driver.stop();
            return Ok(());
        }
        if dice.chance(faults.steal) && driver.rob()? {
            self.oracle.robbed(&self.world);
            return Ok(());
        }
        // Before the next epoch is opened the old lease still holds, and an outcome would count.
        if driver.is_running() && !self.late.is_empty() && self.world.dice.chance(20) {
            return self.arrive_late();
        }
        if !driver.is_robbed() && self.world.dice.chance(self.calls) {
            return self.workload.act(driver, &mut self.world, &mut self.oracle);
        }
        self.go_on()
    }

    /// One step of the server; when nothing can go on, time passes.
    fn go_on(&mut self) -> Check {
        let Some(driver) = &mut self.driver else {
            return violated("the server is gone");
        };
        if driver.step(&mut self.world, &mut self.oracle)? {
            return Ok(());
        }
        driver.check_idle(&self.world)?;
        if self.faultless {
            driver.check_overdue(&self.oracle, &mut self.world)?;
        }
        if driver.is_robbed() && driver.is_at_rest() {
            // Whatever it still held it has lost; it must have let go of it.
            driver.check_empty(&mut self.world)?;
            return self.restart();
        }
        match driver.next_wake() {
            Some(wake) if self.world.dice.chance(self.idle_jumps) => self.world.pass_until(wake),
            _ => {
                let time = Duration::from_millis(self.world.dice.between(1, 60));
                let soon = self.world.now().plus(time);
                let wake = driver.next_wake().unwrap_or(soon);
                self.world.pass_until(soon.min(wake));
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> Check {
        let Some(driver) = self.driver.take() else {
            return violated("the server is gone");
        };
        // Ids order by the millisecond; a start takes longer than one.
        let time = Duration::from_millis(self.world.dice.between(2, 3_000));
        self.world.pass(time);
        self.oracle.crashed(&self.world);
        let (next, unsettled) = driver.crash(&self.world)?;
        self.late.extend(unsettled);
        self.driver = Some(next);
        Ok(())
    }

    /// Outcomes of a server that is gone reach the store after all.
    fn arrive_late(&mut self) -> Check {
        let late = std::mem::take(&mut self.late);
        let Some(driver) = &self.driver else {
            return violated("the server is gone");
        };
        self.world.note(format_args!(
            "late: {} outcomes of an earlier start arrive",
            late.len()
        ));
        match wait_for(driver.store.settle(late))? {
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
        self.world.note("calm: the faults stop, time runs on");
        self.world.faults = Faults::default();
        if self
            .driver
            .as_ref()
            .is_some_and(|driver| !driver.is_running())
        {
            self.restart()?;
        }
        self.come_to_rest()?;
        let Some(driver) = &self.driver else {
            return violated("the server is gone");
        };
        driver.store.heal()?;
        self.workload
            .resume_all(driver, &mut self.world, &mut self.oracle)?;
        self.come_to_rest()
    }

    fn come_to_rest(&mut self) -> Check {
        for _ in 0..CALM_STEPS_MAX {
            self.world.turn += 1;
            if self.driver.as_ref().is_some_and(Driver::is_at_rest) {
                return Ok(());
            }
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
        Some(Part::Planner),
        Some(Part::Claims),
        Some(Part::Cancels),
        Some(Part::Workers),
        Some(Part::Settler),
    ];
    let slow = dice.pick(&parts).copied().flatten();
    Config {
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
        slow,
    }
}
