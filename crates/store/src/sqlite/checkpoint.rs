//! Copies the write-ahead log into the database beside the writer, so that no commit waits for it.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use super::writer::Shared;

/// When a round found less than this many new frames (of 4 KiB), the rest is little enough for the writer.
const REST_MAX: i64 = 1_000;
/// A log that grows as fast as it is copied is finished by the writer all the same.
const ROUNDS_MAX: u32 = 5;

/// Copies the log each time the writer says that it has grown; ends when the writer does.
///
/// The log starts anew only when all of it was copied, which beside a busy writer is never the case. So it
/// is copied in rounds, each shorter than the one before, and the writer copies the last little rest
/// himself, between two groups.
///
/// Nothing is copied while nobody knows whether the log is on disk: the power may fail in the middle of it.
///
/// SQLite syncs the database only where the whole log is copied, so that the writer would have to wait for
/// all pages of all rounds: they are synced here, round by round.
pub(super) fn run(
    db: &Connection,
    database: Option<&File>,
    grown: &Receiver<()>,
    shared: &Arc<Shared>,
) {
    while grown.recv().is_ok() {
        let mut copied = 0;
        for _ in 0..ROUNDS_MAX {
            if shared.disk.check().is_err() {
                break;
            }
            let round = copy(db);
            if let Some(Err(error)) = database.map(File::sync_data) {
                shared.disk.fail_database(&error);
                break;
            }
            match round {
                Ok((logged, now_copied)) => {
                    let new = logged - copied;
                    copied = now_copied;
                    if new < REST_MAX || now_copied < logged {
                        break;
                    }
                }
                Err(error) => {
                    shared.disk.not_copied(&error);
                    break;
                }
            }
        }
        shared.finish_checkpoint.store(true, Ordering::Release);
    }
}

/// Copies what is in the log when it starts; returns how many frames were in it and how many are copied.
fn copy(db: &Connection) -> rusqlite::Result<(i64, i64)> {
    db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok((row.get(1)?, row.get(2)?))
    })
}
