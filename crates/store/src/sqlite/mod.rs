//! The embedded engine: SQLite with a write-ahead log, one writer with group commit, a few readers, and
//! what is asked most in memory. It needs no async runtime; its callers only wait for answers.

mod apply;
mod attempts;
mod between;
mod cache;
mod care;
mod checkpoint;
mod codes;
mod command;
mod config;
mod disk;
mod durable;
mod failing;
mod fault;
mod figures;
mod group;
mod listed;
mod lists;
mod load;
mod log;
mod log_keys;
mod maintenance;
mod migrations;
mod open;
mod outcome_room;
mod people;
mod queue;
mod readers;
mod records;
mod retention;
mod room;
mod rows;
mod secrets;
mod sends;
mod settle;
mod sheets;
mod states;
mod statistics;
mod strict;
mod writer;

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use heraldo_domain::account::{ApiKey, Company, KeyHash, Member};
use heraldo_domain::change::{AuditEntry, Change, Committed, IdempotencyKey, IdempotentAnswer};
use heraldo_domain::delivery::{Claim, Claimed, Epoch, Settlement, Waiting};
use heraldo_domain::explain::WebhookState;
use heraldo_domain::health::Failing;
use heraldo_domain::inspection::Inspection;
use heraldo_domain::job::{Due, Job};
use heraldo_domain::password::{Login, PasswordHash};
use heraldo_domain::photo::Fingerprint;
use heraldo_domain::query::{
    CompanyView, DeliveryFilter, DeliveryRecord, EventFilter, EventRecord, EventStanding,
    InspectionFilter, Page,
};
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::retention::{Forgotten, Slice};
use heraldo_domain::statistics::{Backlog, Measures, Statistic, StatisticsQuery};
use heraldo_domain::store::{Result, SettledGroup, Store, StoreError};
use heraldo_domain::token::Token;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{
    ApiKeyId, AuditEntryId, CompanyId, DeliveryId, EventId, Id, InspectionId, UserId, WebhookId,
};
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use self::apply::Prepared;
use self::cache::{Cache, Found};
use self::checkpoint::Copier;
use self::command::Command;
use self::durable::Syncer;
use self::fault::Done;
use self::group::{Reply, Surroundings};
use self::listed::{Listed, Told};
use self::queue::Queue;
use self::readers::Readers;
use self::room::Room;
use self::statistics::Live;
use self::writer::{GroupLimits, Shared, Writer};

pub use self::config::{SqliteConfig, SqliteLimits};
pub use self::maintenance::{BackupError, Migrated, back_up, migrate};
pub use self::open::{DATABASE_FILE, LOCK_FILE, MasterKeySource, OpenError};

/// The embedded engine. Dropping it without [`Store::close`] loses nothing that was answered.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    readers: Readers,
    held: Arc<sheets::Held>,
    told: Told,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held for as long as a server runs.
    lock: Mutex<Option<File>>,
    /// Closing it ends the locks that this process holds on the database, so it outlives all connections.
    _database: Option<Arc<File>>,
    /// Set by the writer's thread when it has ended.
    ended: tokio::sync::watch::Receiver<bool>,
}

impl SqliteStore {
    /// Opens the data folder, making what is missing.
    ///
    /// # Errors
    /// See [`OpenError`]; each says what to change, and nothing is damaged.
    pub fn open(config: SqliteConfig) -> std::result::Result<Self, OpenError> {
        let SqliteConfig {
            data_dir,
            master_key,
            hand_over,
            clock,
            entropy,
            exclusive,
            limits,
        } = config;
        let pages_max = limits.database_pages_max;
        let opened = open::open(&data_dir, &master_key, &*entropy, exclusive, pages_max)?;
        let place = opened.place;
        // A command copies little, and is not to end the locks of a server beside it in one process.
        let copier = exclusive.then(|| {
            let database = place.database().map_err(|error| place.failed(&error))?;
            let copier = Copier::new(&place, Arc::new(database));
            copier.map_err(|error| place.explain(error))
        });
        let copier = copier.transpose()?;
        let database = copier.as_ref().map(Copier::database);
        let shared = Arc::new(Shared {
            commands: Queue::new(limits.queue_changes_max, limits.queue_bytes_max),
            cache: Cache::new(limits.cache_entries_max),
            live: Live::default(),
            room: Room::default(),
            around: Surroundings {
                hand_over,
                clock,
                entropy,
                master_key: opened.master_key,
            },
            disk: Arc::new(opened.disk),
            copier: Mutex::new(copier),
            finish_checkpoint: AtomicBool::new(false),
            lists_are_due: AtomicBool::new(false),
        });
        let (readers, mut threads) =
            Readers::start(&place, &shared.disk, limits.readers, limits.queue_reads_max)?;
        let (has_ended, ended) = tokio::sync::watch::channel(false);
        let started = (|| {
            let (checkpointer, grown) = mpsc::sync_channel(1);
            if exclusive {
                let beside = Arc::clone(&shared);
                threads.push(spawn(&place, "store-checkpoint", move || {
                    checkpoint::run(&grown, &beside)
                })?);
            }
            let limits = GroupLimits {
                commands_max: limits.group_commands_max,
                bytes_max: limits.group_bytes_max,
                disk_free_bytes_min: limits.disk_free_bytes_min,
                lists_may_wait: exclusive,
            };
            let (syncer, sync) = Syncer::new(Arc::clone(&shared));
            threads.push(spawn(&place, "store-syncer", sync)?);
            let writer = Writer::new(
                Arc::clone(&shared),
                place.clone(),
                limits,
                checkpointer,
                syncer,
            );
            threads.push(spawn(&place, "store-writer", move || {
                writer.run(opened.writer);
                has_ended.send_replace(true);
            })?);
            Ok(())
        })();
        // If a thread did not start, dropping this ends the others.
        let store = Self {
            shared,
            readers,
            held: Arc::default(),
            told: Told::default(),
            threads: Mutex::new(threads),
            lock: Mutex::new(opened.lock),
            _database: database,
            ended,
        };
        started.map(|()| store)
    }

    /// A key for another purpose, derived from the master key.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> zeroize::Zeroizing<[u8; 32]> {
        self.shared.around.master_key.derive(purpose)
    }

    /// What SQLite finds wrong with the database; empty when it is sound. Reads the whole of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn damage(&self) -> Result<Vec<String>> {
        self.readers.read(load::damage).await
    }

    /// Limits the database to so many pages of 4 KiB from now on; tests fill the disk with it.
    #[doc(hidden)]
    pub async fn limit_pages(&self, pages: u32) -> Result<()> {
        self.write(|reply| Command::LimitPages(pages, reply)).await
    }

    /// Has the disk refuse so many next syncs; tests break it with this.
    #[doc(hidden)]
    pub fn refuse_syncs(&self, count: u32) {
        self.shared.disk.refuse_syncs(count);
    }

    /// Queues a command at once and waits until its group is durable. Going away changes nothing.
    async fn write<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let command = command(Reply::new(caller));
        let (bytes, bounded) = (command.bytes(), command.is_bounded_by_sender());
        self.shared.commands.push(command, bytes, bounded)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads a list; its damaged rows, one `what` each, are left out and named in the log.
    async fn list<T: Send + 'static>(
        &self,
        what: &'static str,
        read: impl FnOnce(&Connection) -> Done<Listed<T>> + Send + 'static,
    ) -> Result<Vec<T>> {
        let listed = self.readers.read(read).await?;
        Ok(self.told.tell(what, listed))
    }

    /// Lets nothing more in; the threads end when they have done what is in.
    fn shut(&self) {
        self.shared.commands.close();
        self.readers.close();
    }

    fn join(&self) {
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // The last owner may be one of the threads themselves, through the hand-over: they end after it.
        let own = std::thread::current().id();
        if threads.iter().all(|thread| thread.thread().id() != own) {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the store broke an invariant");
                }
            }
        }
        drop(
            self.lock
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shut();
        self.join();
    }
}

fn spawn(
    place: &open::Place,
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> std::result::Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| place.failed(&error))
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, change: Change) -> Result<Committed> {
        if self.shared.room.is_low() && change.brings_data() {
            return Err(StoreError::Full);
        }
        let prepared = Box::new(Prepared::new(change)?);
        self.write(|reply| Command::Commit(prepared, reply)).await
    }

    async fn open_epoch(&self) -> Result<Epoch> {
        self.write(Command::OpenEpoch).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed> {
        self.write(|reply| Command::Claim(claim, reply)).await
    }

    async fn mark_started(
        &self,
        lease: Epoch,
        deliveries: Vec<DeliveryId>,
    ) -> Result<Vec<DeliveryId>> {
        self.write(|reply| Command::MarkStarted(lease, deliveries, reply))
            .await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<SettledGroup> {
        self.write(|reply| Command::Settle(settlements, reply))
            .await
    }

    async fn release(&self, lease: Epoch, deliveries: Vec<DeliveryId>) -> Result<()> {
        self.write(|reply| Command::Release(lease, deliveries, reply))
            .await
    }

    async fn cancel_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32> {
        self.write(|reply| Command::CancelWaiting(webhook, limit, reply))
            .await
    }

    async fn bring_forward(&self, webhook: WebhookId, now: Timestamp, limit: u32) -> Result<u32> {
        self.write(|reply| Command::BringForward(webhook, now, limit, reply))
            .await
    }

    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u32> {
        self.write(|reply| Command::ForgetExpired(now, limit, reply))
            .await
    }

    async fn forget_events(&self, slice: Slice) -> Result<Forgotten> {
        self.write(|reply| Command::ForgetEvents(slice, reply))
            .await
    }

    async fn forget_audit(&self, before: Timestamp, limit: u32) -> Result<u32> {
        self.write(|reply| Command::ForgetAudit(before, limit, reply))
            .await
    }

    async fn waiting(&self) -> Result<Vec<Waiting>> {
        self.readers.read(load::waiting).await
    }

    async fn failing(&self, webhooks: Vec<WebhookId>) -> Result<Vec<(WebhookId, Failing)>> {
        self.readers
            .read(move |db| failing::read_all(db, &webhooks))
            .await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>> {
        let generation = match self.shared.cache.webhook(id) {
            Found::Kept(webhook) => return Ok(Some(webhook)),
            Found::Missing { generation } => generation,
        };
        let key = self.shared.around.master_key.clone();
        let webhook = self
            .readers
            .read(move |db| load::webhook(db, id, &key))
            .await?
            .map(Arc::new);
        if let Some(webhook) = &webhook {
            self.shared.cache.keep_webhook(webhook, generation);
        }
        Ok(webhook)
    }

    async fn webhook_states(
        &self,
        webhooks: Vec<WebhookId>,
        at: Timestamp,
    ) -> Result<Vec<WebhookState>> {
        self.readers
            .read(move |db| states::around(db, &webhooks, at))
            .await
    }

    async fn api_key(&self, hash: KeyHash) -> Result<Option<Arc<ApiKey>>> {
        let generation = match self.shared.cache.api_key(&hash) {
            Found::Kept(key) => return Ok(Some(key)),
            Found::Missing { generation } => generation,
        };
        let key = self
            .readers
            .read(move |db| people::api_key(db, &hash))
            .await?
            .map(Arc::new);
        if let Some(key) = &key {
            self.shared.cache.keep_api_key(key, generation);
        }
        Ok(key)
    }

    async fn api_keys(&self, company: CompanyId, page: Page<ApiKeyId>) -> Result<Vec<ApiKey>> {
        self.list("API key", move |db| people::api_keys(db, company, page))
            .await
    }

    async fn company(&self, id: CompanyId) -> Result<Option<Arc<CompanyView>>> {
        let generation = match self.shared.cache.company(id) {
            Found::Kept(view) => return Ok(Some(view)),
            Found::Missing { generation } => generation,
        };
        let key = self.shared.around.master_key.clone();
        let view = self
            .readers
            .read(move |db| load::company(db, id, &key))
            .await?
            .map(Arc::new);
        if let Some(view) = &view {
            self.shared.cache.keep_company(view, generation);
        }
        Ok(view)
    }

    async fn has_companies(&self) -> Result<bool> {
        self.readers.read(load::has_companies).await
    }

    async fn companies(&self, page: Page<CompanyId>) -> Result<Vec<Company>> {
        self.list("company", move |db| load::companies(db, page))
            .await
    }

    async fn api_key_company(&self, id: ApiKeyId) -> Result<Option<CompanyId>> {
        self.readers
            .read(move |db| load::api_key_company(db, id))
            .await
    }

    async fn token(&self, hash: KeyHash, now: Timestamp) -> Result<Option<Token>> {
        self.readers
            .read(move |db| records::token(db, hash, now))
            .await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<(Member, Company)>> {
        self.readers
            .read(move |db| records::memberships(db, user))
            .await
    }

    async fn logins(&self, email: &str, limit: u32) -> Result<Vec<Login>> {
        let email = email.to_owned();
        self.readers
            .read(move |db| people::logins(db, &email, limit))
            .await
    }

    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>> {
        self.readers
            .read(move |db| people::password(db, user))
            .await
    }

    async fn record(&self, kind: RecordKind, id: Id) -> Result<Option<Record>> {
        self.readers
            .read(move |db| records::record(db, kind, id))
            .await
    }

    async fn records(
        &self,
        kind: RecordKind,
        company: CompanyId,
        subject: Option<Id>,
        page: Page<Id>,
    ) -> Result<Vec<Record>> {
        self.list("record", move |db| {
            records::records(db, kind, company, subject, page)
        })
        .await
    }

    async fn jobs(&self, after: Option<Due>, limit: u32) -> Result<Vec<Job>> {
        self.list("job", move |db| records::jobs(db, after, limit))
            .await
    }

    async fn similar_photos(
        &self,
        company: CompanyId,
        bits: u64,
        limit: u32,
    ) -> Result<Vec<Fingerprint>> {
        self.readers
            .read(move |db| records::similar_photos(db, company, bits, limit))
            .await
    }

    async fn answer(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<IdempotentAnswer>> {
        let key = key.clone();
        self.readers
            .read(move |db| load::answer(db, &key, now))
            .await
    }

    async fn inspection(&self, id: InspectionId) -> Result<Option<Inspection>> {
        self.readers.read(move |db| load::inspection(db, id)).await
    }

    async fn inspection_with(&self, part: Id) -> Result<Option<Inspection>> {
        self.readers
            .read(move |db| load::inspection_with(db, part))
            .await
    }

    async fn inspections(
        &self,
        company: CompanyId,
        filter: InspectionFilter,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<Inspection>, u64)> {
        if self.shared.lists_are_due.load(Ordering::Acquire)
            && let Err(error) = self.write(Command::WriteLists).await
        {
            // What is stored can be listed all the same.
            tracing::warn!(%error, "the latest inspections could not be written into their lists");
        }
        let held = Arc::clone(&self.held);
        let (listed, total) = self
            .readers
            .read(move |db| load::inspections(db, &held, company, &filter, offset, limit))
            .await?;
        Ok((self.told.tell("inspection", listed), total))
    }

    async fn lapsed(&self, now: Timestamp, limit: u32) -> Result<Vec<Inspection>> {
        self.list("inspection", move |db| load::lapsed(db, now, limit))
            .await
    }

    async fn event(&self, company: CompanyId, id: EventId) -> Result<Option<EventRecord>> {
        self.readers
            .read(move |db| lists::event(db, company, id))
            .await
    }

    async fn events(
        &self,
        company: CompanyId,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Result<Vec<EventRecord>> {
        self.list("event", move |db| lists::events(db, company, &filter, page))
            .await
    }

    async fn standings(
        &self,
        company: CompanyId,
        webhook: WebhookId,
        made: (Timestamp, Timestamp),
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<EventStanding>> {
        self.list("event", move |db| {
            lists::standings(db, company, webhook, made, after, limit)
        })
        .await
    }

    async fn delivery(&self, company: CompanyId, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
        self.readers
            .read(move |db| lists::delivery(db, company, id))
            .await
    }

    async fn deliveries(
        &self,
        company: CompanyId,
        filter: DeliveryFilter,
        page: Page<DeliveryId>,
    ) -> Result<Vec<DeliveryRecord>> {
        self.list("delivery", move |db| {
            lists::deliveries(db, company, &filter, page)
        })
        .await
    }

    async fn audit(&self, company: CompanyId, page: Page<AuditEntryId>) -> Result<Vec<AuditEntry>> {
        self.list("audit entry", move |db| load::audit(db, company, page))
            .await
    }

    async fn statistics(
        &self,
        company: CompanyId,
        query: StatisticsQuery,
    ) -> Result<Vec<Statistic>> {
        if let Err(error) = self.write(Command::WriteFigures).await {
            // What is stored can be read all the same.
            tracing::debug!(%error, "the latest figures could not be written");
        }
        self.readers
            .read(move |db| statistics::read(db, company, &query))
            .await
    }

    async fn backlog(&self, company: CompanyId) -> Result<Vec<Backlog>> {
        let Some(view) = self.company(company).await? else {
            return Ok(Vec::new());
        };
        let webhooks = view.webhooks.iter().map(|webhook| webhook.id);
        let pending = self.shared.live.pending_of(webhooks);
        self.readers
            .read(move |db| statistics::backlog(db, &pending))
            .await
    }

    fn measures(&self) -> Measures {
        let waiting = self.shared.commands.waiting();
        Measures {
            totals: self.shared.live.totals(),
            pending: self.shared.live.pending(),
            queued_writes: waiting.items,
            queued_bytes: waiting.bytes,
            queue_is_full: waiting.is_full,
            disk_is_nearly_full: self.shared.room.is_low(),
        }
    }

    async fn check(&self) -> Result<()> {
        self.write(Command::Check).await?;
        if self.shared.room.is_low() {
            return Err(StoreError::Full);
        }
        self.readers.read(load::has_companies).await.map(drop)
    }

    async fn close(&self) -> Result<()> {
        self.shut();
        let mut ended = self.ended.clone();
        // An error means that the writer's thread is gone, which is what is waited for.
        drop(ended.wait_for(|ended| *ended).await);
        // The others end at once when their queues are closed and the writer is gone.
        self.join();
        Ok(())
    }
}
