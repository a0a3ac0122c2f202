//! The file in the data folder that says where the server listens, for commands and tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::private_file;

const NAME: &str = "address";

/// Written when a server listens, removed when it stops gracefully.
#[derive(Debug)]
pub struct AddressFile(PathBuf);

impl AddressFile {
    /// Writes the one line; it appears whole or not at all.
    pub fn write(data_dir: &Path, address: SocketAddr) -> Outcome<Self> {
        let path = data_dir.join(NAME);
        private_file::write(&path, &format!("{address}\n")).map_err(|error| {
            Failure::new(format!(
                "the file {} cannot be written: {error}",
                path.display()
            ))
        })?;
        Ok(Self(path))
    }

    pub fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the address file was gone already");
        }
    }
}

/// Where a server on this folder listens, or listened when it was killed.
pub fn read(data_dir: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(data_dir.join(NAME))
        .ok()?
        .trim()
        .parse()
        .ok()
}
