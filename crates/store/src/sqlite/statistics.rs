//! Figures: what the writer counts, how it is written together, and how it is read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use heraldo_domain::statistics::{
    Backlog, Counted, Figures, Note, Statistic, StatisticsQuery, Whose, kept_for,
};
use heraldo_wire::api::Resolution;
use heraldo_wire::id::{CompanyId, Id, WebhookId};
use heraldo_wire::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::{Code, id_blob_at, time_if_at};
use super::fault::Done;
use super::group::Group;
use super::rows;
use crate::tally::Tally;

/// What is counted in memory alone: it starts anew with the process.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    totals: Figures,
    /// Only of webhooks that have some.
    pending: HashMap<WebhookId, i64>,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a durable group counted.
    pub(super) fn take(&self, notes: &[Note]) {
        let mut counts = self.lock();
        for note in notes {
            match note.counted {
                // Its event was counted already.
                Counted::Delivery => {}
                Counted::Event
                | Counted::Attempt(_)
                | Counted::Reopened
                | Counted::Cancelled(_) => counts.totals.count(&note.counted),
            }
            let pending = note.counted.pending();
            if let Some(webhook) = note.webhook_id.filter(|_| pending != 0) {
                let count = counts.pending.entry(webhook).or_default();
                *count += pending;
                if *count <= 0 {
                    counts.pending.remove(&webhook);
                }
            }
        }
    }

    /// Puts counts of the database itself in the place of those in memory.
    pub(super) fn recount(&self, db: &Connection) -> Done<()> {
        let pending = pending(db)?;
        self.lock().pending = pending;
        Ok(())
    }

    pub(super) fn totals(&self) -> Figures {
        self.lock().totals.clone()
    }

    pub(super) fn pending(&self) -> Vec<(WebhookId, u64)> {
        let counts = self.lock();
        let pending = counts.pending.iter();
        let mut pending: Vec<_> = pending
            .map(|(webhook, count)| (*webhook, u64::try_from(*count).unwrap_or(0)))
            .collect();
        drop(counts);
        pending.sort_unstable();
        pending
    }

    /// How many are pending for each of these that has some.
    pub(super) fn pending_of(
        &self,
        webhooks: impl Iterator<Item = WebhookId>,
    ) -> Vec<(WebhookId, u64)> {
        let counts = self.lock();
        webhooks
            .filter_map(|webhook| {
                let count = counts.pending.get(&webhook)?;
                Some((webhook, u64::try_from(*count).unwrap_or(0)))
            })
            .collect()
    }
}

/// Counts what is pending, from the indexes alone: the more is pending, the longer it takes.
fn pending(db: &Connection) -> Done<HashMap<WebhookId, i64>> {
    let mut pending = HashMap::new();
    for sql in [
        "SELECT webhook, count(*) FROM delivery INDEXED BY delivery_waiting
         WHERE status = 0 AND lease IS NULL GROUP BY webhook",
        "SELECT webhook, count(*) FROM delivery INDEXED BY delivery_leased
         WHERE lease IS NOT NULL GROUP BY webhook",
    ] {
        let counts = rows::many(db, sql, [], |row| {
            Ok((WebhookId(id_blob_at(row, 0)?), row.get::<_, i64>(1)?))
        })?;
        for (webhook, count) in counts {
            *pending.entry(webhook).or_default() += count;
        }
    }
    Ok(pending)
}

/// Adds what was gathered to what is stored.
pub(super) fn write(db: &Connection, tally: &Tally) -> Done<()> {
    let mut stored = db.prepare_cached(
        "SELECT figures FROM statistic
         WHERE resolution = ?1 AND start = ?2 AND company = ?3 AND webhook = ?4",
    )?;
    let mut put = db.prepare_cached(
        "INSERT OR REPLACE INTO statistic (resolution, start, company, webhook, figures)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ((resolution, start, company, webhook), mut figures) in tally.rows() {
        let (code, start_ms) = (resolution.code(), start.as_millis());
        let (company, webhook) = (company.0, webhook.map(|webhook| webhook.0));
        let webhook = blob(webhook.as_ref());
        let before: Option<String> = stored
            .query_row(
                params![code, start_ms, company.as_bytes(), webhook],
                |row| row.get(0),
            )
            .optional()?;
        match before.map(|text| serde_json::from_str::<Figures>(&text)) {
            None => {}
            Some(Ok(before)) => figures.merge(&before),
            // Counting goes on: what a damaged row said is lost, and the next write mends it.
            Some(Err(error)) => tracing::error!(%start, %error, "a row of figures was damaged"),
        }
        let text = serde_json::to_string(&figures)?;
        put.execute(params![code, start_ms, company.as_bytes(), webhook, text])?;
    }
    Ok(())
}

fn blob(webhook: Option<&Id>) -> &[u8] {
    webhook.map_or(&[], |id| id.as_bytes())
}

pub(super) fn read(
    db: &Connection,
    company: CompanyId,
    query: &StatisticsQuery,
) -> Done<Vec<Statistic>> {
    let mut one = db.prepare_cached(
        "SELECT webhook, figures FROM statistic
         WHERE resolution = ?1 AND start = ?2 AND company = ?3 AND webhook = ?4",
    )?;
    let mut each = db.prepare_cached(
        "SELECT webhook, figures FROM statistic
         WHERE resolution = ?1 AND start = ?2 AND company = ?3 AND webhook > ?4 ORDER BY webhook",
    )?;
    let (statement, webhook) = match query.whose {
        Whose::Company => (&mut one, None),
        Whose::Webhook(webhook) => (&mut one, Some(webhook.0)),
        Whose::EachWebhook => (&mut each, None),
    };
    let mut found = Vec::new();
    for start in query.starts() {
        let mut rows = statement.query(params![
            query.resolution.code(),
            start.as_millis(),
            company.0.as_bytes(),
            blob(webhook.as_ref()),
        ])?;
        while let Some(row) = rows.next()? {
            found.extend(statistic(row, start)?);
        }
    }
    Ok(found)
}

/// `None`: the row is damaged, which hurts no other.
fn statistic(row: &Row<'_>, start: Timestamp) -> Done<Option<Statistic>> {
    let webhook = row.get_ref(0)?.as_blob().unwrap_or_default();
    let webhook_id = if webhook.is_empty() {
        None
    } else {
        Some(WebhookId(id_blob_at(row, 0)?))
    };
    let text = row.get_ref(1)?.as_str().unwrap_or_default();
    Ok(match serde_json::from_str(text) {
        Ok(figures) => Some(Statistic {
            start,
            webhook_id,
            figures,
        }),
        Err(error) => {
            tracing::error!(%start, %error, "a row of figures is damaged");
            None
        }
    })
}

/// When the first that waits is due, of each of these webhooks.
pub(super) fn backlog(db: &Connection, pending: &[(WebhookId, u64)]) -> Done<Vec<Backlog>> {
    let mut first = db.prepare_cached(
        "SELECT next_attempt_at FROM delivery INDEXED BY delivery_waiting
         WHERE webhook = ?1 AND status = 0 AND lease IS NULL AND next_attempt_at >= ?2
         ORDER BY next_attempt_at LIMIT 1",
    )?;
    let mut backlog = Vec::with_capacity(pending.len());
    for (webhook_id, pending) in pending {
        let mut rows = first.query(params![webhook_id.0.as_bytes(), i64::MIN])?;
        let next_due_at = match rows.next()? {
            Some(row) => time_if_at(row, 0)?,
            None => None,
        };
        backlog.push(Backlog {
            webhook_id: *webhook_id,
            pending: *pending,
            next_due_at,
        });
    }
    Ok(backlog)
}

/// Deletes up to `limit` rows that were kept for as long as their resolution is.
pub(super) fn forget(group: &Group<'_, '_>, now: Timestamp, limit: u32) -> Done<u32> {
    let mut left = limit;
    for resolution in Resolution::ALL {
        let kept_ms = i64::try_from(kept_for(resolution).as_millis()).unwrap_or(i64::MAX);
        let gone = group.run(
            "DELETE FROM statistic WHERE (resolution, start, company, webhook) IN
                 (SELECT resolution, start, company, webhook FROM statistic
                  WHERE resolution = ?1 AND start < ?2 ORDER BY start LIMIT ?3)",
            params![
                resolution.code(),
                now.as_millis().saturating_sub(kept_ms),
                left
            ],
        )?;
        left = left.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
    }
    Ok(limit - left)
}
