//! The closed list of error codes and the one form of an error body (contract 1.1 and U1).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// Writes the list of codes: name, word on the wire, HTTP status, meaning. They are `tt`, because the
/// derive of the API description does not look into a `literal`.
macro_rules! codes {
    ($($name:ident = $code:tt, $status:tt, $meaning:tt;)+) => {
        /// Why a request was refused or could not be served.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum ProblemCode {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// One line on what it means, for the documentation.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", 400, "What was sent is no HTTP request that can be read.";
    InvalidJson = "invalid_json", 400, "The body is not valid JSON.";
    InvalidBody = "invalid_body", 400, "The body is JSON, but a field is missing or has the wrong form.";
    InvalidParameter = "invalid_parameter", 400, "A part of the path or of the query has the wrong form.";
    InvalidHeader = "invalid_header", 400, "A request header is repeated or has the wrong form.";
    InvalidUrl = "invalid_url", 400, "A URL is not one that Heraldo can call.";
    ChallengeFailed = "challenge_failed", 400, "The receiver did not echo the token that it was sent.";
    UnknownEvent = "unknown_event", 400, "The name is no event that can be used here.";
    UnknownTemplate = "unknown_template", 400, "No template of this inspection type has that id or alias.";
    UnknownInput = "unknown_input", 400, "The template has no input with that identifier.";
    InvalidInput = "invalid_input", 400, "An input's value is missing or does not hold to the template's rules.";
    InvalidImage = "invalid_image", 400, "The file is no photo that Heraldo takes.";
    MissingCredentials = "missing_credentials", 401, "The request carries no API key or token.";
    InvalidCredentials = "invalid_credentials", 401, "The API key or token is wrong or was revoked.";
    ForbiddenScope = "forbidden_scope", 403, "The API key lacks the scope that this route needs.";
    WrongAccessCode = "wrong_access_code", 403, "The access code is wrong; `attemptsLeft` says how many tries remain.";
    NotFound = "not_found", 404, "There is nothing of that id in this company, or no such route.";
    MethodNotAllowed = "method_not_allowed", 405, "The route exists, but not for this method.";
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive.";
    Conflict = "conflict", 409, "The state of the thing does not allow this.";
    LimitReached = "limit_reached", 409, "The company already has as many of these as it may have.";
    InspectionExpired = "inspection_expired", 409, "The inspection's lifetime has passed.";
    IdempotencyConflict = "idempotency_conflict", 409, "The Idempotency-Key was used before with another body.";
    IdempotencyInProgress = "idempotency_in_progress", 409, "A request with this Idempotency-Key is still being served.";
    BodyTooLarge = "body_too_large", 413, "The body is larger than the route takes.";
    TooManyEvents = "too_many_events", 413, "The array holds more events than one request may publish.";
    UriTooLong = "uri_too_long", 414, "The request's path and query are longer than the server takes.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The route does not take this content type.";
    InspectionBlocked = "inspection_blocked", 423, "The inspection is blocked; its access attempts are spent or it expired. Or it has started and takes no more access codes.";
    TooManyWrongKeys = "too_many_wrong_keys", 429, "Too many wrong API keys came from this address; wait as Retry-After says.";
    TooManyWrongCodes = "too_many_wrong_codes", 429, "Too many wrong access codes came from this address; wait as Retry-After says.";
    HeadersTooLarge = "headers_too_large", 431, "The request's headers are larger than the server takes.";
    Internal = "internal", 500, "Heraldo failed; the log holds the reason.";
    Unavailable = "unavailable", 503, "Heraldo cannot serve this now; try again.";
    StorageFull = "storage_full", 503, "The disk is full; nothing was stored.";
    Overloaded = "overloaded", 503, "Too many requests are waiting; try again.";
    ShuttingDown = "shutting_down", 503, "Heraldo is shutting down; try again.";
}

impl ProblemCode {
    /// The problem with this code; `detail` says in words what is wrong and what to change.
    #[must_use]
    pub fn problem(self, detail: impl Into<String>) -> Problem {
        Problem {
            code: self,
            detail: detail.into(),
            extra: Map::new(),
        }
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The body of every error: `{code, status, detail, message}` and, for some codes, more.
///
/// `message` repeats `detail`, because many callers print `err.message` (contract 1.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    pub code: ProblemCode,
    pub detail: String,
    /// Further keys, such as `attemptsLeft`.
    pub extra: Map<String, Value>,
}

impl Problem {
    /// The HTTP status, in the body as well.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }

    /// Adds one more key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4 + self.extra.len()))?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("status", &self.status())?;
        map.serialize_entry("detail", &self.detail)?;
        map.serialize_entry("message", &self.detail)?;
        for (key, value) in &self.extra {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut extra = Map::<String, Value>::deserialize(deserializer)?;
        let code = extra
            .shift_remove("code")
            .ok_or_else(|| D::Error::missing_field("code"))?;
        let code = serde_json::from_value(code).map_err(D::Error::custom)?;
        let detail = match extra.shift_remove("detail") {
            Some(Value::String(detail)) => detail,
            Some(_) | None => return Err(D::Error::missing_field("detail")),
        };
        extra.shift_remove("status");
        extra.shift_remove("message");
        Ok(Self {
            code,
            detail,
            extra,
        })
    }
}

/// [`Problem`] key by key, for the API description.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ProblemFields {
    code: ProblemCode,
    /// The HTTP status of the answer.
    status: u16,
    /// What is wrong and what to change.
    detail: String,
    /// The same text as `detail`.
    message: String,
}

crate::object::schema_of!(Problem, ProblemFields);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_problem_repeats_its_detail_as_message() {
        let problem = ProblemCode::WrongAccessCode
            .problem("the code is wrong")
            .with("attemptsLeft", 2);
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(
            text,
            r#"{"code":"wrong_access_code","status":403,"detail":"the code is wrong","message":"the code is wrong","attemptsLeft":2}"#
        );
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }

    #[test]
    fn codes_are_distinct_snake_case_words_with_error_statuses() {
        let mut seen = std::collections::HashSet::new();
        for code in ProblemCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert!(
                code.as_str()
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_'),
                "{code}"
            );
            assert!((400..600).contains(&code.status()), "{code}");
            assert!(code.meaning().ends_with('.'), "{code}");
            assert_eq!(
                serde_json::to_value(code).unwrap(),
                Value::from(code.as_str())
            );
        }
    }
}
