//! Keeps what the stand-in accepts, as barely as can be: a row for each event and each delivery, many callers in one
//! transaction that is synced whole before they are answered, one update for each outcome.
//!
//! It decides nothing, and finds nothing again after a start: it shows what a server cannot do without costs.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use rusqlite::{Connection, Statement, params};
use tokio::sync::oneshot;

use super::Accepted;
use crate::Outcome;

/// So much is kept in one transaction.
const GROUP_MAX: usize = 2_000;
/// So many transactions of outcomes alone may come before one of them is synced.
const UNSYNCED_MAX: u32 = 64;

const TABLES: &str =
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 10000; PRAGMA cache_size = -8192;
    CREATE TABLE inspection (number INTEGER PRIMARY KEY, doc BLOB);
    CREATE TABLE event (number INTEGER PRIMARY KEY, id TEXT, body BLOB);
    CREATE TABLE delivery (event INTEGER, webhook INTEGER, delivered INTEGER, at INTEGER,
        PRIMARY KEY (event, webhook)) WITHOUT ROWID;
    CREATE INDEX waiting ON delivery (webhook, at) WHERE NOT delivered;";

/// What is to be kept.
enum Work {
    /// Events of one call, for so many webhooks, and the document of an inspection.
    Keep {
        events: Vec<Accepted>,
        webhooks: i64,
        doc: Option<Bytes>,
        kept: oneshot::Sender<()>,
    },
    Delivered {
        event: i64,
        webhook: i64,
    },
}

/// The way to the thread that keeps.
#[derive(Clone)]
pub struct Keeper {
    work: Sender<Work>,
}

impl Keeper {
    pub fn start(folder: &Path) -> Outcome<Self> {
        let told = |error: &dyn std::fmt::Display| format!("nothing can be kept: {error}");
        let db = Connection::open(folder.join("kept.db")).map_err(|error| told(&error))?;
        db.execute_batch(TABLES).map_err(|error| told(&error))?;
        let (work, taken) = channel();
        let keep = move || {
            if let Err(error) = keep_all(&db, &taken) {
                // Its callers are told by what they wait for.
                eprintln!("nothing more is kept: {error}");
            }
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned());
        thread.spawn(keep).map_err(|error| told(&error))?;
        Ok(Self { work })
    }

    /// Ends when the events are on disk.
    pub async fn keep(
        &self,
        events: Vec<Accepted>,
        webhooks: usize,
        doc: Option<Bytes>,
    ) -> Outcome {
        let (kept, is_kept) = oneshot::channel();
        let webhooks = i64::try_from(webhooks).unwrap_or(i64::MAX);
        let work = Work::Keep {
            events,
            webhooks,
            doc,
            kept,
        };
        // Whoever is gone does not answer either.
        let _ = self.work.send(work);
        is_kept.await.map_err(|_| "nothing more is kept".to_owned())
    }

    pub fn delivered(&self, event: i64, webhook: i64) {
        let _ = self.work.send(Work::Delivered { event, webhook });
    }
}

fn keep_all(db: &Connection, taken: &Receiver<Work>) -> rusqlite::Result<()> {
    let mut statements = Statements::prepare(db)?;
    let mut unsynced = 0;
    while let Ok(first) = taken.recv() {
        let mut group = vec![first];
        group.extend(taken.try_iter().take(GROUP_MAX - 1));
        let is_waited_for = group.iter().any(|work| matches!(work, Work::Keep { .. }));
        let is_synced = is_waited_for || unsynced >= UNSYNCED_MAX;
        unsynced = if is_synced { 0 } else { unsynced + 1 };
        db.pragma_update(
            None,
            "synchronous",
            if is_synced { "FULL" } else { "NORMAL" },
        )?;
        db.execute_batch("BEGIN IMMEDIATE")?;
        for work in &group {
            statements.write(work)?;
        }
        db.execute_batch("COMMIT")?;
        for work in group {
            if let Work::Keep { kept, .. } = work {
                // A caller that is gone needs no answer.
                let _ = kept.send(());
            }
        }
    }
    Ok(())
}

struct Statements<'db> {
    inspection: Statement<'db>,
    event: Statement<'db>,
    delivery: Statement<'db>,
    delivered: Statement<'db>,
}

impl<'db> Statements<'db> {
    fn prepare(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            inspection: db.prepare("INSERT INTO inspection VALUES (?1, ?2)")?,
            event: db.prepare("INSERT INTO event VALUES (?1, ?2, ?3)")?,
            delivery: db.prepare("INSERT INTO delivery VALUES (?1, ?2, 0, ?1)")?,
            delivered: db
                .prepare("UPDATE delivery SET delivered = 1 WHERE event = ?1 AND webhook = ?2")?,
        })
    }

    fn write(&mut self, work: &Work) -> rusqlite::Result<()> {
        match work {
            Work::Keep {
                events,
                webhooks,
                doc,
                kept: _,
            } => {
                for Accepted { number, id, body } in events {
                    if let Some(doc) = doc {
                        self.inspection.execute(params![number, &doc[..]])?;
                    }
                    self.event.execute(params![number, id, &body[..]])?;
                    for webhook in 0..*webhooks {
                        self.delivery.execute(params![number, webhook])?;
                    }
                }
            }
            Work::Delivered { event, webhook } => {
                self.delivered.execute(params![event, webhook])?;
            }
        }
        Ok(())
    }
}
