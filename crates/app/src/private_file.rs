//! Small files of the data folder: written whole or not at all, and this user's alone.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const MODE: u32 = 0o600;

/// Puts `text` into the file, in place of what was there.
///
/// # Errors
/// The file system's; the file is as it was.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(&draft)?;
    // Neither the umask nor a draft that somebody left decides who may read it.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("address");
        let draft = folder.path().join("address.draft");
        for (name, text) in [(&path, "a longer text than the next"), (&draft, "left")] {
            std::fs::write(name, text).unwrap();
            std::fs::set_permissions(name, Permissions::from_mode(0o666)).unwrap();
        }
        write(&path, "short").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert!(!draft.exists());
    }
}
