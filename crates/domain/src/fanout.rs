//! Which webhooks an event goes to (contract 4.5): the owning company's, subscribed, and not disabled.

use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::DeliveryId;

use crate::change::NewDelivery;
use crate::query::CompanyView;
use crate::webhook::Defaults;

/// One delivery for each webhook that is to get the event. A paused webhook's is made as well: the
/// dispatcher refuses it room, so that it waits in the store until the webhook is enabled again.
pub fn fan_out(
    company: &CompanyView,
    server: &Defaults,
    event: EventType,
    mut next_id: impl FnMut() -> DeliveryId,
) -> Vec<NewDelivery> {
    company
        .webhooks
        .iter()
        .filter(|webhook| webhook.settings.events.contains(&event))
        .filter(|webhook| match webhook.settings.status {
            WebhookStatus::Enabled | WebhookStatus::Paused => true,
            WebhookStatus::Disabled => false,
        })
        .map(|webhook| NewDelivery {
            id: next_id(),
            webhook_id: webhook.id,
            cause: Cause::First,
            strict: webhook.ordering(server) == Ordering::Strict,
        })
        .collect()
}
