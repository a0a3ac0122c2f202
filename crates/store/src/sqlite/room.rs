//! How much room the disk has left: near its end nothing new is accepted, so that what was accepted can still
//! be delivered and settled.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::fault::Done;

const PAGE_BYTES: u64 = 4_096;

/// Whether the disk is nearly full, as the writer last saw it.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicBool);

impl Room {
    pub(super) fn is_low(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Notes whether there are less than so many bytes left; a change is said in the log.
    pub(super) fn note(&self, left_bytes: Left, bytes_min: u64) {
        let low = left_bytes.is_low(bytes_min);
        if self.0.swap(low, Ordering::AcqRel) == low {
            return;
        }
        let Left { disk, reusable } = left_bytes;
        if low {
            tracing::error!(
                free_bytes = disk,
                reusable_bytes = reusable,
                bytes_min,
                "the disk is nearly full: nothing new is accepted until there is room; deliveries go on"
            );
        } else {
            tracing::info!(
                free_bytes = disk,
                reusable_bytes = reusable,
                "there is room again"
            );
        }
    }
}

/// Bytes that can still be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// Free on the disk, or up to the largest size that the database may have.
    pub disk: u64,
    /// In pages of the database that hold nothing any more.
    pub reusable: u64,
}

impl Left {
    pub(super) fn of(folder: &Path, db: &Connection) -> Done<Self> {
        let pages = |name: &str| -> Done<u64> {
            let mut statement = db.prepare_cached(&format!("PRAGMA {name}"))?;
            Ok(statement
                .query_row([], |row| row.get::<_, i64>(0))?
                .unsigned_abs())
        };
        let within = pages("max_page_count")?.saturating_sub(pages("page_count")?);
        let free = match rustix::fs::statvfs(folder) {
            Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
            // A file system that does not say is not held against anybody: a full one refuses by itself.
            Err(error) => {
                tracing::debug!(%error, "the free space of the disk cannot be read");
                u64::MAX
            }
        };
        Ok(Self {
            disk: free.min(within.saturating_mul(PAGE_BYTES)),
            reusable: pages("freelist_count")?.saturating_mul(PAGE_BYTES),
        })
    }

    /// The file never shrinks, so what was deleted from it counts as room. But not alone: everything is
    /// written to the log first, which needs room of its own.
    const fn is_low(self, bytes_min: u64) -> bool {
        self.disk < bytes_min / 4 || self.disk.saturating_add(self.reusable) < bytes_min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_hold_nothing_count_as_room_but_not_alone() {
        for (disk, reusable, low) in [
            (100, 0, false),
            (99, 0, true),
            (25, 75, false),
            (24, 1_000, true),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(
                Left { disk, reusable }.is_low(100),
                low,
                "{disk} {reusable}"
            );
        }
        let nothing = Left {
            disk: 0,
            reusable: 0,
        };
        assert!(!nothing.is_low(0), "without a minimum nothing is refused");
    }
}
