//! Events: published and read (contract 8, 8.2 "Published events").

pub mod explain;
pub mod list;
pub mod publish;
pub mod retrieve;

use heraldo_domain::change::Origin;
use heraldo_domain::query::EventRecord;
use heraldo_wire::api;

/// An event as it is read. Bodies are rendered as UTF-8, so that nothing is lost.
fn show(event: EventRecord) -> api::Event {
    api::Event {
        id: event.id,
        event: event.event_type,
        inspection_id: event.inspection_id,
        sequence: u64::from(event.sequence),
        created_at: event.created_at,
        test: event.origin == Origin::Test,
        body: String::from_utf8_lossy(&event.body).into_owned(),
    }
}
