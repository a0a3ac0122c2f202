//! A photo of an inspection: what is known of it and what was found on it (contract 2.4 to 2.7).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use heraldo_wire::id::{FileId, ImageId, InspectionId};
use heraldo_wire::object::{Damage, Validation};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::photo::judge::READABLE;
use crate::photo::{Captured, Coordinates, PhotoFormat};

/// One photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub id: ImageId,
    /// Names its files.
    pub file_id: FileId,
    /// What it shows.
    pub side: String,
    /// The template does not ask for this side (contract U9).
    pub extra: bool,
    pub uploaded_at: Timestamp,
    pub format: PhotoFormat,
    pub width_pixels: u32,
    pub height_pixels: u32,
    pub size_bytes: u64,
    /// When it was taken: as the photo says, or else as the upload said.
    pub captured: Option<Captured>,
    /// Where it was taken: as the upload said, or else as the photo says.
    pub location: Option<Coordinates>,
    /// Tells a repeated upload from a new photo: what [`same_upload`] makes of the sender's word for it and
    /// the bytes. `None` when the sender gave no word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    pub state: ImageState,
}

/// What the same bytes sent again under the same word have in common.
#[must_use]
pub fn same_upload(word: &str, bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update((word.len() as u64).to_be_bytes());
    hash.update(word);
    hash.update(bytes);
    BASE64_URL_SAFE_NO_PAD.encode(hash.finalize().get(..UPLOAD_BYTES).unwrap_or_default())
}

/// So much of the hash is kept: two different photos of one inspection never share it.
const UPLOAD_BYTES: usize = 16;

/// How far a photo has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum ImageState {
    /// Not looked at yet; an outside processor may have been faster.
    Uploaded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Said>,
    },
    /// Looked at; an outside processor has until the deadline to say the rest.
    Examined {
        validations: Vec<Validation>,
        /// What the processor is asked for.
        asked: Vec<String>,
        deadline: Timestamp,
    },
    /// All validations ended.
    Processed {
        approved: bool,
        validations: Vec<Validation>,
        damages: Vec<Damage>,
        at: Timestamp,
    },
}

/// What an outside processor says of a photo.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub validations: Vec<Validation>,
    pub damages: Vec<Damage>,
}

/// What looking at a photo came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// What Heraldo found itself.
    pub validations: Vec<Validation>,
    /// What only an outside processor can say; empty when nobody has to be asked.
    pub ask: Vec<String>,
    /// How long it has to answer.
    pub deadline: Timestamp,
}

impl Image {
    #[must_use]
    pub const fn is_processed(&self) -> bool {
        matches!(self.state, ImageState::Processed { .. })
    }

    #[must_use]
    pub const fn is_approved(&self) -> bool {
        matches!(self.state, ImageState::Processed { approved: true, .. })
    }

    /// What is known so far.
    #[must_use]
    pub fn validations(&self) -> &[Validation] {
        match &self.state {
            ImageState::Uploaded { .. } => &[],
            ImageState::Examined { validations, .. }
            | ImageState::Processed { validations, .. } => validations,
        }
    }

    #[must_use]
    pub fn damages(&self) -> &[Damage] {
        match &self.state {
            ImageState::Uploaded { .. } | ImageState::Examined { .. } => &[],
            ImageState::Processed { damages, .. } => damages,
        }
    }

    /// Whether it was not found to be unreadable.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        let mut checks = self.validations().iter();
        !checks.any(|check| check.kind == READABLE && !check.valid)
    }

    /// The name under which the photo is kept.
    #[must_use]
    pub fn file_name(&self, inspection: InspectionId) -> String {
        format!(
            "inspections/{inspection}/{}.{}",
            self.file_id,
            self.format.extension()
        )
    }

    /// The name under which its thumbnail is kept.
    #[must_use]
    pub fn thumbnail_name(&self, inspection: InspectionId) -> String {
        format!("inspections/{inspection}/{}.thumbnail.jpg", self.file_id)
    }
}
