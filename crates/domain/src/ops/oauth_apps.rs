//! OAuth applications: makes them, reads what one asks a user for, and gives out codes (contract 1.3,
//! "Browser leg", and 8.1).

use std::time::Duration;

use heraldo_wire::api::OauthScope;
use heraldo_wire::id::{CompanyId, OauthAppId, UserId};
use heraldo_wire::problem::{Problem, ProblemCode};
use url::Url;

use super::accounts::{checked_name, entry};
use super::sign_in::SignedIn;
use super::{Context, not_found, problem_of};
use crate::account::KeyText;
use crate::change::{Actor, AuditAction, AuditEntry, Change, Write};
use crate::oauth::{OauthApp, OauthConnection};
use crate::query::Page;
use crate::record::{Kept as _, Record};
use crate::store::StoreError;
use crate::token::{Purpose, Token};

/// A code is exchanged within this time (contract U21).
const CODE_LIFETIME: Duration = Duration::from_secs(600);
/// Registered addresses of one application.
const REDIRECTS_MAX: usize = 20;
/// A registered address is at most this long, and so is the `state` that goes with it.
const REDIRECT_BYTES_MAX: usize = 2_048;
/// A deletion is decided anew this often when users connect at the same time.
const TRIES: usize = 16;
/// SHA-256 in base64url.
const CHALLENGE_CHARS: usize = 43;

/// A new application; its secret is shown once.
#[derive(Debug, Clone)]
pub struct NewOauthApp {
    pub id: OauthAppId,
    pub secret: KeyText,
}

/// Makes an application of a company.
///
/// # Errors
/// `not_found` for an unknown company; `invalid_body` for its name; `invalid_url` for an address that no
/// browser can be sent to; the store's.
pub async fn create_oauth_app(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    name: &str,
    redirects: Vec<String>,
) -> Result<NewOauthApp, Problem> {
    context.view(company_id).await?;
    let name = checked_name("the application's name", name)?;
    if redirects.is_empty() || redirects.len() > REDIRECTS_MAX {
        return Err(ProblemCode::InvalidUrl.problem(format!(
            "an application needs 1 to {REDIRECTS_MAX} addresses that browsers are sent back to"
        )));
    }
    redirects.iter().try_for_each(|url| check_redirect(url))?;
    let now = context.now();
    let secret = KeyText::generate("hs_", &*context.entropy);
    let app = OauthApp {
        id: OauthAppId(context.next_id(now)),
        company_id,
        version: 1,
        name,
        redirects,
        secret: secret.hash(),
        connected_users: 0,
        created_at: now,
    };
    let action = AuditAction::OauthAppCreated;
    let change = Change {
        writes: vec![Write::CreateRecord(Record::of(&app).map_err(problem_of)?)],
        audit: Some(entry(context, company_id, actor, action, app.id, now)),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(NewOauthApp { id: app.id, secret })
}

/// Gives an application another secret, at once; what users gave it stays. Its name comes back, too.
///
/// # Errors
/// `not_found`; `conflict` when it was changed at the same moment; the store's.
pub async fn rotate_oauth_secret(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    id: OauthAppId,
) -> Result<(String, KeyText), Problem> {
    let app = oauth_app(context, id).await?;
    let app = app.filter(|app| app.company_id == company_id);
    let app = app.ok_or_else(not_found)?;
    let now = context.now();
    let secret = KeyText::generate("hs_", &*context.entropy);
    let rotated = OauthApp {
        version: app.version + 1,
        secret: secret.hash(),
        ..app
    };
    let action = AuditAction::OauthSecretRotated;
    let change = Change {
        writes: vec![Write::UpdateRecord(
            Record::of(&rotated).map_err(problem_of)?,
        )],
        audit: Some(entry(context, company_id, actor, action, id, now)),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok((rotated.name, secret))
}

/// Deletes an application: what users gave it ends at once, its codes, its tokens and its connections. Its name
/// comes back. `company_id`: `None` for whoever has the machine, whosever's it is.
///
/// # Errors
/// `not_found`; `conflict` when users go on connecting at the same moment; the store's.
pub async fn delete_oauth_app(
    context: &Context,
    company_id: Option<CompanyId>,
    actor: Actor,
    id: OauthAppId,
) -> Result<String, Problem> {
    for _ in 0..TRIES {
        let app = oauth_app(context, id).await?;
        let app = app.filter(|app| company_id.is_none_or(|company| app.company_id == company));
        let app = app.ok_or_else(not_found)?;
        let (action, now) = (AuditAction::OauthAppDeleted, context.now());
        let audit = entry(context, app.company_id, actor, action, id, now);
        let change = Change {
            // Its codes and tokens name it, and are worth nothing without it; they go when they expire.
            writes: vec![
                Write::DeleteRecord(Record::of(&app).map_err(problem_of)?),
                Write::DeleteRecordsOf {
                    company_id: app.company_id,
                    kind: OauthConnection::KIND,
                    subject: id.0,
                },
            ],
            audit: Some(AuditEntry {
                detail: Some(app.name.clone()),
                ..audit
            }),
            ..Change::default()
        };
        match context.store.commit(change).await {
            Ok(_) => return Ok(app.name),
            // Somebody connected meanwhile.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(problem_of(error)),
        }
    }
    Err(problem_of(StoreError::Conflict))
}

/// One page of a company's applications, newest first.
///
/// # Errors
/// The store's.
pub async fn list_oauth_apps(
    context: &Context,
    company_id: CompanyId,
    page: Page<OauthAppId>,
) -> Result<Vec<OauthApp>, Problem> {
    let page = page.with_cursor(|id| id.0);
    let page = context.kept_page(company_id, None, page).await;
    page.map_err(problem_of)
}

/// A browser is sent there, so it is a whole web address; a fragment would swallow the code.
fn check_redirect(text: &str) -> Result<(), Problem> {
    let plain =
        text.len() <= REDIRECT_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if plain && fits {
        return Ok(());
    }
    Err(ProblemCode::InvalidUrl.problem(format!(
        "the address that browsers are sent back to must be a whole http or https URL of at most \
         {REDIRECT_BYTES_MAX} ASCII characters, without a fragment or a user, like \
         https://app.example.com/callback"
    )))
}

/// The application of this id.
pub(super) async fn oauth_app(
    context: &Context,
    id: OauthAppId,
) -> Result<Option<OauthApp>, Problem> {
    context.kept(id.0).await.map_err(problem_of)
}

/// What the link to the consent page says.
#[derive(Debug, Clone, Default)]
pub struct ConsentRequest {
    pub client_app_id: String,
    pub scopes: Vec<String>,
    /// One of the registered addresses; `None`: the first one.
    pub redirect_uri: Option<String>,
    /// Given back to the application as it is.
    pub state: Option<String>,
    /// PKCE.
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
}

/// What a user is asked for.
#[derive(Debug, Clone)]
pub struct Consent {
    pub app: OauthApp,
    /// At least one.
    pub scopes: Vec<OauthScope>,
    /// Where the browser goes afterwards.
    pub redirect: String,
    challenge: Option<String>,
}

/// Reads what an application asks for. Nothing here may be answered by sending the browser anywhere: who
/// asks is not known until all of it is right.
///
/// # Errors
/// `not_found` for an unknown application; `invalid_parameter` for anything else that is wrong; the store's.
pub async fn consent(context: &Context, request: &ConsentRequest) -> Result<Consent, Problem> {
    let unknown = || {
        ProblemCode::NotFound.problem(
            "no application has this `client_app_id`; check the link that brought you here",
        )
    };
    let id: OauthAppId = request.client_app_id.parse().map_err(|_| unknown())?;
    let app = oauth_app(context, id).await?.ok_or_else(unknown)?;
    let redirect = app
        .redirect(request.redirect_uri.as_deref())
        .ok_or_else(|| {
            ProblemCode::InvalidParameter.problem(
                "`redirect_uri` is not registered for this application; send one that is, character by \
                 character, or leave it out",
            )
        })?
        .to_owned();
    let too_long = |state: &String| state.len() > REDIRECT_BYTES_MAX;
    if request.state.as_ref().is_some_and(too_long) {
        return Err(ProblemCode::InvalidParameter.problem(format!(
            "`state` is longer than {REDIRECT_BYTES_MAX} bytes; send less"
        )));
    }
    Ok(Consent {
        scopes: read_scopes(&request.scopes)?,
        challenge: read_challenge(request)?,
        app,
        redirect,
    })
}

fn read_scopes(words: &[String]) -> Result<Vec<OauthScope>, Problem> {
    let mut scopes = Vec::with_capacity(OauthScope::ALL.len());
    let words = words.iter().flat_map(|words| words.split([',', ' ']));
    for word in words.filter(|word| !word.is_empty()) {
        let scope = word
            .parse()
            .map_err(|error| ProblemCode::InvalidParameter.problem(format!("`scopes`: {error}")))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(ProblemCode::InvalidParameter
            .problem("`scopes` is missing; ask for memberships, account or inspections"));
    }
    Ok(scopes)
}

fn read_challenge(request: &ConsentRequest) -> Result<Option<String>, Problem> {
    let Some(challenge) = &request.code_challenge else {
        return match &request.code_challenge_method {
            None => Ok(None),
            Some(_) => Err(ProblemCode::InvalidParameter
                .problem("`code_challenge_method` came without `code_challenge`; send both")),
        };
    };
    if request.code_challenge_method.as_deref() != Some("S256") {
        return Err(ProblemCode::InvalidParameter
            .problem("send `code_challenge_method=S256` with the `code_challenge`"));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if challenge.len() != CHALLENGE_CHARS || !challenge.bytes().all(fits) {
        return Err(ProblemCode::InvalidParameter.problem(
            "`code_challenge` is not the SHA-256 of a verifier in base64url without padding",
        ));
    }
    Ok(Some(challenge.clone()))
}

/// Gives the application a code for the user who pressed the button.
///
/// # Errors
/// The store's.
pub async fn authorise(
    context: &Context,
    consent: &Consent,
    user: SignedIn,
) -> Result<KeyText, Problem> {
    let Consent {
        app,
        scopes,
        challenge,
        redirect: _,
    } = consent;
    let actor = Actor::User(user.user_id);
    issue_code(context, app, user, actor, scopes.clone(), challenge.clone()).await
}

/// Gives out a code without a browser, for whoever has the machine (contract 8.1, `heraldo oauth code`).
///
/// # Errors
/// `not_found` for an unknown application or user; the store's.
pub async fn create_oauth_code(
    context: &Context,
    app_id: OauthAppId,
    user_id: UserId,
    scopes: Vec<OauthScope>,
) -> Result<KeyText, Problem> {
    let app = oauth_app(context, app_id).await?.ok_or_else(not_found)?;
    let memberships = context.store.memberships(user_id).await;
    let memberships = memberships.map_err(problem_of)?;
    let (first, _) = memberships.first().ok_or_else(not_found)?;
    let user = SignedIn {
        user_id,
        company_id: first.company_id,
    };
    issue_code(context, &app, user, Actor::CommandLine, scopes, None).await
}

async fn issue_code(
    context: &Context,
    app: &OauthApp,
    user: SignedIn,
    actor: Actor,
    scopes: Vec<OauthScope>,
    challenge: Option<String>,
) -> Result<KeyText, Problem> {
    let SignedIn {
        user_id,
        company_id,
    } = user;
    let now = context.now();
    let code = KeyText::generate("oc_", &*context.entropy);
    let token = Token {
        hash: code.hash(),
        company_id,
        expires_at: now.plus(CODE_LIFETIME),
        purpose: Purpose::OauthCode {
            app_id: app.id,
            user_id,
            scopes,
            challenge,
        },
    };
    let action = AuditAction::OauthAuthorised;
    let change = Change {
        writes: vec![Write::CreateToken(token)],
        audit: Some(entry(context, company_id, actor, action, app.id, now)),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(code)
}
