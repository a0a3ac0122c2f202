//! What the engine keeps in memory: API keys, companies and webhooks.
//!
//! A reader notes the generation before it reads the database and may only keep what it read while the
//! generation is still the same, so that nothing read before a change is kept after it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use heraldo_domain::account::{ApiKey, KeyHash};
use heraldo_domain::query::CompanyView;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{ApiKeyId, CompanyId, WebhookId};

/// What a committed change made stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stale {
    ApiKey(ApiKeyId),
    /// The company's view; its webhook too, when one is named.
    Company(CompanyId, Option<WebhookId>),
}

#[derive(Debug)]
pub(super) struct Cache {
    kept: RwLock<Kept>,
    /// Each map is emptied when it would grow past this.
    entries_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    generation: u64,
    api_keys: HashMap<KeyHash, Arc<ApiKey>>,
    companies: HashMap<CompanyId, Arc<CompanyView>>,
    webhooks: HashMap<WebhookId, Arc<Webhook>>,
}

/// What was kept, or the generation to name when keeping what the database says.
#[derive(Debug)]
pub(super) enum Found<T> {
    Kept(Arc<T>),
    Missing { generation: u64 },
}

impl Cache {
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            kept: RwLock::default(),
            entries_max,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn api_key(&self, hash: &KeyHash) -> Found<ApiKey> {
        let kept = self.read();
        found(kept.api_keys.get(hash), kept.generation)
    }

    pub(super) fn company(&self, id: CompanyId) -> Found<CompanyView> {
        let kept = self.read();
        found(kept.companies.get(&id), kept.generation)
    }

    pub(super) fn webhook(&self, id: WebhookId) -> Found<Webhook> {
        let kept = self.read();
        found(kept.webhooks.get(&id), kept.generation)
    }

    pub(super) fn keep_api_key(&self, key: &Arc<ApiKey>, generation: u64) {
        let mut kept = self.write();
        if kept.generation == generation {
            keep(&mut kept.api_keys, key.hash, key, self.entries_max);
        }
    }

    pub(super) fn keep_company(&self, view: &Arc<CompanyView>, generation: u64) {
        let mut kept = self.write();
        if kept.generation == generation {
            keep(&mut kept.companies, view.company.id, view, self.entries_max);
        }
    }

    pub(super) fn keep_webhook(&self, webhook: &Arc<Webhook>, generation: u64) {
        let mut kept = self.write();
        if kept.generation == generation {
            keep(&mut kept.webhooks, webhook.id, webhook, self.entries_max);
        }
    }

    /// Forgets what a commit made stale; called after it and before it is answered.
    pub(super) fn forget(&self, stale: &[Stale]) {
        if stale.is_empty() {
            return;
        }
        let mut kept = self.write();
        kept.generation = kept.generation.wrapping_add(1);
        for stale in stale {
            match stale {
                Stale::ApiKey(id) => kept.api_keys.retain(|_, key| key.id != *id),
                Stale::Company(company, webhook) => {
                    kept.companies.remove(company);
                    if let Some(webhook) = webhook {
                        kept.webhooks.remove(webhook);
                    }
                }
            }
        }
    }

    /// Forgets everything: another process wrote.
    pub(super) fn forget_all(&self) {
        let mut kept = self.write();
        *kept = Kept {
            generation: kept.generation.wrapping_add(1),
            ..Kept::default()
        };
    }
}

fn found<T>(entry: Option<&Arc<T>>, generation: u64) -> Found<T> {
    entry.map_or(Found::Missing { generation }, |entry| {
        Found::Kept(Arc::clone(entry))
    })
}

fn keep<K: std::hash::Hash + Eq, T>(
    map: &mut HashMap<K, Arc<T>>,
    key: K,
    value: &Arc<T>,
    max: usize,
) {
    if map.len() >= max {
        map.clear();
    }
    map.insert(key, Arc::clone(value));
}
