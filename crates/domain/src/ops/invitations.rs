//! Asks people into a company: an owner or an administrator makes a link that works once, within seven days.

use std::time::Duration;

use heraldo_wire::id::{CompanyId, InvitationId};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::accounts::{Person, check_email, check_person, entry, is_taken, new_member};
use super::people::acting;
use super::sign_in::new_session;
use super::{Context, not_found, passwords, problem_of};
use crate::account::{Authority as _, Caller, KeyHash, KeyText, Member, Role};
use crate::change::{Actor, AuditAction, AuditEntry, Change, Write};
use crate::invitation::{Invitation, InvitationState};
use crate::query::Page;
use crate::record::Record;
use crate::store::StoreError;
use crate::token::{Purpose, Token};

/// The link of an invitation works for this long.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// Invitations of one company whose links work.
const OPEN_MAX: usize = 100;
/// The newest ones, among which open ones are looked for.
const LOOKED_AT_MAX: u32 = 500;

/// A new invitation; the text of its link is shown once.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub token: KeyText,
}

/// Invites somebody.
///
/// # Errors
/// `forbidden_scope` for a role that the caller may not give; `invalid_body` for an address that is none;
/// `conflict` when a member or an open invitation has it; `limit_reached`; the store's.
pub async fn create_invitation(
    context: &Context,
    caller: &Caller,
    email: &str,
    role: Role,
) -> Result<NewInvitation, Problem> {
    let company_id = caller.company_id;
    let company = context.view(company_id).await?;
    let inviter = acting(&company, caller, role)?;
    let email = email.trim();
    check_email(email)?;
    if is_taken(&company, email, None) {
        return Err(ProblemCode::Conflict
            .problem("`email`: the company already has a user with this e-mail address"));
    }
    let now = context.now();
    let newest = Page {
        limit: LOOKED_AT_MAX,
        before: None,
    };
    let mut open = list_invitations(context, company_id, newest).await?;
    open.retain(|invitation| invitation.is_open(now));
    if open.len() >= OPEN_MAX {
        return Err(ProblemCode::LimitReached.problem(format!(
            "the company has {OPEN_MAX} open invitations; revoke some, or wait until they expire"
        )));
    }
    if open
        .iter()
        .any(|other| other.email.eq_ignore_ascii_case(email))
    {
        return Err(ProblemCode::Conflict.problem(
            "`email`: this address is invited already; revoke that invitation to make another",
        ));
    }
    let token = KeyText::generate("in_", &*context.entropy);
    let invitation = Invitation {
        id: InvitationId(context.next_id(now)),
        company_id,
        version: 1,
        email: email.to_owned(),
        role,
        invited_by: inviter.user_id,
        token: token.hash(),
        created_at: now,
        expires_at: now.plus(INVITATION_LIFETIME),
        state: InvitationState::Open,
    };
    let (id, action) = (invitation.id, AuditAction::InvitationCreated);
    let change = Change {
        writes: vec![
            Write::ExpectMember(inviter.clone()),
            Write::CreateRecord(Record::of(&invitation).map_err(problem_of)?),
            Write::CreateToken(Token {
                hash: token.hash(),
                company_id,
                expires_at: invitation.expires_at,
                purpose: Purpose::Invitation { invitation_id: id },
            }),
        ],
        audit: Some(AuditEntry {
            detail: Some(format!("{role}: {email}")),
            ..entry(context, company_id, caller.actor, action, id, now)
        }),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(NewInvitation { id, token })
}

/// One page of a company's invitations, newest first, whatever became of them.
///
/// # Errors
/// The store's.
pub async fn list_invitations(
    context: &Context,
    company_id: CompanyId,
    page: Page<InvitationId>,
) -> Result<Vec<Invitation>, Problem> {
    let page = page.with_cursor(|id| id.0);
    let page = context.kept_page(company_id, None, page).await;
    page.map_err(problem_of)
}

async fn invitation(context: &Context, id: InvitationId) -> Result<Option<Invitation>, Problem> {
    context.kept(id.0).await.map_err(problem_of)
}

/// Revokes an invitation: its link stops working at once.
///
/// # Errors
/// `not_found`; `forbidden_scope` for a role that the caller may not give; `conflict` when it was accepted or
/// revoked already; the store's.
pub async fn revoke_invitation(
    context: &Context,
    caller: &Caller,
    id: InvitationId,
) -> Result<(), Problem> {
    let company_id = caller.company_id;
    let found = invitation(context, id).await?;
    let found = found.filter(|found| found.company_id == company_id);
    let found = found.ok_or_else(not_found)?;
    let company = context.view(company_id).await?;
    acting(&company, caller, found.role)?;
    let now = context.now();
    if found.state != InvitationState::Open {
        return Err(ProblemCode::Conflict
            .problem("the invitation is not open any more; load the page again"));
    }
    let revoked = Invitation {
        version: found.version + 1,
        state: InvitationState::Revoked,
        ..found.clone()
    };
    let mut writes = vec![Write::UpdateRecord(
        Record::of(&revoked).map_err(problem_of)?,
    )];
    // An expired link's token may have been forgotten.
    if found.is_open(now) {
        let hash = found.token;
        writes.push(Write::SpendToken { hash, now });
    }
    let action = AuditAction::InvitationRevoked;
    let change = Change {
        writes,
        audit: Some(AuditEntry {
            detail: Some(found.email),
            ..entry(context, company_id, caller.actor, action, id, now)
        }),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(())
}

/// What the page behind the link of an invitation says.
#[derive(Debug, Clone)]
pub struct Invited {
    pub invitation: Invitation,
    pub company: String,
    pub inviter: Member,
}

/// Who is invited by a link; `None` when it was used or revoked, has expired, or whoever made it may not give
/// that role any more. Nothing is spent: programs that preview links look, too.
///
/// # Errors
/// The store's.
pub async fn invited(context: &Context, token: &str) -> Result<Option<Invited>, Problem> {
    let now = context.now();
    let found = context.store.token(KeyHash::of(token), now).await;
    let Some(Token {
        purpose: Purpose::Invitation { invitation_id },
        ..
    }) = found.map_err(problem_of)?
    else {
        return Ok(None);
    };
    let Some(invitation) = invitation(context, invitation_id).await? else {
        return Ok(None);
    };
    let company = context.view(invitation.company_id).await?;
    let inviter = company.member(invitation.invited_by);
    let inviter = inviter.filter(|inviter| inviter.role.may_give(invitation.role));
    let (Some(inviter), true) = (inviter, invitation.is_open(now)) else {
        return Ok(None);
    };
    Ok(Some(Invited {
        inviter: inviter.clone(),
        company: company.company.name.clone(),
        invitation,
    }))
}

/// Accepts an invitation, once: the person becomes a member with this password, and is signed in.
///
/// # Errors
/// `invalid_credentials` when [`invited`] gives nobody; `invalid_body` for the names or the password;
/// `conflict` when the company has a member with the address by now; `overloaded`; the store's.
pub async fn accept_invitation(
    context: &Context,
    token: &str,
    first_name: &str,
    last_name: &str,
    password: &str,
) -> Result<KeyText, Problem> {
    let spent = || {
        ProblemCode::InvalidCredentials
            .problem("this invitation was used, revoked, or is too old; ask for a new one")
    };
    let invited = invited(context, token).await?;
    let Invited {
        invitation,
        inviter,
        ..
    } = invited.ok_or_else(spent)?;
    let (first_name, last_name) = (first_name.trim(), last_name.trim());
    if first_name.is_empty() {
        return Err(ProblemCode::InvalidBody.problem("`firstName` is empty; enter a name"));
    }
    let person = Person {
        email: Some(invitation.email.clone()),
        first_name: Some(first_name.to_owned()),
        last_name: Some(last_name.to_owned()),
        internal_id: None,
        invited_by: Some(inviter.user_id),
    };
    check_person(&person)?;
    let hash = passwords::hash(context, password).await?;
    let company_id = invitation.company_id;
    let company = context.view(company_id).await?;
    if is_taken(&company, &invitation.email, None) {
        return Err(ProblemCode::Conflict
            .problem("the company has a user with this e-mail address by now; sign in"));
    }
    let now = context.now();
    let member = new_member(context, company_id, invitation.role, person, now);
    let user_id = member.user_id;
    let accepted = Invitation {
        version: invitation.version + 1,
        state: InvitationState::Accepted(user_id),
        ..invitation.clone()
    };
    let (session_token, session) = new_session(context, &member, now);
    let action = AuditAction::InvitationAccepted;
    let change = Change {
        writes: vec![
            Write::SpendToken {
                hash: invitation.token,
                now,
            },
            Write::ExpectMember(inviter),
            Write::UpdateRecord(Record::of(&accepted).map_err(problem_of)?),
            Write::CreateMember(member),
            Write::SetPassword {
                user_id,
                was: None,
                now: Some(hash),
            },
            Write::CreateToken(session_token),
        ],
        audit: Some(AuditEntry {
            detail: Some(invitation.role.to_string()),
            ..entry(
                context,
                company_id,
                Actor::User(user_id),
                action,
                user_id,
                now,
            )
        }),
        ..Change::default()
    };
    match context.store.commit(change).await {
        Ok(_) => Ok(session),
        Err(StoreError::NotFound) => Err(spent()),
        Err(error) => Err(problem_of(error)),
    }
}
