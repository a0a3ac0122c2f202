//! The store under a simulation: the engine in memory, or SQLite on files, as the seed says.
//!
//! Both are the product's own. What differs is how a write is made to fail, and what a crash leaves.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heraldo_domain::ports::HandOver;
use heraldo_domain::store::{Store, StoreError};
use heraldo_store::{MasterKeySource, MemoryStore, SqliteConfig, SqliteLimits, SqliteStore};
use tempfile::TempDir;

use crate::world::{Check, Violation, World, violated, wait_for};

/// One seed in so many runs on SQLite, which costs some ten times as much as memory.
const SQLITE_EVERY: u64 = 8;
/// Where files cost no disk, on Linux: a simulated crash loses nothing that was written.
const MEMORY_FOLDER: &str = "/dev/shm";
/// As good as no limit, in pages.
const PAGES_FREE: u32 = 1_000_000;
/// So often a store that is to work is asked whether it does, and so long apart: 5 s in all.
const CHECKS_MAX: u32 = 5_000;
/// After so many refusals in a row it waits for its time to try again, which is simulated.
const CHECKS_AT_ONCE: u32 = 100;
const MENDING_PAUSE: Duration = Duration::from_secs(1);
const BETWEEN_CHECKS: Duration = Duration::from_millis(1);

/// Which engine a simulation runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
}

impl Kind {
    /// A seed has its engine for good, so that it repeats its run.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        if seed.is_multiple_of(SQLITE_EVERY) {
            Self::Sqlite
        } else {
            Self::Memory
        }
    }
}

/// The open store of one start of the server.
#[derive(Debug)]
pub struct Engine {
    store: Arc<dyn Store>,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Memory(Arc<MemoryStore>),
    Sqlite {
        store: Arc<SqliteStore>,
        folder: Arc<TempDir>,
        /// No page more may be taken, until the dice say otherwise.
        is_full: AtomicBool,
    },
}

impl Deref for Engine {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl Engine {
    /// An empty store.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn new(kind: Kind, port: Arc<dyn HandOver>, world: &World) -> Check<Self> {
        match kind {
            Kind::Memory => Ok(Self::memory(MemoryStore::new(port, world.clock.clone()))),
            Kind::Sqlite => {
                let mut made = tempfile::Builder::new();
                made.prefix("heraldo-sim-");
                let folder = made
                    .tempdir_in(MEMORY_FOLDER)
                    .or_else(|_| made.tempdir())
                    .map_err(|error| Violation(format!("no folder for the store: {error}")))?;
                Self::sqlite(Arc::new(folder), port, world)
            }
        }
    }

    /// What a crash and a new start leave: everything that was committed.
    ///
    /// # Errors
    /// When SQLite cannot be opened again.
    pub fn reopen(self, port: Arc<dyn HandOver>, world: &World) -> Check<Self> {
        match self.inner {
            Inner::Memory(store) => Ok(Self::memory(store.reopen(port))),
            Inner::Sqlite { store, folder, .. } => {
                // Nothing of it may still run when the folder is opened again.
                drop(self.store);
                drop(store);
                Self::sqlite(folder, port, world)
            }
        }
    }

    fn memory(store: MemoryStore) -> Self {
        let store = Arc::new(store);
        Self {
            store: store.clone(),
            inner: Inner::Memory(store),
        }
    }

    fn sqlite(folder: Arc<TempDir>, port: Arc<dyn HandOver>, world: &World) -> Check<Self> {
        let opened = SqliteStore::open(config(folder.path(), port, world));
        let store = opened.map_err(|error| Violation(format!("SQLite does not open: {error}")))?;
        let store = Arc::new(store);
        Ok(Self {
            store: store.clone(),
            inner: Inner::Sqlite {
                store,
                folder,
                is_full: AtomicBool::new(false),
            },
        })
    }

    /// What a use case is given.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Lets the next write fail, if the dice say so.
    ///
    /// In memory that is one write, after it was decided. SQLite gets no page more: what needs one fails in
    /// the middle and is rolled back, what needs none succeeds, until the dice give the pages back.
    ///
    /// # Errors
    /// When SQLite does not take the limit.
    pub fn maybe_fail(&self, world: &mut World) -> Check {
        match &self.inner {
            Inner::Memory(store) => {
                if world.dice.chance(world.faults.write) {
                    let errors = [
                        StoreError::Full,
                        StoreError::Overloaded,
                        StoreError::Failed("a simulated fault".to_owned()),
                    ];
                    if let Some(error) = world.dice.pick(&errors) {
                        store.fail_next(1, error);
                        world.note(format_args!("fault: the next write fails: {error}"));
                    }
                }
                Ok(())
            }
            Inner::Sqlite { store, is_full, .. } => {
                let was = is_full.load(Ordering::Relaxed);
                let is = if was {
                    !world.dice.chance(400)
                } else {
                    world.dice.chance(world.faults.write)
                };
                if was == is {
                    return Ok(());
                }
                is_full.store(is, Ordering::Relaxed);
                if is {
                    world.note("fault: SQLite gets no page more");
                }
                set_pages(store, if is { 1 } else { PAGES_FREE })
            }
        }
    }

    /// Lets the next change be applied and its caller be told that it failed: SQLite's disk refuses the sync.
    /// `false`: something else is to fail already.
    ///
    /// # Errors
    /// When the store does not work.
    pub fn doubt_next_change(&self, world: &World) -> Check<bool> {
        match &self.inner {
            Inner::Memory(store) => Ok(store.doubt_next()),
            Inner::Sqlite { is_full, .. } if is_full.load(Ordering::Relaxed) => Ok(false),
            Inner::Sqlite { store, .. } => {
                // Then nothing is left that would be synced before the change.
                self.must_work(world)?;
                store.refuse_syncs(1);
                Ok(true)
            }
        }
    }

    /// The disk keeps what it is told again: the log is mended, and what it held back is handed over.
    ///
    /// # Errors
    /// When the store does not work.
    pub fn end_doubt(&self, world: &World) -> Check {
        match &self.inner {
            Inner::Memory(_) => Ok(()),
            Inner::Sqlite { store, .. } => {
                store.refuse_syncs(0);
                self.must_work(world)
            }
        }
    }

    /// The threads of SQLite may be in each other's way: while one has not said yet that a sync failed, or copies the
    /// log, it cannot be mended, and is tried again only after some time. A question that is refused leaves nothing
    /// behind, so that the run stays the same however often it is put, as long as no time has to pass.
    fn must_work(&self, world: &World) -> Check {
        for asked in 1..=CHECKS_MAX {
            if wait_for(self.store.check())?.is_ok() {
                return Ok(());
            }
            std::thread::park_timeout(BETWEEN_CHECKS);
            if asked % CHECKS_AT_ONCE == 0 {
                world.pass(MENDING_PAUSE);
            }
        }
        violated("the store does not work")
    }

    /// Nothing fails any more.
    ///
    /// # Errors
    /// When SQLite does not take the limit back.
    pub fn heal(&self) -> Check {
        match &self.inner {
            // A call that wrote nothing leaves the fault that was meant for it.
            Inner::Memory(store) => while wait_for(store.check())?.is_err() {},
            Inner::Sqlite { store, is_full, .. } => {
                is_full.store(false, Ordering::Relaxed);
                set_pages(store, PAGES_FREE)?;
            }
        }
        Ok(())
    }
}

fn set_pages(store: &SqliteStore, pages: u32) -> Check {
    match wait_for(store.limit_pages(pages))? {
        // What was counted is written with the command, and needs a page that is not given any more.
        Ok(()) | Err(StoreError::Full) => Ok(()),
        Err(error) => Err(Violation(format!(
            "the limit of pages is not taken: {error}"
        ))),
    }
}

fn config(folder: &Path, port: Arc<dyn HandOver>, world: &World) -> SqliteConfig {
    SqliteConfig {
        data_dir: folder.join("data"),
        master_key: MasterKeySource::File(folder.join("master.key")),
        hand_over: port,
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        exclusive: true,
        limits: SqliteLimits {
            readers: 1,
            ..SqliteLimits::default()
        },
    }
}
