//! Reads rows of events and deliveries into the contract's values.

use bytes::Bytes;
use heraldo_domain::change::Origin;
use heraldo_domain::delivery::{Attempt, Epoch, Leased};
use heraldo_domain::query::{DeliveryRecord, EventRecord};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, InspectionId, WebhookId};
use rusqlite::{Connection, Row, params};

use super::attempts;
use super::codes::{
    code_at, fallback_from, id_at, id_blob_at, key_of, tail_of, time_at, time_if_at,
};
use super::fault::{Done, Fault};
use crate::plan::{ResendDue, Standing};

/// A delivery's row as the writer decides on it.
#[derive(Debug)]
pub(super) struct Planned {
    pub company_id: CompanyId,
    pub webhook_id: WebhookId,
    pub event_key: i64,
    pub lease: Option<Epoch>,
    pub attempts: u32,
    pub standing: Standing,
    pub resend_due: Option<ResendDue>,
    /// The stored text of the last attempt, and its number.
    pub last_attempt: Option<String>,
}

impl Planned {
    /// The delivery of the event before it has not ended (`ordering: strict`).
    pub(super) fn waits_for_its_turn(&self) -> bool {
        self.standing.status == DeliveryStatus::Pending
            && self.lease.is_none()
            && self.standing.next_attempt_at.is_none()
    }
}

pub(super) fn planned(db: &Connection, id: DeliveryId) -> Done<Option<Planned>> {
    let mut statement = db.prepare_cached(
        "SELECT company, webhook, event, lease, attempts, status, cause, next_attempt_at, fallback,
             fallback_at, resend_cause, resend_at, last_attempt
         FROM delivery WHERE key = ?1 AND tail = ?2",
    )?;
    let mut rows = statement.query(params![key_of(id.0), tail_of(id.0)])?;
    rows.next()?.map(planned_from).transpose()
}

fn planned_from(row: &Row<'_>) -> Done<Planned> {
    let resend_due = match time_if_at(row, 11)? {
        Some(at) => Some(ResendDue {
            cause: code_at(row, 10)?,
            at,
        }),
        None => None,
    };
    Ok(Planned {
        company_id: CompanyId(id_blob_at(row, 0)?),
        webhook_id: WebhookId(id_blob_at(row, 1)?),
        event_key: row.get(2)?,
        lease: row.get::<_, Option<u32>>(3)?.map(Epoch),
        attempts: row.get(4)?,
        standing: Standing {
            status: code_at(row, 5)?,
            cause: code_at(row, 6)?,
            next_attempt_at: time_if_at(row, 7)?,
            fallback: fallback_from(row.get(8)?, row.get(9)?)
                .ok_or_else(|| Fault::unreadable("an unknown fallback"))?,
        },
        resend_due,
        last_attempt: row.get(12)?,
    })
}

pub(super) fn event_body_bytes(db: &Connection, event_key: i64) -> Done<usize> {
    let mut statement = db.prepare_cached("SELECT octet_length(body) FROM event WHERE key = ?1")?;
    let bytes: i64 = statement.query_row([event_key], |row| row.get(0))?;
    usize::try_from(bytes).map_err(|_| Fault::unreadable("a body of a negative length"))
}

/// What a lease needs, in the order that [`leased_from`] reads.
pub(super) const LEASED: &str =
    "d.key, d.tail, d.webhook, d.company, e.key, e.tail, e.type, e.inspection,
    e.sequence, e.body, e.origin, d.attempts, d.scheduled_attempts, d.cause, d.first_attempt_at,
    d.fallback, d.fallback_at, d.recovered, d.interruptions, d.strict";

pub(super) fn leased_from(row: &Row<'_>, lease: Epoch) -> Done<Leased> {
    Ok(Leased {
        delivery_id: DeliveryId(id_at(row, 0)?),
        webhook_id: WebhookId(id_blob_at(row, 2)?),
        company_id: CompanyId(id_blob_at(row, 3)?),
        event_id: EventId(id_at(row, 4)?),
        event_type: code_at(row, 6)?,
        inspection_id: InspectionId(id_blob_at(row, 7)?),
        sequence: row.get(8)?,
        body: Bytes::from(row.get::<_, Vec<u8>>(9)?),
        test: code_at::<Origin>(row, 10)? == Origin::Test,
        lease,
        attempts: row.get(11)?,
        scheduled_attempts: row.get(12)?,
        cause: code_at::<Cause>(row, 13)?,
        first_attempt_at: time_if_at(row, 14)?,
        fallback: fallback_from(row.get(15)?, row.get(16)?)
            .ok_or_else(|| Fault::unreadable("an unknown fallback"))?,
        recovered: row.get(17)?,
        interruptions: row.get(18)?,
        strict: row.get(19)?,
    })
}

/// The lease of one delivery that is about to stand as `next` says.
pub(super) fn leased(
    db: &Connection,
    id: DeliveryId,
    lease: Epoch,
    next: Standing,
) -> Done<Leased> {
    let sql =
        format!("SELECT {LEASED} FROM delivery d JOIN event e ON e.key = d.event WHERE d.key = ?1");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([key_of(id.0)])?;
    let row = rows
        .next()?
        .ok_or_else(|| Fault::unreadable("a delivery without its event"))?;
    Ok(Leased {
        cause: next.cause,
        fallback: next.fallback,
        ..leased_from(row, lease)?
    })
}

/// What is shown of an event, in the order that [`event_from`] reads.
pub(super) const EVENT: &str =
    "e.key, e.tail, e.company, e.inspection, e.type, e.sequence, e.origin, e.created_at, e.body";

pub(super) fn event_from(row: &Row<'_>) -> Done<EventRecord> {
    Ok(EventRecord {
        id: EventId(id_at(row, 0)?),
        company_id: CompanyId(id_blob_at(row, 2)?),
        inspection_id: InspectionId(id_blob_at(row, 3)?),
        event_type: code_at(row, 4)?,
        sequence: row.get(5)?,
        origin: code_at(row, 6)?,
        created_at: time_at(row, 7)?,
        body: Bytes::from(row.get::<_, Vec<u8>>(8)?),
    })
}

/// What is shown of a delivery, in the order that [`delivery_from`] reads.
pub(super) const DELIVERY: &str =
    "d.key, d.tail, d.company, d.webhook, e.key, e.tail, e.type, e.inspection,
    d.status, d.next_attempt_at, d.attempts, d.last_attempt";

pub(super) fn delivery_from(row: &Row<'_>) -> Done<DeliveryRecord> {
    let id = DeliveryId(id_at(row, 0)?);
    let status: DeliveryStatus = code_at(row, 8)?;
    Ok(DeliveryRecord {
        id,
        company_id: CompanyId(id_blob_at(row, 2)?),
        webhook_id: WebhookId(id_blob_at(row, 3)?),
        event_id: EventId(id_at(row, 4)?),
        event_type: code_at(row, 6)?,
        inspection_id: InspectionId(id_blob_at(row, 7)?),
        status,
        next_attempt_at: time_if_at(row, 9)?,
        created_at: id.0.made_at(),
        attempt_count: row.get(10)?,
        last_attempt: attempt_if_at(row, 11)?,
        attempts: Vec::new(),
    })
}

fn attempt_if_at(row: &Row<'_>, column: usize) -> Done<Option<Attempt>> {
    match row
        .get_ref(column)?
        .as_bytes_or_null()
        .map_err(|_| Fault::unreadable("an odd attempt"))?
    {
        Some(text) => attempts::from_text(text).map(Some),
        None => Ok(None),
    }
}

/// The attempts of a delivery before its last one, oldest first.
pub(super) fn earlier_attempts(db: &Connection, id: DeliveryId) -> Done<Vec<Attempt>> {
    let mut statement =
        db.prepare_cached("SELECT doc FROM attempt WHERE delivery = ?1 ORDER BY number")?;
    let mut rows = statement.query([key_of(id.0)])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.extend(attempt_if_at(row, 0)?);
    }
    Ok(attempts)
}

/// One row, read by a function of this engine.
pub(super) fn one<T>(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Done<T>,
) -> Done<Option<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows, each read by a function of this engine.
pub(super) fn many<T>(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Done<T>,
) -> Done<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
