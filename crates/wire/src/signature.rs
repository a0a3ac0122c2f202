//! Signing and verifying, in both schemes that a delivery carries.
//!
//! `autoinspector-signature` is the lower-case hex HMAC-SHA256 of the body; its key is the secret's whole
//! text (contract 4.1). `webhook-signature` is Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of
//! `id.timestamp.body`; its key is the decoded secret (contract 8). A webhook may have a pair of keys
//! beside: then `webhook-signature` also carries `v1a,` and the base64 Ed25519 signature of the same.
//! Every comparison with a secret takes constant time.

mod asymmetric;
mod construct;
mod secret;
mod standard;

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use asymmetric::{
    AsymmetricSigner, NotAPublicKey, PUBLIC_KEY_PREFIX, PublicKey, SigningKey, verify_asymmetric,
};
pub use construct::{ConstructError, ConstructedEvent, INVALID_SIGNATURE, construct_event};
pub use secret::{EmptySecret, SECRET_PREFIX, Secret, reveal_secret};
pub use standard::{Envelope, StandardError, standard_header, verify_standard};

type HmacSha256 = Hmac<Sha256>;

/// A signature of a body: 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BodySignature([u8; 64]);

impl BodySignature {
    /// The 64 digits, as the header carries them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hex digits are ASCII, so that the default never shows.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 64 digits as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for BodySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for BodySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodySignature(…)")
    }
}

/// One secret, ready to sign: the key set-up of both schemes is done once, here.
#[derive(Clone)]
pub struct Signer {
    body: HmacSha256,
    standard: HmacSha256,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self {
            body: keyed(secret.reveal().as_bytes()),
            standard: keyed(&secret.standard_key()),
        }
    }

    /// The value of `autoinspector-signature` for this body.
    #[must_use]
    pub fn sign_body(&self, body: &[u8]) -> BodySignature {
        let digest = self.body.clone().chain_update(body).finalize().into_bytes();
        let mut text = [0; 64];
        // 32 bytes always fit in 64 digits.
        let fits = hex::encode_to_slice(digest, &mut text);
        debug_assert!(fits.is_ok());
        BodySignature(text)
    }

    /// Whether `signature` is exactly the value of `autoinspector-signature` for this body.
    #[must_use]
    pub fn verify_body(&self, body: &[u8], signature: &str) -> bool {
        self.sign_body(body)
            .as_bytes()
            .ct_eq(signature.as_bytes())
            .into()
    }
}

fn keyed(key: &[u8]) -> HmacSha256 {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length; the error type is shared with other MACs"
    )]
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The value of `autoinspector-signature` for this body; keep a [`Signer`] to sign more than one.
#[must_use]
pub fn sign_body(secret: &Secret, body: &[u8]) -> BodySignature {
    Signer::new(secret).sign_body(body)
}

/// Whether `signature` is exactly the value of `autoinspector-signature` for this body: lower case, no
/// prefix (contract 4.1).
#[must_use]
pub fn verify_body(secret: &Secret, body: &[u8], signature: &str) -> bool {
    Signer::new(secret).verify_body(body, signature)
}

#[cfg(test)]
mod tests;
