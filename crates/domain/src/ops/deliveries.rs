//! Sends again, and sends samples (contract 8).

use heraldo_wire::api::{ResendAnswer, TestWebhookAnswer, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::{EventType, Sample, render, sample};
use heraldo_wire::id::{DeliveryId, EventId, InspectionId, WebhookId};
use heraldo_wire::object::{InspectionType, Metadata};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::accounts::entry;
use super::create_inspection::{access_code, producer_for};
use super::{Context, not_found, problem_of};
use crate::account::Caller;
use crate::change::{AuditAction, AuditEntry, Change, NewDelivery, NewEvent, Origin, Write};
use crate::template::built_in;

/// Plans one more attempt now, whatever the delivery's state.
///
/// # Errors
/// `not_found`; `conflict` when its webhook was deleted or is disabled; the store's.
pub async fn resend(
    context: &Context,
    caller: &Caller,
    id: DeliveryId,
) -> Result<ResendAnswer, Problem> {
    let delivery = context
        .store
        .delivery(caller.company_id, id)
        .await
        .map_err(problem_of)?;
    let delivery = delivery.ok_or_else(not_found)?;
    let company = context.view(caller.company_id).await?;
    match company
        .webhook(delivery.webhook_id)
        .map(|webhook| webhook.settings.status)
    {
        Some(WebhookStatus::Enabled | WebhookStatus::Paused) => {}
        Some(WebhookStatus::Disabled) => {
            return Err(ProblemCode::Conflict.problem(
                "the delivery's webhook is disabled; set its `status` to enabled, then resend",
            ));
        }
        None => {
            return Err(ProblemCode::Conflict
                .problem("the delivery's webhook was deleted; there is nowhere to send it"));
        }
    }
    let (action, now) = (AuditAction::DeliveryResent, context.now());
    let change = Change {
        writes: vec![Write::Resend {
            company_id: caller.company_id,
            delivery_id: id,
            cause: Cause::Manual,
            now,
        }],
        audit: Some(entry(
            context,
            caller.company_id,
            caller.actor,
            action,
            id,
            now,
        )),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(ResendAnswer {
        message: "One more attempt is on its way".to_owned(),
        delivery_id: id,
    })
}

/// Sends a realistic sample of an event to one webhook alone, whatever it is subscribed to.
///
/// # Errors
/// `not_found`; `unknown_event`; `conflict` when the webhook is disabled; the store's.
pub async fn test_webhook(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
    event: &str,
) -> Result<TestWebhookAnswer, Problem> {
    let event = EventType::subscribable(event)
        .map_err(|error| ProblemCode::UnknownEvent.problem(format!("{error}")))?;
    let company = context.view(caller.company_id).await?;
    let webhook = company.webhook(id).ok_or_else(not_found)?;
    if webhook.settings.status == WebhookStatus::Disabled {
        return Err(ProblemCode::Conflict
            .problem("the webhook is disabled; set its `status` to enabled, then test it"));
    }
    let (action, now) = (AuditAction::WebhookTested, context.now());
    let inspection_id = InspectionId(context.next_id(now));
    let template = built_in(InspectionType::Car, "easy").ok_or_else(|| {
        ProblemCode::Internal.problem("the built-in template `easy` for car is missing")
    })?;
    let from = Sample {
        inspection_id,
        first_part_id: context.next_id(now),
        producer: producer_for(&company, caller, None)?,
        template: template.head(),
        metadata: Metadata::from_iter([("test", "true")]),
        at: now,
        public_url: context.links.public_url.clone(),
        access_code: access_code(&*context.entropy),
    };
    let (event_id, delivery_id) = (
        EventId(context.next_id(now)),
        DeliveryId(context.next_id(now)),
    );
    let change = Change {
        events: vec![NewEvent {
            id: event_id,
            company_id: caller.company_id,
            inspection_id,
            event_type: event,
            body: render(&sample(event, &from)).into(),
            origin: Origin::Test,
            sequence: Some(1),
            follows_last: false,
            created_at: now,
            deliveries: vec![NewDelivery {
                id: delivery_id,
                webhook_id: id,
                cause: Cause::Manual,
                strict: false,
            }],
        }],
        audit: Some(AuditEntry {
            detail: Some(event.to_string()),
            ..entry(context, caller.company_id, caller.actor, action, id, now)
        }),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(TestWebhookAnswer {
        event_id,
        delivery_id,
    })
}
