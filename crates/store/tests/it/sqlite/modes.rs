//! Who may read and write the files: what is made is for its owner alone, and what this user may not
//! write is named.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use heraldo_domain::change::Write;
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::sqlite::DATABASE_FILE;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use super::*;

/// Runs as a user whom modes bind, also where the tests run as root.
fn bound_by_modes<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let bound = || {
        let mut own = capabilities(None).unwrap();
        own.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, own).unwrap();
        run()
    };
    std::thread::scope(|threads| threads.spawn(bound).join().unwrap())
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o777
}

/// The modes of the database and of the two files beside it.
fn modes(sqlite: &Sqlite) -> [u32; 3] {
    ["", "-wal", "-shm"].map(|end| mode(&data(sqlite).join(format!("{DATABASE_FILE}{end}"))))
}

fn data(sqlite: &Sqlite) -> std::path::PathBuf {
    sqlite.path().join("data")
}

#[test]
fn the_database_and_the_files_beside_it_are_for_their_owner_alone() {
    let sqlite = Sqlite::new();
    // Nothing is taken away by itself.
    rustix::process::umask(rustix::fs::Mode::empty());
    let (scene, _) = Scene::new(&sqlite);
    scene.add_webhook();
    assert_eq!(modes(&sqlite), [0o600; 3]);
}

#[test]
fn files_that_others_could_use_are_taken_from_them() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    scene.add_webhook();
    for end in ["", "-wal", "-shm"] {
        set_mode(&data(&sqlite).join(format!("{DATABASE_FILE}{end}")), 0o644);
    }
    // A command opens the store beside the server, and closes it before the server does.
    let command = SqliteConfig {
        exclusive: false,
        ..config(sqlite.path(), &scene.world)
    };
    drop(SqliteStore::open(command).unwrap());
    assert_eq!(modes(&sqlite), [0o600; 3]);
    let key = scene.api_key("hk_live_0001");
    scene.write(Write::CreateApiKey(key)).unwrap();
}

#[test]
fn a_database_that_may_only_be_read_is_named_with_what_to_do() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    block_on(scene.store.close()).unwrap();
    let path = data(&sqlite).join(DATABASE_FILE);
    for exclusive in [true, false] {
        set_mode(&path, 0o444);
        let config = SqliteConfig {
            exclusive,
            ..config(sqlite.path(), &scene.world)
        };
        let error = bound_by_modes(|| SqliteStore::open(config)).expect_err("it cannot be written");
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
        assert!(text.contains("let this user write"), "{text}");
        assert_eq!(mode(&path) & 0o200, 0, "nobody makes it writable unasked");
    }
    set_mode(&path, 0o600);
    drop(bound_by_modes(|| open(sqlite.path(), &scene.world)).unwrap());
}

#[test]
fn a_folder_that_takes_no_files_is_named() {
    let sqlite = Sqlite::new();
    let world = World::default();
    std::fs::create_dir(data(&sqlite)).unwrap();
    std::fs::write(data(&sqlite).join(heraldo_store::sqlite::LOCK_FILE), "").unwrap();
    set_mode(&data(&sqlite), 0o500);
    let error = bound_by_modes(|| open(sqlite.path(), &world)).expect_err("nothing can be made");
    let text = error.to_string();
    assert!(text.contains(DATABASE_FILE), "{text}");
    assert!(text.contains("let this user write"), "{text}");
    set_mode(&data(&sqlite), 0o700);
}

#[test]
fn a_key_file_that_this_user_may_not_read_is_named_with_what_to_do() {
    let sqlite = Sqlite::new();
    let world = World::default();
    drop(open(sqlite.path(), &world).unwrap());
    let key = sqlite.path().join("master.key");
    set_mode(&key, 0o200);
    let error = bound_by_modes(|| open(sqlite.path(), &world)).expect_err("it cannot be read");
    let text = error.to_string();
    assert!(text.contains(&*key.to_string_lossy()), "{text}");
    assert!(text.contains("let this user read it"), "{text}");
}
