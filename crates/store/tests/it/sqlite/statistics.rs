//! How figures reach the database, and what reading them costs.

use heraldo_domain::statistics::{StatisticsQuery, Whose};
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::sqlite::DATABASE_FILE;
use heraldo_wire::api::Resolution;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;
use rusqlite::Connection;

use super::*;

fn delivered(scene: &Scene<'_>, webhook: WebhookId) -> u64 {
    let query = StatisticsQuery {
        whose: Whose::Webhook(webhook),
        resolution: Resolution::Day,
        from: scene.now(),
        to: Timestamp::from_millis(scene.now().as_millis() + 1),
    };
    let found = block_on(scene.store.statistics(scene.company, query)).unwrap();
    found.iter().map(|of| of.figures.delivered).sum()
}

#[test]
fn a_crash_loses_the_counts_of_its_last_second_and_no_others() {
    let harness = Sqlite::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let deliver = |scene: &Scene<'_>| {
        scene.settle(&scene.publish_leased(webhook), 200);
    };
    deliver(&scene);
    scene.world.clock.step(1_000);
    // Its group writes what was counted before it.
    deliver(&scene);
    deliver(&scene);
    let (scene, _) = scene.crash();
    assert_eq!(delivered(&scene, webhook), 1);
    deliver(&scene);
    assert_eq!(
        delivered(&scene, webhook),
        2,
        "reading writes what was counted"
    );
    let (scene, _) = scene.crash();
    assert_eq!(delivered(&scene, webhook), 2);
}

#[test]
fn a_damaged_row_of_figures_hurts_no_other_and_is_mended() {
    let harness = Sqlite::new();
    let (scene, _) = Scene::new(&harness);
    let (one, other) = (scene.add_webhook(), scene.add_webhook());
    for webhook in [one, one, other] {
        scene.settle(&scene.publish_leased(webhook), 200);
    }
    assert_eq!([one, other].map(|of| delivered(&scene, of)), [2, 1]);
    let db = Connection::open(harness.path().join("data").join(DATABASE_FILE)).unwrap();
    let damage = "UPDATE statistic SET figures = '{\"events\":' WHERE webhook = ?1";
    db.execute(damage, [one.0.as_bytes()]).unwrap();
    assert_eq!([one, other].map(|of| delivered(&scene, of)), [0, 1]);
    scene.settle(&scene.publish_leased(one), 200);
    assert_eq!([one, other].map(|of| delivered(&scene, of)), [1, 1]);
}

#[test]
fn what_another_process_makes_pending_is_counted() {
    let harness = Sqlite::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    scene.publish(webhook);
    let beside = SqliteConfig {
        exclusive: false,
        ..config(harness.path(), &scene.world)
    };
    let beside = SqliteStore::open(beside).unwrap();
    let event = scene.event(heraldo_wire::id::InspectionId(scene.world.id()), &[webhook]);
    let change = heraldo_domain::change::Change {
        events: vec![event],
        ..Default::default()
    };
    block_on(beside.commit(change)).unwrap();
    block_on(beside.close()).unwrap();
    // Any write of this process notices it.
    scene.add_webhook();
    assert_eq!(scene.store.measures().pending, [(webhook, 2)]);
}
