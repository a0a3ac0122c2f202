//! The form of a webhook: a new one, and the settings of one that exists.

use askama::Template;
use heraldo_domain::ops::webhooks::{create_webhook, update_webhook};
use heraldo_wire::api::CreateWebhookAnswer;
use heraldo_wire::event::EventType;
use heraldo_wire::id::WebhookId;
use heraldo_wire::problem::ProblemCode;

use super::fields::Fields;
use super::page_of;
use crate::call::Outcome;
use crate::dashboard::address::Address;
use crate::dashboard::visit::{Done, Form, Visit};
use crate::dashboard::wrong::Wrong;
use crate::frame::{Frame, Section};

#[derive(Template)]
#[template(path = "dashboard/webhook_form.html")]
struct WebhookForm {
    frame: Frame,
    /// The webhook that is changed; `None`: a new one.
    id: Option<WebhookId>,
    fields: Fields,
    /// The events that are sent again when the first attempt fails.
    retried: Vec<EventType>,
    /// The server asks every new endpoint for its proof.
    challenge_is_asked: bool,
    wrong: Option<Wrong>,
}

impl WebhookForm {
    fn new(visit: &Visit<'_>, id: Option<WebhookId>, fields: Fields, wrong: Option<Wrong>) -> Self {
        let server = &visit.context().settings.webhook_defaults;
        let webhook = id.and_then(|id| visit.company.webhook(id));
        let policy = webhook.map(|webhook| webhook.retry_policy(server));
        Self {
            frame: visit.frame(Section::Configuration).keeping(),
            id,
            fields,
            retried: policy.map_or_else(|| server.retry.retried.clone(), |it| it.retried),
            challenge_is_asked: visit.context().settings.webhook_challenge,
            wrong,
        }
    }
}

pub async fn form(visit: &mut Visit<'_>) -> Outcome {
    visit.page(&WebhookForm::new(visit, None, Fields::new(), None))
}

pub async fn show_new(visit: &mut Visit<'_>, form: Form) -> Outcome {
    visit.page(&WebhookForm::new(visit, None, Fields::read(&form), None))
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
            visit.go(&page_of(answer.id), Some(Done::WebhookCreated))
        }
        Err(problem) => {
            let wrong = Wrong::of(problem)?;
            refuse(visit, None, fields, wrong)
        }
    }
}

fn refuse(visit: &Visit<'_>, id: Option<WebhookId>, fields: Fields, wrong: Wrong) -> Outcome {
    let status = wrong.status;
    visit.page_with(status, &WebhookForm::new(visit, id, fields, Some(wrong)))
}

pub async fn settings(visit: &mut Visit<'_>) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let webhook = visit.context().own_webhook(&visit.caller(), id).await?;
    visit.page(&WebhookForm::new(
        visit,
        Some(id),
        Fields::of(&webhook),
        None,
    ))
}

pub async fn show_settings(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    visit.context().own_webhook(&visit.caller(), id).await?;
    visit.page(&WebhookForm::new(
        visit,
        Some(id),
        Fields::read(&form),
        None,
    ))
}

pub async fn update(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    visit.context().own_webhook(&visit.caller(), id).await?;
    let fields = Fields::read(&form);
    let request = match fields.update_request() {
        Ok(request) => request,
        Err(wrong) => return refuse(visit, Some(id), fields, wrong),
    };
    match update_webhook(visit.context(), &visit.caller(), id, request).await {
        Ok(_) => visit.go(&page_of(id), Some(Done::WebhookChanged)),
        Err(problem) => {
            let wrong = Wrong::of(problem)?;
            refuse(visit, Some(id), fields, wrong)
        }
    }
}
