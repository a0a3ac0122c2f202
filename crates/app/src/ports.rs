//! The real clock and the real dice: the only ones in Heraldo.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use heraldo_domain::ports::{Clock, Entropy};
use heraldo_wire::time::Timestamp;
use zeroize::Zeroizing;

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 or after the year 292 million is shown as the nearer end.
        let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Timestamp::from_millis(ms)
    }
}

/// Random bytes fetched from the operating system at once: an event needs about a hundred in several
/// small pieces, and a call of the system for each would cost more than the rest of its ids.
const POOL_BYTES: usize = 4_096;

/// The operating system's random bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

struct Pool {
    bytes: Zeroizing<[u8; POOL_BYTES]>,
    /// Bytes from here on were not given out yet; those before are wiped.
    next: usize,
}

thread_local! {
    static POOL: RefCell<Pool> =
        RefCell::new(Pool { bytes: Zeroizing::new([0; POOL_BYTES]), next: POOL_BYTES });
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > POOL_BYTES {
            return from_system(bytes);
        }
        POOL.with_borrow_mut(|pool| pool.take(bytes));
    }
}

impl Pool {
    fn take(&mut self, bytes: &mut [u8]) {
        if POOL_BYTES - self.next < bytes.len() {
            from_system(&mut *self.bytes);
            self.next = 0;
        }
        let end = self.next + bytes.len();
        if let Some(fresh) = self.bytes.get_mut(self.next..end) {
            bytes.copy_from_slice(fresh);
            fresh.fill(0);
        }
        self.next = end;
    }
}

fn from_system(bytes: &mut [u8]) {
    assert!(
        getrandom::fill(bytes).is_ok(),
        "the operating system always has random bytes"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use heraldo_domain::ports::random;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mut seen = HashSet::new();
        for _ in 0..3 * POOL_BYTES / 24 {
            assert!(seen.insert(random::<24>(&OsEntropy)));
        }
        assert!(seen.iter().all(|bytes| *bytes != [0; 24]));
    }

    #[test]
    fn more_than_the_pool_holds_is_given_at_once() {
        let bytes = random::<{ 3 * POOL_BYTES }>(&OsEntropy);
        let zeros = bytes
            .iter()
            .fold(0, |zeros, byte| zeros + usize::from(*byte == 0));
        assert!(zeros < bytes.len() / 64, "{zeros} zeros");
    }
}
