//! A request for a report: kept as a record, its documents as files (contract 2.13).

use heraldo_wire::api::{ReportRequest, ReportResult, ReportStatus};
use heraldo_wire::id::{CompanyId, Id, InspectionId, ReportId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::links::{Links, Target};
use crate::record::{Kept, RecordKind};

/// One request for a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub id: ReportId,
    pub inspection_id: InspectionId,
    pub company_id: CompanyId,
    /// Grows by one with each change.
    pub version: u64,
    pub callback_url: Option<String>,
    pub created_at: Timestamp,
    pub state: ReportState,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum ReportState {
    Pending,
    Processing {
        at: Timestamp,
    },
    Completed {
        processing_at: Timestamp,
        at: Timestamp,
    },
    Failed {
        processing_at: Option<Timestamp>,
        at: Timestamp,
    },
}

impl Kept for Report {
    const KIND: RecordKind = RecordKind::Report;

    fn id(&self) -> Id {
        self.id.0
    }

    fn company_id(&self) -> CompanyId {
        self.company_id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn subject(&self) -> Option<Id> {
        Some(self.inspection_id.0)
    }
}

impl Report {
    /// The next version, in another state.
    #[must_use]
    pub fn with(&self, state: ReportState) -> Self {
        Self {
            version: self.version + 1,
            state,
            ..self.clone()
        }
    }

    /// The name under which the PDF is kept.
    #[must_use]
    pub fn pdf_name(&self) -> String {
        format!("reports/{}/{}.pdf", self.inspection_id, self.id)
    }

    /// The name under which the HTML is kept.
    #[must_use]
    pub fn html_name(&self) -> String {
        format!("reports/{}/{}.html", self.inspection_id, self.id)
    }

    /// As it is read, with addresses that are valid from now on.
    #[must_use]
    pub fn to_wire(&self, links: &Links, now: Timestamp) -> ReportRequest {
        let mut shown = ReportRequest {
            id: self.id,
            inspection_id: self.inspection_id,
            company_id: self.company_id,
            status: ReportStatus::Pending,
            callback_url: self.callback_url.clone(),
            result: None,
            processing_at: None,
            completed_at: None,
            failed_at: None,
        };
        match self.state {
            ReportState::Pending => {}
            ReportState::Processing { at } => {
                shown.status = ReportStatus::Processing;
                shown.processing_at = Some(at);
            }
            ReportState::Completed { processing_at, at } => {
                let report_id = self.id;
                shown.status = ReportStatus::Completed;
                shown.processing_at = Some(processing_at);
                shown.completed_at = Some(at);
                shown.result = Some(ReportResult {
                    url: links.file(Target::ReportPdf { report_id }, "pdf", now),
                    html_url: links.file(Target::ReportHtml { report_id }, "html", now),
                });
            }
            ReportState::Failed { processing_at, at } => {
                shown.status = ReportStatus::Failed;
                shown.processing_at = processing_at;
                shown.failed_at = Some(at);
            }
        }
        shown
    }
}
