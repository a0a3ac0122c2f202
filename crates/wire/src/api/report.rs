//! Reports of inspections, and links to their detail page (contract 1.3, E16 to E19, and 2.13).

use serde::{Deserialize, Serialize};

use crate::id::{CompanyId, InspectionId, ReportId};
use crate::object::{object, words};
use crate::time::Timestamp;

/// Body of `POST /v1/inspection/presign/detail/:id`; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignRequest {
    /// From 1 to 86,400; 900 without it (contract U20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u64>,
    /// Whom the link is for; somebody of the company.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub identity: Option<PresignIdentity>,
}

words! {
    /// What a person is named by.
    PresignIdentityType {
        /// By the id of the user.
        User = "user",
        /// By the company's own id.
        InternalId = "internalId",
    }
}

/// A person of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PresignIdentity {
    #[serde(rename = "type")]
    pub kind: PresignIdentityType,
    pub id: String,
}

/// A link to the detail page of an inspection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignAnswer {
    /// What the link holds.
    pub access_token: String,
    pub expires_at: Timestamp,
    /// The page; whoever has the link may read it until then.
    pub url: String,
}

/// Body of `POST /v1/inspection/:id/report/request`; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateReportRequest {
    /// Gets the report request by POST once it is completed or has failed.
    #[serde(
        default,
        rename = "callbackURL",
        skip_serializing_if = "Option::is_none"
    )]
    pub callback_url: Option<String>,
}

/// Answer to a request for a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateReportAnswer {
    #[serde(rename = "_id")]
    pub id: ReportId,
}

words! {
    /// How far a report is (contract 2.13).
    ReportStatus {
        Pending = "pending",
        Processing = "processing",
        Completed = "completed",
        Failed = "failed",
    }
}

/// A request for a report (contract 2.13); also what its `callbackURL` gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportRequest {
    #[serde(rename = "_id")]
    pub id: ReportId,
    pub inspection_id: InspectionId,
    pub company_id: CompanyId,
    pub status: ReportStatus,
    #[serde(
        default,
        rename = "callbackURL",
        skip_serializing_if = "Option::is_none"
    )]
    pub callback_url: Option<String>,
    /// Only of completed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ReportResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

/// Where a report can be fetched (contract U19). The addresses live as long as those of photos; reading the
/// report request again gives new ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportResult {
    /// As PDF.
    pub url: String,
    /// As one HTML page that holds its photos.
    pub html_url: String,
}

/// The report requests of an inspection, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportListAnswer {
    pub report_requests: Vec<ReportRequest>,
}
