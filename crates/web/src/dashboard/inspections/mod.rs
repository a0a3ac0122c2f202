//! Inspections: their list, each one's page, and what people do with it.

mod act;
mod one;
mod photos;
mod steps;

pub use act::{child, report, review, review_photos, show_review, show_review_photos};
pub use one::{reveal_access, show};

use askama::Template;
use heraldo_domain::inspection::Inspection;
use heraldo_domain::ops::inspections::seen_inspections;
use heraldo_domain::query::{INSPECTIONS_COUNTED_MIN, InspectionFilter};
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::{InspectionStatus, InspectionType, Veredict};
use heraldo_wire::time::Timestamp;
use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use url::form_urlencoded;

use super::moment::Moment;
use super::visit::Visit;
use crate::call::Outcome;
use crate::frame::{Frame, Section};

/// Rows of one page.
const ROWS_MAX: u32 = 25;
const DAY: Duration = Duration::from_secs(86_400);

/// The filters as the address holds them.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Asked {
    status: Option<InspectionStatus>,
    #[serde(rename = "type")]
    kind: Option<InspectionType>,
    veredict: Option<Veredict>,
    search: String,
    plate: String,
    consumer_identification: String,
    template_id: String,
    from: DayEntry,
    to: DayEntry,
    before: Option<InspectionId>,
}

impl Asked {
    /// The filter, or the name of the field that is wrong.
    fn filter(&self) -> Result<InspectionFilter, &'static str> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let from = self.from.start().map_err(|()| "from")?;
        let to = self.to.start().map_err(|()| "to")?;
        Ok(InspectionFilter {
            status: self.status,
            inspection_type: self.kind,
            veredict: self.veredict,
            plate: text(&self.plate),
            consumer_identification: text(&self.consumer_identification),
            template_id: text(&self.template_id),
            producers: None,
            from,
            // The last day counts whole.
            to: to.map(|to| to.plus(DAY)),
            before: self.before,
            search: text(&self.search),
        })
    }

    fn is_filtered(&self) -> bool {
        let texts = [
            &self.search,
            &self.plate,
            &self.consumer_identification,
            &self.template_id,
            &self.from.0,
            &self.to.0,
        ];
        self.status.is_some()
            || self.kind.is_some()
            || self.veredict.is_some()
            || texts.iter().any(|text| !text.trim().is_empty())
    }

    /// The same filters as a query, with another cursor.
    fn query(&self, before: Option<InspectionId>) -> String {
        let pairs = [
            ("status", word(self.status)),
            ("type", word(self.kind)),
            ("veredict", word(self.veredict)),
            ("search", self.search.clone()),
            ("plate", self.plate.clone()),
            (
                "consumerIdentification",
                self.consumer_identification.clone(),
            ),
            ("templateId", self.template_id.clone()),
            ("from", self.from.0.clone()),
            ("to", self.to.0.clone()),
            ("before", word(before)),
        ];
        let said = pairs.iter().filter(|(_, text)| !text.is_empty());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(said);
        query.finish()
    }
}

fn word(of: Option<impl ToString>) -> String {
    of.map(|of| of.to_string()).unwrap_or_default()
}

/// A day as the address holds it: `2026-11-18` is one of UTC, `2026-11-18-03:00` one where clocks are three
/// hours behind it. Where clocks are changed on that day, the offset of the last day is that of its end.
#[derive(Debug, Default, Clone, Deserialize)]
struct DayEntry(String);

impl DayEntry {
    /// When it begins; `None` when nothing was said.
    fn start(&self) -> Result<Option<Timestamp>, ()> {
        let offset = match self.offset() {
            "" if self.day().is_empty() => return Ok(None),
            "" => "Z",
            offset if offset.len() == "-03:00".len() && offset.starts_with(['+', '-']) => offset,
            _ => return Err(()),
        };
        let start = format!("{}T00:00:00{offset}", self.day()).parse();
        start.map(Some).map_err(|_| ())
    }

    fn day(&self) -> &str {
        self.halves().0
    }

    /// How far its clocks are from UTC; empty: they are not.
    fn offset(&self) -> &str {
        self.halves().1
    }

    fn halves(&self) -> (&str, &str) {
        let text = self.0.trim();
        text.split_at_checked("2026-11-18".len())
            .unwrap_or((text, ""))
    }
}

#[derive(Template)]
#[template(path = "dashboard/inspections.html")]
struct List {
    frame: Frame,
    asked: Asked,
    wrong: Option<&'static str>,
    is_filtered: bool,
    /// Not said on later pages, where it would count what is left.
    total: Option<String>,
    rows: Vec<Row>,
    /// A command that creates an inspection here.
    first: String,
    /// The query of the page with older ones.
    older: Option<String>,
    /// The query of the first page.
    newest: Option<String>,
}

struct Row {
    id: InspectionId,
    kind: InspectionType,
    plate: Option<String>,
    person: String,
    identification: String,
    template: String,
    status: InspectionStatus,
    veredict: Veredict,
    testing: bool,
    created_at: Moment,
}

pub async fn list(visit: &mut Visit<'_>) -> Outcome {
    let asked: Asked = visit.call.query()?;
    let filter = match asked.filter() {
        Ok(filter) => filter,
        Err(field) => {
            let page = List {
                wrong: Some(field),
                ..empty(visit, asked)
            };
            return visit.page_with(StatusCode::BAD_REQUEST, &page);
        }
    };
    let counts_all = filter.plate.is_none()
        && filter.consumer_identification.is_none()
        && filter.search.is_none();
    let (company, member) = (visit.company.clone(), visit.member.clone());
    let limit = ROWS_MAX + 1;
    let found = seen_inspections(visit.context(), &company, &member, filter, limit).await?;
    let (mut inspections, total) = found;
    let fit = ROWS_MAX as usize;
    let more = inspections.len() > fit;
    inspections.truncate(fit);
    let last = inspections.last().filter(|_| more).map(|last| last.id);
    let is_least = !counts_all && total >= INSPECTIONS_COUNTED_MIN;
    let in_all = visit.t.inspections_in_all(total, is_least);
    let page = List {
        total: (asked.before.is_none() && total > 0).then_some(in_all),
        rows: inspections.iter().map(row).collect(),
        older: last.map(|last| asked.query(Some(last))),
        newest: asked.before.map(|_| asked.query(None)),
        ..empty(visit, asked)
    };
    visit.page(&page)
}

fn empty(visit: &Visit<'_>, asked: Asked) -> List {
    List {
        frame: visit.frame(Section::Inspections),
        is_filtered: asked.is_filtered(),
        asked,
        wrong: None,
        total: None,
        first: first_command(&visit.context().links.public_url),
        rows: Vec::new(),
        older: None,
        newest: None,
    }
}

/// What creates an inspection on this server.
fn first_command(public_url: &str) -> String {
    format!(
        "curl -X POST {public_url}/v1/inspection/car \\\n  \
         -H \"x-api-key: $HERALDO_API_KEY\" -H 'content-type: application/json' \\\n  \
         -d '{{\"templateId\":\"easy\",\"car\":{{\"plate\":\"AB123CD\"}}}}'"
    )
}

fn row(inspection: &Inspection) -> Row {
    let consumer = &inspection.consumer;
    let names = [&consumer.first_name, &consumer.last_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    let mut products = inspection.products.iter();
    Row {
        id: inspection.id,
        kind: inspection.inspection_type,
        plate: products
            .find_map(|product| product.attributes.plate())
            .map(str::to_owned),
        person: names.join(" "),
        identification: consumer.identification.clone().unwrap_or_default(),
        template: inspection.template.name.clone(),
        status: inspection.status(),
        veredict: inspection.veredict(),
        testing: inspection.testing,
        created_at: Moment(inspection.created_at),
    }
}
