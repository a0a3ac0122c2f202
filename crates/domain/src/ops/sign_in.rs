//! Signs a user in: a link that works once gives a browser a session.

use std::time::Duration;

use heraldo_wire::id::{CompanyId, UserId};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::{Context, problem_of};
use crate::account::{KeyHash, KeyText};
use crate::change::{Change, Write};
use crate::store::StoreError;
use crate::token::{Purpose, Token};

/// A browser stays signed in for this long.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// Who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    pub user_id: UserId,
    /// The company in which the user signed in.
    pub company_id: CompanyId,
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
    let session = KeyText::generate("se_", &*context.entropy);
    let change = Change {
        writes: vec![
            Write::SpendToken { hash, now },
            Write::CreateToken(Token {
                hash: session.hash(),
                company_id,
                expires_at: now.plus(SESSION_LIFETIME),
                purpose: Purpose::Session { user_id },
            }),
        ],
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => Ok(session),
        Err(StoreError::NotFound) => Err(spent()),
        Err(error) => Err(problem_of(error)),
    }
}

/// Who is signed in in the browser that holds this session; `None` when it has ended or never was.
///
/// # Errors
/// The store's.
pub async fn session(context: &Context, session: &str) -> Result<Option<SignedIn>, Problem> {
    let found = context
        .store
        .token(KeyHash::of(session), context.now())
        .await
        .map_err(problem_of)?;
    Ok(found.and_then(|token| match token.purpose {
        Purpose::Session { user_id } => Some(SignedIn {
            user_id,
            company_id: token.company_id,
        }),
        Purpose::SignIn { .. }
        | Purpose::Image { .. }
        | Purpose::OauthCode { .. }
        | Purpose::OauthSpentCode { .. }
        | Purpose::OauthAccess { .. }
        | Purpose::OauthRefresh { .. } => None,
    }))
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
