//! Publishes events of a company that runs its own inspections elsewhere (contract 8, 8.2 "Published events").

use heraldo_wire::api::{PublishAnswer, PublishedId};
use heraldo_wire::event::{PublishError, PublishedEvent, parse_published, render_published};
use heraldo_wire::id::{DeliveryId, EventId};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::{Answer, Context, Once, json};
use crate::account::Caller;
use crate::change::{Change, NewEvent, Origin};
use crate::fanout::fan_out;

/// Publishes one event, or all of an array or none; answers 202 once they are durable.
///
/// # Errors
/// `invalid_json`, `invalid_body`, `unknown_event`, `too_many_events`, `idempotency_conflict`; the store's.
pub async fn publish(
    context: &Context,
    caller: &Caller,
    body: &[u8],
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    let published = parse_published(body, context.settings.publish_events_max)
        .map_err(|error| refuse(&error))?;
    let company = context.view(caller.company_id).await?;
    let now = context.now();
    let server = &context.settings.webhook_defaults;
    let events: Vec<NewEvent> = published
        .iter()
        .map(
            |PublishedEvent {
                 event,
                 inspection_id,
                 payload,
             }| NewEvent {
                id: EventId(context.next_id(now)),
                company_id: caller.company_id,
                inspection_id: *inspection_id,
                event_type: *event,
                body: render_published(*event, payload).into(),
                origin: Origin::Published,
                sequence: None,
                created_at: now,
                deliveries: fan_out(&company, server, *event, || {
                    DeliveryId(context.next_id(now))
                }),
            },
        )
        .collect();
    let data = events
        .iter()
        .map(|event| PublishedId { id: event.id })
        .collect();
    let answer = json(&PublishAnswer { data })?;
    let change = Change {
        events,
        ..Change::default()
    };
    context.commit_once(once, now, change, 202, answer).await
}

fn refuse(error: &PublishError) -> Problem {
    let code = match error {
        PublishError::Json(_) => ProblemCode::InvalidJson,
        PublishError::Shape(_) | PublishError::Empty | PublishError::Payload { .. } => {
            ProblemCode::InvalidBody
        }
        PublishError::TooMany { .. } => ProblemCode::TooManyEvents,
        PublishError::UnknownEvent { .. } => ProblemCode::UnknownEvent,
    };
    code.problem(error.to_string())
}
