//! Webhooks that are made, changed, paused, disabled and deleted under load; resends and samples.

use std::time::Duration;

use heraldo_domain::change::Write;
use heraldo_domain::query::{DeliveryFilter, Page};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::{
    CreateWebhookRequest, Ordering, Patch, UpdateWebhookRequest, WebhookStatus,
};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::time::HumanDuration;

use super::calls::{Call, Did, Heard};
use super::{Clients, Wish, missing, some_events};
use crate::engine::Engine;
use crate::oracle::{Accepted, Created, Hook, Oracle};
use crate::world::{Check, World, violated, wait_for};

const STATUSES: [(u64, WebhookStatus); 3] = [
    (60, WebhookStatus::Enabled),
    (25, WebhookStatus::Paused),
    (15, WebhookStatus::Disabled),
];

impl Clients {
    pub(super) fn create_webhook(&mut self, company: CompanyId, world: &mut World) -> Wish {
        let events = some_events(world);
        let status = if world.dice.chance(100) {
            WebhookStatus::Paused
        } else {
            WebhookStatus::Enabled
        };
        let ordering = any_ordering(world);
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
        Wish::CreateWebhook {
            company,
            authority,
            events,
            status,
            in_force: ordering.unwrap_or(self.settings.webhook_defaults.ordering),
            request: Box::new(request),
        }
    }

    pub(super) fn set_status(&mut self, oracle: &Oracle, world: &mut World) -> Option<Wish> {
        let (id, company) = any_hook(oracle, world)?;
        let status = world.dice.weighted(&STATUSES)?;
        self.flapping = (status != WebhookStatus::Enabled).then_some(id);
        Some(Wish::SetStatus {
            id,
            company,
            status,
        })
    }

    /// What a call about webhooks wrote is stored.
    pub(super) fn webhook_stored(&mut self, call: &Call, heard: &mut Heard<'_>) -> Check<Did> {
        let turn = heard.world.turn;
        match &call.asked.wish {
            Wish::CreateWebhook {
                company,
                authority,
                events,
                status,
                in_force,
                ..
            } => {
                let [Write::CreateWebhook(made)] = heard.change.writes.as_slice() else {
                    return missing("a webhook");
                };
                if made.company_id != *company
                    || made.settings.status != *status
                    || made.settings.events != *events
                {
                    return violated("another webhook was made than was asked for");
                }
                let name = heard.world.webhook(made.id);
                let of = heard.world.company(*company);
                heard.world.note(format_args!(
                    "webhook: {name} of {of} is {status}, {in_force}"
                ));
                let created = Created {
                    company: *company,
                    status: *status,
                    events: events.clone(),
                    ordering: *in_force,
                    secret: made.secrets.current.clone(),
                    authority: authority.clone(),
                };
                heard.oracle.webhook_created(made.id, created, turn);
            }
            Wish::SetStatus {
                id,
                company,
                status,
            } => {
                let made = updated(*id, heard)?;
                let was = heard.oracle.hook(*id).and_then(|hook| hook.status);
                if made.settings.status != *status {
                    return violated("a webhook was set to another status than was asked for");
                }
                let name = heard.world.webhook(*id);
                heard
                    .world
                    .note(format_args!("webhook: {name} is set to {status}"));
                heard.oracle.webhook_status(*id, Some(*status), turn);
                let tells = *status == WebhookStatus::Disabled && was != Some(*status);
                if tells {
                    let (made, reads) = (heard.change.events.first(), heard.reads);
                    heard
                        .oracle
                        .told_disabled(*id, *company, made, reads, heard.world)?;
                }
                return no_more(usize::from(tells), heard);
            }
            Wish::ChangeWebhook {
                id,
                events,
                ordering,
                ..
            } => {
                let made = updated(*id, heard)?;
                let name = heard.world.webhook(*id);
                let hook = heard.oracle.hook(*id);
                let is_lost = |hook: &Hook| {
                    let expected = events.as_ref().unwrap_or(&hook.events);
                    hook.status != Some(made.settings.status) || made.settings.events != *expected
                };
                if hook.is_none_or(is_lost) {
                    return violated(format!("what {name} was set to before is lost"));
                }
                heard.world.note(format_args!("webhook: {name} is changed"));
                let server = self.settings.webhook_defaults.ordering;
                let in_force = ordering.map(|ordering| ordering.unwrap_or(server));
                heard
                    .oracle
                    .webhook_changed(*id, events.clone(), in_force, turn);
            }
            Wish::DeleteWebhook { id, .. } => {
                if !matches!(heard.change.writes.as_slice(), [Write::DeleteWebhook { id: gone, .. }] if gone == id)
                {
                    return missing("that a webhook is deleted");
                }
                let name = heard.world.webhook(*id);
                heard.world.note(format_args!("webhook: {name} is deleted"));
                heard.oracle.webhook_status(*id, None, turn);
            }
            Wish::Rotate {
                id,
                overlap_seconds,
                ..
            } => {
                let made = updated(*id, heard)?;
                let overlap = Duration::from_secs(overlap_seconds.unwrap_or(0));
                let now = heard.world.now();
                let previous = made.secrets.previous.as_ref();
                let until = previous.map_or(now, |previous| previous.valid_until);
                if until < call.began_at.plus(overlap) || until > now.plus(overlap) {
                    return violated("a secret stays valid for longer or shorter than asked for");
                }
                let name = heard.world.webhook(*id);
                heard.world.note(format_args!(
                    "webhook: {name} has a new secret, overlap {overlap:?}"
                ));
                let secret = made.secrets.current.clone();
                heard
                    .oracle
                    .webhook_rotated(*id, secret.clone(), until, turn);
                no_more(0, heard)?;
                return Ok(Did::Rotated(secret));
            }
            Wish::Resend { place, .. } => {
                if !matches!(heard.change.writes.as_slice(), [Write::Resend { .. }]) {
                    return missing("one more attempt");
                }
                may_be_sent(place.0, heard)?;
                heard.oracle.asked(*place, heard.world)?;
            }
            Wish::Test { id, company, event } => {
                let [made] = heard.change.events.as_slice() else {
                    return missing("a sample");
                };
                may_be_sent(*id, heard)?;
                let accepted = Accepted {
                    company: *company,
                    inspection: made.inspection_id,
                    event_type: *event,
                    sequence: 1,
                };
                heard
                    .oracle
                    .accepted_test(accepted, made, *id, heard.world)?;
                return Ok(Did::Wish);
            }
            Wish::Create { .. }
            | Wish::EnterCode { .. }
            | Wish::Finish { .. }
            | Wish::Review { .. }
            | Wish::Publish { .. }
            | Wish::Recover { .. }
            | Wish::CancelRecovery { .. }
            | Wish::Expire => return missing("what was asked for"),
        }
        no_more(0, heard)
    }
}

/// The webhook that a change replaces.
fn updated<'a>(id: WebhookId, heard: &Heard<'a>) -> Check<&'a Webhook> {
    let change = heard.change;
    let found = change.writes.iter().find_map(|write| match write {
        Write::UpdateWebhook(webhook) if webhook.id == id => Some(webhook),
        _ => None,
    });
    found.map_or_else(|| missing("a webhook as it is now"), Ok)
}

/// A change has so many events.
fn no_more(events: usize, heard: &Heard<'_>) -> Check<Did> {
    if heard.change.events.len() == events {
        Ok(Did::Wish)
    } else {
        missing("what was asked for")
    }
}

/// Whoever decided it looked at the webhook when it was neither disabled nor deleted.
fn may_be_sent(webhook: WebhookId, heard: &Heard<'_>) -> Check {
    let hook = heard.oracle.hook(webhook);
    let was_live = |hook: &Hook| heard.reads.iter().any(|turn| !hook.was_ended_at(*turn));
    if hook.is_some_and(was_live) {
        Ok(())
    } else {
        violated("an attempt was promised to a webhook that is disabled or deleted")
    }
}

pub(super) fn change(oracle: &Oracle, world: &mut World) -> Option<Wish> {
    let (id, company) = any_hook(oracle, world)?;
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
    Some(Wish::ChangeWebhook {
        id,
        company,
        events,
        ordering,
        request: Box::new(request),
    })
}

pub(super) fn delete(oracle: &Oracle, world: &mut World) -> Option<Wish> {
    let (id, company) = any_hook(oracle, world)?;
    Some(Wish::DeleteWebhook { id, company })
}

pub(super) fn rotate(oracle: &Oracle, world: &mut World) -> Option<Wish> {
    let (id, company) = any_hook(oracle, world)?;
    let overlap_seconds = world.dice.chance(700).then(|| world.dice.between(0, 60));
    Some(Wish::Rotate {
        id,
        company,
        overlap_seconds,
    })
}

pub(super) fn resend(
    company: CompanyId,
    engine: &Engine,
    world: &mut World,
) -> Check<Option<Wish>> {
    let page = Page {
        limit: 40,
        before: None,
    };
    let found = wait_for(engine.deliveries(company, DeliveryFilter::default(), page))?;
    let found = found.unwrap_or_default();
    let Some(record) = world.dice.pick(&found) else {
        return Ok(None);
    };
    let Some(place) = Oracle::place_of(&**engine, company, record.id)? else {
        return violated("a delivery is listed and cannot be read");
    };
    Ok(Some(Wish::Resend {
        company,
        delivery: record.id,
        place,
    }))
}

pub(super) fn test(oracle: &Oracle, world: &mut World) -> Option<Wish> {
    let (id, company) = any_hook(oracle, world)?;
    let event = world.dice.pick(&EventType::ALL).copied();
    Some(Wish::Test {
        id,
        company,
        event: event.unwrap_or(EventType::InspectionCreated),
    })
}

pub(super) fn any_hook(oracle: &Oracle, world: &mut World) -> Option<(WebhookId, CompanyId)> {
    let live: Vec<_> = oracle
        .live_hooks()
        .map(|(id, hook)| (id, hook.company))
        .collect();
    world.dice.pick(&live).copied()
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
