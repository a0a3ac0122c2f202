//! The log's file: what of it is on disk, and what to do when the disk did not keep it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use heraldo_domain::store::StoreError;
use rusqlite::{Connection, ffi};
use tokio::sync::watch;

use super::durable::Batch;
use super::fault::Done;
use super::log;

/// The log's file, and how far the disk has it.
#[derive(Debug)]
pub(super) struct Disk {
    log: File,
    /// Held by whoever syncs the log, until it is known how that went: where one of two syncs at a time fails, the
    /// other may end well and yet have lost what both were to cover.
    syncing: Mutex<()>,
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
    #[cfg(test)]
    before_sync: std::sync::OnceLock<BeforeSync>,
}

/// What is synced.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synced {
    Log,
    Database,
}

/// What a test does just before something is synced; an error is the sync's.
#[cfg(test)]
pub(super) struct BeforeSync(pub Box<dyn Fn(Synced) -> io::Result<()> + Send + Sync>);

#[cfg(test)]
impl std::fmt::Debug for BeforeSync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BeforeSync")
    }
}

impl Disk {
    /// Opens the log and syncs it. SQLite takes no locks on it, so that it may be opened beside SQLite.
    pub(super) fn open(log: &Path) -> io::Result<Self> {
        let log = File::options().read(true).write(true).open(log)?;
        log.sync_data()?;
        Ok(Self {
            log,
            syncing: Mutex::default(),
            logged: AtomicU64::new(0),
            durable: watch::Sender::new(0),
            failed: AtomicBool::new(false),
            database_failed: AtomicBool::new(false),
            held: Mutex::default(),
            refused: AtomicU32::new(0),
            #[cfg(test)]
            before_sync: std::sync::OnceLock::new(),
        })
    }

    /// Copies what an earlier process left in the log, which ended before it could. A sync may have failed in it,
    /// and what that one was to cover the system takes for written: so the log is written again before.
    pub(super) fn copy_what_was_left(&self, db: &Connection) -> Done<()> {
        self.write_again(db)?;
        db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
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
        let _alone = self.alone();
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

    /// Nobody else syncs the log, and what is known of it does not change.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only for who is alone.
    fn sync_log(&self) -> io::Result<()> {
        #[cfg(test)]
        self.tell_test(Synced::Log)?;
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

    /// Waits until what was copied into the database is on disk. If that fails, the database lacks a part of the
    /// log that SQLite will not copy again: it takes it for copied. The log is left as it is, for the next start.
    pub(super) fn sync_database(&self, database: &File) -> Result<(), StoreError> {
        let synced = || {
            #[cfg(test)]
            self.tell_test(Synced::Database)?;
            database.sync_data()
        };
        synced().map_err(|error| {
            tracing::error!(
                %error,
                "the disk did not keep what was copied into the database; start the server again: it copies it \
                 anew from the log"
            );
            self.database_failed.store(true, Ordering::Release);
            self.durable.send_modify(|_| ());
            failed()
        })
    }

    /// A part of the log could not be copied into the database, or the log not begin anew. If that was because of
    /// a sync, nobody knows what of the log is on disk.
    pub(super) fn not_copied(&self, error: &rusqlite::Error) -> StoreError {
        tracing::warn!(%error, "the log could not be copied into the database");
        let code = error.sqlite_error().map(|error| error.extended_code);
        if code == Some(ffi::SQLITE_IOERR_FSYNC) {
            self.fail();
        }
        failed()
    }

    /// Waits until everything that can be read now is durable, so that nobody is told of what a power failure
    /// takes back. While the disk has failed nobody knows whether it ever will be.
    pub(super) async fn seen(&self) -> Result<(), StoreError> {
        let seen = self.logged.load(Ordering::Acquire);
        // What was withdrawn meanwhile is waited for by nobody.
        let is_durable = |durable: &u64| *durable >= seen.min(self.logged.load(Ordering::Acquire));
        let mut durable = self.durable.subscribe();
        let known = |durable: &u64| is_durable(durable) || self.has_failed();
        let durable = durable.wait_for(known).await.map(|durable| *durable);
        match durable {
            Ok(durable) if !is_durable(&durable) => Err(failed()),
            // An error means that the store is gone.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire) || self.database_failed.load(Ordering::Acquire)
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.has_failed() {
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

    /// Makes all that is in the log durable; gives what was held back.
    pub(super) fn mend(&self, db: &Connection) -> Result<Vec<Batch>, StoreError> {
        let _alone = self.alone();
        if self.database_failed.load(Ordering::Acquire) {
            return Err(failed());
        }
        self.write_again(db)?;
        tracing::warn!("the disk works again; all that was written is on it");
        self.failed.store(false, Ordering::Release);
        let logged = self.logged.load(Ordering::Acquire);
        self.durable.send_replace(logged);
        Ok(std::mem::take(&mut *self.held()))
    }

    /// Writes the log again and syncs it, because after a failed sync the system may take pages for written that
    /// are not: a copy would be torn when the power fails in the middle of it.
    ///
    /// It is read back first: what the disk lost is perhaps no longer in memory either, and SQLite does not look at
    /// sums while it copies.
    pub(super) fn write_again(&self, db: &Connection) -> Result<(), StoreError> {
        let sound = self.write_sound_part_again(db)?;
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
        Ok(())
    }

    /// Returns how many frames that is. Other processes neither append to the log meanwhile nor begin it anew:
    /// that takes the lock that is held here.
    fn write_sound_part_again(&self, db: &Connection) -> Result<u64, StoreError> {
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

    #[cfg(test)]
    pub(super) fn before_sync(&self, test: BeforeSync) {
        self.before_sync.set(test).expect("the first one");
    }

    #[cfg(test)]
    fn tell_test(&self, file: Synced) -> io::Result<()> {
        self.before_sync.get().map_or(Ok(()), |test| test.0(file))
    }

    #[cfg(test)]
    pub(super) fn is_syncing(&self) -> bool {
        self.syncing.try_lock().is_err()
    }

    pub(super) fn refuse_syncs(&self, count: u32) {
        self.refused.store(count, Ordering::Release);
    }
}

fn failed() -> StoreError {
    StoreError::Failed("the disk did not keep what was written; look at the disk".to_owned())
}
