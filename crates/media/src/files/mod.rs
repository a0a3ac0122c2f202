//! Places where files are kept: a folder of this machine, or S3-compatible storage.

mod exchange;
mod folder;
mod s3;

use heraldo_domain::ports::FileError;

pub use folder::Folder;
pub use s3::{S3, S3Config, S3ConfigError};

/// The file that `check` writes and reads.
const CHECK_NAME: &str = "check";
const CHECK_BYTES: &[u8] =
    b"Heraldo writes and reads this file to see whether files can be kept.\n";

const NAME_BYTES_MAX: usize = 512;

/// Holds a name to the alphabet that the port promises. A name that could leave its place, or meet what the
/// place keeps for itself (which starts with a dot), is a fault of the caller and is not carried out.
fn checked(name: &str) -> Result<&str, FileError> {
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    if name.len() <= NAME_BYTES_MAX && name.split('/').all(fits) {
        Ok(name)
    } else {
        Err(FileError::Unavailable(format!(
            "`{}` is not a name that a file can have",
            name.escape_debug().take(80).collect::<String>()
        )))
    }
}

/// What `check` read is what it wrote.
fn check_read(found: Option<&[u8]>) -> Result<(), FileError> {
    if found == Some(CHECK_BYTES) {
        Ok(())
    } else {
        Err(FileError::Unavailable(
            "it took a file and did not give it back".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        for name in ["a", "photos/65/original.jpg", "A-b_c.d/e"] {
            assert!(checked(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            ".",
            "..",
            "a/../b",
            ".incoming/x",
            "a b",
            "a\\b",
            "ñ",
            "a\0",
        ] {
            assert!(checked(name).is_err(), "{name}");
        }
        assert!(checked(&"a".repeat(NAME_BYTES_MAX + 1)).is_err());
    }
}
