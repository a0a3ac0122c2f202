//! `GET /inspection/:id`.

use std::time::Duration;

use heraldo_domain::inspection::State;
use heraldo_wire::object::CompletedBy;
use http::StatusCode;
use http::header::SET_COOKIE;

use super::{View, Visit, browser, callback, render};
use crate::call::{Call, Outcome};

/// The end is waited for at most this long before the consumer goes on (contract 5.6).
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How often the page looks whether the end has come.
const LOOK_EVERY_S: u32 = 2;

/// The page behind the magic link
///
/// In Spanish or English: as the person chose, else as the inspection's `locale` or the browser says. Opening
/// it changes nothing: the code of the link is filled in, and a button sends it. Whoever has entered the code
/// takes the photos here, answers what the template asks, and finishes.
#[utoipa::path(
    get,
    path = "/inspection/{id}",
    operation_id = "consumerPage",
    tag = "pages",
    params(
        ("id" = String, Path, description = "The inspection"),
        ("accessCode" = Option<String>, Query, description = "The code of the magic link"),
        ("lang" = Option<String>, Query, description = "`es` or `en`; remembered"),
    ),
    responses(
        (status = 200, description = "A page; of an inspection that takes nothing any more, one that says so", content_type = "text/html", body = String),
        (status = 404, description = "There is no such inspection", content_type = "text/html", body = String),
    ),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let visit = match Visit::of(call).await {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let mut response = show(call, &visit);
    if visit.asked.lang.is_some() {
        let public_url = &call.context().links.public_url;
        if let Some(cookie) = browser::language_cookie(public_url, visit.language) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

fn show(call: &Call, visit: &Visit) -> axum::response::Response {
    if visit.is_open
        && let State::Processing {
            completed_by: CompletedBy::Client,
            at,
        }
        | State::Completed {
            completed_by: CompletedBy::Client,
            at,
            ..
        } = visit.visited.inspection.state
    {
        return thank(call, visit, at);
    }
    if let Some(over) = visit.over(call) {
        return render(StatusCode::OK, &over);
    }
    if !visit.is_open && visit.visited.inspection.is_locked() {
        let words = visit.words();
        let locked = visit.message(call, words.locked_title, words.locked);
        return render(StatusCode::OK, &locked);
    }
    if !visit.is_open {
        let form = visit.code_form(call, None);
        return render(StatusCode::OK, &form);
    }
    let look = visit.look(call);
    let frame = visit.frame(call);
    if visit.asked.view == Some(View::Confirm) {
        return render(StatusCode::OK, &look.confirm(frame));
    }
    let saved = visit.asked.view == Some(View::Saved);
    render(StatusCode::OK, &look.photos(frame, None, saved))
}

/// After the finish: waits a little for the end, then sends the consumer on to where the company wants.
fn thank(
    call: &Call,
    visit: &Visit,
    at: heraldo_wire::time::Timestamp,
) -> axum::response::Response {
    let words = visit.words();
    let inspection = &visit.visited.inspection;
    let pending = matches!(inspection.state, State::Processing { .. });
    let waits = pending && call.now().since(at) < WAIT_MAX;
    let just_finished = visit.asked.view == Some(View::Finished);
    let link = callback(inspection);
    let text = match (waits, &link) {
        (true, _) => words.waiting,
        (false, Some(_)) if just_finished => words.onward_soon,
        (false, _) => words.thanks,
    };
    let mut message = visit.message(call, words.thanks_title, text);
    if waits {
        let base = &message.frame.base;
        let here = format!(
            "{base}{}",
            if just_finished { "?view=finished" } else { "" }
        );
        message.frame.onward = Some((LOOK_EVERY_S, here));
    } else {
        message.frame.onward = link.clone().filter(|_| just_finished).map(|to| (0, to));
        message.link = link;
    }
    render(StatusCode::OK, &message)
}
