//! What a browser shows instead of the page that it asked for: why there is none, and a way on.

use askama::Template;
use axum::response::Response;
use heraldo_wire::problem::{Problem, ProblemCode};
use http::StatusCode;
use http::header::ACCEPT;

use crate::browser::{Forms, page};
use crate::call::{Call, Outcome};
use crate::frame::{Frame, language};
use crate::problem::Failure;
use crate::words::Words;

/// The pages of people who sign in, each with everything below it.
const PEOPLES: [&str; 5] = [
    "/dashboard",
    "/signin",
    "/invitation",
    "/preferences",
    "/oauth/connect",
];

#[derive(Template)]
#[template(path = "dashboard/problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    /// What the use case said, in English.
    detail: Option<&'a str>,
    /// Whoever followed a link of a consumer has no overview to go back to.
    leads_home: bool,
}

/// Whether somebody in front of a browser asks, and no program: programs get JSON, and below `/v1` everybody
/// does (contract 1.1).
pub fn is_wanted(call: &Call) -> bool {
    let accepted = call.parts.headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    !call.parts.uri.path().starts_with("/v1/") && accepted.any(|value| value.contains("text/html"))
}

/// The answer to a request that was not served, in the form that its sender reads.
pub fn answer(call: &Call, failure: Failure) -> Response {
    let is_of_people = is_of_people(call);
    let is_unknown = matches!(
        failure.problem.code,
        ProblemCode::NotFound | ProblemCode::MethodNotAllowed
    );
    if !is_wanted(call) || !(is_of_people || is_unknown) {
        return failure.into_response();
    }
    failed(call, &failure).unwrap_or_else(|_| failure.into_response())
}

fn is_of_people(call: &Call) -> bool {
    let path = call.parts.uri.path();
    PEOPLES.iter().any(|page| {
        let below = path.strip_prefix(page);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}

fn problem_page(
    call: &Call,
    status: StatusCode,
    title: &str,
    text: &str,
    detail: Option<&str>,
) -> Outcome {
    let template = ProblemPage {
        frame: Frame {
            viewer: call.viewer.clone(),
            ..Frame::of(call)
        },
        title,
        text,
        detail,
        leads_home: call.viewer.is_some() || is_of_people(call),
    };
    page(status, &template, &Forms::Here)
}

/// The viewer's role is too low.
pub fn forbidden(call: &Call) -> Outcome {
    let t = Words(language(call));
    let (title, text) = (t.forbidden_title(), t.forbidden_text());
    problem_page(call, StatusCode::FORBIDDEN, title, text, None)
}

/// The form is not one of this session.
pub fn form_refused(call: &Call) -> Outcome {
    let t = Words(language(call));
    let (title, text) = (t.form_refused_title(), t.form_refused_text());
    problem_page(call, StatusCode::FORBIDDEN, title, text, None)
}

/// Everything else that a page was not served for.
pub fn failed(call: &Call, failure: &Failure) -> Outcome {
    let t = Words(language(call));
    let Problem { code, detail, .. } = &failure.problem;
    let (title, text) = match *code {
        ProblemCode::NotFound => (t.not_found_title(), t.not_found_text()),
        ProblemCode::MethodNotAllowed => (t.not_opened_title(), t.not_opened_text()),
        ProblemCode::Conflict => (t.changed_title(), t.changed_text()),
        code if code.status() >= 500 => (t.failed_title(), t.failed_text()),
        _ => (t.not_possible(), t.nothing_changed()),
    };
    let wait = failure
        .retry_after_s()
        .map(|seconds| t.try_again_in(seconds));
    let text = match (&wait, *code) {
        (Some(wait), ProblemCode::TooManyWrongKeys) => wait,
        (Some(_) | None, _) => text,
    };
    // What is meant for programs says nothing more to people, or nothing to those who do not read English.
    let is_conflict = *code == ProblemCode::Conflict;
    let is_said = is_conflict && t.is_spanish()
        || matches!(
            *code,
            ProblemCode::NotFound
                | ProblemCode::MethodNotAllowed
                | ProblemCode::TooManyWrongKeys
                | ProblemCode::Unavailable
        );
    let detail = (!is_said).then_some(detail.as_str());
    let status = StatusCode::from_u16(code.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = problem_page(call, status, title, text, detail)?;
    failure.say_when_to_return(response.headers_mut());
    Ok(response)
}
