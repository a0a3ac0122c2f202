//! The only place that maps a problem to a status and writes an error answer (contract 1.1, U1).

use axum::response::Response;
use heraldo_wire::headers::CONTENT_TYPE_JSON;
use heraldo_wire::problem::{Problem, ProblemCode};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::WebConfig;
use crate::limits::TooMany;

/// Callers of an overloaded server come back after a second, of one that is down after five.
const OVERLOADED_RETRY_AFTER_S: u64 = 1;
const UNAVAILABLE_RETRY_AFTER_S: u64 = 5;

/// A request that was not served: what is answered, and when to come back.
#[derive(Debug)]
pub struct Failure {
    pub problem: Problem,
    retry_after_s: Option<u64>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let retry_after_s = match problem.code {
            ProblemCode::Overloaded => Some(OVERLOADED_RETRY_AFTER_S),
            code if code.status() == StatusCode::SERVICE_UNAVAILABLE.as_u16() => {
                Some(UNAVAILABLE_RETRY_AFTER_S)
            }
            _ => None,
        };
        Self {
            problem,
            retry_after_s,
        }
    }
}

impl Failure {
    /// A problem that ends with time.
    pub fn too_many(code: ProblemCode, what: &str, too_many: TooMany) -> Self {
        let TooMany { retry_after_s } = too_many;
        let detail =
            format!("too many wrong {what} came from this address; try again in {retry_after_s} s");
        Self {
            problem: code.problem(detail),
            retry_after_s: Some(retry_after_s),
        }
    }

    /// When to come back, if that helps.
    pub const fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The answer. Always a JSON object, because the Node SDK rejects with the body itself.
    pub fn into_response(self) -> Response {
        let code = self.problem.code;
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() =
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_JSON));
        self.say_when_to_return(headers);
        response
    }

    /// Adds `Retry-After` where it helps to come back.
    pub fn say_when_to_return(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

/// What a panic is to the caller: the log holds the rest.
pub fn panicked() -> Failure {
    ProblemCode::Internal
        .problem("Heraldo failed while serving this; the server's log says more")
        .into()
}

/// A request that was not answered in time.
pub fn too_slow() -> Failure {
    ProblemCode::Unavailable
        .problem(
            "the request was not served in time; look whether it was carried out, then try again",
        )
        .into()
}

/// The path and the query alone are larger than a head may be.
pub fn uri_too_long(config: &WebConfig) -> Problem {
    ProblemCode::UriTooLong.problem(format!(
        "path and query are longer than {} bytes; send fewer filters, or what is long in the body",
        config.header_bytes_max
    ))
}

/// The request's head is larger than the server takes.
pub fn headers_too_large(config: &WebConfig) -> Problem {
    ProblemCode::HeadersTooLarge.problem(format!(
        "send at most {} headers, and at most {} bytes of path, query and headers together",
        config.header_count_max, config.header_bytes_max
    ))
}

/// No route has this path.
pub fn no_route() -> Failure {
    ProblemCode::NotFound
        .problem("there is no such route; `GET /openapi.json` lists them all")
        .into()
}

/// The route has no such method; the router adds `Allow`.
pub fn no_method() -> Failure {
    ProblemCode::MethodNotAllowed
        .problem(format!(
            "the route exists, but not for this method; the `{ALLOW}` header lists those it takes"
        ))
        .into()
}
