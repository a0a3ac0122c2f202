//! A power loss at each step of copying, while a sync fails at each of them: what is durable of the database is
//! always covered by what is durable of the log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use heraldo_domain::store::StoreError;
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::disk::{BeforeSync, Disk, Synced};
use super::super::open::{DATABASE_FILE, Place, leave_log};
use super::{Copied, Copier};

const PAGE_BYTES: usize = 4_096;

/// Which sync fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fails {
    Nothing,
    /// The writer's, before the log is copied.
    Before,
    /// The one that the copier waits for.
    Own,
    /// The writer's, in the midst of the copying.
    Meanwhile,
    Database,
}

/// What the disk has for certain, and what callers were promised.
#[derive(Debug, Default)]
struct Certain {
    log: Vec<u8>,
    database: Vec<u8>,
    /// A sync failed, and what it was to cover the system takes for written: no later one covers that.
    log_is_lost: bool,
    database_is_lost: bool,
    /// All rows have this version, or a later one.
    promised: i64,
    fails: Option<Fails>,
    /// A round is under way.
    copies: bool,
}

/// The real files, and beside them what of them is durable.
struct World {
    folder: TempDir,
    writer: Mutex<Connection>,
    certain: Mutex<Certain>,
}

impl World {
    fn path(&self, end: &str) -> PathBuf {
        self.folder.path().join(format!("{DATABASE_FILE}{end}"))
    }

    fn read(&self, end: &str) -> Vec<u8> {
        fs::read(self.path(end)).expect("readable")
    }

    fn certain(&self) -> MutexGuard<'_, Certain> {
        self.certain.lock().expect("no test broke")
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().expect("no test broke")
    }

    /// A group that changes each row, and with it nearly each page.
    fn commit(&self) -> i64 {
        let db = self.writer();
        db.execute(
            "UPDATE row SET version = version + 1, filler = randomblob(900)",
            [],
        )
        .expect("written");
        db.query_row("SELECT max(version) FROM row", [], |row| row.get(0))
            .expect("there are rows")
    }

    /// The writer's own sync, after which it answers.
    fn sync(&self, disk: &Disk, version: i64) -> bool {
        let is_synced = disk.sync(None).is_ok();
        if is_synced {
            self.certain().promised = version;
        }
        is_synced
    }

    /// The next sync of this kind fails.
    fn refuse(&self, fails: Fails) {
        self.certain().fails = Some(fails);
    }

    fn is_refused(&self, which: &[Fails]) -> bool {
        let fails = &mut self.certain().fails;
        fails.take_if(|fails| which.contains(fails)).is_some()
    }

    fn before_sync(&self, disk: &Disk, file: Synced) -> io::Result<()> {
        let refused = || Err(io::Error::other("refused"));
        match file {
            Synced::Log => {
                assert!(disk.is_syncing(), "two at a time");
                if self.is_refused(&[Fails::Before, Fails::Own]) {
                    self.certain().log_is_lost = true;
                    return refused();
                }
                // What comes after the sync has begun is not covered by it.
                let log = self.read("-wal");
                if self.certain().copies {
                    self.commit();
                }
                let mut certain = self.certain();
                if !certain.log_is_lost {
                    certain.log = log;
                }
            }
            // All pages are copied, and none is durable yet.
            Synced::Database => {
                if self.is_refused(&[Fails::Meanwhile]) {
                    let version = self.commit();
                    self.refuse(Fails::Before);
                    assert!(!self.sync(disk, version));
                }
                self.survives_a_power_loss();
                if self.is_refused(&[Fails::Database]) {
                    self.certain().database_is_lost = true;
                    return refused();
                }
                let database = self.read("");
                let mut certain = self.certain();
                if !certain.database_is_lost {
                    certain.database = database;
                }
            }
        }
        Ok(())
    }

    /// One round, in the middle of which the writer commits a group that the round's sync does not cover.
    fn round(&self, copier: &Copier, disk: &Disk) -> Result<Copied, StoreError> {
        self.certain().copies = true;
        let round = copier.round(disk);
        self.certain().copies = false;
        self.survives_a_power_loss();
        round
    }

    fn mend(&self, disk: &Disk) {
        // It is seen by the store's other tests that the log is written again.
        self.certain().log_is_lost = false;
        disk.mend(&self.writer()).expect("the disk works again");
        self.survives_a_power_loss();
    }

    /// Changes whenever the log begins anew.
    fn salt(&self) -> Vec<u8> {
        self.read("-wal")[16..24].to_vec()
    }

    /// Whatever the disk has of the database's pages, and nothing or, unless that is lost, all of what is not
    /// certain of the log.
    fn survives_a_power_loss(&self) {
        let (database, log) = (self.read(""), self.read("-wal"));
        let certain = self.certain();
        let logs = if certain.log_is_lost {
            vec![&certain.log]
        } else {
            vec![&certain.log, &log]
        };
        let pages: [fn(usize) -> bool; 4] = [
            |_| false,
            |page| page % 2 == 0,
            |page| page % 2 == 1,
            |_| true,
        ];
        for log in logs {
            for keeps in pages {
                let version = version_of(&mixed(&certain.database, &database, keeps), log);
                let promised = certain.promised;
                assert!(version >= promised, "{version} of {promised}");
            }
        }
    }
}

/// Some pages as they are now, and the others as they are for certain.
fn mixed(certain: &[u8], now: &[u8], keeps: fn(usize) -> bool) -> Vec<u8> {
    let mut left = certain.to_vec();
    for (page, bytes) in now.chunks(PAGE_BYTES).enumerate() {
        if keeps(page) {
            let at = page * PAGE_BYTES;
            left.resize(left.len().max(at + bytes.len()), 0);
            left[at..at + bytes.len()].copy_from_slice(bytes);
        }
    }
    left
}

/// The version that all rows have in what is left.
fn version_of(database: &[u8], log: &[u8]) -> i64 {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(DATABASE_FILE);
    fs::write(&place, database).expect("writable");
    fs::write(folder.path().join(format!("{DATABASE_FILE}-wal")), log).expect("writable");
    let db = Connection::open(place).expect("a database");
    leave_log(&db).expect("it is only looked at");
    let found: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("readable");
    assert_eq!(found, "ok");
    let (oldest, newest): (i64, i64) = db
        .query_row("SELECT min(version), max(version) FROM row", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("readable");
    assert_eq!(oldest, newest, "a part of a group");
    newest
}

fn opened(folder: &Path) -> (Place, Connection) {
    let place = Place {
        database: folder.join(DATABASE_FILE),
        pages_max: None,
    };
    let db = place.connect().expect("a connection");
    (place, db)
}

fn copier_of(place: &Place) -> Copier {
    let database = place.database().expect("a file");
    Copier::new(place, Arc::new(database)).expect("connections")
}

/// A database that is copied whole, and whose log is held.
fn world() -> (Arc<World>, Arc<Disk>, Copier) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(DATABASE_FILE), []).expect("writable");
    let (place, db) = opened(folder.path());
    db.execute_batch(
        "CREATE TABLE row (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, filler BLOB NOT NULL);
         CREATE INDEX row_version ON row (version);
         WITH RECURSIVE key (it) AS (SELECT 1 UNION ALL SELECT it + 1 FROM key WHERE it < 120)
         INSERT INTO row SELECT it, 1, randomblob(900) FROM key",
    )
    .expect("a table");
    let world = Arc::new(World {
        folder,
        writer: Mutex::new(db),
        certain: Mutex::default(),
    });
    let disk = Arc::new(Disk::open(&world.path("-wal")).expect("the log"));
    let copier = copier_of(&place);
    assert!(copier.round(&disk).expect("copied").is_whole());
    world.certain().database = world.read("");
    world.certain().log = world.read("-wal");
    let (beside, own) = (Arc::clone(&world), Arc::downgrade(&disk));
    disk.before_sync(BeforeSync(Box::new(move |file| {
        beside.before_sync(&own.upgrade().expect("it syncs"), file)
    })));
    (world, disk, copier)
}

#[test]
fn a_sync_that_fails_at_any_step_of_copying_leaves_nothing_that_a_power_loss_tears() {
    for fails in [
        Fails::Nothing,
        Fails::Before,
        Fails::Own,
        Fails::Meanwhile,
        Fails::Database,
    ] {
        let (world, disk, copier) = world();
        let kept = world.commit();
        assert!(world.sync(&disk, kept));
        let next = world.commit();
        world.refuse(fails);
        if fails == Fails::Before {
            assert!(!world.sync(&disk, next));
        }
        let round = world.round(&copier, &disk);
        let is_copied = matches!(fails, Fails::Nothing | Fails::Meanwhile);
        assert_eq!(round.is_ok(), is_copied, "{fails:?} {round:?}");
        // A group that was under way.
        world.commit();
        world.survives_a_power_loss();
        if fails == Fails::Database {
            continue;
        }
        if fails != Fails::Nothing {
            assert!(disk.check().is_err(), "{fails:?}");
            world.mend(&disk);
        }
        let last = world.commit();
        assert!(world.sync(&disk, last));
        world.round(&copier, &disk).expect("copied");
    }
}

#[test]
fn the_log_begins_anew_only_between_two_groups_and_when_the_database_is_durable() {
    let (world, disk, copier) = world();
    let before = world.salt();
    let version = world.commit();
    assert!(world.sync(&disk, version));
    assert!(copier.round(&disk).expect("copied").is_whole());
    world.commit();
    assert_eq!(world.salt(), before, "a commit begins it anew");
    world.survives_a_power_loss();
    assert!(copier.round(&disk).expect("copied").is_whole());
    copier.begin_anew(&world.writer(), &disk);
    world.survives_a_power_loss();
    assert_ne!(world.salt(), before);
    let version = world.commit();
    assert!(world.sync(&disk, version));
    world.round(&copier, &disk).expect("copied");
}

#[test]
fn what_the_database_did_not_keep_is_copied_again_by_the_next_start() {
    let (world, disk, copier) = world();
    let version = world.commit();
    assert!(world.sync(&disk, version));
    world.refuse(Fails::Database);
    copier.round(&disk).expect_err("the disk refused it");
    let before = world.salt();
    copier.round(&disk).expect_err("nothing more is copied");
    disk.mend(&world.writer()).expect_err("it cannot be mended");
    copier.begin_anew(&world.writer(), &disk);
    world.commit();
    assert_eq!(world.salt(), before, "the log is as it was");
    world.survives_a_power_loss();

    // Only when nobody has the database open it is not known how far it was copied.
    drop(copier);
    *world.writer() = Connection::open_in_memory().expect("a connection");
    let (place, db) = opened(world.folder.path());
    *world.writer() = db;
    let disk = Disk::open(&world.path("-wal")).expect("the log");
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let database = fs::File::options().write(true).open(world.path(""));
    let database = database.expect("a file");
    database.set_modified(long_ago).expect("a time");
    disk.copy_what_was_left(&world.writer()).expect("copied");
    let modified = database.metadata().and_then(|about| about.modified());
    assert_ne!(modified.expect("a time"), long_ago);
    let found = copier_of(&place).checkpoint("NOOP").expect("a log");
    assert!(found.is_whole(), "{found:?}");
}
