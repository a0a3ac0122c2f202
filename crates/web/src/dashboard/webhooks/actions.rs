//! What is done with a webhook: its secret made anew, its life, its end.

use heraldo_domain::ops::webhooks::{delete_webhook, rotate_secret, update_webhook};
use heraldo_wire::api::{RotateSecretRequest, UpdateWebhookRequest, WebhookStatus};
use heraldo_wire::id::WebhookId;

use super::page::refuse;
use super::page_of;
use crate::call::Outcome;
use crate::dashboard::visit::{Done, Form, Visit};
use crate::dashboard::wrong::Wrong;

/// Makes a new secret. Leads to the page by GET, so that loading it again makes no other.
pub async fn rotate(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    visit.context().own_webhook(&visit.caller(), id).await?;
    let overlap = form.text("overlap");
    let Ok(overlap_seconds) = overlap.parse() else {
        let detail = format!("`{overlap}` is no number of seconds; choose a time of the list");
        return refuse(visit, id, Wrong::field("overlap", detail)).await;
    };
    let request = RotateSecretRequest {
        overlap_seconds: Some(overlap_seconds),
    };
    match rotate_secret(visit.context(), &visit.caller(), id, request).await {
        Ok(_) => visit.go(&page_of(id), Some(Done::SecretRotated)),
        Err(problem) => refuse(visit, id, Wrong::of(problem)?).await,
    }
}

/// Enables, pauses or disables it.
pub async fn set_status(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    visit.context().own_webhook(&visit.caller(), id).await?;
    let asked = form.text("status");
    let Ok(status) = asked.parse::<WebhookStatus>() else {
        let detail = format!("`{asked}` is no status; use a button of the page");
        return refuse(visit, id, Wrong::field("life", detail)).await;
    };
    let request = UpdateWebhookRequest {
        status: Some(status),
        ..UpdateWebhookRequest::default()
    };
    update_webhook(visit.context(), &visit.caller(), id, request).await?;
    let done = match status {
        WebhookStatus::Enabled => Done::WebhookEnabled,
        WebhookStatus::Paused => Done::WebhookPaused,
        WebhookStatus::Disabled => Done::WebhookDisabled,
    };
    visit.go(&page_of(id), Some(done))
}

pub async fn delete(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    delete_webhook(visit.context(), &visit.caller(), id).await?;
    visit.go("dashboard/developers", Some(Done::WebhookDeleted))
}
