//! The pages that people open in a browser. Opening one changes nothing, and none asks anybody else for
//! anything.

pub mod asset;
pub mod visit;

pub mod detail;

use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::reply;

const HTML: &str = "text/html; charset=utf-8";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// A page with the headers that every page has. `policy` says what it may load and where its forms go;
/// `referrer` says who is told its address, which may hold an access code or a token.
fn page(status: StatusCode, html: Bytes, policy: HeaderValue, referrer: HeaderValue) -> Response {
    let mut response = reply::bytes(status, HTML, html);
    guard(response.headers_mut(), policy, referrer);
    response
}

fn guard(headers: &mut HeaderMap, policy: HeaderValue, referrer: HeaderValue) {
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, referrer);
    headers.insert(ROBOTS, HeaderValue::from_static("noindex, nofollow"));
}
