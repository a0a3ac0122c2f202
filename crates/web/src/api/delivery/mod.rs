//! Deliveries and their attempts (contract 8, 8.2 "Delivery and attempt").

pub mod list;
pub mod resend;
pub mod retrieve;
pub mod stream;

use heraldo_domain::delivery::Attempt;
use heraldo_domain::query::DeliveryRecord;
use heraldo_wire::api;

fn head(delivery: &DeliveryRecord) -> api::DeliveryHead {
    api::DeliveryHead {
        id: delivery.id,
        event_id: delivery.event_id,
        event: delivery.event_type,
        webhook_id: delivery.webhook_id,
        inspection_id: delivery.inspection_id,
        status: delivery.status,
        next_attempt_at: delivery.next_attempt_at,
        created_at: delivery.created_at,
    }
}

pub fn show_attempt(attempt: Attempt) -> api::Attempt {
    api::Attempt {
        id: attempt.id,
        number: attempt.number,
        cause: attempt.cause,
        started_at: attempt.started_at,
        duration_ms: attempt.duration_ms,
        outcome: attempt.outcome,
        status_code: attempt.status_code,
        error_class: attempt.error_class,
        phase: attempt.phase,
        error: attempt.error,
        response_body: Some(attempt.response_body).filter(|body| !body.is_empty()),
        response_headers: Some(attempt.response_headers).filter(|headers| !headers.is_empty()),
        phases: attempt.phases,
    }
}
