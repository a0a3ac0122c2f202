//! Reads accounts, webhooks, answers and inspections.

use std::sync::Arc;

use heraldo_domain::account::{ApiKey, Company, KeyHash, Member};
use heraldo_domain::change::{AuditEntry, IdempotencyKey, IdempotentAnswer};
use heraldo_domain::delivery::Waiting;
use heraldo_domain::inspection::{Inspection, match_key};
use heraldo_domain::query::{CompanyView, InspectionFilter, Page};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{ApiKeyId, AuditEntryId, CompanyId, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::codes::{Code, id_at, id_blob_at, key_of, tail_of, time_at};
use super::fault::Done;
use super::rows::{many, one};
use super::secrets;
use crate::seal::MasterKey;

pub(super) fn doc_at<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Done<T> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(|error| super::fault::Fault::unreadable(&error.to_string()))?;
    Ok(serde_json::from_str(text)?)
}

pub(super) fn api_key(db: &Connection, hash: &KeyHash) -> Done<Option<ApiKey>> {
    one(
        db,
        "SELECT doc FROM api_key WHERE hash = ?1",
        params![hash.0],
        |row| doc_at(row, 0),
    )
}

pub(super) fn api_keys(
    db: &Connection,
    company: CompanyId,
    page: Page<ApiKeyId>,
) -> Done<Vec<ApiKey>> {
    let before = page.before.map_or(i64::MAX, |id| key_of(id.0));
    many(
        db,
        "SELECT doc FROM api_key WHERE company = ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3",
        params![company.0.as_bytes(), before, page.limit],
        |row| doc_at(row, 0),
    )
}

pub(super) fn audit(
    db: &Connection,
    company: CompanyId,
    page: Page<AuditEntryId>,
) -> Done<Vec<AuditEntry>> {
    let before = page.before.map_or(i64::MAX, |id| key_of(id.0));
    many(
        db,
        "SELECT doc FROM audit WHERE company = ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3",
        params![company.0.as_bytes(), before, page.limit],
        |row| doc_at(row, 0),
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
        "SELECT key, tail, company, version, settings, secrets, created_at, updated_at FROM webhook
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
        "SELECT key, tail, company, version, settings, secrets, created_at, updated_at FROM webhook
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
        settings: doc_at(row, 4)?,
        secrets: secrets::unseal(&sealed, id, key)?,
        created_at: time_at(row, 6)?,
        updated_at: time_at(row, 7)?,
    })
}

pub(super) fn has_companies(db: &Connection) -> Done<bool> {
    Ok(db
        .prepare_cached("SELECT 1 FROM company LIMIT 1")?
        .exists([])?)
}

pub(super) fn companies(db: &Connection, page: Page<CompanyId>) -> Done<Vec<Company>> {
    let before = page.before.map_or(i64::MAX, |id| key_of(id.0));
    many(
        db,
        "SELECT doc FROM company WHERE key < ?1 ORDER BY key DESC LIMIT ?2",
        params![before, page.limit],
        |row| doc_at(row, 0),
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

/// What SQLite finds wrong with the database's pages; nothing when it is sound.
pub(super) fn damage(db: &Connection) -> Done<Vec<String>> {
    let found: Vec<String> = many(db, "PRAGMA quick_check(10)", [], |row| Ok(row.get(0)?))?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
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
const INSPECTION: &str = "doc, version, event_count";

/// The counts stand in columns of their own, because published events move them without the document.
fn inspection_from(row: &Row<'_>) -> Done<Inspection> {
    let inspection: Inspection = doc_at(row, 0)?;
    let version = row.get::<_, i64>(1)?.cast_unsigned();
    Ok(Inspection {
        version,
        event_count: row.get(2)?,
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
}

/// One page, newest first, and the count of all that match; both read the list's index alone.
pub(super) fn inspections(
    db: &Connection,
    company: CompanyId,
    filter: &InspectionFilter,
    offset: u64,
    limit: u32,
) -> Done<(Vec<Inspection>, u64)> {
    let mut conditions = String::from("company = ?");
    let mut values = vec![Value::Blob(company.0.as_bytes().to_vec())];
    let mut only = |column: &str, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push_str(" AND ");
            conditions.push_str(column);
            conditions.push_str(" = ?");
            values.push(value);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(|text| Value::Text(match_key(text)));
    only(
        "status",
        filter.status.map(|status| Value::Integer(status.code())),
    );
    only(
        "type",
        filter
            .inspection_type
            .map(|kind| Value::Integer(kind.code())),
    );
    only(
        "veredict",
        filter
            .veredict
            .map(|veredict| Value::Integer(veredict.code())),
    );
    only("plate", text(&filter.plate));
    only("identification", text(&filter.consumer_identification));
    only("template", text(&filter.template_id));
    if filter.producers.is_some()
        || filter.search.is_some()
        || filter.from.is_some()
        || filter.to.is_some()
    {
        return read_through(db, company, filter, offset, limit);
    }
    let moment = db.unchecked_transaction()?;
    let count =
        format!("SELECT count(*) FROM inspection INDEXED BY inspection_list WHERE {conditions}");
    let total: i64 = db
        .prepare_cached(&count)?
        .query_row(params_from_iter(values.iter()), |row| row.get(0))?;
    values.push(Value::Integer(i64::from(limit)));
    values.push(Value::Integer(i64::try_from(offset).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT {INSPECTION} FROM inspection WHERE key IN
             (SELECT key FROM inspection INDEXED BY inspection_list WHERE {conditions}
              ORDER BY key DESC LIMIT ? OFFSET ?)
         ORDER BY key DESC"
    );
    let page = many(db, &sql, params_from_iter(values.iter()), inspection_from)?;
    moment.finish()?;
    Ok((page, u64::try_from(total).unwrap_or(0)))
}

/// Tries the filter on each inspection of the company.
fn read_through(
    db: &Connection,
    company: CompanyId,
    filter: &InspectionFilter,
    offset: u64,
    limit: u32,
) -> Done<(Vec<Inspection>, u64)> {
    let sql = format!(
        "SELECT {INSPECTION} FROM inspection INDEXED BY inspection_list WHERE company = ?1
         ORDER BY key DESC"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![company.0.as_bytes()])?;
    let (mut page, mut total) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let inspection = inspection_from(row)?;
        if crate::filter::keeps_inspection(filter, &inspection) {
            if total >= offset && total < offset.saturating_add(u64::from(limit)) {
                page.push(inspection);
            }
            total += 1;
        }
    }
    Ok((page, total))
}

pub(super) fn lapsed(db: &Connection, now: Timestamp, limit: u32) -> Done<Vec<Inspection>> {
    let sql = format!(
        "SELECT {INSPECTION} FROM inspection INDEXED BY inspection_lapse
         WHERE status IN (0, 1) AND expires_at <= ?1 ORDER BY expires_at, key LIMIT ?2"
    );
    many(db, &sql, params![now.as_millis(), limit], inspection_from)
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
             WHERE webhook > ?1 AND status = 0 AND lease IS NULL ORDER BY webhook, next_attempt_at LIMIT 1",
            params![after],
            |row| Ok(Waiting { webhook_id: WebhookId(id_blob_at(row, 0)?), next_due_at: time_at(row, 1)? }),
        )?;
        match next {
            Some(next) => found.push(next),
            None => return Ok(found),
        }
    }
}
