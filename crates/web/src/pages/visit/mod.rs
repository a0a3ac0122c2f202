//! The page behind the magic link (contract 8.2 "`/access`"): the consumer enters the code, takes the
//! photos, answers the template's questions and finishes.
//!
//! Forms and links do everything; the script adds progress, retries and what only a script can ask. Opening
//! it changes nothing: programs that preview links must not start an inspection.

mod browser;
mod sides;
mod view;
mod words;

pub mod answer;
pub mod enter;
pub mod finish;
pub mod photo;
pub mod show;

use axum::response::Response;
use bytes::Bytes;
use heraldo_domain::inspection::{Inspection, State};
use heraldo_domain::ops::visits::{Visited, is_visitor, visited};
use heraldo_domain::sheet::Language;
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::BlockedReason;
use heraldo_wire::problem::ProblemCode;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use crate::call::Call;
use crate::pages::page;
use crate::problem::Failure;
use crate::reply;
use view::{Code, Frame, Look, Message, Page, Refusal};
use words::Words;

/// Fields of inputs are named by this and the identifier.
const INPUT: &str = "input.";
/// Fields that take a file back are named by this and the identifier.
const CLEAR: &str = "clear.";
/// Our own pages are told the address, so that they can be told from others; nobody else is.
const REFERRER: HeaderValue = HeaderValue::from_static("same-origin");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// What the address of the page may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(rename = "accessCode")]
    access_code: Option<String>,
    lang: Option<String>,
    view: Option<View>,
}

/// A page of the visit beside the photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    Confirm,
    Finished,
    Saved,
}

/// A request to the visit of one inspection.
struct Visit {
    id: InspectionId,
    visited: Visited,
    /// The browser has entered the code.
    is_open: bool,
    language: Language,
    asked: Asked,
}

impl Visit {
    /// What a request asks for; an answer when it asks for an inspection that is not there.
    async fn of(call: &mut Call) -> Result<Self, Response> {
        let asked: Asked = call.query().unwrap_or_default();
        let found = match call.id().await {
            Ok(id) => visited(call.context(), id).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match found {
            Ok(visited) => {
                let id = visited.inspection.id;
                let session = browser::session(call);
                Ok(Self {
                    is_open: session.is_some_and(|session| is_visitor(call.context(), id, session)),
                    language: browser::language(
                        call,
                        asked.lang.as_deref(),
                        Some(&visited.inspection.locale),
                    ),
                    id,
                    visited,
                    asked,
                })
            }
            Err(failure) => {
                let language = browser::language(call, asked.lang.as_deref(), None);
                let words = Words::of(language);
                let (title, text) = match failure.problem.code {
                    ProblemCode::NotFound => (words.unknown_title, words.unknown),
                    _ => (words.problem, words.busy),
                };
                call.note(&failure).await;
                let base = call.parts.uri.path().to_owned();
                let message = Message {
                    frame: frame(call, language, base),
                    title,
                    text,
                    link: None,
                };
                Err(render_failure(&failure, &message))
            }
        }
    }

    fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    fn frame(&self, call: &Call) -> Frame {
        let prefix = browser::prefix(&call.context().links.public_url);
        let base = format!("{prefix}/inspection/{}", self.id);
        let mut frame = frame(call, self.language, base);
        if let Some(code) = &self.asked.access_code {
            let code: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();
            frame.other.push_str(&format!("&accessCode={code}"));
        }
        frame
    }

    fn look<'a>(&'a self, call: &'a Call) -> Look<'a> {
        Look {
            context: call.context(),
            language: self.language,
            now: call.now(),
            visited: &self.visited,
        }
    }

    /// The code form.
    fn code_form(&self, call: &Call, error: Option<String>) -> Code {
        let words = self.words();
        let given = self.asked.access_code.as_deref().unwrap_or_default();
        let code: String = given.chars().filter(char::is_ascii_digit).take(8).collect();
        Code {
            frame: self.frame(call),
            intro: match (&self.visited.inspection.state, code.is_empty()) {
                (State::Started { .. }, _) => words.code_again,
                (_, true) => words.code_intro,
                (_, false) => words.code_filled,
            },
            code,
            error,
        }
    }

    fn message(&self, call: &Call, title: &'static str, text: &'static str) -> Message {
        Message {
            frame: self.frame(call),
            title,
            text,
            link: None,
        }
    }

    fn takes_photos(&self) -> bool {
        matches!(self.visited.inspection.state, State::Started { .. })
    }

    /// What is said of an inspection that takes nothing any more.
    fn over(&self, call: &Call) -> Option<Message> {
        let words = self.words();
        let inspection = &self.visited.inspection;
        let (title, text) = match &inspection.state {
            _ if inspection.has_lapsed(call.now()) => (words.expired_title, words.expired),
            State::Created { .. } | State::Started { .. } => return None,
            State::Blocked { reason, .. } => match reason {
                BlockedReason::MaxAttempts => (words.blocked_title, words.blocked),
                BlockedReason::Expired => (words.expired_title, words.expired),
            },
            _ if inspection.has_expired() => (words.expired_title, words.expired),
            State::Processing { .. } | State::Completed { .. } => (words.ended_title, words.ended),
        };
        Some(self.message(call, title, text))
    }

    /// The page of the photos, with what was refused.
    fn photos(&self, call: &Call, failure: &Failure, refusal: Refusal) -> Response {
        let photos = self
            .look(call)
            .photos(self.frame(call), Some(refusal), false);
        render_failure(failure, &photos)
    }

    /// What is answered to a form that is not ours, or comes before the code or after the end.
    fn turned_away(&self, call: &Call) -> Option<Response> {
        if call.check_own_form().is_err() {
            return Some(self.refuse_origin(call));
        }
        if !self.is_open || !self.takes_photos() {
            // The page itself says what is possible now.
            return Some(self.back(call, ""));
        }
        None
    }

    fn refuse_origin(&self, call: &Call) -> Response {
        let words = self.words();
        let message = self.message(call, words.problem, words.other_site);
        render(StatusCode::FORBIDDEN, &message)
    }

    /// Sends the browser to a page of the visit.
    fn back(&self, call: &Call, more: &str) -> Response {
        let prefix = browser::prefix(&call.context().links.public_url);
        let mut response = reply::bytes(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
        let to = format!("{prefix}/inspection/{}{more}", self.id);
        if let Ok(to) = HeaderValue::from_str(&to) {
            response.headers_mut().insert(LOCATION, to);
        }
        response
    }
}

/// Where the company wants the consumer to go on to (contract 5.6).
fn callback(inspection: &Inspection) -> Option<String> {
    let mut url = url::Url::parse(inspection.callback_url.as_ref()?).ok()?;
    let id = inspection.id.to_string();
    url.query_pairs_mut().append_pair("inspectionId", &id);
    Some(url.into())
}

fn frame(call: &Call, language: Language, base: String) -> Frame {
    let context = call.context();
    let mut nonce = [0; 16];
    context.entropy.fill(&mut nonce);
    Frame {
        words: Words::of(language),
        language,
        other: format!("{base}?lang={}", language.other().tag()),
        prefix: browser::prefix(&context.links.public_url),
        base,
        nonce: nonce.iter().map(|byte| format!("{byte:02x}")).collect(),
        onward: None,
    }
}

fn render(status: StatusCode, view: &impl Page) -> Response {
    let nonce = &view.frame().nonce;
    // Writing to memory fails for want of memory alone, which ends the process.
    let html = view.render().unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' blob: data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy =
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let mut response = page(status, html.into(), policy, REFERRER);
    response.headers_mut().insert(
        PERMISSIONS,
        HeaderValue::from_static("geolocation=(self), camera=(self), microphone=()"),
    );
    response
}

fn render_failure(failure: &Failure, view: &impl Page) -> Response {
    let status = StatusCode::from_u16(failure.problem.status());
    let mut response = render(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), view);
    if let Some(seconds) = failure.retry_after_s() {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What a refusal is in words for the consumer.
fn plainly(words: &Words, failure: &Failure) -> &'static str {
    match failure.problem.code {
        ProblemCode::InvalidImage => words.bad_image,
        ProblemCode::BodyTooLarge => words.too_large,
        ProblemCode::LimitReached => words.too_many,
        ProblemCode::InvalidInput | ProblemCode::UnknownInput => words.bad_answer,
        ProblemCode::InvalidBody | ProblemCode::RequestTimeout => words.cut_off,
        ProblemCode::InspectionExpired => words.expired,
        ProblemCode::InspectionBlocked => words.blocked,
        ProblemCode::TooManyWrongCodes => words.code_wait,
        ProblemCode::Conflict => words.ended,
        _ => words.busy,
    }
}
