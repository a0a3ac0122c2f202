//! What a receiver does with a delivery: check the signature, then read the event (contract 4.2).

use serde_json::Value;

use super::{Secret, verify_body};
use crate::event::{Event, EventType};

/// The sentence of the official SDK for a signature that does not match.
pub const INVALID_SIGNATURE: &str = "The signature provided in the request is not valid";

/// Why a delivery was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConstructError {
    /// The signature is missing, wrong, in upper case or prefixed.
    #[error("The signature provided in the request is not valid")]
    InvalidSignature,
    /// The signature is right, but the body is not JSON.
    #[error("the signed body is not valid JSON: {0}")]
    InvalidJson(#[source] serde_json::Error),
}

/// The parsed body of a delivery, untouched: an event that this version does not know passes as well.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstructedEvent(pub Value);

impl ConstructedEvent {
    /// The event's name as sent, whether known or not.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.get("event").and_then(Value::as_str)
    }

    /// The event's type, when it is one that webhooks can ask for.
    #[must_use]
    pub fn event_type(&self) -> Option<EventType> {
        self.name()
            .and_then(|name| EventType::subscribable(name).ok())
    }

    /// The payload as sent; null when there is none.
    #[must_use]
    pub fn payload(&self) -> &Value {
        self.0.get("payload").unwrap_or(&Value::Null)
    }

    /// The typed event.
    ///
    /// # Errors
    /// When the body is not one of the documented events, as may be with published events.
    pub fn to_event(&self) -> Result<Event, serde_json::Error> {
        use serde::Deserialize as _;
        Event::deserialize(&self.0)
    }
}

/// Checks the value of `autoinspector-signature` and returns the parsed body, as `constructEvent` of the
/// official SDK does: the signature first, then the JSON, no look at the event's name (contract 4.2).
///
/// # Errors
/// [`ConstructError::InvalidSignature`] before anything is parsed, else
/// [`ConstructError::InvalidJson`].
pub fn construct_event(
    body: &[u8],
    signature: Option<&str>,
    secret: &Secret,
) -> Result<ConstructedEvent, ConstructError> {
    match signature {
        Some(signature) if verify_body(secret, body, signature) => serde_json::from_slice(body)
            .map(ConstructedEvent)
            .map_err(ConstructError::InvalidJson),
        Some(_) | None => Err(ConstructError::InvalidSignature),
    }
}
