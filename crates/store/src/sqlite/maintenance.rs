//! What an operator does to the database itself: bringing it up to date, and copying it while a server runs.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use heraldo_domain::ports::Entropy;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrations;
use super::open::{self, DATABASE_FILE, FILE_MODE, MasterKeySource, OpenError, Place};

/// What bringing a database up to date did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    pub from: usize,
    pub to: usize,
    /// The names of the steps that were made, in order.
    pub steps: Vec<&'static str>,
}

/// Brings the database of a data folder to the form that this program knows, making it if there is none.
///
/// # Errors
/// See [`OpenError`]; `OlderDatabaseInUse` while a server runs on it. Each step is made whole or not at all.
pub fn migrate(
    data_dir: &Path,
    key: &MasterKeySource,
    entropy: &dyn Entropy,
) -> Result<Migrated, OpenError> {
    let from = place(data_dir).version()?;
    drop(open::open(data_dir, key, entropy, false, None)?);
    let steps = migrations::STEPS.iter().skip(from);
    Ok(Migrated {
        from,
        to: migrations::KNOWN,
        steps: steps.map(|(name, _)| *name).collect(),
    })
}

/// Why a backup was not made; each says what to change. Nothing was overwritten.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is a file {path} already; remove it, or name another one")]
    Exists { path: PathBuf },
    #[error("the backup {path} cannot be made: {source}; name a place that this user may write")]
    NotMade {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the disk that holds {path} is full; free some space, or name another place")]
    Full { path: PathBuf },
    #[error("the database cannot be copied: {reason}")]
    Failed { reason: String },
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Copies the database of a data folder, as it is at one moment, to a new file of mode 0600; returns its size in
/// bytes. A server may run on the folder and goes on writing meanwhile. The copy takes its place whole and
/// durable, or not at all. It holds neither the master key nor photos.
///
/// # Errors
/// See [`BackupError`].
pub fn back_up(data_dir: &Path, file: &Path) -> Result<u64, BackupError> {
    let source = place(data_dir);
    source.version()?;
    if file.symlink_metadata().is_ok() {
        let path = file.to_owned();
        return Err(BackupError::Exists { path });
    }
    let mut part = file.to_owned().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let not_made = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => BackupError::Exists { path: part.clone() },
        ErrorKind::StorageFull => BackupError::Full { path: part.clone() },
        _ => BackupError::NotMade {
            path: part.clone(),
            source,
        },
    };
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&part);
    drop(new.map_err(not_made)?);
    let copied = copy(&source.database, &part)
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => BackupError::Full { path: part.clone() },
            _ => BackupError::Failed {
                reason: error.to_string(),
            },
        })
        .and_then(|()| put_in_place(&part, file).map_err(not_made));
    if copied.is_err() {
        // A part of a copy is of no use to anybody.
        let _ = std::fs::remove_file(&part);
    }
    copied
}

fn place(data_dir: &Path) -> Place {
    Place {
        database: data_dir.join(DATABASE_FILE),
        pages_max: None,
    }
}

fn copy(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(open::BUSY_TIMEOUT)?;
    open::leave_log(&source)?;
    let mut target = Connection::open_with_flags(to, flags)?;
    // In one step: what is written meanwhile stands in the log and is not looked at, so the copy is of one
    // moment and never begins anew.
    let step = Backup::new(&source, &mut target)?.step(-1)?;
    if step == StepResult::Done {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
        Some("another process has held it locked for too long".to_owned()),
    ))
}

/// Makes the copy durable, and gives it its name unless somebody else took it meanwhile.
fn put_in_place(part: &Path, file: &Path) -> std::io::Result<u64> {
    let copy = File::open(part)?;
    copy.sync_all()?;
    let bytes = copy.metadata()?.len();
    match std::fs::hard_link(part, file) {
        Ok(()) => std::fs::remove_file(part)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        // Some file systems have no links.
        Err(_) => std::fs::rename(part, file)?,
    }
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(bytes)
}
