//! The viewer's own account: who one is, and signing out.

use askama::Template;
use heraldo_domain::ops::sign_in::sign_out as end_session;

use super::visit::{Form, Visit};
use crate::call::Outcome;
use crate::frame::{Frame, Section};

#[derive(Template)]
#[template(path = "dashboard/account.html")]
struct Account {
    frame: Frame,
    email: String,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    visit.page(&Account {
        frame: visit.frame(Section::Configuration),
        email: visit.member.email.clone(),
    })
}

pub async fn sign_out(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    end_session(visit.context(), visit.session.text()).await?;
    let mut response = visit.go("signin", None)?;
    visit.call.forget_session(&mut response)?;
    Ok(response)
}
