//! Bringing a database up to date, and copying it while it is written.

use std::os::unix::fs::PermissionsExt as _;

use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::sqlite::{BackupError, DATABASE_FILE, back_up, migrate};
use rusqlite::Connection;

use super::*;

#[test]
fn a_copy_made_while_others_write_is_of_one_moment_and_opens() {
    let harness = Sqlite::new();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    let before = scene.publish(webhook).deliveries[0].id;
    let data = harness.path().join("data");
    let file = harness.path().join("backup.db");
    let bytes = std::thread::scope(|threads| {
        let writing = threads.spawn(|| (0..200).for_each(|_| drop(scene.publish(webhook))));
        let bytes = back_up(&data, &file).unwrap();
        writing.join().unwrap();
        bytes
    });
    let metadata = file.metadata().unwrap();
    assert_eq!(
        (metadata.len(), metadata.permissions().mode() & 0o777),
        (bytes, 0o600)
    );
    assert!(!harness.path().join("backup.db.part").exists());

    let restored = harness.path().join("restored");
    std::fs::create_dir_all(restored.join("data")).unwrap();
    std::fs::copy(&file, restored.join("data").join(DATABASE_FILE)).unwrap();
    std::fs::copy(
        harness.path().join("master.key"),
        restored.join("master.key"),
    )
    .unwrap();
    let store = open(&restored, &scene.world).unwrap();
    assert_eq!(block_on(store.damage()), Ok(Vec::new()));
    let found = block_on(store.delivery(scene.company, before)).unwrap();
    assert!(found.is_some(), "what was there before is in it");
    let opened = block_on(store.webhook(webhook)).unwrap();
    assert_eq!(
        opened,
        block_on(scene.store.webhook(webhook)).unwrap(),
        "with its secrets"
    );
}

#[test]
fn no_file_is_overwritten_by_a_backup() {
    let harness = Sqlite::new();
    let (_scene, _) = Scene::new(&harness);
    let data = harness.path().join("data");
    for name in ["there", "started.part"] {
        let taken = harness.path().join(name);
        std::fs::write(&taken, "mine").unwrap();
        let file = harness.path().join(name.trim_end_matches(".part"));
        let refused = back_up(&data, &file).unwrap_err();
        assert!(
            matches!(&refused, BackupError::Exists { path } if *path == taken),
            "{refused}"
        );
        assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
    }
    let nowhere = harness.path().join("none").join("backup.db");
    let refused = back_up(&data, &nowhere).unwrap_err().to_string();
    assert!(
        refused.contains("name a place that this user may write"),
        "{refused}"
    );
}

#[test]
fn migrating_says_what_was_done_and_a_second_time_nothing() {
    let harness = Sqlite::new();
    let (scene, _) = Scene::new(&harness);
    let key = MasterKeySource::File(harness.path().join("master.key"));
    let data = harness.path().join("data");
    let again = || migrate(&data, &key, &*scene.world.entropy);
    let done = again().unwrap();
    assert_eq!((done.from, &done.steps[..]), (done.to, &[] as &[&str]));

    block_on(scene.store.close()).unwrap();
    let db = Connection::open(data.join(DATABASE_FILE)).unwrap();
    db.execute_batch("ALTER TABLE delivery DROP COLUMN room")
        .unwrap();
    let version = u32::try_from(done.to - 1).unwrap();
    db.pragma_update(None, "user_version", version).unwrap();
    drop(db);
    let older = again().unwrap();
    assert_eq!((older.from, older.to), (done.to - 1, done.to));
    assert_eq!(older.steps, ["delivery_room"]);
    assert_eq!(again().unwrap().steps, [] as [&str; 0]);
}
