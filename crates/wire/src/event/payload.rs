//! The payloads of the events about a whole inspection (contract 3.2 to 3.4 and 3.7 to 3.9).

use serde::{Deserialize, Serialize};

use crate::id::InspectionId;
use crate::object::{
    BlockedReason, CompletedBy, Identity, InspectionStatus, InspectionType, Metadata, Producer,
    Product, Section, TemplateHead, Veredict,
};

/// What these payloads begin with, in the documented key order (contract 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EventHead)]
pub struct Head {
    #[serde(rename = "_id")]
    pub id: InspectionId,
    pub status: InspectionStatus,
    /// Only in `inspection_completed` and `inspection_reviewed`; it stands here because the documented
    /// example has it between `status` and `producer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veredict: Option<Veredict>,
    /// Whole in the two created events, [`Producer::brief`] in the others.
    pub producer: Producer,
    #[serde(rename = "type")]
    pub kind: InspectionType,
    pub metadata: Metadata,
    /// True for inspections made with a test key (contract U17).
    pub testing: bool,
    pub template: TemplateHead,
}

/// Payload of `inspection_created` (contract 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionCreated {
    #[serde(flatten)]
    pub head: Head,
    /// The consumer's link, with the access code in it.
    pub magic_link: String,
}

/// Payload of `children_inspection_created`: that of `inspection_created` for the new inspection, and its
/// parent (contract 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChildrenInspectionCreated {
    #[serde(flatten)]
    pub head: Head,
    /// The consumer's link, with the access code in it.
    pub magic_link: String,
    /// The expired inspection that it was made from.
    pub parent_inspection_id: InspectionId,
}

/// Payload of `inspection_started` (contract 3.4): no link, the code is spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InspectionStarted {
    #[serde(flatten)]
    pub head: Head,
}

/// Payload of `inspection_blocked` (contract 3.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionBlocked {
    #[serde(flatten)]
    pub head: Head,
    pub blocked_reason: BlockedReason,
}

/// Payload of `inspection_completed` and `inspection_reviewed` (contract 3.8 and 3.9). `identity` and
/// `custom` are always there, with empty lists when unused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionCompleted {
    #[serde(flatten)]
    pub head: Head,
    pub products: Vec<Product>,
    pub identity: Identity,
    pub custom: Section,
    pub completed_by: CompletedBy,
    /// Only when something was left out, because the body would have been larger than 100,000 bytes; the API
    /// shows the whole inspection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}
