//! The pages that people open in a browser. They change nothing, ask nobody else for anything, and run no
//! script: programs that preview links must not start an inspection (contract 8.2, "`/access`").

pub mod detail;

use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::call::Outcome;
use crate::reply;

const HTML: &str = "text/html; charset=utf-8";
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

fn page(html: &'static str) -> Response {
    let mut response = reply::bytes(StatusCode::OK, HTML, Bytes::from_static(html.as_bytes()));
    guard(response.headers_mut());
    response
}

/// The headers of every page; a page that shows more than text changes the policy.
fn guard(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // The address holds an access code or a token: nobody else is to learn it.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex, nofollow"));
}

pub mod consumer {
    //! The page behind the magic link.

    use super::{Outcome, page};
    use crate::call::Call;

    /// The page behind the magic link
    ///
    /// Opening it changes nothing. Entering the code and taking photos come with a later version.
    #[utoipa::path(
        get,
        path = "/inspection/{id}",
        operation_id = "consumerPage",
        tag = "pages",
        params(
            ("id" = String, Path, description = "The inspection"),
            ("accessCode" = Option<String>, Query, description = "The code of the magic link"),
        ),
        responses((status = 200, description = "A page in Spanish and English", content_type = "text/html", body = String)),
    )]
    pub async fn handle(_call: &mut Call) -> Outcome {
        Ok(page(include_str!("pages/consumer.html")))
    }
}
