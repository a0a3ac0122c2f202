//! The workload: a few companies whose clients run inspections, publish events and change their webhooks, each call
//! through the real use case.
//!
//! A call is a task of its server like any other: others go on at each of its awaits, and a crash ends it wherever it
//! is. What it has done by then the model hears at the store; what its client is told must be the same.

mod calls;
mod inspections;
mod recoveries;
mod webhooks;
mod wish;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heraldo_domain::account::Caller;
use heraldo_domain::change::Actor;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_domain::ops::{Context, Settings};
use heraldo_domain::ports::IdMaker;
use heraldo_domain::store::Store;
use heraldo_domain::webhook::Defaults;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{ApiKeyId, CompanyId, InspectionId, WebhookId};
use heraldo_wire::problem::Problem;

use self::calls::Call;
pub use self::calls::Heard;
use self::inspections::Seen;
pub use self::recoveries::keep_at;
pub use self::wish::{Asked, Reply, Wish};
use crate::engine::Engine;
use crate::executor::TaskId;
use crate::oracle::Oracle;
use crate::world::{Check, Violation, World, violated, wait_for};

/// Wrong access codes until an inspection is blocked.
const ACCESS_ATTEMPTS_MAX: u32 = 3;
const WEBHOOKS_MAX: usize = 6;

/// What clients know, and what they are about.
#[derive(Debug)]
pub struct Clients {
    pub companies: Vec<CompanyId>,
    inspections: BTreeMap<InspectionId, Seen>,
    /// Inspections that run elsewhere: how many events each company published about them.
    elsewhere: BTreeMap<(CompanyId, InspectionId), u32>,
    settings: Settings,
    /// Made so far: each has a host of its own, by which the model tells whom a request goes to.
    receivers: u32,
    /// Few inspections have most of the events, so that many of one wait for each other.
    few: bool,
    /// Paused a moment ago: as often as not it is enabled again before everybody has heard of it.
    flapping: Option<WebhookId>,
    /// So many calls may be under way.
    at_once: usize,
    calls: BTreeMap<TaskId, Call>,
    /// What became of requests with an idempotency key.
    keys: BTreeMap<String, Keyed>,
    keys_made: u64,
    /// Whoever asked for these was not answered, or wants to be sure: they are asked for again, with the same key.
    unsure: Vec<Asked>,
    commits: u64,
}

/// A request with an idempotency key, however often it came.
#[derive(Debug, Default)]
struct Keyed {
    is_done: bool,
    /// Status and body, once somebody was answered.
    answer: Option<(u16, Bytes)>,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Create,
    EnterCode,
    Finish,
    Review,
    Publish,
    Expire,
    CreateWebhook,
    SetStatus,
    ChangeWebhook,
    DeleteWebhook,
    Rotate,
    Resend,
    Test,
    Recover,
    CancelRecovery,
}

const ACTS: [(u64, Act); 15] = [
    (18, Act::Create),
    (18, Act::EnterCode),
    (12, Act::Finish),
    (8, Act::Review),
    (22, Act::Publish),
    (3, Act::Expire),
    (2, Act::CreateWebhook),
    (7, Act::SetStatus),
    (3, Act::ChangeWebhook),
    (1, Act::DeleteWebhook),
    (3, Act::Rotate),
    (6, Act::Resend),
    (2, Act::Test),
    (4, Act::Recover),
    (1, Act::CancelRecovery),
];

impl Clients {
    #[must_use]
    pub fn new(world: &mut World, webhook_defaults: Defaults) -> Self {
        let settings = Settings {
            inspection_lifetime: Duration::from_secs(world.dice.between(20, 600)),
            access_attempts_max: ACCESS_ATTEMPTS_MAX,
            allow_networks: Vec::new(),
            webhook_defaults,
            webhooks_per_company_max: WEBHOOKS_MAX,
            publish_events_max: 10,
            idempotency_lifetime: Duration::from_secs(86_400),
            // So few that a recovery takes many steps.
            recovery_look_events: 1 + u32::try_from(world.dice.up_to(7)).unwrap_or(7),
            recovery_step_max: 1 + world.dice.up_to(4),
            ..Settings::default()
        };
        Self {
            companies: Vec::new(),
            inspections: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            settings,
            receivers: 0,
            few: world.dice.chance(400),
            flapping: None,
            at_once: 1 + world.dice.up_to(5),
            calls: BTreeMap::new(),
            keys: BTreeMap::new(),
            keys_made: 0,
            unsure: Vec::new(),
            commits: 0,
        }
    }

    /// One more company, made at once.
    ///
    /// # Errors
    /// When that is refused.
    pub fn add_company(
        &mut self,
        store: Arc<dyn Store>,
        ids: Arc<IdMaker>,
        world: &World,
    ) -> Check<CompanyId> {
        let context = self.context(store, ids, world);
        let name = format!("company {}", self.companies.len());
        let made = wait_for(create_company(&context, &name, Person::default()))?;
        let company = made.map_err(|problem| unexpected(&problem))?.company_id;
        self.companies.push(company);
        Ok(company)
    }

    /// Whether one more call may be begun.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        self.calls.len() < self.at_once
    }

    /// What clients ask for next: nothing, one thing, or the same twice at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn next(
        &mut self,
        engine: &Engine,
        oracle: &Oracle,
        world: &mut World,
    ) -> Check<Vec<Asked>> {
        if !self.unsure.is_empty() && world.dice.chance(150) {
            let which = world.dice.up_to(self.unsure.len() - 1);
            return Ok(vec![self.unsure.swap_remove(which)]);
        }
        if world.dice.chance(150)
            && let Some(id) = self.flapping.take()
        {
            return Ok(enable(id, oracle).into_iter().collect());
        }
        let Some(asked) = self.draw(engine, oracle, world)? else {
            return Ok(Vec::new());
        };
        let twice = asked.key.is_some() && world.dice.chance(80);
        Ok(if twice {
            vec![asked.clone(), asked]
        } else {
            vec![asked]
        })
    }

    fn draw(
        &mut self,
        engine: &Engine,
        oracle: &Oracle,
        world: &mut World,
    ) -> Check<Option<Asked>> {
        let company = world.dice.pick(&self.companies).copied();
        let act = world.dice.weighted(&ACTS);
        let (Some(company), Some(act)) = (company, act) else {
            return Ok(None);
        };
        let wish = match act {
            Act::Create => Some(Wish::Create {
                company,
                started: world.dice.chance(300),
            }),
            Act::EnterCode => self.enter_code(engine, world)?,
            Act::Finish => self.finish(world),
            Act::Review => self.review(world),
            Act::Publish => Some(self.publish(company, world)),
            Act::Expire => Some(Wish::Expire),
            Act::CreateWebhook => Some(self.create_webhook(company, world)),
            Act::SetStatus => self.set_status(oracle, world),
            Act::ChangeWebhook => webhooks::change(oracle, world),
            Act::DeleteWebhook => webhooks::delete(oracle, world),
            Act::Rotate => webhooks::rotate(oracle, world),
            Act::Resend => webhooks::resend(company, engine, world)?,
            Act::Test => webhooks::test(oracle, world),
            Act::Recover => recoveries::recover(oracle, world),
            Act::CancelRecovery => recoveries::cancel(oracle, world),
        };
        let keyed_per_mille = match act {
            Act::Publish => 1_000,
            Act::Create | Act::CreateWebhook => 500,
            Act::EnterCode
            | Act::Finish
            | Act::Review
            | Act::Expire
            | Act::SetStatus
            | Act::ChangeWebhook
            | Act::DeleteWebhook
            | Act::Rotate
            | Act::Resend
            | Act::Test
            | Act::Recover
            | Act::CancelRecovery => 0,
        };
        Ok(wish.map(|wish| {
            let key = world.dice.chance(keyed_per_mille).then(|| {
                self.keys_made += 1;
                format!("key {}", self.keys_made)
            });
            Asked { wish, key }
        }))
    }

    /// One webhook more of a company.
    pub fn one_webhook(&mut self, company: CompanyId, world: &mut World) -> Asked {
        Asked {
            wish: self.create_webhook(company, world),
            key: None,
        }
    }

    /// Everything that somebody is still unsure of.
    pub fn ask_again(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.unsure)
    }

    /// Enables everything that is paused, so that nothing is kept back at the end.
    #[must_use]
    pub fn resume_all(&self, oracle: &Oracle) -> Vec<Asked> {
        let paused = oracle.live_hooks().filter(|(_, hook)| hook.is_paused());
        paused.filter_map(|(id, _)| enable(id, oracle)).collect()
    }

    /// What a use case works with.
    #[must_use]
    pub fn context(&self, store: Arc<dyn Store>, ids: Arc<IdMaker>, world: &World) -> Context {
        let links = Links {
            public_url: "https://heraldo.example".to_owned(),
            key: LinkKey([7; 32]),
            file_lifetime: Duration::from_secs(86_400),
        };
        Context::new(
            store,
            world.clock.clone(),
            world.entropy.clone(),
            ids,
            links,
            self.settings.clone(),
        )
    }
}

/// Asks for a webhook to be enabled again, if it is still there.
fn enable(id: WebhookId, oracle: &Oracle) -> Option<Asked> {
    let hook = oracle.hook(id).filter(|hook| hook.is_live())?;
    let wish = Wish::SetStatus {
        id,
        company: hook.company,
        status: heraldo_wire::api::WebhookStatus::Enabled,
    };
    Some(Asked { wish, key: None })
}

fn caller(company_id: CompanyId) -> Caller {
    Caller {
        company_id,
        actor: Actor::ApiKey(ApiKeyId::default()),
        testing: false,
    }
}

/// Whether the store refused, and so nothing was done that its client may count on.
fn is_the_stores(problem: &Problem) -> bool {
    problem.status() == 503
}

fn unexpected(problem: &Problem) -> Violation {
    Violation(format!("a use case answered what it must not: {problem}"))
}

fn some_events(world: &mut World) -> Vec<EventType> {
    let mut events: Vec<EventType> = EventType::ALL
        .into_iter()
        .filter(|_| world.dice.chance(700))
        .collect();
    if events.is_empty() {
        events.push(EventType::InspectionCompleted);
    }
    if world.dice.chance(400) {
        events.push(EventType::WebhookDisabled);
    }
    events
}

/// What must be in a change, and is not.
fn missing<T>(what: &str) -> Check<T> {
    violated(format!("a call writes something else than {what}"))
}
