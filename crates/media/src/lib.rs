//! The two ports that handle photos: places where files are kept, and a reader of photos.
//!
//! Decides nothing: what a measure means for an inspection is a rule of `domain`.

pub mod files;
pub mod photos;
#[cfg(feature = "testing")]
pub mod testing;

pub use files::{Folder, S3, S3Config, S3ConfigError};
pub use photos::{PhotoLimits, PhotoReader};
