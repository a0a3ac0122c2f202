//! The engine in memory: the same contract, one lock, nothing left to chance. Tests and the simulation
//! run on it; its futures are ready at once.

mod apply;
mod dispatch;
mod people;
mod records;
mod retention;
mod state;
mod statistics;
mod strict;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use heraldo_domain::ports::{Clock, HandOver};
use heraldo_domain::query::{
    CompanyView, DeliveryFilter, DeliveryRecord, EventFilter, EventRecord, EventStanding,
    InspectionFilter, Page,
};
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::retention::{Forgotten, Slice};
use heraldo_domain::statistics::{Backlog, Counted, Figures, Measures, Statistic, StatisticsQuery};
use heraldo_domain::store::{Result, SettledGroup, Store, StoreError};
use heraldo_domain::token::Token;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{
    ApiKeyId, AuditEntryId, CompanyId, DeliveryId, EventId, Id, InspectionId, UserId, WebhookId,
};
use heraldo_wire::time::Timestamp;

use self::apply::Step;
use self::state::{State, answer_key};
use crate::filter;

/// The engine in memory.
#[derive(Debug)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    hand_over: Arc<dyn HandOver>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// Of this process; `None` until it opens one.
    epoch: Option<Epoch>,
    /// Since it was opened.
    totals: Figures,
    /// The next writes fail with these, in turn.
    faults: VecDeque<StoreError>,
    /// The next change is applied, and its caller told that it failed.
    doubts_next: bool,
    closed: bool,
}

impl MemoryStore {
    #[must_use]
    pub fn new(hand_over: Arc<dyn HandOver>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Mutex::default(),
            hand_over,
            clock,
        }
    }

    /// What a crash and a new start leave: a store with everything that was committed. This one is
    /// closed.
    #[must_use]
    pub fn reopen(&self, hand_over: Arc<dyn HandOver>) -> Self {
        let mut inner = self.lock();
        inner.closed = true;
        let inner = Inner {
            state: inner.state.clone(),
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
            hand_over,
            clock: Arc::clone(&self.clock),
        }
    }

    /// Lets the next `writes` writes fail with `error` after they were decided, as a full disk would.
    pub fn fail_next(&self, writes: usize, error: &StoreError) {
        self.lock()
            .faults
            .extend(std::iter::repeat_n(error.clone(), writes));
    }

    /// Lets the next change be applied and its caller be told that it failed, as when the disk refuses a sync.
    /// `false`: it is to fail anyway.
    pub fn doubt_next(&self) -> bool {
        let mut inner = self.lock();
        inner.doubts_next = inner.faults.is_empty();
        inner.doubts_next
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whole or not at all. The lock is held while deliveries are handed over: their order is the
    /// order of the commits.
    fn write<T>(&self, write: impl FnOnce(&mut Step<'_>) -> Result<T>) -> Result<T> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.closed {
            return Err(StoreError::Closed);
        }
        let before = inner.state.epoch;
        let mut step = Step {
            state: &mut inner.state,
            hand_over: &*self.hand_over,
            epoch: inner.epoch,
            now: self.clock.now(),
            leased: Vec::new(),
            changed_webhooks: Vec::new(),
            notes: Vec::new(),
        };
        let result = write(&mut step);
        let Step {
            epoch,
            leased,
            changed_webhooks,
            notes,
            ..
        } = step;
        let result = inner.faults.pop_front().map_or(result, Err);
        if result.is_err() {
            inner.state.take_back();
            inner.state.epoch = before;
            for leased in leased {
                self.hand_over.release(leased.webhook_id, leased.body.len());
            }
            return result;
        }
        inner.state.count(&notes);
        inner.state.keep();
        let counted = notes.iter().map(|note| note.counted);
        // Their events were counted already.
        for counted in counted.filter(|counted| *counted != Counted::Delivery) {
            inner.totals.count(&counted);
        }
        inner.epoch = epoch;
        for webhook in changed_webhooks {
            self.hand_over.webhook_changed(Some(webhook));
        }
        if !leased.is_empty() {
            self.hand_over.hand_over(leased);
        }
        drop(guard);
        result
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T> {
        let inner = self.lock();
        if inner.closed {
            Err(StoreError::Closed)
        } else {
            Ok(read(&inner.state))
        }
    }
}

/// The newest rows before the cursor, up to the page's limit.
fn page<'a, C: Ord + Copy + 'a, V: 'a>(
    newest_first: impl Iterator<Item = (&'a C, V)>,
    page: Page<C>,
) -> impl Iterator<Item = V> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    newest_first
        .filter(move |(id, _)| page.before.is_none_or(|before| **id < before))
        .map(|(_, row)| row)
        .take(limit)
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, change: Change) -> Result<Committed> {
        let doubts = std::mem::take(&mut self.lock().doubts_next);
        let committed = self.write(|step| step.change(change))?;
        if doubts {
            return Err(StoreError::Failed("a simulated doubt".to_owned()));
        }
        Ok(committed)
    }

    async fn open_epoch(&self) -> Result<Epoch> {
        self.write(|step| Ok(step.open_epoch()))
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed> {
        self.write(|step| Ok(step.claim(&claim)))
    }

    async fn mark_started(
        &self,
        lease: Epoch,
        deliveries: Vec<DeliveryId>,
    ) -> Result<Vec<DeliveryId>> {
        self.write(|step| Ok(step.mark_started(lease, &deliveries)))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<SettledGroup> {
        self.write(|step| Ok(step.settle(settlements)))
    }

    async fn release(&self, lease: Epoch, deliveries: Vec<DeliveryId>) -> Result<()> {
        self.write(|step| {
            step.release(lease, &deliveries);
            Ok(())
        })
    }

    async fn cancel_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32> {
        self.write(|step| Ok(step.cancel_waiting(webhook, limit)))
    }

    async fn bring_forward(&self, webhook: WebhookId, now: Timestamp, limit: u32) -> Result<u32> {
        self.write(|step| Ok(step.bring_forward(webhook, now, limit)))
    }

    async fn forget_expired(&self, now: Timestamp, limit: u32) -> Result<u32> {
        self.write(|step| Ok(step.forget_expired(now, limit)))
    }

    async fn forget_events(&self, slice: Slice) -> Result<Forgotten> {
        self.write(|step| Ok(step.forget_events(&slice)))
    }

    async fn forget_audit(&self, before: Timestamp, limit: u32) -> Result<u32> {
        self.write(|step| Ok(step.forget_audit(before, limit)))
    }

    async fn waiting(&self) -> Result<Vec<Waiting>> {
        self.read(|state| {
            let firsts = state.first_waiting().into_iter();
            firsts
                .map(|(webhook_id, next_due_at)| Waiting {
                    webhook_id,
                    next_due_at,
                })
                .collect()
        })
    }

    async fn failing(&self, webhooks: Vec<WebhookId>) -> Result<Vec<(WebhookId, Failing)>> {
        self.read(|state| {
            let runs = webhooks.iter();
            runs.filter_map(|id| Some((*id, *state.failing.get(id)?)))
                .collect()
        })
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>> {
        self.read(|state| state.webhooks.get(&id).cloned())
    }

    async fn webhook_states(
        &self,
        webhooks: Vec<WebhookId>,
        at: Timestamp,
    ) -> Result<Vec<WebhookState>> {
        self.read(|state| {
            let of_each = webhooks.iter();
            of_each
                .flat_map(|webhook| state.states_around(*webhook, at))
                .collect()
        })
    }

    async fn api_key(&self, hash: KeyHash) -> Result<Option<Arc<ApiKey>>> {
        self.read(|state| {
            state
                .api_keys
                .rows()
                .values()
                .find(|key| key.hash == hash)
                .cloned()
                .map(Arc::new)
        })
    }

    async fn api_keys(&self, company: CompanyId, asked: Page<ApiKeyId>) -> Result<Vec<ApiKey>> {
        self.read(|state| {
            let rows = state.api_keys.rows().iter().rev();
            page(rows.filter(|(_, key)| key.company_id == company), asked)
                .cloned()
                .collect()
        })
    }

    async fn company(&self, id: CompanyId) -> Result<Option<Arc<CompanyView>>> {
        self.read(|state| {
            let company = state.companies.get(&id)?.clone();
            let members = state
                .members
                .rows()
                .values()
                .filter(|member| member.company_id == id);
            let webhooks = state
                .webhooks
                .rows()
                .values()
                .filter(|webhook| webhook.company_id == id);
            let (members, webhooks) = (members.cloned().collect(), webhooks.cloned().collect());
            Some(Arc::new(CompanyView {
                company,
                members,
                webhooks,
            }))
        })
    }

    async fn has_companies(&self) -> Result<bool> {
        self.read(|state| !state.companies.rows().is_empty())
    }

    async fn companies(&self, asked: Page<CompanyId>) -> Result<Vec<Company>> {
        self.read(|state| {
            page(state.companies.rows().iter().rev(), asked)
                .cloned()
                .collect()
        })
    }

    async fn api_key_company(&self, id: ApiKeyId) -> Result<Option<CompanyId>> {
        self.read(|state| state.api_keys.get(&id).map(|key| key.company_id))
    }

    async fn token(&self, hash: KeyHash, now: Timestamp) -> Result<Option<Token>> {
        self.read(|state| state.token(hash, now).cloned())
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<(Member, Company)>> {
        self.read(|state| state.memberships(user))
    }

    async fn logins(&self, email: &str, limit: u32) -> Result<Vec<Login>> {
        self.read(|state| state.logins(email, limit))
    }

    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>> {
        self.read(|state| state.passwords.get(&user).cloned())
    }

    async fn record(&self, kind: RecordKind, id: Id) -> Result<Option<Record>> {
        self.read(|state| state.records.get(&(kind, id)).cloned())
    }

    async fn records(
        &self,
        kind: RecordKind,
        company: CompanyId,
        subject: Option<Id>,
        asked: Page<Id>,
    ) -> Result<Vec<Record>> {
        self.read(|state| {
            page(state.records(kind, company, subject), asked)
                .cloned()
                .collect()
        })
    }

    async fn jobs(&self, after: Option<Due>, limit: u32) -> Result<Vec<Job>> {
        self.read(|state| state.jobs(after, limit))
    }

    async fn similar_photos(
        &self,
        company: CompanyId,
        bits: u64,
        limit: u32,
    ) -> Result<Vec<Fingerprint>> {
        self.read(|state| state.similar_photos(company, bits, limit))
    }

    async fn answer(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<IdempotentAnswer>> {
        let key = answer_key(key);
        self.read(|state| {
            state
                .answers
                .get(&key)
                .filter(|answer| answer.expires_at > now)
                .cloned()
        })
    }

    async fn inspection(&self, id: InspectionId) -> Result<Option<Inspection>> {
        self.read(|state| state.inspections.get(&id).cloned())
    }

    async fn inspection_with(&self, part: Id) -> Result<Option<Inspection>> {
        let of_key = |tail| InspectionId(Id::from_parts(part.key(), tail));
        self.read(|state| {
            let mut found = state.inspections.rows().range(of_key(0)..=of_key(u32::MAX));
            found.next().map(|(_, inspection)| inspection.clone())
        })
    }

    async fn inspections(
        &self,
        company: CompanyId,
        asked: InspectionFilter,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<Inspection>, u64)> {
        self.read(|state| {
            let rows = state.inspections.rows().values().rev();
            let of_company = rows.filter(|inspection| inspection.company_id == company);
            let all: Vec<&Inspection> = of_company
                .filter(|inspection| filter::keeps_inspection(&asked, inspection))
                .collect();
            let skip = usize::try_from(offset).unwrap_or(usize::MAX);
            let take = usize::try_from(limit).unwrap_or(usize::MAX);
            let found = all
                .iter()
                .skip(skip)
                .take(take)
                .map(|inspection| (*inspection).clone())
                .collect();
            (found, u64::try_from(all.len()).unwrap_or(u64::MAX))
        })
    }

    async fn lapsed(&self, now: Timestamp, limit: u32) -> Result<Vec<Inspection>> {
        self.read(|state| {
            let rows = state.inspections.rows().values();
            let mut over: Vec<&Inspection> = rows
                .filter(|inspection| inspection.has_lapsed(now))
                .collect();
            over.sort_by_key(|inspection| (inspection.expires_at, inspection.id));
            over.into_iter()
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .cloned()
                .collect()
        })
    }

    async fn event(&self, company: CompanyId, id: EventId) -> Result<Option<EventRecord>> {
        self.read(|state| {
            state
                .events
                .get(&id)
                .filter(|event| event.company_id == company)
                .cloned()
        })
    }

    async fn events(
        &self,
        company: CompanyId,
        asked: EventFilter,
        cursor: Page<EventId>,
    ) -> Result<Vec<EventRecord>> {
        self.read(|state| {
            let rows = state.events.rows().iter().rev();
            let matching = rows.filter(|(_, event)| {
                event.company_id == company && filter::keeps_event(&asked, event)
            });
            page(matching, cursor).cloned().collect()
        })
    }

    async fn standings(
        &self,
        company: CompanyId,
        webhook: WebhookId,
        made: (Timestamp, Timestamp),
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<EventStanding>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|state| state.standings(company, webhook, made, after, limit))
    }

    async fn delivery(&self, company: CompanyId, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
        self.read(|state| {
            state
                .record(id, true)
                .filter(|record| record.company_id == company)
        })
    }

    async fn deliveries(
        &self,
        company: CompanyId,
        asked: DeliveryFilter,
        cursor: Page<DeliveryId>,
    ) -> Result<Vec<DeliveryRecord>> {
        self.read(|state| {
            let rows = state.deliveries().iter().rev();
            let matching = rows
                .filter(|(_, row)| row.company_id == company)
                .filter_map(|(id, _)| state.record(*id, false).map(|record| (id, record)))
                .filter(|(_, record)| asked.keeps(record));
            page(matching, cursor).collect()
        })
    }

    async fn audit(
        &self,
        company: CompanyId,
        asked: Page<AuditEntryId>,
    ) -> Result<Vec<AuditEntry>> {
        self.read(|state| {
            let rows = state.audit.rows().iter().rev();
            page(rows.filter(|(_, entry)| entry.company_id == company), asked)
                .cloned()
                .collect()
        })
    }

    async fn statistics(
        &self,
        company: CompanyId,
        query: StatisticsQuery,
    ) -> Result<Vec<Statistic>> {
        self.read(|state| state.statistics(company, &query))
    }

    async fn backlog(&self, company: CompanyId) -> Result<Vec<Backlog>> {
        self.read(|state| state.backlog(company))
    }

    fn measures(&self) -> Measures {
        let inner = self.lock();
        Measures {
            totals: inner.totals.clone(),
            pending: inner.state.pending().into_iter().collect(),
            queued_writes: 0,
            queued_bytes: 0,
            queue_is_full: false,
            disk_is_nearly_full: false,
        }
    }

    async fn check(&self) -> Result<()> {
        self.write(|_| Ok(()))
    }

    async fn close(&self) -> Result<()> {
        self.lock().closed = true;
        Ok(())
    }
}
