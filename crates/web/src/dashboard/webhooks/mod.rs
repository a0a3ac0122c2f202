//! Webhooks: made, looked at, changed.

mod fields;

use askama::Template;
use heraldo_domain::ops::webhooks::{create_webhook, update_webhook};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::CreateWebhookAnswer;
use heraldo_wire::id::WebhookId;
use heraldo_wire::problem::ProblemCode;

use super::moment::Moment;
use super::visit::{Done, Form, Visit};
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use fields::Fields;

#[derive(Template)]
#[template(path = "dashboard/webhook_form.html")]
struct WebhookForm {
    frame: Frame,
    /// The webhook that is changed; `None`: a new one.
    id: Option<WebhookId>,
    fields: Fields,
    wrong: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "dashboard/webhook.html")]
struct WebhookPage<'a> {
    frame: Frame,
    administers: bool,
    webhook: &'a Webhook,
}

pub async fn form(visit: &mut Visit<'_>) -> Outcome {
    visit.page(&WebhookForm {
        frame: visit.frame(Section::Configuration),
        id: None,
        fields: Fields::new(),
        wrong: None,
    })
}

pub async fn create(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let fields = Fields::read(&form);
    let caller = visit.caller();
    let made = match fields.create_request() {
        Ok(request) => create_webhook(visit.context(), &caller, request, None).await,
        Err(wrong) => return refuse(visit, None, fields, wrong),
    };
    match made {
        Ok(answer) => {
            let answer: CreateWebhookAnswer =
                serde_json::from_slice(&answer.body).map_err(|error| {
                    ProblemCode::Internal.problem(format!("cannot read the answer: {error}"))
                })?;
            let path = format!("dashboard/webhooks/{}", answer.id);
            visit.go(&path, Some(Done::WebhookCreated))
        }
        Err(problem) => {
            let wrong = Wrong::of(problem)?;
            refuse(visit, None, fields, wrong)
        }
    }
}

fn refuse(visit: &Visit<'_>, id: Option<WebhookId>, fields: Fields, wrong: Wrong) -> Outcome {
    visit.page_with(
        wrong.status,
        &WebhookForm {
            frame: visit.frame(Section::Configuration),
            id,
            fields,
            wrong: Some(wrong),
        },
    )
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let webhook = visit.context().own_webhook(&visit.caller(), id).await?;
    visit.page(&WebhookPage {
        frame: visit.frame(Section::Configuration),
        administers: visit.administers(),
        webhook: &webhook,
    })
}

pub async fn settings(visit: &mut Visit<'_>) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let webhook = visit.context().own_webhook(&visit.caller(), id).await?;
    visit.page(&WebhookForm {
        frame: visit.frame(Section::Configuration),
        id: Some(id),
        fields: Fields::of(&webhook.settings),
        wrong: None,
    })
}

pub async fn update(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let fields = Fields::read(&form);
    let request = match fields.update_request() {
        Ok(request) => request,
        Err(wrong) => return refuse(visit, Some(id), fields, wrong),
    };
    match update_webhook(visit.context(), &visit.caller(), id, request).await {
        Ok(_) => visit.go(
            &format!("dashboard/webhooks/{id}"),
            Some(Done::WebhookChanged),
        ),
        Err(problem) => {
            let wrong = Wrong::of(problem)?;
            refuse(visit, Some(id), fields, wrong)
        }
    }
}
