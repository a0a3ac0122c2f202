//! The consent page: an application asks a signed-in user for access, and one button gives it (contract 1.3,
//! "Browser leg", and 6).

use std::collections::HashMap;

use askama::Template;
use heraldo_domain::account::Member;
use heraldo_domain::ops::oauth_apps::{Consent, ConsentRequest};
use heraldo_domain::ops::problem_of;
use heraldo_domain::ops::sign_in::SignedIn;
use heraldo_wire::api::OauthScope;
use http::StatusCode;
use url::{Url, form_urlencoded};

use crate::browser::{Forms, Session, page};
use crate::call::{Call, Outcome};
use crate::frame::Frame;
use crate::problem::Failure;

/// Reads what the link, or the form that repeats it, says. `scopes` comes as `scopes=a&scopes=b` and as
/// `scopes[0]=a&scopes[1]=b` (contract 1.3, "Browser leg"). Of anything else said twice the first counts.
fn read(pairs: Vec<(String, String)>) -> (ConsentRequest, Option<String>) {
    let mut scopes = Vec::new();
    let mut others = HashMap::new();
    for (name, text) in pairs {
        if name == "scopes" || (name.starts_with("scopes[") && name.ends_with(']')) {
            scopes.push(text);
        } else if !text.is_empty() {
            others.entry(name).or_insert(text);
        }
    }
    let request = ConsentRequest {
        client_app_id: others.remove("client_app_id").unwrap_or_default(),
        scopes,
        redirect_uri: others.remove("redirect_uri"),
        state: others.remove("state"),
        code_challenge: others.remove("code_challenge"),
        code_challenge_method: others.remove("code_challenge_method"),
    };
    (request, others.remove("form"))
}

/// Where the browser goes: the registered address as it is, with more in its query.
fn with_query(redirect: &str, code: &str, state: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("code", code);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    let sign = if redirect.contains('?') { '&' } else { '?' };
    format!("{redirect}{sign}{}", query.finish())
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Page<'a> {
    frame: Frame,
    app: &'a str,
    company: &'a str,
    /// The day on which the application was made.
    made_on: &'a str,
    connected_users: u64,
    /// The host that the browser is sent to.
    host: &'a str,
    wants_memberships: bool,
    wants_account: bool,
    wants_inspections: bool,
    /// Who is signed in, and the token of the form; `None`: nobody.
    user: Option<(&'a str, String)>,
    /// The page's own address, for the way back from signing in.
    here: &'a str,
    request: &'a ConsentRequest,
    scopes: String,
}

impl Page<'_> {
    fn field<'f>(&self, text: &'f Option<String>) -> &'f str {
        text.as_deref().unwrap_or_default()
    }
}

async fn show(
    call: &mut Call,
    request: &ConsentRequest,
    consent: &Consent,
    session: Option<&Session>,
) -> Outcome {
    let store = &call.context().store;
    let company = store.company(consent.app.company_id).await;
    let company = company.map_err(problem_of)?;
    let user = match session {
        Some(session) => Some((
            name_of(call, session.open.user).await?,
            session.form_token(),
        )),
        None => None,
    };
    let status = if user.is_some() {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    };
    // It was read when it was registered.
    let redirect = Url::parse(&consent.redirect);
    let made_at = consent.app.created_at.to_string();
    let words: Vec<_> = consent.scopes.iter().map(|scope| scope.as_str()).collect();
    let query = call.parts.uri.query().unwrap_or_default();
    let template = Page {
        frame: Frame::of(call),
        app: &consent.app.name,
        company: company
            .as_ref()
            .map_or("", |company| company.company.name.as_str()),
        made_on: made_at.get(..10).unwrap_or_default(),
        connected_users: consent.app.connected_users,
        host: redirect
            .as_ref()
            .ok()
            .and_then(Url::host_str)
            .unwrap_or_default(),
        wants_memberships: consent.scopes.contains(&OauthScope::Memberships),
        wants_account: consent.scopes.contains(&OauthScope::Account),
        wants_inspections: consent.scopes.contains(&OauthScope::Inspections),
        user: user
            .as_ref()
            .map(|(name, form)| (name.as_str(), form.clone())),
        here: &format!("oauth/connect?{query}"),
        request,
        scopes: words.join(" "),
    };
    let forms = match &redirect {
        Ok(redirect) => Forms::HereAndOn(redirect),
        Err(_) => Forms::Here,
    };
    page(status, &template, &forms)
}

/// What a person knows the own account by.
async fn name_of(call: &mut Call, user: SignedIn) -> Result<String, Failure> {
    let company = call.context().store.company(user.company_id).await;
    let company = company.map_err(problem_of)?;
    let member = company
        .as_ref()
        .and_then(|company| company.member(user.user_id));
    let name = |member: &Member| {
        if member.email.is_empty() {
            member.username.clone()
        } else {
            member.email.clone()
        }
    };
    Ok(member.map(name).unwrap_or_default())
}

pub mod ask {
    //! `GET /oauth/connect`.

    use heraldo_domain::ops::oauth_apps::consent;
    use url::form_urlencoded;

    use super::{read, show};
    use crate::browser::refused;
    use crate::call::{Call, Outcome};

    /// The consent page of an OAuth application
    ///
    /// Opening it changes nothing. `scopes` may also come as `scopes[0]=…&scopes[1]=…`.
    #[utoipa::path(
        get,
        path = "/oauth/connect",
        operation_id = "consentPage",
        tag = "pages",
        params(
            ("client_app_id" = String, Query, description = "The application"),
            ("scopes" = Vec<String>, Query, description = "What it asks for: memberships, account, inspections"),
            ("redirect_uri" = Option<String>, Query, description = "One of its registered addresses, exactly; the first one without it"),
            ("state" = Option<String>, Query, description = "Comes back with the code"),
            ("code_challenge" = Option<String>, Query, description = "PKCE"),
            ("code_challenge_method" = Option<String>, Query, description = "`S256`"),
        ),
        responses(
            (status = 200, description = "A page in Spanish or English with one button", content_type = "text/html", body = String),
            (status = 400, description = "The link is wrong", content_type = "text/html", body = String),
            (status = 401, description = "Nobody is signed in in this browser", content_type = "text/html", body = String),
            (status = 404, description = "There is no such application", content_type = "text/html", body = String),
        ),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let query = call.parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let (request, _) = read(pairs.collect());
        let wanted = match consent(call.context(), &request).await {
            Ok(wanted) => wanted,
            Err(problem) => return refused(call, &problem),
        };
        let session = call.session().await?;
        show(call, &request, &wanted, session.as_ref()).await
    }
}

pub mod authorise {
    //! `POST /oauth/connect`.

    use heraldo_domain::ops::oauth_apps::{authorise, consent};
    use heraldo_wire::problem::ProblemCode;

    use super::{read, show, with_query};
    use crate::browser::{refused, see_other};
    use crate::call::{Call, Outcome};

    /// Gives an OAuth application what its consent page says
    ///
    /// Sends the browser to the application's registered address with a code, which works once.
    #[utoipa::path(
        post,
        path = "/oauth/connect",
        operation_id = "consent",
        tag = "pages",
        request_body(content = ConsentForm, content_type = "application/x-www-form-urlencoded"),
        responses(
            (status = 303, description = "To the application, with `code` and `state`"),
            (status = 400, description = "The form is not one of this session", content_type = "text/html", body = String),
            (status = 401, description = "Nobody is signed in in this browser", content_type = "text/html", body = String),
            (status = 404, description = "There is no such application", content_type = "text/html", body = String),
        ),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let (request, form) = read(call.fields().await?);
        if let Err(problem) = call.check_own_form() {
            return refused(call, &problem);
        }
        let wanted = match consent(call.context(), &request).await {
            Ok(wanted) => wanted,
            Err(problem) => return refused(call, &problem),
        };
        let Some(session) = call.session().await? else {
            return show(call, &request, &wanted, None).await;
        };
        if form != Some(session.form_token()) {
            let problem = ProblemCode::InvalidParameter.problem(
                "the form is not one of this session; open the application's link again and press the button",
            );
            return refused(call, &problem);
        }
        let code = authorise(call.context(), &wanted, session.open.user).await?;
        see_other(&with_query(
            &wanted.redirect,
            code.reveal(),
            request.state.as_deref(),
        ))
    }

    /// The fields of the form: what the link says, and the form's token.
    #[derive(utoipa::ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct ConsentForm {
        client_app_id: String,
        scopes: String,
        redirect_uri: Option<String>,
        state: Option<String>,
        code_challenge: Option<String>,
        code_challenge_method: Option<String>,
        form: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_scopes_are_read() {
        for query in [
            "scopes=memberships&scopes=account",
            "scopes%5B0%5D=memberships&scopes%5B1%5D=account",
            "scopes[]=memberships&scopes[]=account",
        ] {
            let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
            let (request, _) = read(pairs.collect());
            assert_eq!(request.scopes, ["memberships", "account"], "{query}");
        }
    }

    #[test]
    fn the_code_is_added_to_the_registered_address() {
        let check = |redirect: &str, state: Option<&str>, expected: &str| {
            assert_eq!(with_query(redirect, "oc_1", state), expected);
        };
        check(
            "https://app.example/cb",
            None,
            "https://app.example/cb?code=oc_1",
        );
        check(
            "https://app.example/cb?x=1",
            Some("a b&c"),
            "https://app.example/cb?x=1&code=oc_1&state=a+b%26c",
        );
    }
}
