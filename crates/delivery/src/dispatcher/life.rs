//! What outcomes mean for the webhooks themselves: disabled when their receivers are gone or take nothing for
//! too long; when one recovers, its waiting retries sent at once.
//!
//! It acts on what is stored, after it is stored. What a crash keeps it from doing is done after the next
//! outcome that says the same.

use std::sync::Arc;

use heraldo_domain::health::{Turn, WebhookTurn};
use heraldo_domain::ops::disable_webhook::{Complaint, Means, disable_webhook};
use heraldo_domain::store::StoreError;
use heraldo_wire::id::WebhookId;

use super::runtime::{Runtime, Task};
use super::{Inner, STORE_PAUSE};

/// Looks at what a group of outcomes told.
pub(super) async fn heed<R: Runtime>(
    inner: &Arc<Inner<R>>,
    turns: Vec<WebhookTurn>,
    gone: Vec<Gone>,
) {
    for Gone { webhook, endpoint } in gone {
        complain(inner, webhook, Complaint::Gone { endpoint });
    }
    let Some(started) = inner.started.get() else {
        return;
    };
    let server = &inner.config.defaults;
    for (id, turn) in turns {
        let webhook = match started.store.webhook(id).await {
            Ok(Some(webhook)) => webhook,
            Ok(None) => continue,
            Err(error) => {
                // The run is stored: the next outcome is looked at again.
                tracing::warn!(webhook = %id, %error, "cannot look whether a webhook is to be disabled");
                continue;
            }
        };
        match turn {
            Turn::Failing(run) => {
                let policy = webhook.disable_policy(server);
                if policy.is_over(&run, inner.clock.now()) {
                    complain(inner, id, Complaint::Failing);
                }
            }
            Turn::Recovered if webhook.retry_on_recovery(server) => {
                let retries = send_retries(inner.clone(), id);
                inner.runtime.spawn(Task::SendRetries(id), retries);
            }
            Turn::Recovered => {}
        }
    }
}

/// A receiver that answered 410 Gone, and where that was.
#[derive(Debug, Clone)]
pub(super) struct Gone {
    pub webhook: WebhookId,
    pub endpoint: String,
}

fn complain<R: Runtime>(inner: &Arc<Inner<R>>, webhook: WebhookId, complaint: Complaint) {
    let disabling = disable(inner.clone(), webhook, complaint);
    inner.runtime.spawn(Task::Disable(webhook), disabling);
}

/// Tries until the store has answered, or the dispatcher stops.
async fn disable<R: Runtime>(inner: Arc<Inner<R>>, id: WebhookId, complaint: Complaint) {
    let Some(started) = inner.started.get() else {
        return;
    };
    let means = Means {
        store: &*started.store,
        clock: &*inner.clock,
        entropy: &*inner.entropy,
        ids: &inner.ids,
        server: &inner.config.defaults,
    };
    loop {
        match disable_webhook(means, id, &complaint).await {
            Ok(None) | Err(StoreError::Closed) => return,
            Ok(Some(webhook)) => {
                let why = webhook.life.disabled.map(|disabled| disabled.detail);
                let why = why.unwrap_or_default();
                tracing::warn!(webhook = %id, %why, "a webhook was disabled");
                return;
            }
            Err(error) => {
                tracing::warn!(webhook = %id, %error, "cannot disable a webhook; trying again");
            }
        }
        tokio::select! {
            biased;
            () = inner.stopping.cancelled() => return,
            () = inner.runtime.sleep(STORE_PAUSE) => {}
        }
    }
}

/// Brings waiting retries forward, in slices; its lane sends them at its own rate.
async fn send_retries<R: Runtime>(inner: Arc<Inner<R>>, webhook: WebhookId) {
    let Some(started) = inner.started.get() else {
        return;
    };
    while !inner.stopping.is_cancelled() {
        let now = inner.clock.now();
        match started
            .store
            .bring_forward(webhook, now, R::RETRIES_SLICE)
            .await
        {
            Ok(0) => return,
            Ok(brought) => {
                inner.lanes().due(webhook, now);
                inner.attention.notify_one();
                if brought < R::RETRIES_SLICE {
                    return;
                }
            }
            Err(error) => {
                // They keep their times.
                if error != StoreError::Closed {
                    tracing::warn!(%webhook, %error, "cannot send retries at once");
                }
                return;
            }
        }
    }
}
