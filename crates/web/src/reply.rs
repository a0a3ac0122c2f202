//! Answers that are not problems.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use heraldo_domain::ops::Answer;
use heraldo_wire::headers::CONTENT_TYPE_JSON;
use heraldo_wire::problem::ProblemCode;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::call::Outcome;

/// Says that an answer was given before, and that nothing was done this time.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// 200 with this value.
pub fn ok<T: Serialize>(value: &T) -> Outcome {
    json(StatusCode::OK, value)
}

/// An answer in JSON.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Outcome {
    let mut body = Vec::with_capacity(512);
    serde_json::to_writer(&mut body, value).map_err(|error| {
        ProblemCode::Internal.problem(format!("cannot write the answer: {error}"))
    })?;
    Ok(bytes(status, CONTENT_TYPE_JSON, body.into()))
}

/// The answer of a use case that fixed its bytes.
pub fn answer(answer: Answer) -> Outcome {
    let status = StatusCode::from_u16(answer.status).map_err(|_| {
        ProblemCode::Internal.problem(format!("no answer has the status {}", answer.status))
    })?;
    let mut response = bytes(status, CONTENT_TYPE_JSON, answer.body);
    if answer.replayed {
        let headers = response.headers_mut();
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// An answer of any content type.
pub fn bytes(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
