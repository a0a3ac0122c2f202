//! What people do with an inspection: they review it, make a child of it, ask for a report.

use heraldo_domain::ops::children::create_child;
use heraldo_domain::ops::inspections::seen_inspection;
use heraldo_domain::ops::reports::request_report;
use heraldo_domain::ops::review::review as change_result;
use heraldo_wire::api::{
    ChildrenRequest, CreateInspectionAnswer, CreateReportRequest, ImageReview, ReviewRequest,
    ReviewVeredict,
};
use heraldo_wire::id::InspectionId;
use heraldo_wire::problem::ProblemCode;

use super::one::{PHOTO, Review, Typed, refuse, show_again};
use crate::call::Outcome;
use crate::dashboard::visit::{Done, Form, Visit};
use crate::dashboard::wrong::Wrong;
use crate::extract::once;

const CHILD: &str = "POST /dashboard/inspections/:id/child";
const REPORT: &str = "POST /dashboard/inspections/:id/report";
/// Longer than what the page's forms carry.
const ONCE_BYTES_MAX: usize = 64;

pub async fn show_review(visit: &mut Visit<'_>, form: Form) -> Outcome {
    show_again(visit, Typed::read(Review::Whole, &form)).await
}

pub async fn show_review_photos(visit: &mut Visit<'_>, form: Form) -> Outcome {
    show_again(visit, Typed::read(Review::Photos, &form)).await
}

pub async fn review(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let typed = Typed::read(Review::Whole, &form);
    let veredict = match form.text("veredict") {
        "approved" => ReviewVeredict::Approved,
        "disapproved" => ReviewVeredict::Disapproved,
        _ => {
            let wrong = Wrong::field("veredict", "`veredict` must be approved or disapproved");
            return refuse(visit, id, wrong, typed).await;
        }
    };
    let request = ReviewRequest {
        veredict: Some(veredict),
        images: None,
        reason: reason(&form),
    };
    send(visit, id, request, typed).await
}

pub async fn review_photos(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let (company, member) = (visit.company.clone(), visit.member.clone());
    let inspection = seen_inspection(visit.context(), &company, &member, id).await?;
    let typed = Typed::read(Review::Photos, &form);
    let said = inspection.images().filter_map(|(_, image)| {
        let approved = match form.text(&format!("{PHOTO}{}", image.id)) {
            "approve" => true,
            "disapprove" => false,
            _ => return None,
        };
        Some(ImageReview {
            id: image.id,
            approved,
        })
    });
    let images: Vec<_> = said.collect();
    if images.is_empty() {
        let wrong = Wrong::field("photos", "no photo was chosen to approve or disapprove");
        return refuse(visit, id, wrong, typed).await;
    }
    let request = ReviewRequest {
        veredict: None,
        images: Some(images),
        reason: reason(&form),
    };
    send(visit, id, request, typed).await
}

fn reason(form: &Form) -> Option<String> {
    let reason = form.text("reason");
    (!reason.is_empty()).then(|| reason.to_owned())
}

async fn send(
    visit: &mut Visit<'_>,
    id: InspectionId,
    request: ReviewRequest,
    typed: Typed,
) -> Outcome {
    match change_result(visit.context(), &visit.caller(), id, request).await {
        Ok(_) => {
            let path = format!("dashboard/inspections/{id}");
            visit.go(&path, Some(Done::InspectionReviewed))
        }
        Err(problem) => refuse(visit, id, Wrong::of(problem)?, typed).await,
    }
}

pub async fn child(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let caller = visit.caller();
    let once = once(&caller, CHILD, word(&form), [&id.0.as_bytes()[..]]);
    let request = ChildrenRequest::default();
    match create_child(visit.context(), &caller, id, request, once.as_ref()).await {
        Ok(answer) => {
            let made: CreateInspectionAnswer =
                serde_json::from_slice(&answer.body).map_err(|error| {
                    ProblemCode::Internal.problem(format!("cannot read the answer: {error}"))
                })?;
            let path = format!("dashboard/inspections/{}", made.inspection_id);
            visit.go(&path, Some(Done::ChildCreated))
        }
        Err(problem) => refuse(visit, id, Wrong::of(problem)?, Typed::default()).await,
    }
}

pub async fn report(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let caller = visit.caller();
    let once = once(&caller, REPORT, word(&form), [&id.0.as_bytes()[..]]);
    let request = CreateReportRequest::default();
    match request_report(visit.context(), &caller, id, request, once.as_ref()).await {
        Ok(_) => {
            let path = format!("dashboard/inspections/{id}");
            visit.go(&path, Some(Done::ReportRequested))
        }
        Err(problem) => refuse(visit, id, Wrong::of(problem)?, Typed::default()).await,
    }
}

/// What the page gave this form, so that one that is sent twice acts once.
fn word(form: &Form) -> Option<String> {
    let word = form.text("once");
    let is_word = (1..=ONCE_BYTES_MAX).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then(|| word.to_owned())
}
