//! Writes reports and calls their `callbackURL` (contract 2.13, U19).

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::id::{ImageId, JobId, ReportId};
use heraldo_wire::signature::Secret;

use super::Context;
use super::jobs::{JobFailed, end};
use crate::change::{Change, Write};
use crate::inspection::Inspection;
use crate::job::{Job, Task};
use crate::ports::{Callback, Picture};
use crate::record::Record;
use crate::report::{Report, ReportState};
use crate::sheet::Language;
use crate::store::StoreError;
use crate::webhook::TlsSettings;

/// A report that could not be written this often, over some ten minutes, has failed.
const TRIES: u32 = 16;
/// A `callbackURL` that took nothing for so long is given up.
const CALL_BACK_FOR: Duration = Duration::from_secs(24 * 3_600);
/// The longer edge of a photo in a report: enough to read a plate, and for a page to print well.
const EDGE_PIXELS: u32 = 1_000;
/// With more photos than this each is made smaller, so that no report grows out of bounds.
const LARGE_PHOTOS_MAX: usize = 40;
const EDGE_PIXELS_OF_MANY: u32 = 500;

/// Writes a report's documents.
///
/// # Errors
/// When the store, the photos or the place for the documents cannot be reached; it is to be tried again.
pub(super) async fn render(
    context: &Context,
    job: &Job,
    report_id: ReportId,
) -> Result<(), JobFailed> {
    let Some(report) = context.kept::<Report>(report_id.0).await? else {
        return end(context, job).await;
    };
    let report = match report.state {
        ReportState::Pending => start(context, &report).await?,
        ReportState::Processing { .. } => report,
        ReportState::Completed { .. } | ReportState::Failed { .. } => {
            return end(context, job).await;
        }
    };
    let ReportState::Processing { at: processing_at } = report.state else {
        return end(context, job).await;
    };
    match write(context, &report).await {
        Ok(()) => {
            let at = context.now();
            let state = ReportState::Completed { processing_at, at };
            settle(context, job, &report, state).await
        }
        Err(failed) if job.failures.saturating_add(1) < TRIES => Err(failed),
        Err(_) => {
            let state = ReportState::Failed {
                processing_at: Some(processing_at),
                at: context.now(),
            };
            settle(context, job, &report, state).await
        }
    }
}

async fn start(context: &Context, report: &Report) -> Result<Report, JobFailed> {
    let started = report.with(ReportState::Processing { at: context.now() });
    let change = Change {
        writes: vec![Write::UpdateRecord(Record::of(&started)?)],
        ..Change::default()
    };
    context.store.commit(change).await?;
    Ok(started)
}

/// Writes the documents as the inspection is now, in its language.
async fn write(context: &Context, report: &Report) -> Result<(), JobFailed> {
    let inspection = context.store.inspection(report.inspection_id).await?;
    let inspection = inspection.ok_or_else(|| {
        JobFailed(format!(
            "the inspection of the report {} is gone",
            report.id
        ))
    })?;
    let language = Language::of_locale(&inspection.locale);
    let sheet = context.sheet_of(&inspection, language).await?;
    let pictures = pictures(context, &inspection).await?;
    let written = context.documents.write(sheet, pictures).await;
    let written = written.map_err(|error| JobFailed(error.to_string()))?;
    for (name, bytes) in [
        (report.html_name(), written.html),
        (report.pdf_name(), written.pdf),
    ] {
        let kept = context.files.put(&name, bytes).await;
        kept.map_err(|error| JobFailed(error.to_string()))?;
    }
    Ok(())
}

/// The inspection's photos, made smaller one after the other. Those that are lost or cannot be decoded have
/// none.
async fn pictures(
    context: &Context,
    inspection: &Inspection,
) -> Result<HashMap<ImageId, Picture>, JobFailed> {
    let edge_pixels = if inspection.images().count() > LARGE_PHOTOS_MAX {
        EDGE_PIXELS_OF_MANY
    } else {
        EDGE_PIXELS
    };
    let mut pictures = HashMap::new();
    for (_, image) in inspection.images() {
        let file = context.files.get(&image.file_name(inspection.id)).await;
        let Some(bytes) = file.map_err(|error| JobFailed(error.to_string()))? else {
            continue;
        };
        if let Ok(picture) = context.photos.smaller(bytes, edge_pixels).await {
            pictures.insert(image.id, picture);
        }
    }
    Ok(pictures)
}

/// Ends the job with what the report came to, and plans the call to whoever wants to hear of it.
async fn settle(
    context: &Context,
    job: &Job,
    report: &Report,
    state: ReportState,
) -> Result<(), JobFailed> {
    let now = context.now();
    let mut writes = vec![
        Write::EndJob(job.id),
        Write::UpdateRecord(Record::of(&report.with(state))?),
    ];
    if report.callback_url.is_some() {
        writes.push(Write::CreateJob(Job {
            id: JobId(context.next_id(now)),
            company_id: report.company_id,
            task: Task::CallBackReport {
                report_id: report.id,
            },
            due_at: now,
            failures: 0,
            created_at: now,
        }));
    }
    let change = Change {
        writes,
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => {
            context.bell.ring();
            Ok(())
        }
        // Somebody else ended it.
        Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Posts the report request to its `callbackURL`, signed like a webhook where the company has one.
///
/// # Errors
/// When it is not taken; it is to be tried again, for a day.
pub(super) async fn call_back(
    context: &Context,
    job: &Job,
    report_id: ReportId,
) -> Result<(), JobFailed> {
    let Some(report) = context.kept::<Report>(report_id.0).await? else {
        return end(context, job).await;
    };
    let Some(url) = report.callback_url.clone() else {
        return end(context, job).await;
    };
    let now = context.now();
    let shown = report.to_wire(&context.links, now);
    let body = serde_json::to_vec(&shown).map_err(|error| JobFailed(error.to_string()))?;
    let callback = Callback {
        url,
        id: format!("report_{}", report.id),
        body: Bytes::from(body),
        secret: secret(context, &report).await?,
        tls: TlsSettings::default(),
        client_key: None,
        timeout: None,
    };
    let Err(failed) = context.callbacks.post(callback).await else {
        return end(context, job).await;
    };
    let failed = JobFailed(format!(
        "the callbackURL of the report {report_id}: {failed}"
    ));
    if now.since(job.created_at) < CALL_BACK_FOR {
        return Err(failed);
    }
    // Nobody is left to be told but the log.
    end(context, job).await?;
    let JobFailed(why) = failed;
    Err(JobFailed(format!("{why}; after a day it is given up")))
}

/// What the company's newest enabled webhook signs with.
async fn secret(context: &Context, report: &Report) -> Result<Option<Secret>, JobFailed> {
    let company = context.view(report.company_id).await?;
    let mut newest_first = company.webhooks.iter().rev();
    let webhook = newest_first.find(|webhook| webhook.settings.status == WebhookStatus::Enabled);
    Ok(webhook.map(|webhook| webhook.secrets.signing(context.now()).clone()))
}
