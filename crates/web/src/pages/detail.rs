//! The detail page of an inspection, behind a link that opens it for a time.

use std::sync::LazyLock;

use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use heraldo_domain::ops::detail::{Detail, open_detail};
use heraldo_domain::ops::not_found;
use heraldo_domain::sheet::{Language, html};
use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, VARY};
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use super::{HTML, NO_REFERRER, guard};
use crate::call::{Call, Outcome};
use crate::reply;

const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'");
/// Nothing runs, nothing comes from elsewhere, and no style but the one of the page counts.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(html::STYLE));
    format!(
        "default-src 'none'; img-src 'self'; style-src 'sha256-{style}'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
});

/// The detail page behind a presigned link
///
/// Shows the inspection as it is now: result, dates, people, inputs, photos and every validation. In Spanish or
/// English, as the browser likes; a link whose time is over gets 410, one that was not made here 404.
#[utoipa::path(
    get,
    path = "/detail/{token}",
    operation_id = "detailPage",
    tag = "pages",
    params(("token" = String, Path, description = "The `accessToken` of the link")),
    responses(
        (status = 200, description = "A page", content_type = "text/html", body = String),
        (status = 404, description = "A page that says that the link opens nothing", content_type = "text/html", body = String),
        (status = 410, description = "A page that says that the link has expired", content_type = "text/html", body = String),
    ),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let params = RawPathParams::from_request_parts(&mut call.parts, &()).await;
    let params = params.map_err(|_| not_found())?;
    let token = params.iter().next().map(|(_, token)| token.to_owned());
    let accepted = call.parts.headers.get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let language = Language::accepted(accepted.unwrap_or_default());
    let detail = open_detail(call.context(), &token.unwrap_or_default(), language).await?;
    let (status, html) = match detail {
        Detail::Page(html) => (StatusCode::OK, html),
        Detail::Expired => (
            StatusCode::GONE,
            html::sentence(
                language,
                language.say("El enlace venció", "The link has expired"),
                language.say(
                    "Pida uno nuevo a quien se lo envió.",
                    "Ask whoever sent it to you for a new one.",
                ),
            ),
        ),
        Detail::Unknown => (
            StatusCode::NOT_FOUND,
            html::sentence(
                language,
                language.say("El enlace no abre nada", "The link opens nothing"),
                language.say(
                    "Ábralo entero, como lo recibió, o pida uno nuevo a quien se lo envió.",
                    "Open it whole, as you got it, or ask whoever sent it to you for a new one.",
                ),
            ),
        ),
    };
    Ok(page(status, html, language))
}

fn page(status: StatusCode, html: String, language: Language) -> Response {
    let mut response = reply::bytes(status, HTML, html.into());
    let headers = response.headers_mut();
    // Base64 and the words around it are always a valid header.
    let policy = HeaderValue::from_str(&POLICY).unwrap_or(NOTHING);
    guard(headers, policy, NO_REFERRER);
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    response
}
