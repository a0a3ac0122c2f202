//! What the model says to webhooks that are disabled by themselves, and to retries that are sent at once.

use heraldo_domain::change::NewEvent;
use heraldo_domain::health::DisablePolicy;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::{DeliveryStatus, WebhookStatus};
use heraldo_wire::event::{DisabledReason, EventType};
use heraldo_wire::id::{CompanyId, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::{Accepted, Oracle, Place, UnderWay};
use crate::world::{Check, World, violated};

/// How a webhook fared, as far as a reason to disable it can be seen from it.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Its receiver has answered 410, whether or not that was written.
    gone: bool,
    /// Since the last success, in the order in which they were written.
    failures: Vec<(Place, Timestamp)>,
    /// An event tells each time.
    times_disabled: u32,
}

impl Oracle {
    pub(super) fn note_answer(&mut self, webhook: WebhookId, status_code: Option<u16>) {
        if status_code == Some(410) {
            self.records.entry(webhook).or_default().gone = true;
        }
    }

    pub(super) fn note_outcome(&mut self, place: Place, delivered: bool, started_at: Timestamp) {
        let record = self.records.entry(place.0).or_default();
        if delivered {
            record.failures.clear();
        } else {
            record.failures.push((place, started_at));
        }
    }

    /// The server has disabled a webhook by itself.
    ///
    /// # Errors
    /// When it had no reason.
    pub fn disabled(
        &mut self,
        disabled: &Webhook,
        policy: DisablePolicy,
        told: (Option<&NewEvent>, &[u64]),
        world: &mut World,
    ) -> Check {
        let webhook = disabled.id;
        let name = world.webhook(webhook);
        let reason = disabled.life.disabled.as_ref().map(|why| why.reason);
        world.note(format_args!("webhook: {name} is disabled: {reason:?}"));
        let Some(hook) = self.hooks.get(&webhook).filter(|hook| !hook.is_ended()) else {
            return violated(format!("{name} is disabled, and was before"));
        };
        let company = hook.company;
        let record = self.records.entry(webhook).or_default();
        let has_reason = match reason {
            None | Some(DisabledReason::Manual) => false,
            Some(DisabledReason::Gone) => record.gone,
            Some(DisabledReason::Failing) => {
                let failures = &record.failures;
                let count = u32::try_from(failures.len()).unwrap_or(u32::MAX);
                let first = failures.iter().map(|(_, started_at)| *started_at).min();
                let several = failures
                    .iter()
                    .any(|(place, _)| failures.first().is_some_and(|(first, _)| first != place));
                let long = first.zip(policy.after);
                several
                    && count >= policy.attempts_min
                    && long.is_some_and(|(first, after)| world.now().since(first) >= after)
            }
        };
        if !has_reason {
            return violated(format!("{name} is disabled without a reason"));
        }
        self.webhook_status(webhook, Some(WebhookStatus::Disabled), world.turn);
        let (made, reads) = told;
        self.told_disabled(webhook, company, made, reads, world)
    }

    /// A webhook was disabled, by somebody or by itself: the company's others are told.
    ///
    /// # Errors
    /// When they are not, or others are, or the place of that event was given out before.
    pub fn told_disabled(
        &mut self,
        webhook: WebhookId,
        company: CompanyId,
        made: Option<&NewEvent>,
        reads: &[u64],
        world: &mut World,
    ) -> Check {
        let Some(made) = made else {
            return violated("a webhook is disabled, and nobody is told");
        };
        let record = self.records.entry(webhook).or_default();
        record.times_disabled += 1;
        let told = Accepted {
            company,
            inspection: InspectionId(webhook.0),
            event_type: EventType::WebhookDisabled,
            sequence: record.times_disabled,
        };
        self.accepted(told, made, reads, world)
    }

    /// Waiting retries of a webhook that has recovered are due now: which of them the store took first is
    /// its own affair.
    pub fn brought_forward(
        &mut self,
        webhook: WebhookId,
        count: u32,
        now: Timestamp,
        world: &mut World,
    ) {
        let name = world.webhook(webhook);
        world.note(format_args!(
            "recovered: {count} retries of {name} are due now"
        ));
        for (place, expected) in &mut self.expected {
            let waits = place.0 == webhook
                && expected.status == DeliveryStatus::Pending
                && expected.now == UnderWay::Nothing
                && !expected.attempts.is_empty();
            if waits {
                expected.bring_forward(now);
            }
        }
    }
}
