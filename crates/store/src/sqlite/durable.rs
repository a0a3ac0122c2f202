//! Makes committed groups durable and, only then, hands their deliveries over and answers their callers.
//!
//! A commit puts a group into the log without waiting for the disk. While one group is synced here, the
//! writer carries out the next one (decision 22). Whatever is answered is on disk; groups become durable in
//! the order in which they were committed, because the log has one end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use heraldo_domain::delivery::Leased;
use heraldo_domain::store::StoreError;

use super::cache::Stale;
use super::command::Command;
use super::writer::Shared;

/// Groups that wait for a sync. The writer has one open beside them, so that more would only be more memory.
const WAITING_MAX: usize = 4;

/// A group that is in the log.
#[derive(Debug)]
pub(super) struct Batch {
    pub commands: Vec<Command>,
    /// In commit order.
    pub leased: Vec<Leased>,
    pub stale: Vec<Stale>,
    /// Its number among the groups that must be durable before anybody hears of them.
    ///
    /// What was sent already is on record as soon as it can be: a power failure right after means that it
    /// is sent again, which is what a failure right before means, too. What is handed over must be durable:
    /// nobody may hear of an event that its maker has to make again.
    pub number: Option<u64>,
}

impl Batch {
    /// In this order: whoever is told of a delivery or of his change reads the new state.
    ///
    /// After a failed sync the group is in the log all the same. Its callers are told that it failed, except
    /// those who would ask again and not be told what the first answer says: they wait, with what is to be
    /// handed over, until the log is mended.
    pub(super) fn conclude(mut self, shared: &Shared, result: &Result<(), StoreError>) {
        let hand_over = &shared.around.hand_over;
        shared.cache.forget(&self.stale);
        for stale in &self.stale {
            if let Stale::Company(_, Some(webhook)) = stale {
                hand_over.webhook_changed(Some(*webhook));
            }
        }
        let commands = std::mem::take(&mut self.commands);
        let told = if result.is_err() {
            let (held, told) = commands
                .into_iter()
                .partition(Command::outlasts_a_failed_sync);
            shared.disk.hold(Self {
                commands: held,
                stale: Vec::new(),
                number: None,
                ..self
            });
            told
        } else {
            if !self.leased.is_empty() {
                hand_over.hand_over(self.leased);
            }
            commands
        };
        for command in told {
            command.answer(result);
        }
    }
}

/// The road from the writer to the thread that syncs.
#[derive(Debug)]
pub(super) struct Syncer {
    batches: SyncSender<Batch>,
    ahead: Arc<Ahead>,
    ended: Receiver<()>,
}

/// Groups that went to the other thread.
#[derive(Debug, Default)]
struct Ahead {
    unsynced: AtomicUsize,
    /// Handed over and answered, or not yet.
    open: AtomicUsize,
}

impl Syncer {
    /// The road, and what the thread at its other end does until the writer has dropped the road.
    pub(super) fn new(shared: Arc<Shared>) -> (Self, impl FnOnce() + Send + 'static) {
        let (batches, taken) = sync_channel(WAITING_MAX);
        let ahead = Arc::<Ahead>::default();
        let (has_ended, ended) = sync_channel(1);
        let syncer = Self {
            batches,
            ahead: Arc::clone(&ahead),
            ended,
        };
        let thread = move || {
            // Dropped however it ends.
            let _has_ended: SyncSender<()> = has_ended;
            run(&taken, &shared, &ahead);
        };
        (syncer, thread)
    }

    /// Whether a group is being synced.
    pub(super) fn is_busy(&self) -> bool {
        self.ahead.unsynced.load(Ordering::Acquire) > 0
    }

    /// Whether all groups that were sent are handed over and answered: only then may another thread do the
    /// same with the next one.
    pub(super) fn has_concluded(&self) -> bool {
        self.ahead.open.load(Ordering::Acquire) == 0
    }

    pub(super) fn send(&self, batch: Batch) {
        self.ahead.open.fetch_add(1, Ordering::AcqRel);
        self.ahead.unsynced.fetch_add(1, Ordering::AcqRel);
        // The thread goes on for as long as this end is there.
        let _ = self.batches.send(batch);
    }

    /// Waits until all that was sent is concluded.
    pub(super) fn end(self) {
        drop(self.batches);
        // Nothing is ever sent: it ends with the thread.
        let _ = self.ended.recv();
    }
}

fn run(batches: &Receiver<Batch>, shared: &Shared, ahead: &Ahead) {
    let mut together = Vec::with_capacity(WAITING_MAX + 1);
    while let Ok(first) = batches.recv() {
        together.push(first);
        together.extend(batches.try_iter().take(WAITING_MAX));
        let number = together.iter().filter_map(|batch| batch.number).max();
        let result = shared.disk.sync(number);
        let count = together.len();
        let synced = || {
            ahead.unsynced.fetch_sub(count, Ordering::AcqRel);
            shared.commands.nudge();
        };
        if result.is_ok() {
            // The writer commits what it carried out meanwhile while the callers are told.
            synced();
        }
        for batch in together.drain(..) {
            batch.conclude(shared, &result);
        }
        if result.is_err() {
            // What was held back must be known when the writer mends the log.
            synced();
        }
        ahead.open.fetch_sub(count, Ordering::AcqRel);
    }
}
