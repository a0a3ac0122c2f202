//! Publishing and reading events (contract 8).

use serde::{Deserialize, Serialize};

use crate::event::EventType;
use crate::id::{EventId, InspectionId};
use crate::time::Timestamp;

/// Body of `POST /v1/notification/event`, alone or in an array. The server reads it with
/// [`crate::event::parse_published`], which keeps the payload's bytes; this type is for callers and for
/// the API description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublishItem {
    #[schema(schema_with = published_names)]
    pub event: EventType,
    /// An object with at least `_id`, the inspection, 24 hex digits; sent as given.
    #[schema(value_type = PublishPayload)]
    pub payload: serde_json::Value,
}

/// Only the events about inspections can be published.
fn published_names() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(EventType::ALL.map(EventType::as_str)))
        .build()
}

/// What every published payload has; whatever else it has is sent as given.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct PublishPayload {
    /// The inspection that the event is about, known to Heraldo or not.
    #[schema(rename = "_id")]
    id: InspectionId,
}

/// Answer to a publish, 202: the events are stored and will be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublishAnswer {
    /// One for each event, in the order of the request.
    pub data: Vec<PublishedId>,
}

/// The id that an event got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublishedId {
    #[serde(rename = "_id")]
    pub id: EventId,
}

/// An event as it is read: its exact body and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoredEvent)]
pub struct Event {
    /// The `webhook-id` of all its deliveries.
    #[serde(rename = "_id")]
    pub id: EventId,
    pub event: EventType,
    pub inspection_id: InspectionId,
    /// Its number within the inspection, from 1.
    pub sequence: u64,
    pub created_at: Timestamp,
    /// True for an event that was made by a webhook's test.
    pub test: bool,
    /// The text that is signed and sent, character for character.
    pub body: String,
}

/// Query of `GET /v1/notification/event`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct EventListQuery {
    #[serde(rename = "type")]
    pub kind: Option<EventType>,
    pub inspection_id: Option<InspectionId>,
    /// Events made at this instant or later.
    pub from: Option<Timestamp>,
    /// Events made before this instant.
    pub to: Option<Timestamp>,
    /// From 1 to 100; 10 without it.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
