//! What the model says to each attempt: whether it may start, what it comes to, what follows.

use std::fmt::Display;
use std::time::Duration;

use heraldo_delivery::transport::{Answer, Failure};
use heraldo_domain::delivery::{INTERRUPTIONS_MAX, Leased, Settlement};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Settled, Store};
use heraldo_domain::webhook::Defaults;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::{Cause, ErrorClass};
use heraldo_wire::id::{EventId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::outgoing::Outgoing;
use super::{Attempted, Expected, Oracle, Place, UnderWay, place_name};
use crate::watch::{Departing, GivenUp, Sign};
use crate::world::{Check, World, violated, wait_for};

/// Too many requests: the receiver wants fewer.
const TOO_MANY: u16 = 429;

/// Where what was leased belongs.
#[must_use]
pub fn place_of(leased: &Leased) -> Place {
    (leased.webhook_id, leased.inspection_id, leased.sequence)
}

impl Oracle {
    /// Whom a request goes to, and of which event, by what is on it.
    ///
    /// # Errors
    /// When that is nobody, or nothing.
    pub fn addressee(&self, sent: &Outgoing<'_>) -> Check<(WebhookId, EventId)> {
        let to = |(_, hook): &(&WebhookId, &super::Hook)| hook.authority == sent.authority;
        let Some((webhook, _)) = self.hooks.iter().find(to) else {
            return violated(format!("something is sent to {}", sent.authority));
        };
        match sent.event() {
            Some(event) => Ok((*webhook, event)),
            None => violated("something is sent without the id of an event"),
        }
    }

    /// An attempt goes out now. `given_up`: something of its webhook was given up unsent and is not stored.
    ///
    /// # Errors
    /// When it must not.
    pub fn started(
        &mut self,
        departing: &Departing,
        sent: &Outgoing<'_>,
        given_up: bool,
        store: &dyn Store,
        world: &mut World,
    ) -> Check {
        let Departing {
            leased,
            looked,
            rate,
        } = departing;
        let place = place_of(leased);
        let name = place_name(place, world);
        self.starts += 1;
        self.check_rate(leased.webhook_id, *rate, world)?;
        world.note(format_args!(
            "send: {name}, attempt {} ({:?})",
            leased.attempts + 1,
            leased.cause
        ));
        if looked.webhook.company_id != leased.company_id {
            return violated(format!("{name} goes to a webhook that it is not for"));
        }
        check_content(leased, sent, store, name)?;
        sent.check_headers(leased, name)?;
        let now = world.now();
        if let Some(hook) = self.hooks.get(&leased.webhook_id) {
            hook.secrets
                .check(leased, sent.headers, looked.read, now, name)?;
        }
        let robbed = self.robbed;
        if !robbed {
            self.check_order(place, leased.cause, given_up, world)?;
            self.check_strict_order(place, world)?;
        }
        let expected = self.at(place, world)?;
        if !robbed {
            expected.check_start(leased, now, name)?;
        }
        if expected.is_asked_for(leased.cause) {
            expected.begin_manual();
        }
        expected.owed = false;
        expected.now = UnderWay::Started;
        expected.left = false;
        Ok(())
    }

    /// The request of an attempt is being written to its receiver.
    pub fn left(&mut self, place: Place, world: &mut World) {
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

    /// A first attempt waits for the first attempts of the events before it. One that was cut off too often ends
    /// unsent; that is seen when it is stored.
    fn check_order(&self, place: Place, cause: Cause, given_up: bool, world: &mut World) -> Check {
        let (webhook, inspection, sequence) = place;
        if cause != Cause::First || !self.hooks.get(&webhook).is_some_and(|hook| hook.ordered) {
            return Ok(());
        }
        let before = (webhook, inspection, 0)..(webhook, inspection, sequence);
        let is_given_up = |earlier: &Expected| given_up && earlier.cuts >= INTERRUPTIONS_MAX;
        let early = self.expected.range(before).find(|(_, earlier)| {
            earlier.status == DeliveryStatus::Pending
                && !earlier.first_over
                && !earlier.test
                && !is_given_up(earlier)
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

    /// Whether an attempt has ended and its outcome is not stored.
    #[must_use]
    pub fn has_ended(&self, leased: &Leased) -> bool {
        self.expected
            .get(&place_of(leased))
            .is_some_and(|expected| matches!(expected.now, UnderWay::Ended(..)))
    }

    /// Its recorded starts were cut off too often: it is settled as failed, unsent.
    ///
    /// # Errors
    /// When they were not, or nobody gave it up.
    pub fn gave_up(
        &mut self,
        leased: &Leased,
        given_up: Option<GivenUp>,
        defaults: &Defaults,
        world: &mut World,
    ) -> Check {
        let place = place_of(leased);
        let name = place_name(place, world);
        let Some(given_up) = given_up else {
            return violated(format!("an outcome of {name} is written that is not known"));
        };
        let expected = self.at(place, world)?;
        if expected.cuts < INTERRUPTIONS_MAX {
            return violated(format!(
                "an attempt was given up after {} recorded starts were cut off",
                expected.cuts
            ));
        }
        let asked_for = expected.is_asked_for(leased.cause);
        if asked_for {
            expected.begin_manual();
        }
        expected.owed = false;
        let attempted = Attempted {
            cause: leased.cause,
            asked_for,
            started_at: given_up.at,
            delivered: false,
            status_code: None,
        };
        let policy = given_up.webhook.retry_policy(defaults);
        let due = expected.due_after(&attempted, &policy, given_up.at);
        expected.first_over = true;
        expected.now = UnderWay::Ended(attempted, due);
        world.note(format_args!("given up: {name}"));
        Ok(())
    }

    /// An attempt has ended; its outcome is on its way to the store. Returns what it tells of its receiver.
    ///
    /// # Errors
    /// When it had not started.
    pub fn ended(
        &mut self,
        leased: &Leased,
        started_at: Timestamp,
        outcome: &Result<Answer, Failure>,
        policy: &RetryPolicy,
        world: &mut World,
    ) -> Check<Sign> {
        let place = place_of(leased);
        let name = place_name(place, world);
        let now = world.now();
        let robbed = self.robbed;
        let expected = self.at(place, world)?;
        if expected.now != UnderWay::Started && !robbed {
            return violated(format!("an attempt of {name} ended that had not started"));
        }
        let (delivered, status_code, asked) = match outcome {
            Ok(answer) => {
                let delivered = (200..300).contains(&answer.status);
                (delivered, Some(answer.status), answer.retry_after.clone())
            }
            Err(failure) => (false, failure.status, None),
        };
        // Only with these two, and not for longer than is allowed.
        let asked = asked
            .filter(|_| matches!(status_code, Some(TOO_MANY | 503)))
            .and_then(|seconds| seconds.parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(policy.retry_after_max));
        let not_before = asked.map(|wait| now.plus(wait));
        let asked_for = expected.is_asked_for(leased.cause);
        let attempted = Attempted {
            cause: leased.cause,
            asked_for,
            started_at,
            delivered,
            status_code,
        };
        let due = expected.due_after(&attempted, policy, now);
        let due = due.map(|due| not_before.map_or(due, |earliest| due.max(earliest)));
        if asked_for && !delivered {
            // The retry that was planned keeps its time, or gets a later one.
            expected.manual_not_before = not_before;
        }
        expected.first_over = true;
        expected.now = UnderWay::Ended(attempted, due);
        let came = if delivered { "delivered" } else { "failed" };
        world.note(format_args!("ended: {name} {came} {status_code:?}"));
        self.note_answer(place.0, status_code);
        let timed_out = matches!(outcome, Err(failure) if failure.class == ErrorClass::Timeout);
        Ok(match not_before {
            Some(until) if status_code == Some(TOO_MANY) => Sign::Hold(until),
            Some(_) | None if delivered => Sign::Delivered,
            Some(_) | None if timed_out => Sign::TimedOut,
            Some(_) | None => Sign::Other,
        })
    }

    /// Nobody will know what an attempt came to: it is made again.
    pub fn cut_off(&mut self, place: Place, world: &mut World) {
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
        let expected = self.at(place, world)?;
        expected.recorded = true;
        if !expected.left {
            return violated(format!(
                "{name} is recorded as started, but nothing of it has left"
            ));
        }
        Ok(())
    }

    /// The store has taken a lease back.
    pub fn released(&mut self, leased: &Leased) {
        if !self.robbed
            && let Some(expected) = self.expected.get_mut(&place_of(leased))
        {
            expected.recorded = false;
        }
    }

    /// The store has answered a settlement.
    ///
    /// # Errors
    /// When an outcome was lost, or written that must not be.
    pub fn settled(
        &mut self,
        leased: &Leased,
        settlement: &Settlement,
        settled: Settled,
        world: &mut World,
    ) -> Check {
        let place = place_of(leased);
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
        self.recoveries.cut_off();
        self.cut_all();
        for expected in self.expected.values_mut() {
            if expected.now != UnderWay::Nothing {
                expected.now = UnderWay::Nothing;
            }
        }
    }

    /// Whether somebody else has opened an epoch.
    #[must_use]
    pub fn is_robbed(&self) -> bool {
        self.robbed
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

/// The right thing, as it was accepted.
fn check_content(
    leased: &Leased,
    sent: &Outgoing<'_>,
    store: &dyn Store,
    name: impl Display,
) -> Check {
    let Ok(Some(event)) = wait_for(store.event(leased.company_id, leased.event_id))? else {
        return violated(format!("the event of {name} is not stored"));
    };
    let same = event.body == leased.body
        && event.body == *sent.body
        && event.event_type == leased.event_type
        && event.inspection_id == leased.inspection_id
        && event.sequence == leased.sequence;
    let head: Option<Head<'_>> = serde_json::from_slice(sent.body).ok();
    let is_told = head.is_some_and(|head| head.event == leased.event_type.as_str());
    if !same || !is_told {
        return violated(format!("what is sent as {name} is not its event"));
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event: &'a str,
}
