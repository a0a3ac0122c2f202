//! One delivery: what was sent, every attempt, and sending it again.

use askama::Template;
use heraldo_domain::change::Origin;
use heraldo_domain::delivery::Attempt;
use heraldo_domain::ops::deliveries::resend as make_one_more;
use heraldo_domain::ops::{not_found, problem_of};
use heraldo_domain::query::DeliveryRecord;
use heraldo_wire::api::{DeliveryStatus, WebhookStatus};
use heraldo_wire::attempt::AttemptOutcome;
use heraldo_wire::id::DeliveryId;

use super::attempts::{Shown, shown};
use super::request::{
    BODY_BYTES_MAX, Header, Part, Value, command, formatted, headers, shown_part,
};
use crate::call::Outcome;
use crate::dashboard::address::Address;
use crate::dashboard::moment::Moment;
use crate::dashboard::visit::{Done, Form, Visit};
use crate::frame::{Frame, Section};

#[derive(Template)]
#[template(path = "dashboard/delivery.html")]
struct DeliveryPage {
    frame: Frame,
    delivery: DeliveryRecord,
    made_at: Moment,
    next_at: Option<Moment>,
    /// `None`: it was deleted.
    endpoint: Option<String>,
    webhook_status: Option<WebhookStatus>,
    sequence: u32,
    /// Its inspection is one of this server.
    is_ours: bool,
    attempts: Vec<Shown>,
    /// What owners and administrators see.
    inside: Option<Inside>,
}

/// What was sent.
struct Inside {
    /// As it was sent, and laid out.
    raw: Part,
    laid_out: Part,
    /// `None`: its webhook was deleted.
    sent: Option<Sent>,
}

struct Sent {
    headers: Vec<Header>,
    /// The attempt that they are those of; `None`: of the first one, which has not been made yet.
    attempt: Option<u32>,
    /// The webhook was changed after that attempt, then.
    changed_at: Option<Moment>,
    command: String,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let id: DeliveryId = visit.id().await?;
    let company = visit.company.company.id;
    let store = &visit.context().store;
    let delivery = store.delivery(company, id).await.map_err(problem_of)?;
    let delivery = delivery.ok_or_else(not_found)?;
    let event = store.event(company, delivery.event_id).await;
    let event = event.map_err(problem_of)?.ok_or_else(not_found)?;
    let webhook = visit.company.webhook(delivery.webhook_id);
    let inside = visit.administers().then(|| {
        // Bodies are rendered as UTF-8, so that nothing is lost.
        let body = String::from_utf8_lossy(&event.body);
        let raw = shown_part(&body, BODY_BYTES_MAX);
        let newest: Option<&Attempt> = delivery.attempts.last();
        let sent = webhook.map(|webhook| {
            let headers = headers(visit.context(), webhook, &event, newest);
            let endpoint = &webhook.settings.endpoint;
            let whole = raw.is_whole.then_some(&*body);
            let command = command(endpoint, whole, &event.id.to_string(), &headers);
            let was_changed = headers.iter().any(|header| header.is_as_now);
            Sent {
                headers,
                attempt: newest.map(|attempt| attempt.number),
                changed_at: was_changed.then_some(Moment(webhook.updated_at)),
                command,
            }
        });
        Inside {
            laid_out: shown_part(&formatted(&body), BODY_BYTES_MAX),
            raw,
            sent,
        }
    });
    visit.page(&DeliveryPage {
        frame: visit.frame(Section::Deliveries),
        made_at: Moment(delivery.created_at),
        next_at: delivery.next_attempt_at.map(Moment),
        endpoint: webhook.map(|webhook| webhook.settings.endpoint.clone()),
        webhook_status: webhook.map(|webhook| webhook.settings.status),
        sequence: event.sequence,
        is_ours: event.origin == Origin::Inspection,
        attempts: shown(visit.t, &delivery.attempts, event.origin == Origin::Test),
        inside,
        delivery,
    })
}

pub async fn resend(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: DeliveryId = visit.id().await?;
    make_one_more(visit.context(), &visit.caller(), id).await?;
    visit.go(&format!("dashboard/deliveries/{id}"), Some(Done::Resent))
}
