//! OAuth: codes, tokens, and what a user's token reads (contract 1.3, E26 to E29, and 2.14).

use serde::{Deserialize, Serialize};

use crate::id::{CompanyId, InspectionId, MembershipId, UserId};
use crate::object::{Confidential, InspectionStatus, InspectionType, UnknownWord, Veredict, words};
use crate::time::Timestamp;

words! {
    /// What an application may do in a user's name.
    OauthScope {
        /// Reading which companies the user belongs to, and as what.
        Memberships = "memberships",
        /// Knowing who the user is.
        Account = "account",
        /// Creating and reading inspections, and reading templates.
        Inspections = "inspections",
    }
    /// What a person may do in a company (contract U23).
    Role {
        Owner = "owner",
        Admin = "admin",
        Producer = "producer",
    }
}

/// Reads scopes separated by commas or blanks; duplicates are dropped.
///
/// # Errors
/// With the first word that is no scope; an empty text is none either.
pub fn parse_oauth_scopes(text: &str) -> Result<Vec<OauthScope>, UnknownWord> {
    let mut scopes = Vec::with_capacity(OauthScope::ALL.len());
    for word in text.trim().split([',', ' ']).map(str::trim) {
        let scope = word.parse()?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Body of `POST /v1/account/oauth/exchange_code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExchangeCodeRequest {
    /// What the consent page appended to the application's address.
    pub code: Confidential,
    pub client_app_id: String,
    pub client_secret: Confidential,
    /// Needed when the code was asked for with a `code_challenge` (PKCE), and refused when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<Confidential>,
}

/// Answer to an exchange, 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExchangeCodeAnswer {
    /// Acts as the user: `Authorization: Bearer …`.
    pub access_token: Confidential,
    /// Gives new access tokens.
    pub refresh_token: Confidential,
    /// Seconds that the access token is valid.
    pub expires_in: u64,
}

/// Body of `POST /v1/account/oauth/refresh_token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefreshTokenRequest {
    /// PHP writes `refreshToken` (contract E27).
    #[serde(alias = "refreshToken")]
    pub refresh_token: Confidential,
    pub client_app_id: String,
    pub client_secret: Confidential,
}

/// Answer to a refresh, 200. The refresh token stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefreshTokenAnswer {
    pub access_token: Confidential,
    /// Seconds that the access token is valid.
    pub expires_in: u64,
}

/// A user's place in one company, as `GET /v1/account/membership/authenticated` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Membership {
    #[serde(rename = "_id")]
    pub id: MembershipId,
    pub role: Role,
    pub company: MembershipCompany,
}

/// The company of a membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MembershipCompany {
    #[serde(rename = "_id")]
    pub id: CompanyId,
    /// The address of a picture; empty, because companies have none yet.
    pub logo: String,
    /// The company's name.
    pub society_reason: String,
}

/// Query of `GET /v1/inspection/me` and `GET /v1/inspection/all`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct UserInspectionListQuery {
    /// One of the user's memberships; it says in which company.
    #[param(required = true)]
    pub membership_id: Option<String>,
    /// Only those created at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those created before this instant.
    pub to: Option<Timestamp>,
    pub veredict: Option<Veredict>,
    /// A part of the consumer's identification, first name or e-mail address.
    pub search: Option<String>,
    pub status: Option<InspectionStatus>,
    /// From 1.
    pub page: Option<u32>,
    /// From 1 to 100; 10 without it.
    pub limit: Option<u32>,
}

/// Answer of the user's lists, newest first (contract 2.14 b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserInspectionListAnswer {
    pub inspections: Vec<UserInspection>,
    pub pagination: Pagination,
}

/// One row of a user's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInspection {
    #[serde(rename = "_id")]
    pub id: InspectionId,
    /// The same once more.
    #[serde(rename = "id")]
    pub id_again: InspectionId,
    /// Four digits.
    pub access_code: Confidential,
    #[serde(rename = "type")]
    pub kind: InspectionType,
    pub status: InspectionStatus,
    pub created_at: Timestamp,
    pub consumer: UserInspectionConsumer,
    pub producer: UserInspectionProducer,
}

/// Who is inspected or insured; what nobody said is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInspectionConsumer {
    pub first_name: String,
    pub last_name: String,
    pub identification: String,
}

/// Who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInspectionProducer {
    pub company_id: CompanyId,
    pub user_id: UserId,
    pub user: UserInspectionUser,
}

/// A user, briefly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserInspectionUser {
    #[serde(rename = "_id")]
    pub id: UserId,
    pub username: String,
}

/// Where a page lies (contract 2.14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub total_docs: u64,
    pub limit: u32,
    pub page: u32,
    /// At least 1.
    pub total_pages: u64,
    /// The number of the first row, from 1.
    pub paging_counter: u64,
    pub has_prev_page: bool,
    pub has_next_page: bool,
    pub prev_page: Option<u32>,
    pub next_page: Option<u32>,
}

impl Pagination {
    /// The page `page` (from 1) of `total` rows, `limit` (at least 1) a page.
    ///
    /// A page past the end has no next page; its previous page is the one before it.
    #[must_use]
    pub fn new(total: u64, page: u32, limit: u32) -> Self {
        let (page, limit) = (page.max(1), limit.max(1));
        let total_pages = total.div_ceil(u64::from(limit)).max(1);
        let prev_page = (total > 0).then(|| page - 1).filter(|page| *page > 0);
        let next_page = (u64::from(page) < total_pages).then(|| page.saturating_add(1));
        Self {
            total_docs: total,
            limit,
            page,
            total_pages,
            paging_counter: u64::from(page - 1) * u64::from(limit) + 1,
            has_prev_page: prev_page.is_some(),
            has_next_page: next_page.is_some(),
            prev_page,
            next_page,
        }
    }
}
