//! The store as the dispatcher sees it here: the engine, each call of which begins and ends with an await at which
//! others may go first, and the server may end; and the ears of the model.
//!
//! What a call does happens between the two, at once. So a crash comes before it, or after it and before anybody
//! has learned of it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use heraldo_delivery::dispatcher::Task;
use heraldo_delivery::lanes::LaneSettings;
use heraldo_domain::account::{ApiKey, Company, KeyHash, Member};
use heraldo_domain::change::{AuditEntry, Change, Committed, IdempotencyKey, IdempotentAnswer};
use heraldo_domain::delivery::{Claim, Claimed, Epoch, Leased, Settlement, Waiting};
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
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::id::{
    ApiKeyId, AuditEntryId, CompanyId, DeliveryId, EventId, Id, InspectionId, UserId, WebhookId,
};
use heraldo_wire::time::Timestamp;

use crate::ears::{commit_of_client, note_claim, note_disabled, note_settled};
use crate::engine::Engine;
use crate::executor::{Handle, Kind, TaskId};
use crate::oracle::Look;
use crate::port::Port;
use crate::scene::{Scene, State};
use crate::world::{Check, wait_for};

/// The way to the engine, as long as its server lives.
#[derive(Debug, Clone, Default)]
pub struct Access(Arc<Mutex<Option<Arc<Engine>>>>);

impl Access {
    pub fn open(&self, engine: Arc<Engine>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    }

    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    #[must_use]
    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(Debug)]
pub struct SimStore {
    pub access: Access,
    pub scene: Scene,
    pub tasks: Handle,
    /// Gone with its server.
    pub port: Weak<Port>,
}

impl SimStore {
    fn engine(&self) -> Result<Arc<Engine>> {
        self.access.engine().ok_or(StoreError::Closed)
    }

    /// Does something with the engine and tells the model, at once.
    fn act<T>(&self, act: impl FnOnce(&Engine, &mut State) -> Check<Result<T>>) -> Result<T> {
        let engine = self.engine()?;
        let mut state = self.scene.lock();
        let acted = act(&engine, &mut state);
        state.note(acted).unwrap_or(Err(StoreError::Closed))
    }

    /// A write of the dispatcher: it fails when the dice say so, and when another server has taken over.
    fn write<T>(&self, act: impl FnOnce(&Engine, &mut State) -> Check<Result<T>>) -> Result<T> {
        self.act(|engine, state| {
            if state.oracle.is_robbed() {
                return Ok(Err(failed("another server has taken over")));
            }
            engine.maybe_fail(&mut state.world)?;
            act(engine, state)
        })
    }

    /// A read of the dispatcher: it fails when the dice say so.
    fn read<T>(&self, act: impl FnOnce(&Engine, &mut State) -> Check<Result<T>>) -> Result<T> {
        self.act(|engine, state| {
            if state.world.dice.chance(state.world.faults.read) {
                return Ok(Err(failed("a simulated fault")));
            }
            act(engine, state)
        })
    }

    /// Whoever hears the answer to a write has heard what was handed over before.
    fn hear_all(&self) {
        if let Some(port) = self.port.upgrade() {
            port.hear_all(&self.scene);
        }
    }

    fn let_go(&self, leased: &[Leased]) {
        if let Some(port) = self.port.upgrade() {
            port.let_go(leased);
        }
    }

    /// The task that asks, if it is one that sends.
    fn worker(&self) -> Option<TaskId> {
        match self.tasks.current()? {
            (id, Kind::Of(Task::Work(_))) => Some(id),
            _ => None,
        }
    }
}

fn failed(why: &str) -> StoreError {
    StoreError::Failed(why.to_owned())
}

/// The whole contract: what the model listens to, and what it does not.
macro_rules! store {
    (
        { $($heard:tt)* }
        $(async fn $name:ident(&self $(, $argument:ident: $kind:ty)*) -> $answer:ty;)*
    ) => {
        #[async_trait]
        impl Store for SimStore {
            $($heard)*

            $(
                async fn $name(&self $(, $argument: $kind)*) -> Result<$answer> {
                    self.tasks.step().await;
                    let answer = self.read(|engine, _| wait_for(engine.$name($($argument),*)));
                    self.tasks.step().await;
                    answer
                }
            )*
        }
    };
}

store! {
    {
        async fn commit(&self, change: Change) -> Result<Committed> {
            self.tasks.step().await;
            let (task, kind) = self.tasks.current().unwrap_or((0, Kind::Start));
            let answer = self.write(|engine, state| {
                if kind == Kind::Call {
                    return commit_of_client(task, change, engine, state);
                }
                let answer = wait_for(engine.commit(change.clone()))?;
                if answer.is_ok() {
                    if kind == Kind::Job {
                        let reads = state.watch.reads_of(task);
                        let world = &mut state.world;
                        state.oracle.job_stored(task, &change, reads, world)?;
                        state.watch.has_written(task);
                    }
                    note_disabled(task, &change, state)?;
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            answer
        }

        async fn company(&self, id: CompanyId) -> Result<Option<Arc<CompanyView>>> {
            self.tasks.step().await;
            let task = self.tasks.current_id();
            let answer = self.read(|engine, state| {
                state.watch.reads(task, state.world.turn);
                wait_for(engine.company(id))
            });
            self.tasks.step().await;
            answer
        }

        async fn standings(
            &self,
            company: CompanyId,
            webhook: WebhookId,
            made: (Timestamp, Timestamp),
            after: Option<EventId>,
            limit: u32,
        ) -> Result<Vec<EventStanding>> {
            self.tasks.step().await;
            let task = self.tasks.current_id();
            let answer = self.read(|engine, state| {
                let answer = wait_for(engine.standings(company, webhook, made, after, limit))?;
                if let Ok(found) = &answer {
                    let look = Look { company, webhook, made, after, limit };
                    state.oracle.stood(task, look, found, &mut state.world)?;
                }
                Ok(answer)
            });
            self.tasks.step().await;
            answer
        }

        async fn open_epoch(&self) -> Result<Epoch> {
            self.tasks.step().await;
            let answer = self.write(|engine, state| {
                let answer = wait_for(engine.open_epoch())?;
                if let Ok(lease) = &answer {
                    state.world.note(format_args!("start: epoch {}", lease.0));
                }
                Ok(answer)
            });
            self.tasks.step().await;
            answer
        }

        async fn claim(&self, claim: Claim) -> Result<Claimed> {
            self.tasks.step().await;
            let answer = self.write(|engine, state| {
                let answer = wait_for(engine.claim(claim))?;
                note_claim(&claim, &answer, state);
                if let Ok(claimed) = &answer {
                    state.watch.handed(&claimed.leased)?;
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            if let (Ok(claimed), Some(port)) = (&answer, self.port.upgrade()) {
                port.claimed(&claimed.leased);
            }
            answer
        }

        async fn mark_started(
            &self,
            lease: Epoch,
            deliveries: Vec<DeliveryId>,
        ) -> Result<Vec<DeliveryId>> {
            self.tasks.step().await;
            let answer = self.act(|engine, state| {
                engine.maybe_fail(&mut state.world)?;
                let answer = wait_for(engine.mark_started(lease, deliveries))?;
                for id in answer.iter().flatten() {
                    if let Some(leased) = state.watch.leased(*id).cloned() {
                        state.oracle.recorded(&leased, &mut state.world)?;
                    }
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            answer
        }

        async fn settle(&self, settlements: Vec<Settlement>) -> Result<SettledGroup> {
            self.scene.lock().watch.unsettled.clone_from(&settlements);
            self.tasks.step().await;
            let mut gone = Vec::new();
            let answer = self.act(|engine, state| {
                engine.maybe_fail(&mut state.world)?;
                let answer = wait_for(engine.settle(settlements.clone()))?;
                if let Ok(group) = &answer {
                    gone = note_settled(&settlements, group, state)?;
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            self.let_go(&gone);
            if answer.is_ok() {
                self.scene.lock().watch.unsettled.clear();
            }
            answer
        }

        async fn release(&self, lease: Epoch, deliveries: Vec<DeliveryId>) -> Result<()> {
            self.tasks.step().await;
            let mut gone = Vec::new();
            let answer = self.act(|engine, state| {
                engine.maybe_fail(&mut state.world)?;
                let answer = wait_for(engine.release(lease, deliveries.clone()))?;
                if answer.is_ok() {
                    for id in &deliveries {
                        let leased = state.watch.let_go(*id)?;
                        state.oracle.released(&leased);
                        gone.push(leased);
                    }
                    state.world.note(format_args!("released: {}", gone.len()));
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            self.let_go(&gone);
            answer
        }

        async fn cancel_waiting(&self, webhook: WebhookId, limit: u32) -> Result<u32> {
            self.tasks.step().await;
            let answer = self.write(|engine, state| {
                let before = state.oracle.pending(webhook, &**engine)?;
                let answer = wait_for(engine.cancel_waiting(webhook, limit))?;
                if let Ok(cancelled) = &answer {
                    state.oracle.cancelled(
                        webhook,
                        *cancelled,
                        &before,
                        &**engine,
                        &mut state.world,
                    )?;
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            answer
        }

        async fn bring_forward(
            &self,
            webhook: WebhookId,
            now: Timestamp,
            limit: u32,
        ) -> Result<u32> {
            self.tasks.step().await;
            let answer = self.write(|engine, state| {
                let answer = wait_for(engine.bring_forward(webhook, now, limit))?;
                if let Ok(brought) = answer.as_ref()
                    && *brought > 0
                {
                    state
                        .oracle
                        .brought_forward(webhook, *brought, now, &mut state.world);
                }
                Ok(answer)
            });
            self.tasks.step().await;
            self.hear_all();
            answer
        }

        async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>> {
            let asks = self.tasks.current();
            let worker = self.worker();
            if let Some(worker) = worker {
                let mut state = self.scene.lock();
                let state = &mut *state;
                let looks = state.watch.looks(worker, id, &mut state.world);
                state.note(looks);
            }
            self.tasks.step().await;
            let mut read_in = 0;
            let answer = self.read(|engine, state| {
                read_in = state.world.turn;
                wait_for(engine.webhook(id))
            });
            self.tasks.step().await;
            if let Ok(webhook) = &answer {
                let now = self.tasks.now();
                let state = &mut *self.scene.lock();
                if let Some(worker) = worker {
                    let enabled = |webhook: &Arc<Webhook>| {
                        webhook.settings.status == WebhookStatus::Enabled
                    };
                    let enabled = webhook.clone().filter(enabled);
                    state.watch.has_looked(worker, enabled, read_in, now);
                }
                if let Some((_, Kind::Of(Task::Manage))) = asks {
                    let defaults = &state.watch.config.defaults;
                    let settings = LaneSettings::of(webhook.as_deref(), defaults);
                    state.watch.configured(id, settings);
                    let name = state.world.webhook(id);
                    state.world.note(format_args!(
                        "lanes: {name} is {:?}, {:?}, {:?} a second",
                        settings.status, settings.ordering, settings.rate_per_second
                    ));
                }
            }
            answer
        }

        fn measures(&self) -> Measures {
            self.engine()
                .map_or_else(|_| Measures::default(), |engine| engine.measures())
        }
    }
    async fn waiting(&self) -> Vec<Waiting>;
    async fn failing(&self, webhooks: Vec<WebhookId>) -> Vec<(WebhookId, Failing)>;
    async fn forget_expired(&self, now: Timestamp, limit: u32) -> u32;
    async fn forget_events(&self, slice: Slice) -> Forgotten;
    async fn forget_audit(&self, before: Timestamp, limit: u32) -> u32;
    async fn webhook_states(&self, webhooks: Vec<WebhookId>, at: Timestamp) -> Vec<WebhookState>;
    async fn api_key(&self, hash: KeyHash) -> Option<Arc<ApiKey>>;
    async fn api_keys(&self, company: CompanyId, page: Page<ApiKeyId>) -> Vec<ApiKey>;
    async fn has_companies(&self) -> bool;
    async fn companies(&self, page: Page<CompanyId>) -> Vec<Company>;
    async fn api_key_company(&self, id: ApiKeyId) -> Option<CompanyId>;
    async fn token(&self, hash: KeyHash, now: Timestamp) -> Option<Token>;
    async fn memberships(&self, user: UserId) -> Vec<(Member, Company)>;
    async fn logins(&self, email: &str, limit: u32) -> Vec<Login>;
    async fn password(&self, user: UserId) -> Option<PasswordHash>;
    async fn record(&self, kind: RecordKind, id: Id) -> Option<Record>;
    async fn records(&self, kind: RecordKind, company: CompanyId, subject: Option<Id>, page: Page<Id>) -> Vec<Record>;
    async fn jobs(&self, after: Option<Due>, limit: u32) -> Vec<Job>;
    async fn similar_photos(&self, company: CompanyId, bits: u64, limit: u32) -> Vec<Fingerprint>;
    async fn answer(&self, key: &IdempotencyKey, now: Timestamp) -> Option<IdempotentAnswer>;
    async fn inspection(&self, id: InspectionId) -> Option<Inspection>;
    async fn inspection_with(&self, part: Id) -> Option<Inspection>;
    async fn inspections(&self, company: CompanyId, filter: InspectionFilter, offset: u64, limit: u32) -> (Vec<Inspection>, u64);
    async fn lapsed(&self, now: Timestamp, limit: u32) -> Vec<Inspection>;
    async fn event(&self, company: CompanyId, id: EventId) -> Option<EventRecord>;
    async fn events(&self, company: CompanyId, filter: EventFilter, page: Page<EventId>) -> Vec<EventRecord>;
    async fn delivery(&self, company: CompanyId, id: DeliveryId) -> Option<DeliveryRecord>;
    async fn deliveries(&self, company: CompanyId, filter: DeliveryFilter, page: Page<DeliveryId>) -> Vec<DeliveryRecord>;
    async fn audit(&self, company: CompanyId, page: Page<AuditEntryId>) -> Vec<AuditEntry>;
    async fn statistics(&self, company: CompanyId, query: StatisticsQuery) -> Vec<Statistic>;
    async fn backlog(&self, company: CompanyId) -> Vec<Backlog>;
    async fn check(&self) -> ();
    async fn close(&self) -> ();
}
