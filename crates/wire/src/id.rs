//! Identifiers: 24 hex digits, ordered by the time they were made.
//!
//! The first 4 bytes are seconds since the epoch (what tools written for ObjectIds read), then 10 bits
//! of milliseconds, 22 bits of counter and 32 random bits. The first 8 bytes alone ([`Id::key`]) are
//! unique within one maker, which lets an engine use them as a 64-bit primary key.

use std::fmt;
use std::str::FromStr;

use crate::time::Timestamp;

/// Twelve bytes, shown as 24 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id([u8; 12]);

/// The text is not 24 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 24 hex digits")]
pub struct InvalidId;

impl Id {
    /// The id with exactly these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// Joins a 64-bit key (see [`Id::key`]) and its 32-bit tail.
    #[must_use]
    pub fn from_parts(key: u64, tail: u32) -> Self {
        let mut bytes = [0; 12];
        let (head, rest) = bytes.split_at_mut(8);
        head.copy_from_slice(&key.to_be_bytes());
        rest.copy_from_slice(&tail.to_be_bytes());
        Self(bytes)
    }

    /// The smallest key that an id made at `at` can have.
    #[must_use]
    pub fn first_key_at(at: Timestamp) -> u64 {
        let ms = u64::try_from(at.as_millis()).unwrap_or(0);
        ((ms / 1000) << 32) | ((ms % 1000) << 22)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The first 8 bytes: time-ordered, and unique among the ids of one maker.
    #[must_use]
    pub fn key(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The last 4 bytes: random.
    #[must_use]
    pub fn tail(&self) -> u32 {
        let [.., a, b, c, d] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// When the id was made, to the millisecond. Meaningless for ids made elsewhere.
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        let key = self.key();
        let ms = (key >> 32) * 1000 + ((key >> 22) & 0x3ff);
        Timestamp::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 24];
        // A buffer of twice the length never fails to encode.
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; 12];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidId)?;
        Ok(Self(bytes))
    }
}

/// Writes one newtype per kind of thing, so that an inspection's id never passes for a webhook's.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub Id);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix).ok_or(InvalidId)?.parse().map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "[0-9a-f]{24}$")))
                    .examples([concat!($prefix, "651ae032ff786d198dfa4ce4")])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

ids! {
    /// A company: the owner of everything else.
    CompanyId = "";
    /// A person with access to Heraldo.
    UserId = "";
    /// A person's place in one company.
    MembershipId = "";
    /// An API key (its name, not its text).
    ApiKeyId = "";
    /// A configured endpoint.
    WebhookId = "";
    InspectionId = "";
    /// A product, or the identity or custom section, of an inspection.
    ProductId = "";
    TemplateId = "";
    /// A template as it was when it was saved.
    TemplateRevisionId = "";
    /// A photo of an inspection.
    ImageId = "";
    /// One validation of one photo.
    ValidationId = "";
    /// One photo, check, input or feature of a template.
    TemplatePartId = "";
    /// An event; the `webhook-id` of all its deliveries (contract 8.2).
    EventId = "evt_";
    DeliveryId = "";
    AttemptId = "";
    AuditEntryId = "";
    /// A piece of work that is done after its commit.
    JobId = "";
    /// A recovery of a webhook's time range.
    RecoveryId = "";
    /// A count of what a recovery would send.
    RecoverCountId = "";
    /// A request for a report.
    ReportId = "";
    /// An OAuth application; its `client_app_id`.
    OauthAppId = "";
    /// A user's connection with an OAuth application.
    OauthConnectionId = "";
    /// Somebody who was asked into a company.
    InvitationId = "";
    /// A file given as an input's value.
    FileId = "";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_its_parts() {
        let text = "651ae032ff786d198dfa4ce4";
        let id: Id = text.parse().expect("a documented id");
        assert_eq!(id.to_string(), text);
        assert_eq!(Id::from_parts(id.key(), id.tail()), id);
    }

    #[test]
    fn ids_order_by_time() {
        let at = |ms| Id::from_parts(Id::first_key_at(Timestamp::from_millis(ms)), u32::MAX);
        assert!(at(1_000) < at(1_001));
        assert!(at(1_999) < at(2_000));
        assert_eq!(at(1_234_567).made_at(), Timestamp::from_millis(1_234_567));
    }

    #[test]
    fn an_event_id_has_its_prefix_and_needs_it() {
        let id: EventId = "evt_651ae032ff786d198dfa4ce4".parse().expect("an event id");
        assert_eq!(id.to_string(), "evt_651ae032ff786d198dfa4ce4");
        assert_eq!(
            "651ae032ff786d198dfa4ce4".parse::<EventId>(),
            Err(InvalidId)
        );
        assert_eq!("evt_651ae032".parse::<EventId>(), Err(InvalidId));
    }
}
