//! Reads accounts, webhooks, answers and inspections.

use std::sync::Arc;

use heraldo_domain::account::{Company, Member};
use heraldo_domain::change::{AuditEntry, IdempotencyKey, IdempotentAnswer};
use heraldo_domain::delivery::Waiting;
use heraldo_domain::inspection::Inspection;
use heraldo_domain::query::{CompanyView, InspectionFilter, Page};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{ApiKeyId, AuditEntryId, CompanyId, Id, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use super::codes::{id_at, id_blob_at, key_of, tail_of, time_at};
use super::fault::{Done, Fault};
use super::listed::{Listed, page};
use super::rows::{many, one};
use super::{secrets, sheets};
use crate::seal::MasterKey;

/// More lines about damage help nobody.
const DAMAGE_LINES_MAX: usize = 20;

pub(super) fn doc_at<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Done<T> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(|_| Fault::unreadable("a document in an unknown form"))?;
    Ok(serde_json::from_str(text)?)
}

pub(super) fn audit(
    db: &Connection,
    company: CompanyId,
    asked: Page<AuditEntryId>,
) -> Done<Listed<AuditEntry>> {
    let before = asked.before.map_or(i64::MAX, |id| key_of(id.0));
    page(
        db,
        "SELECT key, tail, doc FROM audit WHERE company = ?1 AND key < ?2
         ORDER BY key DESC LIMIT ?3",
        &[
            Value::Blob(company.0.as_bytes().to_vec()),
            Value::Integer(before),
        ],
        asked.limit,
        |row| doc_at(row, 2),
    )
}

pub(super) fn company_doc(db: &Connection, id: CompanyId) -> Done<Option<Company>> {
    one(
        db,
        "SELECT doc FROM company WHERE key = ?1 AND tail = ?2",
        params![key_of(id.0), tail_of(id.0)],
        |row| doc_at(row, 0),
    )
}

/// The company with its members and webhooks, all as of one moment.
pub(super) fn company(
    db: &Connection,
    id: CompanyId,
    key: &MasterKey,
) -> Done<Option<CompanyView>> {
    let moment = db.unchecked_transaction()?;
    let Some(company) = company_doc(db, id)? else {
        return Ok(None);
    };
    let members: Vec<Member> = many(
        db,
        "SELECT doc FROM member WHERE company = ?1 ORDER BY user",
        params![id.0.as_bytes()],
        |row| doc_at(row, 0),
    )?;
    let webhooks = many(
        db,
        "SELECT key, tail, company, version, settings, secrets, created_at, updated_at, life FROM webhook
         WHERE company = ?1 ORDER BY key",
        params![id.0.as_bytes()],
        |row| webhook_from(row, key).map(Arc::new),
    )?;
    moment.finish()?;
    Ok(Some(CompanyView {
        company,
        members,
        webhooks,
    }))
}

pub(super) fn webhook(db: &Connection, id: WebhookId, key: &MasterKey) -> Done<Option<Webhook>> {
    one(
        db,
        "SELECT key, tail, company, version, settings, secrets, created_at, updated_at, life FROM webhook
         WHERE key = ?1 AND tail = ?2",
        params![key_of(id.0), tail_of(id.0)],
        |row| webhook_from(row, key),
    )
}

fn webhook_from(row: &Row<'_>, key: &MasterKey) -> Done<Webhook> {
    let id = WebhookId(id_at(row, 0)?);
    let sealed: Vec<u8> = row.get(5)?;
    Ok(Webhook {
        id,
        company_id: CompanyId(id_blob_at(row, 2)?),
        version: row.get::<_, i64>(3)?.cast_unsigned(),
        settings: doc_at(row, 4).map_err(|fault| fault.of("the webhook", id))?,
        secrets: secrets::unseal(&sealed, id, key).map_err(|fault| fault.of("the webhook", id))?,
        created_at: time_at(row, 6)?,
        updated_at: time_at(row, 7)?,
        life: doc_at(row, 8).map_err(|fault| fault.of("the webhook", id))?,
    })
}

pub(super) fn has_companies(db: &Connection) -> Done<bool> {
    Ok(db
        .prepare_cached("SELECT 1 FROM company LIMIT 1")?
        .exists([])?)
}

pub(super) fn companies(db: &Connection, asked: Page<CompanyId>) -> Done<Listed<Company>> {
    let before = asked.before.map_or(i64::MAX, |id| key_of(id.0));
    page(
        db,
        "SELECT key, tail, doc FROM company WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
        &[Value::Integer(before)],
        asked.limit,
        |row| doc_at(row, 2),
    )
}

pub(super) fn api_key_company(db: &Connection, id: ApiKeyId) -> Done<Option<CompanyId>> {
    one(
        db,
        "SELECT company FROM api_key WHERE key = ?1 AND tail = ?2",
        params![key_of(id.0), tail_of(id.0)],
        |row| Ok(CompanyId(id_blob_at(row, 0)?)),
    )
}

/// What is wrong with the database's pages, as SQLite finds, and with its inspections; nothing when it is
/// sound.
pub(super) fn damage(db: &Connection) -> Done<Vec<String>> {
    let mut found: Vec<String> = many(db, "PRAGMA quick_check(10)", [], |row| Ok(row.get(0)?))?;
    found.retain(|line| line != "ok");
    let mut statement = db.prepare(&format!("SELECT {INSPECTION} FROM inspection"))?;
    let mut rows = statement.query([])?;
    while found.len() < DAMAGE_LINES_MAX
        && let Some(row) = rows.next()?
    {
        let mut listed = Listed::default();
        listed.take(row, inspection_from)?;
        let damaged = listed.left_out.into_iter();
        found.extend(damaged.map(|row| format!("the inspection {}: {}", row.id, row.why)));
    }
    Ok(found)
}

pub(super) fn answer(
    db: &Connection,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Done<Option<IdempotentAnswer>> {
    one(
        db,
        "SELECT request_hash, status, expires_at, body FROM answer
         WHERE company = ?1 AND route = ?2 AND name = ?3 AND expires_at > ?4",
        params![
            key.company_id.0.as_bytes(),
            key.route,
            key.key,
            now.as_millis()
        ],
        |row| {
            Ok(IdempotentAnswer {
                key: key.clone(),
                request_hash: row.get(0)?,
                status: row.get(1)?,
                expires_at: time_at(row, 2)?,
                body: row.get::<_, Vec<u8>>(3)?.into(),
            })
        },
    )
}

/// Columns that [`inspection_from`] reads.
const INSPECTION: &str = "key, tail, doc, version, event_count";

/// The counts stand in columns of their own, because published events move them without the document.
fn inspection_from(row: &Row<'_>) -> Done<Inspection> {
    let inspection: Inspection = doc_at(row, 2)?;
    let version = row.get::<_, i64>(3)?.cast_unsigned();
    Ok(Inspection {
        version,
        event_count: row.get(4)?,
        ..inspection
    })
}

pub(super) fn inspection(db: &Connection, id: InspectionId) -> Done<Option<Inspection>> {
    let sql = format!("SELECT {INSPECTION} FROM inspection WHERE key = ?1 AND tail = ?2");
    one(
        db,
        &sql,
        params![key_of(id.0), tail_of(id.0)],
        inspection_from,
    )
    .map_err(|fault| fault.of("the inspection", id))
}

/// The inspection that shares its key with the id of one of its parts.
pub(super) fn inspection_with(db: &Connection, part: Id) -> Done<Option<Inspection>> {
    let sql = format!("SELECT {INSPECTION} FROM inspection WHERE key = ?1");
    one(db, &sql, params![key_of(part)], inspection_from)
}

/// One page, newest first, and the count of all that match, as of one moment.
pub(super) fn inspections(
    db: &Connection,
    held: &sheets::Held,
    company: CompanyId,
    filter: &InspectionFilter,
    offset: u64,
    limit: u32,
) -> Done<(Listed<Inspection>, u64)> {
    let moment = db.unchecked_transaction()?;
    let found = sheets::find(db, held, company, filter, offset, limit)?;
    let sql = format!("SELECT {INSPECTION} FROM inspection WHERE key = ?1");
    let mut statement = db.prepare_cached(&sql)?;
    // Pages are counted off, so a damaged row keeps its place, and its page is shorter by it.
    let mut listed = Listed::default();
    for key in found.keys {
        let mut rows = statement.query([key])?;
        while let Some(row) = rows.next()? {
            listed.take(row, inspection_from)?;
        }
    }
    drop(statement);
    moment.finish()?;
    Ok((listed, found.total))
}

/// Damaged ones are passed over, so that they do not stand before the others for ever.
pub(super) fn lapsed(db: &Connection, now: Timestamp, limit: u32) -> Done<Listed<Inspection>> {
    let sql = format!(
        "SELECT {INSPECTION} FROM inspection INDEXED BY inspection_lapse
         WHERE status IN (0, 1) AND expires_at <= ?1 ORDER BY expires_at, key LIMIT ?2"
    );
    page(
        db,
        &sql,
        &[Value::Integer(now.as_millis())],
        limit,
        inspection_from,
    )
}

/// Steps from webhook to webhook along the index, so that a long backlog is not read.
pub(super) fn waiting(db: &Connection) -> Done<Vec<Waiting>> {
    let mut found: Vec<Waiting> = Vec::new();
    loop {
        let after: &[u8] = found
            .last()
            .map_or(&[], |waiting| waiting.webhook_id.0.as_bytes());
        let next = one(
            db,
            "SELECT webhook, next_attempt_at FROM delivery INDEXED BY delivery_waiting
             WHERE webhook > ?1 AND status = 0 AND lease IS NULL AND next_attempt_at IS NOT NULL
             ORDER BY webhook, next_attempt_at LIMIT 1",
            params![after],
            |row| {
                Ok(Waiting {
                    webhook_id: WebhookId(id_blob_at(row, 0)?),
                    next_due_at: time_at(row, 1)?,
                })
            },
        )?;
        match next {
            Some(next) => found.push(next),
            None => return Ok(found),
        }
    }
}
