//! Copies the write-ahead log into the database beside the writer, so that no commit waits for it.

use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use heraldo_domain::store::StoreError;
use rusqlite::Connection;

use super::disk::Disk;
use super::migrations;
use super::open::Place;
use super::writer::Shared;

/// When a round copied less than this many frames (of 4 KiB), the rest is little enough for the writer.
const REST_MAX: i64 = 1_000;
/// A log that grows as fast as it is copied is finished by the writer all the same.
const ROUNDS_MAX: u32 = 5;

/// Copies the log each time the writer says that it has grown; ends when the writer does.
///
/// The log starts anew only when all of it was copied, which beside a busy writer is never the case. So it
/// is copied in rounds, each shorter than the one before, and the writer copies the last little rest
/// himself, between two groups.
pub(super) fn run(grown: &Receiver<()>, shared: &Shared) {
    while grown.recv().is_ok() {
        let mut copied_before = 0;
        for _ in 0..ROUNDS_MAX {
            let copier = lock(&shared.copier);
            let Some(Ok(Copied { copied, .. })) = copier.as_ref().map(|it| it.round(&shared.disk))
            else {
                break;
            };
            let new = copied - copied_before;
            copied_before = copied;
            if new < REST_MAX {
                break;
            }
        }
        shared.finish_checkpoint.store(true, Ordering::Release);
    }
}

/// Copies the last rest of the log and has it begin anew; the writer alone calls this, between two groups. If a
/// round is under way, the checkpointer says again when it has ended.
pub(super) fn finish(shared: &Shared, writer: &Connection) {
    let copier = match shared.copier.try_lock() {
        Ok(copier) => copier,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    let Some(copier) = &*copier else { return };
    if matches!(copier.round(&shared.disk), Ok(copied) if copied.is_whole()) {
        copier.begin_anew(writer, &shared.disk);
    }
}

pub(super) fn lock(copier: &Mutex<Option<Copier>>) -> MutexGuard<'_, Option<Copier>> {
    copier.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many frames are in the log, and how many of them in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    logged: i64,
    copied: i64,
}

impl Copied {
    const fn is_whole(self) -> bool {
        self.logged > 0 && self.copied >= self.logged
    }
}

/// Copies into the database what is durable of the log, and nothing else (decision 22).
///
/// SQLite would sync the log before it copies, and the database only where the whole log was copied. Both is done
/// here instead: a sync of SQLite's own knows nothing of one that fails beside it, and takes for durable what that
/// one lost.
#[derive(Debug)]
pub(super) struct Copier {
    /// Copies, and syncs nothing.
    db: Connection,
    /// Its read transaction holds the log: what comes after it is not copied, and the log does not begin anew, also
    /// not between two rounds. So nothing of it is overwritten before the database is known to be durable.
    hold: Connection,
    /// Closing it ends the locks that the process holds on the database: it stands below the connections.
    database: Arc<File>,
}

impl Copier {
    pub(super) fn new(place: &Place, database: Arc<File>) -> rusqlite::Result<Self> {
        let db = place.connect()?;
        db.pragma_update(None, "synchronous", "OFF")?;
        let hold = place.connect_reader()?;
        Ok(Self { db, hold, database })
    }

    pub(super) fn database(&self) -> Arc<File> {
        Arc::clone(&self.database)
    }

    /// Copies what is in the log when it starts, and makes it durable in the database.
    pub(super) fn round(&self, disk: &Disk) -> Result<Copied, StoreError> {
        disk.check()?;
        let not_copied = |error| disk.not_copied(&error);
        let found = self.checkpoint("NOOP").map_err(not_copied)?;
        if found.copied >= found.logged {
            return Ok(found);
        }
        // Between letting go and holding again the log cannot begin anew: not all of it is copied.
        self.hold_here().map_err(not_copied)?;
        // Whatever fails from now on, this much is durable.
        disk.sync(None)?;
        let copied = self.checkpoint("PASSIVE").map_err(not_copied)?;
        disk.sync_database(&self.database)?;
        Ok(copied)
    }

    /// Has the log begin anew, now that all of it is durable in the database.
    ///
    /// Its new header must be durable before anything stands behind it: otherwise a power loss could leave the old
    /// header, and behind it the begin of an older log. SQLite syncs it; that nobody's sync fails meanwhile is seen
    /// to here. So a page is written that changes nothing.
    fn begin_anew(&self, writer: &Connection, disk: &Disk) {
        let alone = disk.alone();
        if disk.check().is_err() {
            return;
        }
        let sql = format!("PRAGMA user_version = {}", migrations::KNOWN);
        let begun = self.let_go().and_then(|()| writer.execute_batch(&sql));
        if let Err(error) = begun.and_then(|()| self.hold_here()) {
            disk.not_copied(&error);
        }
        drop(alone);
    }

    fn hold_here(&self) -> rusqlite::Result<()> {
        self.let_go()?;
        self.hold.execute_batch("BEGIN")?;
        self.hold.query_row("PRAGMA user_version", [], |_| Ok(()))
    }

    /// The log may begin anew.
    pub(super) fn let_go(&self) -> rusqlite::Result<()> {
        if self.hold.is_autocommit() {
            return Ok(());
        }
        self.hold.execute_batch("COMMIT")
    }

    fn checkpoint(&self, how: &str) -> rusqlite::Result<Copied> {
        let sql = format!("PRAGMA wal_checkpoint({how})");
        self.db.query_row(&sql, [], |row| {
            Ok(Copied {
                logged: row.get(1)?,
                copied: row.get(2)?,
            })
        })
    }
}

#[cfg(test)]
mod tests;
