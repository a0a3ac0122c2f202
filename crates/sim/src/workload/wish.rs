//! What a client may ask for, and the use case that does it.

use heraldo_domain::change::IdempotencyKey;
use heraldo_domain::ops::create_inspection::create_inspection;
use heraldo_domain::ops::deliveries::{resend, test_webhook};
use heraldo_domain::ops::enter_access_code::{Access, enter_access_code};
use heraldo_domain::ops::finish::finish;
use heraldo_domain::ops::publish::publish;
use heraldo_domain::ops::recoveries::{Asked as Recovered, cancel_recovery, recover};
use heraldo_domain::ops::review::review;
use heraldo_domain::ops::sweep::expire_lapsed;
use heraldo_domain::ops::webhooks::{
    create_webhook, delete_webhook, rotate_secret, update_webhook,
};
use heraldo_domain::ops::{Answer, Context, Once};
use heraldo_wire::api::{
    CreateInspectionRequest, CreateWebhookRequest, Ordering, RecoverRequest, RecoverStatus,
    ReviewRequest, ReviewVeredict, RotateSecretRequest, UpdateWebhookRequest, WebhookStatus,
};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, DeliveryId, InspectionId, RecoveryId, WebhookId};
use heraldo_wire::object::{InitialStatus, InspectionType};
use heraldo_wire::problem::Problem;
use heraldo_wire::signature::Secret;

use super::caller;
use crate::oracle::Place;

/// The most inspections that one sweep ends.
const EXPIRED_AT_ONCE: u32 = 5;

/// A request, and the key with which it may come again.
#[derive(Debug, Clone)]
pub struct Asked {
    pub wish: Wish,
    pub key: Option<String>,
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub enum Wish {
    Create {
        company: CompanyId,
        started: bool,
    },
    EnterCode {
        id: InspectionId,
        code: String,
        right: bool,
    },
    Finish {
        id: InspectionId,
        company: CompanyId,
    },
    Review {
        id: InspectionId,
        company: CompanyId,
        approve: bool,
    },
    Publish {
        company: CompanyId,
        items: Vec<(EventType, InspectionId)>,
        body: String,
    },
    /// No client's: the server's own sweep.
    Expire,
    CreateWebhook {
        company: CompanyId,
        authority: String,
        events: Vec<EventType>,
        status: WebhookStatus,
        in_force: Ordering,
        request: Box<CreateWebhookRequest>,
    },
    SetStatus {
        id: WebhookId,
        company: CompanyId,
        status: WebhookStatus,
    },
    ChangeWebhook {
        id: WebhookId,
        company: CompanyId,
        events: Option<Vec<EventType>>,
        /// `Some(None)`: the server's.
        ordering: Option<Option<Ordering>>,
        request: Box<UpdateWebhookRequest>,
    },
    DeleteWebhook {
        id: WebhookId,
        company: CompanyId,
    },
    Rotate {
        id: WebhookId,
        company: CompanyId,
        overlap_seconds: Option<u64>,
    },
    Resend {
        company: CompanyId,
        delivery: DeliveryId,
        place: Place,
    },
    Test {
        id: WebhookId,
        company: CompanyId,
        event: EventType,
    },
    Recover {
        id: WebhookId,
        company: CompanyId,
        statuses: Vec<RecoverStatus>,
        request: Box<RecoverRequest>,
    },
    CancelRecovery {
        id: RecoveryId,
        company: CompanyId,
    },
}

/// What a use case answered.
#[derive(Debug)]
pub enum Reply {
    Answer(Answer),
    Access(Access),
    Secret(Secret),
    Recovered(Recovered),
    Done,
}

impl Asked {
    fn once(&self) -> Option<Once> {
        let (company_id, route) = match &self.wish {
            Wish::Create { company, .. } => (*company, "POST /v1/inspection"),
            Wish::Publish { company, .. } => (*company, "POST /v1/notification/event/publish"),
            Wish::CreateWebhook { company, .. } => (*company, "POST /v1/notification/webhook"),
            Wish::EnterCode { .. }
            | Wish::Finish { .. }
            | Wish::Review { .. }
            | Wish::Expire
            | Wish::SetStatus { .. }
            | Wish::ChangeWebhook { .. }
            | Wish::DeleteWebhook { .. }
            | Wish::Rotate { .. }
            | Wish::Resend { .. }
            | Wish::Test { .. }
            | Wish::Recover { .. }
            | Wish::CancelRecovery { .. } => return None,
        };
        let key = IdempotencyKey {
            company_id,
            route,
            key: self.key.clone()?,
        };
        Some(Once {
            key,
            request_hash: [0; 32],
        })
    }

    /// Does it.
    ///
    /// # Errors
    /// The use case's.
    pub async fn carry_out(self, context: &Context) -> Result<Reply, Problem> {
        let once = self.once();
        let once = once.as_ref();
        match self.wish {
            Wish::Create { company, started } => {
                let request = CreateInspectionRequest {
                    template_id: "easy".to_owned(),
                    initial_status: started.then_some(InitialStatus::Started),
                    ..CreateInspectionRequest::default()
                };
                let (by, kind) = (caller(company), InspectionType::Car);
                let made = create_inspection(context, &by, kind, request, Vec::new(), once);
                made.await.map(Reply::Answer)
            }
            Wish::EnterCode { id, code, .. } => {
                let entered = enter_access_code(context, id, &code).await;
                entered.map(Reply::Access)
            }
            Wish::Finish { id, company } => done(finish(context, &caller(company), id).await),
            Wish::Review {
                id,
                company,
                approve,
            } => {
                let veredict = if approve {
                    ReviewVeredict::Approved
                } else {
                    ReviewVeredict::Disapproved
                };
                let request = ReviewRequest {
                    veredict: Some(veredict),
                    ..ReviewRequest::default()
                };
                done(review(context, &caller(company), id, request).await)
            }
            Wish::Publish { company, body, .. } => {
                let published = publish(context, &caller(company), body.as_bytes(), once).await;
                published.map(Reply::Answer)
            }
            Wish::Expire => done(expire_lapsed(context, EXPIRED_AT_ONCE).await),
            Wish::CreateWebhook {
                company, request, ..
            } => {
                let made = create_webhook(context, &caller(company), *request, once).await;
                made.map(Reply::Answer)
            }
            Wish::SetStatus {
                id,
                company,
                status,
            } => {
                let request = UpdateWebhookRequest {
                    status: Some(status),
                    ..UpdateWebhookRequest::default()
                };
                done(update_webhook(context, &caller(company), id, request).await)
            }
            Wish::ChangeWebhook {
                id,
                company,
                request,
                ..
            } => done(update_webhook(context, &caller(company), id, *request).await),
            Wish::DeleteWebhook { id, company } => {
                done(delete_webhook(context, &caller(company), id).await)
            }
            Wish::Rotate {
                id,
                company,
                overlap_seconds,
            } => {
                let request = RotateSecretRequest { overlap_seconds };
                let rotated = rotate_secret(context, &caller(company), id, request).await;
                rotated.map(|answer| Reply::Secret(answer.secret))
            }
            Wish::Resend {
                company, delivery, ..
            } => done(resend(context, &caller(company), delivery).await),
            Wish::Test { id, company, event } => {
                done(test_webhook(context, &caller(company), id, event.as_str()).await)
            }
            Wish::Recover {
                id,
                company,
                request,
                ..
            } => {
                let recovered = recover(context, &caller(company), id, &request).await;
                recovered.map(Reply::Recovered)
            }
            Wish::CancelRecovery { id, company } => {
                done(cancel_recovery(context, &caller(company), id).await)
            }
        }
    }
}

fn done<T>(answer: Result<T, Problem>) -> Result<Reply, Problem> {
    answer.map(|_| Reply::Done)
}
