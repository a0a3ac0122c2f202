//! The runs of failures: a row for each webhook that fails now.
//!
//! A webhook that is well costs one look-up in a table that is nearly always empty, and no write.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use heraldo_domain::delivery::Settlement;
use heraldo_domain::health::{Failing, Followed, WebhookTurn};
use heraldo_domain::store::{Settled, StoreError};
use heraldo_wire::id::{DeliveryId, WebhookId};
use rusqlite::{Connection, Row, params};

use super::codes::{id_blob_at, key_of, tail_of, time_at};
use super::fault::Done;
use super::group::Group;
use super::rows::one;

const READ: &str = "SELECT since, attempts, first, several FROM failing WHERE webhook = ?1";

fn failing_from(row: &Row<'_>) -> Done<Failing> {
    Ok(Failing {
        since: time_at(row, 0)?,
        attempts: row.get(1)?,
        first: DeliveryId(id_blob_at(row, 2)?),
        several: row.get(3)?,
    })
}

pub(super) fn read(db: &Connection, webhook: WebhookId) -> Done<Option<Failing>> {
    one(db, READ, params![webhook.0.as_bytes()], failing_from)
}

pub(super) fn read_all(db: &Connection, webhooks: &[WebhookId]) -> Done<Vec<(WebhookId, Failing)>> {
    let mut found = Vec::new();
    for webhook in webhooks {
        if let Some(failing) = read(db, *webhook)? {
            found.push((*webhook, failing));
        }
    }
    Ok(found)
}

/// Notes what a group of outcomes came to. Those whose lease was lost tell nothing.
pub(super) fn note(
    group: &Group<'_, '_>,
    settlements: &[Settlement],
    settled: &[Settled],
) -> Done<Vec<WebhookTurn>> {
    let mut runs: BTreeMap<WebhookId, Followed> = BTreeMap::new();
    for (settlement, settled) in settlements.iter().zip(settled) {
        if *settled == Settled::LeaseLost {
            continue;
        }
        match runs.entry(settlement.webhook_id) {
            Entry::Occupied(mut run) => run.get_mut().take(settlement),
            Entry::Vacant(place) => {
                let before = read(group.db, settlement.webhook_id)?;
                place.insert(Followed::from(before)).take(settlement);
            }
        }
    }
    let mut turns = Vec::new();
    for (webhook, run) in runs {
        match (run.now, run.before) {
            (Some(now), _) => write(group, webhook, now)?,
            (None, Some(_)) => forget(group, webhook)?,
            (None, None) => {}
        }
        turns.extend(run.turn().map(|turn| (webhook, turn)));
    }
    Ok(turns)
}

/// A webhook that was deleted leaves none behind.
fn write(group: &Group<'_, '_>, webhook: WebhookId, run: Failing) -> Done<()> {
    group.run(
        "INSERT INTO failing (webhook, since, attempts, first, several)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM webhook WHERE key = ?6 AND tail = ?7)
         ON CONFLICT (webhook) DO UPDATE SET since = ?2, attempts = ?3, first = ?4, several = ?5",
        params![
            webhook.0.as_bytes(),
            run.since.as_millis(),
            run.attempts,
            run.first.0.as_bytes(),
            run.several,
            key_of(webhook.0),
            tail_of(webhook.0),
        ],
    )?;
    Ok(())
}

/// The run that a change was decided on has to go on.
pub(super) fn expect(group: &Group<'_, '_>, webhook: WebhookId, run: &Failing) -> Done<()> {
    match read(group.db, webhook)? {
        Some(now) if run.goes_on_as(&now) => Ok(()),
        Some(_) | None => Err(StoreError::Conflict.into()),
    }
}

pub(super) fn forget(group: &Group<'_, '_>, webhook: WebhookId) -> Done<()> {
    group.run(
        "DELETE FROM failing WHERE webhook = ?1",
        params![webhook.0.as_bytes()],
    )?;
    Ok(())
}
