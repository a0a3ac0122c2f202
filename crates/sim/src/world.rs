//! The world of one simulation: its clock, its dice, what goes wrong in it, and the trace of what happened.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use heraldo_domain::ports::{Clock, Entropy};
use heraldo_wire::id::{CompanyId, Id, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

/// Something that must never happen, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

pub type Check<T = ()> = Result<T, Violation>;

/// The violation that this sentence tells of.
pub fn violated<T>(sentence: impl Into<String>) -> Check<T> {
    Err(Violation(sentence.into()))
}

/// How long one answer of a store may take before the simulation gives up on it.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// What a store, or a use case on one, answers. The engine in memory answers at once; the threads of SQLite
/// are waited for, so that nothing else goes on meanwhile and a seed repeats its run.
///
/// # Errors
/// When no answer comes.
pub fn wait_for<T>(future: impl Future<Output = T>) -> Check<T> {
    let mut future = pin!(future);
    let mut nobody = Context::from_waker(Waker::noop());
    if let Poll::Ready(answer) = future.as_mut().poll(&mut nobody) {
        return Ok(answer);
    }
    let waker = Waker::from(Arc::new(Caller(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    // A thread may also be woken for nothing, now and then.
    for _ in 0..1_000 {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return Ok(answer);
        }
        std::thread::park_timeout(ANSWER_MAX);
    }
    violated("the store does not answer")
}

/// The thread that waits.
struct Caller(Thread);

impl Wake for Caller {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A clock that moves when the simulation says so.
#[derive(Debug)]
pub struct SimClock(AtomicI64);

impl SimClock {
    fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// All chance of one simulation.
#[derive(Debug, Clone)]
pub struct Dice(fastrand::Rng);

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// True in so many of a thousand cases.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.0.u32(0..1_000) < per_mille
    }

    /// Both ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.u64(low..=high.max(low))
    }

    pub fn up_to(&mut self, high: usize) -> usize {
        self.0.usize(0..=high)
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        items.get(self.0.usize(0..items.len()))
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// One of these, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, items: &[(u64, T)]) -> Option<T> {
        let all: u64 = items.iter().map(|(weight, _)| *weight).sum();
        let mut drawn = self.between(1, all.max(1));
        for (weight, item) in items {
            if drawn <= *weight {
                return Some(*item);
            }
            drawn -= weight;
        }
        None
    }
}

/// Secrets and tails of ids: as seeded as all else.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<Dice>);

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        dice.0.fill(bytes);
    }
}

/// What goes wrong, in so many of a thousand cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    pub write: u32,
    pub read: u32,
    /// A worker panics while it sends.
    pub panic: u32,
    pub crash: u32,
    pub stop: u32,
    /// Somebody else opens an epoch on the same data.
    pub steal: u32,
}

impl Faults {
    /// A quarter of all seeds has none at all, so that what only a fault excuses is checked strictly.
    fn draw(dice: &mut Dice) -> Self {
        if dice.chance(250) {
            return Self::default();
        }
        let mut rate = |high: u64| {
            if dice.chance(300) {
                0
            } else {
                u32::try_from(dice.between(1, high)).unwrap_or(0)
            }
        };
        Self {
            write: rate(150),
            read: rate(30),
            panic: rate(60),
            crash: rate(6),
            stop: rate(4),
            steal: rate(3),
        }
    }
}

/// Everything that one seed gives.
#[derive(Debug)]
pub struct World {
    pub clock: Arc<SimClock>,
    pub entropy: Arc<SeededEntropy>,
    pub dice: Dice,
    pub faults: Faults,
    /// `None`: nobody looks, and nothing is written down.
    pub trace: Option<Trace>,
    /// Grows with each turn: tells what came before what within one millisecond.
    pub turn: u64,
    names: BTreeMap<char, BTreeMap<Id, usize>>,
}

const START: i64 = 1_700_000_000_000;

impl World {
    #[must_use]
    pub fn new(seed: u64, trace: Option<Trace>) -> Self {
        let mut dice = Dice::new(seed);
        let entropy = SeededEntropy(Mutex::new(dice.fork()));
        let faults = Faults::draw(&mut dice);
        Self {
            clock: Arc::new(SimClock(AtomicI64::new(START))),
            entropy: Arc::new(entropy),
            dice,
            faults,
            trace,
            turn: 0,
            names: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn pass(&self, time: Duration) {
        self.clock.set(self.now().plus(time));
    }

    pub fn pass_until(&self, at: Timestamp) {
        self.pass(at.since(self.now()));
    }

    /// Adds a line to the trace, if somebody wants to see it.
    pub fn note(&self, line: impl fmt::Display) {
        if let Some(trace) = &self.trace {
            let ms = self.now().as_millis() - START;
            trace.add(format!("{:>6} {:>9} ms  {line}", self.turn, ms));
        }
    }

    /// `w1`, `w2`, …: short names for the trace, in the order in which they were first told.
    pub fn webhook(&mut self, id: WebhookId) -> Name {
        self.name('w', id.0)
    }

    pub fn inspection(&mut self, id: InspectionId) -> Name {
        self.name('i', id.0)
    }

    pub fn company(&mut self, id: CompanyId) -> Name {
        self.name('c', id.0)
    }

    fn name(&mut self, kind: char, id: Id) -> Name {
        let known = self.names.entry(kind).or_default();
        let next = known.len() + 1;
        let number = *known.entry(id).or_insert(next);
        Name { kind, number }
    }
}

/// What something is called in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    kind: char,
    number: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, self.number)
    }
}

/// The last lines of what happened, and a fingerprint of all of it. It outlives a run that panicked.
#[derive(Debug, Clone)]
pub struct Trace(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    kept_max: usize,
    last: VecDeque<String>,
    fingerprint: u64,
}

impl Trace {
    /// A trace that keeps its last `kept_max` lines.
    #[must_use]
    pub fn new(kept_max: usize) -> Self {
        let lines = Lines {
            kept_max: kept_max.max(1),
            last: VecDeque::new(),
            fingerprint: 0,
        };
        Self(Arc::new(Mutex::new(lines)))
    }

    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in line.bytes() {
            // FNV-1a: two runs of one seed must agree on every line.
            lines.fingerprint =
                (lines.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if lines.last.len() >= lines.kept_max {
            lines.last.pop_front();
        }
        lines.last.push_back(line);
    }

    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fingerprint
    }

    #[must_use]
    pub fn last(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last
            .iter()
            .cloned()
            .collect()
    }
}
