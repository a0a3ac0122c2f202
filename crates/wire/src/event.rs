//! The eight events about inspections (contract 3), those about webhooks themselves, their names, their typed
//! payloads, and the one place that renders a body.
//!
//! A body is rendered once, stored, signed and sent as stored; nothing else may serialise an event.

mod about_webhooks;
mod image;
mod payload;
mod published;
mod sample;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use about_webhooks::{DisabledReason, WebhookDisabled};
pub use image::{ImageOwner, ImageProcessed};
pub use payload::{
    ChildrenInspectionCreated, Head, InspectionBlocked, InspectionCompleted, InspectionCreated,
    InspectionStarted,
};
pub use published::{PublishError, PublishedEvent, parse_published, render_published};
pub use sample::{Sample, sample};

use crate::id::InspectionId;
use crate::object::UnknownWord;

/// The name of an event: the eight about inspections (contract 4.6, C2), and one about webhooks.
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
    /// Another webhook of the company was disabled.
    WebhookDisabled,
}

impl EventType {
    /// Every event about inspections, in the order of contract 3: what can be published.
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

    /// Every event that a webhook can ask for.
    pub const SUBSCRIBABLE: [Self; 9] = [
        Self::InspectionCreated,
        Self::ChildrenInspectionCreated,
        Self::InspectionStarted,
        Self::ImageProcessed,
        Self::ExtraImageProcessed,
        Self::InspectionBlocked,
        Self::InspectionCompleted,
        Self::InspectionReviewed,
        Self::WebhookDisabled,
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
            Self::WebhookDisabled => "webhook_disabled",
        }
    }

    /// Whether a failed first attempt is repeated when nothing else is configured (contract 4.4: three of the
    /// eight).
    #[must_use]
    pub const fn is_retried_by_default(self) -> bool {
        match self {
            Self::ImageProcessed
            | Self::ExtraImageProcessed
            | Self::InspectionCompleted
            | Self::WebhookDisabled => true,
            Self::InspectionCreated
            | Self::ChildrenInspectionCreated
            | Self::InspectionStarted
            | Self::InspectionBlocked
            | Self::InspectionReviewed => false,
        }
    }

    /// The event of this name that a webhook can ask for.
    ///
    /// # Errors
    /// When there is none.
    pub fn subscribable(name: &str) -> Result<Self, UnknownEvent> {
        Self::among(&Self::SUBSCRIBABLE, name)
    }

    fn among(events: &[Self], name: &str) -> Result<Self, UnknownEvent> {
        let found = events.iter().find(|event| event.as_str() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
            UnknownEvent(UnknownWord::new(name, &names))
        })
    }

    /// Reads the `events` of a webhook: each name known, at least one, duplicates dropped, order kept
    /// (contract 1.3, E1).
    ///
    /// # Errors
    /// When the list is empty, or with the first name that no webhook can ask for.
    pub fn parse_list<S: AsRef<str>>(names: &[S]) -> Result<Vec<Self>, EventListError> {
        let events = Self::parse_retried(names)?;
        if events.is_empty() {
            Err(EventListError::Empty)
        } else {
            Ok(events)
        }
    }

    /// Reads the events that are tried again: as [`EventType::parse_list`], but there may be none.
    ///
    /// # Errors
    /// The first name that no webhook can ask for.
    pub fn parse_retried<S: AsRef<str>>(names: &[S]) -> Result<Vec<Self>, UnknownEvent> {
        let mut events = Vec::with_capacity(Self::ALL.len());
        for name in names {
            let event = Self::subscribable(name.as_ref())?;
            if !events.contains(&event) {
                events.push(event);
            }
        }
        Ok(events)
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

/// The name is none of the events that were possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event: {0}")]
pub struct UnknownEvent(UnknownWord);

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the name of one of the eight; see also [`EventType::subscribable`].
impl FromStr for EventType {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::among(&Self::ALL, text)
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
    WebhookDisabled(WebhookDisabled),
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
            Self::WebhookDisabled(_) => EventType::WebhookDisabled,
        }
    }

    /// The inspection that the event is about: its `payload._id`. An event about a webhook stands alone: what
    /// orders it is that webhook's id.
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
            Self::WebhookDisabled(payload) => InspectionId(payload.id.0),
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
