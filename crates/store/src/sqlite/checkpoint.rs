//! Copies the write-ahead log into the database beside the writer, so that no commit waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use super::writer::Shared;

/// Copies the log each time the writer says that it has grown; ends when the writer does.
pub(super) fn run(db: &Connection, grown: &Receiver<()>, shared: &Arc<Shared>) {
    while grown.recv().is_ok() {
        match db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        }) {
            // The log starts anew only when all of it was copied, which beside a busy writer is never the
            // case: he copies the little that came meanwhile himself.
            Ok((logged, copied)) if logged > copied => {
                shared.finish_checkpoint.store(true, Ordering::Release);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the log could not be copied into the database"),
        }
    }
}
