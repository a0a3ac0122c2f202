//! Writes and reads records, tokens, jobs and fingerprints.

use std::collections::BTreeMap;

use heraldo_domain::account::{Company, KeyHash, Member};
use heraldo_domain::job::{Due, Job};
use heraldo_domain::photo::{FINGERPRINT_DISTANCE_MAX, Fingerprint};
use heraldo_domain::query::Page;
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::store::StoreError;
use heraldo_domain::token::Token;
use heraldo_wire::id::{CompanyId, Id, ImageId, InspectionId, JobId, UserId};
use heraldo_wire::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use super::apply::{company_exists, taken};
use super::codes::{Code, code_at, id_at, id_blob_at, key_of, tail_of, time_at};
use super::fault::Done;
use super::group::Group;
use super::listed::{Listed, page};
use super::load::{company_doc, doc_at};
use super::rows::{many, one};

pub(super) fn create_token(group: &Group<'_, '_>, token: &Token) -> Done<()> {
    company_exists(group, token.company_id)?;
    let written = group.run(
        "INSERT INTO token (hash, company, expires_at, doc, user) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            token.hash.0,
            token.company_id.0.as_bytes(),
            token.expires_at.as_millis(),
            serde_json::to_string(&token.purpose)?,
            token.signs_in().map(|user| *user.0.as_bytes())
        ],
    );
    written.map(drop).map_err(taken)
}

pub(super) fn spend_token(group: &Group<'_, '_>, hash: KeyHash, now: Timestamp) -> Done<()> {
    let gone = group.run(
        "DELETE FROM token WHERE hash = ?1 AND expires_at > ?2",
        params![hash.0, now.as_millis()],
    )?;
    found(gone)
}

/// Whether a statement met the row it names.
fn found(rows: usize) -> Done<()> {
    if rows == 0 {
        Err(StoreError::NotFound.into())
    } else {
        Ok(())
    }
}

pub(super) fn forget_tokens(group: &Group<'_, '_>, now: Timestamp, limit: u32) -> Done<u32> {
    let gone = group.run(
        "DELETE FROM token WHERE hash IN
             (SELECT hash FROM token WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        params![now.as_millis(), limit],
    )?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

pub(super) fn token(db: &Connection, hash: KeyHash, now: Timestamp) -> Done<Option<Token>> {
    one(
        db,
        "SELECT company, expires_at, doc FROM token WHERE hash = ?1 AND expires_at > ?2",
        params![hash.0, now.as_millis()],
        |row| {
            Ok(Token {
                hash,
                company_id: CompanyId(id_blob_at(row, 0)?),
                expires_at: time_at(row, 1)?,
                purpose: doc_at(row, 2)?,
            })
        },
    )
}

/// A user's places with their companies, oldest first, all as of one moment.
pub(super) fn memberships(db: &Connection, user: UserId) -> Done<Vec<(Member, Company)>> {
    let moment = db.unchecked_transaction()?;
    let members: Vec<Member> = many(
        db,
        "SELECT doc FROM member WHERE user = ?1",
        params![user.0.as_bytes()],
        |row| doc_at(row, 0),
    )?;
    let mut places = Vec::with_capacity(members.len());
    for member in members {
        if let Some(company) = company_doc(db, member.company_id)? {
            places.push((member, company));
        }
    }
    moment.finish()?;
    places.sort_by_key(|(member, _)| member.membership_id);
    Ok(places)
}

pub(super) fn create_record(group: &Group<'_, '_>, record: &Record) -> Done<()> {
    company_exists(group, record.company_id)?;
    let written = group.run(
        "INSERT INTO record (key, tail, kind, company, version, subject, name, doc)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            key_of(record.id),
            tail_of(record.id),
            record.kind.code(),
            record.company_id.0.as_bytes(),
            record.version.cast_signed(),
            record.subject.map(|subject| *subject.as_bytes()),
            record.name,
            record.doc
        ],
    );
    match written {
        // Its id is taken, or its name.
        Err(fault) if fault.is_constraint() => {
            let mut statement = group
                .statement("SELECT 1 FROM record WHERE kind = ?1 AND key = ?2 AND tail = ?3")?;
            let id = params![record.kind.code(), key_of(record.id), tail_of(record.id)];
            Err(if statement.exists(id)? {
                StoreError::Conflict
            } else {
                StoreError::NameTaken
            }
            .into())
        }
        written => written.map(drop),
    }
}

pub(super) fn update_record(group: &Group<'_, '_>, record: &Record) -> Done<()> {
    let company = record.company_id.0.as_bytes();
    let updated = group
        .run(
            "UPDATE record SET version = ?5, subject = ?6, name = ?7, doc = ?8
             WHERE kind = ?1 AND key = ?2 AND tail = ?3 AND company = ?4 AND version = ?5 - 1",
            params![
                record.kind.code(),
                key_of(record.id),
                tail_of(record.id),
                company,
                record.version.cast_signed(),
                record.subject.map(|subject| *subject.as_bytes()),
                record.name,
                record.doc
            ],
        )
        .map_err(|fault| fault.or_taken(StoreError::NameTaken))?;
    is_as_named(group, record, updated)
}

pub(super) fn delete_record(group: &Group<'_, '_>, record: &Record) -> Done<()> {
    let deleted = group.run(
        "DELETE FROM record
         WHERE kind = ?1 AND key = ?2 AND tail = ?3 AND company = ?4 AND version = ?5",
        params![
            record.kind.code(),
            key_of(record.id),
            tail_of(record.id),
            record.company_id.0.as_bytes(),
            record.version.cast_signed()
        ],
    )?;
    is_as_named(group, record, deleted)
}

pub(super) fn delete_records_of(
    group: &Group<'_, '_>,
    company: CompanyId,
    kind: RecordKind,
    subject: Id,
) -> Done<()> {
    let deleted = group.run(
        "DELETE FROM record INDEXED BY record_subject
         WHERE company = ?1 AND kind = ?2 AND subject = ?3",
        params![company.0.as_bytes(), kind.code(), subject.as_bytes()],
    );
    deleted.map(drop)
}

/// What it means that a statement met so many rows, which named a record and its version.
fn is_as_named(group: &Group<'_, '_>, record: &Record, rows: usize) -> Done<()> {
    if rows > 0 {
        return Ok(());
    }
    let mut statement = group.statement(
        "SELECT 1 FROM record WHERE kind = ?1 AND key = ?2 AND tail = ?3 AND company = ?4",
    )?;
    let id = params![
        record.kind.code(),
        key_of(record.id),
        tail_of(record.id),
        record.company_id.0.as_bytes()
    ];
    found(usize::from(statement.exists(id)?))?;
    Err(StoreError::Conflict.into())
}

/// Columns that [`record_from`] reads.
const RECORD: &str = "key, tail, kind, company, version, subject, name, doc";

fn record_from(row: &Row<'_>) -> Done<Record> {
    Ok(Record {
        id: id_at(row, 0)?,
        kind: code_at(row, 2)?,
        company_id: CompanyId(id_blob_at(row, 3)?),
        version: row.get::<_, i64>(4)?.cast_unsigned(),
        subject: row.get::<_, Option<_>>(5)?.map(Id::from_bytes),
        name: row.get(6)?,
        doc: row.get(7)?,
    })
}

pub(super) fn record(db: &Connection, kind: RecordKind, id: Id) -> Done<Option<Record>> {
    let sql = format!("SELECT {RECORD} FROM record WHERE kind = ?1 AND key = ?2 AND tail = ?3");
    one(
        db,
        &sql,
        params![kind.code(), key_of(id), tail_of(id)],
        record_from,
    )
    .map_err(|fault| fault.of("the record", id))
}

pub(super) fn records(
    db: &Connection,
    kind: RecordKind,
    company: CompanyId,
    subject: Option<Id>,
    asked: Page<Id>,
) -> Done<Listed<Record>> {
    let mut values = vec![
        Value::Blob(company.0.as_bytes().to_vec()),
        Value::Integer(kind.code()),
        Value::Integer(asked.before.map_or(i64::MAX, key_of)),
    ];
    let (index, condition) = match subject {
        Some(subject) => {
            values.push(Value::Blob(subject.as_bytes().to_vec()));
            ("record_subject", "AND subject = ?")
        }
        None => ("record_list", ""),
    };
    let sql = format!(
        "SELECT {RECORD} FROM record INDEXED BY {index}
         WHERE company = ? AND kind = ? AND key < ? {condition} ORDER BY key DESC LIMIT ?"
    );
    page(db, &sql, &values, asked.limit, record_from)
}

pub(super) fn create_job(group: &Group<'_, '_>, job: &Job) -> Done<()> {
    let written = group.run(
        "INSERT INTO job (key, tail, due_at, doc) VALUES (?1, ?2, ?3, ?4)",
        params![
            key_of(job.id.0),
            tail_of(job.id.0),
            job.due_at.as_millis(),
            serde_json::to_string(job)?
        ],
    );
    written.map(drop).map_err(taken)
}

pub(super) fn end_job(group: &Group<'_, '_>, id: JobId) -> Done<()> {
    let gone = group.run(
        "DELETE FROM job WHERE key = ?1 AND tail = ?2",
        params![key_of(id.0), tail_of(id.0)],
    )?;
    found(gone)
}

pub(super) fn update_job(group: &Group<'_, '_>, job: &Job) -> Done<()> {
    let updated = group.run(
        "UPDATE job SET due_at = ?3, doc = ?4 WHERE key = ?1 AND tail = ?2",
        params![
            key_of(job.id.0),
            tail_of(job.id.0),
            job.due_at.as_millis(),
            serde_json::to_string(job)?
        ],
    )?;
    found(updated)
}

pub(super) fn jobs(db: &Connection, after: Option<Due>, limit: u32) -> Done<Listed<Job>> {
    let (at, key) = after.map_or((i64::MIN, i64::MIN), |due| {
        (due.at.as_millis(), key_of(due.id.0))
    });
    page(
        db,
        "SELECT key, tail, doc FROM job WHERE (due_at, key) > (?1, ?2) ORDER BY due_at, key LIMIT ?3",
        &[Value::Integer(at), Value::Integer(key)],
        limit,
        |row| doc_at(row, 2),
    )
}

/// The four places where a fingerprint stands.
fn bands(bits: u64) -> [i64; 4] {
    [0, 1, 2, 3].map(|place| {
        let band = (bits >> (16 * place)) & 0xffff;
        ((place << 16) | band).cast_signed()
    })
}

pub(super) fn create_fingerprint(group: &Group<'_, '_>, fingerprint: &Fingerprint) -> Done<()> {
    for band in bands(fingerprint.bits) {
        group
            .run(
                "INSERT INTO fingerprint (company, band, image, inspection, bits)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    fingerprint.company_id.0.as_bytes(),
                    band,
                    fingerprint.image_id.0.as_bytes(),
                    fingerprint.inspection_id.0.as_bytes(),
                    fingerprint.bits.cast_signed()
                ],
            )
            .map_err(taken)?;
    }
    Ok(())
}

/// Reads all that share a band with `bits` and keeps those that are near enough, oldest first.
pub(super) fn similar_photos(
    db: &Connection,
    company: CompanyId,
    bits: u64,
    limit: u32,
) -> Done<Vec<Fingerprint>> {
    let mut near = BTreeMap::new();
    let moment = db.unchecked_transaction()?;
    for band in bands(bits) {
        let mut statement = db.prepare_cached(
            "SELECT bits, image, inspection FROM fingerprint WHERE company = ?1 AND band = ?2",
        )?;
        let mut rows = statement.query(params![company.0.as_bytes(), band])?;
        while let Some(row) = rows.next()? {
            let found = row.get::<_, i64>(0)?.cast_unsigned();
            if (found ^ bits).count_ones() <= FINGERPRINT_DISTANCE_MAX {
                let image_id = ImageId(id_blob_at(row, 1)?);
                let inspection_id = InspectionId(id_blob_at(row, 2)?);
                near.insert(
                    image_id,
                    Fingerprint {
                        company_id: company,
                        inspection_id,
                        image_id,
                        bits: found,
                    },
                );
            }
        }
    }
    moment.finish()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(near.into_values().take(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_that_differ_in_three_bits_share_a_band() {
        let bits = 0x0123_4567_89ab_cdef_u64;
        for (a, b, c) in [(0, 17, 35), (15, 16, 63), (1, 2, 3), (48, 33, 20)] {
            let other = bits ^ (1 << a) ^ (1 << b) ^ (1 << c);
            assert!(bands(bits).iter().any(|band| bands(other).contains(band)));
        }
        assert_ne!(
            bands(0)[0],
            bands(0)[1],
            "equal bits in other places are another band"
        );
    }
}
