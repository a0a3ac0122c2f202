//! `POST /inspection/:id/finish`.

use heraldo_domain::inspection::{missing_answers, missing_photos};
use heraldo_domain::ops::visits::{Visited, finish_visit, visited};

use super::{Visit, answer};
use crate::call::{Call, Outcome};
use crate::problem::Failure;

/// Finishes on the page
///
/// Needs the cookie that the code gave, and takes answers as well. Where something that is required is
/// missing, the page asks once more, and the form then says `confirmed`.
#[utoipa::path(
    post,
    path = "/inspection/{id}/finish",
    operation_id = "finishOnPage",
    tag = "pages",
    params(("id" = String, Path, description = "The inspection")),
    request_body(content_type = "multipart/form-data", content = std::collections::HashMap<String, String>),
    responses(
        (status = 303, description = "It is finished, or something is missing, which the page says; or nobody has entered the code in this browser, or the inspection \
            has ended, which the page says"),
        (status = 400, description = "An answer does not hold to its rules; the page says so", content_type = "text/html", body = String),
        (status = 403, description = "The form came from another site", content_type = "text/html", body = String),
        (status = 404, description = "There is no such inspection", content_type = "text/html", body = String),
    ),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let mut visit = match Visit::of(call).await {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    if let Some(response) = visit.turned_away(call) {
        return Ok(response);
    }
    match finish(call, &mut visit).await {
        Ok(true) => Ok(visit.back(call, "?view=finished")),
        Ok(false) => Ok(visit.back(call, "?view=confirm")),
        Err(failure) => {
            call.note(&failure).await;
            Ok(answer::refuse(call, &visit, &failure))
        }
    }
}

/// Whether it is finished.
async fn finish(call: &mut Call, visit: &mut Visit) -> Result<bool, Failure> {
    let confirmed = answer::take(call, visit).await?;
    visit.visited = visited(call.context(), visit.id).await?;
    let Visited {
        inspection,
        template,
    } = &visit.visited;
    let needs_answers = missing_answers(inspection, template).next().is_some();
    let needs_photos = missing_photos(inspection, template).next().is_some();
    if needs_answers || needs_photos && !confirmed {
        return Ok(false);
    }
    finish_visit(call.context(), visit.id).await?;
    Ok(true)
}
