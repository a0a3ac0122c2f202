//! A delivery in the list, the same whether a page shows it or the stream brings it.

use askama::Template;
use heraldo_domain::query::{CompanyView, DeliveryRecord};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::event::EventType;
use heraldo_wire::id::DeliveryId;

use crate::dashboard::address::Address;
use crate::dashboard::moment::Moment;
use crate::words::Words;

/// One row.
pub struct Row {
    pub id: DeliveryId,
    pub made_at: Moment,
    pub event: EventType,
    /// `None`: its webhook was deleted.
    pub endpoint: Option<String>,
    pub status: DeliveryStatus,
    pub attempts: u32,
    pub last: Option<Last>,
    pub next_at: Option<Moment>,
}

/// What the last attempt came to.
pub struct Last {
    pub status_code: Option<u16>,
    pub error_class: Option<ErrorClass>,
    pub took_ms: u32,
}

impl Row {
    pub fn of(delivery: &DeliveryRecord, company: &CompanyView) -> Self {
        let webhook = company.webhook(delivery.webhook_id);
        Self {
            id: delivery.id,
            made_at: Moment(delivery.created_at),
            event: delivery.event_type,
            endpoint: webhook.map(|webhook| webhook.settings.endpoint.clone()),
            status: delivery.status,
            attempts: delivery.attempt_count,
            last: delivery.last_attempt.as_ref().map(|attempt| Last {
                status_code: attempt.status_code,
                error_class: attempt.error_class,
                took_ms: attempt.duration_ms,
            }),
            next_at: delivery.next_attempt_at.map(Moment),
        }
    }
}

/// A row by itself.
#[derive(Template)]
#[template(path = "dashboard/delivery_row.html")]
pub struct LoneRow {
    pub t: Words,
    pub row: Row,
}
