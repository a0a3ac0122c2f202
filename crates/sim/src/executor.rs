//! Runs the tasks of one server, one at a time, in the order that the dice give, on the clock of the world.
//!
//! A task runs from one await to the next. Whoever drops the executor ends all of them where they are, as a crash
//! does.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use heraldo_delivery::dispatcher::Task;
use heraldo_domain::ports::Clock;
use heraldo_wire::time::Timestamp;

use crate::world::SimClock;

/// Tells one task from all others of its server.
pub type TaskId = u64;

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Start,
    Stop,
    /// A client's call.
    Call,
    /// Something that is done in the background.
    Job,
    Of(Task),
}

/// What a worker panics with when the dice say so.
#[derive(Debug)]
pub struct SimulatedPanic;

/// The tasks themselves.
pub struct Executor {
    handle: Handle,
    tasks: Vec<Entry>,
}

/// What tasks know of their executor.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<SimClock>,
    spawned: Mutex<Vec<Entry>>,
    timers: Mutex<BTreeMap<(Timestamp, u64), (TaskId, Waker)>>,
    /// The one that runs now.
    current: Mutex<Option<(TaskId, Kind)>>,
    /// Of tasks and timers.
    last_number: AtomicU64,
}

struct Entry {
    id: TaskId,
    kind: Kind,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    awake: Arc<Awake>,
    waker: Waker,
}

#[derive(Debug)]
struct Awake(AtomicBool);

impl Wake for Awake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.id, self.kind)
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.tasks).finish()
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.tasks.clear();
        // What was not let run even once knows its executor, and would keep it.
        drop(std::mem::take(&mut *lock(&self.handle.0.spawned)));
    }
}

/// What became of a task that was let run.
#[derive(Debug)]
pub enum Ran {
    /// It waits for something.
    Waits,
    Ended,
    Panicked(Box<dyn Any + Send>),
}

impl Executor {
    #[must_use]
    pub fn new(clock: Arc<SimClock>) -> Self {
        Self {
            handle: Handle(Arc::new(Shared {
                clock,
                spawned: Mutex::default(),
                timers: Mutex::default(),
                current: Mutex::default(),
                last_number: AtomicU64::new(0),
            })),
            tasks: Vec::new(),
        }
    }

    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Wakes whoever has slept long enough, and takes in what was spawned.
    pub fn tick(&mut self) {
        let now = self.handle.now();
        let mut timers = self.handle.timers();
        while let Some(entry) = timers.first_entry().filter(|entry| entry.key().0 <= now) {
            entry.remove().1.wake();
        }
        drop(timers);
        self.tasks.append(&mut lock(&self.handle.0.spawned));
    }

    /// Those that can go on now, in the order of their making.
    pub fn awake(&self) -> impl Iterator<Item = (TaskId, Kind)> {
        let awake = |task: &&Entry| task.awake.0.load(Ordering::SeqCst);
        self.tasks
            .iter()
            .filter(awake)
            .map(|task| (task.id, task.kind))
    }

    /// All that have not ended.
    pub fn alive(&self) -> impl Iterator<Item = (TaskId, Kind)> {
        self.tasks.iter().map(|task| (task.id, task.kind))
    }

    /// Lets one of them run to its next await.
    pub fn run(&mut self, id: TaskId) -> Ran {
        let Some(at) = self.tasks.iter().position(|task| task.id == id) else {
            return Ran::Ended;
        };
        let Some(task) = self.tasks.get_mut(at) else {
            return Ran::Ended;
        };
        task.awake.0.store(false, Ordering::SeqCst);
        *lock(&self.handle.0.current) = Some((id, task.kind));
        let future = &mut task.future;
        let mut context = Context::from_waker(&task.waker);
        // As tokio does: what a panic leaves behind is what dropping the task leaves.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        let ran = match polled {
            Ok(Poll::Pending) => Ran::Waits,
            Ok(Poll::Ready(())) => Ran::Ended,
            Err(panic) => Ran::Panicked(panic),
        };
        if !matches!(ran, Ran::Waits) {
            drop(self.tasks.remove(at));
        }
        *lock(&self.handle.0.current) = None;
        self.tasks.append(&mut lock(&self.handle.0.spawned));
        ran
    }

    /// Ends some where they are.
    pub fn end(&mut self, which: impl Fn(Kind) -> bool) {
        self.tick();
        self.tasks.retain(|task| !which(task.kind));
    }

    /// When the first of all sleepers wakes.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.handle.timers().first_key_value().map(|(key, _)| key.0)
    }

    /// When this task wakes by itself.
    #[must_use]
    pub fn wake_of(&self, id: TaskId) -> Option<Timestamp> {
        let timers = self.handle.timers();
        let mut own = timers.iter().filter(|(_, (task, _))| *task == id);
        own.next().map(|(key, _)| key.0)
    }
}

impl Handle {
    pub fn spawn(&self, kind: Kind, future: impl Future<Output = ()> + Send + 'static) -> TaskId {
        let id = self.next_number();
        let awake = Arc::new(Awake(AtomicBool::new(true)));
        lock(&self.0.spawned).push(Entry {
            id,
            kind,
            future: Box::pin(future),
            waker: Waker::from(awake.clone()),
            awake,
        });
        id
    }

    /// The task that runs now.
    #[must_use]
    pub fn current(&self) -> Option<(TaskId, Kind)> {
        *lock(&self.0.current)
    }

    /// The number of the task that runs now; none has the number 0.
    #[must_use]
    pub fn current_id(&self) -> TaskId {
        self.current().map_or(0, |(id, _)| id)
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Sleeps on the clock of the world. Lets others go first, also when the time has come.
    pub fn sleep(&self, time: Duration) -> Sleep {
        self.sleep_until(self.now().plus(time))
    }

    pub fn sleep_until(&self, until: Timestamp) -> Sleep {
        Sleep {
            handle: self.clone(),
            until,
            number: None,
        }
    }

    /// Lets others go first; it may be the last that this task does.
    pub fn step(&self) -> Sleep {
        self.sleep_until(Timestamp::default())
    }

    fn next_number(&self) -> u64 {
        self.0.last_number.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn timers(&self) -> MutexGuard<'_, BTreeMap<(Timestamp, u64), (TaskId, Waker)>> {
        lock(&self.0.timers)
    }
}

/// A sleep, or with a time that is over no more than a step aside.
#[derive(Debug)]
pub struct Sleep {
    handle: Handle,
    until: Timestamp,
    /// Its place among the timers, once it was asked.
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let key = self.number.map(|number| (self.until, number));
        match key {
            Some(_) if self.until <= self.handle.now() => Poll::Ready(()),
            None if self.until <= self.handle.now() => {
                self.number = Some(0);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            known => {
                let key = known.unwrap_or_else(|| (self.until, self.handle.next_number()));
                self.number = Some(key.1);
                let timer = (self.handle.current_id(), context.waker().clone());
                self.handle.timers().insert(key, timer);
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.handle.timers().remove(&(self.until, number));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    /// Everything that was said, in its order.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<&'static str>>>);

    impl Heard {
        fn say(&self, word: &'static str) {
            lock(&self.0).push(word);
        }

        fn all(&self) -> Vec<&'static str> {
            lock(&self.0).clone()
        }
    }

    /// Says how it was dropped.
    struct Guard(Heard);

    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.say(if std::thread::panicking() {
                "unwound"
            } else {
                "dropped"
            });
        }
    }

    fn executor() -> (World, Executor, Heard) {
        let world = World::new(1, None);
        let executor = Executor::new(world.clock.clone());
        (world, executor, Heard::default())
    }

    fn run_awake(executor: &mut Executor) -> Vec<Ran> {
        executor.tick();
        let awake: Vec<TaskId> = executor.awake().map(|(id, _)| id).collect();
        awake.into_iter().map(|id| executor.run(id)).collect()
    }

    #[test]
    fn a_task_runs_to_its_next_await_and_lets_others_go_first() {
        let (_, mut executor, heard) = executor();
        for word in ["one", "two"] {
            let (handle, heard) = (executor.handle(), heard.clone());
            executor.handle().spawn(Kind::Start, async move {
                heard.say(word);
                handle.step().await;
                heard.say(word);
            });
        }
        run_awake(&mut executor);
        assert_eq!(heard.all(), ["one", "two"]);
        let ran = run_awake(&mut executor);
        assert!(ran.iter().all(|ran| matches!(ran, Ran::Ended)), "{ran:?}");
        assert_eq!(heard.all(), ["one", "two", "one", "two"]);
        assert_eq!(executor.alive().count(), 0);
    }

    #[test]
    fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let (world, mut executor, heard) = executor();
        let (handle, said) = (executor.handle(), heard.clone());
        let id = executor.handle().spawn(Kind::Start, async move {
            handle.sleep(Duration::from_millis(20)).await;
            said.say("awake");
        });
        run_awake(&mut executor);
        let due = world.now().plus(Duration::from_millis(20));
        assert_eq!(executor.next_wake(), Some(due));
        assert_eq!(executor.wake_of(id), Some(due));
        world.pass(Duration::from_millis(19));
        assert!(run_awake(&mut executor).is_empty());
        world.pass(Duration::from_millis(1));
        run_awake(&mut executor);
        assert_eq!(heard.all(), ["awake"]);
        assert_eq!(executor.next_wake(), None);
    }

    #[test]
    fn a_panic_unwinds_its_task_and_no_other() {
        let (_, mut executor, heard) = executor();
        for panics in [true, false] {
            let (handle, guard) = (executor.handle(), Guard(heard.clone()));
            executor.handle().spawn(Kind::Start, async move {
                let guard = guard;
                handle.step().await;
                if panics {
                    std::panic::resume_unwind(Box::new(SimulatedPanic));
                }
                drop(guard);
            });
        }
        run_awake(&mut executor);
        let ran = run_awake(&mut executor);
        assert!(
            matches!(ran.as_slice(), [Ran::Panicked(panic), Ran::Ended] if panic.is::<SimulatedPanic>()),
            "{ran:?}"
        );
        assert_eq!(heard.all(), ["unwound", "dropped"]);
    }

    #[test]
    fn who_drops_the_executor_ends_all_tasks_where_they_are() {
        let (_, mut executor, heard) = executor();
        for _ in 0..2 {
            let (handle, guard) = (executor.handle(), Guard(heard.clone()));
            executor.handle().spawn(Kind::Start, async move {
                let _guard = guard;
                handle.sleep(Duration::from_secs(1)).await;
            });
            // The second is never let run.
            if executor.alive().count() == 0 {
                run_awake(&mut executor);
            }
        }
        let handle = executor.handle();
        drop(executor);
        assert_eq!(heard.all(), ["dropped", "dropped"]);
        assert!(handle.timers().is_empty());
    }
}
