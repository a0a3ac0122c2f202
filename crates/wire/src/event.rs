//! The eight events: their names, their typed payloads, and the one place that renders a body
//! (contract 3).
//!
//! A body is rendered once, stored, signed and sent as stored; nothing else may serialise an event.

mod image;
mod payload;
mod published;
mod sample;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use image::{ImageOwner, ImageProcessed};
pub use payload::{
    ChildrenInspectionCreated, Head, InspectionBlocked, InspectionCompleted, InspectionCreated,
    InspectionStarted,
};
pub use published::{PublishError, PublishedEvent, parse_published, render_published};
pub use sample::{Sample, sample};

use crate::id::InspectionId;
use crate::object::UnknownWord;

/// The name of an event (contract 4.6, C2: eight names).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// An inspection was created.
    InspectionCreated,
    /// An inspection was created from an expired one.
    ChildrenInspectionCreated,
    /// The consumer entered the right access code.
    InspectionStarted,
    /// A photo was processed and all its validations ended.
    ImageProcessed,
    /// A photo that the template does not ask for was processed.
    ExtraImageProcessed,
    /// An inspection expired before it was started, or its access attempts are spent.
    InspectionBlocked,
    /// An inspection is finished and its verdict is known.
    InspectionCompleted,
    /// A completed inspection's verdict was changed.
    InspectionReviewed,
}

impl EventType {
    /// Every event, in the order of contract 3.
    pub const ALL: [Self; 8] = [
        Self::InspectionCreated,
        Self::ChildrenInspectionCreated,
        Self::InspectionStarted,
        Self::ImageProcessed,
        Self::ExtraImageProcessed,
        Self::InspectionBlocked,
        Self::InspectionCompleted,
        Self::InspectionReviewed,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InspectionCreated => "inspection_created",
            Self::ChildrenInspectionCreated => "children_inspection_created",
            Self::InspectionStarted => "inspection_started",
            Self::ImageProcessed => "image_processed",
            Self::ExtraImageProcessed => "extra_image_processed",
            Self::InspectionBlocked => "inspection_blocked",
            Self::InspectionCompleted => "inspection_completed",
            Self::InspectionReviewed => "inspection_reviewed",
        }
    }

    /// Whether a failed first attempt is repeated when nothing else is configured (contract 4.4).
    #[must_use]
    pub const fn is_retried_by_default(self) -> bool {
        match self {
            Self::ImageProcessed | Self::ExtraImageProcessed | Self::InspectionCompleted => true,
            Self::InspectionCreated
            | Self::ChildrenInspectionCreated
            | Self::InspectionStarted
            | Self::InspectionBlocked
            | Self::InspectionReviewed => false,
        }
    }

    /// Reads the `events` of a webhook: each name known, at least one, duplicates dropped, order kept
    /// (contract 1.3, E1).
    ///
    /// # Errors
    /// When the list is empty, or with the first name that is not one of the eight.
    pub fn parse_list<S: AsRef<str>>(names: &[S]) -> Result<Vec<Self>, EventListError> {
        let mut events = Vec::with_capacity(Self::ALL.len());
        for name in names {
            let event = name.as_ref().parse()?;
            if !events.contains(&event) {
                events.push(event);
            }
        }
        if events.is_empty() {
            Err(EventListError::Empty)
        } else {
            Ok(events)
        }
    }
}

/// Why a list of event names was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventListError {
    #[error("`events` is empty; name at least one event")]
    Empty,
    #[error(transparent)]
    Unknown(#[from] UnknownEvent),
}

/// The name is not one of the eight events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event: {0}")]
pub struct UnknownEvent(UnknownWord);

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or_else(|| UnknownEvent(UnknownWord::new(text, &Self::ALL.map(Self::as_str))))
    }
}

/// An event with its payload; serialises as `{"event": …, "payload": …}` (contract 3.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
pub enum Event {
    InspectionCreated(InspectionCreated),
    ChildrenInspectionCreated(ChildrenInspectionCreated),
    InspectionStarted(InspectionStarted),
    ImageProcessed(ImageProcessed),
    /// The same body as `image_processed` (contract 3.6).
    ExtraImageProcessed(ImageProcessed),
    InspectionBlocked(InspectionBlocked),
    InspectionCompleted(InspectionCompleted),
    /// The body of `inspection_completed` with the new verdict (contract 3.9).
    InspectionReviewed(InspectionCompleted),
}

impl Event {
    /// The event's name.
    #[must_use]
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::InspectionCreated(_) => EventType::InspectionCreated,
            Self::ChildrenInspectionCreated(_) => EventType::ChildrenInspectionCreated,
            Self::InspectionStarted(_) => EventType::InspectionStarted,
            Self::ImageProcessed(_) => EventType::ImageProcessed,
            Self::ExtraImageProcessed(_) => EventType::ExtraImageProcessed,
            Self::InspectionBlocked(_) => EventType::InspectionBlocked,
            Self::InspectionCompleted(_) => EventType::InspectionCompleted,
            Self::InspectionReviewed(_) => EventType::InspectionReviewed,
        }
    }

    /// The inspection that the event is about: its `payload._id`.
    #[must_use]
    pub const fn inspection_id(&self) -> InspectionId {
        match self {
            Self::InspectionCreated(payload) => payload.head.id,
            Self::ChildrenInspectionCreated(payload) => payload.head.id,
            Self::InspectionStarted(payload) => payload.head.id,
            Self::ImageProcessed(payload) | Self::ExtraImageProcessed(payload) => payload.id,
            Self::InspectionBlocked(payload) => payload.head.id,
            Self::InspectionCompleted(payload) | Self::InspectionReviewed(payload) => {
                payload.head.id
            }
        }
    }
}

/// The body of an event: compact JSON, UTF-8, no trailing newline (contract 4.1).
#[must_use]
pub fn render(event: &Event) -> Vec<u8> {
    let mut body = Vec::with_capacity(1024);
    #[expect(
        clippy::expect_used,
        reason = "only non-text map keys or a failing writer make this fail; neither exists"
    )]
    serde_json::to_writer(&mut body, event)
        .expect("an event has text keys and a Vec takes every byte");
    body
}

#[cfg(test)]
mod tests;
