//! Saying more about an inspection and its products (contract 1.3, E10, E11 and E14).

use serde::{Deserialize, Serialize};

use crate::object::{Consumer, InputValue, Metadata, ProductAttributes, object, objects};

/// Body of `PUT /v1/inspection/:id`: what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateInspectionRequest {
    /// Merged field by field.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Consumer>,
    /// Merged key by key.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Merged by identifier.
    #[serde(deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<InputValue>>,
}

/// Body of `POST /v1/inspection/goods/:id`: exactly one of the two (contract 1.3, E11).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct GoodsRequest {
    /// More goods; the id in the path is an inspection's.
    #[serde(deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
    pub goods: Option<Vec<ProductAttributes>>,
    /// More about one; the id in the path is a product's.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub good: Option<ProductAttributes>,
}
