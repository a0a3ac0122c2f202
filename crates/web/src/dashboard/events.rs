//! One event: its exact body, and what became of it for every webhook ("why?").

use askama::Template;
use axum::response::Response;
use heraldo_domain::change::Origin;
use heraldo_domain::ops::explain::{ForWebhook, explain};
use heraldo_domain::ops::{not_found, problem_of};
use heraldo_domain::query::EventRecord;
use heraldo_wire::api::{ExplainedReason, ExplainedState};
use heraldo_wire::headers::CONTENT_TYPE_JSON;
use heraldo_wire::id::EventId;
use heraldo_wire::time::Timestamp;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use url::form_urlencoded;

use super::address::Address;
use super::deliveries::{BODY_BYTES_MAX, Failure, Part, formatted, shown_part};
use super::moment::Moment;
use super::pager::Pager;
use super::visit::Visit;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::reply;

/// Webhooks on one page.
const WEBHOOKS: usize = 12;

#[derive(Template)]
#[template(path = "dashboard/event.html")]
struct EventPage {
    frame: Frame,
    administers: bool,
    event: EventRecord,
    made_at: Moment,
    is_test: bool,
    /// Its inspection is one of this server.
    is_ours: bool,
    webhooks: Vec<Answer>,
    path: String,
    pages: Pager,
    /// What owners and administrators see: the body as it was sent, and laid out.
    body: Option<(Part, Part)>,
    /// The query of a recovery of this event alone, without the webhook.
    range: String,
}

/// The answer for one webhook.
struct Answer {
    of: ForWebhook,
    delivered_at: Option<Moment>,
    next_at: Option<Moment>,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let id: EventId = visit.id().await?;
    let explained = explain(visit.context(), &visit.caller(), id).await?;
    let event = explained.event;
    let body = visit.administers().then(|| {
        // Bodies are rendered as UTF-8, so that nothing is lost.
        let body = String::from_utf8_lossy(&event.body);
        let laid_out = formatted(&body);
        (
            shown_part(&body, BODY_BYTES_MAX),
            shown_part(&laid_out, BODY_BYTES_MAX),
        )
    });
    let mut pages = Pager::read(visit.call.parts.uri.query(), "why", WEBHOOKS);
    let webhooks = pages.cut(explained.webhooks);
    visit.page(&EventPage {
        frame: visit.frame(Section::Deliveries),
        administers: visit.administers(),
        made_at: Moment(event.created_at),
        is_test: event.origin == Origin::Test,
        is_ours: event.origin == Origin::Inspection,
        webhooks: webhooks.into_iter().map(Answer::of).collect(),
        path: format!("dashboard/events/{id}"),
        pages,
        body,
        range: range_of(event.created_at),
        event,
    })
}

impl Answer {
    fn of(webhook: ForWebhook) -> Self {
        let delivery = webhook.delivery.as_ref();
        let last = delivery.and_then(|delivery| delivery.last_attempt.as_ref());
        let delivered = last.filter(|_| webhook.state == ExplainedState::Delivered);
        Self {
            delivered_at: delivered.map(|last| Moment(last.started_at)),
            next_at: delivery
                .and_then(|delivery| delivery.next_attempt_at)
                .map(Moment),
            of: webhook,
        }
    }

    /// Whether a recovery would send it to the webhook as it is now, but for its status.
    fn may_be_recovered(&self) -> bool {
        let unsent = match self.of.state {
            ExplainedState::NotSent | ExplainedState::Cancelled => true,
            ExplainedState::Delivered | ExplainedState::Pending | ExplainedState::Failed => false,
        };
        unsent
            && self.of.endpoint.is_some()
            && self.of.reason != Some(ExplainedReason::NotSubscribed)
    }

    /// Why its last attempt failed, while it is not delivered.
    fn failure(&self) -> Option<Failure> {
        let last = self.of.delivery.as_ref()?.last_attempt.as_ref()?;
        Failure::of(last).filter(|_| self.of.state != ExplainedState::Delivered)
    }
}

/// The millisecond in which an event was made.
fn range_of(at: Timestamp) -> String {
    let end = Timestamp::from_millis(at.as_millis().saturating_add(1));
    form_urlencoded::Serializer::new(String::new())
        .append_pair("from", &at.to_string())
        .append_pair("to", &end.to_string())
        .finish()
}

/// The exact bytes, as a file.
pub async fn body(visit: &mut Visit<'_>) -> Outcome {
    let id: EventId = visit.id().await?;
    let company = visit.company.company.id;
    let event = visit.context().store.event(company, id).await;
    let event = event.map_err(problem_of)?.ok_or_else(not_found)?;
    let mut response: Response = reply::bytes(StatusCode::OK, CONTENT_TYPE_JSON, event.body);
    response.headers_mut().insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"body.json\""),
    );
    Ok(response)
}
