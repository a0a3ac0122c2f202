//! Webhooks (the configured endpoints), their secrets and their settings.

use std::time::Duration;

use heraldo_wire::api::{DisableAfter, Ordering, WebhookHeaders, WebhookStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::signature::{PublicKey, Secret, SigningKey};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::health::DisablePolicy;
use crate::life::Life;
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
    pub life: Life,
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
    pub ordering: Option<Ordering>,
    pub retry_waits: Option<Vec<Duration>>,
    /// What is tried again; no name twice.
    pub retry_events: Option<Vec<EventType>>,
    pub timeout_ms: Option<u64>,
    pub concurrency: Option<u32>,
    /// Attempts that may be sent in one second.
    pub rate_per_second: Option<u32>,
    /// When it recovers, what waits for a retry is sent at once.
    #[serde(default)]
    pub retry_on_recovery: Option<bool>,
    #[serde(default)]
    pub disable_after: Option<DisableAfter>,
    #[serde(default)]
    pub disable_attempts_min: Option<u32>,
    #[serde(default)]
    pub tls: TlsSettings,
}

/// What a webhook sets for its TLS connections, in PEM. The key of its certificate is among its
/// [`Secrets`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsSettings {
    /// The authorities that its receiver's certificate may be signed by, instead of the server's.
    pub ca: Option<String>,
    /// What is shown to a receiver that asks who calls, with the certificates that vouch for it.
    pub client_certificate: Option<String>,
}

/// What holds for a webhook that does not say otherwise: the server's settings. How many attempts may be
/// under way at once is among the dispatcher's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    pub retry: RetryPolicy,
    /// Over everything: resolve, connect, TLS, head and body (contract U4: 15 s).
    pub timeout: Duration,
    /// Attempts under way at once for one webhook.
    pub concurrency: u32,
    /// `None`: as many as can be.
    pub rate_per_second: Option<u32>,
    pub ordering: Ordering,
    /// Sent with every delivery; a webhook's own of the same name win.
    pub headers: WebhookHeaders,
    pub retry_on_recovery: bool,
    pub disable: DisablePolicy,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            timeout: Duration::from_secs(15),
            concurrency: 32,
            rate_per_second: None,
            ordering: Ordering::Inspection,
            headers: WebhookHeaders::new(),
            retry_on_recovery: false,
            disable: DisablePolicy::default(),
        }
    }
}

impl Webhook {
    /// The retry policy in force: the webhook's own parts over the server's.
    #[must_use]
    pub fn retry_policy(&self, server: &Defaults) -> RetryPolicy {
        let own = &self.settings;
        let retry = &server.retry;
        RetryPolicy {
            waits: own
                .retry_waits
                .clone()
                .unwrap_or_else(|| retry.waits.clone()),
            retried: own
                .retry_events
                .clone()
                .unwrap_or_else(|| retry.retried.clone()),
            retry_after_max: retry.retry_after_max,
        }
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn timeout(&self, server: &Defaults) -> Duration {
        self.settings
            .timeout_ms
            .map_or(server.timeout, Duration::from_millis)
    }

    /// How many attempts may be under way at once.
    #[must_use]
    pub fn concurrency(&self, server: &Defaults) -> u32 {
        self.settings.concurrency.unwrap_or(server.concurrency)
    }

    /// How many attempts may be sent in one second; `None`: as many as can be.
    #[must_use]
    pub fn rate_per_second(&self, server: &Defaults) -> Option<u32> {
        self.settings.rate_per_second.or(server.rate_per_second)
    }

    /// The order that its deliveries keep.
    #[must_use]
    pub fn ordering(&self, server: &Defaults) -> Ordering {
        self.settings.ordering.unwrap_or(server.ordering)
    }

    /// Whether what waits for a retry is sent at once when it recovers.
    #[must_use]
    pub fn retry_on_recovery(&self, server: &Defaults) -> bool {
        self.settings
            .retry_on_recovery
            .unwrap_or(server.retry_on_recovery)
    }

    /// When it is disabled because it takes nothing.
    #[must_use]
    pub fn disable_policy(&self, server: &Defaults) -> DisablePolicy {
        let own = &self.settings;
        DisablePolicy {
            after: match own.disable_after {
                None => server.disable.after,
                Some(DisableAfter::Never) => None,
                Some(DisableAfter::After(time)) => Some(time.0),
            },
            attempts_min: own
                .disable_attempts_min
                .unwrap_or(server.disable.attempts_min),
        }
    }

    /// The headers that it adds: the server's first, each name once, case aside.
    pub fn headers<'a>(&'a self, server: &'a Defaults) -> impl Iterator<Item = (&'a str, &'a str)> {
        let own = &self.settings.headers;
        let server = server
            .headers
            .iter()
            .filter(|(name, _)| !own.keys().any(|own| own.eq_ignore_ascii_case(name)));
        server
            .chain(own)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The secret in force and, during an overlap, the one before it (contract 8.2 "Rotation").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    pub current: Secret,
    /// The private key (PEM) of the webhook's client certificate.
    pub client_key: Option<Secret>,
    /// Signs beside the secret, when the webhook has one; rotates with it.
    pub signing_key: Option<SigningKey>,
    pub created_at: Timestamp,
    pub previous: Option<PreviousSecret>,
}

/// A secret that stays valid for a while beside its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    pub secret: Secret,
    pub signing_key: Option<SigningKey>,
    pub valid_until: Timestamp,
}

impl Secrets {
    #[must_use]
    pub fn new(secret: Secret, now: Timestamp) -> Self {
        Self {
            current: secret,
            client_key: None,
            signing_key: None,
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

    /// The keys that a receiver verifies `v1a` with, newest first, each with the end of its time.
    pub fn public_keys(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (PublicKey, Option<Timestamp>)> {
        let current = self.signing_key.as_ref().map(|key| (key, None));
        let previous = self.previous_at(now).and_then(|previous| {
            let key = previous.signing_key.as_ref()?;
            Some((key, Some(previous.valid_until)))
        });
        current
            .into_iter()
            .chain(previous)
            .map(|(key, until)| (key.public_key(), until))
    }

    /// Gives the webhook a pair of keys, unless it has one, or takes what it has.
    pub fn sign_asymmetrically(&mut self, wanted: bool, fresh: SigningKey) {
        if wanted {
            self.signing_key.get_or_insert(fresh);
        } else {
            self.signing_key = None;
            if let Some(previous) = &mut self.previous {
                previous.signing_key = None;
            }
        }
    }

    /// Puts `secret` in force, and `fresh` for a webhook that has a pair of keys. With an overlap what was
    /// before stays valid beside it; at most two are valid, so rotating during an overlap ends the oldest at
    /// once.
    #[must_use]
    pub fn rotate(
        &self,
        secret: Secret,
        fresh: SigningKey,
        overlap: Duration,
        now: Timestamp,
    ) -> Self {
        let previous = (!overlap.is_zero()).then(|| PreviousSecret {
            secret: self.current.clone(),
            signing_key: self.signing_key.clone(),
            valid_until: now.plus(overlap),
        });
        Self {
            current: secret,
            client_key: self.client_key.clone(),
            signing_key: self.signing_key.as_ref().map(|_| fresh),
            created_at: now,
            previous,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
