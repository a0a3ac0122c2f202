//! Looks at photos after their upload: what Heraldo measures itself, and what an outside processor is asked
//! (contract 2.6, U25).

use bytes::Bytes;
use heraldo_wire::api::ProcessorRequest;
use heraldo_wire::id::{ImageId, InspectionId, JobId, ValidationId};
use heraldo_wire::object::Validation;
use heraldo_wire::time::Timestamp;

use super::Context;
use super::images::with_silence;
use super::jobs::{JobFailed, end};
use super::recorded::Also;
use crate::change::Write;
use crate::inspection::{Command, Findings, Image, ImageState, Inspection, Reply, Said};
use crate::job::{Job, Task};
use crate::links::Target;
use crate::photo::judge::{Facts, READABLE, judge};
use crate::photo::{Examined, Fingerprint};
use crate::ports::Callback;
use crate::template::Template;
use crate::webhook::TlsSettings;

/// Of photos that look the same, so many are looked at to tell whether one is another's.
const SIMILAR_MAX: u32 = 8;

/// A file that is missing this often, over some five minutes, is lost: the photo is unreadable.
const MISSING_FILE_TRIES: u32 = 10;

/// Looks at one photo.
///
/// # Errors
/// When the file, the store or the processor's job cannot be reached; it is to be tried again.
pub(super) async fn examine(
    context: &Context,
    job: &Job,
    inspection_id: InspectionId,
    image_id: ImageId,
) -> Result<(), JobFailed> {
    let Some(inspection) = context.store.inspection(inspection_id).await? else {
        return end(context, job).await;
    };
    let Some((_, image)) = inspection.image(image_id) else {
        return end(context, job).await;
    };
    match image.state {
        ImageState::Uploaded { .. } => {}
        ImageState::Examined { .. } | ImageState::Processed { .. } => {
            return end(context, job).await;
        }
    }
    let file = context.files.get(&image.file_name(inspection_id)).await;
    let file = file.map_err(|error| JobFailed(error.to_string()))?;
    let examined = match file {
        None if job.failures < MISSING_FILE_TRIES => {
            return Err(JobFailed(format!(
                "the file of the photo {image_id} of the inspection {inspection_id} is missing"
            )));
        }
        None => None,
        // What cannot be decoded is said of the photo, not logged: its company has to know.
        Some(bytes) => context.photos.examine(bytes).await.ok(),
    };
    if let Some(examined) = &examined {
        let name = image.thumbnail_name(inspection_id);
        let kept = context.files.put(&name, examined.thumbnail.clone()).await;
        kept.map_err(|error| JobFailed(error.to_string()))?;
    }
    let template = context.template_of(&inspection).await?;
    let earlier = earlier_twin(context, &inspection, image_id, examined.as_ref()).await?;
    let now = context.now();
    let findings = find(
        context,
        &inspection,
        image,
        examined.as_ref(),
        earlier,
        &template,
    );
    let fingerprint = examined.and_then(|examined| examined.fingerprint);
    let company_id = inspection.company_id;
    let ids = [(); 2].map(|()| JobId(context.next_id(now)));
    let (asks, deadline) = (context.settings.processor.is_some(), findings.deadline);
    let also = move |_: &Inspection, reply: Option<Reply>, now: Timestamp| {
        let mut writes = vec![Write::EndJob(job.id)];
        if let Some(bits) = fingerprint {
            writes.push(Write::CreateFingerprint(Fingerprint {
                company_id,
                inspection_id,
                image_id,
                bits,
            }));
        }
        if reply == Some(Reply::ImageWaits) {
            let [ask, give_up] = ids;
            let job = |id, task, due_at| {
                Write::CreateJob(Job {
                    id,
                    company_id,
                    task,
                    due_at,
                    failures: 0,
                    created_at: now,
                })
            };
            let task = Task::GiveUpOnProcessor {
                inspection_id,
                image_id,
            };
            writes.push(job(give_up, task, deadline));
            if asks {
                let task = Task::AskProcessor {
                    inspection_id,
                    image_id,
                };
                writes.push(job(ask, task, now));
            }
        }
        writes
    };
    let command = Command::ExamineImage { image_id, findings };
    carry_out(context, job, inspection, &command, &also).await?;
    context.bell.ring();
    Ok(())
}

/// Carries out what a job came to. A job that somebody else ended meanwhile is done.
async fn carry_out(
    context: &Context,
    job: &Job,
    inspection: Inspection,
    command: &Command,
    also: &Also<'_>,
) -> Result<(), JobFailed> {
    match context.carry_out_with(inspection, command, also).await {
        Ok((_, Reply::Unchanged)) => end(context, job).await,
        Ok(_) => Ok(()),
        Err(problem) if problem.status() == 404 => Ok(()),
        Err(problem) => Err(problem.into()),
    }
}

/// The oldest earlier photo that shows the same picture.
async fn earlier_twin(
    context: &Context,
    inspection: &Inspection,
    image_id: ImageId,
    examined: Option<&Examined>,
) -> Result<bool, JobFailed> {
    let Some(bits) = examined.and_then(|examined| examined.fingerprint) else {
        return Ok(false);
    };
    let found = context
        .store
        .similar_photos(inspection.company_id, bits, SIMILAR_MAX)
        .await?;
    Ok(found.iter().any(|twin| twin.image_id != image_id))
}

/// What Heraldo can say of a photo itself, and what it has to ask for.
fn find(
    context: &Context,
    inspection: &Inspection,
    image: &Image,
    examined: Option<&Examined>,
    earlier_twin: bool,
    template: &Template,
) -> Findings {
    let now = context.now();
    let mut findings = Findings {
        validations: Vec::new(),
        ask: Vec::new(),
        deadline: now.plus(context.settings.processor_timeout),
    };
    let validation = |kind: &str, valid, confidence| Validation {
        id: ValidationId(context.next_id(now)),
        kind: kind.to_owned(),
        valid,
        confidence,
    };
    let Some(examined) = examined else {
        findings.validations.push(validation(READABLE, false, 1.0));
        return findings;
    };
    let others = inspection
        .images()
        .filter(|(_, other)| other.id != image.id);
    let facts = Facts {
        captured: image.captured,
        uploaded_at: image.uploaded_at,
        location: image.location,
        other_locations: others.filter_map(|(_, other)| other.location).collect(),
        distance_max_metres: context.settings.distance_max_metres,
        width_pixels: image.width_pixels,
        height_pixels: image.height_pixels,
        examined,
        has_earlier_twin: earlier_twin,
    };
    let asked = template
        .image(&image.side)
        .map(|asked| &asked.validations[..]);
    for check in asked.unwrap_or_default().iter().filter(|check| check.run) {
        match judge(&check.validation, &facts) {
            Some(judgement) => findings.validations.push(validation(
                &check.validation,
                judgement.valid,
                judgement.confidence,
            )),
            None => findings.ask.push(check.validation.clone()),
        }
    }
    findings
}

/// Tells the outside processor of a photo; its answer comes over the API.
///
/// # Errors
/// When it does not take the request; it is to be tried again.
pub(super) async fn ask_processor(
    context: &Context,
    job: &Job,
    inspection_id: InspectionId,
    image_id: ImageId,
) -> Result<(), JobFailed> {
    let (Some(processor), Some(inspection)) = (
        &context.settings.processor,
        context.store.inspection(inspection_id).await?,
    ) else {
        return end(context, job).await;
    };
    let Some((product, image)) = inspection.image(image_id) else {
        return end(context, job).await;
    };
    let ImageState::Examined {
        asked, deadline, ..
    } = &image.state
    else {
        return end(context, job).await;
    };
    let target = Target::Photo {
        inspection_id,
        image_id,
    };
    let request = ProcessorRequest {
        id: image_id,
        inspection_id,
        inspection_type: inspection.inspection_type,
        product_id: product.id,
        attributes: product.attributes.clone(),
        side: image.side.clone(),
        src: context
            .links
            .file(target, image.format.extension(), context.now()),
        validations: asked.clone(),
        deadline: *deadline,
    };
    let body = serde_json::to_vec(&request).map_err(|error| JobFailed(error.to_string()))?;
    let callback = Callback {
        url: processor.url.clone(),
        id: format!("job_{}", job.id),
        body: Bytes::from(body),
        secret: processor.secret.clone(),
        tls: TlsSettings::default(),
        client_key: None,
        timeout: None,
    };
    let posted = context.callbacks.post(callback).await;
    posted.map_err(|failed| JobFailed(format!("the image processor: {failed}")))?;
    end(context, job).await
}

/// Ends the wait for an outside processor: what it was asked is said to be not valid, with confidence 0.
///
/// # Errors
/// The store's; it is to be tried again.
pub(super) async fn give_up(
    context: &Context,
    job: &Job,
    inspection_id: InspectionId,
    image_id: ImageId,
) -> Result<(), JobFailed> {
    let Some(inspection) = context.store.inspection(inspection_id).await? else {
        return end(context, job).await;
    };
    let Some((
        _,
        Image {
            state: ImageState::Examined { asked, .. },
            ..
        },
    )) = inspection.image(image_id)
    else {
        return end(context, job).await;
    };
    let command = Command::GiveUpOnImage {
        image_id,
        said: with_silence(context, Said::default(), asked),
    };
    let job_id = job.id;
    let also = move |_: &Inspection, _: Option<Reply>, _: Timestamp| vec![Write::EndJob(job_id)];
    carry_out(context, job, inspection, &command, &also).await
}
