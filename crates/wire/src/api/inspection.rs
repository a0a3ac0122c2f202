//! Reading inspections (contract 1.3, E12 and E13, and 2.1).

use serde::{Deserialize, Serialize};

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
    /// The page `page` (from 1) of `total` inspections, `limit` (at least 1) a page.
    ///
    /// A page past the end has no next page; its previous page is the one before it.
    #[must_use]
    pub fn new(inspections: Vec<Inspection>, total: u64, page: u32, limit: u32) -> Self {
        let (page, limit) = (page.max(1), limit.max(1));
        let total_pages = total.div_ceil(u64::from(limit)).max(1);
        let prev_page = (total > 0).then(|| page - 1).filter(|page| *page > 0);
        let next_page = (u64::from(page) < total_pages).then(|| page.saturating_add(1));
        Self {
            inspections,
            total_inspections: total,
            limit,
            page,
            total_pages,
            paging_counter: u64::from(page - 1) * u64::from(limit) + 1,
            has_prev_page: prev_page.is_some(),
            has_next_page: next_page.is_some(),
            prev_page,
            next_page,
        }
    }
}
