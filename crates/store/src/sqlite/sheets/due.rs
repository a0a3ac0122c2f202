//! Inspections whose sheets are not written yet (decision 23): a sheet that is written once for hundreds of
//! inspections costs a fraction of one that is written with each of them.
//!
//! Each key stands in the table `sheet_due` from the transaction that wrote the inspection until the one that
//! wrote its sheets, so that the sheets are complete whenever somebody looks: a list asks for what is due
//! first, and a start writes what a stopped server left.

use std::time::Duration;

use heraldo_domain::inspection::Inspection;
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;

use super::{Entry, Row, write};
use crate::sqlite::fault::Done;
use crate::sqlite::load::doc_at;
use crate::sqlite::rows::many;

/// Sheets are written after so many inspections, or after this time.
const ENTRIES_MAX: usize = 512;
const INTERVAL: Duration = Duration::from_secs(1);

/// What is due, as the one writer keeps it that defers.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct Due {
    entries: Vec<Entry>,
    since: Timestamp,
}

impl Due {
    pub(in crate::sqlite) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it is time to write them, with so many new ones.
    pub(in crate::sqlite) fn is_time(&self, new: usize, now: Timestamp) -> bool {
        let waited = !self.is_empty() && (now < self.since || now.since(self.since) >= INTERVAL);
        waited || self.entries.len() + new >= ENTRIES_MAX
    }

    /// Writes the sheets of all that are due and of the new ones.
    pub(in crate::sqlite) fn write(&self, db: &Connection, new: &[Entry]) -> Done<()> {
        let mut all = self.entries.clone();
        all.extend_from_slice(new);
        write(db, all)?;
        if !self.is_empty() {
            forget(db)?;
        }
        Ok(())
    }

    /// Notes inside their transaction that these are due.
    pub(in crate::sqlite) fn note(db: &Connection, new: &[Entry]) -> Done<()> {
        let mut note = db.prepare_cached("INSERT OR IGNORE INTO sheet_due (key) VALUES (?1)")?;
        for entry in new {
            note.execute([entry.fact.key()])?;
        }
        Ok(())
    }

    /// What was noted is committed.
    pub(in crate::sqlite) fn keep(&mut self, new: Vec<Entry>, now: Timestamp) {
        if self.is_empty() {
            self.since = now;
        }
        self.entries.extend(new);
    }

    /// All were written and committed.
    pub(in crate::sqlite) fn are_written(&mut self) {
        self.entries.clear();
    }

    /// They could not be written: a try each interval is enough.
    pub(in crate::sqlite) fn put_off(&mut self, now: Timestamp) {
        self.since = now;
    }

    /// Reads them again: another process may have written some of them. One that cannot be read any more keeps
    /// its place.
    pub(in crate::sqlite) fn read_again(&mut self, db: &Connection) -> Done<()> {
        if !self.is_empty() {
            self.entries.extend(left(db)?);
        }
        Ok(())
    }
}

/// Writes the sheets that a stopped server left due.
pub(in crate::sqlite) fn finish(db: &Connection) -> Done<()> {
    let all = db.unchecked_transaction()?;
    let entries = left(db)?;
    if !entries.is_empty() {
        write(db, entries)?;
        forget(db)?;
    }
    Ok(all.commit()?)
}

/// Those that are due according to the database. One that cannot be read is in no list.
fn left(db: &Connection) -> Done<Vec<Entry>> {
    let sql = "SELECT doc FROM sheet_due CROSS JOIN inspection USING (key)";
    let read = many(db, sql, [], |row| {
        Ok(doc_at::<Inspection>(row, 0).map(|inspection| Entry::of(&inspection)))
    })?;
    Ok(read.into_iter().flatten().collect())
}

/// Nothing is due any more.
fn forget(db: &Connection) -> Done<()> {
    db.prepare_cached("DELETE FROM sheet_due")?.execute([])?;
    Ok(())
}
