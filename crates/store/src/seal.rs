//! Sealing of secrets at rest, and the file that holds the key they are sealed with.
//!
//! A sealed value is one version byte, 24 random bytes and the ciphertext with its tag
//! (XChaCha20-Poly1305). What it belongs to is authenticated with it, so that a sealed secret copied
//! into another webhook's row does not open.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use heraldo_domain::ports::{Entropy, random};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The first byte of everything sealed in this form.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The key that secrets are sealed with. It never shows in `Debug` and is wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The sealed value was changed, belongs to something else, or was sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: it was changed, or sealed with another key")]
pub struct DoesNotOpen;

impl MasterKey {
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key for another purpose, the same as long as this key is: HMAC-SHA256 of the purpose's name.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&*self.0)
            .expect("HMAC takes a key of any length");
        Zeroizing::new(mac.chain_update(purpose).finalize().into_bytes().into())
    }

    /// Seals `plain`; `belongs_to` must be given again to open it.
    ///
    /// # Errors
    /// Only for values far longer than memory.
    pub fn seal(
        &self,
        plain: &[u8],
        belongs_to: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let nonce: [u8; NONCE_BYTES] = random(entropy);
        let cipher = XChaCha20Poly1305::new(&(*self.0).into());
        let payload = Payload {
            msg: plain,
            aad: belongs_to,
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| DoesNotOpen)?;
        Ok([&[VERSION], &nonce[..], &sealed].concat())
    }

    /// Opens what [`MasterKey::seal`] sealed.
    ///
    /// # Errors
    /// When the value was changed, belongs to something else, or was sealed with another key.
    pub fn unseal(
        &self,
        sealed: &[u8],
        belongs_to: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (version, rest) = sealed.split_first().ok_or(DoesNotOpen)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(DoesNotOpen)?;
        if *version != VERSION {
            return Err(DoesNotOpen);
        }
        let cipher = XChaCha20Poly1305::new(&(*self.0).into());
        let payload = Payload {
            msg: ciphertext,
            aad: belongs_to,
        };
        let plain = cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| DoesNotOpen)?;
        Ok(Zeroizing::new(plain))
    }
}

/// Why the key file cannot be used; each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error(
        "the key file {path} is missing, but the data was sealed with a key; put the key file back \
         (from your backup), or name its place in the settings"
    )]
    Missing { path: PathBuf },
    #[error(
        "the key file {path} may be read by others (mode {mode:03o}); run `chmod 600 {path}`, and \
         rotate the webhooks' secrets if others had access to this machine"
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "the key file {path} does not hold a key: 64 hex digits are needed; put the right file back, \
         or name its place in the settings"
    )]
    Malformed { path: PathBuf },
    #[error(
        "the key file {path} is no file but {what}; move that away and put the key file there, or name \
         the key file's place in the settings"
    )]
    NotAFile { path: PathBuf, what: &'static str },
    #[error(
        "the key file {path} cannot be read: {source}; let this user read it and enter its folder, or \
         name another place in the settings"
    )]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the key file {path} cannot be made: {source}; make its folder and let this user write there, \
         or name another place in the settings"
    )]
    NotMade {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Looks at what stands in the key file's place, without opening it: whether a key file is there that
/// is its owner's alone. What it holds is not read.
///
/// # Errors
/// See [`KeyFileError`].
pub fn look_at_key_file(path: &Path) -> Result<bool, KeyFileError> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(unreadable(path, source)),
    };
    // A directory has a mode, too, and reading from a pipe would wait for somebody to write into it.
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile {
            path: path.to_owned(),
            what: if metadata.is_dir() {
                "a folder"
            } else {
                "a device, a pipe or a socket"
            },
        });
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(true)
}

/// Reads the key file or, when there is none and `may_create` is set, makes one with mode 0600.
///
/// The new file appears whole or not at all, and a file that appears meanwhile is read, not replaced.
///
/// # Errors
/// See [`KeyFileError`].
pub fn load_or_create_key_file(
    path: &Path,
    entropy: &dyn Entropy,
    may_create: bool,
) -> Result<MasterKey, KeyFileError> {
    if !look_at_key_file(path)? {
        if !may_create {
            return Err(KeyFileError::Missing {
                path: path.to_owned(),
            });
        }
        create_key(path, entropy)?;
        // Another process may have been first.
        look_at_key_file(path)?;
    }
    read_key(path)
}

fn read_key(path: &Path) -> Result<MasterKey, KeyFileError> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    let mut text = Zeroizing::new(String::new());
    // A key is 65 bytes: what is much longer is some other file, and is not read whole.
    match file.take(1024).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(KeyFileError::Malformed {
                path: path.to_owned(),
            });
        }
        Err(source) => return Err(unreadable(path, source)),
    }
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut key[..]).map_err(|_| KeyFileError::Malformed {
        path: path.to_owned(),
    })?;
    Ok(MasterKey(key))
}

fn create_key(path: &Path, entropy: &dyn Entropy) -> Result<(), KeyFileError> {
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(random(entropy));
    let draft = path.with_extension(format!("draft-{}", hex::encode(random::<6>(entropy))));
    let written = write_draft(&draft, &key).and_then(|()| {
        // A link, unlike a rename, never replaces a key that another process made meanwhile.
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    });
    let removed = std::fs::remove_file(&draft);
    written.map_err(|source| not_made(path, source))?;
    removed.map_err(|source| not_made(&draft, source))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    synced.map_err(|source| not_made(path, source))
}

fn write_draft(draft: &Path, key: &[u8; 32]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    let text = Zeroizing::new(hex::encode(key));
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn unreadable(path: &Path, source: std::io::Error) -> KeyFileError {
    KeyFileError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

fn not_made(path: &Path, source: std::io::Error) -> KeyFileError {
    KeyFileError::NotMade {
        path: path.to_owned(),
        source,
    }
}
