//! The bounded queue in front of the writer and the readers.
//!
//! What is bounded by its sender goes before the rest, a few at a time. It is the dispatcher's work, which is
//! little and makes room; behind a long row of changes from outside, receivers that are ready would stand idle.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heraldo_domain::store::StoreError;

/// So many that are bounded by their senders go before others that wait, so that each group has some of both.
const FIRST_MAX: usize = 16;

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
    /// Bounded by their senders.
    first: VecDeque<(usize, T)>,
    items: VecDeque<(usize, T)>,
    bytes: usize,
    /// Takers that wait; nobody is woken when there are none.
    idle: usize,
    /// Somebody asked a taker to look around.
    nudged: bool,
    closed: bool,
}

/// What waits in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub items: u64,
    pub bytes: u64,
    /// It takes no more, or hardly anything: less than an eighth of its bytes is left.
    pub is_full: bool,
}

/// What a taker got.
#[derive(Debug)]
pub(super) enum Taken<T> {
    Items {
        items: Vec<T>,
        bytes: usize,
    },
    /// Nothing came in the given time.
    Nothing,
    /// Closed, and empty.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(items_max: usize, bytes_max: usize) -> Self {
        let state = State {
            first: VecDeque::new(),
            items: VecDeque::new(),
            bytes: 0,
            idle: 0,
            nudged: false,
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

    /// Puts an item of so many bytes at the end. Work that its sender bounds himself is always let in, and
    /// goes before the other.
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
        let full = state.first.len() + state.items.len() >= self.items_max
            || (state.bytes.saturating_add(bytes) > self.bytes_max && !state.items.is_empty());
        if full && !bounded_by_sender {
            return Err(StoreError::Overloaded);
        }
        if bounded_by_sender {
            state.first.push_back((bytes, item));
        } else {
            state.items.push_back((bytes, item));
        }
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
        // What a taker was to see, it sees now.
        state.nudged = false;
        while state.is_empty() {
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
            if timed_out && state.is_empty() && !state.closed {
                return Taken::Nothing;
            }
        }
        state.take(items_max, bytes_max)
    }

    /// Waits for items or for a nudge, whichever is first; after a nudge that came since the last take there
    /// is `Nothing`.
    pub(super) fn take_or_nudge(&self, items_max: usize, bytes_max: usize) -> Taken<T> {
        let mut state = self.lock();
        while state.is_empty() && !state.nudged {
            if state.closed {
                return Taken::Closed;
            }
            state.idle += 1;
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
        }
        if std::mem::take(&mut state.nudged) {
            return Taken::Nothing;
        }
        state.take(items_max, bytes_max)
    }

    /// Has a taker that waits in [`Queue::take_or_nudge`] look around.
    pub(super) fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.filled.notify_all();
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many items wait, and how many bytes they hold.
    pub(super) fn waiting(&self) -> Waiting {
        let state = self.lock();
        let (items, bytes) = (state.first.len() + state.items.len(), state.bytes);
        drop(state);
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Waiting {
            items: wide(items),
            bytes: wide(bytes),
            is_full: items >= self.items_max
                || bytes > self.bytes_max.saturating_sub(self.bytes_max / 8),
        }
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
        let first = std::mem::take(&mut state.first);
        let items = std::mem::take(&mut state.items);
        state.bytes = 0;
        drop(state);
        drop((first, items));
        self.filled.notify_all();
    }
}

impl<T> State<T> {
    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.items.is_empty()
    }

    /// What waits, up to a count and about so many bytes.
    fn take(&mut self, items_max: usize, bytes_max: usize) -> Taken<T> {
        let waiting = self.first.len() + self.items.len();
        let mut items = Vec::with_capacity(waiting.min(items_max));
        let mut bytes = 0_usize;
        while items.len() < items_max && bytes < bytes_max {
            let others_wait = !self.items.is_empty();
            let next = if others_wait && items.len() >= FIRST_MAX {
                self.items.pop_front()
            } else {
                self.first.pop_front().or_else(|| self.items.pop_front())
            };
            let Some((weight, item)) = next else {
                break;
            };
            bytes = bytes.saturating_add(weight);
            items.push(item);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        Taken::Items { items, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken<T>(taken: Taken<T>) -> Vec<T> {
        match taken {
            Taken::Items { items, .. } => items,
            Taken::Nothing | Taken::Closed => Vec::new(),
        }
    }

    #[test]
    fn too_many_items_or_bytes_are_refused() {
        let queue = Queue::new(3, 100);
        assert_eq!(
            queue.push('a', 500, false),
            Ok(()),
            "one item is always let in"
        );
        assert_eq!(queue.push('b', 1, false), Err(StoreError::Overloaded));
        assert_eq!(queue.push('c', 1, true), Ok(()));
        assert_eq!(taken(queue.take(9, usize::MAX, None)), ['c', 'a']);
        for item in ['d', 'e', 'f'] {
            assert!(!queue.waiting().is_full);
            assert_eq!(queue.push(item, 1, false), Ok(()));
        }
        assert!(queue.waiting().is_full);
        assert_eq!(queue.push('g', 1, false), Err(StoreError::Overloaded));
        assert_eq!(queue.push('g', 1, true), Ok(()));
    }

    #[test]
    fn a_group_keeps_to_its_count_and_its_bytes() {
        let queue = Queue::new(9, 1_000);
        for item in 0..6 {
            queue.push(item, 10, false).expect("room");
        }
        assert_eq!(taken(queue.take(2, usize::MAX, None)), [0, 1]);
        assert_eq!(taken(queue.take(9, 15, None)), [2, 3]);
        assert_eq!(taken(queue.take(9, 1, None)), [4]);
    }

    #[test]
    fn what_its_sender_bounds_goes_before_the_other_in_its_own_order() {
        let queue = Queue::new(99, 1_000);
        for (item, bounded) in [('a', false), ('b', true), ('c', false), ('d', true)] {
            queue.push(item, 10, bounded).expect("room");
        }
        assert_eq!(taken(queue.take(3, usize::MAX, None)), ['b', 'd', 'a']);
        assert_eq!(taken(queue.take(3, usize::MAX, None)), ['c']);
        assert!(queue.is_empty());
        for item in ['x'; FIRST_MAX + 1] {
            queue.push(item, 10, true).expect("room");
        }
        queue.push('e', 10, false).expect("room");
        let group = taken(queue.take(FIRST_MAX + 1, usize::MAX, None));
        assert_eq!(group.last(), Some(&'e'), "others get their part of a group");
    }

    #[test]
    fn what_was_in_when_it_closed_is_still_taken() {
        let queue = Queue::new(9, 1_000);
        queue.push(1, 0, false).expect("room");
        queue.close();
        assert_eq!(queue.push(2, 0, true), Err(StoreError::Closed));
        assert_eq!(taken(queue.take(9, usize::MAX, None)), [1]);
        assert!(matches!(queue.take(9, usize::MAX, None), Taken::Closed));
    }

    #[test]
    fn a_nudge_is_seen_once_and_forgotten_by_the_next_take() {
        let queue = Queue::new(9, 1_000);
        queue.nudge();
        assert!(matches!(queue.take_or_nudge(9, 9), Taken::Nothing));
        queue.nudge();
        queue.push(1, 0, false).expect("room");
        assert_eq!(taken(queue.take(9, usize::MAX, None)), [1]);
        queue.push(2, 0, false).expect("room");
        assert_eq!(taken(queue.take_or_nudge(9, 9)), [2]);
        queue.close();
        assert!(matches!(queue.take_or_nudge(9, 9), Taken::Closed));
    }

    #[test]
    fn a_taker_without_work_comes_back_after_its_patience() {
        let queue = Queue::<u8>::new(9, 1_000);
        assert!(matches!(
            queue.take(9, usize::MAX, Some(Duration::ZERO)),
            Taken::Nothing
        ));
    }
}
