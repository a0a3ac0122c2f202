//! The use cases, one file each: read, decide purely, write one change.

pub mod accounts;
pub mod audit;
mod bounds;
mod challenge;
pub mod check_signature;
pub mod children;
pub mod create_inspection;
pub mod deliveries;
pub mod detail;
pub mod disable_webhook;
pub mod enter_access_code;
pub mod explain;
pub mod files;
pub mod finish;
pub mod image_jobs;
pub mod images;
pub mod inputs;
pub mod inspections;
pub mod invitations;
pub mod jobs;
pub mod oauth_apps;
pub mod oauth_tokens;
pub mod overview;
pub mod passwords;
pub mod people;
pub mod products;
pub mod publish;
mod recorded;
mod records;
pub mod recover_counts;
pub mod recoveries;
mod report_jobs;
pub mod reports;
pub mod review;
pub mod sign_in;
pub mod sweep;
pub mod templates;
pub mod update_inspection;
pub mod user_lists;
pub mod visits;
mod webhook_checks;
pub mod webhook_health;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heraldo_wire::id::Id;
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;

use crate::change::{Change, IdempotencyKey, IdempotentAnswer};
use crate::inspection::{Command, Refused};
use crate::key_uses::KeyUses;
use crate::links::Links;
use crate::ports::{
    Absent, Callbacks, Clock, Documents, Entropy, Files, IdMaker, JobBell, Lulls, Passwords,
    Photos, TlsCheck,
};
use crate::query::CompanyView;
use crate::store::{Store, StoreError};
use crate::webhook::Defaults;

/// What every use case works with.
#[derive(Debug, Clone)]
pub struct Context {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ids: Arc<IdMaker>,
    pub files: Arc<dyn Files>,
    pub photos: Arc<dyn Photos>,
    pub documents: Arc<dyn Documents>,
    pub passwords: Arc<dyn Passwords>,
    pub callbacks: Arc<dyn Callbacks>,
    pub tls: Arc<dyn TlsCheck>,
    pub bell: Arc<dyn JobBell>,
    pub lulls: Arc<dyn Lulls>,
    /// When keys were used since that was last written.
    pub key_uses: Arc<KeyUses>,
    pub links: Arc<Links>,
    pub settings: Arc<Settings>,
}

/// The server's settings that rules depend on (contract 8.1).
#[derive(Debug, Clone)]
pub struct Settings {
    pub inspection_lifetime: Duration,
    pub access_attempts_max: u32,
    /// Special-purpose networks that receivers may lie in all the same.
    pub allow_networks: Vec<ipnet::IpNet>,
    /// What holds for a webhook that does not say otherwise.
    pub webhook_defaults: Defaults,
    /// A receiver must echo a random token before its webhook is created, unless the request says otherwise.
    pub webhook_challenge: bool,
    /// Webhooks of one company.
    pub webhooks_per_company_max: usize,
    /// Templates that one company made.
    pub templates_per_company_max: u32,
    /// Events of one publish call.
    pub publish_events_max: usize,
    /// Events that a recovery looks at in one read.
    pub recovery_look_events: u32,
    /// Deliveries that a recovery enqueues in one commit: what fresh ones may find before them at most.
    pub recovery_step_max: usize,
    /// A key's answers are given again for this long (contract U14: 24 h).
    pub idempotency_lifetime: Duration,
    /// Photos of one inspection further apart than this fail `distance`.
    pub distance_max_metres: f64,
    /// Who looks at what needs a trained model; `None`: whoever reads the API and answers.
    pub processor: Option<Processor>,
    /// How long the answer of an outside processor is waited for.
    pub processor_timeout: Duration,
}

/// An outside image processor.
#[derive(Debug, Clone)]
pub struct Processor {
    pub url: String,
    /// What the requests to it are signed with.
    pub secret: Option<Secret>,
}

impl Settings {
    /// The documented defaults (contract 8.1).
    #[must_use]
    pub fn new() -> Self {
        Self {
            inspection_lifetime: Duration::from_secs(7 * 86_400),
            access_attempts_max: 3,
            allow_networks: Vec::new(),
            webhook_defaults: Defaults::default(),
            webhook_challenge: false,
            webhooks_per_company_max: 1_000,
            templates_per_company_max: 1_000,
            publish_events_max: 1_000,
            recovery_look_events: 500,
            recovery_step_max: 64,
            idempotency_lifetime: Duration::from_secs(86_400),
            distance_max_metres: 200.0,
            processor: None,
            processor_timeout: Duration::from_secs(600),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Context {
    /// A context that serves no photos and calls nobody; whoever does sets those parts.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        ids: Arc<IdMaker>,
        links: Links,
        settings: Settings,
    ) -> Self {
        Self {
            store,
            clock,
            entropy,
            ids,
            files: Arc::new(Absent),
            photos: Arc::new(Absent),
            documents: Arc::new(Absent),
            passwords: Arc::new(Absent),
            callbacks: Arc::new(Absent),
            tls: Arc::new(Absent),
            bell: Arc::new(Absent),
            lulls: Arc::new(Absent),
            key_uses: Arc::default(),
            links: Arc::new(links),
            settings: Arc::new(settings),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn next_id(&self, now: Timestamp) -> Id {
        self.ids.next(now, &*self.entropy)
    }

    /// Ids for so many events and their deliveries: none of another event comes between them, so that those of two
    /// events are in one order.
    fn ids_of_events(
        &self,
        now: Timestamp,
        events: usize,
        company: &CompanyView,
    ) -> impl FnMut() -> Id {
        let count = events.saturating_mul(1 + company.webhooks.len());
        let mut row = self.ids.next_row(now, count, &*self.entropy);
        move || row.next().unwrap_or_else(|| self.next_id(now))
    }
}

/// An answer whose bytes are fixed, because it may have to be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
    /// It was given before, and nothing was done this time.
    pub replayed: bool,
}

/// A request that must be carried out once however often it comes (contract U14).
#[derive(Debug, Clone)]
pub struct Once {
    pub key: IdempotencyKey,
    /// SHA-256 of the request's content.
    pub request_hash: [u8; 32],
}

impl Context {
    /// The answer given before to this request, if there is one.
    async fn replay(&self, once: Option<&Once>) -> Result<Option<Answer>, Problem> {
        let Some(once) = once else { return Ok(None) };
        let Some(stored) = self
            .store
            .answer(&once.key, self.now())
            .await
            .map_err(problem_of)?
        else {
            return Ok(None);
        };
        if stored.request_hash != once.request_hash {
            return Err(ProblemCode::IdempotencyConflict.problem(
                "this Idempotency-Key was used within the last 24 hours for another request body; \
                 send the same body, or use a new key",
            ));
        }
        Ok(Some(Answer {
            status: stored.status,
            body: stored.body,
            replayed: true,
        }))
    }

    /// Commits a change with the answer that its request gets. When the same request was carried out
    /// meanwhile, nothing is written, and its answer is given again.
    async fn commit_once(
        &self,
        once: Option<&Once>,
        now: Timestamp,
        change: Change,
        status: u16,
        body: Bytes,
    ) -> Result<Answer, Problem> {
        let change = Change {
            answer: once.map(|once| IdempotentAnswer {
                key: once.key.clone(),
                request_hash: once.request_hash,
                status,
                body: body.clone(),
                expires_at: now.plus(self.settings.idempotency_lifetime),
            }),
            ..change
        };
        match self.store.commit(change).await {
            Ok(_) => Ok(Answer {
                status,
                body,
                replayed: false,
            }),
            Err(StoreError::AnswerExists) => {
                let answer = self.replay(once).await?;
                answer.ok_or_else(|| problem_of(StoreError::Conflict))
            }
            Err(error) => Err(problem_of(error)),
        }
    }
}

/// Renders an answer.
fn json<T: serde::Serialize>(value: &T) -> Result<Bytes, Problem> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| ProblemCode::Internal.problem(format!("cannot write the answer: {error}")))
}

/// What the store's errors are to a caller.
#[must_use]
pub fn problem_of(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict | StoreError::AnswerExists => ProblemCode::Conflict
            .problem("somebody else changed it at the same moment; read it again and repeat"),
        StoreError::NameTaken => {
            ProblemCode::Conflict.problem("the name is taken in this company; choose another")
        }
        StoreError::NotFound => not_found(),
        StoreError::Full => ProblemCode::StorageFull
            .problem("the disk that holds the data is full or nearly full; nothing was stored; try again later"),
        StoreError::Overloaded => ProblemCode::Overloaded
            .problem("too many requests are waiting to be stored; try again in a moment"),
        StoreError::Closed => {
            ProblemCode::ShuttingDown.problem("the server is shutting down; try again in a moment")
        }
        // The sentence names what is damaged by its id, and holds nothing of it.
        StoreError::Unreadable(_) => ProblemCode::Internal.problem(error.to_string()),
        StoreError::Failed(_) => ProblemCode::Unavailable
            .problem(
                "the store cannot do this now; try again later, and send the same Idempotency-Key with a \
                 request that writes: it may have been stored all the same",
            ),
    }
}

/// Unknown ids, malformed ids and another company's ids are the same (contract 8.2 "Ids").
#[must_use]
pub fn not_found() -> Problem {
    ProblemCode::NotFound
        .problem("there is nothing with this id here; check the id and the API key")
}

/// Only the consumer, who enters codes, is told 423; to everybody else a blocked inspection is in the
/// wrong status like any other (contract 1.3, E15, and 8.2 "`/review`": 409).
fn problem_of_refusal(refused: Refused, command: &Command) -> Problem {
    let code = match refused {
        Refused::BlockedByAttempts | Refused::Locked
            if matches!(command, Command::EnterCode(_)) =>
        {
            ProblemCode::InspectionBlocked
        }
        Refused::Expired => ProblemCode::InspectionExpired,
        Refused::NoSuchProduct => return not_found(),
        Refused::NoSuchImage if matches!(command, Command::ReviewImages { .. }) => {
            ProblemCode::InvalidBody
        }
        Refused::NoSuchImage => return not_found(),
        Refused::TooManyImages(_) | Refused::TooManyProducts(_) => ProblemCode::LimitReached,
        Refused::BlockedByAttempts
        | Refused::Locked
        | Refused::NotStarted
        | Refused::Ended
        | Refused::NotCompleted
        | Refused::NotProcessing
        | Refused::PhotosPending
        | Refused::NotLapsed
        | Refused::NotAVeredictToSet
        | Refused::AlreadyProcessed
        | Refused::NotGoods => ProblemCode::Conflict,
    };
    code.problem(refused.to_string())
}
