//! The one thread that writes: it takes all waiting commands into one transaction and passes it on to be
//! made durable ([`super::durable`]), which is when its callers are answered.
//!
//! It never waits to fill a group. While a large group is synced beside it, it adds to the next one what comes,
//! because that one cannot be durable any earlier. A group is first tried without savepoints, because nearly every
//! command either succeeds or fails before it has written anything; only when one fails half-way is the
//! group undone and carried out again with a savepoint each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heraldo_domain::delivery::{Epoch, Leased};
use heraldo_domain::store::StoreError;
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;

use super::between::{conclude, copy_all};
use super::cache::{Cache, Stale};
use super::care::{Care, alone, data_version, one, one_of_many, roll_back};
use super::checkpoint::Copier;
use super::command::Command;
use super::disk::Disk;
use super::durable::{Batch, Syncer};
use super::fault::Done;
use super::figures::Gathered;
use super::group::{Group, Kept, Surroundings};
use super::open::Place;
use super::queue::{Queue, Taken};
use super::room::Room;
use super::sheets::Due;
use super::statistics::Live;

/// How often other processes' commits are looked for while nothing is asked.
const IDLE_LOOK: Duration = Duration::from_millis(50);

/// A group of so many written rows is synced beside the writer, if there is something to do meanwhile.
const ROWS_BESIDE_MIN: u64 = 400;

/// So many groups that nobody waits for are answered before one of them is synced all the same.
const UNSYNCED_MAX: u32 = 64;

/// What the writer shares with the rest of the engine.
#[derive(Debug)]
pub(super) struct Shared {
    pub commands: Queue<Command>,
    pub cache: Cache,
    pub live: Live,
    pub room: Room,
    pub around: Surroundings,
    pub disk: Arc<Disk>,
    /// A server's, until its writer ends: a command leaves the log to the server that it runs beside.
    pub copier: Mutex<Option<Copier>>,
    /// The checkpointer copied most of the log; the writer copies the rest and starts the log anew.
    pub finish_checkpoint: AtomicBool,
    /// Lists of inspections are not whole before the writer was asked to write what is due.
    pub lists_are_due: AtomicBool,
}

/// How large one transaction may get.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLimits {
    pub commands_max: usize,
    pub bytes_max: usize,
    /// Of the disk, not of a group.
    pub disk_free_bytes_min: u64,
    /// A server's: it may write sheets later. What another process left due, nobody would know of.
    pub lists_may_wait: bool,
}

pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub place: Place,
    pub limits: GroupLimits,
    pub checkpointer: SyncSender<()>,
    pub syncer: Syncer,
    /// Groups that were answered before a sync.
    pub unsynced: u32,
    epoch: Option<Epoch>,
    pub data_version: i64,
    pub rows_at_checkpoint: u64,
    pub checkpoint_at: Timestamp,
    figures: Gathered,
    pub due: Due,
    pub room_seen_at: Option<Timestamp>,
    /// When the log could not be mended.
    pub mend_failed_at: Option<Timestamp>,
}

/// What the writer does next with its connection.
enum Serve {
    Reopen,
    End,
}

/// How a group went.
enum Went {
    /// It is in the log.
    Committed {
        leased: Vec<Leased>,
        stale: Vec<Stale>,
        number: Option<u64>,
    },
    /// A command failed half-way: once more, with a savepoint for each.
    Again,
    Failed(StoreError),
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        place: Place,
        limits: GroupLimits,
        checkpointer: SyncSender<()>,
        syncer: Syncer,
    ) -> Self {
        Self {
            shared,
            place,
            limits,
            checkpointer,
            syncer,
            unsynced: 0,
            epoch: None,
            data_version: 0,
            rows_at_checkpoint: 0,
            checkpoint_at: Timestamp::default(),
            figures: Gathered::default(),
            due: Due::default(),
            room_seen_at: None,
            mend_failed_at: None,
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
        self.syncer.end();
        if self.shared.disk.check().is_err() {
            match self.shared.disk.mend(&db) {
                Ok(held) => conclude(held, &self.shared),
                // The next start keeps of the log what is sound.
                Err(_) => return,
            }
        }
        copy_all(&db, &self.shared, &self.place);
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
                    self.write_gathered_alone(db);
                    return Serve::End;
                }
                Taken::Nothing => {
                    self.look_at_others(db);
                    self.look_at_room(db);
                    // Nobody may ever write again: what was held back does not wait for that.
                    if self.mend(db).is_ok() {
                        let clock = &*self.shared.around.clock;
                        if self.figures.are_due(clock) || self.due.is_time(0, clock.now()) {
                            self.write_gathered_alone(db);
                        }
                        self.sync_what_nobody_waits_for();
                    } else if !db.is_autocommit() {
                        return Serve::Reopen;
                    }
                }
                Taken::Items { items, bytes } => match self.write(db, &kept, items, bytes) {
                    Ok(()) => self.checkpoint_if_due(db),
                    Err(error) => {
                        tracing::error!(%error, "a group of changes was not written");
                        if !db.is_autocommit() {
                            return Serve::Reopen;
                        }
                    }
                },
            }
        }
    }

    /// Carries out a group and passes it on.
    fn write<'db>(
        &mut self,
        db: &'db Connection,
        kept: &Kept<'db>,
        mut commands: Vec<Command>,
        bytes: usize,
    ) -> Result<(), StoreError> {
        let rows_before = db.total_changes();
        let went = match self.mend(db) {
            Ok(()) => match self.group(db, kept, &mut commands, Care::Group { bytes }) {
                Went::Again => self.group(db, kept, &mut commands, Care::Each),
                went => went,
            },
            Err(error) => Went::Failed(error),
        };
        let error = match went {
            Went::Committed {
                leased,
                stale,
                number,
            } => {
                // Before anybody is answered, so that whoever is knows of it.
                self.look_at_room(db);
                let batch = Batch {
                    commands,
                    leased,
                    stale,
                    number,
                };
                self.pass_on(batch, db.total_changes().saturating_sub(rows_before));
                return Ok(());
            }
            Went::Failed(error) => error,
            Went::Again => StoreError::Failed("a change could not be undone alone".to_owned()),
        };
        let result = Err(error);
        for command in commands {
            command.answer(&result);
        }
        result
    }

    fn pass_on(&mut self, batch: Batch, rows: u64) {
        if batch.number.is_none() && self.unsynced < UNSYNCED_MAX {
            self.unsynced += 1;
            batch.conclude(&self.shared, &Ok(()));
            return;
        }
        self.unsynced = 0;
        // A small group is made larger by waiting: what comes during its sync shares the next one. What went
        // to the other thread before is handed over before.
        let wait = rows < ROWS_BESIDE_MIN || self.shared.commands.is_empty();
        if wait && self.syncer.has_concluded() {
            let result = self.shared.disk.sync(batch.number);
            batch.conclude(&self.shared, &result);
        } else {
            self.syncer.send(batch);
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
            Taken::Items { items, .. } => {
                let result = Err(error);
                for command in items {
                    command.answer(&result);
                }
                Serve::Reopen
            }
        }
    }

    /// Carries out one group in one transaction.
    fn group<'db>(
        &mut self,
        db: &'db Connection,
        kept: &Kept<'db>,
        commands: &mut Vec<Command>,
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
        shared.live.take(&group.notes);
        self.figures.count(&group.notes);
        Went::Committed {
            leased: group.leased,
            stale: group.stale,
            number: group.number,
        }
    }

    /// `false`: a command failed after it had written something and has no savepoint.
    fn carry_out(
        &mut self,
        group: &mut Group<'_, '_>,
        commands: &mut Vec<Command>,
        care: Care,
    ) -> Done<bool> {
        let db = group.db;
        group.run("BEGIN IMMEDIATE", [])?;
        if data_version(db)? != self.data_version {
            self.data_version = data_version(db)?;
            self.others_wrote(db);
        }
        match care {
            Care::Each => {
                for command in commands.iter_mut() {
                    one_of_many(group, command)?;
                }
            }
            Care::Group { mut bytes } => {
                let mut carried_out = 0;
                while carried_out < commands.len() {
                    for command in commands.iter_mut().skip(carried_out) {
                        if !one(group, command)? {
                            return Ok(false);
                        }
                    }
                    carried_out = commands.len();
                    commands.extend(self.more(carried_out, &mut bytes));
                }
            }
        }
        let clock = &*group.around.clock;
        let with_figures = group.figures_asked || self.figures.are_due(clock);
        if with_figures {
            self.figures.write(db)?;
        }
        let entries = std::mem::take(&mut group.entries);
        let with_lists = group.lists_asked
            || !self.limits.lists_may_wait
            || self.due.is_time(entries.len(), clock.now());
        if with_lists {
            self.due.write(db, &entries)?;
        } else if !entries.is_empty() {
            Due::note(db, &entries)?;
            // Before anybody can see them.
            self.shared.lists_are_due.store(true, Ordering::Release);
        }
        self.commit(group, commands)?;
        if with_figures {
            self.figures.are_written(clock);
        }
        if with_lists {
            self.lists_are_written();
        } else if !entries.is_empty() {
            self.due.keep(entries, clock.now());
        }
        Ok(true)
    }

    /// Puts the group into the log. Whoever can read it knows its number then.
    fn commit(&self, group: &mut Group<'_, '_>, commands: &[Command]) -> Done<()> {
        let must_be_durable = !group.leased.is_empty()
            || !group.stale.is_empty()
            || commands.iter().any(Command::must_be_durable);
        let disk = &self.shared.disk;
        group.number = must_be_durable.then(|| disk.announce());
        let committed = group.run("COMMIT", []);
        if let (Err(_), Some(number)) = (&committed, group.number) {
            disk.withdraw(number);
        }
        committed.map(drop)
    }

    /// What comes while the group before is being synced.
    fn more(&self, count: usize, bytes: &mut usize) -> Vec<Command> {
        let GroupLimits {
            commands_max,
            bytes_max,
            ..
        } = self.limits;
        while self.syncer.is_busy() && count < commands_max && *bytes < bytes_max {
            match self
                .shared
                .commands
                .take_or_nudge(commands_max - count, bytes_max - *bytes)
            {
                Taken::Items { items, bytes: new } => {
                    *bytes = bytes.saturating_add(new);
                    return items;
                }
                Taken::Nothing => {}
                Taken::Closed => break,
            }
        }
        Vec::new()
    }

    fn lists_are_written(&mut self) {
        self.due.are_written();
        self.shared.lists_are_due.store(false, Ordering::Release);
    }

    fn write_gathered_alone(&mut self, db: &Connection) {
        let nothing = self.figures.is_empty() && self.due.is_empty();
        // Nothing is added to a log that the disk may not have.
        if nothing || self.shared.disk.check().is_err() {
            return;
        }
        let clock = Arc::clone(&self.shared.around.clock);
        if alone(db, |db| {
            self.figures.write(db)?;
            self.due.write(db, &[])
        }) {
            self.figures.are_written(&*clock);
            self.lists_are_written();
            self.unsynced += 1;
        } else {
            self.figures.put_off(&*clock);
            self.due.put_off(clock.now());
        }
    }
}

/// When the writer ends, however it ends, nobody waits for it for ever.
struct AbandonOnExit(Arc<Shared>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.commands.abandon();
        self.0.disk.abandon();
    }
}
