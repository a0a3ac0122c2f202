//! Why a webhook did not get an event: what it was set to when the event was made.

use std::time::Duration;

use heraldo_wire::api::{ExplainedReason, WebhookStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Origin;
use crate::query::EventRecord;
use crate::webhook::Webhook;

/// What of a webhook decides on its events, and since when. Engines keep one for each version in which it
/// differs from the version before, up to [`WEBHOOK_STATES_KEPT_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookState {
    pub webhook_id: WebhookId,
    /// The version of the webhook that it began with.
    pub version: u64,
    pub since: Timestamp,
    pub status: WebhookStatus,
    pub events: Vec<EventType>,
}

/// So many states of one webhook are kept, the newest.
pub const WEBHOOK_STATES_KEPT_MAX: u32 = 256;

/// An event is decided on what was read of its webhooks just before, so that one made this soon after a
/// change may still go by the state before it.
const DECISION_TIME_MAX: Duration = Duration::from_secs(5);

impl WebhookState {
    #[must_use]
    pub fn of(webhook: &Webhook) -> Self {
        Self {
            webhook_id: webhook.id,
            version: webhook.version,
            since: webhook.updated_at,
            status: webhook.settings.status,
            events: webhook.settings.events.clone(),
        }
    }

    /// Whether the same events go to both, for the same reasons.
    #[must_use]
    pub fn decides_as(&self, other: &Self) -> bool {
        (self.status, &self.events) == (other.status, &other.events)
    }

    /// Why an event of this type gets no delivery in this state; `None`: it gets one.
    fn refusal(&self, event: EventType) -> Option<ExplainedReason> {
        if !self.events.contains(&event) {
            return Some(ExplainedReason::NotSubscribed);
        }
        match self.status {
            WebhookStatus::Disabled => Some(ExplainedReason::Disabled),
            WebhookStatus::Enabled | WebhookStatus::Paused => None,
        }
    }
}

/// Why `webhook` has no delivery of `event`, and the same in a sentence. `states` are the two newest from
/// up to when the event was made and the oldest one after it, as far as they are kept, in their order.
#[must_use]
pub fn why_not_sent(
    event: &EventRecord,
    webhook: &Webhook,
    states: &[WebhookState],
) -> (ExplainedReason, String) {
    let made_at = event.created_at;
    if event.origin == Origin::Test {
        let text = "Not sent: it is a test event of another webhook.".to_owned();
        return (ExplainedReason::Filtered, text);
    }
    if webhook.created_at > made_at {
        let text = format!(
            "Not sent: the webhook was created at {}, after the event. To send it, recover a time range of \
             the webhook with `status` missing.",
            webhook.created_at
        );
        return (ExplainedReason::CreatedLater, text);
    }
    let (before, after): (Vec<&WebhookState>, Vec<&WebhookState>) =
        states.iter().partition(|state| state.since <= made_at);
    let in_force = before.last();
    // The state in force says it; if it would have sent it, the event was decided on a neighbour of it.
    let a_moment = |from: Timestamp, to: Timestamp| to.since(from) <= DECISION_TIME_MAX;
    let just_before = in_force
        .filter(|state| a_moment(state.since, made_at))
        .and_then(|_| before.iter().rev().nth(1));
    let just_after = after.first().filter(|state| a_moment(made_at, state.since));
    let said = [in_force, just_before, just_after]
        .into_iter()
        .flatten()
        .find_map(|state| state.refusal(event.event_type));
    let event_type = event.event_type;
    match said {
        Some(reason @ ExplainedReason::NotSubscribed) => (
            reason,
            format!(
                "Not sent: the webhook was not subscribed to `{event_type}` when the event was made. To get \
                 such events, add the name to its `events`."
            ),
        ),
        Some(reason) => (
            reason,
            "Not sent: the webhook was disabled when the event was made. To send it, enable the webhook and \
             recover a time range with `status` missing."
                .to_owned(),
        ),
        None if in_force.is_none() => (
            ExplainedReason::Filtered,
            "Not sent: what the webhook was set to then is not known any more. To send it, recover a time \
             range of the webhook with `status` missing."
                .to_owned(),
        ),
        None => (
            ExplainedReason::Filtered,
            "Not sent: the webhook was being changed when the event was made. To send it, recover a time \
             range of the webhook with `status` missing."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::api::WebhookHeaders;
    use heraldo_wire::id::{CompanyId, EventId, InspectionId};
    use heraldo_wire::signature::Secret;

    use super::*;
    use crate::webhook::{Secrets, TlsSettings, WebhookSettings};

    const CREATED: i64 = 1_000_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(CREATED + ms)
    }

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::default(),
            company_id: CompanyId::default(),
            version: 1,
            settings: WebhookSettings {
                endpoint: "https://receiver.example".to_owned(),
                events: vec![EventType::InspectionCreated],
                description: None,
                status: WebhookStatus::Enabled,
                headers: WebhookHeaders::new(),
                ordering: None,
                retry_waits: None,
                retry_events: None,
                timeout_ms: None,
                concurrency: None,
                rate_per_second: None,
                retry_on_recovery: None,
                disable_after: None,
                disable_attempts_min: None,
                tls: TlsSettings::default(),
            },
            secrets: Secrets::new(Secret::from_random([1; 32]), at(0)),
            life: crate::life::Life::default(),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn state(since: i64, status: WebhookStatus) -> WebhookState {
        WebhookState {
            since: at(since),
            status,
            ..WebhookState::of(&webhook())
        }
    }

    fn event(ms: i64, event_type: EventType, origin: Origin) -> EventRecord {
        EventRecord {
            id: EventId::default(),
            company_id: CompanyId::default(),
            inspection_id: InspectionId::default(),
            event_type,
            sequence: 1,
            origin,
            created_at: at(ms),
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn each_reason_is_told_from_the_state_in_force_when_the_event_was_made() {
        use ExplainedReason::{CreatedLater, Disabled, Filtered, NotSubscribed};
        use WebhookStatus::{Disabled as Off, Enabled as On};
        let check = |ms: i64, kind: EventType, origin, states: &[WebhookState], expected| {
            let (reason, text) = why_not_sent(&event(ms, kind, origin), &webhook(), states);
            assert_eq!(reason, expected, "{text}");
            assert!(
                text.starts_with("Not sent: ") && text.ends_with('.'),
                "{text}"
            );
        };
        let (created, completed) = (EventType::InspectionCreated, EventType::InspectionCompleted);
        let on = [state(0, On)];
        check(20_000, created, Origin::Test, &on, Filtered);
        check(-1, created, Origin::Inspection, &on, CreatedLater);
        check(20_000, completed, Origin::Inspection, &on, NotSubscribed);
        let off = [state(0, On), state(10_000, Off), state(30_000, On)];
        check(20_000, created, Origin::Published, &off, Disabled);
        // Decided on what was read just before the webhook was enabled again, or on the disabling to come.
        let on_again = [state(10_000, Off), state(19_999, On)];
        check(20_000, created, Origin::Inspection, &on_again, Disabled);
        let soon_off = [state(0, On), state(20_001, Off)];
        check(20_000, created, Origin::Inspection, &soon_off, Disabled);
        let long_on = [state(0, Off), state(1_000, On), state(90_000, Off)];
        check(20_000, created, Origin::Inspection, &long_on, Filtered);
        check(20_000, created, Origin::Inspection, &[], Filtered);
    }
}
