//! Invitations: somebody is asked into a company, with a role, by a link that works once.

use heraldo_wire::id::{CompanyId, Id, InvitationId, UserId};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{KeyHash, Role};
use crate::record::{Kept, RecordKind};

/// One invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub id: InvitationId,
    pub company_id: CompanyId,
    pub version: u64,
    pub email: String,
    /// What the person will be.
    pub role: Role,
    pub invited_by: UserId,
    /// Of the text in the link.
    pub token: KeyHash,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: InvitationState,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Its link works until it expires.
    Open,
    Revoked,
    /// The person is a member.
    Accepted(UserId),
}

impl Invitation {
    /// Whether its link works now.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Open && now < self.expires_at
    }
}

impl Kept for Invitation {
    const KIND: RecordKind = RecordKind::Invitation;

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
