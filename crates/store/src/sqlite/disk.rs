//! The log's file: what of it is on disk, and what to do when the disk did not keep it.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use heraldo_domain::store::StoreError;
use rusqlite::{Connection, ffi};
use tokio::sync::watch;

use super::durable::Batch;
use super::log;

/// The log's file, and how far the disk has it.
#[derive(Debug)]
pub(super) struct Disk {
    log: File,
    /// The number of the last group in the log that must be durable before anybody hears of it.
    logged: AtomicU64,
    /// The last one that is.
    durable: watch::Sender<u64>,
    failed: AtomicBool,
    /// The database itself may lack what was copied into it: only the next start copies the log from its
    /// beginning again.
    database_failed: AtomicBool,
    /// What is in the log and perhaps not on disk, in commit order: it is handed over and answered once it is.
    held: Mutex<Vec<Batch>>,
    /// So many next syncs are refused; tests break the disk with it.
    refused: AtomicU32,
}

impl Disk {
    pub(super) fn new(log: File) -> Self {
        Self {
            log,
            logged: AtomicU64::new(0),
            durable: watch::Sender::new(0),
            failed: AtomicBool::new(false),
            database_failed: AtomicBool::new(false),
            held: Mutex::default(),
            refused: AtomicU32::new(0),
        }
    }

    /// Numbers a group that is about to be committed; the writer alone calls this.
    pub(super) fn announce(&self) -> u64 {
        self.logged.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The announced group was not committed.
    pub(super) fn withdraw(&self, number: u64) {
        self.logged
            .store(number.saturating_sub(1), Ordering::Release);
        self.durable.send_modify(|_| ());
    }

    /// Waits until what was written to the log is on disk, and with it the groups up to this number. After a
    /// failure nobody knows what of it is: nothing is accepted before [`Disk::mend`].
    pub(super) fn sync(&self, number: Option<u64>) -> Result<(), StoreError> {
        self.check()?;
        match self.sync_log() {
            Ok(()) => {
                if let Some(number) = number {
                    self.durable
                        .send_modify(|durable| *durable = number.max(*durable));
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the disk did not keep what was written");
                self.fail();
                Err(failed())
            }
        }
    }

    fn sync_log(&self) -> io::Result<()> {
        let refused = self
            .refused
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(1)
            });
        match refused {
            Ok(_) => Err(io::Error::other("refused for a test")),
            Err(_) => self.log.sync_data(),
        }
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.durable.send_modify(|_| ());
    }

    /// The database did not keep a part of the log that SQLite will not copy again: it takes it for copied.
    /// The log is left as it is, for the next start.
    pub(super) fn fail_database(&self, error: &io::Error) {
        tracing::error!(
            %error,
            "the disk did not keep what was copied into the database; start the server again: it copies it \
             anew from the log"
        );
        self.database_failed.store(true, Ordering::Release);
        self.fail();
    }

    /// A part of the log could not be copied into the database. If that was because of a sync, nobody knows
    /// what is on disk.
    pub(super) fn not_copied(&self, error: &rusqlite::Error) {
        tracing::warn!(%error, "the log could not be copied into the database");
        let code = error.sqlite_error().map(|error| error.extended_code);
        if code == Some(ffi::SQLITE_IOERR_FSYNC) {
            self.fail();
        }
    }

    /// Waits until everything that can be read now is durable, so that nobody is told of what a power failure
    /// takes back. While the disk has failed nobody knows whether it ever will be.
    pub(super) async fn seen(&self) -> Result<(), StoreError> {
        let seen = self.logged.load(Ordering::Acquire);
        // What was withdrawn meanwhile is waited for by nobody.
        let is_durable = |durable: &u64| *durable >= seen.min(self.logged.load(Ordering::Acquire));
        let mut durable = self.durable.subscribe();
        let known = |durable: &u64| is_durable(durable) || self.failed.load(Ordering::Acquire);
        let durable = durable.wait_for(known).await.map(|durable| *durable);
        match durable {
            Ok(durable) if !is_durable(&durable) => Err(failed()),
            // An error means that the store is gone.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            Err(failed())
        } else {
            Ok(())
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what must not be told before the log is mended.
    pub(super) fn hold(&self, batch: Batch) {
        self.held().push(batch);
    }

    /// Nobody will mend the log any more: whoever still waits for it is told that the store is closed.
    pub(super) fn abandon(&self) {
        drop(std::mem::take(&mut *self.held()));
    }

    /// Copies all that is in the log into the database, which makes it durable; gives what was held back.
    ///
    /// The log is read back first: what the disk lost is perhaps no longer in memory either, and SQLite does
    /// not look at sums while it copies. Then it is written again, because after a failed sync the system may
    /// take pages for written that are not: a copy would be torn when the power fails in the middle of it.
    pub(super) fn mend(&self, db: &Connection) -> Result<Vec<Batch>, StoreError> {
        if self.database_failed.load(Ordering::Acquire) {
            return Err(failed());
        }
        let sound = self.write_again(db)?;
        let logged = db.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
            row.get::<_, i64>(1)
        });
        let Ok(Ok(logged)) = logged.map(u64::try_from) else {
            return Err(failed());
        };
        if sound < logged {
            tracing::error!(
                logged,
                sound,
                "the disk lost a part of the log; start the server again: it keeps what was answered"
            );
            return Err(failed());
        }
        let copied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get(0).map(|busy: bool| !busy)
        });
        if !matches!(copied, Ok(true)) {
            tracing::error!(?copied, "the log could not be copied into the database");
            return Err(failed());
        }
        tracing::warn!("the disk works again; all that was written is on it");
        self.failed.store(false, Ordering::Release);
        let logged = self.logged.load(Ordering::Acquire);
        self.durable.send_replace(logged);
        Ok(std::mem::take(&mut *self.held()))
    }

    /// Writes what is sound of the log again and syncs it; returns how many frames that is. Other processes
    /// neither append to it meanwhile nor begin it anew: that takes the lock that is held here.
    fn write_again(&self, db: &Connection) -> Result<u64, StoreError> {
        let locked = db.execute_batch("BEGIN IMMEDIATE");
        if let Err(error) = locked {
            tracing::error!(%error, "the log cannot be locked");
            return Err(failed());
        }
        let written = log::sound_part(&self.log).and_then(|sound| {
            log::write_again(&self.log, sound.bytes)?;
            self.sync_log()?;
            Ok(sound.frames)
        });
        let unlocked = db.execute_batch("ROLLBACK");
        match (written, unlocked) {
            (Ok(frames), Ok(())) => Ok(frames),
            (Err(error), _) => {
                tracing::error!(%error, "the log cannot be read back, or written again");
                Err(failed())
            }
            (Ok(_), Err(error)) => {
                tracing::error!(%error, "the log cannot be unlocked");
                Err(failed())
            }
        }
    }

    pub(super) fn refuse_syncs(&self, count: u32) {
        self.refused.store(count, Ordering::Release);
    }
}

fn failed() -> StoreError {
    StoreError::Failed("the disk did not keep what was written; look at the disk".to_owned())
}
