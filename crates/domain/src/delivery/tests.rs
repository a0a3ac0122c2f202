//! What an outcome makes of a delivery: delivered, failed, or due again and when.

use std::time::Duration;

use heraldo_wire::id::Id;

use super::*;

const STARTED: Timestamp = Timestamp::from_millis(1_000_000);
const ENDED: Timestamp = Timestamp::from_millis(1_000_200);
const QUARTER: Duration = Duration::from_secs(15 * 60);

fn leased(event_type: EventType, cause: Cause, fallback: Fallback) -> Leased {
    Leased {
        delivery_id: DeliveryId(Id::from_parts(1, 1)),
        webhook_id: WebhookId::default(),
        company_id: CompanyId::default(),
        event_id: EventId::default(),
        event_type,
        inspection_id: InspectionId::default(),
        sequence: 1,
        body: Bytes::from_static(b"{}"),
        test: false,
        lease: Epoch(1),
        attempts: 0,
        scheduled_attempts: 0,
        cause,
        first_attempt_at: None,
        fallback,
        recovered: false,
        interruptions: 0,
        strict: false,
    }
}

fn answered(status: u16) -> AttemptReport {
    let result = AttemptResult::Answered(Received {
        status,
        body: "body".to_owned(),
        ..Received::default()
    });
    AttemptReport {
        started_at: STARTED,
        duration_ms: 200,
        result,
        timings: PhaseTimings::default(),
    }
}

fn settled(leased: &Leased, report: AttemptReport) -> Settlement {
    settle(
        leased,
        report,
        AttemptId::default(),
        &RetryPolicy::default(),
        ENDED,
    )
}

#[test]
fn only_a_2xx_delivers() {
    let first = leased(
        EventType::InspectionCreated,
        Cause::First,
        Fallback::Schedule,
    );
    for status in [200, 201, 204, 299] {
        assert_eq!(
            settled(&first, answered(status)).next,
            Next::Delivered,
            "{status}"
        );
    }
    for status in [199, 300, 302, 400, 404, 410, 429, 500, 503] {
        let settlement = settled(&first, answered(status));
        assert_eq!(settlement.next, Next::Failed, "{status}");
        assert_eq!(settlement.attempt.error_class, Some(ErrorClass::Status));
        assert_eq!(settlement.attempt.status_code, Some(status));
        assert!(
            settlement
                .attempt
                .error
                .as_ref()
                .is_some_and(|words| words.contains(&status.to_string()))
        );
    }
}

#[test]
fn a_retried_event_is_attempted_three_times_and_then_fails() {
    let mut delivery = leased(
        EventType::InspectionCompleted,
        Cause::First,
        Fallback::Schedule,
    );
    let mut next = Vec::new();
    for _ in 0..3 {
        let settlement = settled(&delivery, answered(500));
        delivery.attempts = settlement.attempt.number;
        delivery.scheduled_attempts = settlement.scheduled_attempts;
        delivery.first_attempt_at = Some(settlement.first_attempt_at);
        delivery.cause = Cause::Retry;
        next.push(settlement.next);
    }
    let expected = [
        Next::RetryAt(STARTED.plus(QUARTER)),
        Next::RetryAt(STARTED.plus(QUARTER * 2)),
        Next::Failed,
    ];
    assert_eq!(next, expected);
    assert_eq!(delivery.attempts, 3);
}

#[test]
fn a_failed_manual_attempt_leaves_what_was_planned() {
    let check = |fallback, expected| {
        let manual = leased(EventType::InspectionCompleted, Cause::Manual, fallback);
        let settlement = settled(&manual, answered(500));
        assert_eq!(settlement.next, expected);
        assert_eq!(
            settlement.scheduled_attempts, 0,
            "a manual attempt is not one of the schedule"
        );
    };
    let later = STARTED.plus(QUARTER);
    check(Fallback::RetryAt(later), Next::RetryAt(later));
    check(Fallback::Delivered, Next::Delivered);
    check(Fallback::Failed, Next::Failed);
    check(Fallback::Cancelled, Next::Cancelled);
    // A test event: sent once, whatever its type.
    check(Fallback::Schedule, Next::Failed);
}

#[test]
fn a_failure_keeps_its_class_its_phase_and_the_status_that_had_come() {
    let first = leased(
        EventType::InspectionCreated,
        Cause::First,
        Fallback::Schedule,
    );
    let result = AttemptResult::Failed {
        class: ErrorClass::Timeout,
        phase: Some(Phase::Body),
        error: "too slow".to_owned(),
        status: Some(200),
        part: None,
    };
    let settlement = settled(
        &first,
        AttemptReport {
            result,
            ..answered(200)
        },
    );
    assert_eq!(settlement.next, Next::Failed);
    assert_eq!(settlement.attempt.error_class, Some(ErrorClass::Timeout));
    assert_eq!(settlement.attempt.phase, Some(Phase::Body));
    assert_eq!(settlement.attempt.status_code, Some(200));
}
