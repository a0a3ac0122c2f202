//! The strict order: of a webhook's deliveries for one inspection only the first in the queue has a time;
//! when it has ended by its schedule the next one's turn comes.

use heraldo_domain::change::{NewDelivery, NewEvent};
use heraldo_wire::id::{DeliveryId, InspectionId, WebhookId};
use rusqlite::params;

use super::codes::{id_at, key_of};
use super::fault::Done;
use super::group::Group;
use super::{rows, sends};
use crate::plan;

/// Puts a new delivery at the end of its queue. `true`: it is the first there.
pub(super) fn enter(
    group: &Group<'_, '_>,
    event: &NewEvent,
    delivery: &NewDelivery,
    sequence: u32,
) -> Done<bool> {
    let (webhook, inspection) = (
        delivery.webhook_id.0.as_bytes(),
        event.inspection_id.0.as_bytes(),
    );
    let is_first = !group
        .statement("SELECT 1 FROM strict_queue WHERE webhook = ?1 AND inspection = ?2 LIMIT 1")?
        .exists(params![webhook, inspection])?;
    group.run(
        "INSERT INTO strict_queue (webhook, inspection, sequence, delivery) VALUES (?1, ?2, ?3, ?4)",
        params![webhook, inspection, sequence, key_of(delivery.id.0)],
    )?;
    Ok(is_first)
}

/// A delivery has ended by its schedule: it leaves its queue, and the turn of whoever is first there has
/// come.
pub(super) fn leave(
    group: &mut Group<'_, '_>,
    webhook: WebhookId,
    inspection: InspectionId,
    sequence: u32,
) -> Done<()> {
    let queue = params![webhook.0.as_bytes(), inspection.0.as_bytes(), sequence];
    group.run(
        "DELETE FROM strict_queue WHERE webhook = ?1 AND inspection = ?2 AND sequence = ?3",
        queue,
    )?;
    let first = rows::one(
        group.db,
        "SELECT d.key, d.tail, e.key, e.tail FROM strict_queue q
             JOIN delivery d ON d.key = q.delivery JOIN event e ON e.key = d.event
         WHERE q.webhook = ?1 AND q.inspection = ?2 ORDER BY q.sequence LIMIT 1",
        params![webhook.0.as_bytes(), inspection.0.as_bytes()],
        |row| Ok((DeliveryId(id_at(row, 0)?), id_at(row, 2)?)),
    )?;
    let Some((id, event)) = first else {
        return Ok(());
    };
    match rows::planned(group.db, id)? {
        Some(planned) if planned.waits_for_its_turn() => {
            sends::go_on(group, id, &planned, plan::its_turn(event.made_at()))
        }
        // It has a time already.
        Some(_) | None => Ok(()),
    }
}

/// Takes out of their queues those that are cancelled next; called before they are.
pub(super) fn forget_next_cancelled(
    group: &Group<'_, '_>,
    webhook: WebhookId,
    limit: u32,
) -> Done<()> {
    let webhook = webhook.0.as_bytes();
    let any = group
        .statement("SELECT 1 FROM strict_queue WHERE webhook = ?1 LIMIT 1")?
        .exists(params![webhook])?;
    if any {
        group.run(
            "DELETE FROM strict_queue WHERE (webhook, inspection, sequence) IN
                 (SELECT d.webhook, e.inspection, e.sequence
                  FROM (SELECT key, webhook, event FROM delivery INDEXED BY delivery_waiting
                        WHERE webhook = ?1 AND status = 0 AND lease IS NULL
                        ORDER BY next_attempt_at LIMIT ?2) d
                  JOIN event e ON e.key = d.event)",
            params![webhook, limit],
        )?;
    }
    Ok(())
}
