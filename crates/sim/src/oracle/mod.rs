//! The oracle: a plain model of what was accepted, for whom, and what became of it.
//!
//! It is told what the use cases answered and what is seen of the dispatcher at its ports, follows the contract by itself, and
//! says when the two part. It calls none of the rules that it checks.

mod attempts;
mod expected;
mod finish;
mod hook;
mod life;
mod outgoing;
mod recoveries;
mod secrets;
mod walk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use heraldo_domain::change::NewEvent;
use heraldo_domain::store::Store;
use heraldo_wire::api::{DeliveryStatus, Ordering, WebhookStatus};
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, InspectionId, WebhookId};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;

use crate::world::{Check, Name, World, violated, wait_for};

pub use self::attempts::place_of;
pub use self::hook::{Created, Hook};
pub use self::outgoing::Outgoing;
pub use self::recoveries::Look;

/// An event's place: the webhook that it goes to, its inspection, its number there.
pub type Place = (WebhookId, InspectionId, u32);

/// One delivery that must exist.
#[derive(Debug)]
pub(crate) struct Expected {
    company: CompanyId,
    event_type: EventType,
    accepted: u64,
    /// A sample, whose one attempt is manual.
    test: bool,
    /// It was missing until a recovery made it.
    is_recovered: bool,
    /// Accepted while its webhook kept the strict order.
    strict: bool,
    status: DeliveryStatus,
    /// When the schedule allows the next attempt; counts while pending.
    due: Timestamp,
    /// Until then it may wait all the same: it may or may not have been brought forward.
    may_wait_until: Timestamp,
    attempts: Vec<Attempted>,
    scheduled: u32,
    first_started_at: Option<Timestamp>,
    now: UnderWay,
    /// The first attempt has ended, with whatever outcome.
    first_over: bool,
    /// Something of the attempt of the moment has left for its receiver.
    left: bool,
    /// Its start is recorded in the store.
    recorded: bool,
    /// Recorded starts that were cut off.
    cuts: u32,
    /// How many attempts more somebody asked for. Those asked for at once may be one in the end.
    permits: u32,
    /// An attempt that somebody asked for was begun and is not settled; a sample's is from the beginning.
    manual_open: bool,
    /// A manual attempt failed, and the receiver asked for time.
    manual_not_before: Option<Timestamp>,
    /// No attempt has started since somebody asked for one.
    owed: bool,
}

/// The attempt of the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum UnderWay {
    Nothing,
    Started,
    /// It has ended; its outcome is not stored.
    Ended(Attempted, Option<Timestamp>),
}

/// One attempt as the model saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attempted {
    cause: Cause,
    /// Beside the schedule.
    asked_for: bool,
    started_at: Timestamp,
    delivered: bool,
    status_code: Option<u16>,
}

#[derive(Debug, Default)]
pub struct Oracle {
    hooks: BTreeMap<WebhookId, Hook>,
    expected: BTreeMap<Place, Expected>,
    events: BTreeMap<CompanyId, usize>,
    /// Every event, under its id.
    known: BTreeMap<EventId, recoveries::Known>,
    recoveries: recoveries::Recoveries,
    records: BTreeMap<WebhookId, life::Record>,
    /// What was sent within the last second, and the rate under which it was.
    sent: BTreeMap<WebhookId, VecDeque<(Timestamp, Option<u32>)>>,
    /// Another server has taken over: what this one starts may be sent by both.
    robbed: bool,
    /// How many attempts were started in all.
    pub starts: u64,
}

/// An event that a use case answered for.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    pub company: CompanyId,
    pub inspection: InspectionId,
    pub event_type: EventType,
    pub sequence: u32,
}

impl Oracle {
    #[must_use]
    pub fn hook(&self, id: WebhookId) -> Option<&Hook> {
        self.hooks.get(&id)
    }

    /// Webhooks that are not deleted.
    pub fn live_hooks(&self) -> impl Iterator<Item = (WebhookId, &Hook)> {
        self.hooks
            .iter()
            .filter(|(_, hook)| hook.status.is_some())
            .map(|(id, hook)| (*id, hook))
    }

    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.expected.len()
    }

    /// How many webhooks of a company were there, at one time or another, since a turn.
    #[must_use]
    pub fn live_since(&self, company: CompanyId, turn: u64) -> usize {
        let live = |hook: &&Hook| hook.company == company && hook.was_live_since(turn);
        self.hooks.values().filter(live).count()
    }

    pub fn webhook_created(&mut self, id: WebhookId, made: Created, turn: u64) {
        let hook = Hook::new(made, turn);
        self.hooks.insert(id, hook);
    }

    /// `None`: it was deleted.
    pub fn webhook_status(&mut self, id: WebhookId, status: Option<WebhookStatus>, turn: u64) {
        if let Some(hook) = self.hooks.get_mut(&id) {
            // It was ended up to this moment, or is from this moment on.
            if hook.is_ended()
                || !matches!(status, Some(WebhookStatus::Enabled | WebhookStatus::Paused))
            {
                hook.ended = Some(turn);
            }
            hook.status = status;
            hook.remember(turn);
        }
    }

    /// There is a new secret; the one before stays valid until then.
    pub fn webhook_rotated(&mut self, id: WebhookId, secret: Secret, until: Timestamp, turn: u64) {
        if let Some(hook) = self.hooks.get_mut(&id) {
            hook.secrets.rotated(secret, until, turn);
            hook.remember(turn);
        }
    }

    /// Other settings were changed.
    pub fn webhook_changed(
        &mut self,
        id: WebhookId,
        events: Option<Vec<EventType>>,
        ordering: Option<Ordering>,
        turn: u64,
    ) {
        if let Some(hook) = self.hooks.get_mut(&id) {
            if let Some(events) = events {
                hook.events = events;
            }
            if let Some(ordering) = ordering {
                hook.ordering = ordering;
                hook.ordered = false;
            }
            hook.remember(turn);
        }
    }

    /// An event is stored: from now on each of its subscribers is owed a delivery. These are those of one of the
    /// turns in which whoever decided it read the company.
    ///
    /// # Errors
    /// When it goes to others, or this place was given out before.
    pub fn accepted(
        &mut self,
        event: Accepted,
        made: &NewEvent,
        reads: &[u64],
        world: &mut World,
    ) -> Check {
        let name = world.inspection(event.inspection);
        let same = (made.company_id, made.inspection_id, made.event_type)
            == (event.company, event.inspection, event.event_type);
        if !same || made.sequence.is_some_and(|number| number != event.sequence) {
            return violated(format!(
                "{name}#{} is stored as another event than it is",
                event.sequence
            ));
        }
        let made_for = made
            .deliveries
            .iter()
            .map(|delivery| (delivery.webhook_id, delivery.strict));
        let made_for: BTreeMap<WebhookId, bool> = made_for.collect();
        let is_due = |turn: &u64| self.takers(event, *turn) == made_for;
        if !reads.iter().rev().any(is_due) {
            return violated(format!(
                "{name}#{} does not go to those who are to have it",
                event.sequence
            ));
        }
        self.know(made, event, world);
        self.expect(event, &made_for, false, world)
    }

    /// Who is to have an event as things stood in that turn, and whether in strict order.
    fn takers(&self, event: Accepted, turn: u64) -> BTreeMap<WebhookId, bool> {
        let takes = |id: &WebhookId, hook: &Hook| {
            let settings = hook.at(turn).filter(|settings| {
                !settings.is_ended() && settings.events.contains(&event.event_type)
            })?;
            // Nobody is told of himself.
            let is_other = InspectionId(id.0) != event.inspection;
            is_other.then_some(settings.ordering == Ordering::Strict)
        };
        self.hooks
            .iter()
            .filter(|(_, hook)| hook.company == event.company)
            .filter_map(|(id, hook)| takes(id, hook).map(|strict| (*id, strict)))
            .collect()
    }

    /// A sample was accepted, for this webhook alone.
    ///
    /// # Errors
    /// When this place was given out before.
    pub fn accepted_test(
        &mut self,
        event: Accepted,
        made: &NewEvent,
        to: WebhookId,
        world: &mut World,
    ) -> Check {
        self.know(made, event, world);
        self.expect(event, &BTreeMap::from([(to, false)]), true, world)
    }

    fn expect(
        &mut self,
        event: Accepted,
        takers: &BTreeMap<WebhookId, bool>,
        test: bool,
        world: &mut World,
    ) -> Check {
        *self.events.entry(event.company).or_default() += 1;
        let name = world.inspection(event.inspection);
        world.note(format_args!(
            "accepted: {name}#{} {}",
            event.sequence, event.event_type
        ));
        for (webhook, strict) in takers {
            let expected = Expected {
                company: event.company,
                event_type: event.event_type,
                accepted: world.turn,
                test,
                is_recovered: false,
                strict: *strict,
                status: DeliveryStatus::Pending,
                due: world.now(),
                may_wait_until: world.now(),
                attempts: Vec::new(),
                scheduled: 0,
                first_started_at: None,
                now: UnderWay::Nothing,
                first_over: false,
                left: false,
                recorded: false,
                cuts: 0,
                permits: 0,
                manual_open: test,
                manual_not_before: None,
                owed: false,
            };
            let place = (*webhook, event.inspection, event.sequence);
            if self.expected.insert(place, expected).is_some() {
                return violated(format!(
                    "{name} has two events with the number {}",
                    event.sequence
                ));
            }
        }
        Ok(())
    }

    /// One more attempt was promised.
    ///
    /// # Errors
    /// When nothing is known of this delivery.
    pub fn asked(&mut self, place: Place, world: &mut World) -> Check {
        let name = place_name(place, world);
        world.note(format_args!("asked: one more attempt of {name}"));
        let expected = self.at(place, world)?;
        expected.permits += 1;
        expected.owed = true;
        Ok(())
    }

    /// What the schedule has for enabled webhooks up to now, and is not under way.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = Place> {
        let is_due = move |(place, expected): &(&Place, &Expected)| {
            let hook = self.hooks.get(&place.0);
            hook.is_some_and(|hook| hook.status == Some(WebhookStatus::Enabled))
                && expected.status == DeliveryStatus::Pending
                && expected.now == UnderWay::Nothing
                && expected.due.max(expected.may_wait_until) <= now
                && self.strictly_before(**place).is_none()
        };
        let found = self.expected.iter().filter(is_due);
        found.map(|(place, _)| *place)
    }

    /// Whether an attempt to this webhook has ended and is not stored.
    #[must_use]
    pub fn has_unstored(&self, webhook: WebhookId) -> bool {
        self.expected.iter().any(|(place, expected)| {
            place.0 == webhook && matches!(expected.now, UnderWay::Ended(..))
        })
    }

    /// What is pending for a webhook, in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pending(&self, webhook: WebhookId, store: &dyn Store) -> Check<BTreeSet<Place>> {
        match self.hooks.get(&webhook) {
            Some(hook) => finish::pending(store, hook.company, webhook),
            None => Ok(BTreeSet::new()),
        }
    }

    /// The store says that it cancelled so many of what was pending before; each needs its reason.
    ///
    /// # Errors
    /// When one was cancelled without a reason, or another number than was said.
    pub fn cancelled(
        &mut self,
        webhook: WebhookId,
        count: u32,
        before: &BTreeSet<Place>,
        store: &dyn Store,
        world: &mut World,
    ) -> Check {
        let name = world.webhook(webhook);
        let after = self.pending(webhook, store)?;
        world.note(format_args!(
            "cancelled: {count} of {} that were pending for {name}",
            before.len()
        ));
        if before.len() != after.len() + usize::try_from(count).unwrap_or(usize::MAX) {
            let gone = before.len().saturating_sub(after.len());
            return violated(format!(
                "{count} were said to be cancelled for {name}, {gone} were"
            ));
        }
        let hook = self.hooks.get(&webhook).cloned();
        for place in before.difference(&after) {
            let reason = hook.as_ref().is_some_and(|hook| hook.is_ended());
            let ended = hook.as_ref().and_then(|hook| hook.ended);
            let expected = self.at(*place, world)?;
            if !reason && ended.is_none_or(|turn| turn < expected.accepted) {
                return violated(format!(
                    "{} was cancelled, but its webhook was neither disabled nor deleted since",
                    place_name(*place, world)
                ));
            }
            expected.cancel();
        }
        Ok(())
    }

    fn at(&mut self, place: Place, world: &mut World) -> Check<&mut Expected> {
        let name = place_name(place, world);
        match self.expected.get_mut(&place) {
            Some(expected) => Ok(expected),
            None => violated(format!("nothing was to be sent as {name}")),
        }
    }

    /// Where a stored delivery belongs.
    ///
    /// # Errors
    /// When the engine had to wait.
    pub fn place_of(store: &dyn Store, company: CompanyId, id: DeliveryId) -> Check<Option<Place>> {
        let Ok(Some(record)) = wait_for(store.delivery(company, id))? else {
            return Ok(None);
        };
        let Ok(Some(event)) = wait_for(store.event(company, record.event_id))? else {
            return Ok(None);
        };
        Ok(Some((
            record.webhook_id,
            record.inspection_id,
            event.sequence,
        )))
    }
}

impl Expected {
    /// What had ended before somebody asked for more ends as it had.
    fn cancel(&mut self) {
        if self.status == DeliveryStatus::Pending {
            self.status = DeliveryStatus::Cancelled;
        }
        self.permits = 0;
        self.manual_open = false;
        self.owed = false;
        self.recorded = false;
        self.cuts = 0;
    }
}

/// What a place is called in a trace: `i3#2→w1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceName {
    inspection: Name,
    sequence: u32,
    webhook: Name,
}

impl fmt::Display for PlaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            inspection,
            sequence,
            webhook,
        } = self;
        write!(f, "{inspection}#{sequence}→{webhook}")
    }
}

pub(crate) fn place_name((webhook, inspection, sequence): Place, world: &mut World) -> PlaceName {
    PlaceName {
        inspection: world.inspection(inspection),
        sequence,
        webhook: world.webhook(webhook),
    }
}
