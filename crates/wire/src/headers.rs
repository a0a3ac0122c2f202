//! Names of the headers that Heraldo sends and reads, and which headers a webhook may add.

use crate::api::WebhookHeaders;

/// Lower-case hex HMAC of the body (contract 4.1).
pub const AUTOINSPECTOR_SIGNATURE: &str = "autoinspector-signature";
/// The number of the attempt, from 1 (contract 8).
pub const AUTOINSPECTOR_ATTEMPT: &str = "autoinspector-attempt";
/// The event's number within its inspection, from 1 (contract 8.2).
pub const AUTOINSPECTOR_SEQUENCE: &str = "autoinspector-sequence";
/// `true` on test events (contract 8.2).
pub const AUTOINSPECTOR_TEST: &str = "autoinspector-test";
/// The event's id: the same on every attempt (contract 8.2).
pub const WEBHOOK_ID: &str = "webhook-id";
/// The attempt's time, in whole seconds since the epoch (contract 8.2).
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// Standard Webhooks signatures, separated by spaces (contract 8).
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";
/// The content type of every delivery.
pub const CONTENT_TYPE_JSON: &str = "application/json";

/// The API key of a request (contract 1.1).
pub const API_KEY: &str = "x-api-key";
/// A token for one photo upload (contract 1.1).
pub const IMAGE_TOKEN: &str = "x-image-token";
/// The caller's key for a request that must be done only once (contract U14).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Names that a webhook may not set, because Heraldo or HTTP itself sets them (contract 8.2). Names that
/// start with one of [`RESERVED_PREFIXES`] are reserved too.
pub const RESERVED: [&str; 17] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Beginnings of names that a webhook may not set.
pub const RESERVED_PREFIXES: [&str; 2] = ["autoinspector-", "webhook-"];

/// Headers that a webhook may add.
pub const HEADERS_MAX: usize = 20;
/// The longest name of a header that a webhook may add, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// The longest value of a header that a webhook may add, in bytes.
pub const VALUE_BYTES_MAX: usize = 4096;

/// Why a webhook may not add a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefusal {
    #[error(
        "a header name is 1 to {NAME_BYTES_MAX} letters, digits and characters of !#$%&'*+-.^_`|~"
    )]
    Name,
    #[error("Heraldo or HTTP itself sets this header")]
    Reserved,
    #[error("a header value is at most {VALUE_BYTES_MAX} bytes of visible ASCII, spaces and tabs")]
    Value,
}

/// Why a webhook may not add these headers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersRefusal {
    #[error("there are more than {HEADERS_MAX}; send fewer")]
    TooMany,
    #[error("`{name}` cannot be set: {refusal}")]
    Header {
        /// Its beginning, if it is long.
        name: String,
        refusal: HeaderRefusal,
    },
    #[error("`{name}` is there twice, case aside; send it once")]
    Twice { name: String },
}

/// Checks all headers that a webhook wants to add to its deliveries.
///
/// # Errors
/// The first reason found; see [`check_webhook_header`].
pub fn check_webhook_headers(headers: &WebhookHeaders) -> Result<(), HeadersRefusal> {
    const SHOWN_MAX: usize = 60;
    if headers.len() > HEADERS_MAX {
        return Err(HeadersRefusal::TooMany);
    }
    for (name, value) in headers {
        if let Err(refusal) = check_webhook_header(name, value) {
            let name = name.chars().take(SHOWN_MAX).collect();
            return Err(HeadersRefusal::Header { name, refusal });
        }
        let same = |other: &&String| other.eq_ignore_ascii_case(name);
        if headers.keys().filter(same).count() > 1 {
            return Err(HeadersRefusal::Twice { name: name.clone() });
        }
    }
    Ok(())
}

/// Checks one header that a webhook wants to add to its deliveries (contract 8.2, "Webhook `headers`").
/// Names compare without case.
///
/// # Errors
/// When the name is no HTTP token or is reserved, or the value holds a control character or anything
/// beyond ASCII, or one of them is too long.
pub fn check_webhook_header(name: &str, value: &str) -> Result<(), HeaderRefusal> {
    if !is_header_name(name) {
        return Err(HeaderRefusal::Name);
    }
    if is_reserved(name) {
        return Err(HeaderRefusal::Reserved);
    }
    let is_visible = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    if value.len() > VALUE_BYTES_MAX || !value.bytes().all(is_visible) {
        return Err(HeaderRefusal::Value);
    }
    Ok(())
}

/// Whether a text can be the name of a header: a token of HTTP, not too long.
#[must_use]
pub fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_token)
}

fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED.contains(&name.as_str())
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_adds_only_headers_that_nobody_else_sets() {
        let check = |name: &str, value: &str, expected| {
            assert_eq!(check_webhook_header(name, value), expected, "{name}")
        };
        check("authorization", "Bearer abc", Ok(()));
        check("X-Team", "claims\tnorth", Ok(()));
        check("x-empty", "", Ok(()));
        check("Content-Type", "text/plain", Err(HeaderRefusal::Reserved));
        check("Webhook-Id", "1", Err(HeaderRefusal::Reserved));
        check("AUTOINSPECTOR-anything", "1", Err(HeaderRefusal::Reserved));
        check("", "1", Err(HeaderRefusal::Name));
        check("a b", "1", Err(HeaderRefusal::Name));
        check("a:b", "1", Err(HeaderRefusal::Name));
        check("x-team", "a\r\nhost: b", Err(HeaderRefusal::Value));
        check("x-team", "señal", Err(HeaderRefusal::Value));
        check(
            "x-team",
            &"a".repeat(VALUE_BYTES_MAX + 1),
            Err(HeaderRefusal::Value),
        );
        check(
            &"a".repeat(NAME_BYTES_MAX + 1),
            "1",
            Err(HeaderRefusal::Name),
        );
    }

    #[test]
    fn the_reserved_names_are_sorted_and_lower_case() {
        assert!(RESERVED.is_sorted());
        assert!(
            RESERVED
                .iter()
                .all(|name| *name == name.to_ascii_lowercase())
        );
    }
}
