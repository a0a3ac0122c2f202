//! A test event: sent by a form, and its attempts as they end.

use heraldo_domain::delivery::Attempt;
use heraldo_domain::ops::deliveries::test_webhook;
use heraldo_domain::ops::problem_of;
use heraldo_domain::query::DeliveryRecord;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::problem::ProblemCode;
use url::form_urlencoded;

use super::page::refuse;
use super::page_of;
use crate::call::Outcome;
use crate::dashboard::moment::Moment;
use crate::dashboard::visit::{Form, Visit};
use crate::dashboard::wrong::Wrong;
use crate::problem::Failure;
use crate::words::Words;

/// So much of an answer is shown here; the delivery's own page shows the rest.
const ANSWER_CHARACTERS_MAX: usize = 400;

/// A test event that was sent, and what came of it.
pub struct Sent {
    pub delivery_id: DeliveryId,
    pub event: EventType,
    pub status: DeliveryStatus,
    pub attempts: Vec<AttemptShown>,
    /// More is to come.
    pub is_open: bool,
}

/// One attempt.
pub struct AttemptShown {
    pub number: u32,
    pub at: Moment,
    pub took: String,
    pub status_code: Option<u16>,
    pub failure: Option<FailureShown>,
    /// The beginning of the receiver's own words.
    pub answer: String,
}

pub struct FailureShown {
    pub what: &'static str,
    pub advice: &'static str,
}

pub async fn send_test(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let event = form.text("event");
    let tested = test_webhook(visit.context(), &visit.caller(), id, event).await;
    match tested {
        Ok(answer) => {
            let page = format!("{}?test={}#test", page_of(id), answer.delivery_id);
            visit.go(&page, None)
        }
        Err(problem) if problem.code == ProblemCode::UnknownEvent => {
            refuse(visit, id, Wrong::field("event", problem.detail)).await
        }
        Err(problem) => Err(problem.into()),
    }
}

/// The test event that the address names, if it went to this webhook.
pub async fn sent(visit: &mut Visit<'_>, webhook: WebhookId) -> Result<Option<Sent>, Failure> {
    let query = visit.call.parts.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let asked = pairs.find(|(name, _)| name == "test");
    let Some(Ok(delivery_id)) = asked.map(|(_, id)| id.parse::<DeliveryId>()) else {
        return Ok(None);
    };
    let company = visit.company.company.id;
    let found = visit.context().store.delivery(company, delivery_id).await;
    let found = found.map_err(problem_of)?;
    let own = found.filter(|delivery| delivery.webhook_id == webhook);
    Ok(own.map(|delivery| show(visit.t, &delivery)))
}

fn show(t: Words, delivery: &DeliveryRecord) -> Sent {
    Sent {
        delivery_id: delivery.id,
        event: delivery.event_type,
        status: delivery.status,
        attempts: delivery.attempts.iter().map(|it| attempt(t, it)).collect(),
        is_open: match delivery.status {
            DeliveryStatus::Pending => true,
            DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Cancelled => false,
        },
    }
}

fn attempt(t: Words, attempt: &Attempt) -> AttemptShown {
    AttemptShown {
        number: attempt.number,
        at: Moment(attempt.started_at),
        took: t.lasting(u64::from(attempt.duration_ms)),
        status_code: attempt.status_code,
        failure: attempt.error_class.map(|class| FailureShown {
            what: t.failure(class, attempt.phase),
            advice: t.advice(class, attempt.status_code),
        }),
        answer: attempt
            .response_body
            .chars()
            .take(ANSWER_CHARACTERS_MAX)
            .collect(),
    }
}
