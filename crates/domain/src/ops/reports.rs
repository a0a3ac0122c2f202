//! Requests for reports (contract 1.3, E17 to E19).

use heraldo_wire::api::{CreateReportAnswer, CreateReportRequest, ReportListAnswer, ReportRequest};
use heraldo_wire::id::{InspectionId, JobId, ReportId};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::accounts::entry;
use super::{Answer, Context, Once, json, not_found, problem_of};
use crate::account::Caller;
use crate::change::{AuditAction, Change, Write};
use crate::endpoint::check_url;
use crate::job::{Job, Task};
use crate::query::Page;
use crate::record::Record;
use crate::report::{Report, ReportState};

/// Reports of one inspection: each keeps two documents, and their list is one page.
const REPORTS_MAX: usize = 100;
/// Longer than any URL that works everywhere.
const CALLBACK_URL_BYTES_MAX: usize = 2_048;

/// Asks for a report, whatever the inspection's status (contract 8.2 "Reports and presign").
///
/// # Errors
/// `not_found`, `invalid_url`, `limit_reached`, `idempotency_conflict`; the store's.
pub async fn request_report(
    context: &Context,
    caller: &Caller,
    inspection_id: InspectionId,
    request: CreateReportRequest,
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    context.own(caller, inspection_id).await?;
    if let Some(url) = &request.callback_url {
        check_callback_url(context, url)?;
    }
    if context.reports_of(caller, inspection_id).await?.len() >= REPORTS_MAX {
        return Err(ProblemCode::LimitReached.problem(format!(
            "the inspection has {REPORTS_MAX} report requests, as many as it may have; read one of them again"
        )));
    }
    let now = context.now();
    let id = ReportId(context.next_id(now));
    let report = Report {
        id,
        inspection_id,
        company_id: caller.company_id,
        version: 1,
        callback_url: request.callback_url,
        created_at: now,
        state: ReportState::Pending,
    };
    let job = Job {
        id: JobId(context.next_id(now)),
        company_id: caller.company_id,
        task: Task::RenderReport { report_id: id },
        due_at: now,
        failures: 0,
        created_at: now,
    };
    let change = Change {
        writes: vec![
            Write::CreateRecord(Record::of(&report).map_err(problem_of)?),
            Write::CreateJob(job),
        ],
        audit: Some(entry(
            context,
            caller.company_id,
            caller.actor,
            AuditAction::ReportRequested,
            inspection_id,
            now,
        )),
        ..Change::default()
    };
    let body = json(&CreateReportAnswer { id })?;
    let answer = context.commit_once(once, now, change, 201, body).await?;
    context.bell.ring();
    Ok(answer)
}

/// The report requests of an inspection, newest first.
///
/// # Errors
/// `not_found`; the store's.
pub async fn list_reports(
    context: &Context,
    caller: &Caller,
    inspection_id: InspectionId,
) -> Result<ReportListAnswer, Problem> {
    context.own(caller, inspection_id).await?;
    let now = context.now();
    let reports = context.reports_of(caller, inspection_id).await?;
    Ok(ReportListAnswer {
        report_requests: reports
            .iter()
            .map(|report| report.to_wire(&context.links, now))
            .collect(),
    })
}

/// One report request of an inspection.
///
/// # Errors
/// `not_found`; the store's.
pub async fn retrieve_report(
    context: &Context,
    caller: &Caller,
    inspection_id: InspectionId,
    report_id: ReportId,
) -> Result<ReportRequest, Problem> {
    let report = context.report(report_id).await?;
    let is_own = report.company_id == caller.company_id && report.inspection_id == inspection_id;
    if !is_own {
        return Err(not_found());
    }
    Ok(report.to_wire(&context.links, context.now()))
}

fn check_callback_url(context: &Context, url: &str) -> Result<(), Problem> {
    if url.len() > CALLBACK_URL_BYTES_MAX {
        return Err(ProblemCode::InvalidUrl.problem(format!(
            "`callbackURL` is longer than {CALLBACK_URL_BYTES_MAX} bytes; shorten it"
        )));
    }
    match check_url(url, &context.settings.allow_networks) {
        Ok(_) => Ok(()),
        Err(problem) => Err(ProblemCode::InvalidUrl.problem(format!("`callbackURL`: {problem}"))),
    }
}

impl Context {
    /// A report by its id alone: whoever asks compares the company, or holds a signed link to it.
    pub(super) async fn report(&self, id: ReportId) -> Result<Report, Problem> {
        let report = self.kept(id.0).await.map_err(problem_of)?;
        report.ok_or_else(not_found)
    }

    async fn reports_of(
        &self,
        caller: &Caller,
        inspection_id: InspectionId,
    ) -> Result<Vec<Report>, Problem> {
        let page = Page {
            limit: u32::try_from(REPORTS_MAX).unwrap_or(u32::MAX),
            before: None,
        };
        let subject = Some(inspection_id.0);
        let reports = self.kept_page(caller.company_id, subject, page).await;
        reports.map_err(problem_of)
    }
}
