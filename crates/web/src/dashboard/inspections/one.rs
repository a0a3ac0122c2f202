//! One inspection: what is known of it, its photos, what happened, and what can be done with it.

use askama::Template;
use heraldo_domain::inspection::file::input_file;
use heraldo_domain::inspection::{Inspection, State, magic_link};
use heraldo_domain::ops::Context;
use heraldo_domain::ops::inspections::{audit_access, seen_children, seen_inspection, story};
use heraldo_domain::ops::reports::list_reports;
use heraldo_domain::ports::random;
use heraldo_domain::sheet::{Facts, Section as SheetSection, contents};
use heraldo_wire::api::{ReportRequest, ReportStatus};
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::{InspectionStatus, Veredict};
use heraldo_wire::time::Timestamp;
use serde_json::Value;

use super::photos::{PhotoCard, cards};
use super::steps::{Step, Told, steps};
use crate::call::Outcome;
use crate::dashboard::address::Address;
use crate::dashboard::moment::Moment;
use crate::dashboard::visit::{Form, Visit};
use crate::dashboard::wrong::Wrong;
use crate::frame::{Frame, Section};
use crate::problem::Failure;
use crate::words::Words;

/// The links to photos and files on the page work for an hour, and end with a whole one: a page that is opened
/// again finds its photos in the browser's cache.
const LINKS_MS: i64 = 3_600_000;

#[derive(Template)]
#[template(path = "dashboard/inspection.html")]
pub struct InspectionPage {
    pub frame: Frame,
    pub administers: bool,
    pub id: InspectionId,
    pub title: String,
    pub status: InspectionStatus,
    pub veredict: Veredict,
    pub testing: bool,
    facts: Vec<Fact>,
    parent: Option<InspectionId>,
    metadata: Vec<(String, String)>,
    sections: Vec<Part>,
    files: Vec<File>,
    has_photos: bool,
    children: Vec<ChildRow>,
    steps: Vec<Step>,
    /// They were deleted for their age.
    has_no_events: bool,
    access: Access,
    can_be_reviewed: bool,
    has_expired: bool,
    reports: Vec<ReportRow>,
    is_writing: bool,
    /// Names a form that is sent twice.
    once: String,
    typed: Typed,
    wrong: Option<Wrong>,
}

impl InspectionPage {
    /// Whether the form of this review is the one that is shown as it was filled in.
    fn is_typed(&self, of: Review) -> bool {
        self.typed.of == Some(of)
    }

    /// The result that is ticked: what was chosen, or else what it has.
    fn ticks(&self, veredict: Veredict) -> bool {
        self.typed.veredict.unwrap_or(self.veredict) == veredict
    }

    fn reason(&self, of: Review) -> &str {
        if self.is_typed(of) {
            &self.typed.reason
        } else {
            ""
        }
    }

    fn says_of_photo(&self, photo: &str, word: &str) -> bool {
        let mut photos = self.typed.photos.iter();
        photos.any(|(name, said)| name.strip_prefix(PHOTO) == Some(photo) && said == word)
    }
}

/// Names the field of a photo, with its id.
pub const PHOTO: &str = "photo-";

/// The two forms of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    Whole,
    Photos,
}

/// What was typed into a form of the page.
#[derive(Debug, Default)]
pub struct Typed {
    of: Option<Review>,
    veredict: Option<Veredict>,
    reason: String,
    photos: Vec<(String, String)>,
}

impl Typed {
    pub fn read(of: Review, form: &Form) -> Self {
        let photos = form.pairs().filter(|(name, _)| name.starts_with(PHOTO));
        let owned = |(name, said): (&str, &str)| (name.to_owned(), said.to_owned());
        Self {
            of: Some(of),
            veredict: form.text("veredict").parse().ok(),
            reason: form.text("reason").to_owned(),
            photos: photos.map(owned).collect(),
        }
    }
}

struct Fact {
    name: &'static str,
    text: String,
    at: Option<Moment>,
}

struct Part {
    heading: String,
    rows: Vec<(String, String)>,
    photos: Vec<PhotoCard>,
}

struct File {
    label: String,
    name: String,
    path: String,
}

struct ChildRow {
    id: InspectionId,
    status: InspectionStatus,
    created_at: Moment,
}

/// How the person gets in.
enum Access {
    /// The link works no more.
    Over,
    /// Until somebody asks for it.
    Hidden,
    Shown {
        link: String,
        code: String,
    },
}

struct ReportRow {
    status: ReportStatus,
    at: Option<Moment>,
    /// Below the root.
    pdf: String,
    page: String,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let page = read(visit, id, Extra::default()).await?;
    visit.page(&page)
}

/// Shows the page with the person's link and code. Asked for by a form, so that no link does it.
pub async fn reveal_access(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let (company, member) = (visit.company.clone(), visit.member.clone());
    let inspection = seen_inspection(visit.context(), &company, &member, id).await?;
    audit_access(visit.context(), &visit.caller(), &inspection).await?;
    let extra = Extra {
        is_revealed: true,
        ..Extra::default()
    };
    let page = read(visit, id, extra).await?;
    visit.page(&page)
}

/// What is on the page beside the inspection itself.
#[derive(Default)]
struct Extra {
    is_revealed: bool,
    typed: Typed,
    wrong: Option<Wrong>,
}

/// The page again, with a form as it is filled in.
pub async fn show_again(visit: &mut Visit<'_>, typed: Typed) -> Outcome {
    let id: InspectionId = visit.id().await?;
    let extra = Extra {
        typed,
        ..Extra::default()
    };
    let page = read(visit, id, extra).await?;
    visit.page(&page)
}

/// The page again, with what was wrong with a form of it, and what was typed into it.
pub async fn refuse(
    visit: &mut Visit<'_>,
    id: InspectionId,
    wrong: Wrong,
    typed: Typed,
) -> Outcome {
    let status = wrong.status;
    let extra = Extra {
        wrong: Some(wrong),
        typed,
        ..Extra::default()
    };
    let page = read(visit, id, extra).await?;
    visit.page_with(status, &page)
}

async fn read(
    visit: &mut Visit<'_>,
    id: InspectionId,
    extra: Extra,
) -> Result<InspectionPage, Failure> {
    let context = visit.context();
    let inspection = seen_inspection(context, &visit.company, &visit.member, id).await?;
    let story = story(context, &inspection).await?;
    let children = seen_children(context, &visit.company, &visit.member, id).await?;
    let administers = visit.administers();
    let reports = if administers {
        list_reports(context, &visit.caller(), id)
            .await?
            .report_requests
    } else {
        Vec::new()
    };
    let (t, now) = (visit.t, context.clock.now());
    let until = (now.as_millis().div_euclid(LINKS_MS) + 2) * LINKS_MS;
    let until = Timestamp::from_millis(until);
    let facts = Facts {
        inspection: &inspection,
        template: &story.template,
        company_name: &visit.company.company.name,
        events: &[],
        now,
    };
    let part = |section: SheetSection| Part {
        photos: cards(context, t, &inspection, &section.photos, until),
        heading: section.heading,
        rows: section.rows,
    };
    let sections: Vec<_> = contents(facts, t.0).into_iter().map(part).collect();
    let reports: Vec<_> = reports
        .iter()
        .map(|report| report_row(report, &context.links.public_url))
        .collect();
    let metadata = serde_json::to_value(&inspection.metadata).unwrap_or_default();
    let has_photos = inspection.images().next().is_some();
    let can_be_reviewed = inspection.status() == InspectionStatus::Completed;
    let has_form = match extra.typed.of {
        Some(Review::Whole) => can_be_reviewed,
        Some(Review::Photos) => can_be_reviewed && has_photos,
        None => false,
    };
    let frame = visit.frame(Section::Inspections);
    Ok(InspectionPage {
        frame: if has_form { frame.keeping() } else { frame },
        administers,
        id,
        title: title(t, &inspection),
        status: inspection.status(),
        veredict: inspection.veredict(),
        testing: inspection.testing,
        facts: facts_of(t, &inspection),
        parent: inspection.parent_id,
        metadata: pairs(metadata),
        has_photos,
        sections,
        files: files(context, &inspection, until),
        children: children
            .iter()
            .map(|child| ChildRow {
                id: child.id,
                status: child.status(),
                created_at: Moment(child.created_at),
            })
            .collect(),
        has_no_events: story.events.is_empty(),
        steps: steps(t, &visit.company, &inspection, &story),
        access: match (lets_in(&inspection, now), extra.is_revealed) {
            (false, _) => Access::Over,
            (true, false) => Access::Hidden,
            (true, true) => Access::Shown {
                link: magic_link(&inspection, &context.links.public_url),
                code: inspection.access_code.clone(),
            },
        },
        can_be_reviewed,
        has_expired: inspection.has_expired() || inspection.has_lapsed(now),
        is_writing: reports.iter().any(|report| is_unfinished(report.status)),
        reports,
        once: hex(&random::<12>(&*context.entropy)),
        typed: extra.typed,
        wrong: extra.wrong,
    })
}

fn title(t: Words, inspection: &Inspection) -> String {
    let mut products = inspection.products.iter();
    let plate = products.find_map(|product| product.attributes.plate());
    let kind = t.kind(&inspection.inspection_type);
    plate.map_or_else(|| kind.to_owned(), |plate| format!("{kind} · {plate}"))
}

fn facts_of(t: Words, inspection: &Inspection) -> Vec<Fact> {
    let at = |name, at: Timestamp| Fact {
        name,
        text: String::new(),
        at: Some(Moment(at)),
    };
    let text = |name, text: &str| Fact {
        name,
        text: text.to_owned(),
        at: None,
    };
    let mut facts = vec![text(t.template(), &inspection.template.name)];
    facts.push(at(t.created_at(), inspection.created_at));
    match &inspection.state {
        State::Created { .. } => facts.push(at(t.expires_at(), inspection.expires_at)),
        State::Started { at: since, .. } => {
            facts.push(at(t.started_at(), *since));
            facts.push(at(t.expires_at(), inspection.expires_at));
            if inspection.is_locked() {
                facts.push(text(t.access_code(), t.access_code_locked()));
            }
        }
        State::Processing { at: since, .. } => facts.push(at(t.finished_at(), *since)),
        State::Completed {
            completed_by,
            at: ended,
            review,
            ..
        } => {
            facts.push(at(t.ended_at(), *ended));
            facts.push(text(t.completed_by(), t.0.completed_by(*completed_by)));
            if let Some(review) = review {
                facts.push(at(t.reviewed_at(), review.at));
                if let Some(reason) = review.reason.as_deref().filter(|text| !text.is_empty()) {
                    facts.push(text(t.review_reason(), reason));
                }
            }
        }
        State::Blocked { reason, at: since } => {
            facts.push(at(t.ended_at(), *since));
            facts.push(text(t.blocked_because(), t.0.blocked(*reason)));
        }
    }
    facts.push(text(t.locale(), &t.0.locale(&inspection.locale)));
    if let Some(url) = &inspection.callback_url {
        facts.push(text(t.callback_url(), url));
    }
    facts
}

fn pairs(metadata: Value) -> Vec<(String, String)> {
    let Value::Object(metadata) = metadata else {
        return Vec::new();
    };
    let pairs = metadata.into_iter().map(|(name, value)| match value {
        Value::String(text) => (name, text),
        other => (name, other.to_string()),
    });
    pairs.collect()
}

fn files(context: &Context, inspection: &Inspection, until: Timestamp) -> Vec<File> {
    let of_products = inspection.products.iter().flat_map(|of| &of.inputs);
    let inputs = of_products.chain(&inspection.inputs);
    let files = inputs.filter_map(|input| {
        let file = input_file(input)?;
        let token = context.links.sign(file.target(), until);
        Some(File {
            label: match input.label.as_str() {
                "" => input.identifier.clone(),
                label => label.to_owned(),
            },
            name: file.filename.unwrap_or_else(|| "file".to_owned()),
            path: format!("files/{token}"),
        })
    });
    files.collect()
}

/// Whether the link and the code still let the person in.
fn lets_in(inspection: &Inspection, now: Timestamp) -> bool {
    match inspection.state {
        State::Created { .. } | State::Started { .. } => !inspection.has_lapsed(now),
        State::Processing { .. } | State::Completed { .. } | State::Blocked { .. } => false,
    }
}

const fn is_unfinished(status: ReportStatus) -> bool {
    match status {
        ReportStatus::Pending | ReportStatus::Processing => true,
        ReportStatus::Completed | ReportStatus::Failed => false,
    }
}

fn report_row(report: &ReportRequest, public_url: &str) -> ReportRow {
    // The reader may reach the server by another name than the public one.
    let path = |url: &str| {
        let path = url.strip_prefix(public_url).unwrap_or(url);
        path.trim_start_matches('/').to_owned()
    };
    let at = report.completed_at.or(report.failed_at);
    let result = report.result.as_ref();
    ReportRow {
        status: report.status,
        at: at.or(report.processing_at).map(Moment),
        pdf: result.map(|of| path(&of.url)).unwrap_or_default(),
        page: result.map(|of| path(&of.html_url)).unwrap_or_default(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
