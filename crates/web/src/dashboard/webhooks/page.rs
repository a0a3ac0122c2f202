//! The page of one webhook: how it fares, its secret, its events and settings, and what can be done with it.

use askama::Template;
use heraldo_domain::ops::webhooks::reveal_secret;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::{DeliveryStatus, DisableAfter, WebhookStatus};
use heraldo_wire::event::{DisabledReason, EventType};
use heraldo_wire::id::WebhookId;
use heraldo_wire::signature::Secret;
use heraldo_wire::time::HumanDuration;
use http::StatusCode;

use super::health::{Health, health};
use super::test::{Sent, sent};
use crate::call::Outcome;
use crate::dashboard::address::Address;
use crate::dashboard::moment::Moment;
use crate::dashboard::visit::{Form, Visit};
use crate::dashboard::wrong::Wrong;
use crate::frame::{Frame, Section};
use crate::words::Words;

#[derive(Template)]
#[template(path = "dashboard/webhook.html")]
struct WebhookPage<'a> {
    frame: Frame,
    administers: bool,
    webhook: &'a Webhook,
    health: Health,
    /// Deliveries that wait, in words, for what is said about each step.
    waiting: String,
    disabled: Option<DisabledShown>,
    settings: Vec<SettingShown>,
    /// `None` for whoever may not see secrets.
    secret: Option<SecretShown>,
    keys: Vec<KeyShown>,
    sent: Option<Sent>,
    wrong: Option<Wrong>,
}

struct DisabledShown {
    at: Moment,
    why: &'static str,
}

/// One setting as it holds.
struct SettingShown {
    name: &'static str,
    value: String,
    /// The webhook does not set it itself.
    is_servers: bool,
}

struct SecretShown {
    created_at: Moment,
    /// The secret before it is valid until then.
    previous_until: Option<Moment>,
    /// Its text, when it was asked for just now.
    revealed: Option<Secret>,
}

struct KeyShown {
    key: String,
    until: Option<Moment>,
}

impl WebhookPage<'_> {
    fn all_events(&self) -> &'static [EventType] {
        &EventType::SUBSCRIBABLE
    }

    fn test_events(&self) -> &'static [EventType] {
        &EventType::ALL
    }

    fn wants(&self, event: &EventType) -> bool {
        self.webhook.settings.events.contains(event)
    }

    fn is(&self, status: WebhookStatus) -> bool {
        self.webhook.settings.status == status
    }
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let sent = sent(visit, id).await?;
    answer(
        visit,
        id,
        Extra {
            sent,
            ..Extra::default()
        },
    )
    .await
}

/// Shows the page with the secret. Asked for by a form, so that no link does it.
pub async fn reveal(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    let revealed = reveal_secret(visit.context(), &visit.caller(), id).await?;
    let extra = Extra {
        revealed: Some(revealed.secret),
        ..Extra::default()
    };
    answer(visit, id, extra).await
}

/// What is on the page beside the webhook itself.
#[derive(Default)]
pub struct Extra {
    pub sent: Option<Sent>,
    pub revealed: Option<Secret>,
    pub wrong: Option<Wrong>,
}

pub async fn answer(visit: &mut Visit<'_>, id: WebhookId, extra: Extra) -> Outcome {
    let webhook = visit.context().own_webhook(&visit.caller(), id).await?;
    let (found, shown) = health(visit, &webhook).await?;
    let administers = visit.administers();
    let status = extra.wrong.as_ref().map_or(StatusCode::OK, |it| it.status);
    let template = WebhookPage {
        frame: visit.frame(Section::Configuration),
        administers,
        waiting: visit.t.waiting_deliveries(found.pending),
        disabled: disabled(visit.t, &webhook),
        settings: settings(visit, &webhook),
        secret: administers.then(|| secret(visit, &webhook, extra.revealed)),
        keys: keys(visit, &webhook),
        health: shown,
        webhook: &webhook,
        sent: extra.sent,
        wrong: extra.wrong,
    };
    visit.page_with(status, &template)
}

fn disabled(t: Words, webhook: &Webhook) -> Option<DisabledShown> {
    let disabled = webhook.life.disabled.as_ref()?;
    Some(DisabledShown {
        at: Moment(disabled.at),
        why: match disabled.reason {
            DisabledReason::Manual => t.disabled_by_hand(),
            DisabledReason::Gone => t.disabled_gone(),
            DisabledReason::Failing => t.disabled_failing(),
        },
    })
}

fn secret(visit: &Visit<'_>, webhook: &Webhook, revealed: Option<Secret>) -> SecretShown {
    let previous = webhook.secrets.previous_at(visit.call.now());
    SecretShown {
        created_at: Moment(webhook.secrets.created_at),
        previous_until: previous.map(|previous| Moment(previous.valid_until)),
        revealed,
    }
}

fn keys(visit: &Visit<'_>, webhook: &Webhook) -> Vec<KeyShown> {
    let keys = webhook.secrets.public_keys(visit.call.now());
    let shown = keys.map(|(key, until)| KeyShown {
        key: key.to_string(),
        until: until.map(Moment),
    });
    shown.collect()
}

/// Every setting as it holds. Values of headers may be passwords, so that only their names are shown.
fn settings(visit: &Visit<'_>, webhook: &Webhook) -> Vec<SettingShown> {
    let t = visit.t;
    let own = &webhook.settings;
    let server = &visit.context().settings.webhook_defaults;
    let retry = webhook.retry_policy(server);
    let waits: Vec<_> = retry.waits.into_iter().map(|wait| t.period(wait)).collect();
    let retried: Vec<_> = retry.retried.iter().map(|event| event.as_str()).collect();
    let policy = webhook.disable_policy(server);
    let disable_after = policy.after.map_or(DisableAfter::Never, |time| {
        DisableAfter::After(HumanDuration(time))
    });
    let names: Vec<_> = webhook.headers(server).map(|(name, _)| name).collect();
    let mut tls = Vec::new();
    if own.tls.ca.is_some() {
        tls.push(t.tls_ca());
    }
    if own.tls.client_certificate.is_some() {
        tls.push(t.tls_certificate());
    }
    let number = |count: Option<u32>| count.map_or(t.unlimited().to_owned(), |it| it.to_string());
    [
        (
            t.ordering(),
            t.ordering_meaning(&webhook.ordering(server)).to_owned(),
            own.ordering.is_none(),
        ),
        (
            t.schedule(),
            or_none(t, &waits.join(", ")),
            own.retry_waits.is_none(),
        ),
        (
            t.retried(),
            or_none(t, &retried.join(", ")),
            own.retry_events.is_none(),
        ),
        (
            t.timeout_name(),
            t.period(webhook.timeout(server)),
            own.timeout_ms.is_none(),
        ),
        (
            t.concurrency(),
            webhook.concurrency(server).to_string(),
            own.concurrency.is_none(),
        ),
        (
            t.rate(),
            number(webhook.rate_per_second(server)),
            own.rate_per_second.is_none(),
        ),
        (
            t.recovery(),
            t.yes_or_no(webhook.retry_on_recovery(server)).to_owned(),
            own.retry_on_recovery.is_none(),
        ),
        (
            t.disable_after(),
            t.disabled_after(disable_after, policy.attempts_min),
            own.disable_after.is_none() && own.disable_attempts_min.is_none(),
        ),
        (t.headers(), or_none(t, &names.join(", ")), false),
        (
            t.signature_kind(),
            t.signatures(webhook.secrets.signing_key.is_some())
                .to_owned(),
            false,
        ),
        (t.tls_name(), or_none(t, &tls.join(", ")), false),
    ]
    .into_iter()
    .map(|(name, value, is_servers)| SettingShown {
        name,
        value,
        is_servers,
    })
    .collect()
}

fn or_none(t: Words, text: &str) -> String {
    if text.is_empty() { t.none() } else { text }.to_owned()
}

/// The page again, because a form on it was wrong.
pub async fn refuse(visit: &mut Visit<'_>, id: WebhookId, wrong: Wrong) -> Outcome {
    let extra = Extra {
        wrong: Some(wrong),
        ..Extra::default()
    };
    answer(visit, id, extra).await
}
