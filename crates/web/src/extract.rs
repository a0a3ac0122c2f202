//! Reads what a request carries: its body, its query, its id, its idempotency key.
//!
//! Handlers ask for these in the order that the caller should learn of mistakes: key, then id, then body.

use std::str::FromStr;

use axum::extract::{FromRequestParts as _, RawPathParams};
use bytes::Bytes;
use heraldo_domain::account::Caller;
use heraldo_domain::change::IdempotencyKey;
use heraldo_domain::ops::{Once, not_found};
use heraldo_domain::query::Page;
use heraldo_wire::api::{CursorPage, LIMIT_DEFAULT, LIMIT_MAX};
use heraldo_wire::complaint::complaint;
use heraldo_wire::headers::IDEMPOTENCY_KEY;
use heraldo_wire::problem::{Problem, ProblemCode};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use crate::call::Call;
use crate::problem::Failure;

const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// What a body claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    Json,
    Multipart,
    /// No content type, or a form's: some clients send it with an empty body (contract 1.1).
    Unsaid,
}

impl Call {
    /// The id in the path. Malformed ids are as unknown as unknown ones (contract 8.2, "Ids").
    pub async fn id<T: FromStr>(&mut self) -> Result<T, Failure> {
        let params = RawPathParams::from_request_parts(&mut self.parts, &()).await;
        let params = params.map_err(|_| not_found())?;
        let id = params.iter().next().and_then(|(_, text)| text.parse().ok());
        Ok(id.ok_or_else(not_found)?)
    }

    /// The two ids in the path, like [`Call::id`].
    pub async fn ids<A: FromStr, B: FromStr>(&mut self) -> Result<(A, B), Failure> {
        let params = RawPathParams::from_request_parts(&mut self.parts, &()).await;
        let params = params.map_err(|_| not_found())?;
        let mut texts = params.iter().map(|(_, text)| text);
        let first = texts.next().and_then(|text| text.parse().ok());
        let second = texts.next().and_then(|text| text.parse().ok());
        Ok(first.zip(second).ok_or_else(not_found)?)
    }

    /// The query. Parameters without a value count as not sent.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let given = self.parts.uri.query().unwrap_or_default();
        let said: Vec<&str> = given
            .split('&')
            .filter(|pair| {
                pair.split_once('=')
                    .is_some_and(|(_, value)| !value.is_empty())
            })
            .collect();
        let said = said.join("&");
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(said.as_bytes()));
        Ok(serde_path_to_error::deserialize(pairs).map_err(|error| {
            let name = error.path().to_string();
            ProblemCode::InvalidParameter.problem(complaint(
                "the query",
                &name,
                &error.into_inner().to_string(),
            ))
        })?)
    }

    /// The body as JSON. An empty one is `{}`.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let bytes = self.json_bytes(self.state.config.body_bytes_max).await?;
        Ok(parse(&bytes)?)
    }

    /// The bytes of a JSON body of at most `bytes_max`; `{}` when it is empty.
    pub async fn json_bytes(&mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        let media_type = self.media_type()?;
        // As some clients send it, an empty body may claim to be anything (contract 1.1).
        if self.body.is_end_stream() {
            return Ok(Bytes::from_static(b"{}"));
        }
        if media_type == MediaType::Multipart {
            return Err(unsupported("this route takes `application/json` only").into());
        }
        let bytes = self.bytes(bytes_max).await?;
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        match (blank, media_type) {
            (true, _) => Ok(Bytes::from_static(b"{}")),
            (false, MediaType::Unsaid) if self.parts.headers.contains_key(CONTENT_TYPE) => {
                Err(unsupported("send the header `content-type: application/json`").into())
            }
            (false, MediaType::Unsaid | MediaType::Json | MediaType::Multipart) => Ok(bytes),
        }
    }

    /// What the body claims to be.
    pub fn media_type(&self) -> Result<MediaType, Failure> {
        let headers = &self.parts.headers;
        let encoded = headers.get(CONTENT_ENCODING);
        if encoded.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(
                unsupported("send the body uncompressed, without `content-encoding`").into(),
            );
        }
        let mut given = headers.get_all(CONTENT_TYPE).iter();
        let (Some(first), rest) = (given.next(), given.next()) else {
            return Ok(MediaType::Unsaid);
        };
        if rest.is_some() {
            return Err(ProblemCode::InvalidHeader
                .problem("two `content-type` headers were sent; send one")
                .into());
        }
        let essence = first.as_bytes().split(|byte| *byte == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        let is = |known: &str| essence.eq_ignore_ascii_case(known.as_bytes());
        if is("application/json") {
            Ok(MediaType::Json)
        } else if is("multipart/form-data") {
            Ok(MediaType::Multipart)
        } else if is("application/x-www-form-urlencoded") {
            Ok(MediaType::Unsaid)
        } else if self.body.is_end_stream() {
            // A type for a body that is not there says nothing.
            Ok(MediaType::Unsaid)
        } else {
            Err(unsupported("send the header `content-type: application/json`").into())
        }
    }

    /// The fields of a form in a browser that holds a few words.
    pub async fn fields(&mut self) -> Result<Vec<(String, String)>, Failure> {
        self.fields_within(self.state.config.header_bytes_max).await
    }

    /// The fields of a form in a browser of at most `bytes_max`.
    pub async fn fields_within(
        &mut self,
        bytes_max: usize,
    ) -> Result<Vec<(String, String)>, Failure> {
        if self.media_type()? != MediaType::Unsaid {
            let form = "this route takes `application/x-www-form-urlencoded` only";
            return Err(unsupported(form).into());
        }
        let bytes = self.bytes(bytes_max).await?;
        Ok(form_urlencoded::parse(&bytes).into_owned().collect())
    }

    /// The whole body, when it is no larger than `bytes_max` and comes in time.
    async fn bytes(&mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        if self.body.is_end_stream() {
            return Ok(Bytes::new());
        }
        if self.body.size_hint().lower() > bytes_max as u64 {
            return Err(too_large(bytes_max).into());
        }
        // Only lent, so that the rest of a body that is too large can still be read and dropped.
        let whole = Limited::new(&mut self.body, bytes_max).collect();
        match tokio::time::timeout(self.state.config.body_timeout, whole).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(bytes_max).into()),
            Ok(Err(_)) => Err(broken_off().into()),
            Err(_) => Err(too_late().into()),
        }
    }

    /// The `Idempotency-Key`, if there is one (contract U14).
    pub fn idempotency_key(&self) -> Result<Option<String>, Failure> {
        let mut given = self.parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = given.next() else {
            return Ok(None);
        };
        let visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
        let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
        match key.to_str() {
            Ok(key) if visible && fits && given.next().is_none() => Ok(Some(key.to_owned())),
            Ok(_) | Err(_) => Err(ProblemCode::InvalidHeader
                .problem(format!(
                    "send one `Idempotency-Key` of 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters"
                ))
                .into()),
        }
    }
}

/// Names a request by its key and its content, when it has a key. `route` is the method and the route;
/// what its path names further belongs to `content`.
pub fn once<'a>(
    caller: &Caller,
    route: &'static str,
    key: Option<String>,
    content: impl IntoIterator<Item = &'a [u8]>,
) -> Option<Once> {
    let key = key?;
    let mut hash = Sha256::new();
    // What a user does is another request than what a colleague or a key does.
    if let Some(user) = caller.user() {
        hash.update(user.0.as_bytes());
    }
    for piece in content {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
    Some(Once {
        key: IdempotencyKey {
            company_id: caller.company_id,
            route,
            key,
        },
        request_hash: hash.finalize().into(),
    })
}

/// Reads a JSON object. Unknown keys are ignored, and of a key that comes twice the last one counts.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        ProblemCode::InvalidJson.problem(format!(
            "the body is not UTF-8 text: the byte at {} is wrong",
            error.valid_up_to()
        ))
    })?;
    if !text.trim_start().starts_with('{') {
        return Err(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => ProblemCode::InvalidBody
                .problem("the body must be a JSON object, like {\"key\": …}"),
            Err(error) => malformed(&error),
        });
    }
    serde_json::from_str(text).or_else(|_| parse_carefully(text))
}

/// Reads once more what could not be read straight away: this way is slower, but it lets a repeated key
/// pass and knows the name of the field that is wrong.
fn parse_carefully<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let name = error.path().to_string();
        ProblemCode::InvalidBody.problem(complaint(
            "the body",
            &name,
            &error.into_inner().to_string(),
        ))
    })
}

fn malformed(error: &serde_json::Error) -> Problem {
    ProblemCode::InvalidJson.problem(format!("the body is not valid JSON: {error}"))
}

pub fn unsupported(advice: &str) -> Problem {
    ProblemCode::UnsupportedMediaType.problem(advice)
}

pub fn too_large(bytes_max: usize) -> Problem {
    ProblemCode::BodyTooLarge.problem(format!(
        "the body is larger than {bytes_max} bytes; send less"
    ))
}

pub fn broken_off() -> Problem {
    ProblemCode::InvalidBody.problem("the body broke off before its end; send it again")
}

pub fn too_late() -> Problem {
    ProblemCode::RequestTimeout.problem("the body took too long to arrive; send it again")
}

/// The rows of one page; 10 when the query does not say.
pub fn limit(given: Option<u32>) -> Result<u32, Failure> {
    match given.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        _ => Err(ProblemCode::InvalidParameter
            .problem(format!("`limit` lies between 1 and {LIMIT_MAX}"))
            .into()),
    }
}

/// Asks for one row more than fits, to learn whether there is a next page.
pub fn page<C: FromStr>(given: Option<u32>, cursor: Option<&str>) -> Result<Page<C>, Failure> {
    let before = cursor.map(str::parse).transpose().map_err(|_| {
        ProblemCode::InvalidParameter
            .problem("`cursor` is none; send the `nextCursor` of the page before, unchanged")
    })?;
    Ok(Page {
        limit: limit(given)? + 1,
        before,
    })
}

/// The answer to [`page`]: without the row too many, whose presence says that there is a next page.
pub fn cursor_page<R, T, C: ToString>(
    mut rows: Vec<R>,
    page: &Page<C>,
    id: impl Fn(&R) -> C,
    show: impl Fn(R) -> T,
) -> CursorPage<T> {
    let fit = page.limit.saturating_sub(1) as usize;
    let more = rows.len() > fit;
    rows.truncate(fit);
    let last = rows.last().filter(|_| more);
    CursorPage {
        next_cursor: last.map(|row| id(row).to_string()),
        data: rows.into_iter().map(show).collect(),
    }
}
