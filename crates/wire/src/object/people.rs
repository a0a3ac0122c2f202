//! Who an inspection is about, who made it, and how the consumer is reached.

use serde::{Deserialize, Serialize};

use super::lenient;
use super::values::{schema_of, words};
use crate::id::{CompanyId, MembershipId, UserId};

words! {
    /// A consumer's sex (contract 2.10). Read leniently in [`Consumer`]: the ISO 5218 numbers pass too.
    Sex {
        Male = "male",
        Female = "female",
        NotApplicable = "not_applicable",
    }
    /// How the consumer gets the magic link (contract 2.12).
    DeliveryChannel {
        Email = "email",
        Wsp = "wsp",
        Sms = "sms",
    }
}

/// The person who is inspected or insured; every field is optional (contract 2.10).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Consumer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The number of an identity document, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::sex"
    )]
    pub sex: Option<Sex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Consumer {
    /// Takes over each field that `other` has, keeping the others (contract 1.3, E14).
    pub fn merge(&mut self, other: Self) {
        fn take<T>(own: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *own = new;
            }
        }
        take(&mut self.first_name, other.first_name);
        take(&mut self.last_name, other.last_name);
        take(&mut self.identification, other.identification);
        take(&mut self.email, other.email);
        take(&mut self.phone, other.phone);
        take(&mut self.birthdate, other.birthdate);
        take(&mut self.sex, other.sex);
        take(&mut self.country, other.country);
        take(&mut self.state, other.state);
        take(&mut self.city, other.city);
        take(&mut self.address, other.address);
    }
}

/// Who made an inspection, in the documented key order (contract 2.11 and 3.2).
///
/// `inspection_created` and `children_inspection_created` carry the whole of it; the other events and the
/// retrieved inspection carry [`Producer::brief`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Producer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership_id: Option<MembershipId>,
    pub company_id: CompanyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The caller's own id of the producer, when one was given on create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_id: Option<String>,
}

impl Producer {
    /// `userId`, `companyId` and, when given, `internalId` (contract 2.11).
    #[must_use]
    pub fn brief(&self) -> Self {
        Self {
            user_id: self.user_id,
            company_id: self.company_id,
            internal_id: self.internal_id.clone(),
            ..Self::default()
        }
    }
}

/// The producer as a create request names it (contract 2.11 and U16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProducerRequest {
    /// The caller's own id of the producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_id: Option<String>,
    /// True refuses an `internalId` that belongs to no user of the company; otherwise the key's owner
    /// stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_match_user: Option<bool>,
}

/// Whether and how the consumer is sent the magic link (contract 2.12).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "DeliveryFields", into = "DeliveryFields")]
pub enum DeliveryPreference {
    /// Nothing is sent; the caller passes the link on. What a request without `delivery` means.
    #[default]
    Disabled,
    Enabled {
        channel: DeliveryChannel,
        /// An e-mail address or a telephone number.
        destination: String,
        /// The country of the telephone number; some clients leave it out.
        country_iso: Option<String>,
    },
}

/// A `delivery` object says neither that it is disabled nor where to send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("delivery needs `disabled: true`, or `channel` (email, wsp, sms) and `destination`")]
pub struct InvalidDelivery;

/// [`DeliveryPreference`] key by key.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
struct DeliveryFields {
    #[serde(default)]
    disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<DeliveryChannel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    #[serde(
        default,
        rename = "countryISO",
        skip_serializing_if = "Option::is_none"
    )]
    country_iso: Option<String>,
}

schema_of!(DeliveryPreference, DeliveryFields);

impl TryFrom<DeliveryFields> for DeliveryPreference {
    type Error = InvalidDelivery;

    fn try_from(fields: DeliveryFields) -> Result<Self, InvalidDelivery> {
        match fields {
            DeliveryFields { disabled: true, .. } => Ok(Self::Disabled),
            DeliveryFields {
                channel: Some(channel),
                destination: Some(destination),
                country_iso,
                ..
            } => Ok(Self::Enabled {
                channel,
                destination,
                country_iso,
            }),
            DeliveryFields { .. } => Err(InvalidDelivery),
        }
    }
}

impl From<DeliveryPreference> for DeliveryFields {
    fn from(preference: DeliveryPreference) -> Self {
        match preference {
            DeliveryPreference::Disabled => Self {
                disabled: true,
                channel: None,
                destination: None,
                country_iso: None,
            },
            DeliveryPreference::Enabled {
                channel,
                destination,
                country_iso,
            } => Self {
                disabled: false,
                channel: Some(channel),
                destination: Some(destination),
                country_iso,
            },
        }
    }
}
