//! What webhooks were set to, and since when: what explains why an event was not sent.

use heraldo_domain::explain::{WEBHOOK_STATES_KEPT_MAX, WebhookState};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::codes::{id_blob_at, time_at};
use super::fault::Done;
use super::group::Group;
use super::load::doc_at;
use super::rows::{many, one};

#[derive(Serialize, Deserialize)]
struct Doc {
    status: WebhookStatus,
    events: Vec<EventType>,
}

const STATE: &str = "SELECT webhook, version, since, doc FROM webhook_state";

fn state_from(row: &Row<'_>) -> Done<WebhookState> {
    let Doc { status, events } = doc_at(row, 3)?;
    Ok(WebhookState {
        webhook_id: WebhookId(id_blob_at(row, 0)?),
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        since: time_at(row, 2)?,
        status,
        events,
    })
}

/// Notes what a webhook is set to, if that differs from before.
pub(super) fn note(group: &Group<'_, '_>, webhook: &Webhook) -> Done<()> {
    let state = WebhookState::of(webhook);
    let id = webhook.id.0.as_bytes();
    let newest = format!("{STATE} WHERE webhook = ?1 ORDER BY since DESC, version DESC LIMIT 1");
    let before = one(group.db, &newest, params![id], state_from)?;
    if before.is_some_and(|before| before.decides_as(&state)) {
        return Ok(());
    }
    let doc = Doc {
        status: state.status,
        events: state.events,
    };
    group.run(
        "INSERT INTO webhook_state (webhook, since, version, doc) VALUES (?1, ?2, ?3, ?4)",
        params![
            id,
            state.since.as_millis(),
            state.version.cast_signed(),
            serde_json::to_string(&doc)?
        ],
    )?;
    group.run(
        "DELETE FROM webhook_state WHERE webhook = ?1 AND since <=
             (SELECT since FROM webhook_state WHERE webhook = ?1
              ORDER BY since DESC, version DESC LIMIT 1 OFFSET ?2)",
        params![id, WEBHOOK_STATES_KEPT_MAX],
    )?;
    Ok(())
}

/// The webhook is deleted: nobody asks any more.
pub(super) fn forget(group: &Group<'_, '_>, id: WebhookId) -> Done<()> {
    group.run(
        "DELETE FROM webhook_state WHERE webhook = ?1",
        params![id.0.as_bytes()],
    )?;
    Ok(())
}

/// Of each webhook the two newest states from up to `at` and the oldest one after it, in their order.
pub(super) fn around(
    db: &Connection,
    webhooks: &[WebhookId],
    at: Timestamp,
) -> Done<Vec<WebhookState>> {
    let before = format!(
        "{STATE} WHERE webhook = ?1 AND since <= ?2 ORDER BY since DESC, version DESC LIMIT 2"
    );
    let after =
        format!("{STATE} WHERE webhook = ?1 AND since > ?2 ORDER BY since, version LIMIT 1");
    let moment = db.unchecked_transaction()?;
    let mut states = Vec::new();
    for webhook in webhooks {
        let place = params![webhook.0.as_bytes(), at.as_millis()];
        let mut of_webhook = many(db, &before, place, state_from)?;
        of_webhook.reverse();
        of_webhook.extend(one(db, &after, place, state_from)?);
        states.append(&mut of_webhook);
    }
    moment.finish()?;
    Ok(states)
}
