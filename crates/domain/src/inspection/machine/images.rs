//! What happens to the photos of an inspection (contract 2.4 to 2.6, 5.2).

use heraldo_wire::event::EventType;
use heraldo_wire::id::{ImageId, ProductId};
use heraldo_wire::object::{Validation, Veredict};
use heraldo_wire::time::Timestamp;

use super::{Refused, Reply, Step, refused_by_block, step, unchanged};
use crate::inspection::{Findings, Image, ImageState, Inspection, Review, Said, State};
use crate::photo::judge::READABLE;
use crate::template::Template;

/// Photos of one inspection: all of them are named in the event of its end, which has to stay below the
/// 100 kB that common receivers read (contract 4.1).
pub const IMAGES_MAX: usize = 100;

/// Adds a photo; only while the consumer takes photos (contract 1.3, E21).
pub(super) fn add(
    inspection: &Inspection,
    template: &Template,
    product_id: ProductId,
    image: &Image,
    now: Timestamp,
) -> Result<Step, Refused> {
    // The photo is here already; its sender did not hear the answer.
    if is_repeated(inspection, image) {
        return Ok(unchanged(Reply::Unchanged));
    }
    match &inspection.state {
        _ if inspection.has_lapsed(now) => return Err(Refused::Expired),
        State::Created { .. } => return Err(Refused::NotStarted),
        State::Started { .. } => {}
        State::Processing { .. } | State::Completed { .. } => return Err(Refused::Ended),
        State::Blocked { reason, .. } => return Err(refused_by_block(*reason)),
    }
    if inspection.images().count() >= IMAGES_MAX {
        return Err(Refused::TooManyImages(IMAGES_MAX));
    }
    let mut next = inspection.clone();
    let id = ImageId(next.next_part());
    let product = next
        .products
        .iter_mut()
        .find(|product| product.id == product_id)
        .ok_or(Refused::NoSuchProduct)?;
    product.images.push(Image {
        id,
        extra: template.image(&image.side).is_none(),
        uploaded_at: now,
        state: ImageState::Uploaded { said: None },
        ..image.clone()
    });
    Ok(step(next, None, Reply::ImageAdded(id), now))
}

/// Whether this upload has been taken before.
#[must_use]
pub fn is_repeated(inspection: &Inspection, image: &Image) -> bool {
    image.upload.is_some()
        && inspection
            .images()
            .any(|(_, known)| known.upload == image.upload)
}

/// Takes what Heraldo found. An outside processor that has to be asked may have answered already.
pub(super) fn examine(
    inspection: &Inspection,
    template: &Template,
    image_id: ImageId,
    findings: &Findings,
    now: Timestamp,
) -> Result<Step, Refused> {
    let (_, image) = inspection.image(image_id).ok_or(Refused::NoSuchImage)?;
    let Findings {
        validations,
        ask,
        deadline,
    } = findings;
    match &image.state {
        ImageState::Uploaded { said: Some(said) } => Ok(conclude(
            inspection,
            template,
            image,
            validations,
            said,
            now,
        )),
        ImageState::Uploaded { said: None } if ask.is_empty() => {
            let said = Said::default();
            Ok(conclude(
                inspection,
                template,
                image,
                validations,
                &said,
                now,
            ))
        }
        ImageState::Uploaded { said: None } => {
            let state = ImageState::Examined {
                validations: validations.clone(),
                asked: ask.clone(),
                deadline: *deadline,
            };
            let next = with_state(inspection, image_id, state);
            Ok(step(next, None, Reply::ImageWaits, now))
        }
        // The same work done twice counts once.
        ImageState::Examined { .. } | ImageState::Processed { .. } => {
            Ok(unchanged(Reply::Unchanged))
        }
    }
}

/// Takes the word of an outside processor, once.
pub(super) fn answer(
    inspection: &Inspection,
    template: &Template,
    image_id: ImageId,
    said: &Said,
    now: Timestamp,
) -> Result<Step, Refused> {
    let (_, image) = inspection.image(image_id).ok_or(Refused::NoSuchImage)?;
    match &image.state {
        ImageState::Uploaded { said: None } => {
            let state = ImageState::Uploaded {
                said: Some(said.clone()),
            };
            let next = with_state(inspection, image_id, state);
            Ok(step(next, None, Reply::ImageWaits, now))
        }
        ImageState::Examined { validations, .. } => Ok(conclude(
            inspection,
            template,
            image,
            validations,
            said,
            now,
        )),
        ImageState::Uploaded { said: Some(_) } | ImageState::Processed { .. } => {
            Err(Refused::AlreadyProcessed)
        }
    }
}

/// Ends the wait for an outside processor.
pub(super) fn give_up(
    inspection: &Inspection,
    template: &Template,
    image_id: ImageId,
    said: &Said,
    now: Timestamp,
) -> Result<Step, Refused> {
    let (_, image) = inspection.image(image_id).ok_or(Refused::NoSuchImage)?;
    match &image.state {
        ImageState::Examined {
            validations,
            deadline,
            ..
        } if now >= *deadline => Ok(conclude(
            inspection,
            template,
            image,
            validations,
            said,
            now,
        )),
        ImageState::Examined { .. }
        | ImageState::Uploaded { .. }
        | ImageState::Processed { .. } => Ok(unchanged(Reply::Unchanged)),
    }
}

/// Ends the validations of a photo: of a check that both made, the outside processor's word counts.
fn conclude(
    inspection: &Inspection,
    template: &Template,
    image: &Image,
    own: &[Validation],
    said: &Said,
    now: Timestamp,
) -> Step {
    let kept = own.iter().filter(|own| {
        let mut others = said.validations.iter();
        !others.any(|other| other.kind == own.kind)
    });
    let validations: Vec<Validation> = kept.chain(&said.validations).cloned().collect();
    let state = ImageState::Processed {
        approved: is_approved(template, &image.side, &validations),
        validations,
        damages: said.damages.clone(),
        at: now,
    };
    let event_type = if image.extra {
        EventType::ExtraImageProcessed
    } else {
        EventType::ImageProcessed
    };
    let next = with_state(inspection, image.id, state);
    let event = Some((event_type, Some(image.id)));
    step(next, event, Reply::ImageProcessed, now)
}

fn with_state(inspection: &Inspection, image_id: ImageId, state: ImageState) -> Inspection {
    let mut next = inspection.clone();
    if let Some(image) = next.image_mut(image_id) {
        image.state = state;
    }
    next
}

/// Whether a photo passes: every required validation that is carried out is valid (contract 5.5). A side
/// that the template does not ask for requires nothing but that it can be read.
#[must_use]
pub fn is_approved(template: &Template, side: &str, validations: &[Validation]) -> bool {
    let unreadable = |one: &Validation| one.kind == READABLE && !one.valid;
    if validations.iter().any(unreadable) {
        return false;
    }
    let checks = template.image(side).map(|image| &image.validations[..]);
    checks
        .unwrap_or_default()
        .iter()
        .filter(|check| check.run && check.required)
        .all(|check| {
            let mut found = validations
                .iter()
                .filter(|one| one.kind == check.validation);
            found.any(|validation| validation.valid)
        })
}

/// Sets what single photos came to, and the result that follows. Only a result that differs is told of
/// (contract 3.9).
pub(super) fn review(
    inspection: &Inspection,
    template: &Template,
    approvals: &[(ImageId, bool)],
    reason: Option<String>,
    now: Timestamp,
) -> Result<Step, Refused> {
    let (completed_by, held, at) = match &inspection.state {
        State::Completed {
            completed_by,
            veredict,
            at,
            ..
        } => (*completed_by, *veredict, *at),
        State::Created { .. } | State::Started { .. } | State::Processing { .. } => {
            return Err(Refused::NotCompleted);
        }
        State::Blocked { reason, .. } => return Err(refused_by_block(*reason)),
    };
    let mut next = inspection.clone();
    for (id, word) in approvals {
        let image = next.image_mut(*id).ok_or(Refused::NoSuchImage)?;
        if let ImageState::Processed { approved, .. } = &mut image.state {
            *approved = *word;
        }
    }
    if next == *inspection {
        return Ok(unchanged(Reply::Unchanged));
    }
    let veredict: Veredict = next.judged(template);
    next.state = State::Completed {
        completed_by,
        veredict,
        at,
        review: Some(Review { reason, at: now }),
    };
    if veredict == held {
        return Ok(step(next, None, Reply::Unchanged, now));
    }
    let event = Some((EventType::InspectionReviewed, None));
    Ok(step(next, event, Reply::Reviewed, now))
}
