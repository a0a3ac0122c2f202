//! Files in S3-compatible storage: against a real server, and against none.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use heraldo_domain::ports::{FileError, Files};
use heraldo_media::{S3, S3Config};
use tokio::net::TcpListener;

use crate::s3_server::{ACCESS_KEY_ID, BUCKET, S3Server, SECRET_ACCESS_KEY};

fn config(address: SocketAddr) -> S3Config {
    S3Config {
        bucket: BUCKET.to_owned(),
        prefix: String::new(),
        region: "eu-west-1".to_owned(),
        endpoint: Some(format!("http://{address}")),
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret_access_key: SECRET_ACCESS_KEY.to_owned(),
        bucket_in_host: false,
        extra_ca_pem: None,
        connect_timeout: Duration::from_secs(3),
        operation_timeout: Duration::from_secs(10),
    }
}

async fn server() -> (tempfile::TempDir, S3Server) {
    let place = tempfile::tempdir().unwrap();
    let server = S3Server::start(place.path()).await;
    (place, server)
}

fn unavailable(result: Result<(), FileError>) -> String {
    match result {
        Err(FileError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_kept_is_given_back_until_it_is_deleted() {
    let (_place, server) = server().await;
    let s3 = S3::new(config(server.address)).unwrap();
    assert_eq!(s3.get("a/b/c.jpg").await, Ok(None));
    let large = Bytes::from(vec![7; 3_000_000]);
    s3.put("a/b/c.jpg", large.clone()).await.unwrap();
    assert_eq!(s3.get("a/b/c.jpg").await, Ok(Some(large)));
    s3.put("a/b/c.jpg", Bytes::from_static(b"two"))
        .await
        .unwrap();
    assert_eq!(s3.get("a/b/c.jpg").await.unwrap().unwrap(), "two");
    s3.delete("a/b/c.jpg").await.unwrap();
    assert_eq!(s3.get("a/b/c.jpg").await, Ok(None));
    s3.delete("a/b/c.jpg").await.unwrap();
    s3.check().await.unwrap();
}

#[tokio::test]
async fn two_prefixes_in_one_bucket_do_not_meet() {
    let (_place, server) = server().await;
    let with = |prefix: &str| {
        let prefix = prefix.to_owned();
        S3::new(S3Config {
            prefix,
            ..config(server.address)
        })
        .unwrap()
    };
    let (one, two) = (with("one"), with("two/deep"));
    one.put("a", Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(two.get("a").await, Ok(None));
    two.put("a", Bytes::from_static(b"two")).await.unwrap();
    assert_eq!(one.get("a").await.unwrap().unwrap(), "one");
}

#[tokio::test]
async fn an_outage_is_told_and_over_when_the_storage_is_back() {
    let (place, server) = server().await;
    let address = server.address;
    let s3 = S3::new(config(address)).unwrap();
    s3.put("before", Bytes::from_static(b"one")).await.unwrap();
    server.stop().await;
    let why = unavailable(s3.put("during", Bytes::from_static(b"two")).await);
    assert!(why.contains("refused"), "{why}");
    unavailable(s3.get("before").await.map(|_| ()));
    unavailable(s3.check().await);
    let _server = S3Server::start_at(place.path(), address).await;
    assert_eq!(s3.get("before").await.unwrap().unwrap(), "one");
    s3.put("during", Bytes::from_static(b"two")).await.unwrap();
    s3.check().await.unwrap();
}

#[tokio::test]
async fn a_storage_behind_tls_is_trusted_by_its_authority_alone() {
    let place = tempfile::tempdir().unwrap();
    let (server, authority) = S3Server::start_tls(place.path()).await;
    let with = |extra_ca_pem: Option<Vec<u8>>| {
        S3::new(S3Config {
            endpoint: Some(format!("https://localhost:{}/", server.address.port())),
            extra_ca_pem,
            ..config(server.address)
        })
        .unwrap()
    };
    let trusting = with(Some(authority));
    trusting.check().await.unwrap();
    let large = Bytes::from(vec![7; 1_000_000]);
    trusting.put("a", large.clone()).await.unwrap();
    assert_eq!(trusting.get("a").await, Ok(Some(large)));
    let why = unavailable(with(None).check().await);
    assert!(why.contains("UnknownIssuer"), "{why}");
}

#[tokio::test]
async fn a_storage_that_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let s3 = S3::new(S3Config {
        operation_timeout: Duration::from_millis(200),
        ..config(silent.local_addr().unwrap())
    })
    .unwrap();
    let why = unavailable(s3.put("a", Bytes::from_static(b"one")).await);
    assert_eq!(why, "it did not answer within 200 ms");
}

#[tokio::test]
async fn a_wrong_key_is_told_without_showing_it() {
    let (_place, server) = server().await;
    let s3 = S3::new(S3Config {
        secret_access_key: "not the secret".to_owned(),
        ..config(server.address)
    })
    .unwrap();
    let why = unavailable(s3.put("a", Bytes::from_static(b"one")).await);
    assert!(
        why.contains("SignatureDoesNotMatch") && why.contains("check the access key"),
        "{why}"
    );
    assert!(
        !why.contains("secret") && !why.contains(ACCESS_KEY_ID),
        "{why}"
    );
    let shown = format!("{:?} {s3:?}", config(server.address));
    assert!(
        !shown.contains(SECRET_ACCESS_KEY) && !shown.contains("not the secret"),
        "{shown}"
    );
}

#[test]
fn settings_that_cannot_work_are_refused_at_the_start() {
    let anywhere = config("127.0.0.1:9".parse().unwrap());
    let check = |config: S3Config, expected: &str| {
        let told = S3::new(config).expect_err("refused").to_string();
        assert!(told.contains(expected), "{told}");
    };
    let endpoint = |text: &str| S3Config {
        endpoint: Some(text.to_owned()),
        ..anywhere.clone()
    };
    check(endpoint("minio:9000"), "has to start with https://");
    check(endpoint("not a url"), "is no URL");
    check(
        S3Config {
            bucket: String::new(),
            ..anywhere.clone()
        },
        "the bucket is missing",
    );
    check(
        S3Config {
            prefix: "../up".to_owned(),
            ..anywhere.clone()
        },
        "not a name",
    );
    check(
        S3Config {
            extra_ca_pem: Some(b"no certificate".to_vec()),
            ..anywhere
        },
        "there is no certificate in it",
    );
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_not_followed() {
    let (_place, server) = server().await;
    let s3 = S3::new(config(server.address)).unwrap();
    assert!(s3.put("../elsewhere/a", Bytes::new()).await.is_err());
    assert!(s3.get("a//b").await.is_err());
}
