//! The consumer's access code, a reviewer's changes, and children of expired inspections
//! (contract 8.2).

use serde::{Deserialize, Serialize};

use crate::id::ImageId;
use crate::object::{
    Confidential, DeliveryPreference, InspectionStatus, Metadata, Veredict, object, objects, words,
};

/// Body of `POST /v1/inspection/:id/access`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequest {
    /// The four digits of the magic link.
    pub access_code: Confidential,
}

/// Answer to a right access code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccessAnswer {
    /// `started`.
    pub status: InspectionStatus,
}

words! {
    /// A result that a reviewer may set (contract 5.5).
    ReviewVeredict {
        Approved = "approved",
        Disapproved = "disapproved",
    }
}

impl From<ReviewVeredict> for Veredict {
    fn from(veredict: ReviewVeredict) -> Self {
        match veredict {
            ReviewVeredict::Approved => Self::Approved,
            ReviewVeredict::Disapproved => Self::Disapproved,
        }
    }
}

/// Body of `POST /v1/inspection/:id/review`: either `veredict` or `images`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewRequest {
    /// The new result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veredict: Option<ReviewVeredict>,
    /// Photos to approve or disapprove; the result is computed again.
    #[serde(
        default,
        deserialize_with = "objects",
        skip_serializing_if = "Option::is_none"
    )]
    pub images: Option<Vec<ImageReview>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A reviewer's word on one photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageReview {
    #[serde(rename = "_id")]
    pub id: ImageId,
    pub approved: bool,
}

/// Answer to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewAnswer {
    pub message: String,
    /// The result as it now is.
    pub veredict: Veredict,
}

/// Body of `POST /v1/inspection/:id/children`; may be empty. The answer is that of a create.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChildrenRequest {
    /// Merged over the parent's, key by key.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<Metadata>,
    /// Instead of the parent's.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub delivery: Option<DeliveryPreference>,
}
