//! What is known of a photo, and the checks that Heraldo runs itself: each says what it measures and
//! claims no more (contract 2.6, U25).

use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

pub mod judge;

/// A place on earth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    /// Degrees, from -90 to 90.
    pub latitude: f64,
    /// Degrees, from -180 to 180.
    pub longitude: f64,
}

impl Coordinates {
    /// A place, unless a number is out of range or not a number.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let fits = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        fits.then_some(Self {
            latitude,
            longitude,
        })
    }

    /// The length of the great circle between two places, in metres (haversine).
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        const EARTH_RADIUS_METRES: f64 = 6_371_008.8;
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_latitude = (to - from) / 2.0;
        let half_longitude = (other.longitude - self.longitude).to_radians() / 2.0;
        let chord =
            half_latitude.sin().powi(2) + from.cos() * to.cos() * half_longitude.sin().powi(2);
        2.0 * EARTH_RADIUS_METRES * chord.sqrt().min(1.0).asin()
    }
}

/// A format of photos that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoFormat {
    Jpeg,
    Png,
    Webp,
}

impl PhotoFormat {
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// When a photo was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Captured {
    At(Timestamp),
    /// A clock of an unknown zone showed this, read as if it were UTC.
    SomewhereAt(Timestamp),
}

/// What the head of a photo says, read without decoding its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PhotoHead {
    pub format: PhotoFormat,
    /// As stored, before its orientation is applied.
    pub width_pixels: u32,
    pub height_pixels: u32,
    /// From EXIF.
    pub captured: Option<Captured>,
    /// From EXIF.
    pub location: Option<Coordinates>,
}

/// What looking at the pixels gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// Variance of the Laplacian of the grey picture, made smaller to 512 pixels on its longer edge (never
    /// larger): low means blurred.
    pub sharpness: f64,
    /// Share of pixels that are nearly black, from 0 to 1.
    pub dark: f64,
    /// Share of pixels that are nearly white, from 0 to 1.
    pub bright: f64,
    /// A perceptual hash (difference hash of 8 by 8); `None` when the picture is too even to tell it from
    /// others.
    pub fingerprint: Option<u64>,
    /// A small JPEG without metadata, upright.
    pub thumbnail: bytes::Bytes,
}

/// A perceptual hash of an earlier photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub company_id: heraldo_wire::id::CompanyId,
    pub inspection_id: heraldo_wire::id::InspectionId,
    pub image_id: heraldo_wire::id::ImageId,
    pub bits: u64,
}

/// Two photos whose hashes differ in at most so many bits count as the same picture.
pub const FINGERPRINT_DISTANCE_MAX: u32 = 3;
