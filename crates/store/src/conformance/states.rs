//! What webhooks were set to when an event was made.

use heraldo_domain::change::Write;
use heraldo_domain::explain::{WEBHOOK_STATES_KEPT_MAX, WebhookState};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};

/// Changes a webhook a second later.
fn change(scene: &Scene<'_>, id: WebhookId, change: impl FnOnce(&mut Webhook)) -> Timestamp {
    scene.world.clock.step(1_000);
    let stored = block_on(scene.store.webhook(id)).unwrap().unwrap();
    let mut next = Webhook::clone(&stored);
    next.version += 1;
    next.updated_at = scene.now();
    change(&mut next);
    scene.write(Write::UpdateWebhook(next)).unwrap();
    scene.now()
}

fn states(scene: &Scene<'_>, ids: &[WebhookId], at: Timestamp) -> Vec<WebhookState> {
    block_on(scene.store.webhook_states(ids.to_vec(), at)).unwrap()
}

fn statuses(states: &[WebhookState]) -> Vec<WebhookStatus> {
    states.iter().map(|state| state.status).collect()
}

pub fn the_states_around_a_moment_are_found(harness: &dyn Harness) {
    use WebhookStatus::{Disabled, Enabled, Paused};
    let (scene, _) = Scene::new(harness);
    let webhook = scene.webhook();
    let id = webhook.id;
    let before = Timestamp::from_millis(scene.now().as_millis() - 1);
    scene.write(Write::CreateWebhook(webhook.clone())).unwrap();
    let set = |status| change(&scene, id, move |next| next.settings.status = status);
    let created = scene.now();
    // What decides on no event is not noted.
    change(&scene, id, |next| next.settings.timeout_ms = Some(100));
    let paused = set(Paused);
    let disabled = set(Disabled);
    let renamed = change(&scene, id, |next| {
        next.settings.events = vec![EventType::InspectionBlocked];
    });
    let (scene, _) = scene.crash();
    let check = |at, expected: &[WebhookStatus]| {
        assert_eq!(statuses(&states(&scene, &[id], at)), expected);
    };
    check(before, &[Enabled]);
    check(created, &[Enabled, Paused]);
    check(paused, &[Enabled, Paused, Disabled]);
    check(disabled, &[Paused, Disabled, Disabled]);
    check(renamed, &[Disabled, Disabled]);
    let newest = states(&scene, &[id], renamed).pop().unwrap();
    assert_eq!((newest.since, newest.version), (renamed, 5));
    assert_eq!(newest.events, [EventType::InspectionBlocked]);
    let other = scene.add_webhook();
    let of_both: Vec<WebhookId> = states(&scene, &[other, id], scene.now())
        .iter()
        .map(|state| state.webhook_id)
        .collect();
    assert_eq!(of_both, [other, id, id]);
    scene
        .write(Write::DeleteWebhook {
            company_id: scene.company,
            id,
        })
        .unwrap();
    assert_eq!(states(&scene, &[id], scene.now()), []);
}

pub fn only_the_newest_states_are_kept(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let id = scene.add_webhook();
    let created = scene.now();
    let flip = |next: &mut Webhook| {
        next.settings.status = match next.settings.status {
            WebhookStatus::Enabled => WebhookStatus::Paused,
            WebhookStatus::Paused | WebhookStatus::Disabled => WebhookStatus::Enabled,
        };
    };
    for _ in 1..WEBHOOK_STATES_KEPT_MAX {
        change(&scene, id, flip);
    }
    assert_eq!(states(&scene, &[id], created).len(), 2);
    let last = change(&scene, id, flip);
    assert_eq!(states(&scene, &[id], created).len(), 1);
    assert_eq!(states(&scene, &[id], last).len(), 2);
}
