//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// Longer than anything that is waited for takes, even on a busy machine with a debug build.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
///
/// The only polling of these tests: what a server has written is visible through its API alone, which
/// tells nobody when it changes. Everything else waits on output, on sockets, or on a condition.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "it did not happen in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
