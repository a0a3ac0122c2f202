//! Creates, changes and deletes webhooks; reveals and rotates their secrets (contract 1.3 E1, 8).

use std::sync::Arc;
use std::time::Duration;

use heraldo_wire::api::{
    CreateWebhookAnswer, CreateWebhookRequest, Patch, PublicKeyShown, PublicKeysAnswer,
    RotateSecretAnswer, RotateSecretRequest, SecretAnswer, TlsRequest, UpdateWebhookRequest,
    WebhookHeaders, WebhookStatus,
};
use heraldo_wire::event::{EventListError, EventType};
use heraldo_wire::id::{AuditEntryId, WebhookId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::signature::{Secret, SigningKey};
use heraldo_wire::time::{HumanDuration, Timestamp};

use super::disable_webhook::{run_of, told};
use super::webhook_checks::check;
use super::{Answer, Context, Once, json, not_found, problem_of};
use crate::account::Caller;
use crate::change::{AuditAction, AuditEntry, Change, Write};
use crate::life::{Life, Why};
use crate::ports::random;
use crate::query::CompanyView;
use crate::store::StoreError;
use crate::webhook::{Secrets, TlsSettings, Webhook, WebhookSettings};

/// The longest overlap of two secrets: 7 days.
const OVERLAP_SECONDS_MAX: u64 = 7 * 86_400;
/// A change that others make at the same time is decided anew this often.
pub(super) const TRIES: usize = 8;

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
        status: WebhookStatus::Enabled,
        headers: request.headers.unwrap_or_default(),
        ordering: request.ordering,
        retry_waits: request.retry_schedule.map(waits),
        retry_events: request
            .retry_events
            .as_deref()
            .map(parse_retried)
            .transpose()?,
        timeout_ms: request.timeout_ms,
        concurrency: request.concurrency,
        rate_per_second: request.rate_per_second,
        tls: TlsSettings::default(),
        retry_on_recovery: request.retry_on_recovery,
        disable_after: request.disable_after,
        disable_attempts_min: request.disable_attempts_min,
    };
    let company = context.view(caller.company_id).await?;
    let max = context.settings.webhooks_per_company_max;
    if company.webhooks.len() >= max {
        return Err(ProblemCode::LimitReached.problem(format!(
            "the company has {max} webhooks, as many as it may have; delete one it does not need"
        )));
    }
    let secret = Secret::from_random(random(&*context.entropy));
    let now = context.now();
    let id = WebhookId(context.next_id(now));
    let mut secrets = Secrets::new(secret, now);
    let asymmetric = request.asymmetric_signature.unwrap_or(false);
    secrets.sign_asymmetrically(asymmetric, context.signing_key());
    let status = request.status.unwrap_or(WebhookStatus::Enabled);
    let mut webhook = Webhook {
        id,
        company_id: caller.company_id,
        version: 1,
        settings,
        secrets,
        life: Life::default(),
        created_at: now,
        updated_at: now,
    }
    .with_status(status, Why::Manual, now);
    if let Some(tls) = request.tls {
        set_tls(&mut webhook, tls)?;
    }
    check(context, &webhook)?;
    if context.settings.webhook_challenge || request.challenge == Some(true) {
        context.challenge(&webhook).await?;
    }
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
    let mut retried = Patch::Absent;
    match &request.retry_events {
        Patch::Absent => {}
        Patch::Null => retried = Patch::Null,
        Patch::Set(names) => retried = Patch::Set(parse_retried(names)?),
    }
    let signing_key = context.signing_key();
    let decide = |webhook: &Webhook, now| {
        let mut next = webhook.clone();
        patch(&mut next.settings, request.clone(), events.clone());
        retried.clone().apply(&mut next.settings.retry_events);
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
        let status = request.status.unwrap_or(next.settings.status);
        Ok(next.with_status(status, Why::Manual, now))
    };
    let is_asked = request.challenge == Some(true);
    context
        .challenge_change(caller, id, is_asked, decide)
        .await?;
    context
        .change_webhook(caller, id, AuditAction::WebhookChanged, decide)
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
            let company = self.view(caller.company_id).await?;
            let webhook = company.webhook(id).ok_or_else(not_found)?;
            let now = self.now();
            let mut next = decide(webhook, now)?;
            next.version = webhook.version + 1;
            next.updated_at = now;
            let audit = self.audit_entry(caller, action, id, now);
            let change = self.changed(&company, webhook, next.clone(), audit).await?;
            match self.store.commit(change).await {
                Ok(_) => return Ok(Arc::new(next)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(problem_of(error)),
            }
        }
        Err(problem_of(StoreError::Conflict))
    }

    /// What is written with the new version of a webhook.
    async fn changed(
        &self,
        company: &CompanyView,
        before: &Webhook,
        next: Webhook,
        audit: AuditEntry,
    ) -> Result<Change, Problem> {
        let (was, is) = (before.settings.status, next.settings.status);
        let is_disabled_now = is == WebhookStatus::Disabled && was != is;
        // A receiver that is asked anew is judged anew.
        let is_asked_anew = (is == WebhookStatus::Enabled && was != is)
            || before.settings.endpoint != next.settings.endpoint;
        let mut change = Change {
            audit: Some(audit),
            ..Change::default()
        };
        if is_asked_anew {
            change.writes.push(Write::ForgetFailing(next.id));
        }
        if is_disabled_now {
            let run = run_of(&*self.store, next.id).await.map_err(problem_of)?;
            let server = &self.settings.webhook_defaults;
            let next_id = || self.next_id(next.updated_at);
            change
                .events
                .extend(told(company, &next, run, server, next_id));
            if let Some(audit) = &mut change.audit {
                audit.action = AuditAction::WebhookDisabled;
            }
        }
        change.writes.push(Write::UpdateWebhook(next));
        Ok(change)
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
            detail: None,
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
    request
        .retry_on_recovery
        .apply(&mut settings.retry_on_recovery);
    request.disable_after.apply(&mut settings.disable_after);
    request
        .disable_attempts_min
        .apply(&mut settings.disable_attempts_min);
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

fn waits(schedule: Vec<HumanDuration>) -> Vec<Duration> {
    schedule.into_iter().map(|wait| wait.0).collect()
}

fn parse_retried<S: AsRef<str>>(names: &[S]) -> Result<Vec<EventType>, Problem> {
    EventType::parse_retried(names)
        .map_err(|error| ProblemCode::UnknownEvent.problem(format!("`retryEvents`: {error}")))
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
