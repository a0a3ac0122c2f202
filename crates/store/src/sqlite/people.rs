//! Writes and reads companies, their people, passwords, sessions and API keys.

use heraldo_domain::account::{ApiKey, Company, KeyHash, Member, email_key};
use heraldo_domain::password::{Login, PasswordHash};
use heraldo_domain::query::Page;
use heraldo_domain::store::StoreError;
use heraldo_wire::id::{ApiKeyId, CompanyId, UserId};
use heraldo_wire::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use super::apply::{company_exists, taken};
use super::cache::Stale;
use super::codes::{key_of, tail_of, time_if_at};
use super::fault::Done;
use super::group::Group;
use super::listed::{Listed, page};
use super::load::{company_doc, doc_at};
use super::rows::{many, one};

pub(super) fn create_company(group: &mut Group<'_, '_>, company: &Company) -> Done<()> {
    let id = company.id.0;
    group
        .run(
            "INSERT INTO company (key, tail, doc) VALUES (?1, ?2, ?3)",
            params![key_of(id), tail_of(id), serde_json::to_string(company)?],
        )
        .map_err(taken)?;
    group.stale.push(Stale::Company(company.id, None));
    Ok(())
}

pub(super) fn update_company(group: &mut Group<'_, '_>, was: &Company, now: &Company) -> Done<()> {
    as_read(company_doc(group.db, was.id)?.as_ref(), was)?;
    let id = now.id.0;
    group.run(
        "UPDATE company SET doc = ?3 WHERE key = ?1 AND tail = ?2",
        params![key_of(id), tail_of(id), serde_json::to_string(now)?],
    )?;
    group.stale.push(Stale::Company(now.id, None));
    Ok(())
}

/// What is written was decided on what was read.
fn as_read<T: PartialEq>(stored: Option<&T>, read: &T) -> Done<()> {
    match stored {
        None => Err(StoreError::NotFound.into()),
        Some(stored) if stored == read => Ok(()),
        Some(_) => Err(StoreError::Conflict.into()),
    }
}

/// The address that a member signs in with.
fn login_of(member: &Member) -> Option<String> {
    let key = email_key(&member.email);
    (!key.is_empty()).then_some(key)
}

pub(super) fn create_member(group: &mut Group<'_, '_>, member: &Member) -> Done<()> {
    company_exists(group, member.company_id)?;
    group
        .run(
            "INSERT INTO member (company, user, doc, email) VALUES (?1, ?2, ?3, ?4)",
            params![
                member.company_id.0.as_bytes(),
                member.user_id.0.as_bytes(),
                serde_json::to_string(member)?,
                login_of(member)
            ],
        )
        .map_err(taken)?;
    group.stale.push(Stale::Company(member.company_id, None));
    Ok(())
}

pub(super) fn expect_member(group: &Group<'_, '_>, member: &Member) -> Done<()> {
    let stored = one(
        group.db,
        "SELECT doc FROM member WHERE company = ?1 AND user = ?2",
        params![member.company_id.0.as_bytes(), member.user_id.0.as_bytes()],
        |row| doc_at(row, 0),
    )?;
    as_read(stored.as_ref(), member)
}

pub(super) fn update_member(group: &mut Group<'_, '_>, was: &Member, now: &Member) -> Done<()> {
    expect_member(group, was)?;
    group.run(
        "UPDATE member SET doc = ?3, email = ?4 WHERE company = ?1 AND user = ?2",
        params![
            was.company_id.0.as_bytes(),
            was.user_id.0.as_bytes(),
            serde_json::to_string(now)?,
            login_of(now)
        ],
    )?;
    group.stale.push(Stale::Company(was.company_id, None));
    Ok(())
}

pub(super) fn delete_member(group: &mut Group<'_, '_>, member: &Member) -> Done<()> {
    expect_member(group, member)?;
    let user = member.user_id.0.as_bytes();
    group.run(
        "DELETE FROM member WHERE company = ?1 AND user = ?2",
        params![member.company_id.0.as_bytes(), user],
    )?;
    group.run(
        "DELETE FROM password WHERE user = ?1 AND NOT EXISTS (SELECT 1 FROM member WHERE user = ?1)",
        params![user],
    )?;
    group.stale.push(Stale::Company(member.company_id, None));
    Ok(())
}

pub(super) fn set_password(
    group: &Group<'_, '_>,
    user: UserId,
    was: Option<&PasswordHash>,
    now: Option<&PasswordHash>,
) -> Done<()> {
    if password(group.db, user)?.as_ref() != was {
        return Err(StoreError::Conflict.into());
    }
    let id = user.0.as_bytes();
    match now {
        Some(PasswordHash(hash)) => group.run(
            "INSERT INTO password (user, hash) VALUES (?1, ?2)
             ON CONFLICT (user) DO UPDATE SET hash = ?2",
            params![id, hash],
        )?,
        None => group.run("DELETE FROM password WHERE user = ?1", params![id])?,
    };
    Ok(())
}

pub(super) fn password(db: &Connection, user: UserId) -> Done<Option<PasswordHash>> {
    one(
        db,
        "SELECT hash FROM password WHERE user = ?1",
        params![user.0.as_bytes()],
        |row| Ok(PasswordHash(row.get(0)?)),
    )
}

pub(super) fn end_sessions(
    group: &Group<'_, '_>,
    user: UserId,
    company: Option<CompanyId>,
) -> Done<()> {
    group.run(
        "DELETE FROM token WHERE user = ?1 AND (?2 IS NULL OR company = ?2)",
        params![
            user.0.as_bytes(),
            company.map(|company| *company.0.as_bytes())
        ],
    )?;
    Ok(())
}

pub(super) fn logins(db: &Connection, email: &str, limit: u32) -> Done<Vec<Login>> {
    let mut logins = many(
        db,
        "SELECT member.doc, password.hash FROM member LEFT JOIN password USING (user)
         WHERE member.email = ?1",
        params![email_key(email)],
        |row| {
            Ok(Login {
                member: doc_at(row, 0)?,
                password: row.get::<_, Option<String>>(1)?.map(PasswordHash),
            })
        },
    )?;
    logins.sort_by_key(|login| login.member.membership_id);
    logins.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(logins)
}

pub(super) fn create_api_key(group: &Group<'_, '_>, key: &ApiKey) -> Done<()> {
    company_exists(group, key.company_id)?;
    let id = key.id.0;
    group
        .run(
            "INSERT INTO api_key (key, tail, company, hash, doc, used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                key_of(id),
                tail_of(id),
                key.company_id.0.as_bytes(),
                key.hash.0,
                serde_json::to_string(key)?,
                key.last_used_at.map(Timestamp::as_millis)
            ],
        )
        .map(drop)
        .map_err(taken)
}

pub(super) fn revoke_api_key(
    group: &mut Group<'_, '_>,
    company: CompanyId,
    id: ApiKeyId,
) -> Done<()> {
    let gone = group.run(
        "DELETE FROM api_key WHERE key = ?1 AND tail = ?2 AND company = ?3",
        params![key_of(id.0), tail_of(id.0), company.0.as_bytes()],
    )?;
    if gone == 0 {
        return Err(StoreError::NotFound.into());
    }
    group.stale.push(Stale::ApiKey(id));
    Ok(())
}

/// What is kept in memory of the key may name an earlier use, which nobody asks it for.
pub(super) fn note_key_use(group: &Group<'_, '_>, id: ApiKeyId, at: Timestamp) -> Done<()> {
    group.run(
        "UPDATE api_key SET used_at = max(?3, coalesce(used_at, ?3)) WHERE key = ?1 AND tail = ?2",
        params![key_of(id.0), tail_of(id.0), at.as_millis()],
    )?;
    Ok(())
}

fn api_key_from(row: &Row<'_>, column: usize) -> Done<ApiKey> {
    Ok(ApiKey {
        last_used_at: time_if_at(row, column + 1)?,
        ..doc_at(row, column)?
    })
}

pub(super) fn api_key(db: &Connection, hash: &KeyHash) -> Done<Option<ApiKey>> {
    one(
        db,
        "SELECT doc, used_at FROM api_key WHERE hash = ?1",
        params![hash.0],
        |row| api_key_from(row, 0),
    )
}

pub(super) fn api_keys(
    db: &Connection,
    company: CompanyId,
    asked: Page<ApiKeyId>,
) -> Done<Listed<ApiKey>> {
    let before = asked.before.map_or(i64::MAX, |id| key_of(id.0));
    page(
        db,
        "SELECT key, tail, doc, used_at FROM api_key WHERE company = ?1 AND key < ?2
         ORDER BY key DESC LIMIT ?3",
        &[
            Value::Blob(company.0.as_bytes().to_vec()),
            Value::Integer(before),
        ],
        asked.limit,
        |row| api_key_from(row, 2),
    )
}
