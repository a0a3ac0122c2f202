//! Webhooks and their secrets (contract 1.3, E1, and 8).

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Patch;
use crate::event::{DisabledReason, EventType};
use crate::id::{DeliveryId, EventId, WebhookId};
use crate::object::{Confidential, Object, object, words};
use crate::signature::{PublicKey, Secret, reveal_secret};
use crate::time::{HumanDuration, InvalidDuration, Timestamp};

words! {
    /// Whether a webhook gets events.
    WebhookStatus {
        Enabled = "enabled",
        /// Deliveries are made and wait until it is enabled again.
        Paused = "paused",
        /// No deliveries are made.
        Disabled = "disabled",
    }
    /// What order a webhook's deliveries keep (contract 8.2, "Deliveries").
    Ordering {
        /// Within one inspection, a first attempt starts after the first attempt of the event before it has
        /// ended.
        Inspection = "inspection",
        /// Within one inspection, the next event waits until the one before is delivered or given up.
        Strict = "strict",
        /// None: every delivery starts as soon as it can.
        None = "none",
    }
}

/// After how long of nothing but failures a webhook is disabled: a length of time, or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisableAfter {
    Never,
    After(HumanDuration),
}

impl FromStr for DisableAfter {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        match text {
            "never" => Ok(Self::Never),
            _ => text.parse().map(Self::After),
        }
    }
}

impl fmt::Display for DisableAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::After(time) => time.fmt(f),
        }
    }
}

impl Serialize for DisableAfter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DisableAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let refuse = |error| serde::de::Error::custom(format!("{error}, or `never`"));
        text.parse().map_err(refuse)
    }
}

impl utoipa::PartialSchema for DisableAfter {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("`never`, or a length of time: `12h`, `5d`."))
            .examples(["5d"])
            .into()
    }
}

impl utoipa::ToSchema for DisableAfter {}

/// Headers that a webhook adds to its deliveries, name to value.
pub type WebhookHeaders = IndexMap<String, String>;

/// Body of `POST /v1/notification/webhook`; only `events` and `endpoint` are required.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateWebhookRequest {
    /// At least one of the events. Kept as text here; see [`EventType::parse_list`].
    #[schema(value_type = Vec<EventType>)]
    pub events: Vec<String>,
    /// An `http` or `https` URL.
    pub endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `enabled` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WebhookStatus>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    pub headers: Option<WebhookHeaders>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordering: Option<Ordering>,
    /// The waits between attempts; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_schedule: Option<Vec<HumanDuration>>,
    /// The events whose failed deliveries are tried again, the others are sent once; the server's without it.
    /// Kept as text here; see [`EventType::parse_retried`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<EventType>>)]
    pub retry_events: Option<Vec<String>>,
    /// How long one attempt may take, in milliseconds; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How many attempts may run at once; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// How many attempts may be sent in any one second; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<u32>,
    /// Whether `webhook-signature` also carries an Ed25519 signature (`v1a`); false without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asymmetric_signature: Option<bool>,
    /// When the webhook was failing and takes something again, what waits for a retry is sent at once, at its
    /// own rate, instead of at its time; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_on_recovery: Option<bool>,
    /// After how long of nothing but failures it is disabled; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_after: Option<DisableAfter>,
    /// How many attempts it takes at least to disable it so; the server's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_attempts_min: Option<u32>,
    /// True: the receiver must echo a random token before the webhook is created. The server may demand it of
    /// all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<bool>,
    /// Certificates of the webhook's own, for an https endpoint.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub tls: Option<TlsRequest>,
}

/// Certificates of a webhook, each in PEM and at most 32 KiB. What is absent stays as it is; null removes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsRequest {
    /// The authorities that the receiver's certificate may be signed by, instead of the public ones.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<String>)]
    pub ca: Patch<String>,
    /// What is shown to a receiver that asks for a client certificate, with its intermediate ones.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<String>)]
    pub client_certificate: Patch<String>,
    /// Its private key, without a passphrase. Kept sealed and never shown again.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<String>)]
    pub client_key: Patch<Confidential>,
}

/// The certificates of a webhook as they are read: the private key is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsShown {
    pub ca: Option<String>,
    pub client_certificate: Option<String>,
}

/// Answer to a create, 201. The secret is not in it (contract 1.3, E1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateWebhookAnswer {
    #[serde(rename = "_id")]
    pub id: WebhookId,
}

/// Body of `PATCH /v1/notification/webhook/:id`. What is absent stays as it is; null resets a field to the
/// server's default, where it has one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateWebhookRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// At least one of the events. Kept as text here; see [`EventType::parse_list`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<EventType>>)]
    pub events: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<String>)]
    pub description: Patch<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<WebhookStatus>,
    /// Replaces all headers; null removes them.
    #[serde(
        deserialize_with = "read_headers",
        skip_serializing_if = "Patch::is_absent"
    )]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    pub headers: Patch<WebhookHeaders>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<Ordering>)]
    pub ordering: Patch<Ordering>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<Vec<HumanDuration>>)]
    pub retry_schedule: Patch<Vec<HumanDuration>>,
    /// The events whose failed deliveries are tried again; none of them: each event is sent once.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<Vec<EventType>>)]
    pub retry_events: Patch<Vec<String>>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<u64>)]
    pub timeout_ms: Patch<u64>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<u32>)]
    pub concurrency: Patch<u32>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<u32>)]
    pub rate_per_second: Patch<u32>,
    /// False and null take the pair of keys away; true makes a new one, unless there is one.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<bool>)]
    pub asymmetric_signature: Patch<bool>,
    /// Changes what it names; null removes all of it.
    #[serde(
        deserialize_with = "read_tls",
        skip_serializing_if = "Patch::is_absent"
    )]
    #[schema(value_type = Option<TlsRequest>)]
    pub tls: Patch<TlsRequest>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<bool>)]
    pub retry_on_recovery: Patch<bool>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<DisableAfter>)]
    pub disable_after: Patch<DisableAfter>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    #[schema(value_type = Option<u32>)]
    pub disable_attempts_min: Patch<u32>,
    /// True: the receiver must echo a random token before the change is made. The server may demand it of
    /// every new endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<bool>,
}

/// A webhook as it is read. Null means the server's default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    #[serde(rename = "_id")]
    pub id: WebhookId,
    pub endpoint: String,
    pub events: Vec<EventType>,
    pub description: Option<String>,
    pub status: WebhookStatus,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub headers: WebhookHeaders,
    pub ordering: Ordering,
    /// The waits between attempts.
    pub retry_schedule: Option<Vec<HumanDuration>>,
    /// The events whose failed deliveries are tried again.
    pub retry_events: Option<Vec<EventType>>,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How many attempts may run at once.
    pub concurrency: Option<u32>,
    /// How many attempts may be sent in any one second.
    pub rate_per_second: Option<u32>,
    /// Whether `webhook-signature` also carries an Ed25519 signature (`v1a`).
    pub asymmetric_signature: bool,
    /// Certificates of the webhook's own; null when it has none.
    pub tls: Option<TlsShown>,
    /// When it recovers, what waits for a retry is sent at once.
    pub retry_on_recovery: Option<bool>,
    /// After how long of nothing but failures it is disabled.
    pub disable_after: Option<DisableAfter>,
    /// How many attempts it takes at least to disable it so.
    pub disable_attempts_min: Option<u32>,
    /// Since when every attempt has failed; null while it is well.
    pub failing_since: Option<Timestamp>,
    /// Null unless it is disabled, as the two that follow.
    pub disabled_at: Option<Timestamp>,
    pub disabled_reason: Option<DisabledReason>,
    /// The reason in words, with what to do.
    pub disabled_detail: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Answer of `GET /v1/notification/webhook/:id/secret` (contract 8.2, "Rotation").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretAnswer {
    /// The newest secret.
    #[serde(serialize_with = "reveal_secret", deserialize_with = "read_secret")]
    #[schema(value_type = String, examples("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))]
    pub secret: Secret,
    pub created_at: Timestamp,
    /// When the secret before it stops being valid; null when none is.
    pub previous_valid_until: Option<Timestamp>,
}

/// Body of `POST /v1/notification/webhook/:id/secret/rotate`; may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RotateSecretRequest {
    /// How long the old secret stays valid; 0, and so without it, ends it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_seconds: Option<u64>,
}

/// Answer to a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateSecretAnswer {
    /// The new secret.
    #[serde(serialize_with = "reveal_secret", deserialize_with = "read_secret")]
    #[schema(value_type = String, examples("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))]
    pub secret: Secret,
    /// When the old one stops being valid; null when it already has.
    pub previous_valid_until: Option<Timestamp>,
}

/// Answer of `GET /v1/notification/webhook/:id/public-key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicKeysAnswer {
    /// Newest first; during the overlap of a rotation the one before too.
    pub data: Vec<PublicKeyShown>,
}

/// A key that verifies the `v1a` signatures of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicKeyShown {
    /// `whpk_` and the base64 of the 32 bytes of an Ed25519 key.
    #[schema(value_type = String, examples("whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq7+vnuSQh7qaRRG0iw="))]
    pub public_key: PublicKey,
    /// When it stops being used; null for the newest.
    pub valid_until: Option<Timestamp>,
}

/// Body of `POST /v1/notification/webhook/:id/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestWebhookRequest {
    /// One of the events. Kept as text here, so that an unknown name gets its own problem code.
    #[schema(value_type = EventType)]
    pub event: String,
}

/// Answer to a test: where to look up how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestWebhookAnswer {
    pub event_id: EventId,
    pub delivery_id: DeliveryId,
}

fn read_headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Patch<WebhookHeaders>, D::Error> {
    let given = Patch::<Object<WebhookHeaders>>::deserialize(deserializer)?;
    Ok(given.map(|Object(headers)| headers))
}

fn read_tls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Patch<TlsRequest>, D::Error> {
    let given = Patch::<Object<TlsRequest>>::deserialize(deserializer)?;
    Ok(given.map(|Object(tls)| tls))
}

fn read_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    Secret::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
