//! Tokens: random texts that give their holder one thing for a time. Only their hashes are stored.

use heraldo_wire::api::OauthScope;
use heraldo_wire::id::{CompanyId, InspectionId, OauthAppId, ProductId, UserId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::KeyHash;
use crate::photo::Coordinates;

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub hash: KeyHash,
    pub company_id: CompanyId,
    pub expires_at: Timestamp,
    pub purpose: Purpose,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Purpose {
    /// Signs a user in, once.
    SignIn { user_id: UserId },
    /// A browser in which a user has signed in.
    Session { user_id: UserId },
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
