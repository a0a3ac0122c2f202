//! A store with one company in it, and short ways to do what most facts begin with.

use std::sync::Arc;

use bytes::Bytes;
use heraldo_domain::account::{ApiKey, Company, KeyHash, Member, Role};
use heraldo_domain::change::{
    Change, Committed, IdempotencyKey, IdempotentAnswer, NewDelivery, NewEvent, Origin, Write,
};
use heraldo_domain::delivery::{
    AttemptReport, AttemptResult, Claim, Claimed, Epoch, Leased, Next, Received, Settlement, settle,
};
use heraldo_domain::inspection::{Inspection, Product, State};
use heraldo_domain::life::{Disabled, Life};
use heraldo_domain::query::{DeliveryRecord, Page};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Result, Settled, Store, StoreError};
use heraldo_domain::webhook::{Secrets, TlsSettings, Webhook, WebhookSettings};
use heraldo_wire::api::{DisableAfter, Ordering, Scope, WebhookStatus};
use heraldo_wire::attempt::{Cause, PhaseTimings};
use heraldo_wire::event::{DisabledReason, EventType};
use heraldo_wire::id::{
    ApiKeyId, AttemptId, CompanyId, DeliveryId, EventId, InspectionId, MembershipId, ProductId,
    TemplateId, UserId, WebhookId,
};
use heraldo_wire::object::{
    Consumer, DeliveryPreference, InspectionType, Metadata, Producer, ProductAttributes,
    TemplateHead, TemplateType,
};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;

use super::{Harness, World, block_on};

/// How long the answers of the suite are kept.
pub const ANSWER_LIFETIME_MS: i64 = 1_000;

/// A store with one company.
#[expect(
    missing_debug_implementations,
    reason = "it is made inside one test and never printed"
)]
pub struct Scene<'h> {
    harness: &'h dyn Harness,
    pub world: World,
    pub store: Arc<dyn Store>,
    pub company: CompanyId,
    pub user: UserId,
}

impl<'h> Scene<'h> {
    /// A store with one company and an open epoch.
    pub fn new(harness: &'h dyn Harness) -> (Self, Epoch) {
        let scene = Self::without_epoch(harness);
        let epoch = block_on(scene.store.open_epoch()).unwrap();
        (scene, epoch)
    }

    pub fn without_epoch(harness: &'h dyn Harness) -> Self {
        let world = World::default();
        let store = harness.open(&world);
        let mut scene = Self {
            harness,
            world,
            store,
            company: CompanyId::default(),
            user: UserId::default(),
        };
        (scene.company, scene.user) = scene.add_company();
        scene
    }

    /// The process dies; another starts and opens its epoch.
    #[must_use]
    pub fn crash(self) -> (Self, Epoch) {
        let store = self.harness.reopen(self.store, &self.world);
        let epoch = block_on(store.open_epoch()).unwrap();
        (Self { store, ..self }, epoch)
    }

    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    pub fn commit(&self, change: Change) -> Result<Committed> {
        block_on(self.store.commit(change))
    }

    pub fn write(&self, write: Write) -> Result<Committed> {
        self.commit(Change {
            writes: vec![write],
            ..Change::default()
        })
    }

    // Accounts.

    pub fn add_company(&self) -> (CompanyId, UserId) {
        let (id, owner) = (CompanyId(self.world.id()), UserId(self.world.id()));
        let company = Company {
            id,
            name: "Seguros del Norte".to_owned(),
            owner,
            created_at: self.now(),
        };
        let writes = vec![
            Write::CreateCompany(company),
            Write::CreateMember(self.member(id, owner, Role::Owner)),
        ];
        self.commit(Change {
            writes,
            ..Change::default()
        })
        .unwrap();
        (id, owner)
    }

    pub fn member(&self, company_id: CompanyId, user_id: UserId, role: Role) -> Member {
        Member {
            user_id,
            membership_id: MembershipId(self.world.id()),
            company_id,
            role,
            first_name: "Ana".to_owned(),
            last_name: "Ríos".to_owned(),
            username: "ana".to_owned(),
            email: "ana@example.com".to_owned(),
            invited_by: (role != Role::Owner).then_some(self.user),
            internal_id: Some("A-17".to_owned()),
            created_at: self.now(),
        }
    }

    pub fn api_key(&self, text: &str) -> ApiKey {
        ApiKey {
            id: ApiKeyId(self.world.id()),
            company_id: self.company,
            name: "backend".to_owned(),
            scopes: vec![Scope::Inspections, Scope::Webhooks],
            testing: false,
            hash: KeyHash::of(text),
            prefix: text.chars().take(6).collect(),
            created_at: self.now(),
            last_used_at: None,
        }
    }

    // Webhooks.

    pub fn webhook(&self) -> Webhook {
        let id = WebhookId(self.world.id());
        Webhook {
            id,
            company_id: self.company,
            version: 1,
            settings: WebhookSettings {
                endpoint: "https://example.com/hook".to_owned(),
                events: EventType::ALL.to_vec(),
                description: Some("claims".to_owned()),
                status: WebhookStatus::Enabled,
                headers: [("x-tenant".to_owned(), "norte".to_owned())]
                    .into_iter()
                    .collect(),
                ordering: Some(Ordering::Inspection),
                retry_waits: None,
                retry_events: Some(vec![EventType::ImageProcessed]),
                timeout_ms: Some(4_000),
                concurrency: None,
                rate_per_second: Some(50),
                tls: TlsSettings {
                    ca: Some("an authority".to_owned()),
                    client_certificate: Some("a certificate".to_owned()),
                },
                retry_on_recovery: Some(true),
                disable_after: Some(DisableAfter::Never),
                disable_attempts_min: Some(40),
            },
            secrets: Secrets::new(Secret::parse(format!("whsec_{id}")).unwrap(), self.now()),
            life: Life {
                disabled: Some(Disabled {
                    at: self.now(),
                    reason: DisabledReason::Manual,
                    detail: "a reason".to_owned(),
                }),
            },
            created_at: self.now(),
            updated_at: self.now(),
        }
    }

    pub fn add_webhook(&self) -> WebhookId {
        let webhook = self.webhook();
        let id = webhook.id;
        self.write(Write::CreateWebhook(webhook)).unwrap();
        id
    }

    pub fn set_status(&self, id: WebhookId, status: WebhookStatus) {
        let stored = block_on(self.store.webhook(id)).unwrap().unwrap();
        let mut next = Webhook::clone(&stored);
        next.version += 1;
        next.settings.status = status;
        self.write(Write::UpdateWebhook(next)).unwrap();
    }

    // Inspections.

    pub fn inspection(&self, plate: &str) -> Inspection {
        let mut attributes = ProductAttributes::default();
        attributes.0.insert("plate".to_owned(), plate.into());
        let mut inspection = Inspection {
            id: InspectionId(self.world.id()),
            company_id: self.company,
            version: 1,
            inspection_type: InspectionType::Car,
            template: TemplateHead {
                name: "easy".to_owned(),
                kind: TemplateType::BuiltIn,
                id: TemplateId(self.world.id()),
            },
            template_revision: None,
            access_attempts_max: 3,
            producer: Producer {
                company_id: self.company,
                user_id: Some(self.user),
                ..Producer::default()
            },
            testing: false,
            locale: "es".to_owned(),
            callback_url: None,
            delivery: DeliveryPreference::Disabled,
            metadata: Metadata(
                [("policy".to_owned(), "77".to_owned())]
                    .into_iter()
                    .collect(),
            ),
            consumer: Consumer {
                identification: Some(" 12345678k ".to_owned()),
                ..Consumer::default()
            },
            products: Vec::new(),
            inputs: Vec::new(),
            part_count: 0,
            access_code: "0417".to_owned(),
            parent_id: None,
            created_at: self.now(),
            updated_at: self.now(),
            expires_at: Timestamp::from_millis(self.now().as_millis() + 1_000),
            event_count: 0,
            state: State::Created { wrong_codes: 0 },
        };
        let id = ProductId(inspection.next_part());
        inspection.products.push(Product::new(id, attributes));
        inspection
    }

    pub fn add_inspection(&self, plate: &str) -> Inspection {
        let inspection = self.inspection(plate);
        self.write(Write::CreateInspection(Box::new(inspection.clone())))
            .unwrap();
        inspection
    }

    // Events and deliveries.

    pub fn event(&self, inspection: InspectionId, webhooks: &[WebhookId]) -> NewEvent {
        let id = EventId(self.world.id());
        let deliveries = webhooks.iter().map(|webhook| NewDelivery {
            id: DeliveryId(self.world.id()),
            webhook_id: *webhook,
            cause: Cause::First,
            strict: false,
        });
        NewEvent {
            id,
            company_id: self.company,
            inspection_id: inspection,
            event_type: EventType::ImageProcessed,
            body: Bytes::from(format!("{{\"event\":\"image_processed\",\"id\":\"{id}\"}}")),
            origin: Origin::Published,
            sequence: None,
            follows_last: false,
            created_at: self.now(),
            deliveries: deliveries.collect(),
        }
    }

    /// A delivery of an event that was made before, to a webhook that did not get it.
    pub fn late_delivery(&self, event_id: EventId, webhook_id: WebhookId) -> (DeliveryId, Write) {
        let id = DeliveryId(self.world.id());
        let write = Write::CreateDelivery {
            company_id: self.company,
            event_id,
            delivery: NewDelivery {
                id,
                webhook_id,
                cause: Cause::Recover,
                strict: false,
            },
            now: self.now(),
        };
        (id, write)
    }

    /// Publishes one event to one webhook; returns it as it was asked for.
    pub fn publish(&self, webhook: WebhookId) -> NewEvent {
        self.publish_about(InspectionId(self.world.id()), webhook)
    }

    pub fn publish_about(&self, inspection: InspectionId, webhook: WebhookId) -> NewEvent {
        let event = self.event(inspection, &[webhook]);
        self.commit(Change {
            events: vec![event.clone()],
            ..Change::default()
        })
        .unwrap();
        event
    }

    /// Publishes one event that is handed over at once.
    pub fn publish_leased(&self, webhook: WebhookId) -> Leased {
        self.world.hand_over.set_room(1);
        self.publish(webhook);
        self.world.hand_over.last()
    }

    pub fn answer(&self, key: &str) -> IdempotentAnswer {
        IdempotentAnswer {
            key: self.answer_key(key),
            request_hash: [7; 32],
            status: 201,
            body: Bytes::from_static(b"{\"ok\":true}"),
            expires_at: Timestamp::from_millis(self.now().as_millis() + ANSWER_LIFETIME_MS),
        }
    }

    pub fn answer_key(&self, key: &str) -> IdempotencyKey {
        IdempotencyKey {
            company_id: self.company,
            route: "POST /v1/events",
            key: key.to_owned(),
        }
    }

    pub fn claim(&self, webhook_id: WebhookId, lease: Epoch) -> Claimed {
        self.claim_up_to(webhook_id, lease, 100, usize::MAX)
    }

    pub fn claim_up_to(
        &self,
        webhook_id: WebhookId,
        lease: Epoch,
        limit: u32,
        bytes: usize,
    ) -> Claimed {
        let claim = Claim {
            webhook_id,
            lease,
            limit,
            body_bytes_max: bytes,
            now: self.now(),
        };
        block_on(self.store.claim(claim)).unwrap()
    }

    pub fn settlement(&self, leased: &Leased, status: u16, policy: &RetryPolicy) -> Settlement {
        let report = AttemptReport {
            started_at: self.now(),
            duration_ms: 12,
            result: AttemptResult::Answered(Received {
                status,
                body: "seen".to_owned(),
                headers: [("server".to_owned(), "nginx".to_owned())].into(),
                retry_after: None,
            }),
            timings: PhaseTimings {
                first_byte_ms: Some(9),
                ..PhaseTimings::default()
            },
        };
        settle(
            leased,
            report,
            AttemptId(self.world.id()),
            policy,
            self.now(),
        )
    }

    /// Writes the outcome of an attempt that was answered with `status`.
    pub fn settle(&self, leased: &Leased, status: u16) -> Settled {
        let settlement = self.settlement(leased, status, &RetryPolicy::default());
        self.settle_as(settlement)
    }

    pub fn settle_as(&self, settlement: Settlement) -> Settled {
        let settled = block_on(self.store.settle(vec![settlement])).unwrap();
        assert_eq!(settled.each.len(), 1, "one answer for each settlement");
        settled.each[0]
    }

    /// Writes an outcome that leaves the delivery in this state.
    pub fn settle_to(&self, leased: &Leased, next: Next) -> Settled {
        let status = if next == Next::Delivered { 204 } else { 500 };
        let settlement = self.settlement(leased, status, &RetryPolicy::default());
        self.settle_as(Settlement { next, ..settlement })
    }

    pub fn delivery(&self, id: DeliveryId) -> DeliveryRecord {
        block_on(self.store.delivery(self.company, id))
            .unwrap()
            .expect("the delivery is there")
    }

    pub fn resend(&self, id: DeliveryId) -> Result<Committed> {
        let now = self.now();
        let company_id = self.company;
        self.write(Write::Resend {
            company_id,
            delivery_id: id,
            cause: Cause::Manual,
            now,
        })
    }
}

/// The first page, long enough for everything in the suite.
pub const fn first_page<C>() -> Page<C> {
    Page {
        limit: 1_000,
        before: None,
    }
}

/// The error that a write ended with.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> StoreError {
    result.expect_err("the store refuses it")
}
