//! What the model says to each attempt: whether it may start, what it comes to, what follows.

use std::sync::Arc;
use std::time::Duration;

use heraldo_domain::delivery::{
    AttemptReport, AttemptResult, INTERRUPTIONS_MAX, Leased, Settlement,
};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Settled, Store};
use heraldo_domain::webhook::{Defaults, Webhook};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::{Attempted, Expected, Oracle, Place, UnderWay, place_name};
use crate::world::{Check, World, violated, wait_for};

/// Whom an attempt goes to, as the worker knows him.
#[derive(Debug)]
pub struct Receiver<'a> {
    pub webhook: &'a Arc<Webhook>,
    /// The turn in which it was read.
    pub read: u64,
    /// The rate that the lanes were told when the attempt took its slot.
    pub rate: Option<u32>,
    pub defaults: &'a Defaults,
}

fn place_of(leased: &Leased) -> Place {
    (leased.webhook_id, leased.inspection_id, leased.sequence)
}

impl Oracle {
    /// An attempt goes out now.
    ///
    /// # Errors
    /// When it must not.
    pub fn started(
        &mut self,
        leased: &Leased,
        to: &Receiver<'_>,
        store: &dyn Store,
        world: &mut World,
    ) -> Check {
        let place = place_of(leased);
        let name = place_name(place, world);
        self.starts += 1;
        self.check_rate(leased.webhook_id, to.rate, world)?;
        self.places.insert(leased.delivery_id, place);
        world.note(format_args!(
            "send: {name}, attempt {} ({:?})",
            leased.attempts + 1,
            leased.cause
        ));
        check_content(leased, to.webhook, store, &name)?;
        if let Some(hook) = self.hooks.get(&leased.webhook_id) {
            let now = world.now();
            hook.secrets
                .check(leased, to.webhook, to.defaults, to.read, now, &name)?;
        }
        let robbed = self.robbed;
        if !robbed {
            self.check_order(place, leased.cause, world)?;
            self.check_strict_order(place, world)?;
        }
        let now = world.now();
        let expected = self.at(place, world)?;
        if !robbed {
            expected.check_start(leased, now, &name)?;
        }
        if leased.cause == Cause::Manual {
            expected.begin_manual();
        }
        expected.owed = false;
        expected.now = UnderWay::Started;
        expected.left = false;
        Ok(())
    }

    /// The request of an attempt is being written to its receiver.
    pub fn left(&mut self, leased: &Leased, world: &mut World) {
        let place = place_of(leased);
        let name = place_name(place, world);
        world.note(format_args!("left: {name}"));
        if let Some(expected) = self.expected.get_mut(&place) {
            expected.left = true;
        }
    }

    /// In no second more is sent than the rate under which it is sent allows, crashes or not. While a rate
    /// is being changed the highest one of that second counts.
    fn check_rate(&mut self, webhook: WebhookId, rate: Option<u32>, world: &mut World) -> Check {
        let now = world.now();
        let sent = self.sent.entry(webhook).or_default();
        while sent
            .front()
            .is_some_and(|(at, _)| now.since(*at) >= Duration::from_secs(1))
        {
            sent.pop_front();
        }
        sent.push_back((now, rate));
        let unlimited = sent.iter().any(|(_, rate)| rate.is_none());
        let highest = sent.iter().filter_map(|(_, rate)| *rate).max().unwrap_or(0);
        let count = sent.len();
        if !unlimited && count > usize::try_from(highest).unwrap_or(usize::MAX) {
            let name = world.webhook(webhook);
            return violated(format!(
                "{count} attempts were sent to {name} in one second, which takes {highest}"
            ));
        }
        Ok(())
    }

    /// A first attempt waits for the first attempts of the events before it.
    fn check_order(&self, place: Place, cause: Cause, world: &mut World) -> Check {
        let (webhook, inspection, sequence) = place;
        if cause != Cause::First || !self.hooks.get(&webhook).is_some_and(|hook| hook.ordered) {
            return Ok(());
        }
        let before = (webhook, inspection, 0)..(webhook, inspection, sequence);
        let early = self.expected.range(before).find(|(_, earlier)| {
            earlier.status == DeliveryStatus::Pending && !earlier.first_over && !earlier.test
        });
        match early {
            None => Ok(()),
            Some((earlier, _)) => violated(format!(
                "{} starts, but the first attempt of {} has not ended",
                place_name(place, world),
                place_name(*earlier, world)
            )),
        }
    }

    /// Whatever is sent in strict order waits until those of its inspection before it, accepted under the
    /// same rule, are delivered or given up.
    fn check_strict_order(&self, place: Place, world: &mut World) -> Check {
        match self.strictly_before(place) {
            None => Ok(()),
            Some(earlier) => violated(format!(
                "{} is sent, but {} is neither delivered nor given up",
                place_name(place, world),
                place_name(earlier, world)
            )),
        }
    }

    /// What a place in strict order waits for.
    pub(super) fn strictly_before(&self, place: Place) -> Option<Place> {
        let (webhook, inspection, sequence) = place;
        let pending =
            |expected: &Expected| expected.strict && expected.status == DeliveryStatus::Pending;
        if !self.expected.get(&place).is_some_and(pending) {
            return None;
        }
        let before = (webhook, inspection, 0)..(webhook, inspection, sequence);
        let mut earlier = self.expected.range(before);
        let found = earlier.find(|(_, earlier)| pending(earlier));
        found.map(|(earlier, _)| *earlier)
    }

    /// Its recorded starts were cut off too often: it is settled as failed, unsent.
    ///
    /// # Errors
    /// When they were not.
    pub fn gave_up(&mut self, leased: &Leased) -> Check {
        self.places.insert(leased.delivery_id, place_of(leased));
        match self.expected.get_mut(&place_of(leased)) {
            Some(expected) if expected.cuts >= INTERRUPTIONS_MAX => {
                expected.now = UnderWay::Started;
                if leased.cause == Cause::Manual {
                    expected.begin_manual();
                }
                expected.owed = false;
                Ok(())
            }
            Some(expected) => violated(format!(
                "an attempt was given up after {} recorded starts were cut off",
                expected.cuts
            )),
            None => violated("an attempt of nothing that was accepted was given up"),
        }
    }

    /// An attempt has ended; its outcome is on its way to the store.
    ///
    /// # Errors
    /// When it had not started.
    pub fn ended(
        &mut self,
        leased: &Leased,
        report: &AttemptReport,
        policy: &RetryPolicy,
        world: &mut World,
    ) -> Check {
        let place = place_of(leased);
        let name = place_name(place, world);
        let now = world.now();
        let robbed = self.robbed;
        let expected = self.at(place, world)?;
        if expected.now != UnderWay::Started && !robbed {
            return violated(format!("an attempt of {name} ended that had not started"));
        }
        let (delivered, status_code, asked) = match &report.result {
            AttemptResult::Answered(received) => {
                let delivered = (200..300).contains(&received.status);
                (
                    delivered,
                    Some(received.status),
                    received.retry_after.clone(),
                )
            }
            AttemptResult::Failed { status, .. } => (false, *status, None),
        };
        // Only with these two, and not for longer than is allowed.
        let asked = asked
            .filter(|_| matches!(status_code, Some(429 | 503)))
            .and_then(|seconds| seconds.parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(policy.retry_after_max));
        let not_before = asked.map(|wait| now.plus(wait));
        let attempted = Attempted {
            cause: leased.cause,
            started_at: report.started_at,
            delivered,
            status_code,
        };
        let due = expected.due_after(&attempted, policy, now);
        let due = due.map(|due| not_before.map_or(due, |earliest| due.max(earliest)));
        if leased.cause == Cause::Manual && !delivered {
            // The retry that was planned keeps its time, or gets a later one.
            expected.manual_not_before = not_before;
        }
        expected.first_over = true;
        expected.now = UnderWay::Ended(attempted, due);
        let came = if delivered { "delivered" } else { "failed" };
        world.note(format_args!("ended: {name} {came} {status_code:?}"));
        self.note_answer(place.0, status_code);
        Ok(())
    }

    /// Nobody will know what an attempt came to: it is made again.
    pub fn cut_off(&mut self, leased: &Leased, world: &mut World) {
        let place = place_of(leased);
        let name = place_name(place, world);
        world.note(format_args!("fault: the worker that sends {name} panics"));
        if let Some(expected) = self.expected.get_mut(&place) {
            expected.now = UnderWay::Nothing;
            expected.first_over = true;
        }
    }

    /// The store has recorded that this attempt started.
    ///
    /// # Errors
    /// When nothing of it had left: were it cut off now, that would count.
    pub fn recorded(&mut self, leased: &Leased, world: &mut World) -> Check {
        let place = place_of(leased);
        let name = place_name(place, world);
        self.places.insert(leased.delivery_id, place);
        let expected = self.at(place, world)?;
        expected.recorded = true;
        if !expected.left {
            return violated(format!(
                "{name} is recorded as started, but nothing of it has left"
            ));
        }
        Ok(())
    }

    /// The store has taken these leases back.
    pub fn released(&mut self, deliveries: &[DeliveryId]) {
        for id in deliveries {
            if !self.robbed
                && let Some(place) = self.places.get(id)
                && let Some(expected) = self.expected.get_mut(place)
            {
                expected.recorded = false;
            }
        }
    }

    /// The store has answered a settlement.
    ///
    /// # Errors
    /// When an outcome was lost, or written that must not be.
    pub fn settled(
        &mut self,
        settlement: &Settlement,
        settled: Settled,
        world: &mut World,
    ) -> Check {
        let Some(place) = self.places.get(&settlement.delivery_id).copied() else {
            return violated("something was settled that nobody sent");
        };
        let name = place_name(place, world);
        let robbed = self.robbed;
        let expected = self.at(place, world)?;
        let now = std::mem::replace(&mut expected.now, UnderWay::Nothing);
        if settled == Settled::LeaseLost {
            if !robbed {
                return violated(format!("the lease of {name} was lost, and nobody took it"));
            }
            world.note(format_args!("settled: {name}: the lease is lost"));
            return Ok(());
        }
        let UnderWay::Ended(attempted, due) = now else {
            return violated(format!(
                "an outcome of {name} was written that is not known"
            ));
        };
        if robbed {
            return violated(format!(
                "an outcome of {name} was written under a lease that was void"
            ));
        }
        let number = u32::try_from(expected.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        if settlement.attempt.number != number {
            return violated(format!(
                "the attempt of {name} has number {}, not {number}",
                settlement.attempt.number
            ));
        }
        let (delivered, started_at) = (attempted.delivered, attempted.started_at);
        expected.settle(attempted, due);
        let status = expected.status;
        self.note_outcome(place, delivered, started_at);
        world.note(format_args!("settled: {name} is {status}"));
        Ok(())
    }

    /// The server is gone: what was under way or not stored is made again.
    pub fn crashed(&mut self, world: &World) {
        world.note("fault: the server ends");
        self.robbed = false;
        self.cut_all();
        for expected in self.expected.values_mut() {
            if expected.now != UnderWay::Nothing {
                expected.now = UnderWay::Nothing;
            }
        }
    }

    /// Somebody else opened an epoch; the server goes on without knowing.
    pub fn robbed(&mut self, world: &World) {
        world.note("fault: somebody else opens an epoch on the same data");
        self.robbed = true;
        self.cut_all();
    }

    fn cut_all(&mut self) {
        for expected in self
            .expected
            .values_mut()
            .filter(|expected| expected.recorded)
        {
            expected.recorded = false;
            expected.cuts += 1;
        }
    }
}

/// The right thing, to the right receiver, as it was accepted.
fn check_content(leased: &Leased, webhook: &Webhook, store: &dyn Store, name: &str) -> Check {
    if webhook.id != leased.webhook_id || webhook.company_id != leased.company_id {
        return violated(format!("{name} goes to a webhook that it is not for"));
    }
    let Ok(Some(event)) = wait_for(store.event(leased.company_id, leased.event_id))? else {
        return violated(format!("the event of {name} is not stored"));
    };
    let same = event.body == leased.body
        && event.event_type == leased.event_type
        && event.inspection_id == leased.inspection_id
        && event.sequence == leased.sequence;
    let head: Option<Head<'_>> = serde_json::from_slice(&leased.body).ok();
    let told = head.and_then(|head| head.event.parse::<EventType>().ok());
    if !same || told != Some(leased.event_type) {
        return violated(format!("what is sent as {name} is not its event"));
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event: &'a str,
}

impl Expected {
    fn check_start(&self, leased: &Leased, now: Timestamp, name: &str) -> Check {
        if leased.event_type != self.event_type || leased.company_id != self.company {
            return violated(format!("{name} is another event than was accepted"));
        }
        if self.now != UnderWay::Nothing {
            return violated(format!(
                "{name} is sent while an attempt of it is not settled"
            ));
        }
        let number = u32::try_from(self.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        if leased.attempts + 1 != number {
            let sent = leased.attempts + 1;
            return violated(format!("{name} is sent as attempt {sent}, not {number}"));
        }
        if leased.interruptions != self.cuts {
            return violated(format!(
                "{name} is said to be cut off {} times; {} of its recorded starts were",
                leased.interruptions, self.cuts
            ));
        }
        if self.cuts >= INTERRUPTIONS_MAX {
            return violated(format!(
                "{name} is sent after {} recorded starts were cut off",
                self.cuts
            ));
        }
        let scheduled = self.status == DeliveryStatus::Pending && now >= self.due;
        let may = match leased.cause {
            Cause::First => scheduled && self.attempts.is_empty(),
            Cause::Retry => scheduled && !self.attempts.is_empty(),
            Cause::Manual => self.permits > 0 || self.manual_open,
            Cause::Recover => false,
        };
        if !may {
            let early = self.due.as_millis() - now.as_millis();
            return violated(format!(
                "{name} is sent ({:?}) while it is {}, {early} ms before it is due",
                leased.cause, self.status
            ));
        }
        Ok(())
    }

    fn begin_manual(&mut self) {
        if !self.manual_open {
            self.permits = self.permits.saturating_sub(1);
            self.manual_open = true;
        }
    }

    /// When the schedule has the next attempt after a failed one; `None`: never.
    fn due_after(
        &self,
        made: &Attempted,
        policy: &RetryPolicy,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let scheduled = self.scheduled + u32::from(made.cause != Cause::Manual);
        let so_far = usize::try_from(scheduled).ok()?;
        if so_far == 0 || so_far > policy.waits.len() || !policy.retried.contains(&self.event_type)
        {
            return None;
        }
        let waited: u128 = policy
            .waits
            .iter()
            .take(so_far)
            .map(std::time::Duration::as_millis)
            .sum();
        let first = self.first_started_at.unwrap_or(made.started_at).as_millis();
        let due = first.saturating_add(i64::try_from(waited).unwrap_or(i64::MAX));
        Some(Timestamp::from_millis(due.max(now.as_millis())))
    }

    fn settle(&mut self, attempted: Attempted, due: Option<Timestamp>) {
        self.first_started_at = self.first_started_at.or(Some(attempted.started_at));
        let manual = attempted.cause == Cause::Manual;
        self.scheduled += u32::from(!manual);
        if attempted.delivered {
            self.status = DeliveryStatus::Delivered;
        } else if !manual || (self.test && self.status == DeliveryStatus::Pending) {
            self.status = if due.is_some() {
                DeliveryStatus::Pending
            } else {
                DeliveryStatus::Failed
            };
            self.due = due.unwrap_or(self.due);
        }
        if let Some(earliest) = self.manual_not_before.take() {
            self.due = self.due.max(earliest);
        }
        if manual {
            self.manual_open = false;
        }
        self.attempts.push(attempted);
        self.recorded = false;
        self.cuts = 0;
    }
}
