//! Webhooks (the configured endpoints), their secrets and their settings.

use std::time::Duration;

use heraldo_wire::api::{Ordering, WebhookHeaders, WebhookStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::retry::RetryPolicy;

/// A configured endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub company_id: CompanyId,
    /// Grows by one with each change; a change names the version it was decided on.
    pub version: u64,
    pub settings: WebhookSettings,
    pub secrets: Secrets,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What its owner can set. `None` means the server's default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    pub endpoint: String,
    /// Not empty, no name twice.
    pub events: Vec<EventType>,
    pub description: Option<String>,
    pub status: WebhookStatus,
    /// Extra request headers.
    pub headers: WebhookHeaders,
    pub ordering: Ordering,
    pub retry_waits: Option<Vec<Duration>>,
    pub retry_events: Option<Vec<EventType>>,
    pub timeout_ms: Option<u64>,
    pub concurrency: Option<u32>,
}

impl Webhook {
    /// The retry policy in force: the webhook's own parts over the server's.
    #[must_use]
    pub fn retry_policy(&self, server: &RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            waits: self
                .settings
                .retry_waits
                .clone()
                .unwrap_or_else(|| server.waits.clone()),
            retried: self
                .settings
                .retry_events
                .clone()
                .unwrap_or_else(|| server.retried.clone()),
        }
    }
}

/// The secret in force and, during an overlap, the one before it (contract 8.2 "Rotation").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    pub current: Secret,
    pub created_at: Timestamp,
    pub previous: Option<PreviousSecret>,
}

/// A secret that stays valid for a while beside its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    pub secret: Secret,
    pub valid_until: Timestamp,
}

impl Secrets {
    #[must_use]
    pub fn new(secret: Secret, now: Timestamp) -> Self {
        Self {
            current: secret,
            created_at: now,
            previous: None,
        }
    }

    /// The previous secret, while it is still valid.
    #[must_use]
    pub fn previous_at(&self, now: Timestamp) -> Option<&PreviousSecret> {
        self.previous
            .as_ref()
            .filter(|previous| now < previous.valid_until)
    }

    /// The secret that `autoinspector-signature` is made with: the OLD one until its overlap ends,
    /// because the SDK compares one value.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> &Secret {
        self.previous_at(now)
            .map_or(&self.current, |previous| &previous.secret)
    }

    /// Every valid secret, newest first: what `webhook-signature` carries.
    pub fn valid(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.current).chain(self.previous_at(now).map(|previous| &previous.secret))
    }

    /// Puts `secret` in force. With an overlap the one before stays valid beside it; at most two are
    /// valid, so rotating during an overlap ends the oldest at once.
    #[must_use]
    pub fn rotate(&self, secret: Secret, overlap: Duration, now: Timestamp) -> Self {
        let previous = (!overlap.is_zero()).then(|| PreviousSecret {
            secret: self.current.clone(),
            valid_until: now.plus(overlap),
        });
        Self {
            current: secret,
            created_at: now,
            previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn secret(byte: u8) -> Secret {
        Secret::from_random([byte; 32])
    }

    #[test]
    fn rotating_without_an_overlap_ends_the_old_secret_at_once() {
        let rotated = Secrets::new(secret(1), NOW).rotate(secret(2), Duration::ZERO, NOW);
        assert_eq!(rotated.signing(NOW), &secret(2));
        assert_eq!(rotated.valid(NOW).count(), 1);
    }

    #[test]
    fn during_an_overlap_the_old_secret_signs_and_both_are_valid() {
        let hour = Duration::from_secs(3_600);
        let rotated = Secrets::new(secret(1), NOW).rotate(secret(2), hour, NOW);
        assert_eq!(rotated.signing(NOW), &secret(1));
        assert_eq!(
            rotated.valid(NOW).collect::<Vec<_>>(),
            [&secret(2), &secret(1)]
        );
        let after = NOW.plus(hour);
        assert_eq!(rotated.signing(after), &secret(2));
        assert_eq!(rotated.valid(after).count(), 1);
    }

    #[test]
    fn rotating_during_an_overlap_ends_the_oldest() {
        let hour = Duration::from_secs(3_600);
        let twice = Secrets::new(secret(1), NOW)
            .rotate(secret(2), hour, NOW)
            .rotate(secret(3), hour, NOW);
        assert_eq!(
            twice.valid(NOW).collect::<Vec<_>>(),
            [&secret(3), &secret(2)]
        );
    }
}
