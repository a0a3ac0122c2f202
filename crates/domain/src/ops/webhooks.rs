//! Creates, changes and deletes webhooks; reveals and rotates their secrets (contract 1.3 E1, 8).

use std::sync::Arc;
use std::time::Duration;

use heraldo_wire::api::{
    CreateWebhookAnswer, CreateWebhookRequest, Patch, PublicKeyShown, PublicKeysAnswer,
    RotateSecretAnswer, RotateSecretRequest, SecretAnswer, TlsRequest, UpdateWebhookRequest,
    WebhookHeaders, WebhookStatus,
};
use heraldo_wire::event::{EventListError, EventType};
use heraldo_wire::headers::check_webhook_headers;
use heraldo_wire::id::{AuditEntryId, WebhookId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::signature::{Secret, SigningKey};
use heraldo_wire::time::{HumanDuration, Timestamp};

use super::{Answer, Context, Once, json, not_found, problem_of};
use crate::account::Caller;
use crate::change::{AuditAction, AuditEntry, Change, Write};
use crate::endpoint::{Scheme, check_url};
use crate::ports::random;
use crate::retry::{WAIT_MAX, WAITS_MAX};
use crate::store::StoreError;
use crate::webhook::{Secrets, TlsSettings, Webhook, WebhookSettings};

const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// The shortest and the longest deadline of an attempt.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
/// The longest text of each part of `tls`: some twenty certificates.
const PEM_BYTES_MAX: usize = 32 * 1_024;
const CONCURRENCY: std::ops::RangeInclusive<u32> = 1..=256;
const RATE_PER_SECOND: std::ops::RangeInclusive<u32> = 1..=10_000;
/// The longest overlap of two secrets: 7 days.
const OVERLAP_SECONDS_MAX: u64 = 7 * 86_400;
/// A change that others make at the same time is decided anew this often.
const TRIES: usize = 8;

/// Creates a webhook; the answer is 201 with its id. The secret is not in it.
///
/// # Errors
/// `invalid_url`, `unknown_event`, `invalid_body`, `limit_reached`, `idempotency_conflict`; the store's.
pub async fn create_webhook(
    context: &Context,
    caller: &Caller,
    request: CreateWebhookRequest,
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    let settings = WebhookSettings {
        endpoint: request.endpoint,
        events: parse_events(&request.events)?,
        description: request.description,
        status: request.status.unwrap_or(WebhookStatus::Enabled),
        headers: request.headers.unwrap_or_default(),
        ordering: request.ordering,
        retry_waits: request.retry_schedule.map(waits),
        retry_events: None,
        timeout_ms: request.timeout_ms,
        concurrency: request.concurrency,
        rate_per_second: request.rate_per_second,
        tls: TlsSettings::default(),
    };
    let company = context.view(caller.company_id).await?;
    let max = context.settings.webhooks_per_company_max;
    if company.webhooks.len() >= max {
        return Err(ProblemCode::LimitReached.problem(format!(
            "the company has {max} webhooks, as many as it may have; delete one it does not need"
        )));
    }
    let now = context.now();
    let id = WebhookId(context.next_id(now));
    let mut secrets = Secrets::new(Secret::from_random(random(&*context.entropy)), now);
    let asymmetric = request.asymmetric_signature.unwrap_or(false);
    secrets.sign_asymmetrically(asymmetric, context.signing_key());
    let mut webhook = Webhook {
        id,
        company_id: caller.company_id,
        version: 1,
        settings,
        secrets,
        created_at: now,
        updated_at: now,
    };
    if let Some(tls) = request.tls {
        set_tls(&mut webhook, tls)?;
    }
    check(context, &webhook)?;
    let body = json(&CreateWebhookAnswer { id })?;
    let change = Change {
        writes: vec![Write::CreateWebhook(webhook)],
        audit: Some(context.audit_entry(caller, AuditAction::WebhookCreated, id, now)),
        ..Change::default()
    };
    context.commit_once(once, now, change, 201, body).await
}

/// Changes what the request names.
///
/// # Errors
/// As [`create_webhook`], and `not_found`.
pub async fn update_webhook(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
    request: UpdateWebhookRequest,
) -> Result<Arc<Webhook>, Problem> {
    let events = request.events.as_deref().map(parse_events).transpose()?;
    let signing_key = context.signing_key();
    context
        .change_webhook(caller, id, AuditAction::WebhookChanged, |webhook, _| {
            let mut next = webhook.clone();
            patch(&mut next.settings, request.clone(), events.clone());
            match request.tls.clone() {
                Patch::Absent => {}
                Patch::Null => {
                    next.settings.tls = TlsSettings::default();
                    next.secrets.client_key = None;
                }
                Patch::Set(tls) => set_tls(&mut next, tls)?,
            }
            check(context, &next)?;
            let wanted = match request.asymmetric_signature {
                Patch::Absent => None,
                Patch::Null => Some(false),
                Patch::Set(wanted) => Some(wanted),
            };
            if let Some(wanted) = wanted {
                next.secrets
                    .sign_asymmetrically(wanted, signing_key.clone());
            }
            Ok(next)
        })
        .await
}

/// Deletes a webhook. What waits for it is cancelled.
///
/// # Errors
/// `not_found`; the store's.
pub async fn delete_webhook(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
) -> Result<(), Problem> {
    context.own_webhook(caller, id).await?;
    let now = context.now();
    let change = Change {
        writes: vec![Write::DeleteWebhook {
            company_id: caller.company_id,
            id,
        }],
        audit: Some(context.audit_entry(caller, AuditAction::WebhookDeleted, id, now)),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(())
}

/// Shows the newest secret. Each reveal is written to the audit log before it is answered.
///
/// # Errors
/// `not_found`; the store's: without an audit entry nothing is revealed.
pub async fn reveal_secret(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
) -> Result<SecretAnswer, Problem> {
    let webhook = context.own_webhook(caller, id).await?;
    let now = context.now();
    let audit = context.audit_entry(caller, AuditAction::SecretRevealed, id, now);
    let change = Change {
        audit: Some(audit),
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(SecretAnswer {
        secret: webhook.secrets.current.clone(),
        created_at: webhook.secrets.created_at,
        previous_valid_until: webhook
            .secrets
            .previous_at(now)
            .map(|previous| previous.valid_until),
    })
}

/// The public keys of a webhook, for whoever verifies: no caller is asked for, because they say nothing
/// that could be used to sign.
///
/// # Errors
/// `not_found` also for a webhook without a pair of keys; the store's.
pub async fn public_keys(context: &Context, id: WebhookId) -> Result<PublicKeysAnswer, Problem> {
    let webhook = context.store.webhook(id).await.map_err(problem_of)?;
    let now = context.now();
    let keys: Vec<PublicKeyShown> = webhook
        .iter()
        .flat_map(|webhook| webhook.secrets.public_keys(now))
        .map(|(public_key, valid_until)| PublicKeyShown {
            public_key,
            valid_until,
        })
        .collect();
    if keys.is_empty() {
        return Err(not_found());
    }
    Ok(PublicKeysAnswer { data: keys })
}

/// Makes a new secret, and a new pair of keys for a webhook that has one; the old ones stop at once, or
/// after the overlap (contract 8.2 "Rotation").
///
/// # Errors
/// `invalid_body` for an overlap over 7 days; `not_found`; the store's.
pub async fn rotate_secret(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
    request: RotateSecretRequest,
) -> Result<RotateSecretAnswer, Problem> {
    let seconds = request.overlap_seconds.unwrap_or(0);
    if seconds > OVERLAP_SECONDS_MAX {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`overlapSeconds` is at most {OVERLAP_SECONDS_MAX} (7 days); send a smaller one"
        )));
    }
    let secret = Secret::from_random(random(&*context.entropy));
    let signing_key = context.signing_key();
    let overlap = Duration::from_secs(seconds);
    let webhook = context
        .change_webhook(caller, id, AuditAction::SecretRotated, |webhook, now| {
            let mut next = webhook.clone();
            next.secrets =
                webhook
                    .secrets
                    .rotate(secret.clone(), signing_key.clone(), overlap, now);
            Ok(next)
        })
        .await?;
    Ok(RotateSecretAnswer {
        secret: webhook.secrets.current.clone(),
        previous_valid_until: webhook
            .secrets
            .previous
            .as_ref()
            .map(|previous| previous.valid_until),
    })
}

impl Context {
    /// The caller's webhook.
    ///
    /// # Errors
    /// `not_found`; the store's.
    pub async fn own_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<Arc<Webhook>, Problem> {
        self.view(caller.company_id)
            .await?
            .webhook(id)
            .cloned()
            .ok_or_else(not_found)
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_random(random(&*self.entropy))
    }

    async fn change_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        action: AuditAction,
        decide: impl Fn(&Webhook, Timestamp) -> Result<Webhook, Problem> + Send + Sync,
    ) -> Result<Arc<Webhook>, Problem> {
        for _ in 0..TRIES {
            let webhook = self.own_webhook(caller, id).await?;
            let now = self.now();
            let mut next = decide(&webhook, now)?;
            next.version = webhook.version + 1;
            next.updated_at = now;
            let change = Change {
                writes: vec![Write::UpdateWebhook(next.clone())],
                audit: Some(self.audit_entry(caller, action, id, now)),
                ..Change::default()
            };
            match self.store.commit(change).await {
                Ok(_) => return Ok(Arc::new(next)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(problem_of(error)),
            }
        }
        Err(problem_of(StoreError::Conflict))
    }

    fn audit_entry(
        &self,
        caller: &Caller,
        action: AuditAction,
        subject: WebhookId,
        now: Timestamp,
    ) -> AuditEntry {
        AuditEntry {
            id: AuditEntryId(self.next_id(now)),
            company_id: caller.company_id,
            actor: caller.actor,
            action,
            subject: subject.to_string(),
            at: now,
        }
    }
}

fn patch(
    settings: &mut WebhookSettings,
    request: UpdateWebhookRequest,
    events: Option<Vec<EventType>>,
) {
    if let Some(endpoint) = request.endpoint {
        settings.endpoint = endpoint;
    }
    if let Some(events) = events {
        settings.events = events;
    }
    if let Some(status) = request.status {
        settings.status = status;
    }
    request.description.apply(&mut settings.description);
    match request.headers {
        Patch::Absent => {}
        Patch::Null => settings.headers = WebhookHeaders::new(),
        Patch::Set(headers) => settings.headers = headers,
    }
    request.ordering.apply(&mut settings.ordering);
    match request.retry_schedule {
        Patch::Absent => {}
        Patch::Null => settings.retry_waits = None,
        Patch::Set(schedule) => settings.retry_waits = Some(waits(schedule)),
    }
    request.timeout_ms.apply(&mut settings.timeout_ms);
    request.concurrency.apply(&mut settings.concurrency);
    request.rate_per_second.apply(&mut settings.rate_per_second);
}

fn set_tls(webhook: &mut Webhook, request: TlsRequest) -> Result<(), Problem> {
    let tls = &mut webhook.settings.tls;
    request.ca.apply(&mut tls.ca);
    request
        .client_certificate
        .apply(&mut tls.client_certificate);
    match request.client_key {
        Patch::Absent => {}
        Patch::Null => webhook.secrets.client_key = None,
        Patch::Set(key) => {
            let key = Secret::parse(key.reveal()).map_err(|_| {
                ProblemCode::InvalidBody
                    .problem("`tls.clientKey` is empty; send the key in PEM, or null for none")
            })?;
            webhook.secrets.client_key = Some(key);
        }
    }
    Ok(())
}

/// Whether connections can be made with the webhook's certificates; the port reads them.
fn check_tls(context: &Context, webhook: &Webhook, scheme: Scheme) -> Result<(), Problem> {
    let invalid = |detail: String| Err(ProblemCode::InvalidBody.problem(detail));
    let tls = &webhook.settings.tls;
    let key = webhook.secrets.client_key.as_ref();
    let parts = [
        ("ca", tls.ca.as_deref()),
        ("clientCertificate", tls.client_certificate.as_deref()),
        ("clientKey", key.map(Secret::reveal)),
    ];
    if parts.iter().all(|(_, part)| part.is_none()) {
        return Ok(());
    }
    for (name, part) in parts {
        if part.is_some_and(|part| part.len() > PEM_BYTES_MAX) {
            return invalid(format!(
                "`tls.{name}` is longer than {PEM_BYTES_MAX} bytes; send only the certificates that are needed"
            ));
        }
    }
    if scheme == Scheme::Http {
        return invalid(
            "`tls` is for an https endpoint; change the endpoint, or send null for `tls`"
                .to_owned(),
        );
    }
    context
        .tls
        .check(tls, key)
        .map_err(|refused| ProblemCode::InvalidBody.problem(refused.to_string()))
}

fn waits(schedule: Vec<HumanDuration>) -> Vec<Duration> {
    schedule.into_iter().map(|wait| wait.0).collect()
}

fn parse_events<S: AsRef<str>>(names: &[S]) -> Result<Vec<EventType>, Problem> {
    EventType::parse_list(names).map_err(|error| {
        let code = match error {
            EventListError::Empty => ProblemCode::InvalidBody,
            EventListError::Unknown(_) => ProblemCode::UnknownEvent,
        };
        code.problem(error.to_string())
    })
}

fn check(context: &Context, webhook: &Webhook) -> Result<(), Problem> {
    let invalid = |detail: String| Err(ProblemCode::InvalidBody.problem(detail));
    let settings = &webhook.settings;
    let endpoint = check_url(&settings.endpoint, &context.settings.allow_networks)
        .map_err(|problem| ProblemCode::InvalidUrl.problem(format!("`endpoint`: {problem}")))?;
    if settings
        .description
        .as_ref()
        .is_some_and(|text| text.len() > DESCRIPTION_BYTES_MAX)
    {
        return invalid(format!(
            "`description` is longer than {DESCRIPTION_BYTES_MAX} bytes; shorten it"
        ));
    }
    if let Err(refusal) = check_webhook_headers(&settings.headers) {
        return invalid(format!("`headers`: {refusal}"));
    }
    if let Some(waits) = &settings.retry_waits {
        if waits.len() > WAITS_MAX {
            return invalid(format!(
                "`retrySchedule` has more than {WAITS_MAX} waits; send fewer"
            ));
        }
        if waits.iter().any(|wait| *wait > WAIT_MAX) {
            return invalid(format!(
                "`retrySchedule`: no wait is longer than {}; shorten it",
                HumanDuration(WAIT_MAX)
            ));
        }
    }
    if settings
        .timeout_ms
        .is_some_and(|ms| !TIMEOUT_MS.contains(&ms))
    {
        return invalid(format!(
            "`timeoutMs` lies between {} and {}",
            TIMEOUT_MS.start(),
            TIMEOUT_MS.end()
        ));
    }
    if settings
        .concurrency
        .is_some_and(|count| !CONCURRENCY.contains(&count))
    {
        return invalid(format!(
            "`concurrency` lies between {} and {}",
            CONCURRENCY.start(),
            CONCURRENCY.end()
        ));
    }
    if settings
        .rate_per_second
        .is_some_and(|rate| !RATE_PER_SECOND.contains(&rate))
    {
        return invalid(format!(
            "`ratePerSecond` lies between {} and {}",
            RATE_PER_SECOND.start(),
            RATE_PER_SECOND.end()
        ));
    }
    check_tls(context, webhook, endpoint.scheme())
}
