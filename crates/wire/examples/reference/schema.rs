//! The JSON Schemas of the events' bodies, from the types of the crate.

use std::collections::BTreeMap;

use heraldo_wire::event::{
    ChildrenInspectionCreated, EventType, ImageProcessed, InspectionBlocked, InspectionCompleted,
    InspectionCreated, InspectionStarted, WebhookDisabled,
};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The schema of a payload and of all that it refers to, by name.
pub struct Described {
    pub payload: Value,
    pub types: BTreeMap<String, Value>,
}

pub fn of(event: EventType) -> Described {
    match event {
        EventType::InspectionCreated => describe::<InspectionCreated>(),
        EventType::ChildrenInspectionCreated => describe::<ChildrenInspectionCreated>(),
        EventType::InspectionStarted => describe::<InspectionStarted>(),
        EventType::ImageProcessed | EventType::ExtraImageProcessed => describe::<ImageProcessed>(),
        EventType::InspectionBlocked => describe::<InspectionBlocked>(),
        EventType::InspectionCompleted | EventType::InspectionReviewed => {
            describe::<InspectionCompleted>()
        }
        EventType::WebhookDisabled => describe::<WebhookDisabled>(),
    }
}

fn describe<T: ToSchema>() -> Described {
    let mut types = Vec::new();
    T::schemas(&mut types);
    Described {
        payload: plain(&T::schema()),
        types: types
            .iter()
            .map(|(name, schema)| (name.clone(), plain(schema)))
            .collect(),
    }
}

fn plain(schema: &impl serde::Serialize) -> Value {
    let text = serde_json::to_string(schema).expect("a schema is JSON");
    let text = text.replace("#/components/schemas/", "#/$defs/");
    serde_json::from_str(&text).expect("it is still JSON")
}

/// The file: JSON Schema 2020-12 of the whole body.
pub fn text(event: EventType) -> String {
    let Described { payload, types } = of(event);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event.as_str(),
        "type": "object",
        "required": ["event", "payload"],
        "properties": {"event": {"const": event.as_str()}, "payload": payload},
        "$defs": types,
    });
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
