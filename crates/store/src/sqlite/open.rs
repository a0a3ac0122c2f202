//! Opens the data folder: its lock, the database with its migrations, and the key that secrets are
//! sealed with. Each failure says what to change.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use heraldo_domain::ports::Entropy;
use heraldo_domain::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::disk::Disk;
use super::fault::Fault;
use super::{migrations, sheets};
use crate::seal::{KeyFileError, MasterKey, load_or_create_key_file};

/// The database's name inside the data folder.
pub const DATABASE_FILE: &str = "heraldo.db";
/// The file whose lock a server holds.
pub const LOCK_FILE: &str = "server.lock";
/// Marks a database as Heraldo's: "Hrld".
const APPLICATION_ID: i64 = 0x4872_6c64;
const KEY_CHECK: &[u8] = b"heraldo key check";
/// The database holds people's data: nobody but its owner reads it.
pub(super) const FILE_MODE: u32 = 0o600;
/// How long another process may hold the database locked before a command gives up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are statements in this crate, so that none is ever compiled twice.
const STATEMENTS_KEPT: usize = 160;

/// Why a store could not be opened; each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "another server runs on the data folder {folder}; stop it, or give this one a folder of its own"
    )]
    Locked { folder: PathBuf },
    #[error(
        "the database {path} has version {found}, but this program knows only up to {known}; it was \
         written by a newer Heraldo: run that one, or restore an older backup"
    )]
    NewerDatabase {
        path: PathBuf,
        found: usize,
        known: usize,
    },
    #[error(
        "the database {path} has version {found} and must be brought to {known}, but a server runs on \
         it; stop the server, or use the command of the server's own version"
    )]
    OlderDatabaseInUse {
        path: PathBuf,
        found: usize,
        known: usize,
    },
    #[error(
        "the data folder {folder} cannot be used: {source}; make it writable, or name another folder"
    )]
    Folder {
        folder: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the database {path} cannot be written; let this user write the file and its folder, or name \
         another folder"
    )]
    ReadOnly { path: PathBuf },
    #[error(
        "the database {path} cannot be made: {source}; let this user write its folder, or name another \
         folder"
    )]
    NotMade {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a database of Heraldo; move it away, or name another folder")]
    NotHeraldo { path: PathBuf },
    #[error("the database {path} is damaged ({reason}); restore it from a backup")]
    Damaged { path: PathBuf, reason: String },
    #[error("the disk that holds {path} is full; free some space and start again")]
    Full { path: PathBuf },
    #[error(
        "the master key is not the one that the database {path} was sealed with; put the right key file \
         back (from your backup), or name its place in the settings"
    )]
    WrongMasterKey { path: PathBuf },
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error("the database {path} cannot be opened: {reason}")]
    Failed { path: PathBuf, reason: String },
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// A file of mode 0600; it is made when neither it nor a sealed database exists.
    File(PathBuf),
    Given(MasterKey),
}

/// Where the database is and how connections to it are made.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub database: PathBuf,
    /// The database may not grow past this many pages of 4 KiB.
    pub pages_max: Option<u32>,
}

/// What an opened data folder gives.
#[derive(Debug)]
pub(super) struct Opened {
    pub place: Place,
    pub writer: Connection,
    /// What opening wrote to the log is on it.
    pub disk: Disk,
    pub master_key: MasterKey,
    /// Held by a server for as long as it runs.
    pub lock: Option<File>,
}

pub(super) fn open(
    data_dir: &Path,
    key: &MasterKeySource,
    entropy: &dyn Entropy,
    exclusive: bool,
    pages_max: Option<u32>,
) -> Result<Opened, OpenError> {
    let folder = |source| OpenError::Folder {
        folder: data_dir.to_owned(),
        source,
    };
    let missing: Vec<&Path> = data_dir
        .ancestors()
        .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
        .collect();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(folder)?;
    missing.into_iter().for_each(keep_name);
    let place = Place {
        database: data_dir.join(DATABASE_FILE),
        pages_max,
    };
    // A command needs the lock only to migrate, and gives it back at once: it must not keep a server from
    // starting.
    let lock = if exclusive || place.version()? < migrations::KNOWN {
        take_lock(&data_dir.join(LOCK_FILE)).map_err(folder)?
    } else {
        None
    };
    if exclusive && lock.is_none() {
        return Err(OpenError::Locked {
            folder: data_dir.to_owned(),
        });
    }
    let mut log_path = place.database.clone().into_os_string();
    log_path.push("-wal");
    let log_path = PathBuf::from(log_path);
    let log_was_left = log_path.metadata().is_ok_and(|log| log.len() > 0);
    let found = place.version()?;
    place.keep_private()?;
    let mut writer = place.connect().map_err(|error| place.explain(error))?;
    place.migrate(&mut writer, found, lock.is_some())?;
    if lock.is_some() {
        place.make_lists_anew(&writer)?;
    }
    let master_key = place.master_key(&writer, key, entropy)?;
    let disk = Disk::open(&log_path).map_err(folder)?;
    if exclusive && log_was_left {
        disk.copy_what_was_left(&writer)
            .map_err(|fault| place.explain_fault(fault))?;
    }
    Ok(Opened {
        place,
        writer,
        disk,
        master_key,
        lock: lock.filter(|_| exclusive),
    })
}

/// Makes the name of a new folder durable: without it a power loss would take all that is synced inside.
fn keep_name(made: &Path) {
    let parent = match made.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if let Err(error) = File::open(parent).and_then(|parent| parent.sync_all()) {
        // Some may be entered and not read: the file system keeps the name within seconds anyway.
        tracing::warn!(
            folder = %parent.display(),
            %error,
            "a new data folder's name could not be synced; a power loss in the next seconds may take the folder"
        );
    }
}

/// Copies nothing of the log when the connection is closed: it may not be durable. The writer copies it before it
/// ends, unless the disk did not keep it; then nobody does.
pub(super) fn leave_log(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map(drop)
}

/// The lock, unless somebody else holds it.
fn take_lock(path: &Path) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes from others what they may do with a file. By its path: opening and closing a database's file
/// would end the locks that this process holds on it.
fn take_from_others(path: &Path) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_file() || mode & 0o077 == 0 {
        return;
    }
    // What the owner may not do stays so: whoever made a database read-only meant it.
    match std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700)) {
        Ok(()) => tracing::info!(
            path = %path.display(),
            mode = format_args!("{mode:03o}"),
            "others could use this file; now its owner alone can"
        ),
        // Some file systems know no modes, and a file may be another user's: that stops no server.
        Err(error) => tracing::warn!(
            path = %path.display(),
            mode = format_args!("{mode:03o}"),
            %error,
            "others can use this file, and its mode cannot be changed; run `chmod 600` on it as its owner"
        ),
    }
}

impl Place {
    /// A connection that may write.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = self.open_writable(flags)?;
        self.prepare(&db)?;
        // The writer has the log synced himself before he answers (decision 22); this syncs what is copied.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        // The writer copies nothing by itself: the checkpointer does, beside it.
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        db.pragma_update(None, "journal_size_limit", 128 * 1024 * 1024)?;
        db.pragma_update(None, "cache_size", -8 * 1024)?;
        if let Some(pages) = self.pages_max {
            db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        }
        Ok(db)
    }

    /// The database's file, to sync it.
    pub(super) fn database(&self) -> std::io::Result<File> {
        File::open(&self.database)
    }

    /// Whether a server runs on the folder.
    pub(super) fn is_served(&self) -> bool {
        let lock = self.database.with_file_name(LOCK_FILE);
        !matches!(take_lock(&lock), Ok(Some(_)))
    }

    /// A connection that only reads.
    pub(super) fn connect_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.database, flags)?;
        self.prepare(&db)?;
        db.pragma_update(None, "query_only", true)?;
        db.pragma_update(None, "cache_size", -16 * 1024)?;
        Ok(db)
    }

    /// SQLite opens a file that it may not write for reading, and says so only at the first write.
    fn open_writable(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let db = Connection::open_with_flags(&self.database, flags)?;
        if db.is_readonly(rusqlite::MAIN_DB)? {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY),
                None,
            ));
        }
        Ok(db)
    }

    /// Makes the database's file if there is none, and sees that it and the files beside it are for
    /// their owner alone: SQLite gives `-wal` and `-shm` the mode of the database, and takes existing
    /// ones as they are.
    fn keep_private(&self) -> Result<(), OpenError> {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&self.database)
            // The umask took its part of the mode.
            .and_then(|file| file.set_permissions(Permissions::from_mode(FILE_MODE)));
        match made {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                return Err(OpenError::Full {
                    path: self.database.clone(),
                });
            }
            Err(source) => {
                return Err(OpenError::NotMade {
                    path: self.database.clone(),
                    source,
                });
            }
        }
        for end in ["", "-wal", "-shm"] {
            let mut path = self.database.clone().into_os_string();
            path.push(end);
            take_from_others(Path::new(&path));
        }
        Ok(())
    }

    fn prepare(&self, db: &Connection) -> rusqlite::Result<()> {
        db.busy_timeout(BUSY_TIMEOUT)?;
        leave_log(db)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        db.pragma_update(None, "temp_store", "MEMORY")?;
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        Ok(())
    }

    /// Looks at a database that exists without touching it; returns its version.
    pub(super) fn version(&self) -> Result<usize, OpenError> {
        if !self.database.exists() {
            return Ok(0);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let read = || {
            let db = Connection::open_with_flags(&self.database, flags)?;
            db.busy_timeout(BUSY_TIMEOUT)?;
            leave_log(&db)?;
            let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0));
            let version = number("PRAGMA user_version")?;
            let application = number("PRAGMA application_id")?;
            Ok((
                version,
                application,
                number("SELECT count(*) FROM sqlite_schema")?,
            ))
        };
        let (version, application, tables) = read().map_err(|error| self.explain(error))?;
        let is_new = application == 0 && version == 0 && tables == 0;
        let path = self.database.clone();
        if application != APPLICATION_ID && !is_new {
            return Err(OpenError::NotHeraldo { path });
        }
        let (found, known) = (
            usize::try_from(version).unwrap_or(usize::MAX),
            migrations::KNOWN,
        );
        if found > known {
            Err(OpenError::NewerDatabase { path, found, known })
        } else {
            Ok(found)
        }
    }

    /// Brings the database to the form that this program knows; only while no server runs on it.
    fn migrate(&self, db: &mut Connection, found: usize, locked: bool) -> Result<(), OpenError> {
        let (path, known) = (self.database.clone(), migrations::KNOWN);
        if found == known {
            return Ok(());
        }
        if !locked {
            return Err(OpenError::OlderDatabaseInUse { path, found, known });
        }
        db.pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(|error| self.explain(error))?;
        migrations::all()
            .to_latest(db)
            .map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => self.explain(err),
                other => OpenError::Failed {
                    path,
                    reason: other.to_string(),
                },
            })?;
        for (name, _) in migrations::STEPS.iter().skip(found) {
            tracing::info!(migration = name, "the database was brought up to date");
        }
        Ok(())
    }

    /// Makes what lists are read from anew if a migration or damage calls for it, and else whole.
    fn make_lists_anew(&self, db: &Connection) -> Result<(), OpenError> {
        let anew = || {
            if sheets::are_due(db)? {
                tracing::info!("the lists of inspections are being made anew");
                return sheets::make_anew(db);
            }
            sheets::finish(db)
        };
        anew().map_err(|fault| self.explain_fault(fault))
    }

    fn explain_fault(&self, fault: Fault) -> OpenError {
        match fault {
            Fault::Sql(error) => self.explain(error),
            fault => OpenError::Failed {
                path: self.database.clone(),
                reason: StoreError::from(fault).to_string(),
            },
        }
    }

    /// Loads the master key and checks that it is the one the database was sealed with.
    fn master_key(
        &self,
        db: &Connection,
        source: &MasterKeySource,
        entropy: &dyn Entropy,
    ) -> Result<MasterKey, OpenError> {
        let sealed: Option<Vec<u8>> = db
            .query_row(
                "SELECT value FROM meta WHERE name = 'key_check'",
                [],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.explain(error))?;
        let key = match source {
            MasterKeySource::Given(key) => key.clone(),
            MasterKeySource::File(path) => {
                load_or_create_key_file(path, entropy, sealed.is_none())?
            }
        };
        let wrong = || OpenError::WrongMasterKey {
            path: self.database.clone(),
        };
        let Some(sealed) = sealed else {
            let check = key
                .seal(KEY_CHECK, KEY_CHECK, entropy)
                .map_err(|_| wrong())?;
            db.execute(
                "INSERT OR IGNORE INTO meta (name, value) VALUES ('key_check', ?1)",
                params![check],
            )
            .map_err(|error| self.explain(error))?;
            // Another process may have been first, with a key of its own.
            return self.master_key(db, &MasterKeySource::Given(key), entropy);
        };
        key.unseal(&sealed, KEY_CHECK).map_err(|_| wrong())?;
        Ok(key)
    }

    pub(super) fn failed(&self, error: &std::io::Error) -> OpenError {
        OpenError::Failed {
            path: self.database.clone(),
            reason: error.to_string(),
        }
    }

    /// What an error of SQLite means for the person who starts the program.
    pub(super) fn explain(&self, error: rusqlite::Error) -> OpenError {
        let path = self.database.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::NotHeraldo { path },
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged {
                path,
                reason: error.to_string(),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                OpenError::ReadOnly { path }
            }
            Some(ErrorCode::DiskFull) => OpenError::Full { path },
            _ => OpenError::Failed {
                path,
                reason: error.to_string(),
            },
        }
    }
}
