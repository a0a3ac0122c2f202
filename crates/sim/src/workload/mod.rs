//! The workload: a few companies that run inspections, publish events and change their webhooks, through the
//! real use cases; each answer is told to the oracle.

mod inspections;
mod webhooks;

use std::collections::BTreeMap;
use std::time::Duration;

use heraldo_domain::account::Caller;
use heraldo_domain::change::Actor;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_domain::ops::{Context, Settings};
use heraldo_domain::webhook::Defaults;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{ApiKeyId, CompanyId, InspectionId, WebhookId};
use heraldo_wire::problem::Problem;
use heraldo_wire::time::Timestamp;

use crate::oracle::Oracle;
use crate::server::Server;
use crate::world::{Check, Violation, World, violated, wait_for};

/// Wrong access codes until an inspection is blocked.
const ACCESS_ATTEMPTS_MAX: u32 = 3;

#[derive(Debug)]
pub struct Workload {
    pub companies: Vec<CompanyId>,
    inspections: BTreeMap<InspectionId, Seen>,
    /// Inspections that run elsewhere: how many events each company published about them.
    elsewhere: BTreeMap<(CompanyId, InspectionId), u32>,
    settings: Settings,
    /// Made so far: each has a host of its own, by which the model tells whom a request goes to.
    receivers: u32,
    repeats: u64,
    /// Few inspections have most of the events, so that many of one wait for each other.
    few: bool,
    /// Paused a moment ago: as often as not it is enabled again before everybody has heard of it.
    flapping: Option<WebhookId>,
}

/// An inspection as a client knows it.
#[derive(Debug, Clone)]
struct Seen {
    company: CompanyId,
    stage: Stage,
    events: u32,
    expires_at: Timestamp,
    /// `None` before the first review.
    approved: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Created { wrong: u32 },
    Started { wrong: u32 },
    Completed,
    Blocked,
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
}

const ACTS: [(u64, Act); 13] = [
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
];

impl Workload {
    #[must_use]
    pub fn new(world: &mut World, webhook_defaults: Defaults) -> Self {
        let settings = Settings {
            inspection_lifetime: Duration::from_secs(world.dice.between(20, 600)),
            access_attempts_max: ACCESS_ATTEMPTS_MAX,
            allow_networks: Vec::new(),
            webhook_defaults,
            webhooks_per_company_max: 6,
            publish_events_max: 10,
            idempotency_lifetime: Duration::from_secs(86_400),
            ..Settings::default()
        };
        Self {
            companies: Vec::new(),
            inspections: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            settings,
            receivers: 0,
            repeats: 0,
            few: world.dice.chance(400),
            flapping: None,
        }
    }

    /// Two or three companies with some webhooks each, without any fault.
    ///
    /// # Errors
    /// When a use case refuses.
    pub fn begin(&mut self, server: &Server, world: &mut World, oracle: &mut Oracle) -> Check {
        let faults = std::mem::take(&mut world.faults);
        for number in 0..world.dice.between(2, 3) {
            let context = self.context(server, world);
            let name = format!("company {number}");
            let made = wait_for(create_company(&context, &name, Person::default()))?;
            let company = made.map_err(|problem| unexpected(&problem))?.company_id;
            self.companies.push(company);
            for _ in 0..world.dice.between(1, 3) {
                self.create_webhook(company, server, world, oracle)?;
            }
        }
        world.faults = faults;
        Ok(())
    }

    /// One call of some client.
    ///
    /// # Errors
    /// When it is answered as it must not be.
    pub fn act(&mut self, server: &Server, world: &mut World, oracle: &mut Oracle) -> Check {
        let Some(company) = world.dice.pick(&self.companies).copied() else {
            return Ok(());
        };
        let Some(act) = world.dice.weighted(&ACTS) else {
            return Ok(());
        };
        if world.dice.chance(150)
            && let Some(id) = self.flapping.take()
        {
            return self.enable(id, server, world, oracle);
        }
        server.engine.maybe_fail(world)?;
        match act {
            Act::Create => self.create(company, server, world, oracle),
            Act::EnterCode => self.enter_code(server, world, oracle),
            Act::Finish => self.finish(server, world, oracle),
            Act::Review => self.review(server, world, oracle),
            Act::Publish => self.publish(company, server, world, oracle),
            Act::Expire => self.expire(server, world, oracle),
            Act::CreateWebhook => self.create_webhook(company, server, world, oracle),
            Act::SetStatus => self.set_status(server, world, oracle),
            Act::ChangeWebhook => self.change_webhook(server, world, oracle),
            Act::DeleteWebhook => self.delete_webhook(server, world, oracle),
            Act::Rotate => self.rotate(server, world, oracle),
            Act::Resend => self.resend(company, server, world, oracle),
            Act::Test => self.test(server, world, oracle),
        }
    }

    fn context(&self, server: &Server, world: &World) -> Context {
        let links = Links {
            public_url: "https://heraldo.example".to_owned(),
            key: LinkKey([7; 32]),
            file_lifetime: Duration::from_secs(86_400),
        };
        Context::new(
            server.engine.shared(),
            world.clock.clone(),
            world.entropy.clone(),
            server.ids(),
            links,
            self.settings.clone(),
        )
    }
}

fn caller(company_id: CompanyId) -> Caller {
    Caller {
        company_id,
        actor: Actor::ApiKey(ApiKeyId::default()),
        testing: false,
    }
}

/// Whether the store refused, and so nothing was done. Any other problem was expected by its caller.
fn is_the_stores(problem: &Problem) -> bool {
    problem.status() == 503
}

fn unexpected(problem: &Problem) -> Violation {
    Violation(format!("a use case answered what it must not: {problem}"))
}

/// `Ok(None)`: the store refused, and nothing was done.
fn answered<T>(answer: Result<T, Problem>, world: &World) -> Check<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(problem) if is_the_stores(&problem) => {
            world.note(format_args!("refused: {}", problem.code));
            Ok(None)
        }
        Err(problem) => Err(unexpected(&problem)),
    }
}

fn some_events(world: &mut World) -> Vec<EventType> {
    let mut events: Vec<EventType> = EventType::ALL
        .into_iter()
        .filter(|_| world.dice.chance(700))
        .collect();
    if events.is_empty() {
        events.push(EventType::InspectionCompleted);
    }
    events
}

fn text_of(answer: &serde_json::Value, key: &str) -> Check<String> {
    match answer.get(key).and_then(serde_json::Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => violated(format!("an answer has no `{key}`: {answer}")),
    }
}

fn json_of(body: &[u8]) -> Check<serde_json::Value> {
    serde_json::from_slice(body)
        .map_err(|error| Violation(format!("an answer is not JSON: {error}")))
}

fn id_of<T: std::str::FromStr>(text: &str) -> Check<T> {
    text.parse()
        .map_err(|_| Violation(format!("an answer holds `{text}`, which is no id")))
}
