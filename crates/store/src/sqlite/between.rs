//! What the writer looks at between its groups: the disk's room, other processes' commits, whether the log is
//! worth copying, and whether the disk kept it.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use heraldo_domain::store::StoreError;
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;

use super::care::data_version;
use super::checkpoint;
use super::durable::Batch;
use super::open::Place;
use super::room::Left;
use super::writer::{Shared, Writer};

/// How often the free space of the disk is looked at.
const ROOM_INTERVAL: Duration = Duration::from_millis(500);

/// After the log could not be mended it is left alone for so long: it is read and written from its beginning
/// each time.
const MEND_INTERVAL: Duration = Duration::from_millis(500);

/// After so many written rows the log is copied into the database file, under whatever load: each page once,
/// however often it was written since.
const ROWS_PER_CHECKPOINT: u64 = 48_000;

/// At a moderate pace, where somebody minds that the disk is busy, it is copied little by little: what was
/// written in this time, if it is more than a few rows and less than a full load's.
const GENTLE_INTERVAL: Duration = Duration::from_millis(100);
const GENTLE_ROWS: RangeInclusive<u64> = 500..=4_000;

impl Writer {
    /// Looks, twice a second, whether the disk is nearly full.
    pub(super) fn look_at_room(&mut self, db: &Connection) {
        let bytes_min = self.limits.disk_free_bytes_min;
        let now = self.shared.around.clock.now();
        if bytes_min == 0 || is_within(ROOM_INTERVAL, self.room_seen_at, now) {
            return;
        }
        self.room_seen_at = Some(now);
        let folder = self.place.database.parent();
        match Left::of(folder.unwrap_or(Path::new(".")), db) {
            Ok(left) => self.shared.room.note(left, bytes_min),
            Err(error) => tracing::debug!(?error, "the database's size cannot be read"),
        }
    }

    pub(super) fn look_at_others(&mut self, db: &Connection) {
        match data_version(db) {
            Ok(version) if version != self.data_version => {
                self.data_version = version;
                self.others_wrote(db);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(?error, "the database's version cannot be read"),
        }
    }

    /// Another process committed: nothing kept in memory is certain any more.
    pub(super) fn others_wrote(&mut self, db: &Connection) {
        if let Err(fault) = self.due.read_again(db) {
            tracing::warn!(error = %StoreError::from(fault), "inspections could not be read again");
        }
        self.shared.cache.forget_all();
        self.shared.around.hand_over.webhook_changed(None);
        self.recount(db);
    }

    pub(super) fn recount(&self, db: &Connection) {
        if let Err(fault) = self.shared.live.recount(db) {
            tracing::warn!(error = %StoreError::from(fault), "pending deliveries could not be counted");
        }
    }

    pub(super) fn checkpoint_if_due(&mut self, db: &Connection) {
        if self.shared.disk.check().is_err() {
            return;
        }
        if self.shared.finish_checkpoint.swap(false, Ordering::AcqRel) {
            checkpoint::finish(&self.shared, db);
        }
        let rows = db.total_changes().saturating_sub(self.rows_at_checkpoint);
        let now = self.shared.around.clock.now();
        let gentle = GENTLE_ROWS.contains(&rows)
            && (now < self.checkpoint_at || now.since(self.checkpoint_at) >= GENTLE_INTERVAL);
        if gentle || rows >= ROWS_PER_CHECKPOINT {
            self.rows_at_checkpoint = db.total_changes();
            self.checkpoint_at = now;
            // Full means that the checkpointer is at it already; a command has none.
            let _ = self.checkpointer.try_send(());
        }
    }

    pub(super) fn sync_what_nobody_waits_for(&mut self) {
        if std::mem::take(&mut self.unsynced) > 0 {
            // It says itself what went wrong; who writes next is told.
            let _ = self.shared.disk.sync(None);
        }
    }

    /// After a failed sync nothing is written before the log is mended.
    pub(super) fn mend(&mut self, db: &Connection) -> Result<(), StoreError> {
        let Err(error) = self.shared.disk.check() else {
            return Ok(());
        };
        let now = self.shared.around.clock.now();
        // What the syncer holds back must be known.
        if !self.syncer.has_concluded() || is_within(MEND_INTERVAL, self.mend_failed_at, now) {
            return Err(error);
        }
        let mended = self.shared.disk.mend(db);
        self.mend_failed_at = mended.is_err().then_some(now);
        conclude(mended?, &self.shared);
        // It would all be written again after the next failure.
        let _ = self.checkpointer.try_send(());
        Ok(())
    }
}

/// What was answered is in the log already; copying it at the end only makes the next start quicker.
pub(super) fn copy_all(db: &Connection, shared: &Shared, place: &Place) {
    let copier = checkpoint::lock(&shared.copier).take();
    // The last round may have failed. A command leaves the log to the server that it ran beside, which knows
    // whether it is durable; where none runs nobody knows.
    let is_durable = match &copier {
        Some(copier) => shared.disk.check().is_ok() && copier.let_go().is_ok(),
        None => !place.is_served() && shared.disk.write_again(db).is_ok(),
    };
    if is_durable
        && let Err(error) = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    {
        tracing::warn!(%error, "the log could not be copied into the database while closing");
    }
}

/// Hands over and answers what was held back.
pub(super) fn conclude(held: Vec<Batch>, shared: &Shared) {
    for batch in held {
        batch.conclude(shared, &Ok(()));
    }
}

/// Whether something happened less than so long ago; a clock that was put back says nothing of it.
fn is_within(interval: Duration, happened_at: Option<Timestamp>, now: Timestamp) -> bool {
    happened_at.is_some_and(|at| now >= at && now.since(at) < interval)
}
