//! One atomic write: everything a use case decided, committed whole or not at all.

use bytes::Bytes;
use heraldo_wire::attempt::Cause;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{
    ApiKeyId, AuditEntryId, CompanyId, DeliveryId, EventId, Id, InspectionId, JobId, UserId,
    WebhookId,
};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{ApiKey, Company, KeyHash, Member};
use crate::health::Failing;
use crate::inspection::Inspection;
use crate::job::Job;
use crate::password::PasswordHash;
use crate::photo::Fingerprint;
use crate::record::{Record, RecordKind};
use crate::token::Token;
use crate::webhook::Webhook;

/// Everything that one use case writes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub writes: Vec<Write>,
    /// In the order in which they happened.
    pub events: Vec<NewEvent>,
    /// The answer to give again when the same request comes with the same key.
    pub answer: Option<IdempotentAnswer>,
    pub audit: Option<AuditEntry>,
}

impl Change {
    /// Whether it is refused first when the disk is nearly full: what brings new data in. What only ends or
    /// turns something - a key, a webhook, a job, one more attempt - goes on while there is any room.
    #[must_use]
    pub fn brings_data(&self) -> bool {
        let brings = |write: &Write| match write {
            Write::CreateCompany(_)
            | Write::CreateMember(_)
            | Write::CreateApiKey(_)
            | Write::CreateWebhook(_)
            | Write::CreateInspection(_)
            | Write::UpdateInspection(_)
            | Write::CreateDelivery { .. }
            | Write::CreateRecord(_)
            | Write::UpdateRecord(_)
            | Write::CreateJob(_)
            | Write::CreateFingerprint(_) => true,
            Write::RevokeApiKey { .. }
            | Write::UpdateCompany { .. }
            | Write::UpdateMember { .. }
            | Write::DeleteMember(_)
            | Write::ExpectMember(_)
            | Write::SetPassword { .. }
            | Write::EndSessions { .. }
            | Write::NoteKeyUse { .. }
            | Write::CreateToken(_)
            | Write::SpendToken { .. }
            | Write::UpdateWebhook(_)
            | Write::ExpectFailing { .. }
            | Write::ForgetFailing(_)
            | Write::DeleteWebhook { .. }
            | Write::Resend { .. }
            | Write::DeleteRecord(_)
            | Write::DeleteRecordsOf { .. }
            | Write::EndJob(_)
            | Write::UpdateJob(_) => false,
        };
        !self.events.is_empty() || self.writes.iter().any(brings)
    }
}

/// One write to the state. An update names the version it was decided on.
#[derive(Debug, Clone)]
pub enum Write {
    CreateCompany(Company),
    /// Replaces a company that still is as it was read; `Conflict` when it is not.
    UpdateCompany {
        was: Company,
        now: Company,
    },
    CreateMember(Member),
    /// Replaces a member who still is as it was read; `Conflict` when it is not, `NotFound` without it.
    UpdateMember {
        was: Member,
        now: Member,
    },
    /// Takes a person out of a company, who still is as it was read; with the last place of all the password
    /// goes, too.
    DeleteMember(Member),
    /// Writes nothing; `Conflict` unless the member still is as it was read. What another write of the change
    /// was decided on.
    ExpectMember(Member),
    /// Sets, replaces or removes the password that still is as it was read.
    SetPassword {
        user_id: UserId,
        was: Option<PasswordHash>,
        now: Option<PasswordHash>,
    },
    /// Removes every session and every sign-in link of a user, in one company or in all.
    EndSessions {
        user_id: UserId,
        company_id: Option<CompanyId>,
    },
    /// Notes that a key was used at this time or later; nothing when it was revoked.
    NoteKeyUse {
        id: ApiKeyId,
        at: Timestamp,
    },
    CreateApiKey(ApiKey),
    RevokeApiKey {
        company_id: CompanyId,
        id: ApiKeyId,
    },
    CreateToken(Token),
    /// Removes a token; `NotFound` unless it is there and has not expired, so that it is spent once.
    SpendToken {
        hash: KeyHash,
        now: Timestamp,
    },
    CreateWebhook(Webhook),
    /// Replaces the webhook whose stored version is `webhook.version - 1`. An engine cancels nothing
    /// by itself: the dispatcher cancels what waits for a disabled webhook, in slices.
    UpdateWebhook(Webhook),
    /// Writes nothing; `Conflict` unless the run of failures that was read goes on. What another write of the change
    /// was decided on.
    ExpectFailing {
        webhook: WebhookId,
        run: Failing,
    },
    /// Forgets the webhook's run of failures: what comes begins a new one.
    ForgetFailing(WebhookId),
    /// Deletes the webhook; what waits for it is cancelled by the dispatcher, in slices.
    DeleteWebhook {
        company_id: CompanyId,
        id: WebhookId,
    },
    /// Boxed: by far the largest, and on the busiest path.
    CreateInspection(Box<Inspection>),
    /// Replaces the inspection whose stored version is `inspection.version - 1`.
    UpdateInspection(Box<Inspection>),
    /// Plans one more attempt now, whatever the delivery's state.
    Resend {
        company_id: CompanyId,
        delivery_id: DeliveryId,
        cause: Cause,
        now: Timestamp,
    },
    /// Makes a delivery of an event that was made before, due at once. `NotFound` without the event;
    /// `Conflict` when the event has one for this webhook already.
    CreateDelivery {
        company_id: CompanyId,
        event_id: EventId,
        delivery: NewDelivery,
        now: Timestamp,
    },
    /// `NameTaken` when the company has one of this kind and name.
    CreateRecord(Record),
    /// Replaces the record whose stored version is `record.version - 1`; `NameTaken` as above.
    UpdateRecord(Record),
    /// Removes the record whose stored version is this one's.
    DeleteRecord(Record),
    /// Removes a company's records of a kind that belong to this subject, however many there are.
    DeleteRecordsOf {
        company_id: CompanyId,
        kind: RecordKind,
        subject: Id,
    },
    CreateJob(Job),
    /// Removes a job; `NotFound` when it has ended already, so that its result counts once.
    EndJob(JobId),
    /// Plans an unfinished job's next try; `NotFound` when it has ended.
    UpdateJob(Job),
    CreateFingerprint(Fingerprint),
}

/// An event, its body rendered, with one delivery for each subscribed webhook.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub id: EventId,
    pub company_id: CompanyId,
    pub inspection_id: InspectionId,
    pub event_type: EventType,
    pub body: Bytes,
    pub origin: Origin,
    /// `None`: the engine gives the inspection's next number (events published from elsewhere).
    pub sequence: Option<u32>,
    /// `Conflict` when the inspection's last event was made later: what waits is sent in the order in which it was made,
    /// which has to be that of the numbers.
    pub follows_last: bool,
    pub created_at: Timestamp,
    pub deliveries: Vec<NewDelivery>,
}

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An inspection that Heraldo runs.
    Inspection,
    /// Published by its company.
    Published,
    /// A sample, sent to one webhook.
    Test,
    /// It tells of a webhook.
    Webhook,
}

/// A delivery that exists because its event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    pub cause: Cause,
    /// It waits until the delivery of the inspection's event before it, made under the same rule for the
    /// same webhook, has ended by its schedule. It has no time until then.
    pub strict: bool,
}

/// Names one request, so that its repetition is answered and not carried out (contract U14).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    pub company_id: CompanyId,
    /// The method and route, such as `POST /v1/inspection/car`.
    pub route: &'static str,
    pub key: String,
}

/// What was answered to a request, kept for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentAnswer {
    pub key: IdempotencyKey,
    /// SHA-256 of the request's content; the same key with another content is a conflict.
    pub request_hash: [u8; 32],
    pub status: u16,
    pub body: Bytes,
    pub expires_at: Timestamp,
}

/// Who did something that must be traceable. It never holds the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    pub company_id: CompanyId,
    pub actor: Actor,
    pub action: AuditAction,
    /// The id of the thing acted on.
    pub subject: String,
    /// In words, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub at: Timestamp,
}

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    ApiKey(ApiKeyId),
    User(UserId),
    /// The command line on the machine itself.
    CommandLine,
    /// Heraldo itself, because of what it saw.
    System,
}

/// Writes the actions down once: as they are, and by the names that they have where they are stored.
macro_rules! audit_actions {
    ($($(#[$note:meta])* $action:ident = $name:literal;)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum AuditAction {
            $($(#[$note])* #[serde(rename = $name)] $action,)+
        }

        impl AuditAction {
            pub const ALL: &'static [Self] = &[$(Self::$action,)+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$action => $name,)+ }
            }

            /// The action of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$action),)+ _ => None }
            }
        }
    };
}

audit_actions! {
    CompanyCreated = "company_created";
    UserCreated = "user_created";
    /// Names or e-mail address.
    UserChanged = "user_changed";
    RoleChanged = "role_changed";
    UserRemoved = "user_removed";
    /// By a link or a password, into a browser.
    SignedIn = "signed_in";
    /// By whoever's it is.
    PasswordSet = "password_set";
    /// The password was removed, the sessions ended, a new sign-in link made.
    AccessReset = "access_reset";
    /// All sessions of a user.
    SessionsEnded = "sessions_ended";
    InvitationCreated = "invitation_created";
    InvitationRevoked = "invitation_revoked";
    InvitationAccepted = "invitation_accepted";
    ApiKeyCreated = "api_key_created";
    ApiKeyRevoked = "api_key_revoked";
    WebhookCreated = "webhook_created";
    WebhookChanged = "webhook_changed";
    WebhookDeleted = "webhook_deleted";
    /// By whom or by what, the actor and the detail say.
    WebhookDisabled = "webhook_disabled";
    /// A test event was sent to it; the detail names the event.
    WebhookTested = "webhook_tested";
    SecretRevealed = "secret_revealed";
    SecretRotated = "secret_rotated";
    DeliveryResent = "delivery_resent";
    RecoveryBegun = "recovery_begun";
    RecoveryCancelled = "recovery_cancelled";
    /// The detail says what was decided.
    InspectionReviewed = "inspection_reviewed";
    /// The subject is the child; the detail names its parent.
    ChildCreated = "child_created";
    /// The subject is the inspection.
    ReportRequested = "report_requested";
    /// The link and the access code of an inspection's person.
    AccessRevealed = "access_revealed";
    OauthAppCreated = "oauth_app_created";
    OauthSecretRotated = "oauth_secret_rotated";
    /// The detail is its name.
    OauthAppDeleted = "oauth_app_deleted";
    /// A user gave an OAuth application access; the subject is the application.
    OauthAuthorised = "oauth_authorised";
}

/// What the engine settled while committing a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The sequence of each event of the change, in its order.
    pub sequences: Vec<u32>,
}
