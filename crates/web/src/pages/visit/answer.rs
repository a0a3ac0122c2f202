//! `POST /inspection/:id/answers`.

use heraldo_domain::inspection::answer;
use heraldo_domain::ops::inputs::GivenFile;
use heraldo_domain::ops::visits::{Visited, answer_questions};
use heraldo_wire::object::{InputType, InputValue};
use heraldo_wire::problem::ProblemCode;
use serde_json::Value;

use super::view::Refusal;
use super::{CLEAR, INPUT, Visit, plainly};
use crate::call::{Call, Outcome};
use crate::multipart::FilePart;
use crate::problem::Failure;

/// Where a refused answer is shown.
pub const PLACE: &str = "questions";

/// Answers the template's questions on the page
///
/// Needs the cookie that the code gave. Each field is named `input.` and the identifier of its input. An empty one
/// takes an answer back that need not be there; a file is taken back by a field `clear.` and the identifier.
#[utoipa::path(
    post,
    path = "/inspection/{id}/answers",
    operation_id = "answerOnPage",
    tag = "pages",
    params(("id" = String, Path, description = "The inspection")),
    request_body(content_type = "multipart/form-data", content = std::collections::HashMap<String, String>),
    responses(
        (status = 303, description = "The answers are kept; back to the page; or nobody has entered the code in this browser, or the inspection \
            has ended, which the page says"),
        (status = 400, description = "An answer does not hold to its rules; the page says so", content_type = "text/html", body = String),
        (status = 403, description = "The form came from another site", content_type = "text/html", body = String),
        (status = 404, description = "There is no such inspection", content_type = "text/html", body = String),
        (status = 413, description = "A file is too large", content_type = "text/html", body = String),
    ),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let visit = match Visit::of(call).await {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    if let Some(response) = visit.turned_away(call) {
        return Ok(response);
    }
    match take(call, &visit).await {
        Ok(_) => Ok(visit.back(call, "?view=saved#questions")),
        Err(failure) => {
            call.note(&failure).await;
            Ok(refuse(call, &visit, &failure))
        }
    }
}

/// The page with what was wrong with the answers.
pub(super) fn refuse(call: &Call, visit: &Visit, failure: &Failure) -> axum::response::Response {
    let refusal = Refusal {
        place: PLACE.to_owned(),
        text: plainly(visit.words(), failure).to_owned(),
    };
    visit.photos(call, failure, refusal)
}

/// Keeps the answers of a form and says whether it confirms an unfinished inspection.
pub(super) async fn take(call: &mut Call, visit: &Visit) -> Result<bool, Failure> {
    let parts = call.page_form().await?;
    let confirmed = parts.iter().any(|part| part.name == "confirmed");
    let (values, files) = read(&visit.visited, parts)?;
    if !values.is_empty() || !files.is_empty() {
        answer_questions(call.context(), visit.id, values, files).await?;
    }
    Ok(confirmed)
}

/// The answers among the parts of a form. What is left empty takes an earlier answer back, where there need be
/// none.
fn read(
    visited: &Visited,
    parts: Vec<FilePart>,
) -> Result<(Vec<InputValue>, Vec<GivenFile>), Failure> {
    let mut values: Vec<InputValue> = Vec::new();
    let mut files = Vec::new();
    // Of a box and the hidden field before it the last word counts.
    let mut say = |identifier: String, value: Value| {
        values.retain(|known| known.identifier != identifier);
        values.push(InputValue {
            identifier,
            value,
            filename: None,
            content_type: None,
        });
    };
    for part in parts {
        if let Some(identifier) = part.name.strip_prefix(CLEAR) {
            say(identifier.to_owned(), Value::Null);
            continue;
        }
        let Some(identifier) = part.name.strip_prefix(INPUT).map(ToOwned::to_owned) else {
            continue;
        };
        let mut asked = visited.template.asked();
        let asked = asked.find(|input| input.identifier.as_ref() == Some(&identifier));
        let kind = asked.map(|input| input.kind);
        if kind == Some(InputType::File) {
            // Browsers send an empty file for none.
            if !part.bytes.is_empty() {
                files.push(GivenFile {
                    identifier,
                    ..part.into()
                });
            }
            continue;
        }
        let wrong = || ProblemCode::InvalidInput.problem(format!("`{identifier}` is malformed"));
        let text = std::str::from_utf8(&part.bytes)
            .map_err(|_| wrong())?
            .trim();
        let value = match kind {
            _ if text.is_empty() => {
                let may_be_cleared = asked.is_some_and(|input| {
                    !input.validation_schema.required
                        && answer(input, visited.inspection.inputs()).is_some()
                });
                if !may_be_cleared {
                    continue;
                }
                Value::String(String::new())
            }
            Some(InputType::Numeric) => {
                let number: serde_json::Number = text.parse().map_err(|_| wrong())?;
                Value::Number(number)
            }
            Some(InputType::Check) => Value::Bool(text == "true"),
            _ => Value::String(text.to_owned()),
        };
        say(identifier, value);
    }
    Ok((values, files))
}
