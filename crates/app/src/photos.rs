//! Sets up who keeps files, who reads photos and who writes documents, as the settings say.

use std::sync::Arc;
use std::time::Duration;

use heraldo_domain::ports::{Documents, Files, Photos};
use heraldo_media::{DocumentWriter, Folder, PhotoLimits, PhotoReader, S3, S3Config};

use crate::engine::extra_authorities;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;

/// The folder in the data folder that holds files when no other storage is named.
const FOLDER: &str = "files";
const S3_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const S3_OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The place for files.
///
/// # Errors
/// Each says which setting to change.
pub fn files(settings: &Settings) -> Outcome<Arc<dyn Files>> {
    let Some(bucket) = settings.s3_bucket.clone() else {
        let folder = settings.data_dir.join(FOLDER);
        let opened = Folder::open(&folder).map_err(|error| {
            let folder = folder.display();
            Failure::new(format!(
                "photos cannot be kept in {folder}: {error}; make the folder writable for this user"
            ))
        })?;
        return Ok(Arc::new(opened));
    };
    let secret_access_key = match &settings.s3_secret_key_file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| {
                let path = path.display();
                Failure::new(format!(
                    "the setting s3_secret_key_file names {path}, which cannot be read: {error}"
                ))
            })?
            .trim()
            .to_owned(),
    };
    let config = S3Config {
        bucket,
        prefix: settings.s3_prefix.clone(),
        region: settings.s3_region.clone(),
        endpoint: settings.s3_endpoint.clone(),
        access_key_id: settings.s3_access_key_id.clone(),
        secret_access_key,
        // Without an endpoint it is Amazon's, which wants it so.
        bucket_in_host: settings.s3_endpoint.is_none(),
        extra_ca_pem: extra_authorities(settings)?,
        connect_timeout: S3_CONNECT_TIMEOUT,
        operation_timeout: S3_OPERATION_TIMEOUT,
    };
    let storage = S3::new(config)
        .map_err(|error| Failure::new(format!("{error} (see the settings that begin with s3_)")))?;
    Ok(Arc::new(storage))
}

/// The reader of photos, on a thread of its own.
///
/// # Errors
/// When the thread cannot be started.
pub fn reader(settings: &Settings) -> Outcome<Arc<dyn Photos>> {
    let limits = PhotoLimits {
        pixels_max: settings.image_pixels_max,
        ..PhotoLimits::default()
    };
    let reader = PhotoReader::start(limits)
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    Ok(Arc::new(reader))
}

/// The writer of documents, on a thread of its own.
///
/// # Errors
/// When the thread cannot be started.
pub fn documents() -> Outcome<Arc<dyn Documents>> {
    let writer = DocumentWriter::start()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))?;
    Ok(Arc::new(writer))
}
