//! OAuth applications: made, their secret shown once and replaced, deleted.

use askama::Template;
use heraldo_domain::ops::oauth_apps::{create_oauth_app, delete_oauth_app, rotate_oauth_secret};
use heraldo_wire::id::OauthAppId;
use http::StatusCode;

use super::visit::{Done, Form, Visit};
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};

#[derive(Template)]
#[template(path = "dashboard/app_form.html")]
struct AppForm<'a> {
    frame: Frame,
    name: &'a str,
    redirects: &'a str,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "dashboard/app_made.html")]
struct AppMade<'a> {
    frame: Frame,
    title: &'a str,
    name: &'a str,
    id: String,
    secret: &'a str,
}

impl<'a> AppForm<'a> {
    fn read(visit: &Visit<'_>, form: &'a Form) -> Self {
        Self {
            frame: visit.frame(Section::Configuration).keeping(),
            name: form.text("name"),
            redirects: form.text("redirects"),
            wrong: None,
        }
    }
}

pub async fn form(visit: &mut Visit<'_>) -> Outcome {
    visit.page(&AppForm::read(visit, &Form::default()))
}

pub async fn show_form(visit: &mut Visit<'_>, form: Form) -> Outcome {
    visit.page(&AppForm::read(visit, &form))
}

pub async fn create(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let (name, redirects) = (form.text("name"), form.text("redirects"));
    let lines = redirects.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty()).map(str::to_owned);
    let caller = visit.caller();
    let made = create_oauth_app(
        visit.context(),
        caller.company_id,
        caller.actor,
        name,
        lines.collect(),
    )
    .await;
    let app = match made {
        Ok(app) => app,
        Err(problem) => {
            let field = if problem.detail.contains("name") {
                "name"
            } else {
                "redirects"
            };
            let wrong = Wrong::of(problem)?.about(field);
            let template = AppForm {
                wrong: Some(wrong),
                ..AppForm::read(visit, &form)
            };
            return visit.page_with(StatusCode::BAD_REQUEST, &template);
        }
    };
    visit.page_with(
        StatusCode::CREATED,
        &AppMade {
            frame: visit.frame(Section::Configuration),
            title: visit.t.app_made(),
            name,
            id: app.id.to_string(),
            secret: app.secret.reveal(),
        },
    )
}

pub async fn rotate_secret(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: OauthAppId = visit.id().await?;
    let caller = visit.caller();
    let rotated = rotate_oauth_secret(visit.context(), caller.company_id, caller.actor, id);
    let (name, secret) = rotated.await?;
    visit.page_with(
        StatusCode::CREATED,
        &AppMade {
            frame: visit.frame(Section::Configuration),
            title: visit.t.app_secret_made(),
            name: &name,
            id: id.to_string(),
            secret: secret.reveal(),
        },
    )
}

pub async fn delete(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: OauthAppId = visit.id().await?;
    let caller = visit.caller();
    let company = Some(caller.company_id);
    delete_oauth_app(visit.context(), company, caller.actor, id).await?;
    visit.go("dashboard/developers", Some(Done::AppDeleted))
}
