//! Inspections from creation to review, and events published about inspections that run elsewhere.

use heraldo_domain::change::IdempotencyKey;
use heraldo_domain::ops::create_inspection::create_inspection;
use heraldo_domain::ops::enter_access_code::{Access, enter_access_code};
use heraldo_domain::ops::finish::finish;
use heraldo_domain::ops::publish::publish;
use heraldo_domain::ops::review::review;
use heraldo_domain::ops::sweep::expire_lapsed;
use heraldo_domain::ops::{Answer, Once};
use heraldo_wire::api::{CreateInspectionRequest, ReviewRequest, ReviewVeredict};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, Id, InspectionId};
use heraldo_wire::object::{InitialStatus, InspectionType};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::{
    ACCESS_ATTEMPTS_MAX, Seen, Stage, Workload, answered, caller, id_of, json_of, text_of,
    unexpected,
};
use crate::oracle::{Accepted, Oracle};
use crate::server::Server;
use crate::world::{Check, World, violated, wait_for};

/// Of so many requests that publish one is stored while its client is told that it failed, if writes may fail.
const DOUBTED_EVERY: u64 = 9;

impl Workload {
    pub(super) fn create(
        &mut self,
        company: CompanyId,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let started = world.dice.chance(300);
        let request = CreateInspectionRequest {
            template_id: "easy".to_owned(),
            initial_status: started.then_some(InitialStatus::Started),
            ..CreateInspectionRequest::default()
        };
        let context = self.context(server, world);
        let by = caller(company);
        let made = create_inspection(
            &context,
            &by,
            InspectionType::Car,
            request,
            Vec::new(),
            None,
        );
        let Some(answer) = answered(wait_for(made)?, world)? else {
            return Ok(());
        };
        let id: Id = id_of(&text_of(&json_of(&answer.body)?, "inspectionId")?)?;
        let expires_at = world.now().plus(self.settings.inspection_lifetime);
        let stage = if started {
            Stage::Started { wrong: 0 }
        } else {
            Stage::Created { wrong: 0 }
        };
        let seen = Seen {
            company,
            stage,
            events: 0,
            expires_at,
            approved: None,
        };
        self.inspections.insert(InspectionId(id), seen);
        self.event(
            InspectionId(id),
            EventType::InspectionCreated,
            world,
            oracle,
        )
    }

    pub(super) fn enter_code(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, seen)) = self.any(world, |stage| stage != Stage::Blocked) else {
            return Ok(());
        };
        let Ok(Some(stored)) = wait_for(server.engine.inspection(id))? else {
            return violated("an inspection that was created is not in the store");
        };
        let right = world.dice.chance(800);
        let code = if right {
            stored.access_code.clone()
        } else {
            "wrong".to_owned()
        };
        let context = self.context(server, world);
        let reply = match wait_for(enter_access_code(&context, id, &code))? {
            Ok(reply) => reply,
            Err(problem) => return self.refused(id, &problem, world, oracle),
        };
        match (reply, seen.stage) {
            (Access::Granted(_), Stage::Created { .. }) if right => {
                self.set(id, Stage::Started { wrong: 0 });
                self.event(id, EventType::InspectionStarted, world, oracle)
            }
            (Access::Granted(_), Stage::Started { wrong })
                if right && wrong < ACCESS_ATTEMPTS_MAX =>
            {
                self.set(id, Stage::Started { wrong: 0 });
                Ok(())
            }
            (Access::Wrong(problem), Stage::Started { wrong }) if !right => {
                let wrong = wrong + 1;
                let locked = problem.code == ProblemCode::InspectionBlocked;
                if locked != (wrong >= ACCESS_ATTEMPTS_MAX) {
                    return Err(unexpected(&problem));
                }
                self.set(id, Stage::Started { wrong });
                Ok(())
            }
            (Access::Wrong(problem), Stage::Created { wrong }) if !right => {
                let wrong = wrong + 1;
                if (problem.code == ProblemCode::InspectionBlocked)
                    != (wrong >= ACCESS_ATTEMPTS_MAX)
                {
                    return Err(unexpected(&problem));
                }
                if wrong < ACCESS_ATTEMPTS_MAX {
                    self.set(id, Stage::Created { wrong });
                    return Ok(());
                }
                self.set(id, Stage::Blocked);
                self.event(id, EventType::InspectionBlocked, world, oracle)
            }
            (reply, stage) => violated(format!("a code was answered {reply:?} in stage {stage:?}")),
        }
    }

    pub(super) fn finish(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, seen)) = self.any(world, |stage| matches!(stage, Stage::Started { .. }))
        else {
            return Ok(());
        };
        let context = self.context(server, world);
        match wait_for(finish(&context, &caller(seen.company), id))? {
            Ok(_) => {
                self.set(id, Stage::Completed);
                self.event(id, EventType::InspectionCompleted, world, oracle)
            }
            Err(problem) => self.refused(id, &problem, world, oracle),
        }
    }

    pub(super) fn review(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, seen)) = self.any(world, |stage| stage == Stage::Completed) else {
            return Ok(());
        };
        let approve = world.dice.chance(500);
        let veredict = if approve {
            ReviewVeredict::Approved
        } else {
            ReviewVeredict::Disapproved
        };
        let request = ReviewRequest {
            veredict: Some(veredict),
            ..ReviewRequest::default()
        };
        let context = self.context(server, world);
        match wait_for(review(&context, &caller(seen.company), id, request))? {
            Ok(_) if seen.approved == Some(approve) => Ok(()),
            Ok(_) => {
                if let Some(seen) = self.inspections.get_mut(&id) {
                    seen.approved = Some(approve);
                }
                self.event(id, EventType::InspectionReviewed, world, oracle)
            }
            Err(problem) => self.refused(id, &problem, world, oracle),
        }
    }

    pub(super) fn expire(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let context = self.context(server, world);
        answered(wait_for(expire_lapsed(&context, 5))?, world)?;
        // Some may have been ended although another could not be: the store says which.
        let now = world.now();
        let lapsed: Vec<InspectionId> = self
            .inspections
            .iter()
            .filter(|(_, seen)| seen.has_lapsed(now))
            .map(|(id, _)| *id)
            .collect();
        for id in lapsed {
            let stored = wait_for(server.engine.inspection(id))?;
            if let Ok(Some(stored)) = stored
                && stored.has_expired()
            {
                self.lapse(id, world, oracle)?;
            }
        }
        Ok(())
    }

    /// The inspection's time was over, and this call noticed: it is ended, and the call refused.
    fn refused(
        &mut self,
        id: InspectionId,
        problem: &Problem,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let now = world.now();
        let lapsed = self
            .inspections
            .get(&id)
            .is_some_and(|seen| seen.has_lapsed(now));
        let completed = self
            .inspections
            .get(&id)
            .is_some_and(|seen| seen.stage == Stage::Completed);
        let locked = self.inspections.get(&id).is_some_and(
            |seen| matches!(seen.stage, Stage::Started { wrong } if wrong >= ACCESS_ATTEMPTS_MAX),
        );
        match problem.code {
            ProblemCode::InspectionBlocked if locked => Ok(()),
            ProblemCode::InspectionExpired if lapsed => self.lapse(id, world, oracle),
            // A code entered after the end.
            ProblemCode::Conflict if completed => Ok(()),
            _ if problem.status() == 503 => {
                world.note(format_args!("refused: {}", problem.code));
                Ok(())
            }
            _ => Err(unexpected(problem)),
        }
    }

    fn lapse(&mut self, id: InspectionId, world: &mut World, oracle: &mut Oracle) -> Check {
        match self.inspections.get(&id).map(|seen| seen.stage) {
            Some(Stage::Created { .. }) => {
                self.set(id, Stage::Blocked);
                self.event(id, EventType::InspectionBlocked, world, oracle)
            }
            Some(Stage::Started { .. }) => {
                self.set(id, Stage::Completed);
                self.event(id, EventType::InspectionCompleted, world, oracle)
            }
            Some(Stage::Completed | Stage::Blocked) | None => {
                violated("an inspection expired that had ended before")
            }
        }
    }

    pub(super) fn publish(
        &mut self,
        company: CompanyId,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let mut items = Vec::new();
        for _ in 0..world.dice.between(1, 5) {
            let event = world
                .dice
                .pick(&EventType::ALL)
                .copied()
                .unwrap_or(EventType::ImageProcessed);
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
        let body = format!("[{}]", body.join(","));
        self.repeats += 1;
        let key = IdempotencyKey {
            company_id: company,
            route: "POST /v1/notification/event/publish",
            key: format!("publish {}", self.repeats),
        };
        let once = Once {
            key,
            request_hash: [0; 32],
        };
        let context = self.context(server, world);
        let ask = || {
            wait_for(publish(
                &context,
                &caller(company),
                body.as_bytes(),
                Some(&once),
            ))
        };
        let in_doubt = world.faults.write > 0
            && self.repeats.is_multiple_of(DOUBTED_EVERY)
            && server.engine.doubt_next_change(world)?;
        let first = answered(ask()?, world)?;
        if in_doubt {
            if first.is_some() {
                return violated("a change was answered although the disk did not keep it");
            }
            world.note("fault: what was published is stored, and its client told that it is not");
            server.engine.end_doubt(world)?;
        }
        let again = world.dice.chance(150);
        let answer = match first {
            // The client that got no answer, or wants to be sure, asks again.
            Some(answer) if again => answered(ask()?, world)?
                .map_or(Ok(answer.clone()), |second| {
                    same_answer(&answer, &second).map(|()| answer)
                })?,
            Some(answer) => answer,
            None if again || in_doubt => match answered(ask()?, world)? {
                Some(answer) => answer,
                None => return Ok(()),
            },
            None => return Ok(()),
        };
        if answer.replayed != in_doubt {
            return violated(
                "a request that was refused was remembered, or one that stands was not",
            );
        }
        for (event_type, id) in items {
            self.published(company, id, event_type, world, oracle)?;
        }
        Ok(())
    }

    fn published(
        &mut self,
        company: CompanyId,
        id: InspectionId,
        event_type: EventType,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        if self
            .inspections
            .get(&id)
            .is_some_and(|seen| seen.company == company)
        {
            return self.event(id, event_type, world, oracle);
        }
        let count = self.elsewhere.entry((company, id)).or_default();
        *count += 1;
        let accepted = Accepted {
            company,
            inspection: id,
            event_type,
            sequence: *count,
        };
        oracle.accepted(accepted, world)
    }

    fn event(
        &mut self,
        id: InspectionId,
        event_type: EventType,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some(seen) = self.inspections.get_mut(&id) else {
            return Ok(());
        };
        seen.events += 1;
        let accepted = Accepted {
            company: seen.company,
            inspection: id,
            event_type,
            sequence: seen.events,
        };
        oracle.accepted(accepted, world)
    }

    fn set(&mut self, id: InspectionId, stage: Stage) {
        if let Some(seen) = self.inspections.get_mut(&id) {
            seen.stage = stage;
        }
    }

    fn any(&self, world: &mut World, fits: impl Fn(Stage) -> bool) -> Option<(InspectionId, Seen)> {
        let fitting: Vec<InspectionId> = self
            .inspections
            .iter()
            .filter(|(_, seen)| fits(seen.stage))
            .map(|(id, _)| *id)
            .collect();
        let id = *world.dice.pick(&fitting)?;
        self.inspections.get(&id).map(|seen| (id, seen.clone()))
    }
}

impl Seen {
    fn has_lapsed(&self, now: heraldo_wire::time::Timestamp) -> bool {
        matches!(self.stage, Stage::Created { .. } | Stage::Started { .. })
            && now >= self.expires_at
    }
}

fn same_answer(first: &Answer, second: &Answer) -> Check {
    if second.replayed && first.status == second.status && first.body == second.body {
        return Ok(());
    }
    violated("a request that came twice was answered twice")
}
