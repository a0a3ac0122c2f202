//! Applies one change inside the writer's transaction.

use std::slice::Iter;

use heraldo_domain::change::{AuditEntry, Change, Committed, IdempotentAnswer, Write};
use heraldo_domain::inspection::Inspection;
use heraldo_domain::store::StoreError;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{CompanyId, WebhookId};
use rusqlite::{OptionalExtension, params};

use super::cache::Stale;
use super::codes::{Code, key_of, tail_of};
use super::fault::{Done, Fault};
use super::group::Group;
use super::sheets::Entry;
use super::{failing, people, records, secrets, sends, states};
use crate::plan::ResendDue;

/// A change with what can be made ready for it before the one thread that writes has its turn.
#[derive(Debug)]
pub(super) struct Prepared {
    pub change: Change,
    /// The documents of the inspections that are written, in their order.
    documents: Vec<String>,
}

impl Prepared {
    pub(super) fn new(change: Change) -> Done<Self> {
        let inspections = change.writes.iter().filter_map(|write| match write {
            Write::CreateInspection(inspection) | Write::UpdateInspection(inspection) => {
                Some(inspection)
            }
            _ => None,
        });
        let documents = inspections
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        Ok(Self { change, documents })
    }
}

/// Applies the change, or fails having possibly written a part of it, which the caller undoes.
pub(super) fn change(group: &mut Group<'_, '_>, prepared: &Prepared) -> Done<Committed> {
    let Prepared { change, documents } = prepared;
    let mut documents = documents.iter();
    if let Some(answer) = &change.answer {
        make_way(group, answer)?;
    }
    for write in &change.writes {
        apply(group, write, &mut documents)?;
    }
    let mut sequences = Vec::with_capacity(change.events.len());
    for event in &change.events {
        sequences.push(sends::event(group, event)?);
    }
    if let Some(entry) = &change.audit {
        audit(group, entry)?;
    }
    if let Some(answer) = &change.answer {
        keep_answer(group, answer)?;
    }
    Ok(Committed { sequences })
}

fn apply(group: &mut Group<'_, '_>, write: &Write, documents: &mut Iter<'_, String>) -> Done<()> {
    let mut document = || {
        let document = documents.next();
        document.ok_or_else(|| {
            Fault::from(StoreError::Failed(
                "an inspection has no document".to_owned(),
            ))
        })
    };
    match write {
        Write::CreateCompany(company) => people::create_company(group, company),
        Write::UpdateCompany { was, now } => people::update_company(group, was, now),
        Write::CreateMember(member) => people::create_member(group, member),
        Write::UpdateMember { was, now } => people::update_member(group, was, now),
        Write::DeleteMember(member) => people::delete_member(group, member),
        Write::ExpectMember(member) => people::expect_member(group, member),
        Write::SetPassword { user_id, was, now } => {
            people::set_password(group, *user_id, was.as_ref(), now.as_ref())
        }
        Write::EndSessions {
            user_id,
            company_id,
        } => people::end_sessions(group, *user_id, *company_id),
        Write::CreateApiKey(key) => people::create_api_key(group, key),
        Write::RevokeApiKey { company_id, id } => people::revoke_api_key(group, *company_id, *id),
        Write::NoteKeyUse { id, at } => people::note_key_use(group, *id, *at),
        Write::CreateToken(token) => records::create_token(group, token),
        Write::SpendToken { hash, now } => records::spend_token(group, *hash, *now),
        Write::CreateWebhook(webhook) => create_webhook(group, webhook),
        Write::UpdateWebhook(webhook) => update_webhook(group, webhook),
        Write::ExpectFailing { webhook, run } => failing::expect(group, *webhook, run),
        Write::ForgetFailing(id) => failing::forget(group, *id),
        Write::DeleteWebhook { company_id, id } => delete_webhook(group, *company_id, *id),
        Write::CreateInspection(inspection) => create_inspection(group, inspection, document()?),
        Write::UpdateInspection(inspection) => update_inspection(group, inspection, document()?),
        Write::Resend {
            company_id,
            delivery_id,
            cause,
            now,
        } => sends::resend(
            group,
            *company_id,
            *delivery_id,
            ResendDue {
                cause: *cause,
                at: *now,
            },
        ),
        Write::CreateDelivery {
            company_id,
            event_id,
            delivery,
            now,
        } => sends::late_delivery(group, *company_id, *event_id, delivery, *now),
        Write::CreateRecord(record) => records::create_record(group, record),
        Write::UpdateRecord(record) => records::update_record(group, record),
        Write::DeleteRecord(record) => records::delete_record(group, record),
        Write::DeleteRecordsOf {
            company_id,
            kind,
            subject,
        } => records::delete_records_of(group, *company_id, *kind, *subject),
        Write::CreateJob(job) => records::create_job(group, job),
        Write::EndJob(id) => records::end_job(group, *id),
        Write::UpdateJob(job) => records::update_job(group, job),
        Write::CreateFingerprint(fingerprint) => records::create_fingerprint(group, fingerprint),
    }
}

/// An answer that is still valid stops the change; one that has expired goes.
fn make_way(group: &Group<'_, '_>, answer: &IdempotentAnswer) -> Done<()> {
    let name = params![
        answer.key.company_id.0.as_bytes(),
        answer.key.route,
        answer.key.key
    ];
    let expires_at: Option<i64> = group
        .statement("SELECT expires_at FROM answer WHERE company = ?1 AND route = ?2 AND name = ?3")?
        .query_row(name, |row| row.get(0))
        .optional()?;
    match expires_at {
        None => Ok(()),
        Some(at) if at > group.around.clock.now().as_millis() => {
            Err(StoreError::AnswerExists.into())
        }
        Some(_) => {
            group.run(
                "DELETE FROM answer WHERE company = ?1 AND route = ?2 AND name = ?3",
                name,
            )?;
            Ok(())
        }
    }
}

fn keep_answer(group: &Group<'_, '_>, answer: &IdempotentAnswer) -> Done<()> {
    let kept = group.run(
        "INSERT INTO answer (company, route, name, request_hash, status, expires_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            answer.key.company_id.0.as_bytes(),
            answer.key.route,
            answer.key.key,
            answer.request_hash,
            answer.status,
            answer.expires_at.as_millis(),
            &answer.body[..],
        ],
    );
    kept.map(drop)
        .map_err(|fault| fault.or_taken(StoreError::AnswerExists))
}

fn audit(group: &Group<'_, '_>, entry: &AuditEntry) -> Done<()> {
    let id = entry.id.0;
    let kept = group.run(
        "INSERT INTO audit (key, tail, company, doc) VALUES (?1, ?2, ?3, ?4)",
        params![
            key_of(id),
            tail_of(id),
            entry.company_id.0.as_bytes(),
            serde_json::to_string(entry)?
        ],
    );
    kept.map(drop).map_err(taken)
}

/// A created id that exists is a conflict.
pub(super) fn taken(fault: Fault) -> Fault {
    fault.or_taken(StoreError::Conflict)
}

pub(super) fn company_exists(group: &Group<'_, '_>, id: CompanyId) -> Done<()> {
    let mut statement = group.statement("SELECT 1 FROM company WHERE key = ?1 AND tail = ?2")?;
    if statement.exists(params![key_of(id.0), tail_of(id.0)])? {
        Ok(())
    } else {
        Err(StoreError::NotFound.into())
    }
}

fn create_webhook(group: &mut Group<'_, '_>, webhook: &Webhook) -> Done<()> {
    company_exists(group, webhook.company_id)?;
    let id = webhook.id.0;
    let sealed = secrets::seal(webhook, group.around)?;
    group
        .run(
            "INSERT INTO webhook
                 (key, tail, company, version, settings, secrets, created_at, updated_at, life)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                key_of(id),
                tail_of(id),
                webhook.company_id.0.as_bytes(),
                webhook.version.cast_signed(),
                serde_json::to_string(&webhook.settings)?,
                sealed,
                webhook.created_at.as_millis(),
                webhook.updated_at.as_millis(),
                serde_json::to_string(&webhook.life)?,
            ],
        )
        .map_err(taken)?;
    states::note(group, webhook)?;
    group
        .stale
        .push(Stale::Company(webhook.company_id, Some(webhook.id)));
    Ok(())
}

fn update_webhook(group: &mut Group<'_, '_>, webhook: &Webhook) -> Done<()> {
    let id = webhook.id.0;
    let company = webhook.company_id.0.as_bytes();
    let sealed = secrets::seal(webhook, group.around)?;
    let updated = group.run(
        "UPDATE webhook SET version = ?4, settings = ?5, secrets = ?6, updated_at = ?7, life = ?8
         WHERE key = ?1 AND tail = ?2 AND company = ?3 AND version = ?4 - 1",
        params![
            key_of(id),
            tail_of(id),
            company,
            webhook.version.cast_signed(),
            serde_json::to_string(&webhook.settings)?,
            sealed,
            webhook.updated_at.as_millis(),
            serde_json::to_string(&webhook.life)?,
        ],
    )?;
    if updated == 0 {
        let mut statement = group
            .statement("SELECT 1 FROM webhook WHERE key = ?1 AND tail = ?2 AND company = ?3")?;
        let exists = statement.exists(params![key_of(id), tail_of(id), company])?;
        return Err(if exists {
            StoreError::Conflict
        } else {
            StoreError::NotFound
        }
        .into());
    }
    states::note(group, webhook)?;
    group
        .stale
        .push(Stale::Company(webhook.company_id, Some(webhook.id)));
    Ok(())
}

fn delete_webhook(group: &mut Group<'_, '_>, company: CompanyId, id: WebhookId) -> Done<()> {
    let gone = group.run(
        "DELETE FROM webhook WHERE key = ?1 AND tail = ?2 AND company = ?3",
        params![key_of(id.0), tail_of(id.0), company.0.as_bytes()],
    )?;
    if gone == 0 {
        return Err(StoreError::NotFound.into());
    }
    states::forget(group, id)?;
    failing::forget(group, id)?;
    group.stale.push(Stale::Company(company, Some(id)));
    Ok(())
}

pub(super) const INSERT_INSPECTION: &str =
    "INSERT INTO inspection (key, tail, company, version, event_count, status, expires_at, doc)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

fn create_inspection(
    group: &mut Group<'_, '_>,
    inspection: &Inspection,
    document: &str,
) -> Done<()> {
    let id = inspection.id.0;
    let mut insert = group.kept.insert_inspection.borrow_mut();
    insert
        .execute(params![
            key_of(id),
            tail_of(id),
            inspection.company_id.0.as_bytes(),
            inspection.version.cast_signed(),
            inspection.event_count,
            inspection.status().code(),
            inspection.expires_at.as_millis(),
            document,
        ])
        .map_err(|error| taken(error.into()))?;
    drop(insert);
    group.entries.push(Entry::of(inspection));
    Ok(())
}

fn update_inspection(
    group: &mut Group<'_, '_>,
    inspection: &Inspection,
    document: &str,
) -> Done<()> {
    let id = inspection.id.0;
    let company = inspection.company_id.0.as_bytes();
    let updated = group.run(
        "UPDATE inspection SET version = ?4, event_count = ?5, status = ?6, expires_at = ?7, doc = ?8
         WHERE key = ?1 AND tail = ?2 AND company = ?3 AND version = ?4 - 1",
        params![
            key_of(id),
            tail_of(id),
            company,
            inspection.version.cast_signed(),
            inspection.event_count,
            inspection.status().code(),
            inspection.expires_at.as_millis(),
            document,
        ],
    )?;
    if updated == 0 {
        let mut statement = group
            .statement("SELECT 1 FROM inspection WHERE key = ?1 AND tail = ?2 AND company = ?3")?;
        let exists = statement.exists(params![key_of(id), tail_of(id), company])?;
        return Err(if exists {
            StoreError::Conflict
        } else {
            StoreError::NotFound
        }
        .into());
    }
    group.entries.push(Entry::of(inspection));
    Ok(())
}
