//! `GET /files/:name`: whoever has the address may fetch the file until its time is over.

use axum::extract::{FromRequestParts as _, RawPathParams};
use heraldo_domain::ops::files::{PDF, Served, serve_file};
use heraldo_domain::ops::not_found;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::call::{Call, Outcome};
use crate::reply;

/// The photos of a report stand in it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox",
);

/// Fetches a photo or document
///
/// The address comes from `src` and the like; it needs no key and stops working after a time. Photos come
/// without the place where they were taken.
#[utoipa::path(
    get,
    path = "/files/{name}",
    operation_id = "retrieveFile",
    tag = "files",
    params(("name" = String, Path, description = "The signed name")),
    responses((status = 200, description = "The file", content((String = "image/jpeg"), (String = "application/pdf"), (String = "text/html"), (String = "application/octet-stream")))),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let params = RawPathParams::from_request_parts(&mut call.parts, &()).await;
    let params = params.map_err(|_| not_found())?;
    let name = params.iter().next().map(|(_, name)| name.to_owned());
    let Served {
        bytes,
        media_type,
        filename,
    } = serve_file(call.context(), &name.unwrap_or_default()).await?;
    let mut response = reply::bytes(StatusCode::OK, "application/octet-stream", bytes);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&media_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    // What somebody else wrote is never run here. Browsers show no PDF in a sandbox: a report's, which
    // holds nothing that runs, goes without; one that was given as an input's value is kept, not shown.
    if media_type != PDF || filename.is_some() {
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    }
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=3600"),
    );
    if let Some(filename) = filename
        && let Ok(value) = HeaderValue::from_str(&attachment(&filename))
    {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// The header that makes a browser keep a file under this name, whatever characters it has (RFC 6266).
fn attachment(filename: &str) -> String {
    let mut header = "attachment; filename*=UTF-8''".to_owned();
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            header.push(char::from(byte));
        } else {
            header.push_str(&format!("%{byte:02X}"));
        }
    }
    header
}
