//! Inspections as the people of a company see them (contract 1.3, E12, E13 and E29): owners and administrators
//! all of them, a producer the own ones and those of people whom the producer invited.

use std::sync::Arc;

use heraldo_wire::id::{InspectionId, UserId};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::accounts::entry;
use super::children::ChildLink;
use super::user_lists::invited_by;
use super::{Context, not_found, problem_of};
use crate::account::{Caller, Member, Role};
use crate::change::{AuditAction, Change};
use crate::inspection::Inspection;
use crate::query::{
    CompanyView, DeliveryFilter, DeliveryRecord, EventFilter, EventRecord, InspectionFilter, Page,
};
use crate::template::Template;

/// An inspection has one event for each of its photos and a few of its own.
const EVENTS_MAX: u32 = 200;
/// The newest deliveries of an inspection; so many tell of each event when a few webhooks get them.
const DELIVERIES_MAX: u32 = 500;
/// The newest children of one inspection.
const CHILDREN_MAX: u32 = 20;

/// Whose inspections somebody sees; `None`: everybody's.
fn seen_by(company: &CompanyView, member: &Member) -> Option<Vec<UserId>> {
    match member.role {
        Role::Owner | Role::Admin => None,
        Role::Producer => {
            let own = std::iter::once(member.user_id);
            Some(own.chain(invited_by(company, member.user_id)).collect())
        }
    }
}

/// The newest inspections that a member sees and the filter keeps, and how many match in all (see
/// [`INSPECTIONS_COUNTED_MIN`](crate::query::INSPECTIONS_COUNTED_MIN)).
///
/// # Errors
/// The store's.
pub async fn seen_inspections(
    context: &Context,
    company: &CompanyView,
    member: &Member,
    filter: InspectionFilter,
    limit: u32,
) -> Result<(Vec<Inspection>, u64), Problem> {
    let filter = InspectionFilter {
        producers: seen_by(company, member),
        ..filter
    };
    let id = company.company.id;
    let found = context.store.inspections(id, filter, 0, limit).await;
    found.map_err(problem_of)
}

/// One inspection that a member sees.
///
/// # Errors
/// `not_found`, also for one that the member does not see; the store's.
pub async fn seen_inspection(
    context: &Context,
    company: &CompanyView,
    member: &Member,
    id: InspectionId,
) -> Result<Inspection, Problem> {
    let found = context.store.inspection(id).await.map_err(problem_of)?;
    let seen = found.filter(|inspection| {
        let is_seen = |producers: Vec<UserId>| {
            let producer = inspection.producer.user_id;
            producer.is_some_and(|producer| producers.contains(&producer))
        };
        inspection.company_id == company.company.id && seen_by(company, member).is_none_or(is_seen)
    });
    seen.ok_or_else(not_found)
}

/// The newest children of an inspection that a member sees, newest first.
///
/// # Errors
/// The store's.
pub async fn seen_children(
    context: &Context,
    company: &CompanyView,
    member: &Member,
    parent: InspectionId,
) -> Result<Vec<Inspection>, Problem> {
    let page = Page {
        limit: CHILDREN_MAX,
        before: None,
    };
    let links = context.kept_page::<ChildLink>(company.company.id, Some(parent.0), page);
    let mut children = Vec::new();
    for link in links.await.map_err(problem_of)? {
        match seen_inspection(context, company, member, link.id).await {
            Ok(child) => children.push(child),
            Err(problem) if problem.code == ProblemCode::NotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(children)
}

/// Notes that somebody is shown the link and the access code of an inspection's person: before they are shown.
///
/// # Errors
/// The store's: without an audit entry nothing is shown.
pub async fn audit_access(
    context: &Context,
    caller: &Caller,
    inspection: &Inspection,
) -> Result<(), Problem> {
    let (action, now) = (AuditAction::AccessRevealed, context.now());
    let (company, id) = (caller.company_id, inspection.id);
    let change = Change {
        audit: Some(entry(context, company, caller.actor, action, id, now)),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(())
}

/// What belongs to an inspection beside itself.
#[derive(Debug, Clone)]
pub struct Story {
    /// As it was when the inspection was made.
    pub template: Arc<Template>,
    /// Oldest first; those that were deleted for their age are missing.
    pub events: Vec<EventRecord>,
    /// Newest first.
    pub deliveries: Vec<DeliveryRecord>,
    /// There are more than these.
    pub has_more_deliveries: bool,
}

/// What happened to an inspection, and who was told.
///
/// # Errors
/// The store's.
pub async fn story(context: &Context, inspection: &Inspection) -> Result<Story, Problem> {
    let template = context.template_of(inspection).await.map_err(problem_of)?;
    let company = inspection.company_id;
    let filter = EventFilter {
        inspection_id: Some(inspection.id),
        ..EventFilter::default()
    };
    let page = Page {
        limit: EVENTS_MAX,
        before: None,
    };
    let events = context.store.events(company, filter, page).await;
    let mut events = events.map_err(problem_of)?;
    events.reverse();
    let filter = DeliveryFilter {
        inspection_id: Some(inspection.id),
        ..DeliveryFilter::default()
    };
    let page = Page {
        limit: DELIVERIES_MAX + 1,
        before: None,
    };
    let deliveries = context.store.deliveries(company, filter, page).await;
    let mut deliveries = deliveries.map_err(problem_of)?;
    let fit = usize::try_from(DELIVERIES_MAX).unwrap_or(usize::MAX);
    let has_more_deliveries = deliveries.len() > fit;
    deliveries.truncate(fit);
    Ok(Story {
        template,
        events,
        deliveries,
        has_more_deliveries,
    })
}
