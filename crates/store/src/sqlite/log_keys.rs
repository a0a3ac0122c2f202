//! Finds the keys of a page of the delivery log where walking the deliveries would pass over too many: by
//! the type of their events, and those that are pending among many that have ended.

use std::collections::BTreeSet;

use heraldo_domain::query::DeliveryFilter;
use heraldo_wire::id::{CompanyId, WebhookId};
use rusqlite::{Connection, params};

use super::codes::{Code, id_blob_at};
use super::fault::{Done, Fault};
use super::rows::{many, one};
use super::sends::delivery_keys;

/// How far the keys of an event and of a delivery made with it lie apart at most, as the index
/// `delivery_late` has it: 10 ms. The fewer, the fewer events are read that do not fit on the page.
const APART_MAX: i64 = 41_943_040;
/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 256;

/// The keys of deliveries of one type of events, newest first.
///
/// Events are walked newest first. Their deliveries are not in quite the same order, so that one is only
/// given when no event further on can have a newer one. Those that were made later than their event are
/// merged in from an index of their own.
pub(super) struct OfType {
    company: CompanyId,
    type_code: i64,
    range: (i64, i64),
    /// All events from here on are read.
    events_end: i64,
    late_end: i64,
    found: BTreeSet<i64>,
}

impl OfType {
    pub(super) fn new(company: CompanyId, event_type: impl Code, range: (i64, i64)) -> Self {
        let (_, end) = range;
        Self {
            company,
            type_code: event_type.code(),
            range,
            events_end: end.saturating_add(APART_MAX),
            late_end: end,
            found: BTreeSet::new(),
        }
    }

    /// The next keys; none when there are no more. Several calls are needed for a page whose rows do not all
    /// fit the filter.
    pub(super) fn next(&mut self, db: &Connection) -> Done<Vec<i64>> {
        loop {
            let all_read = self.events_end == i64::MIN && self.late_end == i64::MIN;
            let newest_unread = if all_read {
                i64::MIN
            } else {
                let apart = self.events_end.saturating_add(APART_MAX);
                apart.max(self.late_end)
            };
            let certain: Vec<i64> = self.found.split_off(&newest_unread).into_iter().collect();
            if !certain.is_empty() || all_read {
                return Ok(certain.into_iter().rev().collect());
            }
            // Whichever hides the newer ones is read on.
            if self.late_end > self.events_end.saturating_add(APART_MAX)
                || self.events_end == i64::MIN
            {
                self.read_late(db)?;
            } else {
                self.read_events(db)?;
            }
        }
    }

    fn read_events(&mut self, db: &Connection) -> Done<()> {
        let lowest = self.range.0.saturating_sub(APART_MAX);
        let events: Vec<(i64, Vec<u8>)> = many(
            db,
            "SELECT key, deliveries FROM event INDEXED BY event_type
             WHERE company = ?1 AND type = ?2 AND key >= ?3 AND key < ?4 ORDER BY key DESC LIMIT ?5",
            params![
                self.company.0.as_bytes(),
                self.type_code,
                lowest,
                self.events_end,
                EVENTS_AT_ONCE
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        self.events_end = match events.last() {
            Some((last, _)) if events.len() >= EVENTS_AT_ONCE as usize => *last,
            Some(_) | None => i64::MIN,
        };
        let (lowest, end) = self.range;
        for (event, deliveries) in &events {
            let together = delivery_keys(deliveries).filter(|key| {
                (lowest..end).contains(key)
                    && key.saturating_sub(*event).saturating_abs() <= APART_MAX
            });
            self.found.extend(together);
        }
        Ok(())
    }

    fn read_late(&mut self, db: &Connection) -> Done<()> {
        let keys: Vec<i64> = many(
            db,
            "SELECT d.key FROM delivery d INDEXED BY delivery_late CROSS JOIN event e ON e.key = d.event
             WHERE d.company = ?1 AND abs(d.key - d.event) > 41943040 AND e.type = ?2
                 AND d.key >= ?3 AND d.key < ?4
             ORDER BY d.key DESC LIMIT ?5",
            params![
                self.company.0.as_bytes(),
                self.type_code,
                self.range.0,
                self.late_end,
                EVENTS_AT_ONCE
            ],
            |row| Ok(row.get(0)?),
        )?;
        self.late_end = match keys.last() {
            Some(last) if keys.len() >= EVENTS_AT_ONCE as usize => *last,
            Some(_) | None => i64::MIN,
        };
        self.found.extend(keys);
        Ok(())
    }
}

/// The keys of pending deliveries, newest first, at most so many of each webhook that has some.
pub(super) fn pending(
    db: &Connection,
    company: CompanyId,
    filter: &DeliveryFilter,
    range: (i64, i64),
    limit: i64,
) -> Done<Vec<i64>> {
    let mut keys = leased(db, company, filter.webhook_id, range)?;
    let mut after: Vec<u8> = Vec::new();
    while let Some(webhook) = next_waiting(db, &after, filter.webhook_id)? {
        after = webhook.0.as_bytes().to_vec();
        if is_of(db, webhook, company)? {
            keys.extend(waiting(db, webhook, range, limit)?);
        }
        if filter.webhook_id.is_some() {
            break;
        }
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(keys)
}

/// Under way, or in a window: as many as windows hold.
fn leased(
    db: &Connection,
    company: CompanyId,
    webhook: Option<WebhookId>,
    (lowest, end): (i64, i64),
) -> Done<Vec<i64>> {
    let webhook = webhook.map(|webhook| webhook.0);
    many(
        db,
        "SELECT key FROM delivery INDEXED BY delivery_leased
         WHERE lease IS NOT NULL AND status = 0 AND company = ?1 AND key >= ?2 AND key < ?3
             AND (?4 IS NULL OR webhook = ?4)",
        params![
            company.0.as_bytes(),
            lowest,
            end,
            webhook.as_ref().map(|webhook| &webhook.as_bytes()[..])
        ],
        |row| Ok(row.get(0)?),
    )
}

/// The next webhook for which anything waits, found without reading what does.
fn next_waiting(db: &Connection, after: &[u8], only: Option<WebhookId>) -> Done<Option<WebhookId>> {
    if only.is_some() {
        return Ok(only);
    }
    one(
        db,
        "SELECT webhook FROM delivery INDEXED BY delivery_waiting
         WHERE webhook > ?1 AND status = 0 AND lease IS NULL ORDER BY webhook LIMIT 1",
        params![after],
        |row| Ok(WebhookId(id_blob_at(row, 0)?)),
    )
}

/// Whether what waits for the webhook is this company's. The webhook itself may be gone.
fn is_of(db: &Connection, webhook: WebhookId, company: CompanyId) -> Done<bool> {
    let found: Option<Vec<u8>> = one(
        db,
        "SELECT company FROM delivery INDEXED BY delivery_waiting
         WHERE webhook = ?1 AND status = 0 AND lease IS NULL LIMIT 1",
        params![webhook.0.as_bytes()],
        |row| row.get(0).map_err(Fault::from),
    )?;
    Ok(found.as_deref() == Some(&company.0.as_bytes()[..]))
}

/// The newest of one webhook, from the index alone.
fn waiting(
    db: &Connection,
    webhook: WebhookId,
    (lowest, end): (i64, i64),
    limit: i64,
) -> Done<Vec<i64>> {
    many(
        db,
        "SELECT key FROM delivery INDEXED BY delivery_waiting
         WHERE webhook = ?1 AND status = 0 AND lease IS NULL AND key >= ?2 AND key < ?3
         ORDER BY key DESC LIMIT ?4",
        params![webhook.0.as_bytes(), lowest, end, limit],
        |row| Ok(row.get(0)?),
    )
}
