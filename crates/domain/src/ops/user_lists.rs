//! What a user reads through an application: the own memberships, and the inspections made in the own name
//! (contract 1.3, E28 and E29).

use heraldo_wire::api::{
    Membership, MembershipCompany, Pagination, UserInspection, UserInspectionConsumer,
    UserInspectionListAnswer, UserInspectionProducer, UserInspectionUser,
};
use heraldo_wire::id::{MembershipId, UserId};
use heraldo_wire::object::Confidential;
use heraldo_wire::problem::Problem;

use super::{Context, not_found, problem_of};
use crate::inspection::Inspection;
use crate::query::{CompanyView, InspectionFilter};

/// Every place that the user has in a company, oldest first.
///
/// # Errors
/// The store's.
pub async fn memberships(context: &Context, user_id: UserId) -> Result<Vec<Membership>, Problem> {
    let places = context.store.memberships(user_id).await;
    let places = places.map_err(problem_of)?.into_iter();
    let show = |(member, company): (crate::account::Member, crate::account::Company)| Membership {
        id: member.membership_id,
        role: member.role,
        company: MembershipCompany {
            id: company.id,
            logo: String::new(),
            society_reason: company.name,
        },
    };
    Ok(places.map(show).collect())
}

/// Whose inspections a user lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that the user made.
    Own,
    /// Also those made by users whom this user invited.
    OwnAndInvited,
}

/// One page of a user's inspections, newest first, in the company of one of the user's memberships.
///
/// # Errors
/// `not_found` for a membership that is not the user's; the store's.
pub async fn user_inspections(
    context: &Context,
    user_id: UserId,
    membership_id: MembershipId,
    whose: Whose,
    filter: InspectionFilter,
    page: u32,
    limit: u32,
) -> Result<UserInspectionListAnswer, Problem> {
    let places = context.store.memberships(user_id).await;
    let places = places.map_err(problem_of)?;
    let mine = places
        .into_iter()
        .map(|(member, _)| member)
        .find(|member| member.membership_id == membership_id)
        .ok_or_else(not_found)?;
    let mut producers = vec![user_id];
    match whose {
        Whose::Own => {}
        Whose::OwnAndInvited => {
            let company = context.view(mine.company_id).await?;
            producers.extend(invited_by(&company, user_id));
        }
    }
    let filter = InspectionFilter {
        producers: Some(producers),
        ..filter
    };
    let offset = u64::from(page.saturating_sub(1)) * u64::from(limit);
    let found = context
        .store
        .inspections(mine.company_id, filter, offset, limit)
        .await;
    let (inspections, total) = found.map_err(problem_of)?;
    Ok(UserInspectionListAnswer {
        inspections: inspections.iter().map(row).collect(),
        pagination: Pagination::new(total, page, limit),
    })
}

/// The users whom this user invited.
pub(super) fn invited_by(company: &CompanyView, user: UserId) -> impl Iterator<Item = UserId> + '_ {
    let members = company.members.iter();
    let invited = members.filter(move |member| member.invited_by == Some(user));
    invited.map(|member| member.user_id)
}

fn row(inspection: &Inspection) -> UserInspection {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let user_id = inspection.producer.user_id.unwrap_or_default();
    UserInspection {
        id: inspection.id,
        id_again: inspection.id,
        access_code: Confidential::new(inspection.access_code.clone()),
        kind: inspection.inspection_type,
        status: inspection.status(),
        created_at: inspection.created_at,
        consumer: UserInspectionConsumer {
            first_name: said(&inspection.consumer.first_name),
            last_name: said(&inspection.consumer.last_name),
            identification: said(&inspection.consumer.identification),
        },
        producer: UserInspectionProducer {
            company_id: inspection.company_id,
            user_id,
            user: UserInspectionUser {
                id: user_id,
                username: said(&inspection.producer.username),
            },
        },
    }
}
