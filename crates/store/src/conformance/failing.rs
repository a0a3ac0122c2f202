//! Facts about runs of failures, and about what is sent at once when one ends.

use heraldo_domain::change::Write;
use heraldo_domain::delivery::{Leased, Next, Settlement};
use heraldo_domain::health::{Failing, Turn, WebhookTurn};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Settled, StoreError};
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};

fn run_of(scene: &Scene<'_>, webhook: WebhookId) -> Option<Failing> {
    let other = WebhookId(scene.world.id());
    let found = block_on(scene.store.failing(vec![other, webhook])).unwrap();
    assert!(found.iter().all(|(id, _)| *id == webhook));
    found.first().map(|(_, run)| *run)
}

/// Writes outcomes in one group; each is a lease and a status.
fn settle(scene: &Scene<'_>, outcomes: &[(&Leased, u16)]) -> Vec<WebhookTurn> {
    let settlements: Vec<Settlement> = outcomes
        .iter()
        .map(|(leased, status)| scene.settlement(leased, *status, &RetryPolicy::default()))
        .collect();
    block_on(scene.store.settle(settlements)).unwrap().turns
}

pub fn a_run_of_failures_is_counted_until_a_success_ends_it(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (sick, well) = (scene.add_webhook(), scene.add_webhook());
    let leased = [(); 5].map(|()| scene.publish_leased(sick));
    let healthy = [(); 2].map(|()| scene.publish_leased(well));
    let turns = settle(&scene, &[(&leased[0], 500), (&healthy[0], 200)]);
    let first = run_of(&scene, sick).expect("a run");
    assert_eq!((first.attempts, first.several), (1, false));
    assert_eq!(first.first, leased[0].delivery_id);
    assert_eq!(turns, [(sick, Turn::Failing(first))]);

    let turns = settle(&scene, &[(&leased[1], 503), (&leased[2], 404)]);
    let longer = run_of(&scene, sick).expect("a run");
    assert_eq!((longer.attempts, longer.several), (3, true));
    assert_eq!((longer.since, longer.first), (first.since, first.first));
    assert_eq!(turns, [(sick, Turn::Failing(longer))]);

    let turns = settle(&scene, &[(&leased[3], 200), (&healthy[1], 204)]);
    assert_eq!(turns, [(sick, Turn::Recovered)]);
    assert_eq!(run_of(&scene, sick), None);
    assert_eq!(settle(&scene, &[(&leased[4], 200)]), []);
    assert_eq!(run_of(&scene, well), None);

    let again = [(); 2].map(|()| scene.publish_leased(sick));
    let turns = settle(&scene, &[(&again[0], 500), (&again[1], 200)]);
    assert_eq!(turns, [(sick, Turn::Recovered)], "all in one group");
    assert_eq!(run_of(&scene, sick), None);
}

pub fn a_run_survives_a_new_start(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = [(); 2].map(|()| scene.publish_leased(webhook));
    settle(&scene, &[(&leased[0], 500), (&leased[1], 500)]);
    let before = run_of(&scene, webhook);
    let (scene, _) = scene.crash();
    assert_eq!(run_of(&scene, webhook), before);
    assert_eq!(before.map(|run| run.attempts), Some(2));
}

pub fn outcomes_without_their_lease_tell_nothing(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = [(); 2].map(|()| scene.publish_leased(webhook));
    settle(&scene, &[(&leased[0], 500)]);
    let before = run_of(&scene, webhook);
    let (scene, _) = scene.crash();
    assert_eq!(settle(&scene, &[(&leased[1], 200)]), []);
    assert_eq!(settle(&scene, &[(&leased[1], 500)]), []);
    assert_eq!(run_of(&scene, webhook), before);
}

pub fn a_run_is_forgotten_on_request_and_with_its_webhook(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = [(); 3].map(|()| scene.publish_leased(webhook));
    settle(&scene, &[(&leased[0], 500)]);
    scene.write(Write::ForgetFailing(webhook)).unwrap();
    assert_eq!(run_of(&scene, webhook), None);
    // There is nothing to forget any more.
    scene.write(Write::ForgetFailing(webhook)).unwrap();

    settle(&scene, &[(&leased[1], 500)]);
    let company_id = scene.company;
    let id = webhook;
    scene
        .write(Write::DeleteWebhook { company_id, id })
        .unwrap();
    assert_eq!(run_of(&scene, webhook), None);
    settle(&scene, &[(&leased[2], 500)]);
    assert_eq!(
        run_of(&scene, webhook),
        None,
        "a deleted webhook leaves nothing behind"
    );
}

pub fn what_a_run_decided_is_written_while_that_run_goes_on(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = [(); 5].map(|()| scene.publish_leased(webhook));
    settle(&scene, &[(&leased[0], 500), (&leased[1], 500)]);
    let run = run_of(&scene, webhook).expect("a run");
    let expect = || scene.write(Write::ExpectFailing { webhook, run }).err();
    assert_eq!(expect(), None);
    settle(&scene, &[(&leased[2], 500)]);
    assert_eq!(expect(), None, "it is longer now, and the same");
    assert!(
        run_of(&scene, webhook).is_some_and(|now| now.attempts == 3),
        "expecting writes nothing"
    );

    settle(&scene, &[(&leased[3], 200)]);
    assert_eq!(expect(), Some(StoreError::Conflict), "it has ended");
    settle(&scene, &[(&leased[4], 500)]);
    assert_eq!(expect(), Some(StoreError::Conflict), "another has begun");
}

fn in_ms(scene: &Scene<'_>, ms: i64) -> Timestamp {
    Timestamp::from_millis(scene.now().as_millis() + ms)
}

pub fn waiting_retries_are_brought_forward_in_slices(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = [(); 5].map(|()| scene.publish_leased(webhook));
    for (leased, hours) in leased.iter().zip(1..) {
        let at = in_ms(&scene, hours * 3_600_000);
        scene.settle_to(leased, Next::RetryAt(at));
    }
    assert_eq!(scene.claim(webhook, epoch).leased, []);
    let now = scene.now();
    let bring = |limit| block_on(scene.store.bring_forward(webhook, now, limit)).unwrap();
    assert_eq!(bring(3), 3);
    let due: Vec<_> = scene.claim(webhook, epoch).leased;
    let ids = |leased: &[Leased]| leased.iter().map(|one| one.delivery_id).collect::<Vec<_>>();
    assert_eq!(ids(&due), ids(&leased[..3]), "the oldest first");
    assert_eq!((bring(3), bring(3)), (2, 0));
    assert_eq!(ids(&scene.claim(webhook, epoch).leased), ids(&leased[3..]));
}

pub fn nothing_but_waiting_retries_is_brought_forward(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    let later = in_ms(&scene, 3_600_000);
    let elsewhere = scene.publish_leased(other);
    scene.settle_to(&elsewhere, Next::RetryAt(later));
    let ended = scene.publish_leased(webhook);
    scene.settle_to(&ended, Next::Delivered);
    let under_way = scene.publish_leased(webhook);
    let soon = scene.now();
    let bring = block_on(scene.store.bring_forward(webhook, soon, 9));
    assert_eq!(bring.unwrap(), 0);
    assert_eq!(
        scene.delivery(elsewhere.delivery_id).next_attempt_at,
        Some(later)
    );
    assert_eq!(scene.delivery(ended.delivery_id).next_attempt_at, None);
    assert_eq!(scene.settle(&under_way, 200), Settled::Written);
}
