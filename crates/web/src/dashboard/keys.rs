//! API keys: made, shown once, revoked.

use askama::Template;
use heraldo_domain::ops::accounts::{KeyRequest, create_key, revoke_key};
use heraldo_wire::api::Scope;
use heraldo_wire::id::ApiKeyId;
use http::StatusCode;

use super::visit::{Done, Form, Visit};
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};

#[derive(Template)]
#[template(path = "dashboard/key_form.html")]
struct KeyForm {
    frame: Frame,
    name: String,
    scopes: Vec<Scope>,
    testing: bool,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "dashboard/key_made.html")]
struct KeyMade<'a> {
    frame: Frame,
    name: &'a str,
    key: &'a str,
}

impl KeyForm {
    fn read(visit: &Visit<'_>, form: &Form) -> Self {
        let ticked = form.all("scopes");
        let known = Scope::ALL.iter().copied();
        Self {
            frame: visit.frame(Section::Configuration).keeping(),
            name: form.text("name").to_owned(),
            scopes: known
                .filter(|scope| ticked.contains(&scope.as_str()))
                .collect(),
            testing: form.text("testing") == "yes",
            wrong: None,
        }
    }
}

pub async fn form(visit: &mut Visit<'_>) -> Outcome {
    visit.page(&KeyForm {
        frame: visit.frame(Section::Configuration).keeping(),
        name: String::new(),
        scopes: vec![Scope::Inspections, Scope::Webhooks],
        testing: false,
        wrong: None,
    })
}

pub async fn show_form(visit: &mut Visit<'_>, form: Form) -> Outcome {
    visit.page(&KeyForm::read(visit, &form))
}

pub async fn create(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let entered = KeyForm::read(visit, &form);
    let request = KeyRequest {
        name: Some(entered.name.clone()),
        scopes: entered.scopes.clone(),
        testing: entered.testing,
    };
    let caller = visit.caller();
    let made = create_key(visit.context(), caller.company_id, caller.actor, request).await;
    let key = match made {
        Ok(key) => key,
        Err(problem) => {
            // All that a use case refuses beside the name is a key that may do nothing.
            let wrong = Wrong::of(problem)?.about("scopes");
            let template = KeyForm {
                wrong: Some(wrong),
                ..entered
            };
            return visit.page_with(StatusCode::BAD_REQUEST, &template);
        }
    };
    visit.page_with(
        StatusCode::CREATED,
        &KeyMade {
            frame: visit.frame(Section::Configuration),
            name: &entered.name,
            key: key.api_key.reveal(),
        },
    )
}

pub async fn revoke(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: ApiKeyId = visit.id().await?;
    let caller = visit.caller();
    revoke_key(visit.context(), caller.company_id, caller.actor, id).await?;
    visit.go("dashboard/developers", Some(Done::KeyRevoked))
}
