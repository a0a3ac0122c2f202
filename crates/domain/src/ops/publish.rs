//! Publishes events of a company that runs its own inspections elsewhere (contract 8, 8.2 "Published events").

use bytes::Bytes;
use heraldo_wire::api::{PublishAnswer, PublishedId};
use heraldo_wire::event::{PublishError, parse_published, render_published};
use heraldo_wire::id::{DeliveryId, EventId};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::{Answer, Context, Once, json, problem_of};
use crate::account::Caller;
use crate::change::{Change, NewEvent, Origin};
use crate::fanout::fan_out;
use crate::store::StoreError;

/// What meets events of the same inspection that were made later is decided anew this often.
const TRIES: usize = 16;

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
    let bodies: Vec<Bytes> = published
        .iter()
        .map(|published| render_published(published.event, published.payload).into())
        .collect();
    for tried in 1..=TRIES {
        let company = context.view(caller.company_id).await?;
        let now = context.now();
        let mut next_id = context.ids_of_events(now, published.len(), &company);
        let decided = published.iter().zip(&bodies);
        let events = decided.map(|(published, body)| {
            let event = published.event;
            NewEvent {
                id: EventId(next_id()),
                company_id: caller.company_id,
                inspection_id: published.inspection_id,
                event_type: event,
                body: body.clone(),
                origin: Origin::Published,
                sequence: None,
                // A clock that was set back makes no event later than those before: they are not held up for it.
                follows_last: tried < TRIES,
                created_at: now,
                deliveries: fan_out(&company, &context.settings.webhook_defaults, event, || {
                    DeliveryId(next_id())
                }),
            }
        });
        let events: Vec<NewEvent> = events.collect();
        let ids = events.iter().map(|event| PublishedId { id: event.id });
        let answer = json(&PublishAnswer {
            data: ids.collect(),
        })?;
        let change = Change {
            events,
            ..Change::default()
        };
        match context.commit_once(once, now, change, 202, answer).await {
            // Events of the same inspection that were made later are stored already.
            Err(problem) if problem.code == ProblemCode::Conflict => {}
            answered => return answered,
        }
    }
    Err(problem_of(StoreError::Conflict))
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
