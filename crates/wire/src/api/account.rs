//! API keys and their scopes (contract 8.2, "Scopes").

use serde::{Deserialize, Serialize};

use crate::id::ApiKeyId;
use crate::object::{Confidential, UnknownWord, words};
use crate::time::Timestamp;

words! {
    /// What a key may do.
    Scope {
        /// Inspections, templates, images, publishing and reading events.
        Inspections = "inspections",
        /// Webhooks, tests, deliveries, resending, recovering and the stream.
        Webhooks = "webhooks",
        /// Revealing a webhook's secret; with `webhooks`, rotating it.
        Secrets = "secrets",
        /// Keys, users and the audit log; implies the others.
        Admin = "admin",
    }
}

impl Scope {
    /// Whether a key with this scope may do what `needed` allows.
    #[must_use]
    pub fn allows(self, needed: Self) -> bool {
        self == Self::Admin || self == needed
    }
}

/// Reads scopes separated by commas, as the command line takes them; blanks around each are ignored,
/// duplicates dropped.
///
/// # Errors
/// With the first word that is no scope; an empty text is none either.
pub fn parse_scopes(text: &str) -> Result<Vec<Scope>, UnknownWord> {
    let mut scopes = Vec::with_capacity(Scope::ALL.len());
    for word in text.split(',') {
        let scope = word.trim().parse()?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Body of `POST /v1/account/key`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateKeyRequest {
    /// At least one.
    pub scopes: Vec<Scope>,
    /// What the key is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// True for a key whose inspections are marked `testing`.
    #[serde(default)]
    pub testing: bool,
}

/// Answer to a create, 201: the only place where the key's text is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateKeyAnswer {
    #[serde(rename = "_id")]
    pub id: ApiKeyId,
    pub api_key: Confidential,
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    #[serde(rename = "_id")]
    pub id: ApiKeyId,
    pub name: Option<String>,
    /// The first characters of the key, to tell keys apart.
    pub hint: String,
    pub scopes: Vec<Scope>,
    pub testing: bool,
    pub created_at: Timestamp,
    /// When a request last came with it; null: never, or not noted.
    pub last_used_at: Option<Timestamp>,
    /// Null while it is valid.
    pub revoked_at: Option<Timestamp>,
}
