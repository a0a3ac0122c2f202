//! Calls under way: what each of them has done, heard at the store, and whether its client is told just that.

use heraldo_domain::change::{Change, Write};
use heraldo_domain::ops::Answer;
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;

use super::inspections::Outcome;
use super::{Asked, Clients, Reply, WEBHOOKS_MAX, Wish, is_the_stores, recoveries, unexpected};
use crate::executor::TaskId;
use crate::oracle::Oracle;
use crate::world::{Check, World, violated};

/// Of so many changes one is stored while its client is told that it failed, if writes may fail.
const DOUBTED_EVERY: u64 = 23;
/// A change of a webhook that others make at the same time is decided anew this often.
const TRIES: usize = 8;

/// A call that has not been answered.
#[derive(Debug)]
pub(super) struct Call {
    pub asked: Asked,
    /// The turn and the time in which it began.
    pub began: u64,
    pub began_at: Timestamp,
    /// What it has done, once that is stored.
    pub did: Option<Did>,
    /// It is stored, and the call was told that it failed.
    in_doubt: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Did {
    /// What was wished.
    Wish,
    Inspection(Outcome),
    Rotated(Secret),
}

/// A change that was stored, as the model hears of it.
#[derive(Debug)]
pub struct Heard<'a> {
    pub change: &'a Change,
    /// The turns in which whoever decided it read the company.
    pub reads: &'a [u64],
    pub oracle: &'a mut Oracle,
    pub world: &'a mut World,
}

impl Clients {
    /// A call has begun.
    pub fn begun(&mut self, task: TaskId, asked: Asked, world: &World) {
        world.note(format_args!("call {task}: {:?}", Short(&asked)));
        let call = Call {
            asked,
            began: world.turn,
            began_at: world.now(),
            did: None,
            in_doubt: false,
        };
        self.calls.insert(task, call);
    }

    /// Whether the next change is to be stored while its client is told that it failed.
    pub fn is_next_in_doubt(&mut self, world: &World) -> bool {
        self.commits += 1;
        world.faults.write > 0 && self.commits.is_multiple_of(DOUBTED_EVERY)
    }

    /// What a call wrote is stored; `in_doubt`: it is told that it failed.
    ///
    /// # Errors
    /// When it is not what was asked for, or was done before.
    pub fn stored(&mut self, task: TaskId, in_doubt: bool, heard: &mut Heard<'_>) -> Check {
        let Some(mut call) = self.calls.remove(&task) else {
            return violated("something is written that nobody asked for");
        };
        call.in_doubt |= in_doubt;
        let told = if in_doubt {
            ", and told to have failed"
        } else {
            ""
        };
        heard.world.note(format_args!("call {task}: stored{told}"));
        let done = self.did(&mut call, heard);
        self.calls.insert(task, call);
        done
    }

    fn did(&mut self, call: &mut Call, heard: &mut Heard<'_>) -> Check {
        let change = heard.change;
        if change.writes.is_empty() && change.events.is_empty() {
            return Ok(());
        }
        if call.did.is_some() && !matches!(call.asked.wish, Wish::Expire) {
            return violated("one call was carried out twice");
        }
        if let Some(key) = &call.asked.key {
            let keyed = self.keys.entry(key.clone()).or_default();
            if std::mem::replace(&mut keyed.is_done, true) {
                return violated("a request that came again was carried out again");
            }
        }
        call.did = Some(match &call.asked.wish {
            Wish::Create { company, started } => {
                self.created(*company, *started, call, heard)?;
                Did::Wish
            }
            Wish::EnterCode { id, .. } | Wish::Finish { id, .. } | Wish::Review { id, .. } => {
                Did::Inspection(self.moved(*id, call, heard)?)
            }
            Wish::Expire => {
                let updated = change.writes.iter().find_map(|write| match write {
                    Write::UpdateInspection(inspection) => Some(inspection.id),
                    _ => None,
                });
                let Some(id) = updated else {
                    return super::missing("an inspection that expired");
                };
                Did::Inspection(self.moved(id, call, heard)?)
            }
            Wish::Publish { company, items, .. } => {
                self.published(*company, items, heard)?;
                Did::Wish
            }
            Wish::CreateWebhook { .. }
            | Wish::SetStatus { .. }
            | Wish::ChangeWebhook { .. }
            | Wish::DeleteWebhook { .. }
            | Wish::Rotate { .. }
            | Wish::Resend { .. }
            | Wish::Test { .. } => self.webhook_stored(call, heard)?,
            Wish::Recover { .. } | Wish::CancelRecovery { .. } => recoveries::stored(call, heard)?,
        });
        Ok(())
    }

    /// A call was answered.
    ///
    /// # Errors
    /// When the answer is not what became of it.
    pub fn answered(
        &mut self,
        task: TaskId,
        reply: Result<Reply, Problem>,
        reads: &[u64],
        oracle: &mut Oracle,
        world: &mut World,
    ) -> Check {
        let Some(call) = self.calls.remove(&task) else {
            return violated("a call is answered that nobody made");
        };
        match reply {
            Ok(reply) => {
                world.note(format_args!("call {task}: answered"));
                match &reply {
                    Reply::Recovered(recovered) => {
                        recoveries::granted(task, &call, recovered, reads, oracle)?;
                    }
                    Reply::Answer(_) | Reply::Access(_) | Reply::Secret(_) | Reply::Done => {
                        self.granted(&call, &reply, oracle, world)?;
                    }
                }
                if world.dice.chance(100) {
                    self.repeat(call.asked);
                }
                Ok(())
            }
            Err(problem) => {
                world.note(format_args!("call {task}: refused: {}", problem.code));
                self.refused(&call, &problem, oracle, world)?;
                if is_the_stores(&problem) && (call.in_doubt || world.dice.chance(500)) {
                    self.repeat(call.asked);
                }
                Ok(())
            }
        }
    }

    /// The server is gone, and with it every call: their clients do not know what became of them.
    pub fn cut_off(&mut self, world: &mut World) {
        for (task, call) in std::mem::take(&mut self.calls) {
            let done = if call.did.is_some() {
                "done"
            } else {
                "not done"
            };
            world.note(format_args!("call {task}: is cut off, {done}"));
            if world.dice.chance(800) {
                self.repeat(call.asked);
            }
        }
    }

    fn repeat(&mut self, asked: Asked) {
        if asked.key.is_some() {
            self.unsure.push(asked);
        }
    }

    fn granted(&mut self, call: &Call, reply: &Reply, oracle: &Oracle, world: &World) -> Check {
        if call.in_doubt {
            return violated("a change was answered although the disk did not keep it");
        }
        match (reply, &call.asked.wish) {
            (Reply::Answer(answer), _) => self.granted_once(call, answer),
            (Reply::Access(access), Wish::EnterCode { id, right, .. }) => {
                self.entered(*id, *right, access, call)
            }
            (Reply::Secret(secret), Wish::Rotate { .. })
                if call.did == Some(Did::Rotated(secret.clone())) =>
            {
                Ok(())
            }
            (Reply::Done, Wish::Expire) => Ok(()),
            // Somebody else had cancelled it.
            (Reply::Done, Wish::CancelRecovery { id, .. })
                if call.did.is_none() && oracle.recovery_end(*id) == Some(true) =>
            {
                Ok(())
            }
            (Reply::Done, Wish::Finish { .. }) if matches!(&call.did, Some(Did::Inspection(outcome)) if outcome.as_wished) => {
                Ok(())
            }
            (Reply::Done, Wish::Review { id, approve, .. }) => self.reviewed(*id, *approve, call),
            (Reply::Done, _) if call.did == Some(Did::Wish) => Ok(()),
            (reply, _) => {
                world.note(format_args!("{reply:?} to {call:?}"));
                violated("a call was answered that was not carried out")
            }
        }
    }

    /// A request with a key is answered alike however often it comes, and carried out once.
    fn granted_once(&mut self, call: &Call, answer: &Answer) -> Check {
        let own = call.did.is_some();
        let Some(key) = &call.asked.key else {
            return if own && !answer.replayed {
                Ok(())
            } else {
                violated("a call was answered that was not carried out")
            };
        };
        let keyed = self.keys.entry(key.clone()).or_default();
        if !keyed.is_done {
            return violated("a call was answered that was not carried out");
        }
        let given = (answer.status, answer.body.clone());
        let known = keyed.answer.get_or_insert_with(|| given.clone());
        if answer.replayed == own || *known != given {
            return violated("a request that came twice was answered twice");
        }
        Ok(())
    }

    fn refused(&self, call: &Call, problem: &Problem, oracle: &Oracle, world: &mut World) -> Check {
        if is_the_stores(problem) {
            let sweeps = matches!(call.asked.wish, Wish::Expire);
            return if call.did.is_none() || call.in_doubt || sweeps {
                Ok(())
            } else {
                violated("a call is told that it failed, and was carried out")
            };
        }
        let is_right = match &call.asked.wish {
            Wish::Create { .. } | Wish::Publish { .. } | Wish::Expire => false,
            Wish::EnterCode { id, .. } | Wish::Finish { id, .. } | Wish::Review { id, .. } => {
                self.is_refused_rightly(*id, problem.code, call, world)
            }
            Wish::CreateWebhook { company, .. } => {
                problem.code == ProblemCode::LimitReached
                    && oracle.live_since(*company, call.began) >= WEBHOOKS_MAX
            }
            Wish::SetStatus { id, .. }
            | Wish::ChangeWebhook { id, .. }
            | Wish::DeleteWebhook { id, .. }
            | Wish::Rotate { id, .. } => oracle.hook(*id).is_some_and(|hook| match problem.code {
                ProblemCode::NotFound => !hook.is_live(),
                ProblemCode::Conflict => hook.changes_since(call.began) >= TRIES,
                _ => false,
            }),
            Wish::Resend { place, .. } => {
                problem.code == ProblemCode::Conflict
                    && oracle
                        .hook(place.0)
                        .is_some_and(|hook| hook.was_ended_since(call.began))
            }
            Wish::Test { id, .. } => oracle.hook(*id).is_some_and(|hook| match problem.code {
                ProblemCode::NotFound => !hook.is_live(),
                ProblemCode::Conflict => hook.was_ended_since(call.began),
                _ => false,
            }),
            Wish::Recover { id, .. } => oracle.hook(*id).is_some_and(|hook| match problem.code {
                ProblemCode::NotFound => !hook.is_live(),
                ProblemCode::Conflict => {
                    hook.was_ended_since(call.began) || oracle.was_recovering_since(*id, call.began)
                }
                _ => false,
            }),
            Wish::CancelRecovery { id, .. } => {
                problem.code == ProblemCode::Conflict && oracle.recovery_end(*id) == Some(false)
            }
        };
        let is_untouched = match &call.did {
            None => true,
            Some(Did::Inspection(outcome)) => outcome.by_time,
            Some(Did::Wish | Did::Rotated(_)) => false,
        };
        if is_right && is_untouched {
            return Ok(());
        }
        world.note(format_args!("{call:?}"));
        Err(unexpected(problem))
    }
}

/// Without what fills its events.
struct Short<'a>(&'a Asked);

impl std::fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.0.key.as_deref().unwrap_or("no key");
        match &self.0.wish {
            Wish::Publish { company, items, .. } => {
                write!(f, "Publish of {company}: {items:?}, {key}")
            }
            wish => write!(f, "{wish:?}, {key}"),
        }
    }
}
