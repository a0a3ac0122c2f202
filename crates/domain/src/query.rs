//! What can be read from a store: views, filters and pages.

use bytes::Bytes;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, Id, InspectionId, UserId, WebhookId};
use heraldo_wire::object::{InspectionStatus, InspectionType, Veredict};
use heraldo_wire::time::Timestamp;
use std::sync::Arc;

use crate::account::{Company, Member};
use crate::change::Origin;
use crate::delivery::Attempt;
use crate::webhook::Webhook;

/// A company with all that deciding on its behalf needs; engines keep it in memory.
#[derive(Debug, Clone)]
pub struct CompanyView {
    pub company: Company,
    pub members: Vec<Member>,
    /// Every webhook that is not deleted, oldest first.
    pub webhooks: Vec<Arc<Webhook>>,
}

impl CompanyView {
    #[must_use]
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.iter().find(|member| member.user_id == user)
    }

    #[must_use]
    pub fn webhook(&self, id: WebhookId) -> Option<&Arc<Webhook>> {
        self.webhooks.iter().find(|webhook| webhook.id == id)
    }
}

/// A page by cursor, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<C> {
    /// At most this many rows.
    pub limit: u32,
    /// Only rows older than this one.
    pub before: Option<C>,
}

impl<C> Page<C> {
    /// The same page with its cursor as another type.
    pub fn with_cursor<D>(self, as_other: impl FnOnce(C) -> D) -> Page<D> {
        Page {
            limit: self.limit,
            before: self.before.map(as_other),
        }
    }
}

/// Which inspections to list (contract E13). Texts are matched exactly after trimming and upper-casing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InspectionFilter {
    pub status: Option<InspectionStatus>,
    pub inspection_type: Option<InspectionType>,
    pub veredict: Option<Veredict>,
    pub plate: Option<String>,
    pub consumer_identification: Option<String>,
    pub template_id: Option<String>,
    /// Only those produced by one of these users.
    pub producers: Option<Vec<UserId>>,
    /// Inclusive, on the creation time.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
    /// Only those older than this one: a cursor.
    pub before: Option<InspectionId>,
    /// A part of the consumer's identification, first name or e-mail; one or two characters are looked for
    /// at their beginnings alone.
    pub search: Option<String>,
}

/// So many inspections that match a plate, an identification or a search are counted at least. An engine
/// may stop there if the asked page ends before it, and after the next one if not.
pub const INSPECTIONS_COUNTED_MIN: u64 = 50_000;

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub event_type: Option<EventType>,
    pub inspection_id: Option<InspectionId>,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub webhook_id: Option<WebhookId>,
    pub status: Option<DeliveryStatus>,
    pub event_type: Option<EventType>,
    pub event_id: Option<EventId>,
    pub inspection_id: Option<InspectionId>,
    /// Inclusive, on the creation time.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
}

impl DeliveryFilter {
    /// Whether a delivery is among those asked for.
    #[must_use]
    pub fn keeps(&self, delivery: &DeliveryRecord) -> bool {
        fn is<T: PartialEq>(asked: Option<&T>, value: &T) -> bool {
            asked.is_none_or(|asked| asked == value)
        }
        is(self.webhook_id.as_ref(), &delivery.webhook_id)
            && is(self.status.as_ref(), &delivery.status)
            && is(self.event_type.as_ref(), &delivery.event_type)
            && is(self.event_id.as_ref(), &delivery.event_id)
            && is(self.inspection_id.as_ref(), &delivery.inspection_id)
            && made_within(delivery.id.0, self.from, self.to)
    }
}

/// Lists go by the time an id was made, as their order does: from the first instant, before the second.
#[must_use]
pub fn made_within(id: Id, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
    from.is_none_or(|from| id.key() >= Id::first_key_at(from))
        && to.is_none_or(|to| id.key() < Id::first_key_at(to))
}

/// An event as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    pub id: EventId,
    pub company_id: CompanyId,
    pub inspection_id: InspectionId,
    pub event_type: EventType,
    pub sequence: u32,
    pub origin: Origin,
    pub created_at: Timestamp,
    /// The exact bytes that are sent.
    pub body: Bytes,
}

/// An event as a recovery looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventStanding {
    pub event_id: EventId,
    pub event_type: EventType,
    pub origin: Origin,
    /// Its delivery to the webhook that was asked for, and where that stands.
    pub delivery: Option<(DeliveryId, DeliveryStatus)>,
}

/// A delivery as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    pub id: DeliveryId,
    pub company_id: CompanyId,
    pub webhook_id: WebhookId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub inspection_id: InspectionId,
    pub status: DeliveryStatus,
    /// `None` unless pending.
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub attempt_count: u32,
    pub last_attempt: Option<Attempt>,
    /// All of them, oldest first; empty in lists.
    pub attempts: Vec<Attempt>,
}
