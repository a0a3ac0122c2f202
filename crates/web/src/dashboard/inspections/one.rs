//! One inspection: what is known of it, its photos, what happened, and what can be done with it.

use askama::Template;
use heraldo_domain::inspection::file::input_file;
use heraldo_domain::inspection::{Inspection, State, magic_link};
use heraldo_domain::ops::Context;
use heraldo_domain::ops::inspections::{Story, seen_inspection, story};
use heraldo_domain::ops::reports::list_reports;
use heraldo_domain::ports::random;
use heraldo_domain::query::EventRecord;
use heraldo_domain::sheet::{Facts, Section as SheetSection, contents};
use heraldo_wire::api::{DeliveryStatus, ReportRequest, ReportStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{EventId, InspectionId};
use heraldo_wire::object::{InspectionStatus, Veredict};
use heraldo_wire::time::Timestamp;
use serde_json::Value;

use super::photos::{PhotoCard, cards};
use crate::call::Outcome;
use crate::dashboard::moment::Moment;
use crate::dashboard::visit::Visit;
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
    events: Vec<Happened>,
    has_more_deliveries: bool,
    access: Access,
    can_be_reviewed: bool,
    has_expired: bool,
    reports: Vec<ReportRow>,
    is_writing: bool,
    /// Names a form that is sent twice.
    once: String,
    wrong: Option<Wrong>,
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

/// One event of the time line.
struct Happened {
    id: EventId,
    event: EventType,
    /// The photo that it is about.
    side: Option<String>,
    at: Moment,
    delivered: usize,
    pending: usize,
    failed: usize,
}

/// How the person gets in.
enum Access {
    /// The link works no more.
    Over,
    Open {
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
    let page = read(visit, id, None).await?;
    visit.page(&page)
}

/// The page again, with what was wrong with a form of it.
pub async fn refuse(visit: &mut Visit<'_>, id: InspectionId, wrong: Wrong) -> Outcome {
    let status = wrong.status;
    let page = read(visit, id, Some(wrong)).await?;
    visit.page_with(status, &page)
}

async fn read(
    visit: &mut Visit<'_>,
    id: InspectionId,
    wrong: Option<Wrong>,
) -> Result<InspectionPage, Failure> {
    let context = visit.context();
    let inspection = seen_inspection(context, &visit.company, &visit.member, id).await?;
    let story = story(context, &inspection).await?;
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
    Ok(InspectionPage {
        frame: visit.frame(Section::Inspections),
        administers,
        id,
        title: title(t, &inspection),
        status: inspection.status(),
        veredict: inspection.veredict(),
        testing: inspection.testing,
        facts: facts_of(t, &inspection),
        parent: inspection.parent_id,
        metadata: pairs(metadata),
        has_photos: inspection.images().next().is_some(),
        sections,
        files: files(context, &inspection, until),
        events: happened(t, &story),
        has_more_deliveries: story.has_more_deliveries,
        access: access(&inspection, &context.links.public_url, now),
        can_be_reviewed: inspection.status() == InspectionStatus::Completed,
        has_expired: inspection.has_expired() || inspection.has_lapsed(now),
        is_writing: reports.iter().any(|report| is_unfinished(report.status)),
        reports,
        once: hex(&random::<12>(&*context.entropy)),
        wrong,
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
    facts.push(text(t.locale(), &inspection.locale));
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

fn happened(t: Words, story: &Story) -> Vec<Happened> {
    let of = |event: &EventRecord, wanted: &[DeliveryStatus]| {
        let deliveries = story.deliveries.iter();
        let of_event = deliveries.filter(|delivery| delivery.event_id == event.id);
        of_event
            .filter(|delivery| wanted.contains(&delivery.status))
            .count()
    };
    let line = |event: &EventRecord| Happened {
        id: event.id,
        event: event.event_type,
        side: side(event).map(|side| t.0.side(&side)),
        at: Moment(event.created_at),
        delivered: of(event, &[DeliveryStatus::Delivered]),
        pending: of(event, &[DeliveryStatus::Pending]),
        failed: of(event, &[DeliveryStatus::Failed, DeliveryStatus::Cancelled]),
    };
    story.events.iter().map(line).collect()
}

/// The side of the photo that an event is about.
fn side(event: &EventRecord) -> Option<String> {
    match event.event_type {
        EventType::ImageProcessed | EventType::ExtraImageProcessed => {}
        EventType::InspectionCreated
        | EventType::ChildrenInspectionCreated
        | EventType::InspectionStarted
        | EventType::InspectionBlocked
        | EventType::InspectionCompleted
        | EventType::InspectionReviewed
        | EventType::WebhookDisabled => return None,
    }
    let body: Value = serde_json::from_slice(&event.body).ok()?;
    let payload = body.get("payload")?;
    let owners = ["product", "identity", "custom"];
    let owner = owners.into_iter().find_map(|owner| payload.get(owner))?;
    // That of a product is an array of one (contract C6).
    let image = owner.get("image")?;
    let image = image.get(0).unwrap_or(image);
    Some(image.get("side")?.as_str()?.to_owned())
}

fn access(inspection: &Inspection, public_url: &str, now: Timestamp) -> Access {
    match inspection.state {
        State::Created { .. } | State::Started { .. } if !inspection.has_lapsed(now) => {
            Access::Open {
                link: magic_link(inspection, public_url),
                code: inspection.access_code.clone(),
            }
        }
        State::Created { .. }
        | State::Started { .. }
        | State::Processing { .. }
        | State::Completed { .. }
        | State::Blocked { .. } => Access::Over,
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
