//! A user's own password: set, and asked for before what matters.

use heraldo_wire::problem::{Problem, ProblemCode};

use super::accounts::entry;
use super::sign_in::new_session;
use super::{Context, not_found, problem_of};
use crate::account::{Caller, KeyText};
use crate::change::{AuditAction, Change, Write};
use crate::password::{PasswordHash, check_password};

/// Whether it is the password that was hashed; without a hash it is not, and that takes as long to say.
pub(super) async fn matches(
    context: &Context,
    password: &str,
    hash: Option<&PasswordHash>,
) -> Result<bool, Problem> {
    let matches = context.passwords.matches(password, hash).await;
    matches.map_err(|busy| ProblemCode::Overloaded.problem(busy.to_string()))
}

pub(super) async fn hash(context: &Context, password: &str) -> Result<PasswordHash, Problem> {
    check_password(password)?;
    let hash = context.passwords.hash(password).await;
    hash.map_err(|busy| ProblemCode::Overloaded.problem(busy.to_string()))
}

/// The user's stored password, after the present one was shown; a user without one has nothing to show.
///
/// # Errors
/// `invalid_credentials` for a wrong one; `overloaded`; the store's.
pub(super) async fn shown(
    context: &Context,
    caller: &Caller,
    present: &str,
) -> Result<Option<PasswordHash>, Problem> {
    let user_id = caller.user().ok_or_else(not_found)?;
    let stored = context.store.password(user_id).await.map_err(problem_of)?;
    if stored.is_some() && !matches(context, present, stored.as_ref()).await? {
        return Err(ProblemCode::InvalidCredentials.problem("the present password is wrong"));
    }
    Ok(stored)
}

/// Sets the caller's password. Every session of the caller ends; the text of a new one comes back.
///
/// # Errors
/// `invalid_body` for one that is too short or too long, and for a caller without an e-mail address;
/// `invalid_credentials` when there is a present one and it was not given; `overloaded`; the store's.
pub async fn set_password(
    context: &Context,
    caller: &Caller,
    present: &str,
    password: &str,
) -> Result<KeyText, Problem> {
    let user_id = caller.user().ok_or_else(not_found)?;
    check_password(password)?;
    let company = context.view(caller.company_id).await?;
    let member = company.member(user_id).ok_or_else(not_found)?;
    if member.email.is_empty() {
        return Err(ProblemCode::InvalidBody.problem(
            "`email`: a password needs an e-mail address to sign in with; enter it first",
        ));
    }
    let was = shown(context, caller, present).await?;
    let hash = hash(context, password).await?;
    let now = context.now();
    let (token, session) = new_session(context, member, now);
    let action = AuditAction::PasswordSet;
    let change = Change {
        writes: vec![
            Write::SetPassword {
                user_id,
                was,
                now: Some(hash),
            },
            Write::EndSessions {
                user_id,
                company_id: None,
            },
            Write::CreateToken(token),
        ],
        audit: Some(entry(
            context,
            caller.company_id,
            caller.actor,
            action,
            user_id,
            now,
        )),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(session)
}
