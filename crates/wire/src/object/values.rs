//! Words from closed lists, open maps, and the head of a template.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use zeroize::Zeroize;

use crate::id::TemplateId;

/// The text is none of a closed list of words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not known; use one of {known}")]
pub struct UnknownWord {
    given: String,
    known: String,
}

impl UnknownWord {
    /// Quotes at most 40 characters of what was given, so that an answer never echoes a whole body.
    pub(crate) fn new(given: &str, known: &[&str]) -> Self {
        Self {
            given: given.chars().take(40).collect(),
            known: known.join(", "),
        }
    }
}

/// Writes one enum whose variants are words on the wire, with its list, its text and its parser. The words
/// are `tt`, because the derive of the API description does not look into a `literal`.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:tt,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::object::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::object::UnknownWord::new(text, &[$($word,)+])),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::object::word(deserializer)
            }
        }
    )+};
}

pub(crate) use words;

/// Reads a word of a closed list from a text. A derived reader would take `{"word": null}` as well.
pub(crate) fn word<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = UnknownWord>,
{
    struct Reader<T>(PhantomData<T>);

    impl<T: FromStr<Err = UnknownWord>> Visitor<'_> for Reader<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Reader(PhantomData))
}

/// Gives a type the schema of the private struct that spells out its keys.
macro_rules! schema_of {
    ($public:ty, $fields:ty) => {
        impl utoipa::PartialSchema for $public {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                <$fields as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::ToSchema for $public {
            fn schemas(
                schemas: &mut Vec<(
                    String,
                    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
                )>,
            ) {
                <$fields as utoipa::ToSchema>::schemas(schemas);
            }
        }
    };
}

pub(crate) use schema_of;

words! {
    /// What is inspected (contract 2.1); also the last part of the path that creates it.
    InspectionType {
        Car = "car",
        Moto = "moto",
        Bike = "bike",
        Machinery = "machinery",
        Goods = "goods",
        People = "people",
        Custom = "custom",
        Cellphone = "cellphone",
    }
    /// Where an inspection stands (contract 5.1).
    InspectionStatus {
        Created = "created",
        Started = "started",
        Processing = "processing",
        Completed = "completed",
        Blocked = "blocked",
    }
    /// The result of an inspection; the wire spells it `veredict` (contract 2 and 5.1).
    Veredict {
        Approved = "approved",
        Disapproved = "disapproved",
        /// Before the end.
        NotDefined = "not_defined",
        /// Ended with nothing to judge.
        NotProvided = "not_provided",
    }
    /// Who ended an inspection (contract 5.1).
    CompletedBy {
        Client = "client",
        Expiration = "expiration",
    }
    /// Why an inspection is blocked (contract 3.7).
    BlockedReason {
        Expired = "expired",
        /// Too many wrong access codes.
        MaxAttempts = "max_attempts",
    }
    /// The part of an inspection that a photo belongs to (contract 3.5).
    ImageTarget {
        Product = "product",
        Identity = "identity",
        Custom = "custom",
    }
    /// The status in which an inspection may be created (contract 1.3, E2).
    InitialStatus {
        Created = "created",
        Started = "started",
    }
    /// Where a template comes from (contract 2.9).
    TemplateType {
        BuiltIn = "built-in",
        Created = "created",
    }
}

impl From<InitialStatus> for InspectionStatus {
    fn from(status: InitialStatus) -> Self {
        match status {
            InitialStatus::Created => Self::Created,
            InitialStatus::Started => Self::Started,
        }
    }
}

/// What inspections and events show of a template, in the documented key order (contract 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateHead {
    /// The template's name; for a built-in one, its alias.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: TemplateType,
    #[serde(rename = "_id")]
    pub id: TemplateId,
}

/// The caller's own data, string to string, in the order given; comes back untouched in every event
/// (contract 2.15). At most 100 entries, each of 2,048 bytes, and all together 65,536 bytes as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = std::collections::HashMap<String, String>)]
pub struct Metadata(pub IndexMap<String, String>);

impl Metadata {
    /// Sets each key of `other`, keeping the keys that it does not name (contract 1.3, E14).
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

/// The declared attributes of a product (contract 2.3): an open object whose values are stored as given,
/// so that a `year` stays the text or the number it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = std::collections::HashMap<String, Value>)]
pub struct ProductAttributes(pub IndexMap<String, Value>);

impl ProductAttributes {
    /// The plate of a vehicle, when one was declared as text.
    #[must_use]
    pub fn plate(&self) -> Option<&str> {
        self.0.get("plate").and_then(Value::as_str)
    }

    /// Sets each attribute of `other`, keeping those that it does not name (contract 1.3, E10).
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for ProductAttributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

/// A text that `Debug` never shows and that is wiped when dropped: API keys, access codes and tokens.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Confidential(String);

impl Confidential {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confidential(…)")
    }
}

impl FromStr for Confidential {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl Drop for Confidential {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
