//! Reading inspections (contract 1.3, E12 and E13, and 2.1).

use serde::{Deserialize, Serialize};

use super::Pagination;
use crate::id::InspectionId;
use crate::object::{
    BlockedReason, CompletedBy, Confidential, Identity, InspectionStatus, InspectionType, Metadata,
    Producer, Product, Section, TemplateHead, Veredict,
};
use crate::time::Timestamp;

/// An inspection as it is retrieved and listed (contract 2.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    #[serde(rename = "_id")]
    pub id: InspectionId,
    #[serde(rename = "type")]
    pub kind: InspectionType,
    pub status: InspectionStatus,
    pub veredict: Veredict,
    /// Absent until it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<CompletedBy>,
    pub testing: bool,
    pub template: TemplateHead,
    /// [`Producer::brief`].
    pub producer: Producer,
    pub products: Vec<Product>,
    pub identity: Identity,
    pub custom: Section,
    pub metadata: Metadata,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The consumer's link, with the access code in it.
    pub magic_link: String,
    /// Four digits.
    pub access_code: Confidential,
    pub locale: String,
    #[serde(
        default,
        rename = "callbackURL",
        skip_serializing_if = "Option::is_none"
    )]
    pub callback_url: Option<String>,
    /// Only on blocked inspections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_reason: Option<BlockedReason>,
    /// Only on inspections made from an expired one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_inspection_id: Option<InspectionId>,
    /// Fixed when it was created.
    pub expires_at: Timestamp,
}

/// Query of `GET /v1/inspection`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct InspectionListQuery {
    /// From 1.
    pub page: Option<u32>,
    /// From 1 to 100; 10 without it.
    pub limit: Option<u32>,
    pub status: Option<InspectionStatus>,
    #[serde(rename = "type")]
    pub kind: Option<InspectionType>,
    pub veredict: Option<Veredict>,
    /// The whole plate; blanks around it and case do not matter.
    pub plate: Option<String>,
    /// The whole identification; blanks around it and case do not matter.
    pub consumer_identification: Option<String>,
    /// A template's id.
    pub template_id: Option<String>,
}

/// Answer of `GET /v1/inspection`, newest first (contract 2.14).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionListAnswer {
    pub inspections: Vec<Inspection>,
    pub total_inspections: u64,
    pub limit: u32,
    pub page: u32,
    /// At least 1.
    pub total_pages: u64,
    /// The number of the first row, from 1.
    pub paging_counter: u64,
    pub has_prev_page: bool,
    pub has_next_page: bool,
    pub prev_page: Option<u32>,
    pub next_page: Option<u32>,
}

impl InspectionListAnswer {
    /// The page `page` (from 1) of `total` inspections, `limit` (at least 1) a page; see
    /// [`Pagination::new`].
    #[must_use]
    pub fn new(inspections: Vec<Inspection>, total: u64, page: u32, limit: u32) -> Self {
        let place = Pagination::new(total, page, limit);
        Self {
            inspections,
            total_inspections: place.total_docs,
            limit: place.limit,
            page: place.page,
            total_pages: place.total_pages,
            paging_counter: place.paging_counter,
            has_prev_page: place.has_prev_page,
            has_next_page: place.has_next_page,
            prev_page: place.prev_page,
            next_page: place.next_page,
        }
    }
}
