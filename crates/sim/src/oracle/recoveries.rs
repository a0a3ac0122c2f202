//! What the model says to recoveries: which events one sends again, each once, and when it must end.

use std::collections::{BTreeMap, BTreeSet};

use heraldo_domain::change::{Change, NewEvent, Origin, Write};
use heraldo_domain::query::EventStanding;
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::recovery::{Range, Recovery, State};
use heraldo_wire::api::{DeliveryStatus, RecoverCounts, RecoverStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, EventId, RecoveryId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::walk::{Stood, Walk};
use super::{Accepted, Oracle, Place, place_name};
use crate::executor::TaskId;
use crate::world::{Check, World, violated};

/// An event that was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    accepted: Accepted,
    turn: u64,
    sample: bool,
}

/// A recovery, and what it has done.
#[derive(Debug)]
struct Recovering {
    company: CompanyId,
    webhook: WebhookId,
    range: Range,
    began: u64,
    /// The turn, and whether somebody cancelled it.
    ended: Option<(u64, bool)>,
    enqueued: u64,
    looked: BTreeSet<EventId>,
    sent: BTreeSet<EventId>,
}

#[derive(Debug, Default)]
pub(super) struct Recoveries {
    of: BTreeMap<RecoveryId, Recovering>,
    walks: BTreeMap<TaskId, Walk>,
}

/// Which events of a company are read.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub company: CompanyId,
    pub webhook: WebhookId,
    pub made: (Timestamp, Timestamp),
    pub after: Option<EventId>,
    pub limit: u32,
}

impl Recoveries {
    /// The server is gone, and what it had read.
    pub(super) fn cut_off(&mut self) {
        self.walks.clear();
    }
}

impl Oracle {
    /// An event is stored under this id.
    pub(super) fn know(&mut self, made: &NewEvent, accepted: Accepted, world: &World) {
        let known = Known {
            accepted,
            turn: world.turn,
            sample: made.origin == Origin::Test,
        };
        self.known.insert(made.id, known);
    }

    /// Recoveries that have not ended, each with whose it is.
    pub fn recovering(&self) -> impl Iterator<Item = (RecoveryId, CompanyId)> {
        let under_way = self.recoveries.of.iter();
        under_way
            .filter(|(_, recovery)| recovery.ended.is_none())
            .map(|(id, recovery)| (*id, recovery.company))
    }

    /// How many events recoveries have sent again.
    #[must_use]
    pub fn recovered(&self) -> usize {
        self.recoveries.of.values().map(|one| one.sent.len()).sum()
    }

    /// Whether a recovery of a webhook was under way at some moment since that turn.
    #[must_use]
    pub fn was_recovering_since(&self, webhook: WebhookId, turn: u64) -> bool {
        self.recoveries.of.values().any(|recovery| {
            recovery.webhook == webhook && recovery.ended.is_none_or(|(ended, _)| ended >= turn)
        })
    }

    /// Whether a recovery has ended: with `Some(true)`, because somebody cancelled it.
    #[must_use]
    pub fn recovery_end(&self, id: RecoveryId) -> Option<bool> {
        let recovery = self.recoveries.of.get(&id)?;
        recovery.ended.map(|(_, cancelled)| cancelled)
    }

    /// Somebody reads how the events of a range stand for a webhook.
    ///
    /// # Errors
    /// When they stand otherwise.
    pub fn stood(
        &mut self,
        task: TaskId,
        look: Look,
        answer: &[EventStanding],
        world: &mut World,
    ) -> Check {
        let known = self.known.range(look.after.unwrap_or_default()..);
        let mut expected = Vec::new();
        for (id, known) in known {
            let at = id.0.made_at();
            let is_in = known.accepted.company == look.company
                && Some(*id) != look.after
                && look.made.0 <= at
                && at < look.made.1;
            if is_in && expected.len() < usize::try_from(look.limit).unwrap_or(usize::MAX) {
                expected.push((*id, *known));
            }
        }
        if !answer
            .iter()
            .map(|one| one.event_id)
            .eq(expected.iter().map(|(id, _)| *id))
        {
            return violated("a recovery does not see the events of its range");
        }
        let mut page = Vec::with_capacity(answer.len());
        for (stored, (event, known)) in answer.iter().zip(expected) {
            let accepted = known.accepted;
            let place = (look.webhook, accepted.inspection, accepted.sequence);
            let stored = stored.delivery.map(|(_, status)| status);
            self.check_standing(place, stored, world)?;
            page.push(Stood {
                event,
                event_type: accepted.event_type,
                status: stored,
                sample: known.sample,
            });
        }
        let walk = self.recoveries.walks.entry(task).or_default();
        if look.after.is_none() {
            walk.all.clear();
        }
        walk.is_last = page.len() < usize::try_from(look.limit).unwrap_or(usize::MAX);
        walk.all.extend(&page);
        walk.page = page;
        Ok(())
    }

    fn check_standing(
        &self,
        place: Place,
        stored: Option<DeliveryStatus>,
        world: &mut World,
    ) -> Check {
        let expected = self.expected.get(&place);
        // What is pending because somebody asked for it has ended by the model already.
        let is_asked_for = stored == Some(DeliveryStatus::Pending)
            && expected.is_some_and(|expected| expected.permits > 0 || expected.manual_open);
        if is_asked_for || stored == expected.map(|expected| expected.status) {
            return Ok(());
        }
        violated(format!(
            "{} is {stored:?} in the store; it should be {:?}",
            place_name(place, world),
            expected.map(|expected| expected.status)
        ))
    }

    /// A range was counted for somebody who only wanted to know.
    ///
    /// # Errors
    /// When that is not what he was shown.
    pub fn counted(
        &mut self,
        task: TaskId,
        webhook: WebhookId,
        wanted: &[RecoverStatus],
        counts: &RecoverCounts,
        reads: &[u64],
    ) -> Check {
        let walk = self.recoveries.walks.remove(&task).unwrap_or_default();
        let is_right = |turn: &u64| walk.has(counts, wanted, self.subscribed(webhook, *turn));
        if walk.is_last && reads.iter().any(is_right) {
            return Ok(());
        }
        violated(format!(
            "a dry run counts {counts:?}, which is not what there is"
        ))
    }

    fn subscribed(&self, webhook: WebhookId, turn: u64) -> &[EventType] {
        let settings = self.hooks.get(&webhook).and_then(|hook| hook.at(turn));
        settings.map_or(&[], |settings| settings.events.as_slice())
    }

    /// A client has begun a recovery.
    ///
    /// # Errors
    /// When the webhook has another one under way, or nothing may be sent to it.
    pub fn recovery_begun(&mut self, record: &Record, reads: &[u64], world: &mut World) -> Check {
        let Ok(recovery) = record.read::<Recovery>() else {
            return violated("a recovery is stored that cannot be read");
        };
        let webhook = recovery.webhook_id;
        let name = world.webhook(webhook);
        world.note(format_args!(
            "recovery: of {name} begins: {:?}",
            recovery.range
        ));
        let open = |one: &Recovering| one.webhook == webhook && one.ended.is_none();
        if self.recoveries.of.values().any(open) {
            return violated(format!("{name} has two recoveries under way"));
        }
        self.check_live(webhook, reads, world)?;
        let begun = Recovering {
            company: recovery.company_id,
            webhook,
            range: recovery.range,
            began: world.turn,
            ended: None,
            enqueued: 0,
            looked: BTreeSet::new(),
            sent: BTreeSet::new(),
        };
        self.recoveries.of.insert(recovery.id, begun);
        Ok(())
    }

    fn check_live(&self, webhook: WebhookId, reads: &[u64], world: &mut World) -> Check {
        let hook = self.hooks.get(&webhook);
        if hook.is_some_and(|hook| reads.iter().any(|turn| !hook.was_ended_at(*turn))) {
            return Ok(());
        }
        let name = world.webhook(webhook);
        violated(format!(
            "{name} is disabled or deleted, and is to be sent something again"
        ))
    }

    /// A client has cancelled a recovery.
    ///
    /// # Errors
    /// When it had ended.
    pub fn recovery_cancelled(&mut self, id: RecoveryId, world: &mut World) -> Check {
        let Some(recovery) = self
            .recoveries
            .of
            .get_mut(&id)
            .filter(|one| one.ended.is_none())
        else {
            return violated("a recovery is cancelled that has ended");
        };
        recovery.ended = Some((world.turn, true));
        let name = world.webhook(recovery.webhook);
        world.note(format_args!("recovery: of {name} is cancelled"));
        Ok(())
    }

    /// A job has written something: if it is a recovery's next version, it must be one that there is reason for.
    ///
    /// # Errors
    /// When it counted or enqueued something else than what there was, or twice, or after its end.
    pub fn job_stored(
        &mut self,
        task: TaskId,
        change: &Change,
        reads: &[u64],
        world: &mut World,
    ) -> Check {
        let record = change.writes.iter().find_map(|write| match write {
            Write::UpdateRecord(record) if record.kind == RecordKind::Recovery => Some(record),
            _ => None,
        });
        let Some(record) = record else { return Ok(()) };
        let Ok(next) = record.read::<Recovery>() else {
            return violated("a recovery is stored that cannot be read");
        };
        let name = world.webhook(next.webhook_id);
        let walk = self.recoveries.walks.remove(&task).unwrap_or_default();
        let resends = change.writes.len() - 1;
        world.note(format_args!(
            "recovery: of {name} enqueues {resends} and is {:?}",
            next.state
        ));
        let Some(recovery) = self
            .recoveries
            .of
            .get(&next.id)
            .filter(|one| one.ended.is_none())
        else {
            return violated(format!("a recovery of {name} goes on after its end"));
        };
        let wanted = recovery.range.statuses.clone();
        let was_counting = recovery.enqueued == 0 && recovery.looked.is_empty();
        let (counts, to) = match &next.state {
            State::Running { after: None } if was_counting && resends == 0 => (next.counted, None),
            State::Running { after: Some(after) } => (None, Some(*after)),
            State::Completed(_) => {
                let last = walk.page.last().map(|one| one.event);
                (None, Some(last.unwrap_or_default()))
            }
            State::Stopped { .. } if resends == 0 => {
                let hook = self.hooks.get(&next.webhook_id);
                let had_reason = |turn: &u64| hook.is_none_or(|hook| hook.was_ended_at(*turn));
                if !reads.iter().any(had_reason) {
                    return violated(format!("a recovery of {name} stops without a reason"));
                }
                return self.recovery_ended(&next, world);
            }
            State::Running { after: None }
            | State::Counting
            | State::Cancelled(_)
            | State::Stopped { .. } => {
                return violated(format!("a recovery of {name} is {:?}", next.state));
            }
        };
        if let Some(counts) = counts {
            let is_right =
                |turn: &u64| walk.has(&counts, &wanted, self.subscribed(next.webhook_id, *turn));
            if walk.is_last && reads.iter().any(is_right) {
                return Ok(());
            }
            return violated(format!(
                "a recovery of {name} counts {counts:?}, which is not what there is"
            ));
        }
        let to = to.unwrap_or_default();
        let page: Vec<Stood> = walk
            .page
            .iter()
            .copied()
            .filter(|one| one.event <= to)
            .collect();
        let picks = |turn: u64| -> Vec<EventId> {
            let events = self.subscribed(next.webhook_id, turn);
            let picked = page
                .iter()
                .filter(|one| one.pick(&wanted, events).is_some());
            picked.map(|one| one.event).collect()
        };
        let sent = reads
            .iter()
            .rev()
            .map(|turn| picks(*turn))
            .find(|picks| picks.len() == resends);
        let Some(sent) = sent else {
            return violated(format!(
                "a recovery of {name} enqueues {resends}, which is not what there is"
            ));
        };
        if resends > 0 {
            self.check_live(next.webhook_id, reads, world)?;
        }
        self.recovery_went_on(&next, &page, &sent, world)?;
        if matches!(next.state, State::Completed(_)) {
            if !walk.is_last {
                return violated(format!("a recovery of {name} ends before its range does"));
            }
            self.check_complete(&next, world)?;
            return self.recovery_ended(&next, world);
        }
        Ok(())
    }

    fn recovery_went_on(
        &mut self,
        next: &Recovery,
        page: &[Stood],
        sent: &[EventId],
        world: &mut World,
    ) -> Check {
        let name = world.webhook(next.webhook_id);
        let Some(recovery) = self.recoveries.of.get_mut(&next.id) else {
            return Ok(());
        };
        recovery.enqueued += u64::try_from(sent.len()).unwrap_or(u64::MAX);
        if next.enqueued != recovery.enqueued {
            return violated(format!(
                "a recovery of {name} says that it enqueued {}, which were {}",
                next.enqueued, recovery.enqueued
            ));
        }
        recovery.looked.extend(page.iter().map(|one| one.event));
        for event in sent {
            if !recovery.sent.insert(*event) {
                return violated(format!("a recovery of {name} sends an event twice"));
            }
        }
        for event in sent {
            self.recover(next.webhook_id, *event, world)?;
        }
        Ok(())
    }

    /// One more attempt of what was made, or the first of what was not.
    fn recover(&mut self, webhook: WebhookId, event: EventId, world: &mut World) -> Check {
        let Some(Known { accepted, .. }) = self.known.get(&event).copied() else {
            return violated("a recovery sends an event that was not accepted");
        };
        let place = (webhook, accepted.inspection, accepted.sequence);
        if self.expected.contains_key(&place) {
            return self.asked(place, world);
        }
        self.expect(accepted, &BTreeMap::from([(webhook, false)]), false, world)?;
        *self.events.entry(accepted.company).or_default() -= 1;
        let expected = self.at(place, world)?;
        expected.is_recovered = true;
        // Nothing that comes fresh waits for it.
        expected.first_over = true;
        Ok(())
    }

    /// Whatever was accepted before a recovery began has been looked at when it is complete.
    fn check_complete(&self, next: &Recovery, world: &mut World) -> Check {
        let Some(recovery) = self.recoveries.of.get(&next.id) else {
            return Ok(());
        };
        let forgotten = self.known.iter().find(|(id, known)| {
            let at = id.0.made_at();
            known.accepted.company == recovery.company
                && known.turn < recovery.began
                && recovery.range.from <= at
                && at < recovery.range.to
                && !recovery.looked.contains(id)
        });
        match forgotten {
            None => Ok(()),
            Some((_, known)) => {
                let name = world.webhook(recovery.webhook);
                let event = world.inspection(known.accepted.inspection);
                violated(format!(
                    "a recovery of {name} is complete and has left out {event}#{}",
                    known.accepted.sequence
                ))
            }
        }
    }

    fn recovery_ended(&mut self, next: &Recovery, world: &World) -> Check {
        if let Some(recovery) = self.recoveries.of.get_mut(&next.id) {
            recovery.ended = Some((world.turn, false));
        }
        Ok(())
    }
}
