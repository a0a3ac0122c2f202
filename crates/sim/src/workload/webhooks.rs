//! Webhooks that are made, changed, paused, disabled and deleted under load; resends and samples.

use std::time::Duration;

use heraldo_domain::ops::deliveries::{resend, test_webhook};
use heraldo_domain::ops::webhooks::{
    create_webhook, delete_webhook, rotate_secret, update_webhook,
};
use heraldo_domain::query::{DeliveryFilter, Page};
use heraldo_wire::api::{
    CreateWebhookRequest, Ordering, Patch, RotateSecretRequest, UpdateWebhookRequest, WebhookStatus,
};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::problem::ProblemCode;
use heraldo_wire::time::HumanDuration;

use super::{
    Workload, answered, caller, id_of, is_the_stores, json_of, some_events, text_of, unexpected,
};
use crate::oracle::{Accepted, Created, Hook, Oracle};
use crate::server::Server;
use crate::world::{Check, World, violated, wait_for};

const STATUSES: [(u64, WebhookStatus); 3] = [
    (60, WebhookStatus::Enabled),
    (25, WebhookStatus::Paused),
    (15, WebhookStatus::Disabled),
];

impl Workload {
    pub(super) fn create_webhook(
        &mut self,
        company: CompanyId,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let events = some_events(world);
        let status = if world.dice.chance(100) {
            WebhookStatus::Paused
        } else {
            WebhookStatus::Enabled
        };
        let ordering = any_ordering(world);
        let in_force = ordering.unwrap_or(self.settings.webhook_defaults.ordering);
        self.receivers += 1;
        let authority = format!("receiver-{}.example", self.receivers);
        let request = CreateWebhookRequest {
            events: names(&events),
            endpoint: format!("https://{authority}/events"),
            status: Some(status),
            ordering,
            retry_schedule: world.dice.chance(600).then(|| waits(world)),
            timeout_ms: world
                .dice
                .chance(700)
                .then(|| world.dice.between(100, 15_000)),
            concurrency: concurrency(world),
            rate_per_second: rate(world),
            retry_on_recovery: Some(world.dice.chance(400)),
            ..CreateWebhookRequest::default()
        };
        let context = self.context(server, world);
        let answer = match wait_for(create_webhook(&context, &caller(company), request, None))? {
            Err(problem) if problem.code == ProblemCode::LimitReached => return Ok(()),
            answer => answered(answer, world)?,
        };
        let Some(answer) = answer else { return Ok(()) };
        let id: WebhookId = id_of(&text_of(&json_of(&answer.body)?, "_id")?)?;
        let name = world.webhook(id);
        let of = world.company(company);
        world.note(format_args!(
            "webhook: {name} of {of} is {status}, {in_force}"
        ));
        let Ok(Some(stored)) = wait_for(server.engine.webhook(id))? else {
            return violated("a webhook that was created is not in the store");
        };
        let made = Created {
            company,
            status,
            events,
            ordering: in_force,
            secret: stored.secrets.current.clone(),
            authority,
        };
        oracle.webhook_created(id, made, world.turn);
        Ok(())
    }

    pub(super) fn set_status(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, hook)) = any_hook(oracle, world) else {
            return Ok(());
        };
        let Some(status) = world.dice.weighted(&STATUSES) else {
            return Ok(());
        };
        self.flapping = (status != WebhookStatus::Enabled).then_some(id);
        self.put_status(id, hook.company, status, server, world, oracle)
    }

    /// Enables a webhook again, if it is still there.
    pub(super) fn enable(
        &mut self,
        id: WebhookId,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        match oracle
            .hook(id)
            .filter(|hook| hook.status.is_some())
            .map(|hook| hook.company)
        {
            Some(company) => {
                self.put_status(id, company, WebhookStatus::Enabled, server, world, oracle)
            }
            None => Ok(()),
        }
    }

    fn put_status(
        &mut self,
        id: WebhookId,
        company: CompanyId,
        status: WebhookStatus,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let request = UpdateWebhookRequest {
            status: Some(status),
            ..UpdateWebhookRequest::default()
        };
        if self.update(id, company, request, server, world)? {
            let name = world.webhook(id);
            world.note(format_args!("webhook: {name} is set to {status}"));
            let was = oracle.hook(id).and_then(|hook| hook.status);
            oracle.webhook_status(id, Some(status), world.turn);
            if status == WebhookStatus::Disabled && was != Some(status) {
                oracle.told_disabled(id, company, world)?;
            }
        }
        Ok(())
    }

    /// Enables everything that is paused, so that nothing is kept back at the end.
    ///
    /// # Errors
    /// When a use case refuses.
    pub fn resume_all(&mut self, server: &Server, world: &mut World, oracle: &mut Oracle) -> Check {
        let paused: Vec<(WebhookId, CompanyId)> = oracle
            .live_hooks()
            .filter(|(_, hook)| hook.status == Some(WebhookStatus::Paused))
            .map(|(id, hook)| (id, hook.company))
            .collect();
        for (id, company) in paused {
            self.put_status(id, company, WebhookStatus::Enabled, server, world, oracle)?;
        }
        Ok(())
    }

    fn update(
        &self,
        id: WebhookId,
        company: CompanyId,
        request: UpdateWebhookRequest,
        server: &Server,
        world: &World,
    ) -> Check<bool> {
        let context = self.context(server, world);
        let answer = wait_for(update_webhook(&context, &caller(company), id, request))?;
        Ok(answered(answer, world)?.is_some())
    }

    pub(super) fn change_webhook(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, hook)) = any_hook(oracle, world) else {
            return Ok(());
        };
        let events = world.dice.chance(500).then(|| some_events(world));
        let ordering = world.dice.chance(200).then(|| any_ordering(world));
        let mut request = UpdateWebhookRequest {
            events: events.as_deref().map(names),
            concurrency: concurrency(world).map_or(Patch::Null, Patch::Set),
            rate_per_second: rate(world).map_or(Patch::Null, Patch::Set),
            ..UpdateWebhookRequest::default()
        };
        if world.dice.chance(300) {
            request.retry_schedule = Patch::Set(waits(world));
        }
        if let Some(ordering) = ordering {
            request.ordering = ordering.map_or(Patch::Null, Patch::Set);
        }
        if !self.update(id, hook.company, request, server, world)? {
            return Ok(());
        }
        let name = world.webhook(id);
        world.note(format_args!("webhook: {name} is changed"));
        if let Some(events) = events {
            oracle.webhook_events(id, events);
        }
        if let Some(ordering) = ordering {
            let in_force = ordering.unwrap_or(self.settings.webhook_defaults.ordering);
            oracle.webhook_ordering(id, in_force);
        }
        Ok(())
    }

    pub(super) fn delete_webhook(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, hook)) = any_hook(oracle, world) else {
            return Ok(());
        };
        let context = self.context(server, world);
        let answer = wait_for(delete_webhook(&context, &caller(hook.company), id))?;
        if answered(answer, world)?.is_some() {
            let name = world.webhook(id);
            world.note(format_args!("webhook: {name} is deleted"));
            oracle.webhook_status(id, None, world.turn);
        }
        Ok(())
    }

    pub(super) fn rotate(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, hook)) = any_hook(oracle, world) else {
            return Ok(());
        };
        let context = self.context(server, world);
        let seconds = world.dice.chance(700).then(|| world.dice.between(0, 60));
        let request = RotateSecretRequest {
            overlap_seconds: seconds,
        };
        let rotated = wait_for(rotate_secret(&context, &caller(hook.company), id, request))?;
        if let Some(answer) = answered(rotated, world)? {
            let overlap = Duration::from_secs(seconds.unwrap_or(0));
            let name = world.webhook(id);
            world.note(format_args!(
                "webhook: {name} has a new secret, overlap {overlap:?}"
            ));
            oracle.webhook_rotated(id, answer.secret, overlap, world);
        }
        Ok(())
    }

    pub(super) fn resend(
        &mut self,
        company: CompanyId,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let page = Page {
            limit: 40,
            before: None,
        };
        let found = wait_for(
            server
                .engine
                .deliveries(company, DeliveryFilter::default(), page),
        )?;
        let found = found.unwrap_or_default();
        let Some(record) = world.dice.pick(&found) else {
            return Ok(());
        };
        let Some(place) = Oracle::place_of(&**server.engine, company, record.id)? else {
            return violated("a delivery is listed and cannot be read");
        };
        let ended = oracle.hook(record.webhook_id).is_none_or(Hook::is_ended);
        let context = self.context(server, world);
        match wait_for(resend(&context, &caller(company), record.id))? {
            Ok(_) if !ended => oracle.asked(place, world),
            Err(problem) if ended && problem.code == ProblemCode::Conflict => Ok(()),
            Err(problem) if is_the_stores(&problem) => Ok(()),
            Err(problem) => Err(unexpected(&problem)),
            Ok(_) => violated("a resend to a webhook that is disabled or deleted was promised"),
        }
    }

    pub(super) fn test(
        &mut self,
        server: &Server,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check {
        let Some((id, hook)) = any_hook(oracle, world) else {
            return Ok(());
        };
        let event = world
            .dice
            .pick(&EventType::ALL)
            .copied()
            .unwrap_or(EventType::InspectionCreated);
        let context = self.context(server, world);
        let answer = wait_for(test_webhook(
            &context,
            &caller(hook.company),
            id,
            event.as_str(),
        ))?;
        if hook.is_ended() {
            return match answer {
                Err(problem) if problem.code == ProblemCode::Conflict => Ok(()),
                Err(problem) => Err(unexpected(&problem)),
                Ok(_) => violated("a sample to a disabled webhook was promised"),
            };
        }
        let Some(answer) = answered(answer, world)? else {
            return Ok(());
        };
        let place = Oracle::place_of(&**server.engine, hook.company, answer.delivery_id)?;
        let Some((_, inspection, sequence)) = place else {
            return violated("a sample was promised that is not in the store");
        };
        let accepted = Accepted {
            company: hook.company,
            inspection,
            event_type: event,
            sequence,
        };
        oracle.accepted_test(accepted, id, world)
    }
}

fn any_hook(oracle: &Oracle, world: &mut World) -> Option<(WebhookId, Hook)> {
    let live: Vec<WebhookId> = oracle.live_hooks().map(|(id, _)| id).collect();
    let id = *world.dice.pick(&live)?;
    oracle.hook(id).map(|hook| (id, hook.clone()))
}

fn names(events: &[EventType]) -> Vec<String> {
    events
        .iter()
        .map(|event| event.as_str().to_owned())
        .collect()
}

fn waits(world: &mut World) -> Vec<HumanDuration> {
    let count = world.dice.up_to(3);
    (0..count)
        .map(|_| HumanDuration(Duration::from_millis(world.dice.between(0, 40_000))))
        .collect()
}

/// `None`: the server's.
fn any_ordering(world: &mut World) -> Option<Ordering> {
    let orderings = [
        (40, Some(Ordering::Inspection)),
        (30, Some(Ordering::Strict)),
        (15, Some(Ordering::None)),
        (15, None),
    ];
    world.dice.weighted(&orderings).flatten()
}

fn rate(world: &mut World) -> Option<u32> {
    world
        .dice
        .chance(300)
        .then(|| if world.dice.chance(500) { 1 } else { 4 })
}

fn concurrency(world: &mut World) -> Option<u32> {
    world
        .dice
        .chance(500)
        .then(|| if world.dice.chance(600) { 1 } else { 3 })
}
