//! Files in a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use heraldo_domain::ports::{FileError, Files};
use heraldo_media::Folder;
use rustix::process::{Resource, getrlimit};

fn folder() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path().join("files")).unwrap();
    (place, folder)
}

/// Every file below a folder, and every folder.
fn everything_in(root: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    let mut next = 0;
    while next < folders.len() {
        for entry in fs::read_dir(&folders[next]).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
        next += 1;
    }
    (files, folders)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_kept_is_given_back_until_it_is_deleted() {
    let (_place, folder) = folder();
    assert_eq!(folder.get("a/b/c.jpg").await, Ok(None));
    folder
        .put("a/b/c.jpg", Bytes::from_static(b"one"))
        .await
        .unwrap();
    assert_eq!(folder.get("a/b/c.jpg").await.unwrap().unwrap(), "one");
    folder
        .put("a/b/c.jpg", Bytes::from_static(b"two"))
        .await
        .unwrap();
    assert_eq!(folder.get("a/b/c.jpg").await.unwrap().unwrap(), "two");
    folder.delete("a/b/c.jpg").await.unwrap();
    assert_eq!(folder.get("a/b/c.jpg").await, Ok(None));
    folder.delete("a/b/c.jpg").await.unwrap();
}

#[tokio::test]
async fn it_is_there_for_the_next_start() {
    let (place, folder) = folder();
    folder.put("a", Bytes::from_static(b"one")).await.unwrap();
    let again = Folder::open(place.path().join("files")).unwrap();
    assert_eq!(again.get("a").await.unwrap().unwrap(), "one");
}

#[tokio::test]
async fn only_this_user_can_read_it() {
    let (place, folder) = folder();
    folder
        .put("a/b/c", Bytes::from_static(b"one"))
        .await
        .unwrap();
    let (files, folders) = everything_in(&place.path().join("files"));
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    assert!(
        folders.iter().all(|folder| mode(folder) == 0o700),
        "{folders:?}"
    );
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_cleared_at_the_start() {
    let (place, folder) = folder();
    folder.put("a", Bytes::from_static(b"one")).await.unwrap();
    let root = place.path().join("files");
    fs::write(root.join(".incoming/.tmpX"), b"hal").unwrap();
    let again = Folder::open(&root).unwrap();
    assert_eq!(everything_in(&root).0, [root.join("a")]);
    assert!(again.get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_name_that_leads_out_of_the_folder_is_not_followed() {
    let (place, folder) = folder();
    fs::write(place.path().join("secret"), b"x").unwrap();
    for name in [
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        ".incoming/x",
        "",
    ] {
        assert!(folder.get(name).await.is_err(), "{name}");
        assert!(folder.put(name, Bytes::new()).await.is_err(), "{name}");
        assert!(folder.delete(name).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn many_writers_of_one_name_leave_one_of_their_files_whole() {
    let (_place, folder) = folder();
    let bodies: Vec<Bytes> = (0..16_u8).map(|n| vec![n; 20_000].into()).collect();
    let puts = bodies.iter().map(|body| folder.put("a/b", body.clone()));
    let answers = futures_util::future::join_all(puts).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let found = folder.get("a/b").await.unwrap().unwrap();
    assert!(bodies.contains(&found));
}

#[tokio::test]
async fn a_check_writes_and_reads() {
    let (place, folder) = folder();
    folder.check().await.unwrap();
    fs::remove_dir_all(place.path()).unwrap();
    let told = folder.check().await.expect_err("the folder is gone");
    assert!(matches!(told, FileError::Unavailable(_)), "{told}");
}

/// The kernel refuses to let a file grow, as a full disk does. The limit is the whole process's, so the test
/// runs itself again in a process of its own.
#[tokio::test]
async fn no_room_is_told_and_leaves_nothing_behind() {
    if getrlimit(Resource::Fsize).current.is_none() {
        let limited = Command::new("sh")
            .args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$0" --exact "$1""#])
            .arg(std::env::current_exe().unwrap())
            .arg("folder::no_room_is_told_and_leaves_nothing_behind")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&limited.stdout);
        assert!(
            limited.status.success() && told.contains("1 passed"),
            "{told}"
        );
        return;
    }
    let (place, folder) = folder();
    folder
        .put("a/old", Bytes::from_static(b"old"))
        .await
        .unwrap();
    let large = Bytes::from(vec![7; 1_000_000]);
    assert_eq!(
        folder.put("a/new", large.clone()).await,
        Err(FileError::Full)
    );
    assert_eq!(folder.put("a/old", large).await, Err(FileError::Full));
    let root = place.path().join("files");
    assert_eq!(everything_in(&root).0, [root.join("a/old")]);
    assert_eq!(folder.get("a/old").await.unwrap().unwrap(), "old");
}
