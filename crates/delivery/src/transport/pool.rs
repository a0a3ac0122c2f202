//! Connections without work, kept for the next request to the same scheme, host and port.
//!
//! The last one used is the first one used again, so that what is not needed grows old and is closed.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::TransportConfig;
use super::link::{H1, H2, Link};
use super::trace::now;

pub(super) struct Pool {
    state: Mutex<State>,
    per_authority_max: usize,
    total_max: usize,
    idle_timeout: Duration,
}

#[derive(Default)]
struct State {
    /// After shutdown nothing is kept.
    is_closed: bool,
    /// HTTP/1.1 connections over all slots.
    idle: usize,
    slots: HashMap<Arc<str>, Slot>,
}

#[derive(Default)]
struct Slot {
    /// Oldest first, with the time since when each has no work.
    h1: VecDeque<(Box<H1>, Instant)>,
    h2: Option<Shared>,
}

struct Shared {
    connection: Arc<H2>,
    taken: Instant,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("idle", &self.lock().idle)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(config: &TransportConfig) -> Self {
        Self {
            state: Mutex::default(),
            per_authority_max: config.idle_connections_per_authority_max,
            total_max: config.idle_connections_max,
            idle_timeout: config.idle_timeout,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that can take a request, as far as can be seen from here.
    pub(super) async fn take(&self, key: &str, now: Instant) -> Option<Link> {
        loop {
            match self.take_unchecked(key, now)? {
                Link::H1(mut connection) => {
                    if connection.rest().await {
                        return Some(Link::H1(connection));
                    }
                }
                link @ Link::H2(_) => return Some(link),
            }
        }
    }

    fn take_unchecked(&self, key: &str, now: Instant) -> Option<Link> {
        let mut state = self.lock();
        let slot = state.slots.get_mut(key)?;
        if let Some(shared) = &mut slot.h2 {
            if !shared.connection.is_closed() {
                shared.taken = now;
                return Some(Link::H2(Arc::clone(&shared.connection)));
            }
            slot.h2 = None;
        }
        let (connection, since) = slot.h1.pop_back()?;
        state.idle = state.idle.saturating_sub(1);
        // The youngest is too old, so all are; the sweep closes the others.
        (now.saturating_duration_since(since) < self.idle_timeout).then_some(Link::H1(connection))
    }

    /// Keeps a connection that is at rest, when there is room for it.
    pub(super) fn keep(&self, key: &Arc<str>, connection: Box<H1>, now: Instant) {
        let mut state = self.lock();
        if state.is_closed || state.idle >= self.total_max {
            return;
        }
        let slot = match state.slots.get_mut(&**key) {
            Some(slot) => slot,
            None => state.slots.entry(Arc::clone(key)).or_default(),
        };
        if slot.h1.len() >= self.per_authority_max {
            return;
        }
        slot.h1.push_back((connection, now));
        state.idle += 1;
    }

    /// Shares a fresh connection with those who come. When another was opened at the same time, that one
    /// is used by all, and the fresh one goes.
    pub(super) fn adopt(&self, key: &str, fresh: Arc<H2>, now: Instant) -> Arc<H2> {
        let mut state = self.lock();
        if state.is_closed {
            return fresh;
        }
        let slot = state.slots.entry(Arc::from(key)).or_default();
        match &mut slot.h2 {
            Some(shared) if !shared.connection.is_closed() => {
                shared.taken = now;
                Arc::clone(&shared.connection)
            }
            vacant => {
                *vacant = Some(Shared {
                    connection: Arc::clone(&fresh),
                    taken: now,
                });
                fresh
            }
        }
    }

    /// Distrusts a shared connection until [`Suspicion::lift`]: dropped before that, no new request gets
    /// it. Requests under way on it go on.
    pub(super) fn suspect<'a>(&'a self, key: &'a str, link: &Link) -> Suspicion<'a> {
        let connection = match link {
            Link::H1(_) => None,
            Link::H2(connection) => Some(Arc::clone(connection)),
        };
        Suspicion {
            pool: self,
            key,
            connection,
        }
    }

    fn discard(&self, key: &str, connection: &Arc<H2>) {
        let mut state = self.lock();
        let is_this = |shared: &Shared| Arc::ptr_eq(&shared.connection, connection);
        if let Some(slot) = state.slots.get_mut(key)
            && slot.h2.as_ref().is_some_and(is_this)
        {
            slot.h2 = None;
        }
    }

    /// Closes what has had no work for longer than the limit.
    fn sweep(&self, now: Instant) {
        let is_old = |since: Instant| now.saturating_duration_since(since) >= self.idle_timeout;
        let mut closing = Vec::new();
        let mut state = self.lock();
        let State { idle, slots, .. } = &mut *state;
        slots.retain(|_, slot| {
            while slot.h1.front().is_some_and(|(_, since)| is_old(*since)) {
                closing.extend(slot.h1.pop_front());
                *idle = idle.saturating_sub(1);
            }
            let is_spent = |shared: &Shared| {
                let is_unused = Arc::strong_count(&shared.connection) == 1;
                shared.connection.is_closed() || (is_unused && is_old(shared.taken))
            };
            if slot.h2.as_ref().is_some_and(is_spent) {
                slot.h2 = None;
            }
            !slot.h1.is_empty() || slot.h2.is_some()
        });
        // Closing sockets takes time that nobody should wait for at the lock.
        drop(state);
        drop(closing);
    }

    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.idle = 0;
        let closing = std::mem::take(&mut state.slots);
        drop(state);
        drop(closing);
    }
}

pub(super) struct Suspicion<'a> {
    pool: &'a Pool,
    key: &'a str,
    connection: Option<Arc<H2>>,
}

impl Suspicion<'_> {
    pub(super) fn lift(&mut self) {
        self.connection = None;
    }
}

impl Drop for Suspicion<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.discard(self.key, &connection);
        }
    }
}

/// Sweeps the pool now and then, and closes it at shutdown. Ends by itself when nobody has the pool.
pub(super) fn sweep_under(
    pool: &Arc<Pool>,
    idle_timeout: Duration,
    tracker: &TaskTracker,
    shutdown: CancellationToken,
) {
    let pool = Arc::downgrade(pool);
    let period = (idle_timeout / 2).max(Duration::from_millis(10));
    tracker.spawn(async move {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => {
                    if let Some(pool) = pool.upgrade() {
                        pool.close();
                    }
                    return;
                }
                _ = ticks.tick() => match pool.upgrade() {
                    Some(pool) => pool.sweep(now()),
                    None => return,
                },
            }
        }
    });
}
