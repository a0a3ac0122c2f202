//! A disk that does not keep what is written: nothing is told that it may lose, and nothing waits for a new start
//! once it works again.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heraldo_domain::change::Change;
use heraldo_domain::delivery::{Claim, Leased, Next, Settlement};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::{Settled, StoreError};
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_wire::id::{DeliveryId, InspectionId, WebhookId};

use super::*;

/// Longer than anything that is waited for takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// After a failed attempt the log is not mended again for half a second, and the scene's clock stands still.
const MEND_INTERVAL_MS: i64 = 500;

/// A hand-over with room for everything. It tells what it gets, and does not return before it may.
#[derive(Debug)]
struct Gate {
    told: Mutex<Sender<Vec<Leased>>>,
    /// Whoever let it go for good has dropped the other end.
    may_return: Mutex<Receiver<()>>,
}

impl Gate {
    fn new() -> (Arc<Self>, Receiver<Vec<Leased>>, Sender<()>) {
        let (sender, told) = channel();
        let (lets_go, may_return) = channel();
        let gate = Self {
            told: Mutex::new(sender),
            may_return: Mutex::new(may_return),
        };
        (Arc::new(gate), told, lets_go)
    }
}

impl HandOver for Gate {
    fn reserve(&self, _: WebhookId, _: usize) -> bool {
        true
    }

    fn release(&self, _: WebhookId, _: usize) {}

    fn deferred(&self, _: WebhookId) -> u64 {
        0
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        // The test may be over.
        let _ = self.told.lock().unwrap().send(leased);
        let _ = self.may_return.lock().unwrap().recv();
    }

    fn webhook_changed(&self, _: Option<WebhookId>) {}
}

fn gated(limits: SqliteLimits) -> (Known, Receiver<Vec<Leased>>, Sender<()>) {
    let (gate, told, lets_go) = Gate::new();
    let harness = Known {
        hand_over: Some(gate),
        ..Known::with(limits)
    };
    (harness, told, lets_go)
}

/// Has a future begin, which puts its command into the queue of the writer.
fn begin<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn change(scene: &Scene<'_>, webhook: WebhookId, events: usize) -> Change {
    let inspection = InspectionId(scene.world.id());
    Change {
        events: (0..events)
            .map(|_| scene.event(inspection, &[webhook]))
            .collect(),
        ..Change::default()
    }
}

fn deliveries(change: &Change) -> Vec<DeliveryId> {
    let all = change.events.iter().flat_map(|event| &event.deliveries);
    all.map(|delivery| delivery.id).collect()
}

fn ids(leased: &[Leased]) -> Vec<DeliveryId> {
    leased.iter().map(|leased| leased.delivery_id).collect()
}

fn is_failed<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Failed(_))), "{result:?}");
}

#[test]
fn what_the_disk_did_not_keep_is_refused_and_handed_over_once_the_disk_has_it() {
    let harness = Known::new();
    let (scene, epoch) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let before = scene.publish_leased(webhook);

    scene.world.hand_over.set_room(1);
    // Its own sync, and the first attempt to mend the log.
    harness.store().refuse_syncs(2);
    let refused = change(&scene, webhook, 1);
    is_failed(scene.commit(refused.clone()));
    is_failed(scene.commit(change(&scene, webhook, 1)));
    // The first one is in the log, so it may be there after all; nobody may have heard of it yet.
    assert_eq!(scene.world.hand_over.all().len(), 1);

    // The next one finds the disk working, and brings along what was held back.
    scene.world.clock.step(MEND_INTERVAL_MS);
    let after = scene.publish_leased(webhook);
    let handed = scene.world.hand_over.all();
    let held = deliveries(&refused)[0];
    assert_eq!(ids(&handed), [before.delivery_id, held, after.delivery_id]);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
    assert_eq!(
        scene.commit(refused),
        Err(StoreError::Conflict),
        "it is there"
    );
    assert!(scene.claim(webhook, epoch).leased.is_empty());
}

#[test]
fn what_was_held_back_is_handed_over_though_nobody_writes_any_more() {
    let (harness, told, lets_go) = gated(SqliteLimits::default());
    drop(lets_go);
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    harness.store().refuse_syncs(1);
    let lone = change(&scene, webhook, 1);
    is_failed(scene.commit(lone.clone()));
    let handed = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(ids(&handed), deliveries(&lone));
}

#[test]
fn a_claim_that_the_disk_did_not_keep_is_answered_once_it_does_and_strands_nothing() {
    let harness = Known::new();
    let (scene, epoch) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let waiting = scene.publish(webhook).deliveries[0].id;
    harness.store().refuse_syncs(1);
    let claimed = scene.claim(webhook, epoch).leased;
    assert_eq!(ids(&claimed), [waiting]);
    assert_eq!(scene.settle(&claimed[0], 200), Settled::Written);
}

#[test]
fn an_outcome_in_a_group_that_the_disk_did_not_keep_is_told_with_its_turn() {
    let (harness, told, lets_go) = gated(SqliteLimits::default());
    let (scene, epoch) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    // The writer's thread stands in the hand-over of the first one until the other two wait together.
    let mut publishing = pin!(scene.store.commit(change(&scene, webhook, 1)));
    assert!(begin(publishing.as_mut()).is_pending());
    let leased = told.recv_timeout(PATIENCE).unwrap().remove(0);
    let settlement = Settlement {
        next: Next::RetryAt(scene.now()),
        ..scene.settlement(&leased, 500, &RetryPolicy::default())
    };
    let mut settling = pin!(scene.store.settle(vec![settlement]));
    let mut second = pin!(scene.store.commit(change(&scene, webhook, 1)));
    assert!(begin(settling.as_mut()).is_pending());
    assert!(begin(second.as_mut()).is_pending());
    harness.store().refuse_syncs(1);
    drop(lets_go);

    block_on(publishing).unwrap();
    is_failed(block_on(second));
    let settled = block_on(settling).unwrap();
    assert_eq!(settled.each, [Settled::Written]);
    assert_eq!(settled.turns.len(), 1, "its webhook fails from now on");
    let claimed = scene.claim(webhook, epoch).leased;
    let attempts: Vec<_> = claimed
        .iter()
        .map(|one| (one.delivery_id, one.attempts))
        .collect();
    assert_eq!(attempts, [(leased.delivery_id, 1)]);
}

#[test]
fn an_answer_that_the_disk_may_lose_is_not_given_again_before_the_disk_has_it() {
    let harness = Known::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let kept = scene.publish(webhook);
    harness.store().refuse_syncs(2);
    let asked = Change {
        answer: Some(scene.answer("once")),
        ..change(&scene, webhook, 1)
    };
    let event = asked.events[0].id;
    is_failed(scene.commit(asked.clone()));
    is_failed(scene.commit(asked.clone()));
    let key = scene.answer_key("once");
    is_failed(block_on(scene.store.answer(&key, scene.now())));
    is_failed(block_on(scene.store.event(scene.company, event)));
    // Who reads cannot tell what of it is older: nothing is told.
    is_failed(block_on(scene.store.event(scene.company, kept.id)));

    scene.world.clock.step(MEND_INTERVAL_MS);
    scene.publish(webhook);
    let answer = block_on(scene.store.answer(&key, scene.now())).unwrap();
    assert_eq!(answer, asked.answer);
    assert_eq!(scene.commit(asked), Err(StoreError::AnswerExists));
}

#[test]
fn a_lease_given_back_is_told_after_what_an_earlier_group_hands_over() {
    // Enough to be synced beside the writer, while another command waits.
    const EVENTS: usize = 450;
    let limits = SqliteLimits {
        group_commands_max: 1,
        ..SqliteLimits::default()
    };
    let (harness, told, lets_go) = gated(limits);
    let (scene, epoch) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let older = change(&scene, webhook, 1);
    let mut publishing = pin!(scene.store.commit(older.clone()));
    assert!(begin(publishing.as_mut()).is_pending());
    told.recv_timeout(PATIENCE).unwrap();

    let mut large = pin!(scene.store.commit(change(&scene, webhook, EVENTS)));
    let mut another = pin!(scene.store.commit(change(&scene, webhook, 1)));
    assert!(begin(large.as_mut()).is_pending());
    assert!(begin(another.as_mut()).is_pending());
    lets_go.send(()).unwrap();
    block_on(publishing).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap().len(), EVENTS);
    // While the large one is being handed over the lease is given back. The writer has passed that: it has
    // answered what came after.
    let mut giving_back = pin!(scene.store.release(epoch, deliveries(&older)));
    assert!(begin(giving_back.as_mut()).is_pending());
    block_on(scene.store.forget_expired(scene.now(), 1)).unwrap();
    assert!(
        begin(giving_back.as_mut()).is_pending(),
        "it is told too early"
    );
    drop(lets_go);
    block_on(large).unwrap();
    block_on(another).unwrap();
    block_on(giving_back).unwrap();
    let claimed = scene.claim(webhook, epoch).leased;
    assert_eq!(ids(&claimed), deliveries(&older));
}

#[test]
fn a_store_that_is_closed_mends_its_log_once_more_or_tells_whoever_waits_for_it() {
    for (refused, works_again) in [(2, true), (u32::MAX, false)] {
        let harness = Known::new();
        let (scene, epoch) = Scene::new(&harness);
        let webhook = scene.add_webhook();
        let waiting = scene.publish(webhook).deliveries[0].id;
        harness.store().refuse_syncs(refused);
        let store = Arc::clone(&scene.store);
        let mut claiming = pin!(store.claim(Claim {
            webhook_id: webhook,
            lease: epoch,
            limit: 1,
            body_bytes_max: 1_000_000,
            now: scene.now(),
        }));
        assert!(begin(claiming.as_mut()).is_pending());
        // The first one may share its group; the next one finds the log not mended yet.
        is_failed(block_on(scene.store.check()));
        is_failed(block_on(scene.store.check()));
        block_on(scene.store.close()).unwrap();
        match block_on(claiming) {
            Ok(claimed) => assert!(works_again && claimed.leased.len() == 1),
            Err(error) => assert_eq!((error, works_again), (StoreError::Closed, false)),
        }
        let log = harness.folder.path().join("data/heraldo.db-wal");
        let is_copied = std::fs::metadata(log).unwrap().len() == 0;
        assert_eq!(is_copied, works_again);
        let (scene, epoch) = scene.crash();
        let claimed = scene.claim(webhook, epoch).leased;
        assert_eq!(ids(&claimed), [waiting]);
    }
}
