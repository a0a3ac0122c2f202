//! Deliveries: the list, which is live where scripts run, and one with all its attempts.
//!
//! Where deliveries stand is for everybody of the company. Bodies hold personal data and access codes of every
//! inspection of the company, and headers may hold what receivers let callers in by: those, and what receivers
//! answered, are for owners and administrators.

mod attempts;
mod filters;
mod request;
mod row;
mod show;
mod stream;

use askama::Template;
use heraldo_domain::ops::problem_of;
use heraldo_domain::query::Page;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::WebhookId;
use http::StatusCode;

use super::address::Address;
use super::visit::Visit;
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::pages::asset::LIVE_SCRIPT;
use filters::Filters;
use row::Row;

pub use attempts::Failure;
pub use request::{BODY_BYTES_MAX, Part, formatted, shown_part};
pub use show::{resend, show};
pub use stream::stream;

/// Rows of one page.
const ROWS: u32 = 24;
/// Webhooks that a form offers; any other one is chosen by its address.
const CHOICES_MAX: usize = 20;

#[derive(Template)]
#[template(path = "dashboard/deliveries.html")]
struct Deliveries {
    frame: Frame,
    administers: bool,
    has_webhooks: bool,
    script: &'static str,
    webhooks: Vec<Choice>,
    filters: Filters,
    wrong: Option<Wrong>,
    rows: Vec<Row>,
    /// The address of the page with what is older; `None`: there is none.
    older: Option<String>,
    /// The address of the stream that brings this page up to date; `None`: nothing new belongs on it.
    stream: Option<String>,
}

/// A webhook in a form's list.
pub struct Choice {
    pub id: WebhookId,
    pub endpoint: String,
}

/// The webhooks that a form offers, newest first, the chosen one always among them.
pub fn choices(visit: &Visit<'_>, chosen: Option<WebhookId>) -> Vec<Choice> {
    let newest = visit.company.webhooks.iter().rev();
    newest
        .enumerate()
        .filter(|(place, webhook)| *place < CHOICES_MAX || Some(webhook.id) == chosen)
        .map(|(_, webhook)| Choice {
            id: webhook.id,
            endpoint: webhook.settings.endpoint.clone(),
        })
        .collect()
}

pub async fn list(visit: &mut Visit<'_>) -> Outcome {
    let read = Filters::read(visit.call.parts.uri.query().unwrap_or_default());
    let filters = read.filters;
    let mut found = Vec::new();
    if read.wrong.is_none() {
        let page = Page {
            limit: ROWS + 1,
            before: filters.before,
        };
        let store = &visit.context().store;
        let company = visit.company.company.id;
        let rows = store.deliveries(company, filters.asked.clone(), page).await;
        found = rows.map_err(problem_of)?;
    }
    let fit = ROWS as usize;
    let has_more = found.len() > fit;
    found.truncate(fit);
    let last = found.last().filter(|_| has_more);
    let older = last.map(|last| filters.address(Some(last.id)));
    let follows = read.wrong.is_none() && filters.before.is_none() && filters.asked.to.is_none();
    let status = read
        .wrong
        .as_ref()
        .map_or(StatusCode::OK, |wrong| wrong.status);
    visit.page_with(
        status,
        &Deliveries {
            frame: visit.frame(Section::Deliveries),
            administers: visit.administers(),
            has_webhooks: !visit.company.webhooks.is_empty(),
            script: &LIVE_SCRIPT.name,
            webhooks: choices(visit, filters.asked.webhook_id),
            rows: found
                .iter()
                .map(|one| Row::of(one, &visit.company))
                .collect(),
            wrong: read.wrong,
            older,
            stream: follows.then(|| filters.stream_address()),
            filters,
        },
    )
}
