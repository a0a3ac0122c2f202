//! The one thread that writes: it takes all waiting commands into one transaction and answers them when
//! the transaction is durable.
//!
//! It never waits to fill a group. A group is first tried without savepoints, because nearly every
//! command either succeeds or fails before it has written anything; only when one fails half-way is the
//! group undone and carried out again with a savepoint each.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use heraldo_domain::delivery::Epoch;
use heraldo_domain::store::StoreError;
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;

use super::cache::{Cache, Stale};
use super::command::Command;
use super::fault::{Done, Fault};
use super::group::{Group, Kept, Surroundings};
use super::open::Place;
use super::queue::{Queue, Taken};
use super::room::{Left, Room};
use super::sheets;
use super::statistics::{self, Live};
use crate::tally::Tally;

/// How often other processes' commits are looked for while nothing is asked.
const IDLE_LOOK: Duration = Duration::from_millis(50);

/// How often the free space of the disk is looked at.
const ROOM_INTERVAL: Duration = Duration::from_millis(500);

/// Figures are gathered this long before they are written, in a group that is written anyway.
const FIGURES_INTERVAL: Duration = Duration::from_secs(1);

/// So many rows of figures are gathered at most; some more where one group touches many webhooks.
const TALLY_ROWS_MAX: usize = 4_096;

/// After so many written rows the log is worth copying into the database file.
const ROWS_PER_CHECKPOINT: u64 = 16_000;

/// What the writer shares with the rest of the engine.
#[derive(Debug)]
pub(super) struct Shared {
    pub commands: Queue<Command>,
    pub cache: Cache,
    pub live: Live,
    pub room: Room,
    pub around: Surroundings,
    /// The checkpointer copied most of the log; the writer copies the rest and starts the log anew.
    pub finish_checkpoint: AtomicBool,
}

/// How large one transaction may get.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLimits {
    pub commands_max: usize,
    pub bytes_max: usize,
    /// Of the disk, not of a group.
    pub disk_free_bytes_min: u64,
}

pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub place: Place,
    pub limits: GroupLimits,
    pub checkpointer: SyncSender<()>,
    epoch: Option<Epoch>,
    data_version: i64,
    rows_at_checkpoint: u64,
    /// What durable groups counted and no row holds yet.
    tally: Tally,
    figures_written_at: Timestamp,
    room_seen_at: Option<Timestamp>,
}

/// What the writer does next with its connection.
enum Serve {
    Reopen,
    End,
}

/// How a group went.
enum Went {
    Committed,
    /// A command failed half-way: once more, with a savepoint for each.
    Again,
    Failed(StoreError),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Group,
    Each,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        place: Place,
        limits: GroupLimits,
        checkpointer: SyncSender<()>,
    ) -> Self {
        Self {
            shared,
            place,
            limits,
            checkpointer,
            epoch: None,
            data_version: 0,
            rows_at_checkpoint: 0,
            tally: Tally::default(),
            figures_written_at: Timestamp::default(),
            room_seen_at: None,
        }
    }

    /// Serves until the queue is closed and empty.
    pub(super) fn run(mut self, mut db: Connection) {
        let _abandon = AbandonOnExit(Arc::clone(&self.shared));
        self.data_version = data_version(&db).unwrap_or(0);
        self.rows_at_checkpoint = db.total_changes();
        self.recount(&db);
        self.look_at_room(&db);
        loop {
            match self.serve(&db) {
                Serve::End => break,
                Serve::Reopen => match self.place.connect() {
                    Ok(fresh) => {
                        tracing::warn!(
                            "the connection to the database was opened anew after a failure"
                        );
                        db = fresh;
                        self.others_wrote(&db);
                        self.data_version = data_version(&db).unwrap_or(0);
                        self.rows_at_checkpoint = 0;
                    }
                    Err(error) => tracing::error!(%error, "the database cannot be opened again"),
                },
            }
        }
        // What was answered is in the log already; copying it now only makes the next start quicker.
        if let Err(error) = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the log could not be copied into the database while closing");
        }
    }

    fn serve(&mut self, db: &Connection) -> Serve {
        let kept = match Kept::prepare(db) {
            Ok(kept) => kept,
            Err(fault) => return self.refuse_one_group(fault.into()),
        };
        let GroupLimits {
            commands_max,
            bytes_max,
            ..
        } = self.limits;
        loop {
            match self
                .shared
                .commands
                .take(commands_max, bytes_max, Some(IDLE_LOOK))
            {
                Taken::Closed => {
                    self.write_figures_alone(db);
                    return Serve::End;
                }
                Taken::Nothing => {
                    self.look_at_others(db);
                    self.look_at_room(db);
                    if self.figures_are_due() {
                        self.write_figures_alone(db);
                    }
                }
                Taken::Items(mut commands) => {
                    let went = match self.group(db, &kept, &mut commands, Care::Group) {
                        Went::Again => self.group(db, &kept, &mut commands, Care::Each),
                        went => went,
                    };
                    let result = match went {
                        Went::Committed => Ok(()),
                        Went::Failed(error) => Err(error),
                        Went::Again => Err(StoreError::Failed(
                            "a change could not be undone alone".to_owned(),
                        )),
                    };
                    if result.is_ok() {
                        // Before anybody is answered, so that whoever is knows of it.
                        self.look_at_room(db);
                    }
                    for command in commands {
                        command.answer(&result);
                    }
                    match result {
                        Ok(()) => self.checkpoint_if_due(db),
                        Err(error) => {
                            tracing::error!(%error, "a group of changes was not written");
                            if !db.is_autocommit() {
                                return Serve::Reopen;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The connection is of no use: fails one group, so that its callers know, and tries another one.
    fn refuse_one_group(&self, error: StoreError) -> Serve {
        tracing::error!(%error, "the database cannot be written");
        let GroupLimits {
            commands_max,
            bytes_max,
            ..
        } = self.limits;
        match self.shared.commands.take(commands_max, bytes_max, None) {
            Taken::Closed => Serve::End,
            Taken::Nothing => Serve::Reopen,
            Taken::Items(commands) => {
                let result = Err(error);
                for command in commands {
                    command.answer(&result);
                }
                Serve::Reopen
            }
        }
    }

    /// Carries out one group in one transaction and, once it is durable, hands over what it leased.
    fn group<'db>(
        &mut self,
        db: &'db Connection,
        kept: &Kept<'db>,
        commands: &mut [Command],
        care: Care,
    ) -> Went {
        let shared = Arc::clone(&self.shared);
        let mut group = Group::new(db, kept, &shared.around, self.epoch);
        let start = group.mark();
        match self.carry_out(&mut group, commands, care) {
            Ok(true) => {}
            Ok(false) => {
                group.undo(start);
                return match roll_back(db) {
                    Ok(()) => Went::Again,
                    Err(fault) => Went::Failed(fault.into()),
                };
            }
            Err(fault) => {
                group.undo(start);
                if let Err(second) = roll_back(db) {
                    tracing::error!(error = ?second, "a transaction could not be rolled back");
                }
                return Went::Failed(fault.into());
            }
        }
        self.epoch = group.epoch;
        self.after_commit(group);
        Went::Committed
    }

    /// `false`: a command failed after it had written something and has no savepoint.
    fn carry_out(
        &mut self,
        group: &mut Group<'_, '_>,
        commands: &mut [Command],
        care: Care,
    ) -> Done<bool> {
        let db = group.db;
        group.run("BEGIN IMMEDIATE", [])?;
        if data_version(db)? != self.data_version {
            self.data_version = data_version(db)?;
            self.others_wrote(db);
        }
        for command in commands {
            let mark = group.mark();
            if care == Care::Each {
                group.run("SAVEPOINT command", [])?;
            }
            if let Err(fault) = command.carry_out(group) {
                if db.is_autocommit() {
                    // SQLite itself gave the whole transaction up.
                    return Err(fault);
                }
                match care {
                    Care::Each => {
                        group.run("ROLLBACK TO command", [])?;
                        group.undo(mark);
                    }
                    Care::Group if may_have_written(group.has_written_since(mark), &fault) => {
                        return Ok(false);
                    }
                    Care::Group => group.undo(mark),
                }
                command.fail(fault.into());
            }
            if care == Care::Each {
                group.run("RELEASE command", [])?;
            }
        }
        sheets::write(db, std::mem::take(&mut group.entries))?;
        let with_figures = group.figures_asked || self.figures_are_due();
        if with_figures {
            statistics::write(db, &self.tally)?;
        }
        group.run("COMMIT", [])?;
        if with_figures {
            self.figures_are_written();
        }
        Ok(true)
    }

    /// In this order: whoever is told of a delivery or of his change reads the new state.
    fn after_commit(&mut self, group: Group<'_, '_>) {
        let shared = &self.shared;
        shared.live.take(&group.notes);
        for note in &group.notes {
            self.tally.count(note);
        }
        shared.cache.forget(&group.stale);
        for stale in &group.stale {
            if let Stale::Company(_, Some(webhook)) = stale {
                shared.around.hand_over.webhook_changed(Some(*webhook));
            }
        }
        if !group.leased.is_empty() {
            shared.around.hand_over.hand_over(group.leased);
        }
    }

    /// Looks, twice a second, whether the disk is nearly full.
    fn look_at_room(&mut self, db: &Connection) {
        let bytes_min = self.limits.disk_free_bytes_min;
        let now = self.shared.around.clock.now();
        let fresh = |seen: Timestamp| now >= seen && now.since(seen) < ROOM_INTERVAL;
        if bytes_min == 0 || self.room_seen_at.is_some_and(fresh) {
            return;
        }
        self.room_seen_at = Some(now);
        let folder = self.place.database.parent();
        match Left::of(folder.unwrap_or(Path::new(".")), db) {
            Ok(left) => self.shared.room.note(left, bytes_min),
            Err(error) => tracing::debug!(?error, "the database's size cannot be read"),
        }
    }

    fn figures_are_due(&self) -> bool {
        let now = self.shared.around.clock.now();
        let since = self.figures_written_at;
        self.tally.len() >= TALLY_ROWS_MAX
            || (self.tally.len() > 0 && (now < since || now.since(since) >= FIGURES_INTERVAL))
    }

    fn figures_are_written(&mut self) {
        self.tally.clear();
        self.figures_written_at = self.shared.around.clock.now();
    }

    /// When nothing else is to be written.
    fn write_figures_alone(&mut self, db: &Connection) {
        if self.tally.len() == 0 {
            return;
        }
        let written = (|| {
            db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            statistics::write(db, &self.tally)?;
            db.prepare_cached("COMMIT")?.execute([])?;
            Ok::<_, Fault>(())
        })();
        match written {
            Ok(()) => self.figures_are_written(),
            Err(fault) => {
                // They stay gathered; a try each interval is enough.
                self.figures_written_at = self.shared.around.clock.now();
                tracing::warn!(error = %StoreError::from(fault), "figures could not be written");
                if let Err(second) = roll_back(db) {
                    tracing::error!(error = ?second, "a transaction could not be rolled back");
                }
            }
        }
    }

    fn look_at_others(&mut self, db: &Connection) {
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
    fn others_wrote(&self, db: &Connection) {
        self.shared.cache.forget_all();
        self.shared.around.hand_over.webhook_changed(None);
        self.recount(db);
    }

    fn recount(&self, db: &Connection) {
        if let Err(fault) = self.shared.live.recount(db) {
            tracing::warn!(error = %StoreError::from(fault), "pending deliveries could not be counted");
        }
    }

    fn checkpoint_if_due(&mut self, db: &Connection) {
        if self.shared.finish_checkpoint.swap(false, Ordering::AcqRel)
            && let Err(error) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the log could not be copied into the database");
        }
        if db.total_changes().saturating_sub(self.rows_at_checkpoint) >= ROWS_PER_CHECKPOINT {
            self.rows_at_checkpoint = db.total_changes();
            // Full means that the checkpointer is at it already.
            let _ = self.checkpointer.try_send(());
        }
    }
}

/// A failed statement of SQLite itself may have left its earlier ones behind.
fn may_have_written(rows_were_written: bool, fault: &Fault) -> bool {
    rows_were_written || (matches!(fault, Fault::Sql(_)) && !fault.is_constraint())
}

fn roll_back(db: &Connection) -> Done<()> {
    if !db.is_autocommit() {
        db.prepare_cached("ROLLBACK")?.execute([])?;
    }
    Ok(())
}

fn data_version(db: &Connection) -> Done<i64> {
    Ok(db
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?)
}

/// When the writer ends, however it ends, nobody waits for it for ever.
struct AbandonOnExit(Arc<Shared>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.commands.abandon();
    }
}
