//! What the pages for signed-in people share: their language, their session, their forms, their headers.
//!
//! Pages run no script and ask nobody else for anything. Addresses in them are relative, so that they work
//! behind a proxy that adds a path.

use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use heraldo_domain::ops::sign_in::{SESSION_LIFETIME, SignedIn, session};
use heraldo_wire::problem::{Problem, ProblemCode};
use http::header::{
    ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY,
    SET_COOKIE, VARY, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::call::{Call, Outcome};
use crate::problem::Failure;
use crate::reply;

const HTML: &str = "text/html; charset=utf-8";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The look of every page; its hash stands in the policy, so that no other style applies.
pub const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#f4f5f7}\
main{max-width:34rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.5rem}\
h1{font-size:1.4rem;margin-top:0}.quiet{color:#57606a;font-size:.9rem}\
button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.3rem;background:#0b5cad;color:#fff}\
button:focus-visible,input:focus-visible{outline:3px solid #f2a900;outline-offset:2px}\
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.3rem 0 .8rem;border:1px solid #8b949e;border-radius:.3rem}\
code{overflow-wrap:anywhere}";

static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| BASE64_STANDARD.encode(Sha256::digest(STYLE)));

/// The languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Spanish,
    English,
}

impl Language {
    /// The one that the browser likes best; Spanish when it names neither.
    pub fn of(call: &Call) -> Self {
        let header = call.parts.headers.get(ACCEPT_LANGUAGE);
        let header = header.and_then(|value| value.to_str().ok());
        Self::best(header.unwrap_or_default())
    }

    fn best(header: &str) -> Self {
        let mut best = (Self::Spanish, 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("es") => Self::Spanish,
                Some("en") => Self::English,
                Some(_) | None => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(Some(1.0), |text| text.parse::<f32>().ok());
            if let Some(quality) = quality.filter(|quality| *quality > best.1) {
                best = (language, quality);
            }
        }
        best.0
    }

    pub const fn tag(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
        }
    }

    pub fn is_spanish(self) -> bool {
        self == Self::Spanish
    }
}

/// Where a page's forms may lead.
pub enum Forms<'a> {
    /// Back here.
    Here,
    /// And from here to an application: browsers look at where an answered form is sent on to, and the
    /// application may send the browser on once more.
    HereAndOn(&'a url::Url),
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
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action {targets}; \
         frame-ancestors 'none'",
        *STYLE_HASH
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
    language: Language,
    style: &'a str,
    detail: &'a str,
}

/// A page that says why there is no other.
pub fn refused(language: Language, problem: &Problem) -> Outcome {
    let status = StatusCode::from_u16(problem.status());
    let template = Refused {
        language,
        style: STYLE,
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

fn header(text: &str) -> Result<HeaderValue, Failure> {
    let invalid = |error| ProblemCode::Internal.problem(format!("cannot write a header: {error}"));
    Ok(HeaderValue::from_str(text).map_err(invalid)?)
}

/// A browser in which somebody signed in.
pub struct Session {
    text: String,
    pub user: SignedIn,
}

impl Session {
    /// What a form of this session carries: nobody else can know it, and it says nothing of the session.
    pub fn form_token(&self) -> String {
        let hash = Sha256::digest(format!("form {}", self.text));
        BASE64_STANDARD.encode(hash)
    }
}

impl Call {
    /// Who is signed in in this browser.
    pub async fn session(&mut self) -> Result<Option<Session>, Failure> {
        let cookies = self.parts.headers.get_all(COOKIE).iter();
        let cookies = cookies.filter_map(|value| value.to_str().ok());
        let name = self.cookie_name();
        let text = cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
            let (given, text) = cookie.trim().split_once('=')?;
            (given == name).then_some(text)
        });
        let Some(text) = text else { return Ok(None) };
        let user = session(self.context(), text).await?;
        Ok(user.map(|user| Session {
            text: text.to_owned(),
            user,
        }))
    }

    /// Lets the browser hold a session.
    pub fn keep_session(&self, response: &mut Response, text: &str) -> Result<(), Failure> {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let cookie = format!(
            "{}={text}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.cookie_name(),
            SESSION_LIFETIME.as_secs()
        );
        response.headers_mut().insert(SET_COOKIE, header(&cookie)?);
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

    /// Refuses a form that another site sent.
    pub fn check_own_form(&self) -> Result<(), Problem> {
        let text = |name: &HeaderName| {
            let value = self.parts.headers.get(name);
            value.map(|value| value.to_str().unwrap_or("unreadable"))
        };
        let host = text(&HOST);
        let own = match (text(&FETCH_SITE), text(&ORIGIN)) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => {
                let there = origin.split_once("://").map(|(_, host)| host);
                there.is_some() && there == host || origin == self.context().links.public_url
            }
            // No browser: nobody is led anywhere.
            (None, None) => true,
        };
        if own {
            return Ok(());
        }
        Err(ProblemCode::InvalidHeader
            .problem("the form was sent by another site; open the page here and press its button"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_the_browser_likes_best() {
        let check = |header: &str, expected: Language| {
            assert_eq!(Language::best(header), expected, "{header}");
        };
        check("", Language::Spanish);
        check("de-DE, fr", Language::Spanish);
        check("en-US,en;q=0.9", Language::English);
        check("es-AR,es;q=0.9,en;q=0.8", Language::Spanish);
        check("fr, en;q=0.3, es;q=0.7", Language::Spanish);
        check("es;q=0.2, EN", Language::English);
        check("en;q=0", Language::Spanish);
    }
}
