//! `POST /inspection/:id/answers`.

use heraldo_domain::ops::inputs::GivenFile;
use heraldo_domain::ops::visits::{answer_questions, questions};
use heraldo_domain::template::Template;
use heraldo_wire::object::{InputType, InputValue};
use heraldo_wire::problem::ProblemCode;
use serde_json::Value;

use super::view::Refusal;
use super::{INPUT, Visit, plainly};
use crate::call::{Call, Outcome};
use crate::multipart::FilePart;
use crate::problem::Failure;

/// Where a refused answer is shown.
pub const PLACE: &str = "questions";

/// Answers the template's questions on the page
///
/// Needs the cookie that the code gave. Each field is named `input.` and the identifier of its input.
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
    let (values, files) = read(&visit.visited.template, parts)?;
    if !values.is_empty() || !files.is_empty() {
        answer_questions(call.context(), visit.id, values, files).await?;
    }
    Ok(confirmed)
}

/// The answers among the parts of a form. What was left empty is no answer.
fn read(
    template: &Template,
    parts: Vec<FilePart>,
) -> Result<(Vec<InputValue>, Vec<GivenFile>), Failure> {
    let (mut values, mut files) = (Vec::new(), Vec::new());
    let given = parts
        .into_iter()
        .filter_map(|part| Some((part.name.strip_prefix(INPUT)?.to_owned(), part)));
    for (identifier, part) in given {
        let is_it = |identifier: &str| {
            questions(template)
                .find(|input| input.identifier.as_deref() == Some(identifier))
                .map(|input| input.kind)
        };
        let kind = is_it(&identifier);
        if part.bytes.is_empty() {
            continue;
        }
        if kind == Some(InputType::File) {
            files.push(GivenFile {
                identifier,
                ..part.into()
            });
            continue;
        }
        let wrong = || ProblemCode::InvalidInput.problem(format!("`{identifier}` is malformed"));
        let text = std::str::from_utf8(&part.bytes)
            .map_err(|_| wrong())?
            .trim();
        let value = match kind {
            Some(InputType::Numeric) => {
                let number: serde_json::Number = text.parse().map_err(|_| wrong())?;
                Value::Number(number)
            }
            Some(InputType::Check) => Value::Bool(text == "true"),
            _ if text.is_empty() => continue,
            _ => Value::String(text.to_owned()),
        };
        // Of a box and the hidden field before it the last word counts.
        values.retain(|known: &InputValue| known.identifier != identifier);
        values.push(InputValue {
            identifier,
            value,
            filename: None,
            content_type: None,
        });
    }
    Ok((values, files))
}
