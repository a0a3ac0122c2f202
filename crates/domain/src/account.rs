//! Companies, the people in them, and the API keys that act for them.

use std::fmt;

pub use heraldo_wire::api::Role;
use heraldo_wire::api::Scope;
use heraldo_wire::id::{ApiKeyId, CompanyId, MembershipId, UserId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::Actor;
use crate::ports::{Entropy, random};

/// A company: the owner of inspections, webhooks and keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    /// Who produces what a key without a user of its own creates.
    pub owner: UserId,
    pub created_at: Timestamp,
}

/// What a role may do to people and their roles: the only place that says so. What it may open is said by the
/// table of the dashboard's routes.
pub trait Authority {
    /// Whether it may do all that the other may.
    fn includes(self, other: Role) -> bool;
    /// Whether it may give this role, take it away, and invite somebody to it.
    fn may_give(self, role: Role) -> bool;
}

impl Authority for Role {
    fn includes(self, other: Role) -> bool {
        let rank = |role| match role {
            Self::Producer => 0,
            Self::Admin => 1,
            Self::Owner => 2,
        };
        rank(self) >= rank(other)
    }

    fn may_give(self, role: Role) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => role != Self::Owner,
            Self::Producer => false,
        }
    }
}

/// An e-mail address as two of them are compared: upper and lower case are the same.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_ascii_lowercase()
}

/// A person's place in a company, with the personal fields that events carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub user_id: UserId,
    pub membership_id: MembershipId,
    pub company_id: CompanyId,
    pub role: Role,
    pub first_name: String,
    pub last_name: String,
    pub username: String,
    pub email: String,
    /// Who asked this person in; `None` for owners.
    #[serde(default)]
    pub invited_by: Option<UserId>,
    /// The company's own name for this person, which `producer.internalId` is matched with.
    pub internal_id: Option<String>,
    pub created_at: Timestamp,
}

impl Member {
    /// What others call this person: the name, else the e-mail, else the user name.
    #[must_use]
    pub fn shown_name(&self) -> String {
        let full = format!("{} {}", self.first_name, self.last_name);
        match (full.trim(), self.email.as_str()) {
            ("", "") => self.username.clone(),
            ("", email) => email.to_owned(),
            (full, _) => full.to_owned(),
        }
    }
}

/// An API key as it is stored: its text is known to its holder alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub company_id: CompanyId,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Inspections made with this key are marked `testing` (contract U17).
    pub testing: bool,
    pub hash: KeyHash,
    /// The first characters of the text, so that people can tell keys apart.
    pub prefix: String,
    pub created_at: Timestamp,
    /// To the minute, as far as it was written; kept beside the document.
    #[serde(skip)]
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key may act in `scope`; `admin` implies the others.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|held| held.allows(scope))
    }
}

/// SHA-256 of a key's or token's text. The texts hold 192 random bits, so no slow hash is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// The text of a new key or token, shown once. It never shows in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

impl KeyText {
    /// Makes `<prefix>` + 48 hex digits.
    #[must_use]
    pub fn generate(prefix: &str, entropy: &dyn Entropy) -> Self {
        Self(format!("{prefix}{}", hex::encode(random::<24>(entropy))))
    }

    /// The text itself, to be given to its holder.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }

    /// The first 12 characters.
    #[must_use]
    pub fn head(&self) -> String {
        self.0.chars().take(12).collect()
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

/// Who makes a call: an API key, or a user through an application that the user gave access. What they may
/// do was looked at when their credential was read.
#[derive(Debug, Clone)]
pub struct Caller {
    pub company_id: CompanyId,
    pub actor: Actor,
    pub testing: bool,
}

impl Caller {
    /// The user in whose name it is done; `None` for a key.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.actor {
            Actor::User(user_id) => Some(user_id),
            Actor::ApiKey(_) | Actor::CommandLine | Actor::System => None,
        }
    }
}
