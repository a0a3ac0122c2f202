//! When a failed delivery is tried again, as a pure value (contract 4.4, 8.2 "Durations").

use std::time::Duration;

use heraldo_wire::event::EventType;
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Which events are retried, and after which waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// The waits between attempts; one more attempt than waits is made at most.
    pub waits: Vec<Duration>,
    /// Events of other types are sent once.
    pub retried: Vec<EventType>,
    /// A receiver that asks for time gets at most this much.
    pub retry_after_max: Duration,
}

/// No schedule is longer than this many waits.
pub const WAITS_MAX: usize = 32;
/// No single wait is longer than this.
pub const WAIT_MAX: Duration = Duration::from_secs(30 * 86_400);

/// What a receiver that asks for time gets at most, unless the server says otherwise.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

impl Default for RetryPolicy {
    /// The documented rule: three events, two repetitions within 30 minutes. What tells of webhooks is
    /// repeated as well.
    fn default() -> Self {
        let quarter = Duration::from_secs(15 * 60);
        Self {
            waits: vec![quarter, quarter],
            retried: EventType::SUBSCRIBABLE
                .into_iter()
                .filter(|event| event.is_retried_by_default())
                .collect(),
            retry_after_max: RETRY_AFTER_MAX,
        }
    }
}

impl RetryPolicy {
    /// When the attempt after `made` scheduled ones is due: at the START of the first attempt plus the
    /// sum of the waits so far, or at `ended`, if that is later. `None`: the schedule is used up.
    #[must_use]
    pub fn next_attempt_at(
        &self,
        event: EventType,
        made: u32,
        first_started_at: Timestamp,
        ended: Timestamp,
    ) -> Option<Timestamp> {
        let made = usize::try_from(made).ok()?;
        if made == 0 || !self.retried.contains(&event) {
            return None;
        }
        let so_far = self.waits.get(..made)?;
        Some(first_started_at.plus(so_far.iter().sum()).max(ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Timestamp = Timestamp::from_millis(1_000_000);
    const MINUTE_MS: i64 = 60_000;

    fn due(event: EventType, made: u32, ended_after_ms: i64) -> Option<i64> {
        let ended = Timestamp::from_millis(FIRST.as_millis() + ended_after_ms);
        RetryPolicy::default()
            .next_attempt_at(event, made, FIRST, ended)
            .map(|at| at.as_millis() - FIRST.as_millis())
    }

    #[test]
    fn the_documented_schedule_is_15_and_30_minutes_after_the_first_attempt() {
        let event = EventType::InspectionCompleted;
        assert_eq!(due(event, 1, 14_000), Some(15 * MINUTE_MS));
        assert_eq!(due(event, 2, 15 * MINUTE_MS + 9_000), Some(30 * MINUTE_MS));
        assert_eq!(due(event, 3, 30 * MINUTE_MS), None);
    }

    #[test]
    fn an_attempt_that_ends_after_the_next_is_due_is_followed_at_once() {
        assert_eq!(
            due(EventType::ImageProcessed, 1, 20 * MINUTE_MS),
            Some(20 * MINUTE_MS)
        );
    }

    #[test]
    fn exactly_three_events_are_retried() {
        let retried: Vec<_> = EventType::ALL
            .into_iter()
            .filter(|event| due(*event, 1, 0).is_some())
            .collect();
        assert_eq!(
            retried,
            [
                EventType::ImageProcessed,
                EventType::ExtraImageProcessed,
                EventType::InspectionCompleted
            ]
        );
    }
}
