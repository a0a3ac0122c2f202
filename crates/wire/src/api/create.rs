//! Creating an inspection (contract 1.3, E2 to E9).

use serde::{Deserialize, Serialize};

use crate::id::{InspectionId, ProductId};
use crate::object::{
    Confidential, Consumer, DeliveryPreference, InitialStatus, InputValue, InspectionType,
    Metadata, ProducerRequest, ProductAttributes, object, objects,
};

/// Body of `POST /v1/inspection/<type>`. Only `templateId` is required (contract U3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateInspectionRequest {
    /// A template's id, or the alias of a built-in one for this type: `easy`, `deep`, `damage`,
    /// `full_control`.
    pub template_id: String,
    /// Without it nothing is sent to the consumer.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub delivery: Option<DeliveryPreference>,
    /// The language of what the consumer sees; `es_AR` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub consumer: Option<Consumer>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub producer: Option<ProducerRequest>,
    /// Values of the template's inputs.
    #[serde(
        default,
        deserialize_with = "objects",
        skip_serializing_if = "Option::is_none"
    )]
    pub inputs: Option<Vec<InputValue>>,
    /// Your own data, text to text; comes back in every event.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<Metadata>,
    /// `started` skips the access code; `created` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_status: Option<InitialStatus>,
    /// Where the consumer's browser goes afterwards; `inspectionId` is added to its query.
    #[serde(
        default,
        rename = "callbackURL",
        skip_serializing_if = "Option::is_none"
    )]
    pub callback_url: Option<String>,
    /// An OAuth access token; wins over `x-api-key` (contract 1.1).
    #[serde(
        default,
        rename = "access_token",
        skip_serializing_if = "Option::is_none"
    )]
    pub access_token: Option<Confidential>,
    /// What is declared of a car; read by `POST /v1/inspection/car` only, and so on for the others.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub car: Option<ProductAttributes>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub moto: Option<ProductAttributes>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub bike: Option<ProductAttributes>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub machinery: Option<ProductAttributes>,
    /// Any number of goods, none included.
    #[serde(
        default,
        deserialize_with = "objects",
        skip_serializing_if = "Option::is_none"
    )]
    pub goods: Option<Vec<ProductAttributes>>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub people: Option<ProductAttributes>,
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub cellphone: Option<ProductAttributes>,
}

impl CreateInspectionRequest {
    /// Takes out what is declared of the products of this type. All types but goods have exactly one
    /// product, whose attributes may be empty; goods have as many as were given.
    pub fn take_products(&mut self, kind: InspectionType) -> Vec<ProductAttributes> {
        let single = match kind {
            InspectionType::Goods => return self.goods.take().unwrap_or_default(),
            InspectionType::Car => self.car.take(),
            InspectionType::Moto => self.moto.take(),
            InspectionType::Bike => self.bike.take(),
            InspectionType::Machinery => self.machinery.take(),
            InspectionType::People => self.people.take(),
            InspectionType::Cellphone => self.cellphone.take(),
            InspectionType::Custom => None,
        };
        vec![single.unwrap_or_default()]
    }
}

/// Answer to a create, 201; also to adding goods and to making a child inspection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateInspectionAnswer {
    pub message: String,
    pub inspection_id: InspectionId,
    /// The consumer's link, with the access code in it.
    pub magic_link: String,
    /// The id under which photos are uploaded; for people and custom it names that section. Absent for
    /// goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Only for goods, in the order of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_ids: Option<Vec<ProductId>>,
}
