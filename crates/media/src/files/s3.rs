//! Files in S3-compatible storage, through `object_store`: it signs the requests and tries again; how long
//! an operation may take in all is bounded here.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::ports::{FileError, Files};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, Error, ObjectStoreExt, RetryConfig};
use tokio::time::timeout;

use super::exchange::Exchange;
use super::{CHECK_BYTES, CHECK_NAME, check_read, checked};

/// Where the storage is, and how to speak to it.
#[derive(Clone)]
pub struct S3Config {
    pub bucket: String,
    /// What every name starts with, so that several can share a bucket; empty for nothing.
    pub prefix: String,
    pub region: String,
    /// `https://…` or `http://…`; `None` is Amazon's own for the region.
    pub endpoint: Option<String>,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// The bucket is part of the host's name, not of the path. Amazon wants it; most others do not.
    pub bucket_in_host: bool,
    /// More certificate authorities to trust, in PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The longest that one connection may take to open, TLS and all.
    pub connect_timeout: Duration,
    /// The longest that one operation may take, with all its tries.
    pub operation_timeout: Duration,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// The storage cannot be spoken to with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings of the S3 storage do not fit: {0}")]
pub struct S3ConfigError(String);

/// A bucket, or a part of one.
#[derive(Debug)]
pub struct S3 {
    store: AmazonS3,
    prefix: String,
    operation_timeout: Duration,
}

/// With the waits between them (0.1 s to 1 s) these end well before any operation's time is over.
const RETRIES_MAX: usize = 3;

impl S3 {
    /// Checks the settings; connects to nothing.
    pub fn new(config: S3Config) -> Result<Self, S3ConfigError> {
        if !config.prefix.is_empty() {
            checked(&config.prefix).map_err(|error| S3ConfigError(error.to_string()))?;
        }
        for (setting, value) in [
            ("bucket", &config.bucket),
            ("region", &config.region),
            ("access key id", &config.access_key_id),
            ("secret access key", &config.secret_access_key),
        ] {
            if value.trim().is_empty() {
                return Err(S3ConfigError(format!("the {setting} is missing")));
            }
        }
        let exchange = Exchange::new(config.extra_ca_pem.as_deref(), config.connect_timeout)
            .map_err(|error| S3ConfigError(format!("the extra authorities: {error}")))?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(config.bucket)
            .with_region(config.region)
            .with_access_key_id(config.access_key_id)
            .with_secret_access_key(config.secret_access_key)
            .with_virtual_hosted_style_request(config.bucket_in_host)
            .with_http_connector(exchange)
            // One object at a time: not every storage knows the request for many.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(1),
                    base: 2.0,
                },
                max_retries: RETRIES_MAX,
                retry_timeout: config.operation_timeout,
            });
        if let Some(endpoint) = config.endpoint {
            let url: url::Url = endpoint.parse().map_err(|error| {
                S3ConfigError(format!("the endpoint `{endpoint}` is no URL: {error}"))
            })?;
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                return Err(S3ConfigError(format!(
                    "the endpoint `{endpoint}` has to start with https:// or http://"
                )));
            }
            builder = builder
                .with_allow_http(url.scheme() == "http")
                .with_endpoint(endpoint.trim_end_matches('/'));
        }
        let store = builder
            .build()
            .map_err(|error| S3ConfigError(error.to_string()))?;
        Ok(Self {
            store,
            prefix: config.prefix,
            operation_timeout: config.operation_timeout,
        })
    }

    fn path(&self, name: &str) -> Result<Path, FileError> {
        let name = checked(name)?;
        Ok(if self.prefix.is_empty() {
            Path::from(name)
        } else {
            Path::from(format!("{}/{name}", self.prefix))
        })
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, FileError> {
        match timeout(self.operation_timeout, work).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(error)) => absent_or_failure(&error).map(|()| None),
            Err(_) => Err(FileError::Unavailable(format!(
                "it did not answer within {} ms",
                self.operation_timeout.as_millis()
            ))),
        }
    }
}

#[async_trait]
impl Files for S3 {
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), FileError> {
        let path = self.path(name)?;
        let kept = self.in_time(self.store.put(&path, bytes.into())).await?;
        kept.map(|_| ()).ok_or_else(no_bucket)
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, FileError> {
        let path = self.path(name)?;
        self.in_time(async { self.store.get(&path).await?.bytes().await })
            .await
    }

    async fn delete(&self, name: &str) -> Result<(), FileError> {
        let path = self.path(name)?;
        self.in_time(self.store.delete(&path)).await.map(|_| ())
    }

    async fn check(&self) -> Result<(), FileError> {
        self.put(CHECK_NAME, Bytes::from_static(CHECK_BYTES))
            .await?;
        check_read(self.get(CHECK_NAME).await?.as_deref())
    }
}

/// What the storage answers when it has no room: Ceph, MinIO, and HTTP's own.
const FULL: [&str; 4] = [
    "QuotaExceeded",
    "XMinioStorageFull",
    "XMinioAdminBucketQuotaExceeded",
    "507 Insufficient Storage",
];

fn no_bucket() -> FileError {
    FileError::Unavailable("there is no such bucket; create it, or correct its name".to_owned())
}

fn absent_or_failure(error: &Error) -> Result<(), FileError> {
    let text = error.to_string();
    if text.contains("NoSuchBucket") {
        return Err(no_bucket());
    }
    if FULL.iter().any(|sign| text.contains(sign)) {
        return Err(FileError::Full);
    }
    Err(FileError::Unavailable(match error {
        Error::NotFound { .. } => return Ok(()),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => format!(
            "it refused the request{}; check the access key, its rights, the region and the clock",
            code_within(&text).map_or_else(String::new, |code| format!(" ({code})"))
        ),
        _ => match code_within(&text) {
            Some(code) => format!("it answered {code}"),
            None => innermost(error),
        },
    }))
}

/// The code in an error document. Nothing else of it is shown: it may repeat what was signed.
fn code_within(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(code)
}

/// What went wrong in the end, without an answer's body.
fn innermost(error: &Error) -> String {
    const CHARS_MAX: usize = 200;
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    // `object_store` writes a status and, behind a colon and a space, the body that came with it.
    let text = match text.strip_prefix("Server returned non-2xx status code: ") {
        Some(rest) => format!("it answered {}", rest.split(": ").next().unwrap_or(rest)),
        None => text,
    };
    text.chars().take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: Error, expected: &str) {
        let told = absent_or_failure(&error)
            .expect_err("a failure")
            .to_string();
        assert_eq!(
            told,
            format!("the place that holds the files failed: {expected}")
        );
    }

    fn generic(text: &str) -> Error {
        Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    #[test]
    fn an_error_names_its_code_and_nothing_of_what_was_signed() {
        check(
            Error::PermissionDenied {
                path: "a".to_owned(),
                source: "<Code>SignatureDoesNotMatch</Code><StringToSign>AKIA-secret".into(),
            },
            "it refused the request (SignatureDoesNotMatch); check the access key, its rights, the region and the clock",
        );
        check(
            generic("<Code>SlowDown</Code><Resource>/a</Resource>"),
            "it answered SlowDown",
        );
        check(
            generic("Server returned non-2xx status code: 502 Bad Gateway: <html>hello"),
            "it answered 502 Bad Gateway",
        );
    }

    #[test]
    fn a_bucket_that_is_missing_is_not_a_file_that_is_missing() {
        let not_found = |text: &str| Error::NotFound {
            path: "a".to_owned(),
            source: text.to_owned().into(),
        };
        assert_eq!(
            absent_or_failure(&not_found("<Code>NoSuchKey</Code>")),
            Ok(())
        );
        assert_eq!(
            absent_or_failure(&not_found("<Code>NoSuchBucket</Code>")),
            Err(no_bucket())
        );
    }

    #[test]
    fn a_full_storage_is_told_from_every_other_fault() {
        for text in [
            "<Code>XMinioStorageFull</Code>",
            "status code: 507 Insufficient Storage",
        ] {
            assert_eq!(absent_or_failure(&generic(text)), Err(FileError::Full));
        }
    }
}
