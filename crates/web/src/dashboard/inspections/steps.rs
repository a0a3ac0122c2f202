//! The time line of an inspection: its states and its events, oldest first, each event with its deliveries.

use heraldo_domain::inspection::{Inspection, State};
use heraldo_domain::ops::inspections::Story;
use heraldo_domain::query::{CompanyView, DeliveryRecord, EventRecord};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{DeliveryId, EventId};
use heraldo_wire::object::InspectionStatus;
use heraldo_wire::time::Timestamp;
use serde_json::Value;

use crate::dashboard::moment::Moment;
use crate::words::Words;

/// With more deliveries than these on the page they are counted and not listed, so that it stays small.
const DELIVERIES_LISTED_MAX: usize = 60;

/// One step of the time line: a state that the inspection came to, an event, or both at once.
pub struct Step {
    pub at: Moment,
    pub state: Option<InspectionStatus>,
    pub event: Option<Happened>,
}

/// One event.
pub struct Happened {
    pub id: EventId,
    pub event: EventType,
    /// The photo that it is about.
    pub side: Option<String>,
    pub told: Told,
}

/// Who was told of an event.
pub enum Told {
    Each(Vec<Sent>),
    Counted(Vec<(DeliveryStatus, usize)>),
}

/// One delivery of it.
pub struct Sent {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    /// `None`: its webhook was deleted.
    pub endpoint: Option<String>,
}

pub fn steps(t: Words, company: &CompanyView, inspection: &Inspection, story: &Story) -> Vec<Step> {
    let lists = !story.has_more_deliveries && story.deliveries.len() <= DELIVERIES_LISTED_MAX;
    let mut steps: Vec<(Timestamp, Step)> = Vec::with_capacity(story.events.len() + 2);
    for event in &story.events {
        // They are read newest first.
        let deliveries = story.deliveries.iter().rev();
        let of_event: Vec<&DeliveryRecord> = deliveries
            .filter(|delivery| delivery.event_id == event.id)
            .collect();
        let step = Step {
            at: Moment(event.created_at),
            state: state_of(event.event_type),
            event: Some(Happened {
                id: event.id,
                event: event.event_type,
                side: side(event).map(|side| t.0.side(&side)),
                told: if lists {
                    Told::Each(of_event.iter().map(|of| sent(company, of)).collect())
                } else {
                    counted(&of_event)
                },
            }),
        };
        steps.push((event.created_at, step));
    }
    for (at, state) in states(inspection) {
        let is_told = steps.iter().any(|(_, step)| step.state == Some(state));
        if !is_told {
            let step = Step {
                at: Moment(at),
                state: Some(state),
                event: None,
            };
            steps.push((at, step));
        }
    }
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn sent(company: &CompanyView, delivery: &DeliveryRecord) -> Sent {
    let webhook = company.webhook(delivery.webhook_id);
    Sent {
        id: delivery.id,
        status: delivery.status,
        endpoint: webhook.map(|webhook| webhook.settings.endpoint.clone()),
    }
}

fn counted(deliveries: &[&DeliveryRecord]) -> Told {
    let count = |status: &DeliveryStatus| {
        let of_status = deliveries.iter().filter(|of| of.status == *status);
        (*status, of_status.count())
    };
    let counts = DeliveryStatus::ALL.iter().map(count);
    Told::Counted(counts.filter(|(_, count)| *count > 0).collect())
}

/// The states that are known to have been come to, also when their events are gone or there are none of them.
fn states(inspection: &Inspection) -> Vec<(Timestamp, InspectionStatus)> {
    let mut states = vec![(inspection.created_at, InspectionStatus::Created)];
    match inspection.state {
        State::Created { .. } => {}
        State::Started { at, .. }
        | State::Processing { at, .. }
        | State::Completed { at, .. }
        | State::Blocked { at, .. } => states.push((at, inspection.status())),
    }
    states
}

/// The state that an event tells of.
const fn state_of(event: EventType) -> Option<InspectionStatus> {
    match event {
        EventType::InspectionCreated | EventType::ChildrenInspectionCreated => {
            Some(InspectionStatus::Created)
        }
        EventType::InspectionStarted => Some(InspectionStatus::Started),
        EventType::InspectionBlocked => Some(InspectionStatus::Blocked),
        EventType::InspectionCompleted => Some(InspectionStatus::Completed),
        EventType::ImageProcessed
        | EventType::ExtraImageProcessed
        | EventType::InspectionReviewed
        | EventType::WebhookDisabled => None,
    }
}

/// The side of the photo that an event is about.
fn side(event: &EventRecord) -> Option<String> {
    match event.event_type {
        EventType::ImageProcessed | EventType::ExtraImageProcessed => {}
        EventType::InspectionCreated
        | EventType::ChildrenInspectionCreated
        | EventType::InspectionStarted
        | EventType::InspectionBlocked
        | EventType::InspectionCompleted
        | EventType::InspectionReviewed
        | EventType::WebhookDisabled => return None,
    }
    let body: Value = serde_json::from_slice(&event.body).ok()?;
    let payload = body.get("payload")?;
    let owners = ["product", "identity", "custom"];
    let owner = owners.into_iter().find_map(|owner| payload.get(owner))?;
    // That of a product is an array of one (contract C6).
    let image = owner.get("image")?;
    let image = image.get(0).unwrap_or(image);
    Some(image.get("side")?.as_str()?.to_owned())
}
