//! What surrounds a store in the suite: a clock that is stepped, dice that count, and a hand-over that
//! records.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use heraldo_domain::delivery::Leased;
use heraldo_domain::ports::{Clock, Entropy, HandOver, IdMaker};
use heraldo_wire::id::{Id, WebhookId};
use heraldo_wire::time::Timestamp;

/// A clock that stands still until it is stepped.
#[derive(Debug)]
pub struct StepClock(AtomicI64);

impl StepClock {
    pub fn step(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Dice that never fall the same way twice, and the same way in every run.
#[derive(Debug, Default)]
struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (drawn ^ (drawn >> 31))
                .wrapping_mul(0xd134_2543_de82_ef95)
                .to_be_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
    }
}

/// A hand-over with so much room, which notes everything that it is told.
#[derive(Debug, Default)]
pub struct RecordingHandOver(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    /// Reservations that are still granted.
    room: usize,
    reserved: usize,
    given_back: usize,
    refused: HashMap<WebhookId, u64>,
    handed_over: Vec<Leased>,
    calls: usize,
    changed: Vec<Option<WebhookId>>,
}

impl RecordingHandOver {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants so many reservations from now on.
    pub fn set_room(&self, room: usize) {
        self.lock().room = room;
    }

    /// How many reservations are neither handed over nor given back.
    pub fn outstanding(&self) -> usize {
        let recorded = self.lock();
        recorded.reserved - recorded.given_back - recorded.handed_over.len()
    }

    /// How many reservations were given back.
    pub fn given_back(&self) -> usize {
        self.lock().given_back
    }

    /// How often [`HandOver::hand_over`] was called.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    /// Everything handed over so far, in order.
    pub fn all(&self) -> Vec<Leased> {
        self.lock().handed_over.clone()
    }

    /// The last one handed over.
    pub fn last(&self) -> Leased {
        self.lock()
            .handed_over
            .last()
            .expect("something was handed over")
            .clone()
    }

    /// The webhooks that were called changed.
    pub fn changed(&self) -> Vec<Option<WebhookId>> {
        self.lock().changed.clone()
    }
}

impl HandOver for RecordingHandOver {
    fn reserve(&self, webhook: WebhookId, _body_bytes: usize) -> bool {
        let mut recorded = self.lock();
        if recorded.room == 0 {
            *recorded.refused.entry(webhook).or_default() += 1;
            return false;
        }
        recorded.room -= 1;
        recorded.reserved += 1;
        true
    }

    fn release(&self, _webhook: WebhookId, _body_bytes: usize) {
        let mut recorded = self.lock();
        recorded.room += 1;
        recorded.given_back += 1;
    }

    fn deferred(&self, webhook: WebhookId) -> u64 {
        self.lock().refused.get(&webhook).copied().unwrap_or(0)
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        let mut recorded = self.lock();
        recorded.calls += 1;
        recorded.handed_over.extend(leased);
    }

    fn webhook_changed(&self, webhook: Option<WebhookId>) {
        self.lock().changed.push(webhook);
    }
}

/// Everything that a store is opened with.
#[derive(Debug, Clone)]
pub struct World {
    pub clock: Arc<StepClock>,
    pub hand_over: Arc<RecordingHandOver>,
    pub entropy: Arc<dyn Entropy>,
    ids: Arc<IdMaker>,
}

impl Default for World {
    /// Its clock stands at some day in 2025, and its hand-over has no room.
    fn default() -> Self {
        Self {
            clock: Arc::new(StepClock(AtomicI64::new(1_763_647_402_118))),
            hand_over: Arc::default(),
            entropy: Arc::new(CountingEntropy::default()),
            ids: Arc::default(),
        }
    }
}

impl World {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn id(&self) -> Id {
        self.ids.next(self.now(), &*self.entropy)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread: no engine needs an async runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
