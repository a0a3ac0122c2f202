//! What the memory engine holds: maps whose changes can be taken back until they are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use heraldo_domain::account::{ApiKey, Company, KeyHash, Member};
use heraldo_domain::change::{AuditEntry, IdempotencyKey, IdempotentAnswer, Origin};
use heraldo_domain::delivery::{Attempt, Epoch, Leased};
use heraldo_domain::explain::{WEBHOOK_STATES_KEPT_MAX, WebhookState};
use heraldo_domain::health::Failing;
use heraldo_domain::inspection::Inspection;
use heraldo_domain::job::Job;
use heraldo_domain::password::PasswordHash;
use heraldo_domain::photo::Fingerprint;
use heraldo_domain::query::{DeliveryRecord, EventRecord, EventStanding, made_within};
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::statistics::Figures;
use heraldo_domain::token::Token;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{
    ApiKeyId, AuditEntryId, CompanyId, DeliveryId, EventId, Id, ImageId, InspectionId, JobId,
    UserId, WebhookId,
};
use heraldo_wire::time::Timestamp;

use crate::plan::{ResendDue, Standing};
use crate::tally::Place;

/// A map that remembers what its entries were until the changes are kept.
#[derive(Debug, Clone)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            before: Vec::new(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) const fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.before.push((key, before));
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let before = self.rows.remove(key);
        self.before.push((key.clone(), before.clone()));
        before
    }

    fn keep(&mut self) {
        self.before.clear();
    }

    fn take_back(&mut self) {
        for (key, before) in self.before.drain(..).rev() {
            match before {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

/// A delivery's row.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub company_id: CompanyId,
    pub webhook_id: WebhookId,
    pub event_id: EventId,
    pub standing: Standing,
    pub lease: Option<Epoch>,
    pub attempts: Vec<Attempt>,
    pub scheduled_attempts: u32,
    pub first_attempt_at: Option<Timestamp>,
    pub recovered: bool,
    pub interruptions: u32,
    pub started: bool,
    pub resend_due: Option<ResendDue>,
    pub strict: bool,
}

impl Delivery {
    /// A new one that nobody holds.
    pub(super) const fn new(
        company_id: CompanyId,
        webhook_id: WebhookId,
        event_id: EventId,
        standing: Standing,
    ) -> Self {
        Self {
            company_id,
            webhook_id,
            event_id,
            standing,
            lease: None,
            attempts: Vec::new(),
            scheduled_attempts: 0,
            first_attempt_at: None,
            recovered: false,
            interruptions: 0,
            started: false,
            resend_due: None,
            strict: false,
        }
    }

    pub(super) fn attempt_count(&self) -> u32 {
        self.attempts.last().map_or(0, |attempt| attempt.number)
    }

    /// The delivery of the event before it has not ended (`ordering: strict`).
    pub(super) fn waits_for_its_turn(&self) -> bool {
        self.standing.status == DeliveryStatus::Pending
            && self.lease.is_none()
            && self.standing.next_attempt_at.is_none()
    }
}

/// All that is durable.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub epoch: u32,
    pub companies: Table<CompanyId, Company>,
    pub members: Table<(CompanyId, UserId), Member>,
    pub passwords: Table<UserId, PasswordHash>,
    pub api_keys: Table<ApiKeyId, ApiKey>,
    pub tokens: Table<KeyHash, Token>,
    pub records: Table<(RecordKind, Id), Record>,
    pub jobs: Table<JobId, Job>,
    pub fingerprints: Table<(CompanyId, ImageId), Fingerprint>,
    pub webhooks: Table<WebhookId, Arc<Webhook>>,
    webhook_states: Table<(WebhookId, Timestamp, u64), WebhookState>,
    pub failing: Table<WebhookId, Failing>,
    pub inspections: Table<InspectionId, Inspection>,
    pub events: Table<EventId, EventRecord>,
    pub sequences: Table<(CompanyId, InspectionId, u32), EventId>,
    deliveries: Table<DeliveryId, Delivery>,
    /// The pending, unleased ones, in the order in which they are claimed.
    waiting: Table<(WebhookId, Timestamp, DeliveryId), ()>,
    /// Deliveries that keep the strict order: in each queue the first one is sent, the others have no time.
    pub strict: Table<(WebhookId, InspectionId, u32), DeliveryId>,
    pub answers: Table<(CompanyId, &'static str, String), IdempotentAnswer>,
    pub audit: Table<AuditEntryId, AuditEntry>,
    pub figures: Table<Place, Figures>,
}

pub(super) fn answer_key(key: &IdempotencyKey) -> (CompanyId, &'static str, String) {
    (key.company_id, key.route, key.key.clone())
}

impl State {
    pub(super) fn keep(&mut self) {
        self.each(|table| table.keep());
    }

    pub(super) fn take_back(&mut self) {
        self.each(|table| table.take_back());
    }

    fn each(&mut self, act: impl Fn(&mut dyn Undo)) {
        let tables: [&mut dyn Undo; 20] = [
            &mut self.companies,
            &mut self.members,
            &mut self.passwords,
            &mut self.api_keys,
            &mut self.tokens,
            &mut self.records,
            &mut self.jobs,
            &mut self.fingerprints,
            &mut self.webhooks,
            &mut self.webhook_states,
            &mut self.failing,
            &mut self.inspections,
            &mut self.events,
            &mut self.sequences,
            &mut self.deliveries,
            &mut self.waiting,
            &mut self.strict,
            &mut self.answers,
            &mut self.audit,
            &mut self.figures,
        ];
        for table in tables {
            act(table);
        }
    }

    fn states_of(
        &self,
        webhook: WebhookId,
    ) -> impl DoubleEndedIterator<Item = (&(WebhookId, Timestamp, u64), &WebhookState)> {
        let time = Timestamp::from_millis;
        let all = (webhook, time(i64::MIN), 0)..=(webhook, time(i64::MAX), u64::MAX);
        self.webhook_states.rows().range(all)
    }

    /// Notes what a webhook is set to, if that differs from before.
    pub(super) fn note_state(&mut self, webhook: &Webhook) {
        let state = WebhookState::of(webhook);
        let before = self.states_of(webhook.id).next_back();
        if before.is_some_and(|(_, before)| before.decides_as(&state)) {
            return;
        }
        let place = (webhook.id, state.since, state.version);
        self.webhook_states.put(place, state);
        let kept = usize::try_from(WEBHOOK_STATES_KEPT_MAX).unwrap_or(usize::MAX);
        let old: Vec<_> = self.states_of(webhook.id).rev().skip(kept).collect();
        let old: Vec<_> = old.into_iter().map(|(place, _)| *place).collect();
        for place in old {
            self.webhook_states.remove(&place);
        }
    }

    pub(super) fn forget_states(&mut self, webhook: WebhookId) {
        let places: Vec<_> = self.states_of(webhook).map(|(place, _)| *place).collect();
        for place in places {
            self.webhook_states.remove(&place);
        }
    }

    /// The two newest states from up to `at` and the oldest one after it, in their order.
    pub(super) fn states_around(&self, webhook: WebhookId, at: Timestamp) -> Vec<WebhookState> {
        let states: Vec<&WebhookState> = self.states_of(webhook).map(|(_, state)| state).collect();
        let until = states.partition_point(|state| state.since <= at);
        let around = states.iter().skip(until.saturating_sub(2));
        around
            .take(until.min(2) + 1)
            .map(|state| (*state).clone())
            .collect()
    }

    pub(super) const fn deliveries(&self) -> &BTreeMap<DeliveryId, Delivery> {
        self.deliveries.rows()
    }

    pub(super) fn delivery(&self, id: DeliveryId) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    /// Writes a delivery's row; it waits exactly while it is pending and nobody holds it.
    pub(super) fn put_delivery(&mut self, id: DeliveryId, delivery: Delivery) {
        if let Some(place) = self
            .deliveries
            .get(&id)
            .and_then(|before| waiting_place(id, before))
        {
            self.waiting.remove(&place);
        }
        if let Some(place) = waiting_place(id, &delivery) {
            self.waiting.put(place, ());
        }
        self.deliveries.put(id, delivery);
    }

    /// Removes the row of a delivery that has ended, which waits for nothing.
    pub(super) fn remove_delivery(&mut self, id: DeliveryId) -> Option<Delivery> {
        self.deliveries.remove(&id)
    }

    /// What waits for a webhook, oldest first.
    pub(super) fn waiting_for(
        &self,
        webhook: WebhookId,
    ) -> impl Iterator<Item = (Timestamp, DeliveryId)> + '_ {
        let first = (
            webhook,
            Timestamp::from_millis(i64::MIN),
            DeliveryId::default(),
        );
        let rows = self.waiting.rows().range(first..).map(|(place, ())| *place);
        rows.take_while(move |(of, ..)| *of == webhook)
            .map(|(_, at, id)| (at, id))
    }

    /// The first that waits for each webhook.
    pub(super) fn first_waiting(&self) -> Vec<(WebhookId, Timestamp)> {
        let mut firsts: Vec<(WebhookId, Timestamp)> = Vec::new();
        for (webhook, at, _) in self.waiting.rows().keys() {
            if firsts.last().is_none_or(|(last, _)| last != webhook) {
                firsts.push((*webhook, *at));
            }
        }
        firsts
    }

    pub(super) fn leased(&self, id: DeliveryId, lease: Epoch) -> Option<Leased> {
        let delivery = self.deliveries.get(&id)?;
        let event = self.events.get(&delivery.event_id)?;
        Some(Leased {
            delivery_id: id,
            webhook_id: delivery.webhook_id,
            company_id: delivery.company_id,
            event_id: event.id,
            event_type: event.event_type,
            inspection_id: event.inspection_id,
            sequence: event.sequence,
            body: event.body.clone(),
            test: event.origin == Origin::Test,
            lease,
            attempts: delivery.attempt_count(),
            scheduled_attempts: delivery.scheduled_attempts,
            cause: delivery.standing.cause,
            first_attempt_at: delivery.first_attempt_at,
            fallback: delivery.standing.fallback,
            recovered: delivery.recovered,
            interruptions: delivery.interruptions,
            strict: delivery.strict,
        })
    }

    pub(super) fn standings(
        &self,
        company: CompanyId,
        webhook: WebhookId,
        made: (Timestamp, Timestamp),
        after: Option<EventId>,
        limit: usize,
    ) -> Vec<EventStanding> {
        let of_webhook: HashMap<EventId, (DeliveryId, DeliveryStatus)> = self
            .deliveries()
            .iter()
            .filter(|(_, row)| row.webhook_id == webhook)
            .map(|(id, row)| (row.event_id, (*id, row.standing.status)))
            .collect();
        let events = self.events.rows().values();
        events
            .filter(|event| event.company_id == company)
            .filter(|event| made_within(event.id.0, Some(made.0), Some(made.1)))
            .filter(|event| after.is_none_or(|after| event.id > after))
            .take(limit)
            .map(|event| EventStanding {
                event_id: event.id,
                event_type: event.event_type,
                origin: event.origin,
                delivery: of_webhook.get(&event.id).copied(),
            })
            .collect()
    }

    pub(super) fn record(&self, id: DeliveryId, with_attempts: bool) -> Option<DeliveryRecord> {
        let delivery = self.deliveries.get(&id)?;
        let event = self.events.get(&delivery.event_id)?;
        Some(DeliveryRecord {
            id,
            company_id: delivery.company_id,
            webhook_id: delivery.webhook_id,
            event_id: event.id,
            event_type: event.event_type,
            inspection_id: event.inspection_id,
            status: delivery.standing.status,
            next_attempt_at: delivery.standing.next_attempt_at,
            created_at: id.0.made_at(),
            attempt_count: delivery.attempt_count(),
            last_attempt: delivery.attempts.last().cloned(),
            attempts: if with_attempts {
                delivery.attempts.clone()
            } else {
                Vec::new()
            },
        })
    }
}

fn waiting_place(
    id: DeliveryId,
    delivery: &Delivery,
) -> Option<(WebhookId, Timestamp, DeliveryId)> {
    if delivery.lease.is_some() || delivery.standing.status != DeliveryStatus::Pending {
        return None;
    }
    delivery
        .standing
        .next_attempt_at
        .map(|at| (delivery.webhook_id, at, id))
}

trait Undo {
    fn keep(&mut self);
    fn take_back(&mut self);
}

impl<K: Ord + Clone, V: Clone> Undo for Table<K, V> {
    fn keep(&mut self) {
        Self::keep(self);
    }

    fn take_back(&mut self) {
        Self::take_back(self);
    }
}
