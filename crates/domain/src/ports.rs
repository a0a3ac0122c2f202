//! What the rules need from the outside: time, randomness, a way to hand new deliveries over, a place for
//! files, somebody who can read photos, somebody who writes documents, somebody who hashes passwords, and
//! calls to addresses that are no webhooks.

mod absent;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_wire::id::{Id, ImageId, WebhookId};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;

pub use absent::Absent;

use crate::delivery::Leased;
use crate::password::PasswordHash;
use crate::photo::{Examined, PhotoHead};
use crate::query::DeliveryRecord;
use crate::sheet::Sheet;
use crate::webhook::TlsSettings;

/// The wall clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> Timestamp;
}

/// Randomness fit for secrets.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    fn fill(&self, bytes: &mut [u8]);
}

/// Reads a fixed number of random bytes.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// The road from the store's writer to the dispatcher of this node.
///
/// The engine calls it from the one place where changes are put in order, so that deliveries are
/// handed over in commit order and a caller that went away strands nothing. No call may block.
pub trait HandOver: Send + Sync + std::fmt::Debug {
    /// Asks for room in the webhook's window for one new delivery. `true`: the delivery is stored as
    /// leased to this node and must come back through [`HandOver::hand_over`] or [`HandOver::release`].
    /// `false`: it waits in the store until it is claimed.
    fn reserve(&self, webhook: WebhookId, body_bytes: usize) -> bool;

    /// Gives a reservation back: the change that asked for it was not committed.
    fn release(&self, webhook: WebhookId, body_bytes: usize);

    /// How many reservations this webhook was refused so far. An engine reads it while it carries out
    /// a claim and returns it in [`Claimed::deferred_mark`](crate::delivery::Claimed::deferred_mark).
    fn deferred(&self, webhook: WebhookId) -> u64;

    /// Takes what was reserved, once it is durable.
    fn hand_over(&self, leased: Vec<Leased>);

    /// The webhook was changed, or, with `None`, any of them may have been.
    fn webhook_changed(&self, webhook: Option<WebhookId>);
}

/// A hand-over that never has room: everything waits in the store. For commands that do not deliver.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHandOver;

impl HandOver for NoHandOver {
    fn reserve(&self, _webhook: WebhookId, _body_bytes: usize) -> bool {
        false
    }

    fn release(&self, _webhook: WebhookId, _body_bytes: usize) {}

    fn deferred(&self, _webhook: WebhookId) -> u64 {
        0
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        assert!(
            leased.is_empty(),
            "nothing was reserved, so nothing can be handed over"
        );
    }

    fn webhook_changed(&self, _webhook: Option<WebhookId>) {}
}

/// Why a file could not be kept or fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is no room: free some space and try again.
    #[error("the place that holds the files is full")]
    Full,
    /// It cannot be reached, or failed: try again later.
    #[error("the place that holds the files failed: {0}")]
    Unavailable(String),
}

/// Where photos and documents are kept, under names that the rules make: letters, digits, `.`, `-`, `_`
/// and `/`.
#[async_trait]
pub trait Files: Send + Sync + std::fmt::Debug {
    /// Keeps a file whole and durably before it answers; replaces one of the same name.
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), FileError>;
    async fn get(&self, name: &str) -> Result<Option<Bytes>, FileError>;
    /// Deletes a file; one that is not there is deleted already.
    async fn delete(&self, name: &str) -> Result<(), FileError>;
    /// Writes and reads something small: whether files can be kept now.
    async fn check(&self) -> Result<(), FileError>;
}

/// Why a photo is not taken, in words that say what to send instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PhotoRefused(pub String);

/// Reads photos.
#[async_trait]
pub trait Photos: Send + Sync + std::fmt::Debug {
    /// Reads the head of a photo: cheap, decodes nothing. Refuses what is no photo, is cut off, or has
    /// too many pixels.
    fn head(&self, bytes: &[u8]) -> Result<PhotoHead, PhotoRefused>;

    /// Decodes a photo and measures it, on threads that serve nobody else. Refuses what cannot be
    /// decoded.
    async fn examine(&self, bytes: Bytes) -> Result<Examined, PhotoRefused>;

    /// A smaller JPEG of a photo, upright and without metadata, whose longer edge has at most this many
    /// pixels; made on the same threads. Refuses what cannot be decoded.
    async fn smaller(&self, bytes: Bytes, edge_pixels: u32) -> Result<Picture, PhotoRefused>;

    /// Whether a file that may be anything is a picture, told by its content. Refuses a picture from which
    /// nothing can be taken away: a damaged one, or one of a format in which cameras write and that is not
    /// taken.
    fn is_picture(&self, bytes: &[u8]) -> Result<bool, PhotoRefused>;

    /// The same pictures without EXIF, XMP and comments, but upright as before; nothing is compressed
    /// again. What cannot be read comes back as `None`.
    fn without_metadata(&self, bytes: &Bytes) -> Option<Bytes>;
}

/// A JPEG with three colours, ready to stand in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width_pixels: u32,
    pub height_pixels: u32,
    pub jpeg: Bytes,
}

/// A sheet laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub pdf: Bytes,
    /// One page that holds its photos.
    pub html: Bytes,
}

/// Why a document was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DocumentFailed(pub String);

/// Writes documents, on threads that serve nobody else.
#[async_trait]
pub trait Documents: Send + Sync + std::fmt::Debug {
    /// Lays a sheet out, with the pictures of its photos; photos without one are said to be missing.
    async fn write(
        &self,
        sheet: Sheet,
        pictures: HashMap<ImageId, Picture>,
    ) -> Result<Written, DocumentFailed>;
}

/// Too many passwords wait to be looked at: try again in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many people are signing in at this moment; try again in a few seconds")]
pub struct PasswordsBusy;

/// Hashes passwords, slowly on purpose, a few at a time and where no request waits for it.
#[async_trait]
pub trait Passwords: Send + Sync + std::fmt::Debug {
    /// What is to be stored of a password.
    async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordsBusy>;

    /// Whether it is the password that was hashed. Without a hash it is not, and that takes as long to say.
    async fn matches(
        &self,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordsBusy>;
}

/// One signed request to an address that a company or the operator gave, outside of webhooks.
#[derive(Debug, Clone)]
pub struct Callback {
    pub url: String,
    /// The `webhook-id` header: the same for every try.
    pub id: String,
    pub body: Bytes,
    /// Without it the request goes unsigned.
    pub secret: Option<Secret>,
    /// Certificates of its own, and the key of its client certificate.
    pub tls: TlsSettings,
    pub client_key: Option<Secret>,
    /// Over everything; `None`: as long as a delivery may take.
    pub timeout: Option<Duration>,
}

/// Why a callback was not taken: what failed, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallbackFailed(pub String);

/// Makes callbacks: once each, guarded and limited like a delivery; anything but 2XX is a failure.
#[async_trait]
pub trait Callbacks: Send + Sync + std::fmt::Debug {
    /// Posts; answers the first bytes of the body that came with the 2XX.
    async fn post(&self, callback: Callback) -> Result<Bytes, CallbackFailed>;
}

/// Somebody who can read the certificates of a webhook.
pub trait TlsCheck: Send + Sync + std::fmt::Debug {
    /// Whether connections can be made with these.
    ///
    /// # Errors
    /// What is wrong, and what to send instead.
    fn check(&self, settings: &TlsSettings, client_key: Option<&Secret>) -> Result<(), TlsRefused>;
}

/// What is wrong with the certificates or the key of a webhook; the text is meant for whoever set them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsRefused(pub String);

/// Wakes whoever runs jobs. A hint: the stored job is the truth.
pub trait JobBell: Send + Sync + std::fmt::Debug {
    fn ring(&self);
}

/// Tells whoever listens of attempts that ended, after their outcomes were written. No call may block.
pub trait Announcer: Send + Sync + std::fmt::Debug {
    /// Whether anybody listens: if not, nothing is put together.
    fn is_heard(&self) -> bool;

    /// Deliveries whose last attempt has just ended, in the order in which they were written.
    fn announce(&self, ended: Vec<DeliveryRecord>);
}

/// Knows when a webhook has nothing better to do.
#[async_trait]
pub trait Lulls: Send + Sync + std::fmt::Debug {
    /// Waits, at most this long, until the webhook may be sent to, nothing fresh waits for it, and most of
    /// what was enqueued at low priority is on its way. `false`: it did not come to that.
    async fn lull(&self, webhook: WebhookId, wait: Duration) -> bool;
}

/// Makes ids that only ever grow, even when the clock steps back.
#[derive(Debug, Default)]
pub struct IdMaker {
    last_key: AtomicU64,
}

impl IdMaker {
    /// The next id: its time is `now`, or that of the id before when `now` lies earlier.
    pub fn next(&self, now: Timestamp, entropy: &dyn Entropy) -> Id {
        let [a, b, c, d, e, f, g, h] = random(entropy);
        let key = self.reserve(now, [a, b, c], 1);
        Id::from_parts(key, u32::from_be_bytes([d ^ h, e, f, g]))
    }

    /// The next ids, at most so many of them: none that is made elsewhere comes between them.
    pub fn next_row<'a>(
        &self,
        now: Timestamp,
        count: usize,
        entropy: &'a dyn Entropy,
    ) -> impl Iterator<Item = Id> + use<'a> {
        let count = u64::try_from(count).unwrap_or(u64::MAX >> 1).max(1);
        let first = self.reserve(now, random(entropy), count);
        (first..first.saturating_add(count))
            .map(|key| Id::from_parts(key, u32::from_be_bytes(random(entropy))))
    }

    /// Takes so many keys in a row; returns the first.
    fn reserve(&self, now: Timestamp, [a, b, c]: [u8; 3], count: u64) -> u64 {
        // A random start in each millisecond keeps two processes on one store apart.
        let start = Id::first_key_at(now) | u64::from(u32::from_be_bytes([0, a, b, c]) >> 4);
        let bump = |last: u64| start.max(last.wrapping_add(1));
        let mut last = self.last_key.load(Ordering::Relaxed);
        loop {
            let first = bump(last);
            match self.last_key.compare_exchange_weak(
                last,
                first.saturating_add(count - 1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return first,
                Err(seen) => last = seen,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn ids_grow_even_when_the_clock_steps_back() {
        let ids = IdMaker::default();
        let at = |ms| ids.next(Timestamp::from_millis(ms), &Zeros);
        let made = [at(1_000), at(1_000), at(400), at(1_001)];
        assert!(made.is_sorted_by(|a, b| a < b), "{made:?}");
    }

    #[test]
    fn ids_in_a_row_have_no_others_between_them() {
        let ids = IdMaker::default();
        let now = Timestamp::from_millis(1_000);
        let first = ids.next_row(now, 3, &Zeros);
        let later = ids.next(now, &Zeros);
        let second = ids.next_row(now, 2, &Zeros);
        let made: Vec<Id> = first.chain([later]).chain(second).collect();
        assert_eq!(made.len(), 6);
        assert!(made.is_sorted_by(|a, b| a < b), "{made:?}");
    }
}
