//! Reads events and deliveries, and lists them newest first.
//!
//! Every list walks an index in its own order and stops at its limit, or finds the few keys that it needs
//! (`log_keys`); where two filters meet, one may be tried on the rows on the way.

use heraldo_domain::query::{
    DeliveryFilter, DeliveryRecord, EventFilter, EventRecord, EventStanding, Page,
};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, Id, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::codes::{Code, code_at, id_at, key_of, signed, tail_of};
use super::fault::{Done, Fault};
use super::listed::{Listed, page};
use super::log_keys::{self, OfType};
use super::rows::{DELIVERY, EVENT, delivery_from, earlier_attempts, event_from, many, one};
use super::sends::delivery_keys;

/// An inspection with more events than this is looked for on the way through the company's deliveries.
const GATHERED_EVENTS_MAX: u16 = 500;

pub(super) fn event(db: &Connection, company: CompanyId, id: EventId) -> Done<Option<EventRecord>> {
    let sql =
        format!("SELECT {EVENT} FROM event e WHERE e.key = ?1 AND e.tail = ?2 AND e.company = ?3");
    one(
        db,
        &sql,
        params![key_of(id.0), tail_of(id.0), company.0.as_bytes()],
        event_from,
    )
    .map_err(|fault| fault.of("the event", id))
}

/// The keys that a page may hold: before its cursor, and made within the asked time.
pub(super) fn key_range(
    before: Option<Id>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> (i64, i64) {
    let first = |at: Timestamp| signed(Id::first_key_at(at));
    let lowest = from.map_or(i64::MIN, first);
    let end = to
        .map_or(i64::MAX, first)
        .min(before.map_or(i64::MAX, key_of));
    (lowest, end)
}

pub(super) fn events(
    db: &Connection,
    company: CompanyId,
    filter: &EventFilter,
    asked: Page<EventId>,
) -> Done<Listed<EventRecord>> {
    let (lowest, end) = key_range(asked.before.map(|id| id.0), filter.from, filter.to);
    let Some(inspection) = filter.inspection_id else {
        let only = filter.event_type.map(|event_type| event_type.code());
        let sql = format!(
            "SELECT {EVENT} FROM ({}) k CROSS JOIN event e ON e.key = k.key ORDER BY k.key DESC",
            keys_by_type(only, "DESC")
        );
        let company = Value::Blob(company.0.as_bytes().to_vec());
        let values = [company, Value::Integer(lowest), Value::Integer(end)];
        return page(db, &sql, &values, asked.limit, event_from);
    };
    let mut select = Select::new("event_sequence");
    select.only("e.company = ?", Value::Blob(company.0.as_bytes().to_vec()));
    select.only("e.key >= ?", Value::Integer(lowest));
    select.only("e.key < ?", Value::Integer(end));
    select.only(
        "e.inspection = ?",
        Value::Blob(inspection.0.as_bytes().to_vec()),
    );
    if let Some(event_type) = filter.event_type {
        select.only("e.type = ?", Value::Integer(event_type.code()));
    }
    let Select {
        index,
        conditions,
        values,
    } = select;
    let sql = format!(
        "SELECT {EVENT} FROM event e INDEXED BY {index} WHERE {conditions} ORDER BY e.key DESC LIMIT ?"
    );
    page(db, &sql, &values, asked.limit, event_from)
}

/// The keys of a company's events (`?1`) within a range (`?2` to before `?3`), at most `?4`, of one type or,
/// merged without sorting, of all. Types that this program does not know are damage: they are few, sorted,
/// and named where they are read.
fn keys_by_type(only: Option<i64>, order: &str) -> String {
    let of = |types: &str| {
        format!(
            "SELECT key FROM event INDEXED BY event_type
             WHERE company = ?1 AND type {types} AND key >= ?2 AND key < ?3"
        )
    };
    let parts: Vec<String> = match only {
        Some(code) => vec![of(&format!("= {code}"))],
        None => {
            let codes = EventType::SUBSCRIBABLE.map(|event_type| event_type.code());
            let last = codes.into_iter().max().unwrap_or_default();
            let unknown = of(&format!("> {last}"));
            let known = codes.iter().map(|code| of(&format!("= {code}")));
            known.chain([unknown]).collect()
        }
    };
    format!(
        "{} ORDER BY key {order} LIMIT ?4",
        parts.join(" UNION ALL ")
    )
}

/// The company's events of a time, oldest first, each with its delivery to one webhook.
pub(super) fn standings(
    db: &Connection,
    company: CompanyId,
    webhook: WebhookId,
    made: (Timestamp, Timestamp),
    after: Option<EventId>,
    limit: u32,
) -> Done<Listed<EventStanding>> {
    let (lowest, end) = key_range(None, Some(made.0), Some(made.1));
    let after = after.map_or(i64::MIN, |id| key_of(id.0).saturating_add(1));
    let moment = db.unchecked_transaction()?;
    let mut of_webhook = db
        .prepare_cached("SELECT key, tail, status FROM delivery WHERE key = ?1 AND webhook = ?2")?;
    let listed = page(
        db,
        &format!(
            "SELECT e.key, e.tail, e.type, e.origin, e.deliveries
             FROM ({}) k CROSS JOIN event e ON e.key = k.key ORDER BY k.key",
            keys_by_type(None, "ASC")
        ),
        &[
            Value::Blob(company.0.as_bytes().to_vec()),
            Value::Integer(lowest.max(after)),
            Value::Integer(end),
        ],
        limit,
        |row| {
            let keys = row.get_ref(4)?.as_blob();
            let keys = keys.map_err(|_| Fault::unreadable("an odd list of deliveries"))?;
            let mut delivery = None;
            for key in delivery_keys(keys) {
                let mut found = of_webhook.query(params![key, webhook.0.as_bytes()])?;
                if let Some(row) = found.next()? {
                    delivery = Some((DeliveryId(id_at(row, 0)?), code_at(row, 2)?));
                }
            }
            Ok(EventStanding {
                event_id: EventId(id_at(row, 0)?),
                event_type: code_at(row, 2)?,
                origin: code_at(row, 3)?,
                delivery,
            })
        },
    )?;
    drop(of_webhook);
    moment.finish()?;
    Ok(listed)
}

pub(super) fn delivery(
    db: &Connection,
    company: CompanyId,
    id: DeliveryId,
) -> Done<Option<DeliveryRecord>> {
    let named = |fault: Fault| fault.of("the delivery", id);
    let moment = db.unchecked_transaction()?;
    let row = params![key_of(id.0), company.0.as_bytes()];
    let record = one(db, &delivery_sql(), row, delivery_from).map_err(named)?;
    let Some(mut record) = record.filter(|record| record.id == id) else {
        return Ok(None);
    };
    record.attempts = earlier_attempts(db, id).map_err(named)?;
    record.attempts.extend(record.last_attempt.clone());
    moment.finish()?;
    Ok(Some(record))
}

fn delivery_sql() -> String {
    format!(
        "SELECT {DELIVERY} FROM delivery d JOIN event e ON e.key = d.event
         WHERE d.key = ?1 AND d.company = ?2"
    )
}

pub(super) fn deliveries(
    db: &Connection,
    company: CompanyId,
    filter: &DeliveryFilter,
    asked: Page<DeliveryId>,
) -> Done<Listed<DeliveryRecord>> {
    // One moment for finding the keys and reading their rows.
    let moment = db.unchecked_transaction()?;
    let listed = deliveries_at(db, company, filter, asked)?;
    moment.finish()?;
    Ok(listed)
}

fn deliveries_at(
    db: &Connection,
    company: CompanyId,
    filter: &DeliveryFilter,
    asked: Page<DeliveryId>,
) -> Done<Listed<DeliveryRecord>> {
    let range = key_range(asked.before.map(|id| id.0), filter.from, filter.to);
    let mut gathered = Gathered::new(company, filter, asked.limit);
    if let Some(mut keys) = few_keys(db, company, filter)? {
        keys.retain(|key| (range.0..range.1).contains(key));
        gathered.take(db, keys)?;
        return Ok(gathered.listed);
    }
    if filter.status == Some(DeliveryStatus::Pending) {
        return pending(db, company, filter, range, asked.limit);
    }
    let (lowest, end) = range;
    let ended_badly = matches!(
        filter.status,
        Some(DeliveryStatus::Failed | DeliveryStatus::Cancelled)
    );
    if let (Some(event_type), None, None, false) = (
        filter.event_type,
        filter.webhook_id,
        filter.inspection_id,
        ended_badly,
    ) {
        let mut keys = OfType::new(company, event_type, range);
        while !gathered.is_full() {
            let next = keys.next(db)?;
            if next.is_empty() {
                break;
            }
            gathered.take(db, next)?;
        }
        return Ok(gathered.listed);
    }
    let mut select = Select::new(match (filter.webhook_id, ended_badly) {
        (_, true) => "delivery_unsuccessful",
        (Some(_), false) => "delivery_webhook",
        (None, false) => "delivery_company",
    });
    select.only("d.company = ?", Value::Blob(company.0.as_bytes().to_vec()));
    select.only("d.key >= ?", Value::Integer(lowest));
    select.only("d.key < ?", Value::Integer(end));
    if ended_badly {
        select.conditions.push_str(" AND d.status IN (2, 3)");
    }
    if let Some(webhook) = filter.webhook_id {
        select.only("d.webhook = ?", Value::Blob(webhook.0.as_bytes().to_vec()));
    }
    if let Some(status) = filter.status {
        select.only("d.status = ?", Value::Integer(status.code()));
    }
    if let Some(event_type) = filter.event_type {
        select.only("e.type = ?", Value::Integer(event_type.code()));
    }
    if let Some(inspection) = filter.inspection_id {
        select.only(
            "e.inspection = ?",
            Value::Blob(inspection.0.as_bytes().to_vec()),
        );
    }
    let Select {
        index,
        conditions,
        values,
    } = select;
    // The order of a CROSS JOIN is kept: first the deliveries along their index, then each one's event.
    let sql = format!(
        "SELECT {DELIVERY} FROM delivery d INDEXED BY {index} CROSS JOIN event e ON e.key = d.event
         WHERE {conditions} ORDER BY d.key DESC LIMIT ?"
    );
    page(db, &sql, &values, asked.limit, delivery_from)
}

/// The keys of all deliveries of the asked event or inspection, newest first, if these are few.
fn few_keys(
    db: &Connection,
    company: CompanyId,
    filter: &DeliveryFilter,
) -> Done<Option<Vec<i64>>> {
    let lists: Vec<Vec<u8>> = match (filter.event_id, filter.inspection_id) {
        (Some(event), _) => many(
            db,
            "SELECT deliveries FROM event WHERE key = ?1 AND tail = ?2 AND company = ?3",
            params![key_of(event.0), tail_of(event.0), company.0.as_bytes()],
            |row| Ok(row.get(0)?),
        )?,
        (None, Some(inspection)) => events_of(db, company, inspection)?,
        (None, None) => return Ok(None),
    };
    if lists.len() > usize::from(GATHERED_EVENTS_MAX) {
        return Ok(None);
    }
    let mut keys: Vec<i64> = lists.iter().flat_map(|list| delivery_keys(list)).collect();
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(Some(keys))
}

fn events_of(db: &Connection, company: CompanyId, inspection: InspectionId) -> Done<Vec<Vec<u8>>> {
    many(
        db,
        "SELECT deliveries FROM event WHERE company = ?1 AND inspection = ?2 LIMIT ?3",
        params![
            company.0.as_bytes(),
            inspection.0.as_bytes(),
            GATHERED_EVENTS_MAX + 1
        ],
        |row| Ok(row.get(0)?),
    )
}

/// A page of what is pending. Of each webhook with some, the newest are looked at; all of them when not all
/// that is pending fits the filter.
fn pending(
    db: &Connection,
    company: CompanyId,
    filter: &DeliveryFilter,
    range: (i64, i64),
    limit: u32,
) -> Done<Listed<DeliveryRecord>> {
    let all_fit = filter.event_type.is_none() && filter.inspection_id.is_none();
    if all_fit {
        let mut newest = Gathered::new(company, filter, limit);
        let keys = log_keys::pending(db, company, filter, range, i64::from(limit))?;
        newest.take(db, keys)?;
        if newest.listed.left_out.is_empty() {
            return Ok(newest.listed);
        }
    }
    // Without a limit.
    let mut all = Gathered::new(company, filter, limit);
    let keys = log_keys::pending(db, company, filter, range, -1)?;
    all.take(db, keys)?;
    Ok(all.listed)
}

/// A page of deliveries that are read by their keys.
struct Gathered<'a> {
    company: CompanyId,
    filter: &'a DeliveryFilter,
    limit: usize,
    listed: Listed<DeliveryRecord>,
}

impl<'a> Gathered<'a> {
    fn new(company: CompanyId, filter: &'a DeliveryFilter, limit: u32) -> Self {
        Self {
            company,
            filter,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            listed: Listed::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.listed.rows.len() >= self.limit
    }

    /// Reads the deliveries of these keys, newest first, until the page is full.
    fn take(&mut self, db: &Connection, keys: Vec<i64>) -> Done<()> {
        let mut statement = db.prepare_cached(&delivery_sql())?;
        for key in keys {
            if self.is_full() {
                break;
            }
            let mut rows = statement.query(params![key, self.company.0.as_bytes()])?;
            if let Some(row) = rows.next()? {
                let keeps = |record: &DeliveryRecord| self.filter.keeps(record);
                self.listed.take_if(row, delivery_from, keeps)?;
            }
        }
        Ok(())
    }
}

/// A statement's index, its conditions and their values.
struct Select {
    index: &'static str,
    conditions: String,
    values: Vec<Value>,
}

impl Select {
    fn new(index: &'static str) -> Self {
        Self {
            index,
            conditions: String::new(),
            values: Vec::new(),
        }
    }

    fn only(&mut self, condition: &str, value: Value) {
        if !self.conditions.is_empty() {
            self.conditions.push_str(" AND ");
        }
        self.conditions.push_str(condition);
        self.values.push(value);
    }
}
