//! The life of a webhook: enabled, paused or disabled, and why.

use heraldo_wire::api::WebhookStatus;
use heraldo_wire::event::DisabledReason;
use heraldo_wire::time::{HumanDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::health::Failing;
use crate::webhook::Webhook;

/// What is known of a webhook's life beside its settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    /// `None` unless it is disabled; also when it was disabled before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// Since when, and why, a webhook is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: Timestamp,
    pub reason: DisabledReason,
    /// The reason in words, with what to do.
    pub detail: String,
}

/// Why a webhook is disabled, with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Manual,
    Gone,
    Failing(Failing),
}

impl Why {
    #[must_use]
    pub const fn reason(self) -> DisabledReason {
        match self {
            Self::Manual => DisabledReason::Manual,
            Self::Gone => DisabledReason::Gone,
            Self::Failing(_) => DisabledReason::Failing,
        }
    }

    fn in_words(self, now: Timestamp) -> String {
        match self {
            Self::Manual => {
                "its `status` was set to disabled; set it to enabled when it is to get events \
                             again, then recover what it missed"
                    .to_owned()
            }
            Self::Gone => {
                "its receiver answered 410 Gone; set its `endpoint` to the one that took its place \
                           and its `status` to enabled, then recover what it missed"
                    .to_owned()
            }
            Self::Failing(run) => {
                let seconds = now.since(run.since).as_secs();
                format!(
                    "for {} its receiver took nothing, in {} attempts; see why in its deliveries, set its \
                     `status` to enabled, then recover what it missed",
                    HumanDuration(std::time::Duration::from_secs(seconds)),
                    run.attempts
                )
            }
        }
    }
}

impl Webhook {
    /// The webhook with another status; the same when it has it already.
    #[must_use]
    pub fn with_status(mut self, status: WebhookStatus, why: Why, now: Timestamp) -> Self {
        if self.settings.status == status {
            return self;
        }
        self.settings.status = status;
        match status {
            WebhookStatus::Disabled => {
                self.life.disabled = Some(Disabled {
                    at: now,
                    reason: why.reason(),
                    detail: why.in_words(now),
                });
            }
            WebhookStatus::Enabled | WebhookStatus::Paused => self.life.disabled = None,
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::tests::webhook;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn the_reason_says_what_to_do_and_goes_with_the_status() {
        let run = Failing {
            since: at(0),
            attempts: 21,
            first: heraldo_wire::id::DeliveryId::default(),
            several: true,
        };
        for why in [Why::Manual, Why::Gone, Why::Failing(run)] {
            let disabled = webhook().with_status(WebhookStatus::Disabled, why, at(7_200_000));
            let said = disabled.life.disabled.clone().unwrap();
            assert_eq!(said.reason, why.reason());
            assert!(
                said.detail.contains("recover what it missed"),
                "{}",
                said.detail
            );
            let again = disabled.with_status(WebhookStatus::Enabled, Why::Manual, at(7_200_001));
            assert_eq!(again.life.disabled, None);
        }
        let failing =
            webhook().with_status(WebhookStatus::Disabled, Why::Failing(run), at(7_200_000));
        let said = failing.life.disabled.unwrap().detail;
        assert!(
            said.contains("for 2h its receiver took nothing, in 21 attempts"),
            "{said}"
        );
    }
}
