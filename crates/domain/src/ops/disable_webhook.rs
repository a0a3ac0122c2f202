//! Disables webhooks whose receivers want nothing, or take nothing, and tells whoever owns the company.

use heraldo_wire::api::WebhookStatus;
use heraldo_wire::event::{Event, WebhookDisabled, render};
use heraldo_wire::id::{AuditEntryId, DeliveryId, EventId, Id, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::webhooks::TRIES;
use crate::change::{Actor, AuditAction, AuditEntry, Change, NewEvent, Origin, Write};
use crate::fanout::fan_out;
use crate::health::Failing;
use crate::life::Why;
use crate::ports::{Clock, Entropy, IdMaker};
use crate::query::CompanyView;
use crate::store::{Store, StoreError};
use crate::webhook::{Defaults, Webhook};

/// What an outcome says against a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// The receiver at this endpoint answered 410 Gone.
    Gone { endpoint: String },
    /// It takes nothing; the stored run tells for how long.
    Failing,
}

/// What disabling works with.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
    pub entropy: &'a dyn Entropy,
    pub ids: &'a IdMaker,
    pub server: &'a Defaults,
}

/// Disables a webhook if the complaint holds for it as it is now; returns the webhook then. Whoever changed
/// it meanwhile wins: a complaint about another endpoint, or about a run that has ended, is dropped.
///
/// # Errors
/// The store's; nothing is changed then, and it may be tried again.
pub async fn disable_webhook(
    means: Means<'_>,
    id: WebhookId,
    complaint: &Complaint,
) -> Result<Option<Webhook>, StoreError> {
    let store = means.store;
    for _ in 0..TRIES {
        let Some(webhook) = store.webhook(id).await? else {
            return Ok(None);
        };
        // Read after the webhook: what ends a run by hand also makes a new version, which is a conflict.
        let run = run_of(store, id).await?;
        let now = means.clock.now();
        let Some(why) = judge(&webhook, run, complaint, means.server, now) else {
            return Ok(None);
        };
        let Some(company) = store.company(webhook.company_id).await? else {
            return Ok(None);
        };
        // What was taken since the run was read ended it: that webhook stays as it is.
        let mut writes = match why {
            Why::Failing(run) => vec![Write::ExpectFailing { webhook: id, run }],
            Why::Manual | Why::Gone => Vec::new(),
        };
        let next_id = || means.ids.next(now, means.entropy);
        let next = Webhook {
            version: webhook.version + 1,
            updated_at: now,
            ..Webhook::clone(&webhook).with_status(WebhookStatus::Disabled, why, now)
        };
        writes.push(Write::UpdateWebhook(next.clone()));
        let change = Change {
            writes,
            events: told(&company, &next, run, means.server, next_id)
                .into_iter()
                .collect(),
            audit: Some(AuditEntry {
                id: AuditEntryId(next_id()),
                company_id: next.company_id,
                actor: Actor::System,
                action: AuditAction::WebhookDisabled,
                subject: id.to_string(),
                detail: next
                    .life
                    .disabled
                    .as_ref()
                    .map(|disabled| disabled.detail.clone()),
                at: now,
            }),
            ..Change::default()
        };
        match store.commit(change).await {
            Ok(_) => return Ok(Some(next)),
            Err(StoreError::Conflict) => {}
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

fn judge(
    webhook: &Webhook,
    run: Option<Failing>,
    complaint: &Complaint,
    server: &Defaults,
    now: Timestamp,
) -> Option<Why> {
    match webhook.settings.status {
        WebhookStatus::Enabled | WebhookStatus::Paused => {}
        WebhookStatus::Disabled => return None,
    }
    match complaint {
        Complaint::Gone { endpoint } => {
            (webhook.settings.endpoint == *endpoint).then_some(Why::Gone)
        }
        Complaint::Failing => run
            .filter(|run| webhook.disable_policy(server).is_over(run, now))
            .map(Why::Failing),
    }
}

pub(super) async fn run_of(
    store: &dyn Store,
    id: WebhookId,
) -> Result<Option<Failing>, StoreError> {
    let failing = store.failing(vec![id]).await?;
    Ok(failing.first().map(|(_, run)| *run))
}

/// The event that tells the company's other webhooks that this one is disabled.
pub(super) fn told(
    company: &CompanyView,
    disabled: &Webhook,
    run: Option<Failing>,
    server: &Defaults,
    next_id: impl Fn() -> Id,
) -> Option<NewEvent> {
    let why = disabled.life.disabled.as_ref()?;
    let event = Event::WebhookDisabled(WebhookDisabled {
        id: disabled.id,
        endpoint: disabled.settings.endpoint.clone(),
        description: disabled.settings.description.clone(),
        reason: why.reason,
        detail: why.detail.clone(),
        disabled_at: why.at,
        failing_since: run.map(|run| run.since),
    });
    let event_type = event.event_type();
    let mut deliveries = fan_out(company, server, event_type, || DeliveryId(next_id()));
    deliveries.retain(|delivery| delivery.webhook_id != disabled.id);
    Some(NewEvent {
        id: EventId(next_id()),
        company_id: disabled.company_id,
        // Events about one webhook follow each other like those of one inspection.
        inspection_id: InspectionId(disabled.id.0),
        event_type,
        body: render(&event).into(),
        origin: Origin::Webhook,
        sequence: None,
        // It is decided on the version of the webhook that the one before made.
        follows_last: false,
        created_at: why.at,
        deliveries,
    })
}
