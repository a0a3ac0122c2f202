//! The strict order: of a webhook's deliveries for one inspection only the first in the queue has a time;
//! when it has ended by its schedule the next one's turn comes.

use heraldo_domain::change::{NewDelivery, NewEvent};
use heraldo_wire::id::{DeliveryId, InspectionId, WebhookId};

use super::apply::Step;
use crate::plan;

impl Step<'_> {
    /// Puts a new delivery at the end of its queue. `true`: it is the first there.
    pub(super) fn enter_queue(
        &mut self,
        event: &NewEvent,
        delivery: NewDelivery,
        sequence: u32,
    ) -> bool {
        let (webhook, inspection) = (delivery.webhook_id, event.inspection_id);
        let is_first = self.first_in_queue(webhook, inspection).is_none();
        self.state
            .strict
            .put((webhook, inspection, sequence), delivery.id);
        is_first
    }

    fn first_in_queue(&self, webhook: WebhookId, inspection: InspectionId) -> Option<DeliveryId> {
        let queue = (webhook, inspection, 0)..=(webhook, inspection, u32::MAX);
        let first = self.state.strict.rows().range(queue).next();
        first.map(|(_, id)| *id)
    }

    /// A delivery has ended by its schedule: it leaves its queue, and the turn of whoever is first there
    /// has come.
    pub(super) fn leave_queue(
        &mut self,
        webhook: WebhookId,
        inspection: InspectionId,
        sequence: u32,
    ) {
        self.state.strict.remove(&(webhook, inspection, sequence));
        let Some(id) = self.first_in_queue(webhook, inspection) else {
            return;
        };
        let row = self.state.delivery(id).cloned();
        if let Some(mut row) = row.filter(|row| row.waits_for_its_turn()) {
            row.standing = plan::its_turn(row.event_id.0.made_at());
            self.go_on(id, row);
        }
    }

    /// What waits for its turn, of one webhook, the oldest first.
    pub(super) fn waiting_for_their_turn(&self, webhook: WebhookId) -> Vec<DeliveryId> {
        let first = (webhook, InspectionId::default(), 0);
        let queues = self.state.strict.rows().range(first..);
        let mut waiting: Vec<DeliveryId> = queues
            .take_while(|((of, ..), _)| *of == webhook)
            .map(|(_, id)| *id)
            .filter(|id| {
                self.state
                    .delivery(*id)
                    .is_some_and(super::state::Delivery::waits_for_its_turn)
            })
            .collect();
        waiting.sort_unstable();
        waiting
    }

    /// A delivery was cancelled while it waited: nobody waits for it any more.
    pub(super) fn forget_queued(&mut self, id: DeliveryId) {
        let place = self.state.delivery(id).and_then(|row| {
            let event = self.state.events.get(&row.event_id)?;
            row.strict
                .then_some((row.webhook_id, event.inspection_id, event.sequence))
        });
        if let Some(place) = place {
            self.state.strict.remove(&place);
        }
    }
}
