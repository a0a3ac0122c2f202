//! Standard Webhooks with a pair of keys: Ed25519 over id, time and body, so that whoever verifies cannot
//! sign (version `v1a`).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::standard::check_time;
use super::{Envelope, StandardError};
use crate::time::Timestamp;

/// The version that stands before each signature.
const VERSION: &str = "v1a,";
/// What the text of every public key begins with.
pub const PUBLIC_KEY_PREFIX: &str = "whpk_";

/// The private half of a pair of keys: 32 bytes that are never shown, and wiped when dropped.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; 32]>);

impl SigningKey {
    /// The key with these 32 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves, for whoever seals them.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// The half that receivers verify with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        AsymmetricSigner::new(self).public_key()
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for SigningKey {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// One pair of keys, ready to sign: the set-up is done once, here.
#[derive(Clone)]
pub struct AsymmetricSigner(ed25519_dalek::SigningKey);

impl fmt::Debug for AsymmetricSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsymmetricSigner(…)")
    }
}

impl AsymmetricSigner {
    #[must_use]
    pub fn new(key: &SigningKey) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&key.0))
    }

    /// The half that receivers verify with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// One signature of `webhook-signature`: `v1a,` and base64.
    #[must_use]
    pub fn sign_standard(&self, envelope: &Envelope<'_>) -> String {
        let mut text = String::with_capacity(VERSION.len() + 88);
        self.write_standard(envelope, &mut text);
        text
    }

    pub(super) fn write_standard(&self, envelope: &Envelope<'_>, text: &mut String) {
        text.push_str(VERSION);
        let signature = self.0.sign(&signed_bytes(envelope));
        STANDARD.encode_string(signature.to_bytes(), text);
    }
}

/// The public half of a pair of keys: `whpk_` and the base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// The text is not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is whpk_ and the base64 of 32 bytes that are a point of Ed25519")]
pub struct NotAPublicKey;

impl FromStr for PublicKey {
    type Err = NotAPublicKey;

    fn from_str(text: &str) -> Result<Self, NotAPublicKey> {
        let encoded = text.strip_prefix(PUBLIC_KEY_PREFIX).ok_or(NotAPublicKey)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NotAPublicKey)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| NotAPublicKey)?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| NotAPublicKey)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_KEY_PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Checks that `header`, the value of `webhook-signature`, holds a signature of this envelope that one of
/// the `keys` verifies, and that its time lies within `tolerance` of `now`.
///
/// # Errors
/// The first reason found; the time is looked at before the signature.
pub fn verify_asymmetric(
    keys: &[PublicKey],
    envelope: &Envelope<'_>,
    header: &str,
    tolerance: Duration,
    now: Timestamp,
) -> Result<(), StandardError> {
    check_time(envelope.timestamp, tolerance, now)?;
    let mut given = header
        .split(' ')
        .filter_map(|signature| signature.strip_prefix(VERSION))
        .peekable();
    if given.peek().is_none() {
        return Err(StandardError::NoAsymmetricSignature);
    }
    let keys: Vec<VerifyingKey> = keys
        .iter()
        .filter_map(|key| VerifyingKey::from_bytes(&key.0).ok())
        .collect();
    let message = signed_bytes(envelope);
    // All of it is public, so that the time it takes tells nothing.
    let is_right = given.any(|text| {
        let bytes = STANDARD.decode(text).ok();
        let signature = bytes.and_then(|bytes| Signature::from_slice(&bytes).ok());
        signature.is_some_and(|signature| {
            keys.iter()
                .any(|key| key.verify_strict(&message, &signature).is_ok())
        })
    });
    if is_right {
        Ok(())
    } else {
        Err(StandardError::WrongSignature)
    }
}

fn signed_bytes(envelope: &Envelope<'_>) -> Vec<u8> {
    [
        envelope.id.as_bytes(),
        b".",
        envelope.timestamp.as_bytes(),
        b".",
        envelope.body,
    ]
    .concat()
}
