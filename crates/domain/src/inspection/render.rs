//! An inspection as the wire shows it: the retrieved object and the bodies of its events.

use bytes::Bytes;
use heraldo_wire::api;
use heraldo_wire::event::{
    ChildrenInspectionCreated, Event, EventType, Head, ImageOwner, ImageProcessed,
    InspectionBlocked, InspectionCompleted, InspectionCreated, InspectionStarted, render,
};
use heraldo_wire::id::ImageId;
use heraldo_wire::object as wire;
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Confidential, GeneratedBy, Identity, ImageTarget, Input, Producer,
    Section, Veredict,
};
use heraldo_wire::time::Timestamp;

use super::file::input_file;
use super::fit::render_end;
use super::{Image, Inspection, OwnEvent, State};
use crate::links::{Links, Target};

/// The consumer's link, with the access code in it (contract 3.2).
#[must_use]
pub fn magic_link(inspection: &Inspection, public_url: &str) -> String {
    format!(
        "{public_url}/inspection/{}?accessCode={}",
        inspection.id, inspection.access_code
    )
}

/// The inspection as it is retrieved and listed (contract 2.1).
#[must_use]
pub fn to_wire(inspection: &Inspection, links: &Links, now: Timestamp) -> api::Inspection {
    let sections = sections(inspection, Detail::Retrieved, links, now);
    api::Inspection {
        id: inspection.id,
        kind: inspection.inspection_type,
        status: inspection.status(),
        veredict: inspection.veredict(),
        completed_by: inspection.completed_by(),
        testing: inspection.testing,
        template: inspection.template.clone(),
        producer: inspection.producer.brief(),
        products: sections.products,
        identity: Identity {
            consumer: inspection.consumer.clone(),
            section: sections.identity,
        },
        custom: sections.custom,
        metadata: inspection.metadata.clone(),
        created_at: inspection.created_at,
        updated_at: inspection.updated_at,
        magic_link: magic_link(inspection, &links.public_url),
        access_code: Confidential::new(inspection.access_code.clone()),
        locale: inspection.locale.clone(),
        callback_url: inspection.callback_url.clone(),
        blocked_reason: blocked_reason(inspection),
        parent_inspection_id: inspection.parent_id,
        expires_at: inspection.expires_at,
    }
}

/// The body of one of its events, from the inspection as it is after the step that fired it.
pub(crate) fn event_body(
    inspection: &Inspection,
    event: OwnEvent,
    links: &Links,
    now: Timestamp,
) -> Bytes {
    let event = match event.event_type {
        EventType::InspectionCreated => Event::InspectionCreated(InspectionCreated {
            head: head(inspection, inspection.producer.clone()),
            magic_link: magic_link(inspection, &links.public_url),
        }),
        EventType::ChildrenInspectionCreated => {
            Event::ChildrenInspectionCreated(ChildrenInspectionCreated {
                head: head(inspection, inspection.producer.clone()),
                magic_link: magic_link(inspection, &links.public_url),
                parent_inspection_id: inspection.parent_id.unwrap_or_default(),
            })
        }
        EventType::InspectionStarted => Event::InspectionStarted(InspectionStarted {
            head: brief_head(inspection),
        }),
        EventType::InspectionBlocked => Event::InspectionBlocked(InspectionBlocked {
            head: brief_head(inspection),
            blocked_reason: blocked_reason(inspection).unwrap_or(BlockedReason::Expired),
        }),
        EventType::InspectionCompleted => {
            let end = Event::InspectionCompleted(completed(inspection, links, now));
            return render_end(end).into();
        }
        EventType::InspectionReviewed => {
            let end = Event::InspectionReviewed(completed(inspection, links, now));
            return render_end(end).into();
        }
        EventType::ImageProcessed => {
            Event::ImageProcessed(image_processed(inspection, event.image_id, links, now))
        }
        EventType::ExtraImageProcessed => {
            Event::ExtraImageProcessed(image_processed(inspection, event.image_id, links, now))
        }
        EventType::WebhookDisabled => {
            unreachable!("the events of an inspection are about inspections alone")
        }
    };
    render(&event).into()
}

fn head(inspection: &Inspection, producer: Producer) -> Head {
    Head {
        id: inspection.id,
        status: inspection.status(),
        veredict: match inspection.veredict() {
            Veredict::NotDefined => None,
            veredict @ (Veredict::Approved | Veredict::Disapproved | Veredict::NotProvided) => {
                Some(veredict)
            }
        },
        producer,
        kind: inspection.inspection_type,
        metadata: inspection.metadata.clone(),
        testing: inspection.testing,
        template: inspection.template.clone(),
    }
}

fn brief_head(inspection: &Inspection) -> Head {
    head(inspection, inspection.producer.brief())
}

fn completed(inspection: &Inspection, links: &Links, now: Timestamp) -> InspectionCompleted {
    let sections = sections(inspection, Detail::Completed, links, now);
    InspectionCompleted {
        head: brief_head(inspection),
        products: sections.products,
        identity: Identity {
            consumer: inspection.consumer.clone(),
            section: sections.identity,
        },
        custom: sections.custom,
        completed_by: inspection.completed_by().unwrap_or(CompletedBy::Client),
        truncated: false,
    }
}

fn image_processed(
    inspection: &Inspection,
    image_id: Option<ImageId>,
    links: &Links,
    now: Timestamp,
) -> ImageProcessed {
    let found = image_id.and_then(|id| inspection.image(id));
    let (product, image) = found
        .unwrap_or_else(|| unreachable!("an event about a photo names one of the inspection's"));
    let id = product.id;
    let image = Box::new(show(inspection, image, Detail::Image, links, now));
    ImageProcessed {
        id: inspection.id,
        owner: match inspection.image_target() {
            ImageTarget::Product => ImageOwner::Product { id, image },
            ImageTarget::Identity => ImageOwner::Identity { image },
            ImageTarget::Custom => ImageOwner::Custom { image },
        },
        producer: inspection.producer.brief(),
        metadata: inspection.metadata.clone(),
        inspection_type: inspection.inspection_type,
    }
}

/// Where something is shown: what it carries differs a little (contract 2.3 to 2.5).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Retrieved,
    /// In the events of the end.
    Completed,
    /// In an event about one photo.
    Image,
}

/// The parts of an inspection, as the wire divides them: people have an identity, the custom type a section
/// of its own, the others products.
struct Sections {
    products: Vec<wire::Product>,
    identity: Section,
    custom: Section,
}

fn sections(inspection: &Inspection, detail: Detail, links: &Links, now: Timestamp) -> Sections {
    let target = inspection.image_target();
    let mut sections = Sections {
        products: Vec::with_capacity(inspection.products.len()),
        identity: Section::default(),
        custom: Section {
            inputs: inputs(&inspection.inputs, links, now),
            ..Section::default()
        },
    };
    for product in &inspection.products {
        let photos = |extra| {
            let mine = product
                .images
                .iter()
                .filter(move |image| image.extra == extra);
            mine.map(|image| show(inspection, image, detail, links, now))
                .collect::<Vec<_>>()
        };
        let section = Section {
            images: photos(false),
            extra_images: photos(true),
            inputs: inputs(&product.inputs, links, now),
        };
        let attributes = (detail == Detail::Retrieved).then(|| product.attributes.clone());
        let mut shown = wire::Product {
            id: product.id,
            kind: inspection.inspection_type,
            images: Vec::new(),
            extra_images: Vec::new(),
            inputs: Vec::new(),
            attributes,
        };
        match target {
            ImageTarget::Product => {
                shown.images = section.images;
                shown.extra_images = section.extra_images;
                shown.inputs = section.inputs;
            }
            ImageTarget::Identity => sections.identity = section,
            ImageTarget::Custom => sections.custom = section,
        }
        sections.products.push(shown);
    }
    sections
}

fn show(
    inspection: &Inspection,
    image: &Image,
    detail: Detail,
    links: &Links,
    now: Timestamp,
) -> wire::Image {
    let photo = Target::Photo {
        inspection_id: inspection.id,
        image_id: image.id,
    };
    let plain = detail != Detail::Image;
    wire::Image {
        id: image.id,
        target: (plain && image.extra).then(|| inspection.image_target()),
        side: image.side.clone(),
        processed: image.is_processed(),
        approved: image.is_approved(),
        uploaded_at: image.uploaded_at,
        src: links.file(photo, image.format.extension(), now),
        generated_by: plain.then_some(GeneratedBy::Configuration),
        validations: image.validations().to_vec(),
        damages: Some(image.damages().to_vec()),
    }
}

/// A file is shown as the address where it can be fetched.
fn inputs(inputs: &[Input], links: &Links, now: Timestamp) -> Vec<Input> {
    inputs
        .iter()
        .map(|input| match input_file(input) {
            None => input.clone(),
            Some(file) => Input {
                value: Some(links.file(file.target(), "file", now).into()),
                ..input.clone()
            },
        })
        .collect()
}

fn blocked_reason(inspection: &Inspection) -> Option<BlockedReason> {
    match inspection.state {
        State::Blocked { reason, .. } => Some(reason),
        State::Created { .. }
        | State::Started { .. }
        | State::Processing { .. }
        | State::Completed { .. } => None,
    }
}
