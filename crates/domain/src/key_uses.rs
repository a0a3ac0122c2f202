//! When API keys were last used: kept in memory, so that no request costs a write, and written together from
//! time to time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use heraldo_wire::id::ApiKeyId;
use heraldo_wire::time::Timestamp;

/// Keys whose use is remembered between two writes; of further ones it is forgotten.
const KEYS_MAX: usize = 100_000;

/// Uses that are not written yet.
#[derive(Debug, Default)]
pub struct KeyUses(Mutex<HashMap<ApiKeyId, Timestamp>>);

impl KeyUses {
    fn table(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a key was used now.
    pub fn note(&self, id: ApiKeyId, now: Timestamp) {
        let mut table = self.table();
        if let Some(at) = table.get_mut(&id) {
            *at = now.max(*at);
        } else if table.len() < KEYS_MAX {
            table.insert(id, now);
        }
    }

    /// When the key was used, if that is not written yet.
    #[must_use]
    pub fn of(&self, id: ApiKeyId) -> Option<Timestamp> {
        self.table().get(&id).copied()
    }

    /// Up to `limit` of them, to be written.
    #[must_use]
    pub fn take(&self, limit: usize) -> Vec<(ApiKeyId, Timestamp)> {
        let mut table = self.table();
        let ids: Vec<_> = table.keys().take(limit).copied().collect();
        ids.into_iter()
            .filter_map(|id| table.remove_entry(&id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::id::Id;

    use super::*;

    #[test]
    fn the_latest_use_of_a_key_is_remembered_until_it_is_taken() {
        let uses = KeyUses::default();
        let key = |number| ApiKeyId(Id::from_parts(number, 0));
        for (number, at) in [(1, 5), (2, 6), (1, 9), (1, 7)] {
            uses.note(key(number), Timestamp::from_millis(at));
        }
        assert_eq!(uses.of(key(1)), Some(Timestamp::from_millis(9)));
        assert_eq!(uses.take(1).len() + uses.take(9).len(), 2);
        assert_eq!(uses.of(key(1)), None);
        assert_eq!(uses.take(9), []);
    }
}
