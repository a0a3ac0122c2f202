//! One transaction of the writer: what its commands share, and what is to happen once it is durable.

use std::cell::RefCell;
use std::sync::Arc;

use heraldo_domain::delivery::{Epoch, Leased};
use heraldo_domain::ports::{Clock, Entropy, HandOver};
use heraldo_domain::statistics::Note;
use heraldo_domain::store::StoreError;
use heraldo_wire::id::WebhookId;
use rusqlite::{CachedStatement, Connection, Params, Statement};
use tokio::sync::oneshot;

use super::cache::Stale;
use super::fault::Done;
use super::outcome_room::OutcomeRoom;
use super::sheets::Entry;
use super::{apply, retention, sends, settle};
use crate::seal::MasterKey;

/// What the engine was given by the outside.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub hand_over: Arc<dyn HandOver>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub master_key: MasterKey,
}

/// The statements of the busiest path, kept compiled: looking them up by their text would cost as much as
/// a tenth of carrying them out.
#[derive(Debug)]
pub(super) struct Kept<'db> {
    pub insert_inspection: RefCell<Statement<'db>>,
    pub insert_event: RefCell<Statement<'db>>,
    pub insert_delivery: RefCell<Statement<'db>>,
    pub settle_first: RefCell<Statement<'db>>,
    pub count_own_event: RefCell<Statement<'db>>,
    pub last_sequence: RefCell<Statement<'db>>,
    pub kept_sequence: RefCell<Statement<'db>>,
    /// Lives as long as they do: it is a guess, and a new connection guesses anew.
    pub outcome_room: RefCell<OutcomeRoom>,
}

impl<'db> Kept<'db> {
    pub(super) fn prepare(db: &'db Connection) -> Done<Self> {
        let keep = |sql| db.prepare(sql).map(RefCell::new);
        Ok(Self {
            insert_inspection: keep(apply::INSERT_INSPECTION)?,
            insert_event: keep(sends::INSERT_EVENT)?,
            insert_delivery: keep(sends::INSERT_DELIVERY)?,
            settle_first: keep(settle::SETTLE_FIRST)?,
            count_own_event: keep(sends::COUNT_OWN_EVENT)?,
            last_sequence: keep(sends::LAST_SEQUENCE)?,
            kept_sequence: keep(retention::KEPT_SEQUENCE)?,
            outcome_room: RefCell::default(),
        })
    }
}

/// The transaction under way.
#[derive(Debug)]
pub(super) struct Group<'a, 'db> {
    pub db: &'db Connection,
    pub kept: &'a Kept<'db>,
    pub around: &'a Surroundings,
    /// The epoch in force; `None` until one is opened: nothing is leased to this process then.
    pub epoch: Option<Epoch>,
    /// Room was reserved for each of these; in commit order.
    pub leased: Vec<Leased>,
    pub stale: Vec<Stale>,
    /// The inspections that were written; their sheets are once, at the end or later.
    pub entries: Vec<Entry>,
    /// What was done, to be counted once it is durable.
    pub notes: Vec<Note>,
    /// Whoever asks reads figures next: those gathered so far are written with this group.
    pub figures_asked: bool,
    /// Whoever asks reads a list of inspections next: all sheets are written with this group.
    pub lists_asked: bool,
    /// Its number among those that must be durable before anybody hears of them; known once it is committed.
    pub number: Option<u64>,
}

/// How far a group had come before one of its commands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    leased: usize,
    stale: usize,
    entries: usize,
    notes: usize,
    epoch: Option<Epoch>,
    rows: u64,
}

impl<'a, 'db> Group<'a, 'db> {
    pub(super) fn new(
        db: &'db Connection,
        kept: &'a Kept<'db>,
        around: &'a Surroundings,
        epoch: Option<Epoch>,
    ) -> Self {
        Self {
            db,
            kept,
            around,
            epoch,
            leased: Vec::new(),
            stale: Vec::new(),
            entries: Vec::new(),
            notes: Vec::new(),
            figures_asked: false,
            lists_asked: false,
            number: None,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            leased: self.leased.len(),
            stale: self.stale.len(),
            entries: self.entries.len(),
            notes: self.notes.len(),
            epoch: self.epoch,
            rows: self.db.total_changes(),
        }
    }

    /// Whether a row was written since.
    pub(super) fn has_written_since(&self, mark: Mark) -> bool {
        self.db.total_changes() != mark.rows
    }

    /// Gives back what was reserved since, and forgets what was noted. The rows are undone elsewhere.
    pub(super) fn undo(&mut self, mark: Mark) {
        for leased in self.leased.drain(mark.leased..) {
            self.around
                .hand_over
                .release(leased.webhook_id, leased.body.len());
        }
        self.stale.truncate(mark.stale);
        self.entries.truncate(mark.entries);
        self.notes.truncate(mark.notes);
        self.epoch = mark.epoch;
    }

    /// Asks for room; nothing is leased before an epoch is opened.
    pub(super) fn reserve(&self, webhook: WebhookId, body_bytes: usize) -> Option<Epoch> {
        let epoch = self.epoch?;
        self.around
            .hand_over
            .reserve(webhook, body_bytes)
            .then_some(epoch)
    }

    pub(super) fn statement(&self, sql: &str) -> Done<CachedStatement<'db>> {
        Ok(self.db.prepare_cached(sql)?)
    }

    /// Carries out one statement; returns how many rows it wrote.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Done<usize> {
        Ok(self.statement(sql)?.execute(params)?)
    }
}

/// Where a caller waits, and what he is told once the group is durable.
#[derive(Debug)]
pub(super) struct Reply<T> {
    caller: oneshot::Sender<Result<T, StoreError>>,
    staged: Option<Result<T, StoreError>>,
}

impl<T> Reply<T> {
    pub(super) fn new(caller: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            caller,
            staged: None,
        }
    }

    pub(super) fn stage(&mut self, answer: Result<T, StoreError>) {
        self.staged = Some(answer);
    }

    /// Tells the caller; a group that failed failed for all of its callers.
    pub(super) fn send(self, group: &Result<(), StoreError>) {
        let answer = match (group, self.staged) {
            (Ok(()), Some(staged)) => staged,
            (Ok(()), None) => Err(StoreError::Failed(
                "the writer passed over a command".to_owned(),
            )),
            (Err(_), Some(Err(own))) => Err(own),
            (Err(error), _) => Err(error.clone()),
        };
        // A caller that went away does not need the answer; the change stands.
        drop(self.caller.send(answer));
    }
}
