//! The people of the company: invited, given another role, let in again, removed.

use askama::Template;
use heraldo_domain::account::{Authority as _, Member, Role};
use heraldo_domain::ops::invitations::{
    create_invitation, list_invitations, revoke_invitation as end_invitation,
};
use heraldo_domain::ops::people::{change_role as give_role, remove_member, reset_access};
use heraldo_domain::query::Page;
use heraldo_wire::id::{InvitationId, UserId};
use heraldo_wire::problem::ProblemCode;
use http::StatusCode;

use super::moment::Moment;
use super::pager::Pager;
use super::visit::{Done, Form, Visit};
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};

const PATH: &str = "dashboard/team";
/// The newest invitations, among which open ones are looked for.
const INVITATIONS_MAX: u32 = 500;
/// Rows of each table on one page.
const PEOPLE: usize = 10;
const INVITATIONS: usize = 6;

#[derive(Template)]
#[template(path = "dashboard/team.html")]
struct Team {
    frame: Frame,
    people: Vec<Person>,
    people_pages: Pager,
    /// Those that the viewer may give.
    roles: Vec<Role>,
    invitations: Vec<Invited>,
    invitation_pages: Pager,
}

struct Person {
    id: String,
    name: String,
    email: String,
    role: Role,
    since: Moment,
    is_viewer: bool,
    /// The viewer may give this role and take it.
    may_change: bool,
    is_last_owner: bool,
}

struct Invited {
    id: String,
    email: String,
    role: Role,
    inviter: String,
    expires_at: Moment,
    may_revoke: bool,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let page = Page {
        limit: INVITATIONS_MAX,
        before: None,
    };
    let all = list_invitations(visit.context(), visit.company.company.id, page).await?;
    let now = visit.call.now();
    let viewer = &visit.member;
    let members = &visit.company.members;
    let owners = members.iter().filter(|member| member.role == Role::Owner);
    let has_one_owner = owners.count() == 1;
    let mut oldest_first: Vec<&Member> = members.iter().collect();
    oldest_first.sort_by_key(|member| member.membership_id);
    let query = visit.call.parts.uri.query();
    let mut people_pages = Pager::read(query, "people", PEOPLE);
    let mut invitation_pages = Pager::read(query, "invitations", INVITATIONS);
    let people = people_pages
        .cut(oldest_first)
        .into_iter()
        .map(|member| Person {
            id: member.user_id.to_string(),
            name: member.shown_name(),
            email: member.email.clone(),
            role: member.role,
            since: Moment(member.created_at),
            is_viewer: member.user_id == viewer.user_id,
            may_change: viewer.role.may_give(member.role),
            is_last_owner: has_one_owner && member.role == Role::Owner,
        });
    let open = all.into_iter().filter(|invitation| invitation.is_open(now));
    let invitations = invitation_pages
        .cut(open)
        .into_iter()
        .map(|invitation| Invited {
            id: invitation.id.to_string(),
            email: invitation.email,
            role: invitation.role,
            inviter: visit
                .company
                .member(invitation.invited_by)
                .map_or_else(String::new, Member::shown_name),
            expires_at: Moment(invitation.expires_at),
            may_revoke: viewer.role.may_give(invitation.role),
        });
    visit.page(&Team {
        frame: visit.frame(Section::Configuration),
        people: people.collect(),
        people_pages,
        roles: roles(visit),
        invitations: invitations.collect(),
        invitation_pages,
    })
}

/// The roles that the viewer may give, the least first.
fn roles(visit: &Visit<'_>) -> Vec<Role> {
    let all = [Role::Producer, Role::Admin, Role::Owner];
    let given = all
        .into_iter()
        .filter(|role| visit.member.role.may_give(*role));
    given.collect()
}

#[derive(Template)]
#[template(path = "dashboard/invite.html")]
struct Invite<'a> {
    frame: Frame,
    email: &'a str,
    role: Role,
    roles: Vec<Role>,
    wrong: Option<Wrong>,
}

impl<'a> Invite<'a> {
    fn read(visit: &Visit<'_>, form: &'a Form) -> Self {
        Self {
            frame: visit.frame(Section::Configuration).keeping(),
            email: form.text("email"),
            role: form.text("role").parse().unwrap_or(Role::Producer),
            roles: roles(visit),
            wrong: None,
        }
    }
}

pub async fn invite(visit: &mut Visit<'_>) -> Outcome {
    visit.page(&Invite::read(visit, &Form::default()))
}

pub async fn show_invite(visit: &mut Visit<'_>, form: Form) -> Outcome {
    visit.page(&Invite::read(visit, &form))
}

/// A link that is shown once.
#[derive(Template)]
#[template(path = "dashboard/link_made.html")]
struct LinkMade<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    whom: &'a str,
    link: String,
}

pub async fn create(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let email = form.text("email");
    let role: Option<Role> = form.text("role").parse().ok();
    let caller = visit.caller();
    let wrong = match role {
        None => Wrong::field("role", "`role` must be owner, admin or producer"),
        Some(role) => match create_invitation(visit.context(), &caller, email, role).await {
            Ok(made) => {
                let t = visit.t;
                let link = link(visit, "invitation", made.token.reveal());
                return visit.page_with(
                    StatusCode::CREATED,
                    &LinkMade {
                        frame: visit.frame(Section::Configuration),
                        title: t.invitation_made(),
                        text: t.invitation_link_text(),
                        whom: email,
                        link,
                    },
                );
            }
            Err(problem) if problem.code == ProblemCode::ForbiddenScope => {
                Wrong::field("role", problem.detail)
            }
            Err(problem) => Wrong::of(problem)?,
        },
    };
    let status = wrong.status;
    let template = Invite {
        wrong: Some(wrong),
        ..Invite::read(visit, &form)
    };
    visit.page_with(status, &template)
}

/// A whole address: it is passed on to somebody else.
fn link(visit: &Visit<'_>, path: &str, token: &str) -> String {
    format!("{}/{path}?token={token}", visit.context().links.public_url)
}

pub async fn revoke_invitation(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: InvitationId = visit.id().await?;
    end_invitation(visit.context(), &visit.caller(), id).await?;
    visit.go(PATH, Some(Done::InvitationRevoked))
}

pub async fn change_role(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: UserId = visit.id().await?;
    // Whoever is not of the company is not there, whatever role was sent.
    let present = visit.company.member(id).map(|member| member.role);
    let role = match present {
        Some(_) => form
            .text("role")
            .parse()
            .map_err(|error| ProblemCode::InvalidBody.problem(format!("`role`: {error}")))?,
        None => Role::Producer,
    };
    give_role(visit.context(), &visit.caller(), id, role).await?;
    visit.go(PATH, Some(Done::RoleChanged))
}

pub async fn remove(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: UserId = visit.id().await?;
    remove_member(visit.context(), &visit.caller(), id).await?;
    visit.go(PATH, Some(Done::MemberRemoved))
}

pub async fn reset(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: UserId = visit.id().await?;
    let caller = visit.caller();
    let token = reset_access(visit.context(), caller.company_id, caller.actor, id).await?;
    let whom = visit
        .company
        .member(id)
        .map_or_else(String::new, Member::shown_name);
    let t = visit.t;
    let link = link(visit, "signin", token.reveal());
    visit.page_with(
        StatusCode::CREATED,
        &LinkMade {
            frame: visit.frame(Section::Configuration),
            title: t.link_made(),
            text: t.link_made_text(),
            whom: &whom,
            link,
        },
    )
}
