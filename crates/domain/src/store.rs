//! The contract that every store engine keeps; `heraldo-store`'s conformance suite checks it.
//!
//! - Every write is atomic, and durable before it is answered. Only outcomes, figures and the deletion of what
//!   has expired may be answered before: a power failure undoes them as if it had come a moment earlier.
//! - What is read is durable; of outcomes the same holds as above.
//! - A failure of the disk leaves open whether a change stands ([`StoreError::Failed`]).
//! - Ids that are unknown and ids of another company are the same `None`.
//! - A damaged row hurts nobody else: lists leave it out and name it in the log, once; asking for it is
//!   `Unreadable`.
//! - The engine calls [`HandOver`](crate::ports::HandOver) from the place where it orders its commits.

use std::sync::Arc;

use async_trait::async_trait;
use heraldo_wire::id::{
    ApiKeyId, AuditEntryId, CompanyId, DeliveryId, EventId, Id, InspectionId, UserId, WebhookId,
};
use heraldo_wire::time::Timestamp;

use crate::account::{ApiKey, Company, KeyHash, Member};
use crate::change::{AuditEntry, Change, Committed, IdempotencyKey, IdempotentAnswer};
use crate::delivery::{Claim, Claimed, Epoch, Settlement, Waiting};
use crate::explain::WebhookState;
use crate::health::{Failing, WebhookTurn};
use crate::inspection::Inspection;
use crate::job::{Due, Job};
use crate::password::{Login, PasswordHash};
use crate::photo::Fingerprint;
use crate::query::{
    CompanyView, DeliveryFilter, DeliveryRecord, EventFilter, EventRecord, EventStanding,
    InspectionFilter, Page,
};
use crate::record::{Record, RecordKind};
use crate::retention::{Forgotten, Slice};
use crate::statistics::{Backlog, Measures, Statistic, StatisticsQuery};
use crate::token::Token;
use crate::webhook::Webhook;

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody changed the same thing first: read it again and decide anew.
    #[error("somebody else changed it first")]
    Conflict,
    /// A request with this idempotency key was committed meanwhile: read its answer.
    #[error("a request with this idempotency key was carried out already")]
    AnswerExists,
    /// The company has another record of this kind with this name.
    #[error("the name is taken")]
    NameTaken,
    /// There is no such thing.
    #[error("not found")]
    NotFound,
    /// The disk is full, or so nearly that nothing new is accepted: nothing was written; free some space and
    /// try again.
    #[error("the disk that holds the data is full or nearly full")]
    Full,
    /// Too much is waiting to be written: try again later.
    #[error("the store has too much to write")]
    Overloaded,
    /// The store is closed, or is being closed.
    #[error("the store is closed")]
    Closed,
    /// It is there, but damaged: reading it again gives the same.
    #[error("{0}; restore a backup")]
    Unreadable(String),
    /// Anything else: the operation may be tried again. Whether it was written is not certain: the disk may
    /// have failed after it.
    #[error("the store failed: {0}")]
    Failed(String),
}

pub type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    // Writes.

    /// Applies a change whole, or not at all; answers when it is durable.
    ///
    /// # Errors
    /// `Conflict` when an update's version is not the one stored or a created id exists;
    /// `AnswerExists`; `NameTaken`; `NotFound` when a thing named by the change is not there.
    async fn commit(&self, change: Change) -> Result<Committed>;

    /// Starts a new epoch: voids the leases of all older ones, marks those deliveries recovered, and
    /// counts an interruption for each whose attempt had a recorded start.
    async fn open_epoch(&self) -> Result<Epoch>;

    /// Leases due deliveries of one webhook, oldest first.
    async fn claim(&self, claim: Claim) -> Result<Claimed>;

    /// Records, once a recovered delivery is on its way to a receiver, that its attempt started. Returns those that
    /// are still leased to `lease`.
    async fn mark_started(
        &self,
        lease: Epoch,
        deliveries: Vec<DeliveryId>,
    ) -> Result<Vec<DeliveryId>>;

    /// Writes outcomes, each only if its lease still holds, and with them the run of failures of each of
    /// their webhooks.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<SettledGroup>;

    /// Gives leases back unsent (on a graceful stop): the deliveries wait as they did before.
    async fn release(&self, lease: Epoch, deliveries: Vec<DeliveryId>) -> Result<()>;

    /// Cancels up to `limit` pending, unleased deliveries of a webhook that is disabled or deleted, and what
    /// was asked for beside; returns how many. Of any other webhook it cancels none: it may have been enabled
    /// since the caller looked.
    async fn cancel_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32>;

    /// Plans up to `limit` waiting retries of a webhook for `now` that were planned for later, in the order
    /// of their times; returns how many.
    async fn bring_forward(&self, webhook: WebhookId, now: Timestamp, limit: u32) -> Result<u32>;

    /// Deletes up to `limit` idempotent answers and as many tokens that have expired, and as many rows of
    /// figures that were kept long enough; returns how many in all.
    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u32>;

    /// Deletes one slice of the events that are old enough and whose deliveries have all ended, with those and
    /// their attempts, oldest first. Figures keep what they counted. An event of which a delivery is pending
    /// stays whole; one with more deliveries than a slice has rows goes in several.
    async fn forget_events(&self, slice: Slice) -> Result<Forgotten>;

    /// Deletes up to `limit` audit entries that were made before an instant; returns how many.
    async fn forget_audit(&self, before: Timestamp, limit: u32) -> Result<u32>;

    // What the dispatcher reads.

    /// Every webhook with pending, unleased deliveries, deleted webhooks included.
    async fn waiting(&self) -> Result<Vec<Waiting>>;

    /// The webhook with its secrets, from memory where possible; `None` when it does not exist or
    /// was deleted.
    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>>;

    /// Those of these webhooks that fail now, with their runs.
    async fn failing(&self, webhooks: Vec<WebhookId>) -> Result<Vec<(WebhookId, Failing)>>;

    // What the use cases read.

    /// Of each of these webhooks the two newest states from up to `at` and the oldest one after it, in
    /// their order. An engine notes a state with each version of a webhook that differs from the one
    /// before in it, and forgets them when the webhook is deleted.
    async fn webhook_states(
        &self,
        webhooks: Vec<WebhookId>,
        at: Timestamp,
    ) -> Result<Vec<WebhookState>>;
    async fn api_key(&self, hash: KeyHash) -> Result<Option<Arc<ApiKey>>>;
    async fn api_keys(&self, company: CompanyId, page: Page<ApiKeyId>) -> Result<Vec<ApiKey>>;
    async fn company(&self, id: CompanyId) -> Result<Option<Arc<CompanyView>>>;
    /// Whether any company exists: the first run makes one.
    async fn has_companies(&self) -> Result<bool>;
    /// One page of all companies, newest first: for what runs on the machine itself.
    async fn companies(&self, page: Page<CompanyId>) -> Result<Vec<Company>>;
    /// Whose key this is: for commands that name a key and no company. `None` when it was revoked.
    async fn api_key_company(&self, id: ApiKeyId) -> Result<Option<CompanyId>>;
    /// `None` when it was spent or has expired.
    async fn token(&self, hash: KeyHash, now: Timestamp) -> Result<Option<Token>>;
    /// Every place that a user has, with its company, oldest first.
    async fn memberships(&self, user: UserId) -> Result<Vec<(Member, Company)>>;
    /// Up to `limit` people with this e-mail address, in whatever company, upper and lower case being the
    /// same; oldest first.
    async fn logins(&self, email: &str, limit: u32) -> Result<Vec<Login>>;
    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>>;
    /// Records are read by id alone: whoever asks compares the company.
    async fn record(&self, kind: RecordKind, id: Id) -> Result<Option<Record>>;
    /// One page of a company's records of a kind, newest first; with a subject, only those of it.
    async fn records(
        &self,
        kind: RecordKind,
        company: CompanyId,
        subject: Option<Id>,
        page: Page<Id>,
    ) -> Result<Vec<Record>>;
    /// Up to `limit` jobs in the order in which they come due, those of the future included; only those that
    /// come later in it than `after`.
    async fn jobs(&self, after: Option<Due>, limit: u32) -> Result<Vec<Job>>;
    /// Up to `limit` photos of the company whose hash differs from `bits` in at most
    /// [`FINGERPRINT_DISTANCE_MAX`](crate::photo::FINGERPRINT_DISTANCE_MAX) bits, oldest first.
    async fn similar_photos(
        &self,
        company: CompanyId,
        bits: u64,
        limit: u32,
    ) -> Result<Vec<Fingerprint>>;
    async fn answer(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<IdempotentAnswer>>;
    async fn inspection(&self, id: InspectionId) -> Result<Option<Inspection>>;
    /// The inspection whose products or photos one of this id may be among: parts share the key of their
    /// inspection (see [`Inspection::next_part`]).
    async fn inspection_with(&self, part: Id) -> Result<Option<Inspection>>;
    /// One page, newest first, and how many match in all (see
    /// [`INSPECTIONS_COUNTED_MIN`](crate::query::INSPECTIONS_COUNTED_MIN)).
    async fn inspections(
        &self,
        company: CompanyId,
        filter: InspectionFilter,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<Inspection>, u64)>;
    /// Up to `limit` inspections in `created` or `started` whose time is over, oldest first.
    async fn lapsed(&self, now: Timestamp, limit: u32) -> Result<Vec<Inspection>>;
    async fn event(&self, company: CompanyId, id: EventId) -> Result<Option<EventRecord>>;
    async fn events(
        &self,
        company: CompanyId,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Result<Vec<EventRecord>>;
    /// Up to `limit` of the company's events that were made within `made` (from the first, before the second)
    /// and after this one, oldest first, each with its delivery to this webhook. A page that is not full is
    /// the last one.
    async fn standings(
        &self,
        company: CompanyId,
        webhook: WebhookId,
        made: (Timestamp, Timestamp),
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<EventStanding>>;
    async fn delivery(&self, company: CompanyId, id: DeliveryId) -> Result<Option<DeliveryRecord>>;
    async fn deliveries(
        &self,
        company: CompanyId,
        filter: DeliveryFilter,
        page: Page<DeliveryId>,
    ) -> Result<Vec<DeliveryRecord>>;
    async fn audit(&self, company: CompanyId, page: Page<AuditEntryId>) -> Result<Vec<AuditEntry>>;

    /// What was counted, oldest bucket first, within one by webhook. It costs as much as there are buckets
    /// and webhooks, however many events and attempts they stand for. Counts of the last second before a
    /// crash may be missing for good; nothing is ever counted twice.
    async fn statistics(
        &self,
        company: CompanyId,
        query: StatisticsQuery,
    ) -> Result<Vec<Statistic>>;

    /// Each webhook of the company with pending deliveries, by id: exact, however many there are.
    async fn backlog(&self, company: CompanyId) -> Result<Vec<Backlog>>;

    // Its own life.

    /// What it measures of itself now; reads nothing from disk.
    fn measures(&self) -> Measures;

    /// Writes and reads something small: whether the store works now.
    async fn check(&self) -> Result<()>;

    /// Lets what was accepted finish, then closes; later calls answer `Closed`.
    async fn close(&self) -> Result<()>;
}

/// What became of a group of settlements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettledGroup {
    /// In the order of the settlements.
    pub each: Vec<Settled>,
    /// Their webhooks that fail, or have recovered just now, each once.
    pub turns: Vec<WebhookTurn>,
}

/// What became of one settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Written,
    /// Written, and one more attempt is due at once: it was asked for while this one was under way.
    WrittenResendDue,
    /// The lease no longer held: nothing was written.
    LeaseLost,
}
