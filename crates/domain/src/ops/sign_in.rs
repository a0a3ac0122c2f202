//! Signs a user in: a link that works once, or an e-mail address with its password, gives a browser a session.

use std::time::Duration;

use heraldo_wire::id::{CompanyId, UserId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::accounts::entry;
use super::passwords::matches;
use super::{Context, problem_of};
use crate::account::{KeyHash, KeyText, Member, Role, email_key};
use crate::change::{Actor, AuditAction, AuditEntry, Change, Write};
use crate::password::Login;
use crate::store::StoreError;
use crate::token::{Purpose, Token};

/// A browser stays signed in for this long.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3_600);
/// A link that only leads to one of several companies works for this long.
const CHOICE_LIFETIME: Duration = Duration::from_secs(600);
/// Companies in which one e-mail address may sign in with a password.
const LOGINS_MAX: u32 = 8;

/// Who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    pub user_id: UserId,
    /// The company in which the user signed in.
    pub company_id: CompanyId,
}

/// A session that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSession {
    pub user: SignedIn,
    /// What the user might do when it was made; `None` when that was not noted yet.
    pub role: Option<Role>,
    pub expires_at: Timestamp,
}

/// Whether a sign-in link still works. Nothing is spent: programs that preview links look, too.
///
/// # Errors
/// The store's.
pub async fn may_sign_in(context: &Context, token: &str) -> Result<bool, Problem> {
    let found = context.store.token(KeyHash::of(token), context.now()).await;
    let found = found.map_err(problem_of)?;
    Ok(found.is_some_and(|token| matches!(token.purpose, Purpose::SignIn { .. })))
}

/// Spends a sign-in link's token for a session, once.
///
/// # Errors
/// `invalid_credentials` for one that was used, has expired or never was; the store's.
pub async fn sign_in(context: &Context, token: &str) -> Result<KeyText, Problem> {
    let spent = || {
        ProblemCode::InvalidCredentials
            .problem("this sign-in link was used already or is too old; ask for a new one")
    };
    let now = context.now();
    let hash = KeyHash::of(token);
    let found = context.store.token(hash, now).await.map_err(problem_of)?;
    let Some(Token {
        company_id,
        purpose: Purpose::SignIn { user_id },
        ..
    }) = found
    else {
        return Err(spent());
    };
    let company = context.store.company(company_id).await;
    let company = company.map_err(problem_of)?;
    let member = company.as_ref().and_then(|company| company.member(user_id));
    let (token, session) = new_session(context, member.ok_or_else(spent)?, now);
    let change = Change {
        writes: vec![Write::SpendToken { hash, now }, Write::CreateToken(token)],
        audit: Some(signed_in(context, company_id, user_id, now)),
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => Ok(session),
        Err(StoreError::NotFound) => Err(spent()),
        Err(error) => Err(problem_of(error)),
    }
}

/// What a right password gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    Session(KeyText),
    /// The address has this password in several companies: the name of each, with the token of a sign-in link
    /// to it.
    Several(Vec<(String, KeyText)>),
}

/// Signs in with an e-mail address and its password. `None`: the address is unknown, or has no password, or
/// another one; each takes as long as the others. As many hashes are computed as there are companies in which
/// the address has a place.
///
/// # Errors
/// `overloaded` when too many passwords are being looked at; the store's.
pub async fn sign_in_with_password(
    context: &Context,
    email: &str,
    password: &str,
) -> Result<Option<Entered>, Problem> {
    let logins = context.store.logins(&email_key(email), LOGINS_MAX).await;
    let logins = logins.map_err(problem_of)?;
    if logins.is_empty() {
        matches(context, password, None).await?;
        return Ok(None);
    }
    let mut members = Vec::with_capacity(1);
    // What is given must not outlive a password that is changed meanwhile.
    let mut writes = Vec::with_capacity(2);
    for Login {
        member,
        password: hash,
    } in logins
    {
        if matches(context, password, hash.as_ref()).await? {
            writes.push(Write::SetPassword {
                user_id: member.user_id,
                was: hash.clone(),
                now: hash,
            });
            members.push(member);
        }
    }
    let now = context.now();
    if let [member] = &members[..] {
        let (token, session) = new_session(context, member, now);
        writes.push(Write::CreateToken(token));
        let audit = signed_in(context, member.company_id, member.user_id, now);
        let given = commit(context, writes, Some(audit)).await?;
        return Ok(given.then_some(Entered::Session(session)));
    }
    let mut choices = Vec::with_capacity(members.len());
    for member in members {
        let company = context.view(member.company_id).await?;
        let text = KeyText::generate("si_", &*context.entropy);
        writes.push(Write::CreateToken(Token {
            hash: text.hash(),
            company_id: member.company_id,
            expires_at: now.plus(CHOICE_LIFETIME),
            purpose: Purpose::SignIn {
                user_id: member.user_id,
            },
        }));
        choices.push((company.company.name.clone(), text));
    }
    if choices.is_empty() {
        return Ok(None);
    }
    // Who chooses a company is in it with the link that leads there.
    let given = commit(context, writes, None).await?;
    Ok(given.then_some(Entered::Several(choices)))
}

fn signed_in(
    context: &Context,
    company_id: CompanyId,
    user_id: UserId,
    now: Timestamp,
) -> AuditEntry {
    let (actor, action) = (Actor::User(user_id), AuditAction::SignedIn);
    entry(context, company_id, actor, action, user_id, now)
}

/// The token of a new session, and what the browser holds of it.
pub(super) fn new_session(context: &Context, member: &Member, now: Timestamp) -> (Token, KeyText) {
    let (company_id, user_id) = (member.company_id, member.user_id);
    session_until(
        context,
        company_id,
        user_id,
        member.role,
        now.plus(SESSION_LIFETIME),
    )
}

fn session_until(
    context: &Context,
    company_id: CompanyId,
    user_id: UserId,
    role: Role,
    expires_at: Timestamp,
) -> (Token, KeyText) {
    let text = KeyText::generate("se_", &*context.entropy);
    let token = Token {
        hash: text.hash(),
        company_id,
        expires_at,
        purpose: Purpose::Session {
            user_id,
            role: Some(role),
        },
    };
    (token, text)
}

/// `false`: a password was changed meanwhile.
async fn commit(
    context: &Context,
    writes: Vec<Write>,
    audit: Option<AuditEntry>,
) -> Result<bool, Problem> {
    let change = Change {
        writes,
        audit,
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(problem_of(error)),
    }
}

/// Who is signed in in the browser that holds this session; `None` when it has ended or never was.
///
/// # Errors
/// The store's.
pub async fn session(context: &Context, session: &str) -> Result<Option<OpenSession>, Problem> {
    let found = context
        .store
        .token(KeyHash::of(session), context.now())
        .await
        .map_err(problem_of)?;
    Ok(found.and_then(|token| match token.purpose {
        Purpose::Session { user_id, role } => Some(OpenSession {
            user: SignedIn {
                user_id,
                company_id: token.company_id,
            },
            role,
            expires_at: token.expires_at,
        }),
        Purpose::SignIn { .. }
        | Purpose::Invitation { .. }
        | Purpose::Image { .. }
        | Purpose::OauthCode { .. }
        | Purpose::OauthSpentCode { .. }
        | Purpose::OauthAccess { .. }
        | Purpose::OauthRefresh { .. } => None,
    }))
}

/// Gives a session whose user may do something else by now a new text, so that what was seen of the old one
/// is worth nothing; `None` when it has ended meanwhile. It ends when it would have.
///
/// # Errors
/// The store's.
pub async fn renew_session(
    context: &Context,
    old: &str,
    open: &OpenSession,
    role: Role,
) -> Result<Option<KeyText>, Problem> {
    let (token, text) = session_until(
        context,
        open.user.company_id,
        open.user.user_id,
        role,
        open.expires_at,
    );
    let change = Change {
        writes: vec![
            Write::SpendToken {
                hash: KeyHash::of(old),
                now: context.now(),
            },
            Write::CreateToken(token),
        ],
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => Ok(Some(text)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(problem_of(error)),
    }
}

/// Ends one session; a session that has ended already is no error.
///
/// # Errors
/// The store's.
pub async fn sign_out(context: &Context, session: &str) -> Result<(), Problem> {
    let change = Change {
        writes: vec![Write::SpendToken {
            hash: KeyHash::of(session),
            now: context.now(),
        }],
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(problem_of(error)),
    }
}

/// Ends every session of a user at once, in every browser and every company; sign-in links that were not
/// used yet end, too.
///
/// # Errors
/// `not_found` for a user who is not of the company; the store's.
pub async fn sign_out_everywhere(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    user_id: UserId,
) -> Result<(), Problem> {
    let company = context.view(company_id).await?;
    company.member(user_id).ok_or_else(super::not_found)?;
    let (action, now) = (AuditAction::SessionsEnded, context.now());
    let change = Change {
        writes: vec![Write::EndSessions {
            user_id,
            company_id: None,
        }],
        audit: Some(entry(context, company_id, actor, action, user_id, now)),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(())
}
