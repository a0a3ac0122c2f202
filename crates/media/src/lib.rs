//! The ports that handle files: places where they are kept, a reader of photos, and a writer of documents.
//!
//! Decides nothing: what a measure means for an inspection is a rule of `domain`.

pub mod documents;
pub mod files;
pub mod photos;
#[cfg(feature = "testing")]
pub mod testing;

pub use documents::DocumentWriter;
pub use files::{Folder, S3, S3Config, S3ConfigError};
pub use photos::{PhotoLimits, PhotoReader};
