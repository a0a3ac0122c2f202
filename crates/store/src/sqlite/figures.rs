//! The writer's figures: what its groups counted and no row holds yet (decision 18).

use std::time::Duration;

use heraldo_domain::ports::Clock;
use heraldo_domain::statistics::Note;
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;

use super::fault::Done;
use super::statistics;
use crate::tally::Tally;

/// Figures are gathered this long before they are written, in a group that is written anyway.
const INTERVAL: Duration = Duration::from_secs(1);

/// So many rows of figures are gathered at most; some more where one group touches many webhooks.
const ROWS_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Gathered {
    tally: Tally,
    written_at: Timestamp,
}

impl Gathered {
    pub(super) fn count(&mut self, notes: &[Note]) {
        for note in notes {
            self.tally.count(note);
        }
    }

    pub(super) fn are_due(&self, clock: &dyn Clock) -> bool {
        let now = clock.now();
        let since = self.written_at;
        self.tally.len() >= ROWS_MAX
            || (self.tally.len() > 0 && (now < since || now.since(since) >= INTERVAL))
    }

    /// Inside a transaction; they stay gathered until it is committed.
    pub(super) fn write(&self, db: &Connection) -> Done<()> {
        statistics::write(db, &self.tally)
    }

    pub(super) fn are_written(&mut self, clock: &dyn Clock) {
        self.tally.clear();
        self.written_at = clock.now();
    }

    /// They could not be written: a try each interval is enough.
    pub(super) fn put_off(&mut self, clock: &dyn Clock) {
        self.written_at = clock.now();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tally.len() == 0
    }
}
