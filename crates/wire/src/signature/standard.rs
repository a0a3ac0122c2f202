//! Standard Webhooks: a signature over id, time and body, so that replays can be refused (contract 8).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use subtle::{Choice, ConstantTimeEq};

use super::{AsymmetricSigner, HmacSha256, Secret, Signer, keyed};
use crate::time::Timestamp;

/// The version that stands before each signature.
const VERSION: &str = "v1,";

/// What is signed: the values of `webhook-id` and `webhook-timestamp` as their headers carry them, and
/// the body.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub id: &'a str,
    /// Whole seconds since the epoch, in decimal.
    pub timestamp: &'a str,
    pub body: &'a [u8],
}

/// Why a request is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StandardError {
    #[error("webhook-timestamp is not a whole number of seconds since the epoch")]
    InvalidTimestamp,
    #[error("webhook-timestamp is too far in the past; the request may be a replay")]
    TooOld,
    #[error("webhook-timestamp is too far in the future; compare the clocks")]
    TooNew,
    #[error("webhook-signature holds no signature of version v1")]
    NoSignature,
    #[error("webhook-signature holds no signature of version v1a")]
    NoAsymmetricSignature,
    #[error("no signature in webhook-signature is the one for this id, time and body")]
    WrongSignature,
}

impl Signer {
    /// One signature of `webhook-signature`: `v1,` and base64.
    #[must_use]
    pub fn sign_standard(&self, envelope: &Envelope<'_>) -> String {
        let mut text = String::with_capacity(VERSION.len() + 44);
        self.write_standard(envelope, &mut text);
        text
    }

    fn write_standard(&self, envelope: &Envelope<'_>, text: &mut String) {
        text.push_str(VERSION);
        STANDARD.encode_string(digest(&self.standard, envelope), text);
    }
}

/// The value of `webhook-signature`: one signature for each valid secret, newest first, then one for each
/// valid pair of keys, newest first, separated by spaces (contract 8, rotation).
#[must_use]
pub fn standard_header(
    signers: &[&Signer],
    pairs: &[&AsymmetricSigner],
    envelope: &Envelope<'_>,
) -> String {
    let mut text = String::with_capacity(signers.len() * 48 + pairs.len() * 93);
    for signer in signers {
        signer.write_standard(envelope, &mut text);
        text.push(' ');
    }
    for pair in pairs {
        pair.write_standard(envelope, &mut text);
        text.push(' ');
    }
    text.truncate(text.trim_end().len());
    text
}

/// Checks that `header`, the value of `webhook-signature`, holds a signature of this envelope, and that its
/// time lies within `tolerance` of `now`.
///
/// # Errors
/// The first reason found; the time is looked at before the signature.
pub fn verify_standard(
    secret: &Secret,
    envelope: &Envelope<'_>,
    header: &str,
    tolerance: Duration,
    now: Timestamp,
) -> Result<(), StandardError> {
    check_time(envelope.timestamp, tolerance, now)?;
    let expected = digest(&keyed(&secret.standard_key()), envelope);
    let mut given = header
        .split(' ')
        .filter_map(|signature| signature.strip_prefix(VERSION))
        .peekable();
    if given.peek().is_none() {
        return Err(StandardError::NoSignature);
    }
    // Every signature is compared, so that the time taken does not say which one was right.
    let mut is_right = Choice::from(0);
    for signature in given {
        if let Ok(signature) = STANDARD.decode(signature) {
            is_right |= signature.ct_eq(&expected);
        }
    }
    if is_right.into() {
        Ok(())
    } else {
        Err(StandardError::WrongSignature)
    }
}

pub(super) fn check_time(
    timestamp: &str,
    tolerance: Duration,
    now: Timestamp,
) -> Result<(), StandardError> {
    // `parse` would take a plus sign, which no sender writes.
    if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(StandardError::InvalidTimestamp);
    }
    let sent: i64 = timestamp
        .parse()
        .map_err(|_| StandardError::InvalidTimestamp)?;
    let tolerance = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    let now = now.as_secs();
    if sent < now.saturating_sub(tolerance) {
        Err(StandardError::TooOld)
    } else if sent > now.saturating_add(tolerance) {
        Err(StandardError::TooNew)
    } else {
        Ok(())
    }
}

fn digest(key: &HmacSha256, envelope: &Envelope<'_>) -> [u8; 32] {
    key.clone()
        .chain_update(envelope.id.as_bytes())
        .chain_update(b".")
        .chain_update(envelope.timestamp.as_bytes())
        .chain_update(b".")
        .chain_update(envelope.body)
        .finalize()
        .into_bytes()
        .into()
}
