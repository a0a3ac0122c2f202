//! What the pages for signed-in people share: their session, their cookies, their forms, their headers.
//!
//! Pages take style, script and pictures from this server alone, none of them from the page itself, and ask
//! nobody else for anything.

use askama::Template;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use heraldo_domain::ops::sign_in::{OpenSession, SESSION_LIFETIME, session};
use heraldo_wire::problem::{Problem, ProblemCode};
use http::header::{
    ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY,
    SET_COOKIE, VARY, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::call::{Call, Outcome};
use crate::frame::Frame;
use crate::problem::Failure;
use crate::reply;

const HTML: &str = "text/html; charset=utf-8";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a page's forms may lead.
pub enum Forms<'a> {
    /// Back here.
    Here,
    /// And from here to an application: browsers look at where an answered form is sent on to, and the
    /// application may send the browser on once more.
    HereAndOn(&'a Url),
}

/// A page.
pub fn page(status: StatusCode, template: &impl Template, forms: &Forms<'_>) -> Outcome {
    let html = template.render().map_err(|error| {
        ProblemCode::Internal.problem(format!("cannot write the page: {error}"))
    })?;
    let targets = match forms {
        Forms::Here => "'self'".to_owned(),
        Forms::HereAndOn(url) if url.scheme() == "https" => "'self' https:".to_owned(),
        Forms::HereAndOn(url) => {
            format!("'self' https: {}", url.origin().ascii_serialization())
        }
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
         base-uri 'none'; form-action {targets}; frame-ancestors 'none'"
    );
    let mut response = reply::bytes(status, HTML, html.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, header(&policy)?);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Addresses hold tokens that nobody else is to learn. Not `no-referrer`: with it a browser would not say
    // either where a form comes from.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex, nofollow"));
    headers.insert(VARY, HeaderValue::from_static("accept-language, cookie"));
    Ok(response)
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    frame: Frame,
    detail: &'a str,
}

/// A page that says why there is no other.
pub fn refused(call: &Call, problem: &Problem) -> Outcome {
    let status = StatusCode::from_u16(problem.status());
    let template = Refused {
        frame: Frame::of(call),
        detail: &problem.detail,
    };
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    page(status, &template, &Forms::Here)
}

/// Sends the browser on by GET.
pub fn see_other(location: &str) -> Result<Response, Failure> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, header(location)?);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// The text as the value of a header.
pub fn header(text: &str) -> Result<HeaderValue, Failure> {
    let invalid = |error| ProblemCode::Internal.problem(format!("cannot write a header: {error}"));
    Ok(HeaderValue::from_str(text).map_err(invalid)?)
}

/// A browser in which somebody signed in.
pub struct Session {
    text: String,
    pub open: OpenSession,
}

impl Session {
    pub const fn new(text: String, open: OpenSession) -> Self {
        Self { text, open }
    }

    /// What the browser holds.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a form of this session carries: nobody else can know it, and it says nothing of the session.
    pub fn form_token(&self) -> String {
        let hash = Sha256::digest(format!("form {}", self.text));
        BASE64_STANDARD.encode(hash)
    }
}

impl Call {
    /// Who is signed in in this browser.
    pub async fn session(&mut self) -> Result<Option<Session>, Failure> {
        let Some(text) = self.cookie(self.cookie_name()) else {
            return Ok(None);
        };
        let text = text.to_owned();
        let open = session(self.context(), &text).await?;
        Ok(open.map(|open| Session::new(text, open)))
    }

    /// The cookie of this name; of several the first.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.parts.headers.get_all(COOKIE).iter();
        let lines = lines.filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(';')).find_map(|cookie| {
            let (given, text) = cookie.trim().split_once('=')?;
            (given == name).then_some(text)
        })
    }

    /// What the browser says about languages.
    pub fn accepted_languages(&self) -> &str {
        let header = self.parts.headers.get(ACCEPT_LANGUAGE);
        header
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Lets the browser hold a session.
    pub fn keep_session(&self, response: &mut Response, text: &str) -> Result<(), Failure> {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let cookie = format!(
            "{}={text}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.cookie_name(),
            SESSION_LIFETIME.as_secs()
        );
        response.headers_mut().append(SET_COOKIE, header(&cookie)?);
        Ok(())
    }

    /// Lets the browser forget its session.
    pub fn forget_session(&self, response: &mut Response) -> Result<(), Failure> {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let cookie = format!(
            "{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}",
            self.cookie_name()
        );
        response.headers_mut().append(SET_COOKIE, header(&cookie)?);
        Ok(())
    }

    /// With the prefix browsers take the cookie from this very host over TLS alone.
    fn cookie_name(&self) -> &'static str {
        if self.is_secure() {
            "__Host-heraldo_session"
        } else {
            "heraldo_session"
        }
    }

    fn is_secure(&self) -> bool {
        self.context().links.public_url.starts_with("https://")
    }

    /// Refuses a form that another site sent, as far as the browser says: cookies alone do not keep all of
    /// them out.
    pub fn check_own_form(&self) -> Result<(), Problem> {
        if self.is_own_form() {
            return Ok(());
        }
        Err(ProblemCode::InvalidHeader
            .problem("the form was sent by another site; open the page here and press its button"))
    }

    fn is_own_form(&self) -> bool {
        let headers = &self.parts.headers;
        // `none`: the person did it, no page led there.
        if let Some(site) = headers.get(FETCH_SITE).map(HeaderValue::as_bytes) {
            return site == b"same-origin" || site == b"none";
        }
        let Some(origin) = headers.get(ORIGIN) else {
            // No browser: nobody is led anywhere.
            return true;
        };
        let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else {
            return false;
        };
        let is_it = |url: &str| Url::parse(url).is_ok_and(|url| url.origin() == origin.origin());
        // Or reached by another name than the public one.
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| self.parts.uri.authority().map(|host| host.as_str()));
        let named = |host: &str| is_it(&format!("{}://{host}", origin.scheme()));
        is_it(&self.context().links.public_url) || host.is_some_and(named)
    }
}
