//! `POST /inspection/:id/code`.

use heraldo_domain::ops::visits::{Entry, enter_visit};
use heraldo_wire::problem::ProblemCode;
use http::header::SET_COOKIE;

use super::{Visit, browser, plainly, render_failure};
use crate::call::{Call, Outcome};
use crate::problem::Failure;

/// Enters the access code on the page
///
/// The right code lets this browser in, by a cookie for the pages of this inspection alone, and sends it back
/// to the page. Wrong ones are counted until the inspection is blocked, or, after its start, takes no more codes.
#[utoipa::path(
    post,
    path = "/inspection/{id}/code",
    operation_id = "enterAccessCodeOnPage",
    tag = "pages",
    params(("id" = String, Path, description = "The inspection")),
    request_body(content_type = "application/x-www-form-urlencoded", content = CodeForm),
    responses(
        (status = 303, description = "The code is right; on to the page, with the cookie"),
        (status = 403, description = "The code is wrong, and how many attempts are left; or the form came from another site", content_type = "text/html", body = String),
        (status = 404, description = "There is no such inspection", content_type = "text/html", body = String),
        (status = 409, description = "The inspection has ended or expired", content_type = "text/html", body = String),
        (status = 423, description = "The inspection is blocked, or has started and takes no more codes", content_type = "text/html", body = String),
        (status = 429, description = "Too many wrong codes came from this address; `retry-after` says when to try again", content_type = "text/html", body = String),
    ),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let visit = match Visit::of(call).await {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    if call.check_own_form().is_err() {
        return Ok(visit.refuse_origin(call));
    }
    let failure = match enter(call, &visit).await {
        Ok((session, lifetime)) => {
            let mut response = visit.back(call, "");
            let public_url = &call.context().links.public_url;
            let cookie = browser::session_cookie(public_url, visit.id, &session, lifetime);
            if let Some(cookie) = cookie {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            return Ok(response);
        }
        Err(failure) => failure,
    };
    call.note(&failure).await;
    let words = visit.words();
    let problem = &failure.problem;
    if problem.code == ProblemCode::WrongAccessCode {
        let left = problem.extra.get("attemptsLeft").cloned();
        let left = left.unwrap_or_default();
        let error = format!("{} {} {left}", words.code_wrong, words.code_left);
        let form = visit.code_form(call, Some(error));
        return Ok(render_failure(&failure, &form));
    }
    if problem.code == ProblemCode::TooManyWrongCodes || problem.status() >= 500 {
        let error = plainly(words, &failure).to_owned();
        let form = visit.code_form(call, Some(error));
        return Ok(render_failure(&failure, &form));
    }
    let (title, text) = match problem.code {
        ProblemCode::InspectionBlocked if visit.takes_photos() => {
            (words.locked_title, words.locked)
        }
        ProblemCode::InspectionBlocked => (words.blocked_title, words.blocked),
        ProblemCode::InspectionExpired => (words.expired_title, words.expired),
        ProblemCode::Conflict => (words.ended_title, words.ended),
        _ => (words.problem, plainly(words, &failure)),
    };
    Ok(render_failure(&failure, &visit.message(call, title, text)))
}

async fn enter(call: &mut Call, visit: &Visit) -> Result<(String, std::time::Duration), Failure> {
    let fields = call.fields().await?;
    let code = fields.iter().find(|(name, _)| name == "accessCode");
    let code = code.map(|(_, code)| code.trim()).unwrap_or_default();
    let look = call.look_at_code().await?;
    let entered = enter_visit(call.context(), visit.id, code).await;
    if !matches!(entered, Ok(Entry::Wrong(_))) {
        look.forgive();
    }
    match entered? {
        Entry::Granted { session, lifetime } => Ok((session, lifetime)),
        Entry::Wrong(problem) => Err(problem.into()),
    }
}

/// The form of the page.
#[derive(utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct CodeForm {
    access_code: String,
}
