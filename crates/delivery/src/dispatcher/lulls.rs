//! Tells whoever has work of low priority when a webhook has nothing fresh to send.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use heraldo_domain::ports::Lulls;
use heraldo_wire::id::WebhookId;
use tokio::sync::Notify;

use super::runtime::{Runtime, within};
use super::{Dispatcher, Inner};

/// Who waits for which webhook.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    count: AtomicUsize,
    of: Mutex<HashMap<WebhookId, (usize, Arc<Notify>)>>,
}

/// One who waits; dropping it ends that.
struct Waiter<'a> {
    waiters: &'a Waiters,
    webhook: WebhookId,
    told: Arc<Notify>,
}

impl Waiters {
    fn of(&self) -> MutexGuard<'_, HashMap<WebhookId, (usize, Arc<Notify>)>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, webhook: WebhookId) -> Waiter<'_> {
        let mut of = self.of();
        let (count, told) = of.entry(webhook).or_default();
        *count += 1;
        self.count.fetch_add(1, Ordering::SeqCst);
        Waiter {
            waiters: self,
            webhook,
            told: told.clone(),
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut of = self.waiters.of();
        if let Some((count, _)) = of.get_mut(&self.webhook) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                of.remove(&self.webhook);
            }
        }
        self.waiters.count.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<R: Runtime> Inner<R> {
    /// Something of this webhook's lane has changed. Costs nothing while nobody waits.
    pub(super) fn tell_lull(&self, webhook: WebhookId) {
        if self.waiters.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let told = self
            .waiters
            .of()
            .get(&webhook)
            .map(|(_, told)| told.clone());
        if let Some(told) = told
            && self.lanes().is_calm(webhook)
        {
            told.notify_waiters();
        }
    }
}

#[async_trait]
impl<R: Runtime> Lulls for Dispatcher<R> {
    async fn lull(&self, webhook: WebhookId, wait: Duration) -> bool {
        let inner = &self.inner;
        let waiter = inner.waiters.enter(webhook);
        // A lane that nobody knew of has its settings read.
        if inner.lanes().look_at(webhook) {
            inner.attention.notify_one();
        }
        let calm = async {
            loop {
                let mut told = std::pin::pin!(waiter.told.notified());
                told.as_mut().enable();
                if inner.lanes().is_calm(webhook) {
                    return;
                }
                told.await;
            }
        };
        within(&inner.runtime, wait, calm).await.is_some()
    }
}
