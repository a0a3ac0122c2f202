//! Stand-ins for what is not there: for commands that serve no photos and call nobody.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_wire::id::{ImageId, WebhookId};
use heraldo_wire::signature::Secret;

use super::{
    Callback, CallbackFailed, Callbacks, DocumentFailed, Documents, FileError, Files, JobBell,
    Lulls, Passwords, PasswordsBusy, PhotoRefused, Photos, Picture, TlsCheck, TlsRefused, Written,
};
use crate::password::PasswordHash;
use crate::photo::{Examined, PhotoHead};
use crate::sheet::Sheet;
use crate::webhook::TlsSettings;

/// Says of every request that there is nobody to serve it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Absent;

const WHY: &str = "there is no such service in this process";

#[async_trait]
impl Files for Absent {
    async fn put(&self, _name: &str, _bytes: Bytes) -> Result<(), FileError> {
        Err(FileError::Unavailable(WHY.to_owned()))
    }

    async fn get(&self, _name: &str) -> Result<Option<Bytes>, FileError> {
        Err(FileError::Unavailable(WHY.to_owned()))
    }

    async fn delete(&self, _name: &str) -> Result<(), FileError> {
        Err(FileError::Unavailable(WHY.to_owned()))
    }

    async fn check(&self) -> Result<(), FileError> {
        Err(FileError::Unavailable(WHY.to_owned()))
    }
}

#[async_trait]
impl Photos for Absent {
    fn head(&self, _bytes: &[u8]) -> Result<PhotoHead, PhotoRefused> {
        Err(PhotoRefused(WHY.to_owned()))
    }

    async fn examine(&self, _bytes: Bytes) -> Result<Examined, PhotoRefused> {
        Err(PhotoRefused(WHY.to_owned()))
    }

    async fn smaller(&self, _bytes: Bytes, _edge_pixels: u32) -> Result<Picture, PhotoRefused> {
        Err(PhotoRefused(WHY.to_owned()))
    }

    fn is_picture(&self, _bytes: &[u8]) -> Result<bool, PhotoRefused> {
        Err(PhotoRefused(WHY.to_owned()))
    }

    fn without_metadata(&self, _bytes: &Bytes) -> Option<Bytes> {
        None
    }
}

#[async_trait]
impl Documents for Absent {
    async fn write(
        &self,
        _sheet: Sheet,
        _pictures: HashMap<ImageId, Picture>,
    ) -> Result<Written, DocumentFailed> {
        Err(DocumentFailed(WHY.to_owned()))
    }
}

#[async_trait]
impl Passwords for Absent {
    async fn hash(&self, _password: &str) -> Result<PasswordHash, PasswordsBusy> {
        Err(PasswordsBusy)
    }

    async fn matches(
        &self,
        _password: &str,
        _hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordsBusy> {
        Err(PasswordsBusy)
    }
}

#[async_trait]
impl Callbacks for Absent {
    async fn post(&self, _callback: Callback) -> Result<Bytes, CallbackFailed> {
        Err(CallbackFailed(WHY.to_owned()))
    }
}

impl TlsCheck for Absent {
    fn check(
        &self,
        _settings: &TlsSettings,
        _client_key: Option<&Secret>,
    ) -> Result<(), TlsRefused> {
        Err(TlsRefused(WHY.to_owned()))
    }
}

impl JobBell for Absent {
    fn ring(&self) {}
}

/// Nobody delivers in this process: there is nobody to be held up.
#[async_trait]
impl Lulls for Absent {
    async fn lull(&self, _webhook: WebhookId, _wait: Duration) -> bool {
        true
    }
}
