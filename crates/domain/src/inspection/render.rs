//! An inspection as the wire shows it: the retrieved object and the bodies of its events.

use bytes::Bytes;
use heraldo_wire::api;
use heraldo_wire::event::{
    ChildrenInspectionCreated, Event, EventType, Head, InspectionBlocked, InspectionCompleted,
    InspectionCreated, InspectionStarted, render,
};
use heraldo_wire::object as wire;
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Confidential, Identity, Producer, Section, Veredict,
};

use super::{Inspection, Product, State};

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
pub fn to_wire(inspection: &Inspection, public_url: &str) -> api::Inspection {
    api::Inspection {
        id: inspection.id,
        kind: inspection.inspection_type,
        status: inspection.status(),
        veredict: inspection.veredict(),
        completed_by: inspection.completed_by(),
        testing: inspection.testing,
        template: inspection.template.clone(),
        producer: inspection.producer.brief(),
        products: products(inspection, true),
        identity: identity(inspection),
        custom: Section::default(),
        metadata: inspection.metadata.clone(),
        created_at: inspection.created_at,
        updated_at: inspection.updated_at,
        magic_link: magic_link(inspection, public_url),
        access_code: Confidential::new(inspection.access_code.clone()),
        locale: inspection.locale.clone(),
        callback_url: inspection.callback_url.clone(),
        blocked_reason: blocked_reason(inspection),
        parent_inspection_id: inspection.parent_id,
        expires_at: inspection.expires_at,
    }
}

/// The body of one of its events, from the inspection as it is after the step that fired it.
pub(crate) fn event_body(inspection: &Inspection, event: EventType, public_url: &str) -> Bytes {
    let event = match event {
        EventType::InspectionCreated => Event::InspectionCreated(InspectionCreated {
            head: head(inspection, inspection.producer.clone()),
            magic_link: magic_link(inspection, public_url),
        }),
        EventType::ChildrenInspectionCreated => {
            Event::ChildrenInspectionCreated(ChildrenInspectionCreated {
                head: head(inspection, inspection.producer.clone()),
                magic_link: magic_link(inspection, public_url),
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
        EventType::InspectionCompleted => Event::InspectionCompleted(completed(inspection)),
        EventType::InspectionReviewed => Event::InspectionReviewed(completed(inspection)),
        EventType::ImageProcessed | EventType::ExtraImageProcessed => {
            unreachable!("an image's event is rendered from its image")
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

fn completed(inspection: &Inspection) -> InspectionCompleted {
    InspectionCompleted {
        head: brief_head(inspection),
        products: products(inspection, false),
        identity: identity(inspection),
        custom: Section::default(),
        completed_by: inspection.completed_by().unwrap_or(CompletedBy::Client),
    }
}

fn products(inspection: &Inspection, with_attributes: bool) -> Vec<wire::Product> {
    let show = |product: &Product| wire::Product {
        id: product.id,
        kind: inspection.inspection_type,
        images: Vec::new(),
        extra_images: Vec::new(),
        inputs: product.inputs.clone(),
        attributes: with_attributes.then(|| product.attributes.clone()),
    };
    inspection.products.iter().map(show).collect()
}

fn identity(inspection: &Inspection) -> Identity {
    Identity {
        consumer: inspection.consumer.clone(),
        section: Section::default(),
    }
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
