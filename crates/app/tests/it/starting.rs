//! Starts that cannot succeed: each says what is wrong and what to do, and damages nothing.

use std::net::TcpListener;
use std::path::Path;

use tempfile::tempdir;

use crate::process::Setup;

fn refused(setup: &Setup<'_>, parts: &[&str]) {
    let said = setup.refusal();
    for part in parts {
        assert!(said.contains(part), "{said} lacks {part}");
    }
}

/// Makes a data folder that a server has used.
fn used(data_dir: &Path) -> String {
    let server = Setup::serve(data_dir).start();
    let key = server.api().key;
    assert!(server.stop().success());
    key
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_the_first_goes_on() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    refused(
        &Setup::serve(folder.path()),
        &[
            "another server runs on the data folder",
            "a folder of its own",
        ],
    );
    server.api().inspection();
}

#[test]
fn the_database_of_a_newer_version_is_left_alone() {
    let folder = tempdir().unwrap();
    used(folder.path());
    let path = folder.path().join("heraldo.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // The version number in the header of an SQLite file.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    refused(
        &Setup::serve(folder.path()),
        &["version 99", "newer Heraldo", "restore an older backup"],
    );
    assert_eq!(&std::fs::read(&path).unwrap()[60..64], 99_u32.to_be_bytes());
}

#[test]
fn a_wrong_or_missing_master_key_is_named_and_the_right_one_still_works() {
    let folder = tempdir().unwrap();
    let api_key = used(folder.path());
    let path = folder.path().join("master.key");
    let right = std::fs::read(&path).unwrap();
    std::fs::write(&path, "00".repeat(32)).unwrap();
    refused(
        &Setup::serve(folder.path()),
        &["the master key is not the one", "backup"],
    );
    std::fs::write(&path, "not a key").unwrap();
    refused(&Setup::serve(folder.path()), &["64 hex digits"]);
    std::fs::remove_file(&path).unwrap();
    refused(
        &Setup::serve(folder.path()),
        &["master.key is missing", "put the key file back"],
    );
    assert!(!path.exists(), "no new key was made");
    let elsewhere = folder.path().join("key");
    std::fs::write(&elsewhere, right).unwrap();
    let setup =
        Setup::serve(folder.path()).env("HERALDO_MASTER_KEY_FILE", elsewhere.to_str().unwrap());
    refused(&setup, &["may be read by others", "chmod 600"]);
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&elsewhere, private).unwrap();
    setup.start().api_with(&api_key).inspection();
}

#[test]
fn what_is_no_database_is_not_overwritten() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("heraldo.db");
    std::fs::write(
        &path,
        "somebody's letters, which are long enough to be a page. ".repeat(200),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    refused(
        &Setup::serve(folder.path()),
        &["is not a database of Heraldo"],
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn wrong_and_unknown_settings_stop_the_start_and_are_named() {
    let folder = tempdir().unwrap();
    let setup = || Setup::serve(folder.path());
    refused(
        &setup().env("HERALDO_RETRY_SCHEDULE", "soon"),
        &["retry_schedule", "HERALDO_RETRY_SCHEDULE", "15m"],
    );
    refused(
        &setup().env("HERALDO_SWEEP_INTERVALL", "1s"),
        &["did you mean HERALDO_SWEEP_INTERVAL?"],
    );
    refused(
        &setup().env("HERALDO_STORE", "postgres://localhost/x"),
        &["PostgreSQL is not available yet"],
    );
    refused(
        &setup().env("HERALDO_LOG", "loud"),
        &[
            "HERALDO_LOG",
            "`loud`",
            "error, warn, info, debug, trace, off",
        ],
    );
    refused(
        &setup().env("HERALDO_RETRY_SCHEDULE", ""),
        &["HERALDO_RETRY_SCHEDULE", "it is empty", "`none`"],
    );
    let file = folder.path().join("heraldo.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nretries = 3\n").unwrap();
    let with_file = setup().env("HERALDO_CONFIG", file.to_str().unwrap());
    refused(&with_file, &["no setting retries", "heraldo.toml"]);
    // What wins over it does not hide it.
    std::fs::write(&file, "retry_schedule = \"soon\"\n").unwrap();
    let overridden = with_file.env("HERALDO_RETRY_SCHEDULE", "1s");
    refused(&overridden, &["retry_schedule", "heraldo.toml", "`soon`"]);
    let missing = setup().env("HERALDO_CONFIG", "/nowhere/heraldo.toml");
    refused(&missing, &["/nowhere/heraldo.toml cannot be read"]);
    let no_ca = setup().env("HERALDO_TLS_EXTRA_CA_FILE", "/nowhere/ca.pem");
    refused(&no_ca, &["tls_extra_ca_file", "/nowhere/ca.pem"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempdir().unwrap();
    // Below a file nobody can make a folder, root included.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(
        &Setup::serve(&file.join("data")),
        &["the data folder", "cannot be used", "name another folder"],
    );
}

#[test]
fn an_address_in_use_is_named() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let setup = Setup::serve(folder.path()).env("HERALDO_LISTEN", &address);
    refused(
        &setup,
        &[&address, "another program listens there", "--listen"],
    );
}

#[test]
fn dev_listens_on_loopback_only() {
    let folder = tempdir().unwrap();
    let mut setup = Setup::serve(folder.path()).env("HERALDO_LISTEN", "0.0.0.0:0");
    setup.command = "dev";
    refused(&setup, &["loopback addresses only", "heraldo serve"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
