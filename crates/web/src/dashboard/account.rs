//! The viewer's own account: names, e-mail address, password, and the sessions that end.

use askama::Template;
use heraldo_domain::ops::passwords;
use heraldo_domain::ops::people::{Profile, change_profile};
use heraldo_domain::ops::problem_of;
use heraldo_domain::ops::sign_in::{sign_out as end_session, sign_out_everywhere as end_all};
use heraldo_domain::password::PASSWORD_CHARS_MIN;
use heraldo_wire::problem::{Problem, ProblemCode};

use super::moment::Moment;
use super::visit::{Done, Form, Visit};
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::problem::Failure;

const PATH: &str = "dashboard/account";

#[derive(Template)]
#[template(path = "dashboard/account.html")]
struct Account<'a> {
    frame: Frame,
    first_name: &'a str,
    last_name: &'a str,
    /// As it was entered, and as it is.
    email: &'a str,
    login: &'a str,
    has_password: bool,
    chars_min: usize,
    expires_at: Moment,
    /// Which of the two forms is not lost when the language is changed.
    typed: Typed,
    wrong: Option<Wrong>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    Profile,
    Password,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let has_password = has_password(visit).await?;
    visit.page(&account(visit, has_password))
}

fn account<'a>(visit: &'a Visit<'_>, has_password: bool) -> Account<'a> {
    Account {
        frame: visit.frame(Section::Configuration).keeping(),
        first_name: &visit.member.first_name,
        last_name: &visit.member.last_name,
        email: &visit.member.email,
        login: &visit.member.email,
        has_password,
        chars_min: PASSWORD_CHARS_MIN,
        expires_at: Moment(visit.session.open.expires_at),
        typed: Typed::Profile,
        wrong: None,
    }
}

pub async fn show_profile(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let has_password = has_password(visit).await?;
    visit.page(&with_profile(visit, &form, has_password))
}

/// What was typed into the form of the profile. Its address is there for whoever has one to sign in with.
fn with_profile<'a>(visit: &'a Visit<'_>, form: &'a Form, has_password: bool) -> Account<'a> {
    Account {
        first_name: form.text("first_name"),
        last_name: form.text("last_name"),
        email: form.text("email"),
        ..account(visit, has_password)
    }
}

/// Passwords are typed anew: no page says one.
pub async fn show_password(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let has_password = has_password(visit).await?;
    visit.page(&with_password(visit, &form, has_password))
}

fn with_password<'a>(visit: &'a Visit<'_>, form: &'a Form, has_password: bool) -> Account<'a> {
    Account {
        // Only whoever has no address yet enters one here.
        email: match visit.member.email.as_str() {
            "" => form.text("email"),
            known => known,
        },
        typed: Typed::Password,
        ..account(visit, has_password)
    }
}

pub async fn has_password(visit: &mut Visit<'_>) -> Result<bool, Failure> {
    let stored = visit.context().store.password(visit.member.user_id).await;
    Ok(stored.map_err(problem_of)?.is_some())
}

pub async fn update(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let has_password = has_password(visit).await?;
    let profile = Profile {
        first_name: form.text("first_name"),
        last_name: form.text("last_name"),
        email: form.text("email"),
        password: form.raw("present"),
    };
    let is_asked = has_password && profile.email != visit.member.email;
    if is_asked {
        try_password(visit)?;
    }
    match change_profile(visit.context(), &visit.caller(), profile).await {
        Ok(()) => {
            if is_asked {
                visit.call.right_password(&visit.member.email);
            }
            visit.go(PATH, Some(Done::ProfileChanged))
        }
        Err(problem) => {
            let wrong = wrong(problem, "email-present", "first-name")?;
            let status = wrong.status;
            let template = Account {
                wrong: Some(wrong),
                ..with_profile(visit, &form, has_password)
            };
            visit.page_with(status, &template)
        }
    }
}

/// Every other session ends; this browser holds a new one.
pub async fn set_password(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let has_password = has_password(visit).await?;
    match new_password(visit, &form, has_password).await {
        Ok(session) => {
            let mut response = visit.go(PATH, Some(Done::PasswordSet))?;
            visit.call.keep_session(&mut response, &session)?;
            Ok(response)
        }
        Err(Refused::Wrong(wrong)) => {
            let status = wrong.status;
            let template = Account {
                wrong: Some(wrong),
                ..with_password(visit, &form, has_password)
            };
            visit.page_with(status, &template)
        }
        Err(Refused::Failure(failure)) => Err(failure),
    }
}

enum Refused {
    Wrong(Wrong),
    Failure(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

async fn new_password(
    visit: &mut Visit<'_>,
    form: &Form,
    has_password: bool,
) -> Result<String, Refused> {
    let caller = visit.caller();
    let refused = |problem| match wrong(problem, "present", "password") {
        Ok(wrong) => Refused::Wrong(wrong),
        Err(failure) => Refused::Failure(failure),
    };
    let password = form.raw("password");
    if password != form.raw("again") {
        let detail = "the two new passwords differ";
        return Err(Refused::Wrong(Wrong::field("again", detail)));
    }
    if has_password {
        try_password(visit)?;
    }
    // Whoever came by the first link may have no address to sign in with yet.
    if visit.member.email.is_empty() {
        let profile = Profile {
            first_name: &visit.member.first_name,
            last_name: &visit.member.last_name,
            email: form.text("email"),
            password: "",
        };
        let changed = change_profile(visit.context(), &caller, profile).await;
        changed.map_err(refused)?;
    }
    let present = form.raw("present");
    let session = passwords::set_password(visit.context(), &caller, present, password).await;
    let session = session.map_err(refused)?;
    if has_password {
        visit.call.right_password(&visit.member.email);
    }
    Ok(session.reveal().to_owned())
}

fn try_password(visit: &Visit<'_>) -> Result<(), Failure> {
    let tried = visit.call.try_password(&visit.member.email);
    let code = ProblemCode::TooManyWrongKeys;
    tried.map_err(|too_many| Failure::too_many(code, "passwords", too_many))
}

/// What was refused, and in which field: a wrong present password, or what the use case names.
fn wrong(
    problem: Problem,
    present: &'static str,
    otherwise: &'static str,
) -> Result<Wrong, Failure> {
    if problem.code == ProblemCode::InvalidCredentials {
        return Ok(Wrong::field(present, problem.detail));
    }
    Ok(Wrong::of(problem)?.about(otherwise))
}

pub async fn sign_out(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    end_session(visit.context(), visit.session.text()).await?;
    signed_out(visit)
}

pub async fn sign_out_everywhere(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let caller = visit.caller();
    let user_id = visit.member.user_id;
    end_all(visit.context(), caller.company_id, caller.actor, user_id).await?;
    signed_out(visit)
}

fn signed_out(visit: &Visit<'_>) -> Outcome {
    let mut response = visit.go("signin", None)?;
    visit.call.forget_session(&mut response)?;
    Ok(response)
}
