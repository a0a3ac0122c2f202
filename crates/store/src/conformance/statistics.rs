//! What is counted of events and attempts, and what is pending.

use heraldo_domain::change::{Change, Write};
use heraldo_domain::delivery::Next;
use heraldo_domain::statistics::{Backlog, Figures, Statistic, StatisticsQuery, Whose, kept_for};
use heraldo_domain::store::Settled;
use heraldo_wire::api::{Resolution, WebhookStatus};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::id::{InspectionId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};

const MINUTE_MS: i64 = 60_000;

fn read(scene: &Scene<'_>, whose: Whose, resolution: Resolution) -> Vec<Statistic> {
    let query = StatisticsQuery {
        whose,
        resolution,
        from: Timestamp::from_millis(scene.now().as_millis() - 20 * MINUTE_MS),
        to: Timestamp::from_millis(scene.now().as_millis() + MINUTE_MS),
    };
    block_on(scene.store.statistics(scene.company, query)).unwrap()
}

/// The figures of the only bucket in which something happened.
fn figures(scene: &Scene<'_>, whose: Whose) -> Figures {
    let mut found = read(scene, whose, Resolution::Hour);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).figures
}

fn pending(scene: &Scene<'_>) -> Vec<(WebhookId, u64)> {
    let backlog = block_on(scene.store.backlog(scene.company)).unwrap();
    let measured = scene.store.measures().pending;
    let listed: Vec<_> = backlog
        .iter()
        .map(|of| (of.webhook_id, of.pending))
        .collect();
    assert_eq!(listed, measured, "one company has them all");
    listed
}

pub fn attempts_are_counted_by_webhook_and_company_in_their_buckets(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (one, other) = (scene.add_webhook(), scene.add_webhook());
    scene.settle(&scene.publish_leased(one), 200);
    scene.settle(&scene.publish_leased(one), 500);
    scene.settle_to(&scene.publish_leased(other), Next::Failed);
    scene.world.clock.step(2 * MINUTE_MS);
    scene.settle(&scene.publish_leased(one), 204);

    let minutes = read(&scene, Whose::Webhook(one), Resolution::Minute);
    let delivered: Vec<_> = minutes.iter().map(|of| of.figures.delivered).collect();
    assert_eq!(delivered, [1, 1]);
    assert_eq!(
        minutes[1].start.as_millis() - minutes[0].start.as_millis(),
        2 * MINUTE_MS
    );
    assert!(minutes.iter().all(|of| of.webhook_id == Some(one)));

    let of_one = figures(&scene, Whose::Webhook(one));
    assert_eq!(
        (of_one.events, of_one.delivered, of_one.failed()),
        (3, 2, 1)
    );
    assert_eq!((of_one.given_up, of_one.duration.sum_ms()), (0, 3 * 12));
    assert_eq!(of_one.latency.percentile(50), Some(12));
    let status = of_one
        .failed
        .iter()
        .find(|(of, _)| *of == ErrorClass::Status);
    assert_eq!(status, Some((ErrorClass::Status, 1)));

    let whole = figures(&scene, Whose::Company);
    assert_eq!((whole.events, whole.delivered, whole.failed()), (4, 2, 2));
    assert_eq!((whole.given_up, whole.duration.count()), (1, 4));
    let each = read(&scene, Whose::EachWebhook, Resolution::Day);
    let each: Vec<_> = each
        .iter()
        .map(|of| (of.webhook_id, of.figures.events))
        .collect();
    assert_eq!(each, [(Some(one), 3), (Some(other), 1)]);
}

pub fn events_are_counted_once_for_the_company_and_once_for_each_webhook(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhooks = [scene.add_webhook(), scene.add_webhook()];
    let event = scene.event(InspectionId(scene.world.id()), &webhooks);
    let unheard = scene.event(InspectionId(scene.world.id()), &[]);
    let events = vec![event, unheard];
    scene
        .commit(Change {
            events,
            ..Change::default()
        })
        .unwrap();
    assert_eq!(figures(&scene, Whose::Company).events, 2);
    for webhook in webhooks {
        assert_eq!(figures(&scene, Whose::Webhook(webhook)).events, 1);
    }
}

pub fn a_failed_change_and_a_lost_lease_count_nothing(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let leased = scene.publish_leased(webhook);
    let taken = scene.inspection("AB123");
    scene
        .write(Write::CreateInspection(Box::new(taken.clone())))
        .unwrap();
    let events = vec![scene.event(InspectionId(scene.world.id()), &[webhook])];
    let failing = Change {
        writes: vec![Write::CreateInspection(Box::new(taken))],
        events,
        ..Change::default()
    };
    scene.commit(failing).unwrap_err();
    assert_eq!(scene.settle(&leased, 200), Settled::Written);
    assert_eq!(scene.settle(&leased, 200), Settled::LeaseLost);
    let counted = figures(&scene, Whose::Company);
    assert_eq!((counted.events, counted.delivered), (1, 1));
    assert_eq!(pending(&scene), []);
}

pub fn figures_survive_a_graceful_stop(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.settle(&scene.publish_leased(webhook), 200);
    block_on(scene.store.close()).unwrap();
    let (scene, _) = scene.crash();
    assert_eq!(figures(&scene, Whose::Webhook(webhook)).delivered, 1);
    scene.settle(&scene.publish_leased(webhook), 200);
    assert_eq!(figures(&scene, Whose::Webhook(webhook)).delivered, 2);
    assert_eq!(
        scene.store.measures().totals.delivered,
        1,
        "since the start"
    );
}

pub fn figures_are_forgotten_when_they_were_kept_long_enough(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let begun = scene.now();
    scene.settle(&scene.publish_leased(webhook), 200);
    scene.world.clock.step(MINUTE_MS);
    scene.settle(&scene.publish_leased(webhook), 200);
    let after = |resolution| begun.plus(kept_for(resolution)).as_millis() + MINUTE_MS;
    let rows = |resolution| read(&scene, Whose::Company, resolution).len();
    // Figures that wait to be written are, by the reading.
    assert_eq!(rows(Resolution::Minute), 2);
    let forget = |now, limit| {
        block_on(
            scene
                .store
                .forget_expired(Timestamp::from_millis(now), limit),
        )
        .unwrap()
    };
    assert_eq!(forget(after(Resolution::Minute) - 2 * MINUTE_MS, 9), 0);
    let now = after(Resolution::Minute);
    assert_eq!([3, 3].map(|limit| forget(now + MINUTE_MS, limit)), [3, 1]);
    assert_eq!(rows(Resolution::Minute), 0);
    assert_eq!((rows(Resolution::Hour), rows(Resolution::Day)), (1, 1));
    assert_eq!(forget(after(Resolution::Hour) + 60 * MINUTE_MS, 9), 2);
    assert_eq!((rows(Resolution::Hour), rows(Resolution::Day)), (0, 1));
}

pub fn the_backlog_is_exact_through_every_turn(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    assert_eq!(pending(&scene), []);
    let leased = scene.publish_leased(webhook);
    scene.world.hand_over.set_room(0);
    scene.publish(webhook);
    assert_eq!(pending(&scene), [(webhook, 2)]);

    // A retry stays pending, an end does not; a resend is pending again.
    scene.settle(&leased, 500);
    assert_eq!(pending(&scene), [(webhook, 2)]);
    let due = scene.delivery(leased.delivery_id).next_attempt_at.unwrap();
    let [waiting] = scene.claim(webhook, epoch).leased.try_into().unwrap();
    let backlog = block_on(scene.store.backlog(scene.company)).unwrap();
    let expected = Backlog {
        webhook_id: webhook,
        pending: 2,
        next_due_at: Some(due),
    };
    assert_eq!(backlog, [expected]);
    scene.settle(&waiting, 200);
    assert_eq!(pending(&scene), [(webhook, 1)]);
    scene.resend(waiting.delivery_id).unwrap();
    scene.resend(waiting.delivery_id).unwrap();
    assert_eq!(pending(&scene), [(webhook, 2)]);

    // An end whose resend was asked for meanwhile stays pending.
    let [again] = scene.claim(webhook, epoch).leased.try_into().unwrap();
    scene.resend(again.delivery_id).unwrap();
    assert_eq!(scene.settle(&again, 200), Settled::WrittenResendDue);
    assert_eq!(pending(&scene), [(webhook, 2)]);

    scene.set_status(webhook, WebhookStatus::Disabled);
    assert_eq!(block_on(scene.store.cancel_waiting(webhook, 1)), Ok(1));
    assert_eq!(pending(&scene), [(webhook, 1)]);
    assert_eq!(block_on(scene.store.cancel_waiting(webhook, 9)), Ok(1));
    assert_eq!(pending(&scene), []);
}

pub fn the_backlog_is_counted_anew_after_a_crash(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhooks = [scene.add_webhook(), scene.add_webhook()];
    scene.publish_leased(webhooks[0]);
    scene.world.hand_over.set_room(0);
    for _ in 0..3 {
        scene.publish(webhooks[0]);
    }
    scene.publish(webhooks[1]);
    let expected = [(webhooks[0], 4), (webhooks[1], 1)];
    assert_eq!(pending(&scene), expected);
    let (scene, _) = scene.crash();
    assert_eq!(pending(&scene), expected);
}

pub fn companies_read_nothing_of_each_others_figures(harness: &dyn Harness) {
    let (mut scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(0);
    scene.publish(webhook);
    (scene.company, _) = scene.add_company();
    for whose in [Whose::Company, Whose::Webhook(webhook), Whose::EachWebhook] {
        assert_eq!(read(&scene, whose, Resolution::Hour), []);
    }
    assert_eq!(block_on(scene.store.backlog(scene.company)), Ok(Vec::new()));
}

pub fn what_is_measured_of_all_companies_counts_an_event_once(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhooks = [scene.add_webhook(), scene.add_webhook()];
    let event = scene.event(InspectionId(scene.world.id()), &webhooks);
    scene
        .commit(Change {
            events: vec![event],
            ..Change::default()
        })
        .unwrap();
    scene.settle(&scene.publish_leased(webhooks[0]), 500);
    let measures = scene.store.measures();
    let totals = &measures.totals;
    assert_eq!(
        (totals.events, totals.failed(), totals.delivered),
        (2, 1, 0)
    );
    assert_eq!(measures.pending, [(webhooks[0], 2), (webhooks[1], 1)]);
}
