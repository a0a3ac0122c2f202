//! Applies one change to the state; the caller takes back what a failed one left.

use std::sync::Arc;

use heraldo_domain::change::{Change, Committed, IdempotentAnswer, NewDelivery, NewEvent, Write};
use heraldo_domain::delivery::{Epoch, Fallback, Leased};
use heraldo_domain::inspection::Inspection;
use heraldo_domain::ports::HandOver;
use heraldo_domain::query::EventRecord;
use heraldo_domain::statistics::{Counted, Note};
use heraldo_domain::store::{Result, StoreError};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId, InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::state::{Delivery, State, Table, answer_key};
use crate::plan::{self, ResendDue, Standing};

/// One write under way.
pub(super) struct Step<'a> {
    pub state: &'a mut State,
    pub hand_over: &'a dyn HandOver,
    /// `None` until one is opened: nothing is leased to this process then.
    pub epoch: Option<Epoch>,
    pub now: Timestamp,
    /// Room was reserved for each of these.
    pub leased: Vec<Leased>,
    pub changed_webhooks: Vec<WebhookId>,
    /// What was done, to be counted when it stands.
    pub notes: Vec<Note>,
}

impl Step<'_> {
    fn reserve(&self, webhook: WebhookId, body_bytes: usize) -> Option<Epoch> {
        let epoch = self.epoch?;
        self.hand_over.reserve(webhook, body_bytes).then_some(epoch)
    }

    pub(super) fn change(&mut self, change: Change) -> Result<Committed> {
        if let Some(answer) = &change.answer {
            self.keep_answer(answer)?;
        }
        for write in change.writes {
            self.apply(write)?;
        }
        let mut sequences = Vec::with_capacity(change.events.len());
        for event in change.events {
            sequences.push(self.event(&event)?);
        }
        if let Some(entry) = change.audit {
            insert(&mut self.state.audit, entry.id, entry)?;
        }
        Ok(Committed { sequences })
    }

    fn keep_answer(&mut self, answer: &IdempotentAnswer) -> Result<()> {
        let key = answer_key(&answer.key);
        if self
            .state
            .answers
            .get(&key)
            .is_some_and(|kept| kept.expires_at > self.now)
        {
            return Err(StoreError::AnswerExists);
        }
        self.state.answers.put(key, answer.clone());
        Ok(())
    }

    fn apply(&mut self, write: Write) -> Result<()> {
        match write {
            Write::CreateCompany(company) => insert(&mut self.state.companies, company.id, company),
            Write::UpdateCompany { was, now } => self.update_company(&was, now),
            Write::CreateMember(member) => self.create_member(member),
            Write::UpdateMember { was, now } => self.update_member(&was, now),
            Write::DeleteMember(member) => self.delete_member(&member),
            Write::ExpectMember(member) => self.expect_member(&member),
            Write::SetPassword { user_id, was, now } => {
                self.set_password(user_id, was.as_ref(), now)
            }
            Write::EndSessions {
                user_id,
                company_id,
            } => {
                self.end_sessions(user_id, company_id);
                Ok(())
            }
            Write::CreateApiKey(key) => self.create_api_key(key),
            Write::RevokeApiKey { company_id, id } => self.revoke_api_key(company_id, id),
            Write::NoteKeyUse { id, at } => {
                self.note_key_use(id, at);
                Ok(())
            }
            Write::CreateToken(token) => self.create_token(token),
            Write::SpendToken { hash, now } => self.spend_token(hash, now),
            Write::CreateWebhook(webhook) => {
                self.company_exists(webhook.company_id)?;
                self.changed_webhooks.push(webhook.id);
                self.state.note_state(&webhook);
                insert(&mut self.state.webhooks, webhook.id, Arc::new(webhook))
            }
            Write::UpdateWebhook(webhook) => self.update_webhook(webhook),
            Write::ExpectFailing { webhook, run } => match self.state.failing.get(&webhook) {
                Some(now) if run.goes_on_as(now) => Ok(()),
                Some(_) | None => Err(StoreError::Conflict),
            },
            Write::ForgetFailing(id) => {
                self.state.failing.remove(&id);
                Ok(())
            }
            Write::DeleteWebhook { company_id, id } => {
                self.webhook_of(company_id, id)?;
                self.state.webhooks.remove(&id);
                self.state.forget_states(id);
                self.state.failing.remove(&id);
                self.changed_webhooks.push(id);
                Ok(())
            }
            Write::CreateInspection(inspection) => {
                insert(&mut self.state.inspections, inspection.id, *inspection)
            }
            Write::UpdateInspection(inspection) => self.update_inspection(*inspection),
            Write::Resend {
                company_id,
                delivery_id,
                cause,
                now,
            } => self.resend(company_id, delivery_id, ResendDue { cause, at: now }),
            Write::CreateDelivery {
                company_id,
                event_id,
                delivery,
                now,
            } => self.late_delivery(company_id, event_id, delivery, now),
            Write::CreateRecord(record) => self.create_record(record),
            Write::UpdateRecord(record) => self.update_record(record),
            Write::DeleteRecord(record) => self.delete_record(&record),
            Write::DeleteRecordsOf {
                company_id,
                kind,
                subject,
            } => {
                self.delete_records_of(company_id, kind, subject);
                Ok(())
            }
            Write::CreateJob(job) => insert(&mut self.state.jobs, job.id, job),
            Write::EndJob(id) => self.end_job(id),
            Write::UpdateJob(job) => self.update_job(job),
            Write::CreateFingerprint(fingerprint) => {
                let place = (fingerprint.company_id, fingerprint.image_id);
                insert(&mut self.state.fingerprints, place, fingerprint)
            }
        }
    }

    pub(super) fn company_exists(&self, id: CompanyId) -> Result<()> {
        self.state
            .companies
            .get(&id)
            .map(drop)
            .ok_or(StoreError::NotFound)
    }

    fn webhook_of(&self, company: CompanyId, id: WebhookId) -> Result<&Arc<Webhook>> {
        let webhook = self
            .state
            .webhooks
            .get(&id)
            .filter(|webhook| webhook.company_id == company);
        webhook.ok_or(StoreError::NotFound)
    }

    fn update_webhook(&mut self, webhook: Webhook) -> Result<()> {
        let stored = self.webhook_of(webhook.company_id, webhook.id)?;
        if stored.version + 1 != webhook.version {
            return Err(StoreError::Conflict);
        }
        let webhook = Webhook {
            created_at: stored.created_at,
            ..webhook
        };
        self.changed_webhooks.push(webhook.id);
        self.state.note_state(&webhook);
        self.state.webhooks.put(webhook.id, Arc::new(webhook));
        Ok(())
    }

    fn update_inspection(&mut self, inspection: Inspection) -> Result<()> {
        let stored = self.state.inspections.get(&inspection.id);
        let stored = stored.filter(|stored| stored.company_id == inspection.company_id);
        if stored.ok_or(StoreError::NotFound)?.version + 1 != inspection.version {
            return Err(StoreError::Conflict);
        }
        self.state.inspections.put(inspection.id, inspection);
        Ok(())
    }

    fn event(&mut self, event: &NewEvent) -> Result<u32> {
        let (company_id, inspection_id) = (event.company_id, event.inspection_id);
        let sequence = match event.sequence {
            Some(sequence) => sequence,
            None => self.next_sequence(company_id, inspection_id),
        };
        if event.follows_last {
            let before = (company_id, inspection_id, sequence.saturating_sub(1));
            let last = self.state.sequences.get(&before);
            if last.is_some_and(|last| *last > event.id) {
                return Err(StoreError::Conflict);
            }
        }
        insert(
            &mut self.state.sequences,
            (company_id, inspection_id, sequence),
            event.id,
        )?;
        let record = EventRecord {
            id: event.id,
            company_id,
            inspection_id,
            event_type: event.event_type,
            sequence,
            origin: event.origin,
            created_at: event.created_at,
            body: event.body.clone(),
        };
        insert(&mut self.state.events, event.id, record)?;
        let note = |webhook_id, counted| Note {
            company_id,
            webhook_id,
            at: event.created_at,
            counted,
        };
        self.notes.push(note(None, Counted::Event));
        for delivery in &event.deliveries {
            self.new_delivery(event, *delivery, sequence)?;
            self.notes
                .push(note(Some(delivery.webhook_id), Counted::Delivery));
        }
        Ok(sequence)
    }

    fn next_sequence(&mut self, company: CompanyId, id: InspectionId) -> u32 {
        let own = self
            .state
            .inspections
            .get(&id)
            .filter(|inspection| inspection.company_id == company);
        if let Some(own) = own.cloned() {
            let event_count = own.event_count.saturating_add(1);
            let bumped = Inspection {
                event_count,
                version: own.version + 1,
                ..own
            };
            self.state.inspections.put(id, bumped);
            return event_count;
        }
        let of_it = (company, id, 0)..=(company, id, u32::MAX);
        let last = self.state.sequences.rows().range(of_it).next_back();
        last.map_or(0, |((_, _, last), _)| *last).saturating_add(1)
    }

    fn new_delivery(
        &mut self,
        event: &NewEvent,
        delivery: NewDelivery,
        sequence: u32,
    ) -> Result<()> {
        if self.state.delivery(delivery.id).is_some() {
            return Err(StoreError::Conflict);
        }
        let waits = delivery.strict && !self.enter_queue(event, delivery, sequence);
        let lease = if waits {
            None
        } else {
            self.reserve(delivery.webhook_id, event.body.len())
        };
        let standing = Standing {
            status: DeliveryStatus::Pending,
            cause: delivery.cause,
            next_attempt_at: (!waits).then(|| event.id.0.made_at()),
            fallback: Fallback::Schedule,
        };
        let row = Delivery {
            lease,
            strict: delivery.strict,
            ..Delivery::new(event.company_id, delivery.webhook_id, event.id, standing)
        };
        self.state.put_delivery(delivery.id, row);
        self.note_leased(delivery.id, lease);
        Ok(())
    }

    /// Makes a delivery of an event that was made before, due at once, handed over if there is room.
    fn late_delivery(
        &mut self,
        company: CompanyId,
        event: EventId,
        delivery: NewDelivery,
        now: Timestamp,
    ) -> Result<()> {
        let stored = self.state.events.get(&event);
        stored
            .filter(|stored| stored.company_id == company)
            .ok_or(StoreError::NotFound)?;
        let is_there = self.state.deliveries().iter().any(|(id, row)| {
            *id == delivery.id || (row.event_id, row.webhook_id) == (event, delivery.webhook_id)
        });
        if is_there {
            return Err(StoreError::Conflict);
        }
        let standing = Standing {
            status: DeliveryStatus::Pending,
            cause: delivery.cause,
            next_attempt_at: Some(now),
            fallback: Fallback::Schedule,
        };
        let row = Delivery::new(company, delivery.webhook_id, event, standing);
        self.go_on(delivery.id, row);
        self.notes.push(Note {
            company_id: company,
            webhook_id: Some(delivery.webhook_id),
            at: now,
            counted: Counted::Delivery,
        });
        Ok(())
    }

    fn note_leased(&mut self, id: DeliveryId, lease: Option<Epoch>) {
        if let Some(lease) = lease {
            let leased = self.state.leased(id, lease);
            assert!(leased.is_some(), "a delivery is written with its event");
            self.leased.extend(leased);
        }
    }

    fn resend(&mut self, company: CompanyId, id: DeliveryId, asked: ResendDue) -> Result<()> {
        let row = self
            .state
            .delivery(id)
            .filter(|row| row.company_id == company);
        let mut row = row.cloned().ok_or(StoreError::NotFound)?;
        if row.lease.is_some() {
            row.resend_due = row.resend_due.or(Some(asked));
            self.state.put_delivery(id, row);
            return Ok(());
        }
        row.standing = plan::resend(row.standing, row.attempt_count(), asked);
        if row.standing.next_attempt_at.is_some() {
            self.go_on(id, row);
        }
        Ok(())
    }

    /// Lets a delivery that is not leased stand as its row says, handed over at once if there is room.
    pub(super) fn go_on(&mut self, id: DeliveryId, mut row: Delivery) {
        let body_bytes = self
            .state
            .events
            .get(&row.event_id)
            .map_or(0, |event| event.body.len());
        let lease = self.reserve(row.webhook_id, body_bytes);
        row.lease = lease;
        self.state.put_delivery(id, row);
        self.note_leased(id, lease);
    }
}

/// A created id that exists is a conflict.
pub(super) fn insert<K: Ord + Clone, V: Clone>(
    table: &mut Table<K, V>,
    key: K,
    value: V,
) -> Result<()> {
    if table.get(&key).is_some() {
        return Err(StoreError::Conflict);
    }
    table.put(key, value);
    Ok(())
}
