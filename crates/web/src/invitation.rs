//! The page behind the link of an invitation. Opening it changes nothing, because programs that preview links
//! open it too; its button makes the person a member.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use heraldo_domain::account::Role;
use heraldo_domain::ops::invitations::{accept_invitation, invited};
use heraldo_domain::ops::sign_in::sign_out;
use heraldo_domain::password::PASSWORD_CHARS_MIN;
use heraldo_wire::problem::ProblemCode;
use http::{Method, StatusCode};
use serde::Deserialize;
use url::form_urlencoded;

use crate::Web;
use crate::browser::{Forms, page, refused, see_other};
use crate::call::{Call, Outcome, bounded};
use crate::dashboard::Wrong;
use crate::frame::{Frame, Preferences};

pub const PATH: &str = "/invitation";

/// Answers `GET` and `POST /invitation`.
pub async fn serve(State(web): State<Web>, request: Request) -> Response {
    let mut call = Call::new(web, "invitation", request);
    let outcome = match call.check_headers() {
        Ok(()) => {
            bounded(call.time_limit(), async {
                match call.parts.method {
                    Method::POST => accept(&mut call).await,
                    _ => open(&mut call).await,
                }
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    call.finish(outcome).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    token: String,
}

/// What was entered.
#[derive(Debug, Clone, Copy, Default)]
struct Entered<'a> {
    token: &'a str,
    first_name: &'a str,
    last_name: &'a str,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct Accept<'a> {
    frame: Frame,
    entered: Entered<'a>,
    inviter: String,
    company: String,
    email: String,
    role: Role,
    chars_min: usize,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "invitation_spent.html")]
struct Spent {
    frame: Frame,
}

fn spent(call: &Call) -> Outcome {
    let template = Spent {
        frame: Frame::of(call),
    };
    page(StatusCode::UNAUTHORIZED, &template, &Forms::Here)
}

async fn open(call: &mut Call) -> Outcome {
    let Query { token } = call.query()?;
    let entered = Entered {
        token: &token,
        ..Entered::default()
    };
    show(call, StatusCode::OK, entered, None).await
}

async fn show(
    call: &mut Call,
    status: StatusCode,
    entered: Entered<'_>,
    wrong: Option<Wrong>,
) -> Outcome {
    let Some(invited) = invited(call.context(), entered.token).await? else {
        return spent(call);
    };
    // A form that was wrong leads back to the link, too.
    let mut here = form_urlencoded::Serializer::new("invitation?".to_owned());
    call.form_page = Some(here.append_pair("token", entered.token).finish());
    let template = Accept {
        frame: Frame::of(call).keeping(),
        entered,
        inviter: invited.inviter.shown_name(),
        company: invited.company,
        email: invited.invitation.email,
        role: invited.invitation.role,
        chars_min: PASSWORD_CHARS_MIN,
        wrong,
    };
    page(status, &template, &Forms::Here)
}

async fn accept(call: &mut Call) -> Outcome {
    let fields = call.fields().await?;
    if let Err(problem) = call.check_own_form() {
        return refused(call, &problem);
    }
    let field = |name: &str| {
        let found = fields.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, text)| text.as_str())
    };
    let entered = Entered {
        token: field("token"),
        first_name: field("first_name").trim(),
        last_name: field("last_name").trim(),
    };
    if let Some(chosen) = Preferences::read(&fields) {
        call.chosen = chosen;
        let mut response = show(call, StatusCode::OK, entered, None).await?;
        chosen.keep(&mut response)?;
        return Ok(response);
    }
    let password = field("password");
    if password != field("again") {
        let wrong = Wrong::field("again", "the two passwords differ");
        return show(call, wrong.status, entered, Some(wrong)).await;
    }
    let Entered {
        token,
        first_name,
        last_name,
    } = entered;
    let accepted = accept_invitation(call.context(), token, first_name, last_name, password).await;
    let session = match accepted {
        Ok(session) => session,
        Err(problem) if problem.code == ProblemCode::InvalidCredentials => {
            let failure = call.wrong_credential("invitations", &problem.detail);
            return match failure.retry_after_s() {
                None => spent(call),
                Some(_) => Err(failure),
            };
        }
        Err(problem) if problem.code == ProblemCode::Overloaded => {
            return refused(call, &problem);
        }
        Err(problem) => {
            let wrong = Wrong::of(problem)?;
            return show(call, wrong.status, entered, Some(wrong)).await;
        }
    };
    // Whoever accepts has done with what was open in this browser.
    if let Some(old) = call.session().await? {
        sign_out(call.context(), old.text()).await?;
    }
    let mut response = see_other("dashboard")?;
    call.keep_session(&mut response, session.reveal())?;
    Ok(response)
}
