//! Who did what in a company, and when.

use std::collections::HashMap;

use heraldo_wire::id::{ApiKeyId, AuditEntryId};
use heraldo_wire::problem::Problem;

use super::{Context, problem_of};
use crate::change::{Actor, AuditEntry};
use crate::query::{CompanyView, Page};

/// Of so many keys, the newest, the names are looked up.
const KEYS_MAX: u32 = 500;

/// An entry with the name of who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    pub entry: AuditEntry,
    /// The name of the user or the key; `None` when there is none, or none any more.
    pub name: Option<String>,
}

/// One page of a company's audit log, newest first.
///
/// # Errors
/// The store's.
pub async fn audit_log(
    context: &Context,
    company: &CompanyView,
    page: Page<AuditEntryId>,
) -> Result<Vec<Audited>, Problem> {
    let id = company.company.id;
    let entries = context.store.audit(id, page).await.map_err(problem_of)?;
    let by_key = |entry: &AuditEntry| match entry.actor {
        Actor::ApiKey(_) => true,
        Actor::User(_) | Actor::CommandLine | Actor::System => false,
    };
    let keys = if entries.iter().any(by_key) {
        context.key_names(company).await?
    } else {
        HashMap::new()
    };
    let named = entries.into_iter().map(|entry| {
        let name = match entry.actor {
            Actor::ApiKey(key) => keys.get(&key).cloned(),
            Actor::User(user) => company.member(user).map(crate::account::Member::shown_name),
            Actor::CommandLine | Actor::System => None,
        };
        Audited { entry, name }
    });
    Ok(named.collect())
}

impl Context {
    async fn key_names(&self, company: &CompanyView) -> Result<HashMap<ApiKeyId, String>, Problem> {
        let page = Page {
            limit: KEYS_MAX,
            before: None,
        };
        let keys = self.store.api_keys(company.company.id, page).await;
        let keys = keys.map_err(problem_of)?.into_iter();
        Ok(keys.map(|key| (key.id, key.name)).collect())
    }
}
