//! Files in a folder of this machine: written whole beside, synced, and moved into place.
//!
//! `object_store` has a local store too, and it can sync; this is our own because that one leaves file and
//! folder modes to the umask, so that photos of people could be read by every user of the machine.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::ports::{FileError, Files};

use super::{CHECK_BYTES, CHECK_NAME, check_read, checked};

const FOLDER_MODE: u32 = 0o700;
/// Where files lie while they are written. Names of files never start with a dot.
const INCOMING: &str = ".incoming";

/// A folder that this user alone can read.
#[derive(Debug, Clone)]
pub struct Folder {
    root: Arc<Path>,
}

impl Folder {
    /// Makes the folder if it is not there, and clears what a crash left half written. One process at a
    /// time: what another one writes at this moment would be cleared with it.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root: PathBuf = root.into();
        let incoming = root.join(INCOMING);
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&incoming)?;
        fs::set_permissions(&root, Permissions::from_mode(FOLDER_MODE))?;
        for left_over in fs::read_dir(&incoming)? {
            fs::remove_file(left_over?.path())?;
        }
        sync_folder(&root)?;
        Ok(Self { root: root.into() })
    }

    /// Runs on the threads for blocking work: a sync to disk takes as long as the disk takes.
    async fn blocking<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileError> {
        let root = Arc::clone(&self.root);
        let path = root.join(checked(name)?);
        let done = tokio::task::spawn_blocking(move || work(&root, &path)).await;
        done.map_err(|error| FileError::Unavailable(error.to_string()))?
            .map_err(|error| failure(&error))
    }
}

#[async_trait]
impl Files for Folder {
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), FileError> {
        self.blocking(name, move |root, path| write(root, path, &bytes))
            .await
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, FileError> {
        self.blocking(name, |_, path| absent_is_none(fs::read(path)))
            .await
            .map(|found| found.map(Bytes::from))
    }

    async fn delete(&self, name: &str) -> Result<(), FileError> {
        self.blocking(name, |_, path| {
            if absent_is_none(fs::remove_file(path))?.is_some() {
                sync_folder(parent_of(path)?)?;
            }
            Ok(())
        })
        .await
    }

    async fn check(&self) -> Result<(), FileError> {
        self.put(CHECK_NAME, Bytes::from_static(CHECK_BYTES))
            .await?;
        check_read(self.get(CHECK_NAME).await?.as_deref())
    }
}

/// Until the move nothing has the name; after the last sync nothing can take it back. A file that could not
/// be written is removed by its guard.
fn write(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = parent_of(path)?;
    make_folders(root, folder)?;
    // Only this user can read a temporary file (0600), and the move keeps that.
    let mut file = tempfile::NamedTempFile::new_in(root.join(INCOMING))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|refused| refused.error)?;
    sync_folder(folder)
}

/// Makes the folders between the root and this one, each durable before the next.
fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    let above = parent_of(folder)?;
    make_folders(root, above)?;
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        // Somebody else makes it at this moment, and may not have synced it yet.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(above)
}

fn parent_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| ErrorKind::InvalidInput.into())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn failure(error: &io::Error) -> FileError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            FileError::Full
        }
        _ => FileError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_told_from_every_other_fault() {
        const ENOSPC: i32 = 28;
        const EFBIG: i32 = 27;
        const EIO: i32 = 5;
        let of = |number| failure(&io::Error::from_raw_os_error(number));
        assert_eq!(of(ENOSPC), FileError::Full);
        assert_eq!(of(EFBIG), FileError::Full);
        assert_eq!(failure(&ErrorKind::QuotaExceeded.into()), FileError::Full);
        assert!(matches!(of(EIO), FileError::Unavailable(_)));
    }
}
