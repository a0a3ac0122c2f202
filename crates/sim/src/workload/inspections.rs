//! Inspections from creation to review, and events published about inspections that run elsewhere: what is asked for,
//! what a stored change makes of them, and how each call may be answered.

use heraldo_domain::change::Write;
use heraldo_domain::ops::enter_access_code::Access;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, Id, InspectionId};
use heraldo_wire::problem::ProblemCode;
use heraldo_wire::time::Timestamp;

use super::calls::{Call, Did, Heard};
use super::{ACCESS_ATTEMPTS_MAX, Clients, Wish, missing, unexpected};
use crate::engine::Engine;
use crate::oracle::Accepted;
use crate::world::{Check, World, violated, wait_for};

/// An inspection as the model knows it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    company: CompanyId,
    /// Each stage that it was in, with the turn from which on.
    stages: Vec<(u64, Stage)>,
    events: u32,
    expires_at: Timestamp,
    /// Its time was over before it had ended.
    has_expired: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Created {
        wrong: u32,
    },
    Started {
        wrong: u32,
    },
    /// With what it was reviewed to be; `None` before the first review.
    Completed {
        approved: Option<bool>,
    },
    Blocked,
}

/// What a stored change of an inspection came from. When its time is over, both may have the same result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What was asked for explains it.
    pub as_wished: bool,
    /// That its time was over explains it.
    pub by_time: bool,
    /// A wrong code was the last one that it takes.
    last_code: bool,
}

/// Where a change leaves an inspection, and the event that tells of it.
type Next = (Stage, Option<EventType>);

impl Clients {
    pub(super) fn enter_code(&self, engine: &Engine, world: &mut World) -> Check<Option<Wish>> {
        let Some((id, _)) = self.any(world, |stage| stage != Stage::Blocked) else {
            return Ok(None);
        };
        let Ok(Some(stored)) = wait_for(engine.inspection(id))? else {
            return violated("an inspection that was created is not in the store");
        };
        let right = world.dice.chance(800);
        let code = if right {
            stored.access_code
        } else {
            "wrong".to_owned()
        };
        Ok(Some(Wish::EnterCode { id, code, right }))
    }

    pub(super) fn finish(&self, world: &mut World) -> Option<Wish> {
        let (id, company) = self.any(world, |stage| matches!(stage, Stage::Started { .. }))?;
        Some(Wish::Finish { id, company })
    }

    pub(super) fn review(&self, world: &mut World) -> Option<Wish> {
        let (id, company) = self.any(world, |stage| matches!(stage, Stage::Completed { .. }))?;
        let approve = world.dice.chance(500);
        Some(Wish::Review {
            id,
            company,
            approve,
        })
    }

    pub(super) fn publish(&self, company: CompanyId, world: &mut World) -> Wish {
        let mut items = Vec::new();
        for _ in 0..world.dice.between(1, 5) {
            let event = world.dice.pick(&EventType::ALL).copied();
            let event = event.unwrap_or(EventType::ImageProcessed);
            let own: Vec<InspectionId> = self.inspections.keys().copied().collect();
            let id = match world.dice.pick(&own) {
                // Also those of another company: they are no inspections of this one's.
                Some(id) if world.dice.chance(if self.few { 50 } else { 400 }) => *id,
                _ => InspectionId(Id::from_parts(
                    world.dice.between(1, if self.few { 2 } else { 12 }),
                    0,
                )),
            };
            items.push((event, id));
        }
        let body: Vec<String> = items
            .iter()
            .map(|(event, id)| {
                let filling = "x".repeat(world.dice.up_to(600));
                format!(r#"{{"event":"{event}","payload":{{"_id":"{id}","filling":"{filling}"}}}}"#)
            })
            .collect();
        Wish::Publish {
            company,
            items,
            body: format!("[{}]", body.join(",")),
        }
    }

    pub(super) fn created(
        &mut self,
        company: CompanyId,
        started: bool,
        call: &Call,
        heard: &mut Heard<'_>,
    ) -> Check {
        let [Write::CreateInspection(made)] = heard.change.writes.as_slice() else {
            return missing("an inspection");
        };
        let lifetime = self.settings.inspection_lifetime;
        let (earliest, latest) = (
            call.began_at.plus(lifetime),
            heard.world.now().plus(lifetime),
        );
        if made.company_id != company || made.expires_at < earliest || made.expires_at > latest {
            return violated("an inspection was made that was not asked for");
        }
        let stage = if started {
            Stage::Started { wrong: 0 }
        } else {
            Stage::Created { wrong: 0 }
        };
        let seen = Seen {
            company,
            stages: vec![(heard.world.turn, stage)],
            events: 0,
            expires_at: made.expires_at,
            has_expired: false,
        };
        if self.inspections.insert(made.id, seen).is_some() {
            return violated("two inspections have one id");
        }
        self.accept(company, &[(EventType::InspectionCreated, made.id)], heard)
    }

    pub(super) fn published(
        &mut self,
        company: CompanyId,
        items: &[(EventType, InspectionId)],
        heard: &mut Heard<'_>,
    ) -> Check {
        if !heard.change.writes.is_empty() {
            return missing("what was published");
        }
        self.accept(company, items, heard)
    }

    /// A change of an inspection was stored.
    pub(super) fn moved(
        &mut self,
        id: InspectionId,
        call: &Call,
        heard: &mut Heard<'_>,
    ) -> Check<Outcome> {
        let (turn, now) = (heard.world.turn, heard.world.now());
        let name = heard.world.inspection(id);
        let is_update = |write: &Write| matches!(write, Write::UpdateInspection(inspection) if inspection.id == id);
        let Some(seen) = self
            .inspections
            .get_mut(&id)
            .filter(|_| heard.change.writes.iter().all(is_update))
        else {
            return missing(&format!("{name} as it is now"));
        };
        let event = heard.change.events.first().map(|made| made.event_type);
        let fits = |next: &Next| next.1 == event;
        let stage = seen.stage();
        let by_time = seen.lapsed(now).filter(fits);
        // Its time may have been over when the call began: then nothing else may come of it.
        let late = seen.lapsed(call.began_at).is_some();
        let wished = wished(&call.asked.wish, stage).filter(fits);
        let wished = wished.filter(|_| !late);
        let Some(next) = wished.or(by_time) else {
            return violated(format!("{name} is {stage:?} and was changed ({event:?})"));
        };
        if wished.is_none() {
            seen.has_expired = true;
        }
        seen.stages.push((turn, next.0));
        let company = seen.company;
        let last_code = match next.0 {
            Stage::Started { wrong } => wrong >= ACCESS_ATTEMPTS_MAX,
            Stage::Blocked => true,
            Stage::Created { .. } | Stage::Completed { .. } => false,
        };
        let events: Vec<_> = event.into_iter().map(|event| (event, id)).collect();
        self.accept(company, &events, heard)?;
        Ok(Outcome {
            as_wished: wished.is_some(),
            by_time: by_time.is_some(),
            last_code,
        })
    }

    /// Events are stored, in this order, and no other.
    fn accept(
        &mut self,
        company: CompanyId,
        events: &[(EventType, InspectionId)],
        heard: &mut Heard<'_>,
    ) -> Check {
        if heard.change.events.len() != events.len() {
            return missing(&format!("{events:?}"));
        }
        for ((event_type, id), made) in events.iter().zip(&heard.change.events) {
            let own = self.inspections.get_mut(id);
            let count = match own.filter(|seen| seen.company == company) {
                Some(seen) => &mut seen.events,
                None => self.elsewhere.entry((company, *id)).or_default(),
            };
            *count += 1;
            let accepted = Accepted {
                company,
                inspection: *id,
                event_type: *event_type,
                sequence: *count,
            };
            heard
                .oracle
                .accepted(accepted, made, heard.reads, heard.world)?;
        }
        Ok(())
    }

    /// A code was answered.
    pub(super) fn entered(
        &self,
        id: InspectionId,
        right: bool,
        access: &Access,
        call: &Call,
    ) -> Check {
        let Some(seen) = self.inspections.get(&id) else {
            return violated("a code was answered for nothing");
        };
        let done = match &call.did {
            Some(Did::Inspection(outcome)) if outcome.as_wished => Some(outcome),
            _ => None,
        };
        match (access, done) {
            (Access::Granted(_), Some(_)) if right => Ok(()),
            // It had started, and no wrong code has to be forgotten.
            (Access::Granted(_), None)
                if right && seen.was(call, |stage| stage == Stage::Started { wrong: 0 }) =>
            {
                Ok(())
            }
            (Access::Wrong(problem), Some(outcome)) if !right => {
                if (problem.code == ProblemCode::InspectionBlocked) == outcome.last_code {
                    return Ok(());
                }
                Err(unexpected(problem))
            }
            (access, _) => violated(format!("a code was answered {access:?}: {call:?}")),
        }
    }

    pub(super) fn reviewed(&self, id: InspectionId, approve: bool, call: &Call) -> Check {
        let held = Stage::Completed {
            approved: Some(approve),
        };
        let seen = self.inspections.get(&id);
        let is_right = match &call.did {
            Some(Did::Inspection(outcome)) => outcome.as_wished,
            Some(Did::Wish | Did::Rotated(_)) => false,
            None => seen.is_some_and(|seen| seen.was(call, |stage| stage == held)),
        };
        if is_right {
            return Ok(());
        }
        violated("a review was answered that was not carried out")
    }

    /// Whether a call may have been refused like this at some moment of it.
    pub(super) fn is_refused_rightly(
        &self,
        id: InspectionId,
        code: ProblemCode,
        call: &Call,
        world: &World,
    ) -> bool {
        let Some(seen) = self.inspections.get(&id) else {
            return false;
        };
        let enters = matches!(call.asked.wish, Wish::EnterCode { .. });
        let finishes = matches!(call.asked.wish, Wish::Finish { .. });
        match code {
            ProblemCode::InspectionExpired => match &call.did {
                Some(Did::Inspection(outcome)) => outcome.by_time,
                Some(Did::Wish | Did::Rotated(_)) => false,
                None => seen.has_expired && seen.expires_at <= world.now(),
            },
            ProblemCode::InspectionBlocked => {
                let is_locked = |stage| match stage {
                    Stage::Started { wrong } => wrong >= ACCESS_ATTEMPTS_MAX,
                    Stage::Blocked => true,
                    Stage::Created { .. } | Stage::Completed { .. } => false,
                };
                enters && call.did.is_none() && seen.was(call, is_locked)
            }
            // After the end: of a code, or of the second who finishes it.
            ProblemCode::Conflict => {
                let has_ended = |stage| matches!(stage, Stage::Completed { .. } | Stage::Blocked);
                (enters || finishes) && call.did.is_none() && seen.was(call, has_ended)
            }
            _ => false,
        }
    }

    fn any(
        &self,
        world: &mut World,
        fits: impl Fn(Stage) -> bool,
    ) -> Option<(InspectionId, CompanyId)> {
        let fitting: Vec<_> = self
            .inspections
            .iter()
            .filter(|(_, seen)| fits(seen.stage()))
            .map(|(id, seen)| (*id, seen.company))
            .collect();
        world.dice.pick(&fitting).copied()
    }
}

impl Seen {
    fn stage(&self) -> Stage {
        let last = self.stages.last();
        last.map_or(Stage::Blocked, |(_, stage)| *stage)
    }

    /// Whether it was in such a stage at some moment since the call began.
    fn was(&self, call: &Call, fits: impl Fn(Stage) -> bool) -> bool {
        let until = |place: usize| self.stages.get(place + 1).map(|(turn, _)| *turn);
        let lasted = |place: usize| until(place).is_none_or(|turn| turn >= call.began);
        let mut stages = self.stages.iter().enumerate();
        stages.any(|(place, (_, stage))| lasted(place) && fits(*stage))
    }

    /// Where it is left when its time is over.
    fn lapsed(&self, now: Timestamp) -> Option<Next> {
        if now < self.expires_at {
            return None;
        }
        match self.stage() {
            Stage::Created { .. } => Some((Stage::Blocked, Some(EventType::InspectionBlocked))),
            Stage::Started { .. } => {
                let stage = Stage::Completed { approved: None };
                Some((stage, Some(EventType::InspectionCompleted)))
            }
            Stage::Completed { .. } | Stage::Blocked => None,
        }
    }
}

/// Where an inspection is left that is asked for this in that stage; `None`: it stays as it is.
fn wished(wish: &Wish, stage: Stage) -> Option<Next> {
    match (wish, stage) {
        (Wish::EnterCode { right: true, .. }, Stage::Created { .. }) => {
            let stage = Stage::Started { wrong: 0 };
            Some((stage, Some(EventType::InspectionStarted)))
        }
        (Wish::EnterCode { right: true, .. }, Stage::Started { wrong })
            if (1..ACCESS_ATTEMPTS_MAX).contains(&wrong) =>
        {
            Some((Stage::Started { wrong: 0 }, None))
        }
        (Wish::EnterCode { right: false, .. }, Stage::Created { wrong }) => {
            let wrong = wrong + 1;
            if wrong < ACCESS_ATTEMPTS_MAX {
                return Some((Stage::Created { wrong }, None));
            }
            Some((Stage::Blocked, Some(EventType::InspectionBlocked)))
        }
        (Wish::EnterCode { right: false, .. }, Stage::Started { wrong })
            if wrong < ACCESS_ATTEMPTS_MAX =>
        {
            Some((Stage::Started { wrong: wrong + 1 }, None))
        }
        (Wish::Finish { .. }, Stage::Started { .. }) => {
            let stage = Stage::Completed { approved: None };
            Some((stage, Some(EventType::InspectionCompleted)))
        }
        (Wish::Review { approve, .. }, Stage::Completed { approved })
            if approved != Some(*approve) =>
        {
            let stage = Stage::Completed {
                approved: Some(*approve),
            };
            Some((stage, Some(EventType::InspectionReviewed)))
        }
        _ => None,
    }
}
