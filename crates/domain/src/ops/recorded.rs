//! What use cases on one inspection share: fan out its events, and decide again when somebody else
//! changed it first.

use heraldo_wire::event::EventType;
use heraldo_wire::id::{DeliveryId, EventId, InspectionId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::{Context, not_found, problem_of, problem_of_refusal};
use crate::account::Caller;
use crate::change::{AuditEntry, Change, NewEvent, Origin, Write};
use crate::fanout::fan_out;
use crate::inspection::machine::apply;
use crate::inspection::{Command, Inspection, OwnEvent, Refused, Reply, State, event_body};
use crate::query::CompanyView;
use crate::store::StoreError;
use crate::template::Template;

/// A change that others make at the same time is decided anew this often.
const TRIES: usize = 16;

/// What else is to be written with a changed inspection: given it as it will be, the reply (`None`: the
/// command was refused because time had passed) and the time.
pub(super) type Also<'a> = dyn Fn(&Inspection, Option<Reply>, Timestamp) -> Vec<Write> + Sync + 'a;

/// The entry of the audit log that is written with a changed inspection at a time.
pub(super) type Audit<'a> = dyn Fn(Timestamp) -> AuditEntry + Sync + 'a;

impl Context {
    pub(super) async fn view(
        &self,
        company: heraldo_wire::id::CompanyId,
    ) -> Result<std::sync::Arc<CompanyView>, Problem> {
        self.store
            .company(company)
            .await
            .map_err(problem_of)?
            .ok_or_else(not_found)
    }

    /// The caller's inspection.
    pub(super) async fn own(
        &self,
        caller: &Caller,
        id: InspectionId,
    ) -> Result<Inspection, Problem> {
        self.store
            .inspection(id)
            .await
            .map_err(problem_of)?
            .filter(|inspection| inspection.company_id == caller.company_id)
            .ok_or_else(not_found)
    }

    /// One event of an inspection, rendered and fanned out.
    pub(super) fn event_of(
        &self,
        company: &CompanyView,
        inspection: &Inspection,
        event: OwnEvent,
        now: Timestamp,
    ) -> NewEvent {
        let mut next_id = self.ids_of_events(now, 1, company);
        NewEvent {
            id: EventId(next_id()),
            company_id: inspection.company_id,
            inspection_id: inspection.id,
            event_type: event.event_type,
            body: event_body(inspection, event, &self.links, now),
            origin: Origin::Inspection,
            sequence: Some(event.sequence),
            follows_last: false,
            created_at: now,
            deliveries: fan_out(
                company,
                &self.settings.webhook_defaults,
                event.event_type,
                || DeliveryId(next_id()),
            ),
        }
    }

    /// Applies a command to an inspection and writes the result; decides again when somebody else was
    /// first. Time that is over is noticed on the way, so that nobody depends on the sweep's moment.
    pub(super) async fn carry_out(
        &self,
        inspection: Inspection,
        command: &Command,
    ) -> Result<(Inspection, Reply), Problem> {
        self.carry_out_with(inspection, command, &|_, _, _| Vec::new())
            .await
    }

    /// Does the same, and writes more in the same commit: what `also` says of the inspection afterwards,
    /// the reply and the time. Nothing more is written when nothing changed.
    pub(super) async fn carry_out_with(
        &self,
        inspection: Inspection,
        command: &Command,
        also: &Also<'_>,
    ) -> Result<(Inspection, Reply), Problem> {
        self.carry_out_as(inspection, command, also, None).await
    }

    /// Does the same as [`carry_out`](Self::carry_out), and writes down who did it when it changed anything.
    pub(super) async fn carry_out_audited(
        &self,
        inspection: Inspection,
        command: &Command,
        audit: &Audit<'_>,
    ) -> Result<(Inspection, Reply), Problem> {
        let nothing: &Also<'_> = &|_, _, _| Vec::new();
        self.carry_out_as(inspection, command, nothing, Some(audit))
            .await
    }

    async fn carry_out_as(
        &self,
        mut inspection: Inspection,
        command: &Command,
        also: &Also<'_>,
        audit: Option<&Audit<'_>>,
    ) -> Result<(Inspection, Reply), Problem> {
        let template = self.template_of(&inspection).await.map_err(problem_of)?;
        for _ in 0..TRIES {
            let now = self.now();
            let (outcome, next, events) = decide(&inspection, &template, command, now);
            if let Some(next) = next {
                let more = also(&next, outcome.as_ref().ok().copied(), now);
                // Of a refused command only the time that was over is written.
                let audit = audit.filter(|_| outcome.is_ok()).map(|audit| audit(now));
                match self.write(&next, &events, more, audit, now).await {
                    Ok(()) => {
                        return outcome
                            .map(|reply| (next, reply))
                            .map_err(|refused| problem_of_refusal(refused, command));
                    }
                    Err(StoreError::Conflict) => {
                        let id = inspection.id;
                        inspection = self
                            .store
                            .inspection(id)
                            .await
                            .map_err(problem_of)?
                            .ok_or_else(not_found)?;
                    }
                    Err(error) => return Err(problem_of(error)),
                }
            } else {
                return outcome
                    .map(|reply| (inspection, reply))
                    .map_err(|refused| problem_of_refusal(refused, command));
            }
        }
        Err(ProblemCode::Overloaded
            .problem("this inspection is being changed by too many at once; try again in a moment"))
    }

    async fn write(
        &self,
        next: &Inspection,
        events: &[(Inspection, OwnEvent)],
        more: Vec<Write>,
        audit: Option<AuditEntry>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let company = if events.is_empty() {
            None
        } else {
            Some(
                self.store
                    .company(next.company_id)
                    .await?
                    .ok_or(StoreError::NotFound)?,
            )
        };
        let events = company
            .iter()
            .flat_map(|company| {
                events
                    .iter()
                    .map(|(after, event)| self.event_of(company, after, *event, now))
            })
            .collect();
        let mut writes = vec![Write::UpdateInspection(Box::new(next.clone()))];
        writes.extend(more);
        self.store
            .commit(Change {
                writes,
                events,
                audit,
                ..Change::default()
            })
            .await?;
        Ok(())
    }
}

/// What a command comes to once lapsed time is taken into account: what to answer, the inspection to
/// write (if anything changed), and its events, each with the inspection as it was right after.
type Decision = (
    Result<Reply, Refused>,
    Option<Inspection>,
    Vec<(Inspection, OwnEvent)>,
);

/// An inspection on its way through one or more steps.
struct Course<'a> {
    template: &'a Template,
    current: Inspection,
    changed: bool,
    events: Vec<(Inspection, OwnEvent)>,
}

impl Course<'_> {
    fn apply(&mut self, command: &Command, now: Timestamp) -> Result<Reply, Refused> {
        let step = apply(&self.current, self.template, command, now)?;
        if let Some(next) = step.next {
            self.events
                .extend(step.events.into_iter().map(|event| (next.clone(), event)));
            self.current = next;
            self.changed = true;
        }
        Ok(step.reply)
    }
}

fn decide(
    inspection: &Inspection,
    template: &Template,
    command: &Command,
    now: Timestamp,
) -> Decision {
    let mut course = Course {
        template,
        current: inspection.clone(),
        changed: false,
        events: Vec::new(),
    };
    let outcome = if course.current.has_lapsed(now) && notices_time(command) {
        course
            .apply(&Command::Expire, now)
            .and(Err(Refused::Expired))
    } else {
        course.apply(command, now)
    };
    // With no photo left to look at, a finished inspection completes at once (contract 5.2).
    let ended = matches!(course.current.state, State::Processing { .. })
        && course.current.is_all_processed();
    if course.changed && ended {
        let judged = Command::Complete(course.current.judged(template));
        if let Err(refused) = course.apply(&judged, now) {
            return (Err(refused), None, Vec::new());
        }
    }
    course.current.version += u64::from(course.changed);
    (
        outcome,
        course.changed.then_some(course.current),
        course.events,
    )
}

/// Whether a command finds out that the inspection's time is over. What is said of its photos and by its
/// company is taken down all the same; the sweep, or the next of the others, ends it.
const fn notices_time(command: &Command) -> bool {
    match command {
        Command::EnterCode(_)
        | Command::Finish
        | Command::Complete(_)
        | Command::Review { .. }
        | Command::ReviewImages { .. }
        | Command::AddImage { .. }
        | Command::AddProducts(_)
        | Command::DescribeProduct { .. } => true,
        Command::Expire
        | Command::ExamineImage { .. }
        | Command::AnswerForImage { .. }
        | Command::GiveUpOnImage { .. }
        | Command::Describe(_) => false,
    }
}

/// The first event of a new inspection.
pub(super) const fn first_event(event_type: EventType) -> OwnEvent {
    OwnEvent {
        event_type,
        sequence: 1,
        image_id: None,
    }
}
