//! The bounded queue in front of the writer and the readers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heraldo_domain::store::StoreError;

/// A queue limited by count and bytes, which can be closed.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    items_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(usize, T)>,
    bytes: usize,
    /// Takers that wait; nobody is woken when there are none.
    idle: usize,
    closed: bool,
}

/// What a taker got.
#[derive(Debug)]
pub(super) enum Taken<T> {
    Items(Vec<T>),
    /// Nothing came in the given time.
    Nothing,
    /// Closed, and empty.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(items_max: usize, bytes_max: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            bytes: 0,
            idle: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            items_max,
            bytes_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item of so many bytes at the end. Work that its sender bounds himself is always let in.
    pub(super) fn push(
        &self,
        item: T,
        bytes: usize,
        bounded_by_sender: bool,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        let full = state.items.len() >= self.items_max
            || (state.bytes.saturating_add(bytes) > self.bytes_max && !state.items.is_empty());
        if full && !bounded_by_sender {
            return Err(StoreError::Overloaded);
        }
        state.items.push_back((bytes, item));
        state.bytes = state.bytes.saturating_add(bytes);
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes what waits, up to a count and about so many bytes; waits for the first item at most
    /// `patience`, never for more.
    pub(super) fn take(
        &self,
        items_max: usize,
        bytes_max: usize,
        patience: Option<Duration>,
    ) -> Taken<T> {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            state.idle += 1;
            let timed_out;
            (state, timed_out) = match patience {
                Some(patience) => {
                    let (state, result) = self
                        .filled
                        .wait_timeout(state, patience)
                        .unwrap_or_else(PoisonError::into_inner);
                    (state, result.timed_out())
                }
                None => (
                    self.filled
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner),
                    false,
                ),
            };
            state.idle = state.idle.saturating_sub(1);
            if timed_out && state.items.is_empty() && !state.closed {
                return Taken::Nothing;
            }
        }
        let mut taken = Vec::with_capacity(state.items.len().min(items_max));
        let mut bytes = 0_usize;
        while taken.len() < items_max && bytes < bytes_max {
            let Some((weight, item)) = state.items.pop_front() else {
                break;
            };
            bytes = bytes.saturating_add(weight);
            taken.push(item);
        }
        state.bytes = state.bytes.saturating_sub(bytes);
        Taken::Items(taken)
    }

    /// Lets nothing more in; what is in is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Drops what waits: its taker is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        let items = std::mem::take(&mut state.items);
        state.bytes = 0;
        drop(state);
        drop(items);
        self.filled.notify_all();
    }
}
