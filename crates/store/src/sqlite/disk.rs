//! The log's file: what of it is on disk, and what to do when the disk did not keep it.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use heraldo_domain::delivery::Leased;
use heraldo_domain::store::StoreError;
use rusqlite::Connection;
use tokio::sync::watch;

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
    /// Deliveries in the log that are perhaps not on disk: they are leased, and handed over once they are.
    held: Mutex<Vec<Leased>>,
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
        let refused = self
            .refused
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(1)
            });
        let synced = match refused {
            Ok(_) => Err(std::io::Error::other("refused for a test")),
            Err(_) => self.log.sync_data(),
        };
        match synced {
            Ok(()) => {
                if let Some(number) = number {
                    self.durable
                        .send_modify(|durable| *durable = number.max(*durable));
                }
                Ok(())
            }
            Err(error) => {
                self.failed.store(true, Ordering::Release);
                self.durable.send_modify(|_| ());
                tracing::error!(%error, "the disk did not keep what was written");
                Err(failed())
            }
        }
    }

    /// Waits until everything that can be read now is durable, so that nobody is told of what a power failure
    /// takes back. A disk that has failed is not waited for.
    pub(super) async fn seen(&self) {
        let seen = self.logged.load(Ordering::Acquire);
        let mut durable = self.durable.subscribe();
        let enough = |durable: &u64| {
            // What was withdrawn meanwhile is waited for by nobody.
            *durable >= seen.min(self.logged.load(Ordering::Acquire))
                || self.failed.load(Ordering::Acquire)
        };
        // An error means that the store is gone.
        drop(durable.wait_for(enough).await);
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            Err(failed())
        } else {
            Ok(())
        }
    }

    pub(super) fn hold(&self, leased: Vec<Leased>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend(leased);
    }

    /// Copies all that is in the log into the database, which makes it durable; gives what was held back.
    ///
    /// The log is read back first: what the disk lost is perhaps no longer in memory either, and SQLite does
    /// not look at sums while it copies.
    pub(super) fn mend(&self, db: &Connection) -> Result<Vec<Leased>, StoreError> {
        let logged = db.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
            row.get::<_, i64>(1)
        });
        let Ok(Ok(logged)) = logged.map(u64::try_from) else {
            return Err(failed());
        };
        match log::sound_frames(&self.log) {
            Ok(sound) if sound >= logged => {}
            Ok(sound) => {
                tracing::error!(
                    logged,
                    sound,
                    "the disk lost a part of the log; start the server again: it keeps what was answered"
                );
                return Err(failed());
            }
            Err(error) => {
                tracing::error!(%error, "the log cannot be read back");
                return Err(failed());
            }
        }
        let copied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get(0).map(|busy: bool| !busy)
        });
        if !matches!(copied, Ok(true)) {
            return Err(failed());
        }
        tracing::warn!("the disk works again; all that was written is on it");
        self.failed.store(false, Ordering::Release);
        let logged = self.logged.load(Ordering::Acquire);
        self.durable.send_replace(logged);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut held))
    }

    pub(super) fn refuse_syncs(&self, count: u32) {
        self.refused.store(count, Ordering::Release);
    }
}

fn failed() -> StoreError {
    StoreError::Failed("the disk did not keep what was written; look at the disk".to_owned())
}
