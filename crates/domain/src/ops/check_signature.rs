//! Says what is wrong with a signature that a receiver of a webhook has before it.

use heraldo_wire::id::{EventId, InspectionId, WebhookId};
use heraldo_wire::problem::Problem;
use heraldo_wire::signature::{SECRET_PREFIX, Secret};
use heraldo_wire::time::Timestamp;
use serde::Deserialize;

use super::{Context, not_found, problem_of};
use crate::account::Caller;
use crate::diagnosis::{Diagnosis, Given, Known, diagnose};
use crate::query::{EventFilter, EventRecord, Page};
use crate::webhook::Webhook;

/// So many of the newest events, of the company and of the body's inspection, are compared with.
const EVENTS_MAX: u32 = 100;
/// The secrets of so many other webhooks are tried.
const OTHER_WEBHOOKS_MAX: usize = 50;

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOf {
    /// The webhook's own, in force.
    Current,
    /// The one before it, which is valid until then.
    Previous { valid_until: Timestamp },
    /// The one before it, which ended then.
    Ended { at: Timestamp },
    /// The webhook's own without its beginning, which belongs to it.
    WithoutPrefix,
    /// Another webhook's of the company.
    Other(WebhookId),
}

/// The part of an event that says which inspection it is of.
#[derive(Deserialize)]
struct Body {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "_id")]
    id: String,
}

/// Finds out what is wrong with a signature and a body that are thought to be of this webhook.
///
/// # Errors
/// `not_found`; the store's.
pub async fn check_signature(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
    given: &Given<'_>,
) -> Result<Diagnosis<KeyOf>, Problem> {
    let company = context.view(caller.company_id).await?;
    let webhook = company.webhook(id).ok_or_else(not_found)?;
    let now = context.now();
    let mut secrets = own_secrets(webhook, now);
    let others = company.webhooks.iter().filter(|other| other.id != id);
    secrets.extend(
        others
            .take(OTHER_WEBHOOKS_MAX)
            .map(|other| (other.secrets.current.clone(), KeyOf::Other(other.id))),
    );
    let keys = webhook.secrets.public_keys(now);
    let public_keys = keys.map(|(key, until)| {
        let whose = until.map_or(KeyOf::Current, |valid_until| KeyOf::Previous {
            valid_until,
        });
        (key, whose)
    });
    let events = context.known_events(caller, given).await?;
    let known = Known {
        secrets,
        public_keys: public_keys.collect(),
        events: events
            .iter()
            .map(|event| (event.id, &*event.body))
            .collect(),
    };
    Ok(diagnose(given, &known))
}

fn own_secrets(webhook: &Webhook, now: Timestamp) -> Vec<(Secret, KeyOf)> {
    let current = &webhook.secrets.current;
    let mut secrets = vec![(current.clone(), KeyOf::Current)];
    if let Some(previous) = &webhook.secrets.previous {
        let valid_until = previous.valid_until;
        let whose = if now < valid_until {
            KeyOf::Previous { valid_until }
        } else {
            KeyOf::Ended { at: valid_until }
        };
        secrets.push((previous.secret.clone(), whose));
    }
    let rest = current.reveal().strip_prefix(SECRET_PREFIX);
    if let Some(Ok(rest)) = rest.map(Secret::parse) {
        secrets.push((rest, KeyOf::WithoutPrefix));
    }
    secrets
}

impl Context {
    /// Events that the body or the signature may be of.
    async fn known_events(
        &self,
        caller: &Caller,
        given: &Given<'_>,
    ) -> Result<Vec<EventRecord>, Problem> {
        let mut events: Vec<EventRecord> = Vec::new();
        if let Some(Ok(id)) = given.id.map(|id| id.trim().parse::<EventId>()) {
            let found = self.store.event(caller.company_id, id).await;
            events.extend(found.map_err(problem_of)?);
        }
        let body: Option<Body> = serde_json::from_slice(given.body.trim_ascii()).ok();
        let inspection = body.and_then(|body| body.payload.id.parse::<InspectionId>().ok());
        let page = Page {
            limit: EVENTS_MAX,
            before: None,
        };
        for inspection_id in inspection.map(Some).into_iter().chain([None]) {
            let filter = EventFilter {
                inspection_id,
                ..EventFilter::default()
            };
            let found = self.store.events(caller.company_id, filter, page).await;
            events.extend(found.map_err(problem_of)?);
        }
        Ok(events)
    }
}
