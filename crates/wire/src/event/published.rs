//! Events that a company publishes itself: payload bytes are kept as given (contract 8.2, "Published
//! events").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EventType, UnknownEvent};
use crate::id::{Id, InspectionId};
use crate::object::Object;

/// One event of a publish request.
#[derive(Debug, Clone, Copy)]
pub struct PublishedEvent<'a> {
    pub event: EventType,
    /// The inspection that `payload._id` names, for order and sequence.
    pub inspection_id: InspectionId,
    /// A JSON object, with the caller's own spacing.
    pub payload: &'a RawValue,
}

/// Why a publish request was refused. `index` counts the events of the array from 0; it is `None` when
/// the body was a single event.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The body is not JSON.
    #[error("the body is not valid JSON: {0}")]
    Json(serde_json::Error),
    /// The body is JSON of another shape.
    #[error("send `{{\"event\": …, \"payload\": {{…}}}}` or an array of such objects: {0}")]
    Shape(serde_json::Error),
    #[error("the array is empty; send at least one event")]
    Empty,
    #[error("the array holds {given} events; send at most {max} in one request")]
    TooMany { given: usize, max: usize },
    #[error("{}{reason}", Place(*index))]
    UnknownEvent {
        index: Option<usize>,
        reason: UnknownEvent,
    },
    #[error("{}`payload` must be an object whose `_id` is 24 hex digits", Place(*index))]
    Payload { index: Option<usize> },
}

/// Says which event of an array is meant.
struct Place(Option<usize>);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .map_or(Ok(()), |index| write!(f, "event [{index}]: "))
    }
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(Deserialize)]
struct PayloadHead<'a> {
    #[serde(rename = "_id", borrow)]
    id: Cow<'a, str>,
}

/// Reads the body of a publish request, a single event or an array of at most `max`, without copying the
/// payloads. All events are checked before any is returned.
///
/// # Errors
/// See [`PublishError`]; with an array, the first event that is wrong is named.
pub fn parse_published(body: &[u8], max: usize) -> Result<Vec<PublishedEvent<'_>>, PublishError> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => {
            let items: Vec<Object<Item<'_>>> = serde_json::from_slice(body).map_err(wrong_body)?;
            match items.len() {
                0 => Err(PublishError::Empty),
                given if given > max => Err(PublishError::TooMany { given, max }),
                _ => items
                    .into_iter()
                    .enumerate()
                    .map(|(index, Object(item))| check(item, Some(index)))
                    .collect(),
            }
        }
        Some(_) | None => {
            let Object(item): Object<Item<'_>> =
                serde_json::from_slice(body).map_err(wrong_body)?;
            Ok(vec![check(item, None)?])
        }
    }
}

fn wrong_body(error: serde_json::Error) -> PublishError {
    match error.classify() {
        serde_json::error::Category::Data => PublishError::Shape(error),
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => PublishError::Json(error),
    }
}

fn check(item: Item<'_>, index: Option<usize>) -> Result<PublishedEvent<'_>, PublishError> {
    let event = item
        .event
        .parse()
        .map_err(|reason| PublishError::UnknownEvent { index, reason })?;
    let inspection_id = inspection_of(item.payload).ok_or(PublishError::Payload { index })?;
    Ok(PublishedEvent {
        event,
        inspection_id,
        payload: item.payload,
    })
}

/// The inspection that `payload._id` names; `None` when the payload is no object or has no such id.
fn inspection_of(payload: &RawValue) -> Option<InspectionId> {
    // A derived reader would take an array for an object, so that the first character decides.
    if !payload.get().starts_with('{') {
        return None;
    }
    let head: PayloadHead<'_> = serde_json::from_str(payload.get()).ok()?;
    head.id.parse::<Id>().ok().map(InspectionId)
}

/// The body of a published event: the payload's bytes stand in it exactly as given.
#[must_use]
pub fn render_published(event: EventType, payload: &RawValue) -> Vec<u8> {
    let payload = payload.get().as_bytes();
    let name = event.as_str().as_bytes();
    let mut body = Vec::with_capacity(name.len() + payload.len() + 24);
    body.extend_from_slice(b"{\"event\":\"");
    body.extend_from_slice(name);
    body.extend_from_slice(b"\",\"payload\":");
    body.extend_from_slice(payload);
    body.push(b'}');
    body
}
