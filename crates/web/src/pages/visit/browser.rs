//! What a browser brings along: its cookies, its language, and whether a form came from our own page.

use heraldo_wire::id::InspectionId;
use http::header::{ACCEPT_LANGUAGE, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use url::Url;

use super::words::Language;
use crate::call::Call;

const SESSION: &str = "heraldo_visit";
const LANGUAGE: &str = "heraldo_lang";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The choice of a language is kept for a year.
const LANGUAGE_LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// The path that the public URL puts before ours, without a slash at its end.
pub fn prefix(public_url: &str) -> String {
    let path = Url::parse(public_url).map(|url| url.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}

/// The text that lets this browser in.
pub fn session(call: &Call) -> Option<&str> {
    cookie(&call.parts.headers, SESSION)
}

/// Lets this browser in to one inspection alone: the cookie goes nowhere but to its pages.
pub fn session_cookie(
    public_url: &str,
    id: InspectionId,
    session: &str,
    lifetime: Duration,
) -> Option<HeaderValue> {
    let path = format!("{}/inspection/{id}", prefix(public_url));
    // The link comes by mail or message, so that a visit starts on another site: `Strict` would ask for the
    // code again each time.
    let cookie = format!(
        "{SESSION}={session}; Path={path}; Max-Age={}; HttpOnly; SameSite=Lax{}",
        lifetime.as_secs(),
        secure(public_url)
    );
    HeaderValue::from_str(&cookie).ok()
}

pub fn language_cookie(public_url: &str, language: Language) -> Option<HeaderValue> {
    let cookie = format!(
        "{LANGUAGE}={}; Path={}/inspection; Max-Age={}; HttpOnly; SameSite=Lax{}",
        language.code(),
        prefix(public_url),
        LANGUAGE_LIFETIME.as_secs(),
        secure(public_url)
    );
    HeaderValue::from_str(&cookie).ok()
}

fn secure(public_url: &str) -> &'static str {
    if public_url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    }
}

/// The language that the person chose, else that of the inspection, else the browser's, else Spanish.
pub fn language(call: &Call, chosen: Option<&str>, locale: Option<&str>) -> Language {
    let headers = &call.parts.headers;
    let accepted = headers.get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or("");
    // In practice they stand in the order of preference.
    let accepted = accepted.split(',').find_map(Language::of);
    chosen
        .and_then(Language::of)
        .or_else(|| cookie(headers, LANGUAGE).and_then(Language::of))
        .or_else(|| locale.and_then(Language::of))
        .or(accepted)
        .unwrap_or(Language::Spanish)
}

/// Whether a form came from a page of ours, as far as the browser says: forms of other sites are refused
/// even where cookies would not have been enough.
pub fn is_own_form(call: &Call) -> bool {
    let headers = &call.parts.headers;
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else {
        return false;
    };
    let public = Url::parse(&call.context().links.public_url);
    if public.is_ok_and(|public| public.origin() == origin.origin()) {
        return true;
    }
    // Reached by another name than the public one.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| call.parts.uri.authority().map(|host| host.as_str()));
    let named = |scheme: &str| {
        let url = Url::parse(&format!("{scheme}://{}", host.unwrap_or_default()));
        url.is_ok_and(|url| url.origin() == origin.origin())
    };
    named("http") || named("https")
}
