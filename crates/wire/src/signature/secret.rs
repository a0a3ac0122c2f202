//! The secret of a webhook.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serializer;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// What the text of every secret that Heraldo makes begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// A webhook's secret. Never shown by `Debug`, never serialised unless asked, wiped when dropped.
#[derive(Clone)]
pub struct Secret(String);

/// A secret of no characters protects nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty")]
pub struct EmptySecret;

impl Secret {
    /// The secret with these 32 random bytes: `whsec_` and their base64 (contract 8).
    #[must_use]
    pub fn from_random(mut bytes: [u8; 32]) -> Self {
        let mut text = String::with_capacity(SECRET_PREFIX.len() + 44);
        text.push_str(SECRET_PREFIX);
        STANDARD.encode_string(bytes, &mut text);
        bytes.zeroize();
        Self(text)
    }

    /// The secret with this text. Any text is taken, because the key of `autoinspector-signature` is the
    /// whole of it, whatever it looks like.
    ///
    /// # Errors
    /// When the text is empty.
    pub fn parse(text: impl Into<String>) -> Result<Self, EmptySecret> {
        let text = text.into();
        if text.is_empty() {
            Err(EmptySecret)
        } else {
            Ok(Self(text))
        }
    }

    /// The text itself: the key of `autoinspector-signature`.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The key of `webhook-signature`: the decoded bytes when the text is `whsec_` and base64, else the
    /// text's own bytes.
    #[must_use]
    pub fn standard_key(&self) -> Zeroizing<Vec<u8>> {
        let decoded = self
            .0
            .strip_prefix(SECRET_PREFIX)
            .and_then(|text| STANDARD.decode(text).ok());
        match decoded {
            Some(bytes) if !bytes.is_empty() => Zeroizing::new(bytes),
            Some(_) | None => Zeroizing::new(self.0.as_bytes().to_vec()),
        }
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whsec_…")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Writes the text of a secret; for `#[serde(serialize_with)]` on the few answers that reveal one.
///
/// # Errors
/// Only those of the serializer.
pub fn reveal_secret<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}
