//! OAuth tokens: exchanges codes for them, renews them, and reads who one acts for (contract 1.3, E26 and
//! E27, and U21).

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use heraldo_wire::api::{
    ExchangeCodeAnswer, ExchangeCodeRequest, OauthScope, RefreshTokenAnswer, RefreshTokenRequest,
};
use heraldo_wire::id::{CompanyId, OauthAppId, OauthConnectionId, UserId};
use heraldo_wire::object::Confidential;
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::oauth_apps::oauth_app;
use super::{Context, problem_of};
use crate::account::{KeyHash, KeyText};
use crate::change::{Change, Write};
use crate::oauth::{OauthApp, OauthConnection};
use crate::record::Record;
use crate::store::StoreError;
use crate::token::{Purpose, Token};

/// An access token works for this long (contract U21).
const ACCESS_LIFETIME: Duration = Duration::from_secs(3_600);
/// A refresh token works for this long (contract U21).
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// A connection that others are counted beside is decided anew this often.
const TRIES: usize = 16;

/// Exchanges a code for tokens, once. A code that comes again is refused, and what it gave is taken back:
/// of two who hold it, one must have stolen it.
///
/// # Errors
/// `invalid_credentials` for a wrong application, secret, code or verifier; the store's.
pub async fn exchange_code(
    context: &Context,
    request: &ExchangeCodeRequest,
) -> Result<ExchangeCodeAnswer, Problem> {
    let app = client(context, &request.client_app_id, &request.client_secret).await?;
    let now = context.now();
    let code = request.code.reveal();
    let found = context.store.token(KeyHash::of(code), now).await;
    let Some(Token {
        company_id,
        purpose:
            Purpose::OauthCode {
                app_id,
                user_id,
                scopes,
                challenge,
            },
        ..
    }) = found.map_err(problem_of)?
    else {
        take_back(context, code, now).await?;
        return Err(wrong_code());
    };
    let verifier = request.code_verifier.as_ref().map(Confidential::reveal);
    if app_id != app.id || !answers(challenge.as_deref(), verifier) {
        return Err(wrong_code());
    }
    let grant = Grant {
        company_id,
        app_id,
        user_id,
        scopes,
    };
    let (refresh, refresh_token) = grant.refresh(context, now);
    let (access, access_token) = grant.access(context, &refresh, now);
    let expires_in = seconds(access.expires_at.since(now));
    let writes = vec![
        Write::SpendToken {
            hash: KeyHash::of(code),
            now,
        },
        Write::CreateToken(Token {
            hash: spent_hash(code),
            company_id,
            expires_at: refresh.expires_at,
            purpose: Purpose::OauthSpentCode {
                refresh: refresh.hash,
            },
        }),
        Write::CreateToken(refresh),
        Write::CreateToken(access),
    ];
    match connect(context, app, user_id, writes, now).await {
        Ok(()) => Ok(ExchangeCodeAnswer {
            access_token: Confidential::new(access_token.reveal()),
            refresh_token: Confidential::new(refresh_token.reveal()),
            expires_in,
        }),
        // Somebody exchanged it at the same moment.
        Err(StoreError::NotFound) => {
            take_back(context, code, now).await?;
            Err(wrong_code())
        }
        Err(error) => Err(problem_of(error)),
    }
}

/// Writes an exchange, and counts the user among those of the application unless that was done before.
async fn connect(
    context: &Context,
    mut app: OauthApp,
    user_id: UserId,
    writes: Vec<Write>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut is_new = true;
    for _ in 0..TRIES {
        let mut writes = writes.clone();
        if is_new {
            let id = OauthConnectionId(context.next_id(now));
            let connection = OauthConnection::new(id, &app, user_id, now);
            let counted = OauthApp {
                version: app.version + 1,
                connected_users: app.connected_users + 1,
                ..app.clone()
            };
            writes.push(Write::CreateRecord(Record::of(&connection)?));
            writes.push(Write::UpdateRecord(Record::of(&counted)?));
        }
        let change = Change {
            writes,
            ..Change::default()
        };
        match context.store.commit(change).await {
            Ok(_) => return Ok(()),
            Err(StoreError::NameTaken) if is_new => is_new = false,
            Err(StoreError::Conflict) => {
                app = context.kept(app.id.0).await?.ok_or(StoreError::NotFound)?;
            }
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Overloaded)
}

/// Gives a new access token for a refresh token, which stays as it is.
///
/// # Errors
/// `invalid_credentials` for a wrong application, secret or token; the store's.
pub async fn refresh_token(
    context: &Context,
    request: &RefreshTokenRequest,
) -> Result<RefreshTokenAnswer, Problem> {
    let wrong = || {
        ProblemCode::InvalidCredentials.problem(
            "the refresh token is wrong, has expired or was taken back; ask the user once more",
        )
    };
    let app = client(context, &request.client_app_id, &request.client_secret).await?;
    let now = context.now();
    let hash = KeyHash::of(request.refresh_token.reveal());
    let found = context.store.token(hash, now).await.map_err(problem_of)?;
    let refresh = found.ok_or_else(wrong)?;
    let Purpose::OauthRefresh {
        app_id,
        user_id,
        ref scopes,
    } = refresh.purpose
    else {
        return Err(wrong());
    };
    if app_id != app.id {
        return Err(wrong());
    }
    let grant = Grant {
        company_id: refresh.company_id,
        app_id,
        user_id,
        scopes: scopes.clone(),
    };
    let (access, access_token) = grant.access(context, &refresh, now);
    let expires_in = seconds(access.expires_at.since(now));
    let change = Change {
        writes: vec![Write::CreateToken(access)],
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(RefreshTokenAnswer {
        access_token: Confidential::new(access_token.reveal()),
        expires_in,
    })
}

/// Whom an access token acts for, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub user_id: UserId,
    /// The company in which the user gave it.
    pub company_id: CompanyId,
    pub scopes: Vec<OauthScope>,
}

/// Reads an access token; `None` when it is wrong, has expired or was taken back.
///
/// # Errors
/// The store's.
pub async fn access(context: &Context, token: &str) -> Result<Option<Access>, Problem> {
    let now = context.now();
    let store = &context.store;
    let found = store.token(KeyHash::of(token), now).await;
    let Some(Token {
        company_id,
        purpose:
            Purpose::OauthAccess {
                app_id,
                user_id,
                scopes,
                refresh,
            },
        ..
    }) = found.map_err(problem_of)?
    else {
        return Ok(None);
    };
    let refresh = store.token(refresh, now).await.map_err(problem_of)?;
    // With the application everything ends that it was given.
    let app = oauth_app(context, app_id).await?;
    let company = store.company(company_id).await.map_err(problem_of)?;
    let is_member = company.is_some_and(|company| company.member(user_id).is_some());
    Ok(
        (refresh.is_some() && app.is_some() && is_member).then_some(Access {
            user_id,
            company_id,
            scopes,
        }),
    )
}

/// The application that calls.
async fn client(
    context: &Context,
    client_app_id: &str,
    client_secret: &Confidential,
) -> Result<OauthApp, Problem> {
    let app = match client_app_id.parse::<OauthAppId>() {
        Ok(id) => oauth_app(context, id).await?,
        Err(_) => None,
    };
    app.filter(|app| app.secret == KeyHash::of(client_secret.reveal()))
        .ok_or_else(|| {
            ProblemCode::InvalidCredentials.problem(
                "`client_app_id` or `client_secret` is wrong; send those of your application",
            )
        })
}

/// Whether the verifier is the one that the code was asked for with (PKCE). One that comes for a code without
/// a challenge is refused: somebody took the challenge out of the link.
fn answers(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            challenge == BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn wrong_code() -> Problem {
    ProblemCode::InvalidCredentials.problem(
        "`code` is wrong, too old, of another application, or was used before, or `code_verifier` does not \
         go with it; send the user through the consent page once more",
    )
}

/// Takes back what a code gave, when it was exchanged before.
async fn take_back(context: &Context, code: &str, now: Timestamp) -> Result<(), Problem> {
    let found = context.store.token(spent_hash(code), now).await;
    let Some(Token {
        purpose: Purpose::OauthSpentCode { refresh },
        ..
    }) = found.map_err(problem_of)?
    else {
        return Ok(());
    };
    let change = Change {
        writes: vec![Write::SpendToken { hash: refresh, now }],
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(problem_of(error)),
    }
}

/// Under which a spent code is remembered.
fn spent_hash(code: &str) -> KeyHash {
    KeyHash::of(&format!("spent {code}"))
}

const fn seconds(lifetime: Duration) -> u64 {
    lifetime.as_secs()
}

/// What a user gave an application.
struct Grant {
    company_id: CompanyId,
    app_id: OauthAppId,
    user_id: UserId,
    scopes: Vec<OauthScope>,
}

impl Grant {
    fn refresh(&self, context: &Context, now: Timestamp) -> (Token, KeyText) {
        let text = KeyText::generate("or_", &*context.entropy);
        let purpose = Purpose::OauthRefresh {
            app_id: self.app_id,
            user_id: self.user_id,
            scopes: self.scopes.clone(),
        };
        let token = Token {
            hash: text.hash(),
            company_id: self.company_id,
            expires_at: now.plus(REFRESH_LIFETIME),
            purpose,
        };
        (token, text)
    }

    /// An access token that lives no longer than the refresh token it comes from.
    fn access(&self, context: &Context, refresh: &Token, now: Timestamp) -> (Token, KeyText) {
        let text = KeyText::generate("oa_", &*context.entropy);
        let purpose = Purpose::OauthAccess {
            app_id: self.app_id,
            user_id: self.user_id,
            scopes: self.scopes.clone(),
            refresh: refresh.hash,
        };
        let token = Token {
            hash: text.hash(),
            company_id: self.company_id,
            expires_at: now.plus(ACCESS_LIFETIME).min(refresh.expires_at),
            purpose,
        };
        (token, text)
    }
}
