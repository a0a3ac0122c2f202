//! OAuth applications, and the users who gave them access (contract 1.3, E26 to E29).

use heraldo_wire::id::{CompanyId, Id, OauthAppId, OauthConnectionId, UserId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::KeyHash;
use crate::record::{Kept, RecordKind};

/// An application of a company, which users of any company may give access to what they see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthApp {
    /// Its `client_app_id`.
    pub id: OauthAppId,
    pub company_id: CompanyId,
    pub version: u64,
    pub name: String,
    /// Where browsers may be sent with a code: compared character by character, the first one is meant when
    /// none is named. At least one.
    pub redirects: Vec<String>,
    /// Of its `client_secret`.
    pub secret: KeyHash,
    /// How many users gave it access.
    pub connected_users: u64,
    pub created_at: Timestamp,
}

impl OauthApp {
    /// Where a browser is sent: the registered address that was asked for, or the first one.
    #[must_use]
    pub fn redirect(&self, asked: Option<&str>) -> Option<&str> {
        let mut registered = self.redirects.iter().map(String::as_str);
        match asked {
            Some(asked) => registered.find(|registered| *registered == asked),
            None => registered.next(),
        }
    }
}

impl Kept for OauthApp {
    const KIND: RecordKind = RecordKind::OauthApp;

    fn id(&self) -> Id {
        self.id.0
    }

    fn company_id(&self) -> CompanyId {
        self.company_id
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// A user who gave an application access: kept so that each is counted once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthConnection {
    pub id: OauthConnectionId,
    pub app_id: OauthAppId,
    /// The application's.
    pub company_id: CompanyId,
    pub user_id: UserId,
    /// The application and the user, of whom there is one connection.
    pub name: String,
    pub created_at: Timestamp,
}

impl OauthConnection {
    /// The connection of a user with an application.
    #[must_use]
    pub fn new(
        id: OauthConnectionId,
        app: &OauthApp,
        user_id: UserId,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            app_id: app.id,
            company_id: app.company_id,
            user_id,
            name: format!("{}/{user_id}", app.id),
            created_at,
        }
    }
}

impl Kept for OauthConnection {
    const KIND: RecordKind = RecordKind::OauthConnection;

    fn id(&self) -> Id {
        self.id.0
    }

    fn company_id(&self) -> CompanyId {
        self.company_id
    }

    fn version(&self) -> u64 {
        1
    }

    fn subject(&self) -> Option<Id> {
        Some(self.app_id.0)
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}
