//! Tokens: random texts that give their holder one thing for a time. Only their hashes are stored.

use heraldo_wire::api::OauthScope;
use heraldo_wire::id::{CompanyId, InspectionId, InvitationId, OauthAppId, ProductId, UserId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{KeyHash, Role};
use crate::photo::Coordinates;

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub hash: KeyHash,
    pub company_id: CompanyId,
    pub expires_at: Timestamp,
    pub purpose: Purpose,
}

impl Token {
    /// Whom it signs in or keeps signed in.
    #[must_use]
    pub const fn signs_in(&self) -> Option<UserId> {
        match &self.purpose {
            Purpose::SignIn { user_id } | Purpose::Session { user_id, .. } => Some(*user_id),
            Purpose::Invitation { .. }
            | Purpose::Image { .. }
            | Purpose::OauthCode { .. }
            | Purpose::OauthSpentCode { .. }
            | Purpose::OauthAccess { .. }
            | Purpose::OauthRefresh { .. } => None,
        }
    }
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Purpose {
    /// Signs a user in, once.
    SignIn { user_id: UserId },
    /// A browser in which a user has signed in.
    Session {
        user_id: UserId,
        /// What the user might do when it was made; `None` when that was not noted yet.
        #[serde(default)]
        role: Option<Role>,
    },
    /// Lets whoever was invited in, once.
    Invitation { invitation_id: InvitationId },
    /// Uploads one photo without an API key, once (contract U24).
    Image {
        inspection_id: InspectionId,
        product_id: ProductId,
        side: String,
        coordinates: Option<Coordinates>,
        /// When the photo was taken, as the caller said.
        date: Option<Timestamp>,
    },
    /// Is exchanged for an access token, once (contract U21).
    OauthCode {
        app_id: OauthAppId,
        user_id: UserId,
        scopes: Vec<OauthScope>,
        /// SHA-256 of the verifier that must come with it, in base64url (PKCE `S256`).
        challenge: Option<String>,
    },
    /// A code that was exchanged: should it come once more, what it gave is taken back.
    OauthSpentCode {
        /// The refresh token that it gave.
        refresh: KeyHash,
    },
    /// Acts as a user, within scopes, as long as the refresh token that it came from is there.
    OauthAccess {
        app_id: OauthAppId,
        user_id: UserId,
        scopes: Vec<OauthScope>,
        refresh: KeyHash,
    },
    /// Gives new access tokens.
    OauthRefresh {
        app_id: OauthAppId,
        user_id: UserId,
        scopes: Vec<OauthScope>,
    },
}
