//! Photos: tokens, uploads and what outside processors say of them (contract 1.3, E20 and E21, and 8).

use serde::{Deserialize, Serialize};

use crate::id::{ImageId, InspectionId, ProductId};
use crate::object::{Confidential, InspectionType, ProductAttributes, object, objects};
use crate::time::Timestamp;

/// Body of `POST /v1/inspection/image/token/:productId`, and the part `data` of an upload.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageRequest {
    /// What the photo shows: a side of the template, or anything else for an extra photo.
    #[serde(default)]
    pub side: Option<String>,
    /// Where it is taken.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub coordinates: Option<CoordinatesRequest>,
    /// When it was taken, where the photo itself does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// Repeats the id in the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Repeats the header `x-image-token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_token: Option<Confidential>,
}

/// A place as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CoordinatesRequest {
    /// Degrees, from -90 to 90.
    pub latitude: f64,
    /// Degrees, from -180 to 180.
    pub longitude: f64,
}

/// Answer to a request for an image token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageTokenAnswer {
    /// To be sent as `x-image-token`; good for one upload within 15 minutes.
    pub token: Confidential,
}

/// Body of `POST /v1/inspection/image/:imageId/result` (contract 8.2 "Image result").
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageResultRequest {
    #[serde(deserialize_with = "objects")]
    pub validations: Option<Vec<ImageResultValidation>>,
    #[serde(
        default,
        deserialize_with = "objects",
        skip_serializing_if = "Option::is_none"
    )]
    pub damages: Option<Vec<ImageResultDamage>>,
}

/// What an outside processor says of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageResultValidation {
    /// Its name, such as `plate`.
    #[serde(rename = "type")]
    pub kind: String,
    pub valid: bool,
    /// From 0 to 1.
    pub confidence: f64,
}

/// A damage that an outside processor saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageResultDamage {
    /// The damaged part, such as `frontBumper`.
    pub part: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// How much of the part is damaged, from 0 to 100.
    pub percentage: f64,
}

/// What Heraldo posts to an outside image processor, signed like a webhook. It answers 2XX at once, and the
/// result later at `POST /v1/inspection/image/:imageId/result`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessorRequest {
    /// The photo.
    #[serde(rename = "_id")]
    pub id: ImageId,
    pub inspection_id: InspectionId,
    pub inspection_type: InspectionType,
    pub product_id: ProductId,
    /// What was declared of the product.
    pub attributes: ProductAttributes,
    pub side: String,
    /// Where the photo can be fetched.
    pub src: String,
    /// What it is asked to say.
    pub validations: Vec<String>,
    /// Until then its answer counts.
    pub deadline: Timestamp,
}
