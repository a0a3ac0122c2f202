//! Opening the data folder: what is refused, with which words, and that nothing is damaged by it.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use heraldo_domain::change::Write;
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::seal::KeyFileError;
use heraldo_store::sqlite::{DATABASE_FILE, LOCK_FILE};
use heraldo_store::{MasterKey, load_or_create_key_file};
use rusqlite::Connection;

use super::*;

/// A folder with a store that has been used and closed.
fn used() -> (Sqlite, World) {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    scene.add_webhook();
    block_on(scene.store.close()).unwrap();
    let world = scene.world.clone();
    drop(scene);
    (sqlite, world)
}

fn refused(opened: Result<SqliteStore, OpenError>) -> (OpenError, String) {
    let error = opened.expect_err("the folder is refused");
    let text = error.to_string();
    (error, text)
}

#[test]
fn the_key_file_and_the_folder_are_for_their_owner_alone() {
    let (sqlite, world) = used();
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    let key = sqlite.path().join("master.key");
    assert_eq!(mode(&key), 0o600);
    assert_eq!(mode(&sqlite.path().join("data")), 0o700);
    assert_eq!(std::fs::read_to_string(&key).unwrap().trim().len(), 64);
    // It is made once, and nothing else is left beside it.
    let before = std::fs::read(&key).unwrap();
    drop(open(sqlite.path(), &world).unwrap());
    assert_eq!(std::fs::read(&key).unwrap(), before);
    let mut names: Vec<_> = std::fs::read_dir(sqlite.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["data", "master.key"]);
}

#[test]
fn a_key_made_meanwhile_is_read_and_not_replaced() {
    let sqlite = Sqlite::new();
    let path = sqlite.path().join("master.key");
    let world = World::default();
    let keys: Vec<_> = std::thread::scope(|threads| {
        let make = || load_or_create_key_file(&path, &*world.entropy, true).unwrap();
        let threads: Vec<_> = (0..8).map(|_| threads.spawn(make)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let sealed = keys[0].seal(b"one", b"of them", &*world.entropy).unwrap();
    for key in keys {
        assert_eq!(key.unseal(&sealed, b"of them").unwrap().as_slice(), b"one");
    }
}

#[test]
fn a_missing_key_file_beside_sealed_data_is_named() {
    let (sqlite, world) = used();
    let key = sqlite.path().join("master.key");
    let kept = sqlite.path().join("kept");
    std::fs::rename(&key, &kept).unwrap();
    let (error, text) = refused(open(sqlite.path(), &world));
    assert!(
        matches!(error, OpenError::KeyFile(KeyFileError::Missing { .. })),
        "{error:?}"
    );
    assert!(
        text.contains("master.key") && text.contains("put the key file back"),
        "{text}"
    );
    assert!(!key.exists(), "no new key is made over old data");
    std::fs::rename(&kept, &key).unwrap();
    open(sqlite.path(), &world).unwrap();
}

#[test]
fn a_wrong_master_key_is_named() {
    let (sqlite, world) = used();
    let master_key = MasterKeySource::Given(MasterKey::from_bytes([9; 32]));
    let wrong = SqliteConfig {
        master_key,
        ..config(sqlite.path(), &world)
    };
    let (error, text) = refused(SqliteStore::open(wrong));
    assert!(
        matches!(error, OpenError::WrongMasterKey { .. }),
        "{error:?}"
    );
    assert!(text.contains("put the right key file back"), "{text}");
    open(sqlite.path(), &world).unwrap();
}

#[test]
fn a_key_file_that_others_may_read_or_that_holds_no_key_is_refused() {
    let (sqlite, world) = used();
    let key = sqlite.path().join("master.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    let (error, text) = refused(open(sqlite.path(), &world));
    assert!(
        matches!(
            error,
            OpenError::KeyFile(KeyFileError::Exposed { mode: 0o640, .. })
        ),
        "{error:?}"
    );
    assert!(text.contains("chmod 600"), "{text}");

    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    for content in [
        "",
        "abc",
        &"0".repeat(63),
        &"g".repeat(64),
        &"00".repeat(5_000),
    ] {
        std::fs::write(&key, content).unwrap();
        let (error, _) = refused(open(sqlite.path(), &world));
        assert!(
            matches!(error, OpenError::KeyFile(KeyFileError::Malformed { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn what_is_no_file_in_the_key_files_place_is_said_to_be_none() {
    let (sqlite, world) = used();
    let key = sqlite.path().join("master.key");
    std::fs::remove_file(&key).unwrap();
    // Its mode is that of any folder, and is not what is wrong.
    std::fs::create_dir(&key).unwrap();
    let (error, text) = refused(open(sqlite.path(), &world));
    assert!(
        matches!(error, OpenError::KeyFile(KeyFileError::NotAFile { .. })),
        "{error:?}"
    );
    assert!(
        text.contains("master.key is no file but a folder"),
        "{text}"
    );
    assert!(text.contains("put the key file there"), "{text}");
    assert!(!text.contains("chmod"), "{text}");

    // Opening a pipe would wait for a writer.
    std::fs::remove_dir(&key).unwrap();
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &key,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    );
    made.unwrap();
    let (_, text) = refused(open(sqlite.path(), &world));
    assert!(text.contains("a pipe"), "{text}");
}

#[test]
fn every_failure_of_the_key_file_names_its_place_and_what_to_do() {
    let world = World::default();
    let sqlite = Sqlite::new();
    let inside = |folder: &str| sqlite.path().join(folder).join("master.key");
    std::fs::write(sqlite.path().join("file"), "").unwrap();
    let cases = [
        (inside("missing"), true, "make its folder"),
        (inside("missing"), false, "put the key file back"),
        (inside("file"), true, "let this user read it"),
    ];
    for (path, may_create, remedy) in cases {
        let error = load_or_create_key_file(&path, &*world.entropy, may_create)
            .expect_err("there is no key");
        let text = error.to_string();
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
        assert!(text.contains(remedy), "{text}");
    }
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_a_command_is_not() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    let (error, text) = refused(open(sqlite.path(), &scene.world));
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert!(
        text.contains(&*sqlite.path().join("data").to_string_lossy()),
        "{text}"
    );

    let command = || SqliteConfig {
        exclusive: false,
        ..config(sqlite.path(), &scene.world)
    };
    let beside = SqliteStore::open(command()).unwrap();
    assert!(block_on(beside.has_companies()).unwrap());
    block_on(scene.store.close()).unwrap();
    // A command does not keep a server from starting.
    let server = open(sqlite.path(), &scene.world).unwrap();
    drop(beside);
    drop(server);
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let (sqlite, world) = used();
    let path = sqlite.path().join("data").join(DATABASE_FILE);
    let set = |version: i64| {
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
    };
    let known: i64 = Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    set(known + 7);
    let (error, text) = refused(open(sqlite.path(), &world));
    let OpenError::NewerDatabase {
        found, known: top, ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (found, top),
        (
            usize::try_from(known).unwrap() + 7,
            usize::try_from(known).unwrap()
        )
    );
    assert!(text.contains("newer Heraldo"), "{text}");
    set(known);
    open(sqlite.path(), &world).unwrap();
}

#[test]
fn what_is_no_database_of_heraldo_is_refused_and_left_as_it_is() {
    let world = World::default();
    let sqlite = Sqlite::new();
    let data = sqlite.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let path = data.join(DATABASE_FILE);

    let text = "these are my notes, not a database\n".repeat(200);
    std::fs::write(&path, &text).unwrap();
    let (error, _) = refused(open(sqlite.path(), &world));
    assert!(matches!(error, OpenError::NotHeraldo { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    std::fs::remove_file(&path).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let (error, _) = refused(open(sqlite.path(), &world));
    assert!(matches!(error, OpenError::NotHeraldo { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let world = World::default();
    let sqlite = Sqlite::new();
    // Mode bits do not bind root, so the folder lies where nobody can make one.
    std::fs::write(sqlite.path().join("data"), "a file").unwrap();
    let (error, text) = refused(open(sqlite.path(), &world));
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
    assert!(
        text.contains("make it writable, or name another folder"),
        "{text}"
    );

    std::fs::remove_file(sqlite.path().join("data")).unwrap();
    let data_dir = Path::new("/proc/self").to_owned();
    let read_only = SqliteConfig {
        data_dir,
        ..config(sqlite.path(), &world)
    };
    let (error, _) = refused(SqliteStore::open(read_only));
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
    assert!(
        !sqlite.path().join("master.key").exists(),
        "no key is made for a store that does not open"
    );

    // The folder can be written, the database cannot be opened.
    let data = sqlite.path().join("data");
    std::fs::create_dir_all(data.join(DATABASE_FILE)).unwrap();
    let (error, text) = refused(open(sqlite.path(), &world));
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    assert!(text.contains("let this user write"), "{text}");
    assert!(data.join(LOCK_FILE).exists());
}

#[test]
fn a_damaged_database_is_named() {
    let (sqlite, world) = used();
    let path = sqlite.path().join("data").join(DATABASE_FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    // The header stays, the first table's pages are gone.
    bytes[100..4_096].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let (error, text) = refused(open(sqlite.path(), &world));
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(text.contains("restore it from a backup"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn no_secret_stands_in_the_files() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    let webhook = scene.webhook();
    let secret = webhook.secrets.current.reveal().to_owned();
    scene.write(Write::CreateWebhook(webhook)).unwrap();
    let key = scene.api_key("hk_live_never_on_disk");
    scene.write(Write::CreateApiKey(key)).unwrap();
    for entry in std::fs::read_dir(sqlite.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for text in [secret.as_bytes(), b"hk_live_never_on_disk"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text));
        }
    }
}
