//! The people of a company: their names and roles, who leaves, and how somebody who forgot the password gets in
//! again. A company always keeps an owner.

use heraldo_wire::id::{CompanyId, UserId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::accounts::{Person, check_person, entry, is_taken, sign_in_token};
use super::{Context, not_found, passwords, problem_of};
use crate::account::{Authority as _, Caller, Company, KeyText, Member, Role};
use crate::change::{Actor, AuditAction, AuditEntry, Change, Write};
use crate::query::CompanyView;

/// The caller, who must be allowed to give and take this role.
pub(super) fn acting<'c>(
    company: &'c CompanyView,
    caller: &Caller,
    role: Role,
) -> Result<&'c Member, Problem> {
    let member = caller.user().and_then(|user| company.member(user));
    let member = member.ok_or_else(not_found)?;
    if member.role.may_give(role) {
        return Ok(member);
    }
    Err(ProblemCode::ForbiddenScope.problem(format!(
        "whose role is {} cannot make somebody {role} or change such a person; ask an owner",
        member.role
    )))
}

/// What a person says of themselves.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub email: &'a str,
    /// Asked for when the e-mail address of a user with a password changes.
    pub password: &'a str,
}

/// Changes the caller's own names and e-mail address.
///
/// # Errors
/// `invalid_body` for what is too long or no address; `conflict` when another member has the address;
/// `invalid_credentials` for a wrong password; `overloaded`; the store's.
pub async fn change_profile(
    context: &Context,
    caller: &Caller,
    profile: Profile<'_>,
) -> Result<(), Problem> {
    let company_id = caller.company_id;
    let company = context.view(company_id).await?;
    let user_id = caller.user().ok_or_else(not_found)?;
    let was = company.member(user_id).ok_or_else(not_found)?;
    let email = profile.email.trim();
    let is_new_address = email != was.email;
    let person = Person {
        email: is_new_address.then(|| email.to_owned()),
        first_name: Some(profile.first_name.trim().to_owned()),
        last_name: Some(profile.last_name.trim().to_owned()),
        ..Person::default()
    };
    check_person(&person)?;
    if is_new_address {
        if is_taken(&company, email, Some(user_id)) {
            return Err(ProblemCode::Conflict
                .problem("`email`: another user of the company has this e-mail address"));
        }
        passwords::shown(context, caller, profile.password).await?;
    }
    let now = Member {
        first_name: person.first_name.unwrap_or_default(),
        last_name: person.last_name.unwrap_or_default(),
        email: email.to_owned(),
        ..was.clone()
    };
    if now == *was {
        return Ok(());
    }
    let write = Write::UpdateMember {
        was: was.clone(),
        now,
    };
    let (actor, action) = (caller.actor, AuditAction::UserChanged);
    commit(
        context,
        company_id,
        actor,
        action,
        user_id,
        None,
        vec![write],
    )
    .await
}

/// Gives a member another role, at once. The sessions of the member go on with it, under new texts.
///
/// # Errors
/// `not_found`; `forbidden_scope` for a role that the caller may not give or take; `conflict` for the last
/// owner; the store's.
pub async fn change_role(
    context: &Context,
    caller: &Caller,
    user_id: UserId,
    role: Role,
) -> Result<(), Problem> {
    let company = context.view(caller.company_id).await?;
    let was = company.member(user_id).ok_or_else(not_found)?;
    acting(&company, caller, was.role)?;
    let actor = acting(&company, caller, role)?;
    if was.role == role {
        return Ok(());
    }
    let mut writes = leaving(&company, actor, was)?;
    let now = Member {
        role,
        ..was.clone()
    };
    writes.push(Write::UpdateMember {
        was: was.clone(),
        now,
    });
    let detail = Some(format!("{} → {role}", was.role));
    let (company_id, action) = (caller.company_id, AuditAction::RoleChanged);
    commit(
        context,
        company_id,
        caller.actor,
        action,
        user_id,
        detail,
        writes,
    )
    .await
}

/// Takes a member out of the company: the member's sessions here end at once, and what applications do in the
/// member's name is refused. Inspections stay as they are.
///
/// # Errors
/// `not_found`; `forbidden_scope` for a role that the caller may not take; `conflict` for the last owner; the
/// store's.
pub async fn remove_member(
    context: &Context,
    caller: &Caller,
    user_id: UserId,
) -> Result<(), Problem> {
    let company_id = caller.company_id;
    let company = context.view(company_id).await?;
    let was = company.member(user_id).ok_or_else(not_found)?;
    let actor = acting(&company, caller, was.role)?;
    let mut writes = leaving(&company, actor, was)?;
    writes.push(Write::DeleteMember(was.clone()));
    writes.push(Write::EndSessions {
        user_id,
        company_id: Some(company_id),
    });
    let detail = Some(format!("{} {}", was.role, was.email));
    let action = AuditAction::UserRemoved;
    commit(
        context,
        company_id,
        caller.actor,
        action,
        user_id,
        detail,
        writes,
    )
    .await
}

/// Lets a person in again who forgot the password or lost the link: the password and every session end, and a
/// link that works once within 24 hours takes their place.
///
/// # Errors
/// `not_found`; for a user of a company `forbidden_scope` when the caller may not give the person's role, and
/// `conflict` when the person has places in other companies, too; the store's.
pub async fn reset_access(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    user_id: UserId,
) -> Result<KeyText, Problem> {
    let company = context.view(company_id).await?;
    let member = company.member(user_id).ok_or_else(not_found)?;
    let mut writes = Vec::new();
    if actor != Actor::CommandLine {
        let caller = Caller {
            company_id,
            actor,
            testing: false,
        };
        writes.extend(expected(acting(&company, &caller, member.role)?, user_id));
        let places = context.store.memberships(user_id).await;
        if places.map_err(problem_of)?.len() > 1 {
            return Err(ProblemCode::Conflict.problem(
                "the person belongs to other companies, too; whoever runs Heraldo makes a new link with \
                 `heraldo user reset`",
            ));
        }
    }
    writes.push(Write::ExpectMember(member.clone()));
    let was = context.store.password(user_id).await.map_err(problem_of)?;
    writes.push(Write::SetPassword {
        user_id,
        was,
        now: None,
    });
    writes.push(Write::EndSessions {
        user_id,
        company_id: None,
    });
    let (token, text) = sign_in_token(context, member, context.now());
    writes.push(Write::CreateToken(token));
    let action = AuditAction::AccessReset;
    commit(context, company_id, actor, action, user_id, None, writes).await?;
    Ok(text)
}

/// That the caller still is who may do it; of the member that is changed the change itself says so.
fn expected(actor: &Member, changed: UserId) -> Vec<Write> {
    let another = actor.user_id != changed;
    let write = another.then(|| Write::ExpectMember(actor.clone()));
    write.into_iter().collect()
}

/// What it takes that a member leaves a role: the caller still may take it, and an owner stays.
fn leaving(company: &CompanyView, actor: &Member, was: &Member) -> Result<Vec<Write>, Problem> {
    let mut writes = expected(actor, was.user_id);
    if was.role == Role::Owner {
        writes.extend(keep_an_owner(company, was.user_id)?);
    }
    Ok(writes)
}

/// What makes sure that the company has an owner beside this one, also if two leave at the same moment; what
/// keys create is produced by that owner from then on, if it was by this one.
fn keep_an_owner(company: &CompanyView, leaving: UserId) -> Result<Vec<Write>, Problem> {
    let mut owners = company.members.iter();
    let other = owners.find(|member| member.role == Role::Owner && member.user_id != leaving);
    let other = other.ok_or_else(|| {
        ProblemCode::Conflict
            .problem("this is the company's last owner; make somebody else an owner before")
    })?;
    let mut writes = vec![Write::ExpectMember(other.clone())];
    if company.company.owner == leaving {
        writes.push(Write::UpdateCompany {
            was: company.company.clone(),
            now: Company {
                owner: other.user_id,
                ..company.company.clone()
            },
        });
    }
    Ok(writes)
}

async fn commit(
    context: &Context,
    company_id: CompanyId,
    actor: Actor,
    action: AuditAction,
    subject: UserId,
    detail: Option<String>,
    writes: Vec<Write>,
) -> Result<(), Problem> {
    let now: Timestamp = context.now();
    let change = Change {
        writes,
        audit: Some(AuditEntry {
            detail,
            ..entry(context, company_id, actor, action, subject, now)
        }),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(())
}
