//! What a browser brings along to a visit: its cookies and its language.

use heraldo_domain::sheet::Language;
use heraldo_wire::id::InspectionId;
use http::HeaderValue;
use std::time::Duration;
use url::Url;

use crate::call::Call;

const SESSION: &str = "heraldo_visit";
const LANGUAGE: &str = "heraldo_lang";
/// The choice of a language is kept for a year.
const LANGUAGE_LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// The path that the public URL puts before ours, without a slash at its end.
pub fn prefix(public_url: &str) -> String {
    let path = Url::parse(public_url).map(|url| url.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

/// The text that lets this browser in.
pub fn session(call: &Call) -> Option<&str> {
    call.cookie(SESSION)
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
        language.tag(),
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

/// The language that the person chose, else that of the inspection, else the one that the browser likes best.
pub fn language(call: &Call, chosen: Option<&str>, locale: Option<&str>) -> Language {
    chosen
        .and_then(Language::of_tag)
        .or_else(|| call.cookie(LANGUAGE).and_then(Language::of_tag))
        .or_else(|| locale.and_then(Language::of_tag))
        .unwrap_or_else(|| Language::accepted(call.accepted_languages()))
}
