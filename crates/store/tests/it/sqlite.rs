//! The embedded engine.

use std::path::Path;
use std::sync::{Arc, Mutex};

use heraldo_domain::ports::HandOver;
use heraldo_domain::store::Store;
use heraldo_store::conformance::{Harness, World};
use heraldo_store::{MasterKeySource, OpenError, SqliteConfig, SqliteLimits, SqliteStore};
use tempfile::TempDir;

mod damage;
mod disk;
mod failing_disk;
mod maintenance;
mod modes;
mod opening;
mod room;
mod sheets;
mod statistics;

/// A folder that is gone with the test.
struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn config(folder: &Path, world: &World) -> SqliteConfig {
    SqliteConfig {
        data_dir: folder.join("data"),
        master_key: MasterKeySource::File(folder.join("master.key")),
        hand_over: world.hand_over.clone(),
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        exclusive: true,
        limits: SqliteLimits::default(),
    }
}

fn open(folder: &Path, world: &World) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(config(folder, world))
}

impl Harness for Sqlite {
    fn open(&self, world: &World) -> Arc<dyn Store> {
        Arc::new(open(self.path(), world).unwrap())
    }

    fn reopen(&self, store: Arc<dyn Store>, world: &World) -> Arc<dyn Store> {
        // The copy is what a machine that stopped this instant would find: nothing was closed.
        let copy = self.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        for entry in std::fs::read_dir(self.path().join("data")).unwrap() {
            let from = entry.unwrap().path();
            std::fs::copy(&from, copy.join(from.file_name().unwrap())).unwrap();
        }
        drop(store);
        std::fs::remove_dir_all(self.path().join("data")).unwrap();
        std::fs::rename(&copy, self.path().join("data")).unwrap();
        Arc::new(open(self.path(), world).unwrap())
    }
}

/// Opens a store by its own type, beside the scene that uses it.
struct Known {
    folder: Sqlite,
    limits: SqliteLimits,
    /// Instead of the scene's.
    hand_over: Option<Arc<dyn HandOver>>,
    store: Mutex<Option<Arc<SqliteStore>>>,
}

impl Known {
    fn new() -> Self {
        Self::with(SqliteLimits::default())
    }

    fn with(limits: SqliteLimits) -> Self {
        Self {
            folder: Sqlite::new(),
            limits,
            hand_over: None,
            store: Mutex::default(),
        }
    }

    fn store(&self) -> Arc<SqliteStore> {
        self.store.lock().unwrap().clone().unwrap()
    }
}

impl Harness for Known {
    fn open(&self, world: &World) -> Arc<dyn Store> {
        let config = SqliteConfig {
            limits: self.limits,
            hand_over: self
                .hand_over
                .clone()
                .unwrap_or_else(|| world.hand_over.clone()),
            ..config(self.folder.path(), world)
        };
        let store = Arc::new(SqliteStore::open(config).unwrap());
        *self.store.lock().unwrap() = Some(Arc::clone(&store));
        store
    }

    fn reopen(&self, store: Arc<dyn Store>, world: &World) -> Arc<dyn Store> {
        *self.store.lock().unwrap() = None;
        drop(store);
        self.open(world)
    }
}

mod conformance {
    use super::*;

    heraldo_store::conformance_tests!(Sqlite::new());
}
