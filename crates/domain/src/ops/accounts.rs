//! Companies, users and API keys: the command line's use cases, and the key routes (contract 8.1, 8.2).

use heraldo_wire::api::Scope;
use heraldo_wire::id::{ApiKeyId, AuditEntryId, CompanyId, MembershipId, UserId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;
use std::time::Duration;

use super::{Context, not_found, problem_of};
use crate::account::{ApiKey, Company, KeyText, Member, Role, email_key};
use crate::change::{Actor, AuditAction, AuditEntry, Change, Write};
use crate::query::{CompanyView, Page};
use crate::token::{Purpose, Token};

/// Names are at most this long.
const NAME_BYTES_MAX: usize = 200;
/// Uses of keys that one change writes.
const KEY_USES_AT_ONCE: usize = 500;
/// A sign-in link works for this long.
const SIGN_IN_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// The person who owns a new company. Without an e-mail a service user stands in: empty personal
/// fields, and `owner` as the user name (contract 8.2 "Administration").
#[derive(Debug, Clone, Default)]
pub struct Person {
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub internal_id: Option<String>,
    /// Who asked this person in; a user of the same company.
    pub invited_by: Option<UserId>,
}

/// A new company with its first key and its owner's sign-in token, each shown once.
#[derive(Debug, Clone)]
pub struct NewCompany {
    pub company_id: CompanyId,
    pub owner: UserId,
    pub api_key: KeyText,
    pub sign_in_token: KeyText,
}

/// Creates a company with its owner and a key that has every scope.
///
/// # Errors
/// `invalid_body` for a name that is empty or too long and for an address without `@`; the store's.
pub async fn create_company(
    context: &Context,
    name: &str,
    owner: Person,
) -> Result<NewCompany, Problem> {
    let name = checked_name("the company's name", name)?;
    check_person(&owner)?;
    let now = context.now();
    let company_id = CompanyId(context.next_id(now));
    let owner = new_member(context, company_id, Role::Owner, owner, now);
    let (key, api_key) = key(
        context,
        company_id,
        "first key".to_owned(),
        Scope::ALL.to_vec(),
        false,
        now,
    );
    let (token, sign_in_token) = sign_in_token(context, &owner, now);
    let owner_id = owner.user_id;
    let change = Change {
        writes: vec![
            Write::CreateCompany(Company {
                id: company_id,
                name,
                owner: owner_id,
                created_at: now,
            }),
            Write::CreateMember(owner),
            Write::CreateApiKey(key),
            Write::CreateToken(token),
        ],
        audit: Some(entry(
            context,
            company_id,
            Actor::CommandLine,
            AuditAction::CompanyCreated,
            company_id,
            now,
        )),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(NewCompany {
        company_id,
        owner: owner_id,
        api_key,
        sign_in_token,
    })
}

/// A new user, with a link that signs in once.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub user_id: UserId,
    pub membership_id: MembershipId,
    pub sign_in_token: KeyText,
}

/// Adds a user to a company.
///
/// # Errors
/// `not_found` for an unknown company; `invalid_body` for an address without `@`, and `conflict` when the
/// company has a user with it; `invalid_body` for an inviter who is not of the company; the store's.
pub async fn create_user(
    context: &Context,
    company_id: CompanyId,
    role: Role,
    person: Person,
) -> Result<NewUser, Problem> {
    let company = context.view(company_id).await?;
    let email = person.email.clone().unwrap_or_default();
    check_email(&email)?;
    check_person(&person)?;
    if is_taken(&company, &email, None) {
        return Err(ProblemCode::Conflict
            .problem("the company already has a user with this e-mail address"));
    }
    if let Some(inviter) = person.invited_by
        && company.member(inviter).is_none()
    {
        return Err(ProblemCode::InvalidBody
            .problem("the inviter is no user of the company; name one of its users"));
    }
    let now = context.now();
    let member = new_member(context, company_id, role, person, now);
    let (user_id, membership_id) = (member.user_id, member.membership_id);
    let (token, sign_in_token) = sign_in_token(context, &member, now);
    let change = Change {
        writes: vec![Write::CreateMember(member), Write::CreateToken(token)],
        audit: Some(entry(
            context,
            company_id,
            Actor::CommandLine,
            AuditAction::UserCreated,
            user_id,
            now,
        )),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(NewUser {
        user_id,
        membership_id,
        sign_in_token,
    })
}

/// Makes a new sign-in link for a company's owner: for the start that finds a company but no link.
///
/// # Errors
/// `not_found`; the store's.
pub async fn new_sign_in_token(
    context: &Context,
    company_id: CompanyId,
) -> Result<KeyText, Problem> {
    let company = context.view(company_id).await?;
    let owner = company
        .member(company.company.owner)
        .ok_or_else(not_found)?;
    let (token, text) = sign_in_token(context, owner, context.now());
    let change = Change {
        writes: vec![Write::CreateToken(token)],
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(text)
}

/// A new key, its text shown once.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub id: ApiKeyId,
    pub api_key: KeyText,
}

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    pub name: Option<String>,
    pub scopes: Vec<Scope>,
    /// Inspections made with it are marked `testing`.
    pub testing: bool,
}

/// Makes an API key.
///
/// # Errors
/// `not_found` for an unknown company; `invalid_body` without a scope; the store's.
pub async fn create_key(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    request: KeyRequest,
) -> Result<NewKey, Problem> {
    context.view(company_id).await?;
    if request.scopes.is_empty() {
        return Err(ProblemCode::InvalidBody
            .problem("a key needs at least one scope: inspections, webhooks, secrets, admin"));
    }
    let name = match request.name {
        Some(name) => checked_name("`name`", &name)?,
        None => "API key".to_owned(),
    };
    let now = context.now();
    let (key, api_key) = key(
        context,
        company_id,
        name,
        request.scopes,
        request.testing,
        now,
    );
    let id = key.id;
    let change = Change {
        writes: vec![Write::CreateApiKey(key)],
        audit: Some(entry(
            context,
            company_id,
            actor,
            AuditAction::ApiKeyCreated,
            id,
            now,
        )),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(NewKey { id, api_key })
}

/// One page of a company's valid keys, newest first, each with its last use, whether that is written yet or
/// not.
///
/// # Errors
/// The store's.
pub async fn list_keys(
    context: &Context,
    company_id: CompanyId,
    page: Page<ApiKeyId>,
) -> Result<Vec<ApiKey>, Problem> {
    let keys = context.store.api_keys(company_id, page).await;
    let mut keys = keys.map_err(problem_of)?;
    for key in &mut keys {
        key.last_used_at = key.last_used_at.max(context.key_uses.of(key.id));
    }
    Ok(keys)
}

/// Writes which keys were used since the last time, a few changes for however many requests. What cannot be
/// written now is kept for the next time.
///
/// # Errors
/// The store's.
pub async fn write_key_uses(context: &Context) -> Result<(), Problem> {
    loop {
        let uses = context.key_uses.take(KEY_USES_AT_ONCE);
        if uses.is_empty() {
            return Ok(());
        }
        let writes = uses
            .iter()
            .map(|(id, at)| Write::NoteKeyUse { id: *id, at: *at });
        let change = Change {
            writes: writes.collect(),
            ..Change::default()
        };
        if let Err(error) = context.store.commit(change).await {
            for (id, at) in uses {
                context.key_uses.note(id, at);
            }
            return Err(problem_of(error));
        }
    }
}

/// Revokes a key; it is refused from then on.
///
/// # Errors
/// `not_found`; the store's.
pub async fn revoke_key(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    id: ApiKeyId,
) -> Result<(), Problem> {
    let now = context.now();
    let change = Change {
        writes: vec![Write::RevokeApiKey { company_id, id }],
        audit: Some(entry(
            context,
            company_id,
            actor,
            AuditAction::ApiKeyRevoked,
            id,
            now,
        )),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(())
}

/// Whether somebody else than `except` has the e-mail address in the company.
pub(super) fn is_taken(company: &CompanyView, email: &str, except: Option<UserId>) -> bool {
    company.members.iter().any(|member| {
        Some(member.user_id) != except && email_key(&member.email) == email_key(email)
    })
}

/// What is said of a person stands in events, so that each text has its bound.
pub(super) fn check_person(person: &Person) -> Result<(), Problem> {
    let Person {
        email,
        first_name,
        last_name,
        internal_id,
        invited_by: _,
    } = person;
    if let Some(email) = email {
        check_email(email)?;
    }
    for (what, text) in [
        ("the first name", first_name),
        ("the last name", last_name),
        ("the internal id", internal_id),
    ] {
        if text
            .as_ref()
            .is_some_and(|text| text.len() > NAME_BYTES_MAX)
        {
            return Err(ProblemCode::InvalidBody.problem(format!(
                "{what} is longer than {NAME_BYTES_MAX} bytes; shorten it"
            )));
        }
    }
    Ok(())
}

pub(super) fn check_email(email: &str) -> Result<(), Problem> {
    if !email.contains('@') || email.len() > NAME_BYTES_MAX {
        return Err(ProblemCode::InvalidBody
            .problem("`email`: the e-mail address is not one; it needs an @"));
    }
    Ok(())
}

pub(super) fn checked_name(what: &str, name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(ProblemCode::InvalidBody
            .problem(format!("{what} must have 1 to {NAME_BYTES_MAX} bytes")));
    }
    Ok(name.to_owned())
}

pub(super) fn new_member(
    context: &Context,
    company_id: CompanyId,
    role: Role,
    person: Person,
    now: Timestamp,
) -> Member {
    let email = person.email.unwrap_or_default();
    let username = match email.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => "owner".to_owned(),
    };
    Member {
        user_id: UserId(context.next_id(now)),
        membership_id: MembershipId(context.next_id(now)),
        company_id,
        role,
        first_name: person.first_name.unwrap_or_default(),
        last_name: person.last_name.unwrap_or_default(),
        username,
        email,
        invited_by: person.invited_by,
        internal_id: person.internal_id,
        created_at: now,
    }
}

fn key(
    context: &Context,
    company_id: CompanyId,
    name: String,
    scopes: Vec<Scope>,
    testing: bool,
    now: Timestamp,
) -> (ApiKey, KeyText) {
    let text = KeyText::generate(
        if testing { "hk_test_" } else { "hk_live_" },
        &*context.entropy,
    );
    let key = ApiKey {
        id: ApiKeyId(context.next_id(now)),
        company_id,
        name,
        scopes,
        testing,
        hash: text.hash(),
        prefix: text.head(),
        created_at: now,
        last_used_at: None,
    };
    (key, text)
}

pub(super) fn sign_in_token(
    context: &Context,
    member: &Member,
    now: Timestamp,
) -> (Token, KeyText) {
    let text = KeyText::generate("si_", &*context.entropy);
    let token = Token {
        hash: text.hash(),
        company_id: member.company_id,
        expires_at: now.plus(SIGN_IN_LIFETIME),
        purpose: Purpose::SignIn {
            user_id: member.user_id,
        },
    };
    (token, text)
}

pub(super) fn entry(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    action: AuditAction,
    subject: impl std::fmt::Display,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        id: AuditEntryId(context.next_id(now)),
        company_id,
        actor,
        action,
        subject: subject.to_string(),
        detail: None,
        at: now,
    }
}
