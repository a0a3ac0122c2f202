//! What is wrong with a signature, as far as can be told: tries what receivers get wrong, alone and together.
//!
//! It says which of the known keys fits and never shows one.

mod bodies;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use heraldo_wire::id::EventId;
use heraldo_wire::signature::{
    BodySignature, Envelope, PublicKey, Secret, Signer, verify_asymmetric,
};
use heraldo_wire::time::Timestamp;
use subtle::ConstantTimeEq as _;

use bodies::{Variant, compared, variants};

/// The bodies of known events are tried with the first so many secrets.
const SECRETS_FOR_EVENTS_MAX: usize = 4;
/// How many digits a right signature has.
pub const DIGITS: usize = std::mem::size_of::<BodySignature>();

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What somebody has before them.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The value of `autoinspector-signature` or of `webhook-signature`.
    pub signature: &'a str,
    pub body: &'a [u8],
    /// The value of `webhook-id`.
    pub id: Option<&'a str>,
    /// The value of `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
}

/// What it is compared with. `K` says whose a key is.
#[derive(Debug)]
pub struct Known<'a, K> {
    /// The likeliest first.
    pub secrets: Vec<(Secret, K)>,
    pub public_keys: Vec<(PublicKey, K)>,
    /// Events that were sent, with their exact bodies.
    pub events: Vec<(EventId, &'a [u8])>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis<K> {
    /// It is a signature with this key. Without faults it is the right one.
    Match {
        key: K,
        /// All of them together.
        faults: Vec<Fault>,
        /// It is for this event, whose body is not the given one.
        event: Option<EventId>,
    },
    /// It cannot be a signature.
    Malformed(Malformed),
    /// No known key made it from anything like this body.
    NoMatch {
        /// The body is that of this event, with these faults.
        event: Option<(EventId, Vec<Fault>)>,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    BlanksAroundSignature,
    /// It must have none.
    Prefix(&'static str),
    UpperCase,
    /// In base64 instead of hex.
    Base64,
    /// At the end of the body, and was not sent.
    NewlineAdded,
    /// The signature is over the body with a newline at its end.
    NewlineSigned,
    /// The ends of lines were changed.
    LineEnds,
    BlanksAroundBody,
    ByteOrderMark,
    /// The body was parsed and written anew: other blanks, escapes or numbers.
    Rewritten,
    /// The same, and its keys are in another order.
    KeyOrder,
    /// The signature is another body's.
    OtherBody,
}

/// Why a text cannot be a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    Empty,
    /// It has other characters than hex digits.
    NotHex,
    /// So many hex digits instead of [`DIGITS`].
    Length(usize),
    /// A `webhook-signature` also signs `webhook-id` and `webhook-timestamp`, which are missing.
    NeedsIdAndTime,
}

/// Finds out what is wrong with a signature.
pub fn diagnose<K: Clone>(given: &Given<'_>, known: &Known<'_, K>) -> Diagnosis<K> {
    let trimmed = given.signature.trim();
    if trimmed.starts_with("v1,") || trimmed.starts_with("v1a,") {
        let (Some(id), Some(timestamp)) = (given.id, given.timestamp) else {
            return Diagnosis::Malformed(Malformed::NeedsIdAndTime);
        };
        let standard = Standard {
            header: trimmed,
            id: id.trim(),
            timestamp: timestamp.trim(),
        };
        return search(given, known, Vec::new(), &standard);
    }
    match plain(given.signature) {
        Ok((digits, faults)) => search(given, known, faults, &Plain(digits)),
        Err(malformed) => Diagnosis::Malformed(malformed),
    }
}

/// A signature that can be compared.
trait Scheme {
    fn fits(&self, signer: &Signer, body: &[u8]) -> bool;

    fn fits_key(&self, _key: PublicKey, _body: &[u8]) -> bool {
        false
    }
}

/// The digits of an `autoinspector-signature`.
struct Plain(String);

impl Scheme for Plain {
    fn fits(&self, signer: &Signer, body: &[u8]) -> bool {
        signer.verify_body(body, &self.0)
    }
}

/// A `webhook-signature`, whose time may lie anywhere.
struct Standard<'a> {
    header: &'a str,
    id: &'a str,
    timestamp: &'a str,
}

impl<'a> Standard<'a> {
    const fn envelope(&self, body: &'a [u8]) -> Envelope<'a> {
        Envelope {
            id: self.id,
            timestamp: self.timestamp,
            body,
        }
    }
}

impl Scheme for Standard<'_> {
    fn fits(&self, signer: &Signer, body: &[u8]) -> bool {
        let right = signer.sign_standard(&Envelope {
            id: self.id,
            timestamp: self.timestamp,
            body,
        });
        let mut given = self.header.split_ascii_whitespace();
        given.any(|one| bool::from(one.as_bytes().ct_eq(right.as_bytes())))
    }

    fn fits_key(&self, key: PublicKey, body: &[u8]) -> bool {
        let now = Timestamp::from_millis(0);
        let envelope = self.envelope(body);
        verify_asymmetric(&[key], &envelope, self.header, Duration::MAX, now).is_ok()
    }
}

fn search<K: Clone>(
    given: &Given<'_>,
    known: &Known<'_, K>,
    faults: Vec<Fault>,
    scheme: &impl Scheme,
) -> Diagnosis<K> {
    let secrets = known.secrets.iter();
    let signers: Vec<(Signer, &K)> = secrets
        .map(|(secret, whose)| (Signer::new(secret), whose))
        .collect();
    let found = |key: &K, more: Option<Fault>, event| Diagnosis::Match {
        key: key.clone(),
        faults: faults.iter().cloned().chain(more).collect(),
        event,
    };
    for Variant { body, fault } in variants(given.body) {
        let fits = signers
            .iter()
            .find(|(signer, _)| scheme.fits(signer, &body));
        if let Some((_, whose)) = fits {
            return found(whose, fault, None);
        }
        let mut keys = known.public_keys.iter();
        if let Some((_, whose)) = keys.find(|(key, _)| scheme.fits_key(*key, &body)) {
            return found(whose, fault, None);
        }
    }
    for (id, body) in &known.events {
        let mut likely = signers.iter().take(SECRETS_FOR_EVENTS_MAX);
        if let Some((_, whose)) = likely.find(|(signer, _)| scheme.fits(signer, body)) {
            let fault = compared(given.body, body).unwrap_or(Some(Fault::OtherBody));
            return found(whose, fault, Some(*id));
        }
    }
    let mut events = known.events.iter();
    let event = events.find_map(|(id, body)| {
        let fault = compared(given.body, body)?;
        Some((*id, fault.into_iter().collect()))
    });
    Diagnosis::NoMatch { event }
}

/// The digits of a signature without what does not belong to it, and what that was.
fn plain(signature: &str) -> Result<(String, Vec<Fault>), Malformed> {
    let mut faults = Vec::new();
    let mut text = signature.trim();
    if text.len() != signature.len() {
        faults.push(Fault::BlanksAroundSignature);
    }
    for prefix in ["sha256=", "SHA256=", "sha256:", "hmac=", "v1="] {
        if let Some(rest) = text.strip_prefix(prefix) {
            faults.push(Fault::Prefix(prefix));
            text = rest;
        }
    }
    if text.is_empty() {
        return Err(Malformed::Empty);
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && text.len() == DIGITS {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            faults.push(Fault::UpperCase);
        }
        return Ok((text.to_ascii_lowercase(), faults));
    }
    let decoded = BASE64.decode(text.replace('-', "+").replace('_', "/"));
    match decoded {
        Ok(bytes) if bytes.len() * 2 == DIGITS => {
            faults.push(Fault::Base64);
            Ok((hex::encode(bytes), faults))
        }
        Ok(_) | Err(_) if is_hex => Err(Malformed::Length(text.len())),
        Ok(_) | Err(_) => Err(Malformed::NotHex),
    }
}
