//! The checks that Heraldo makes itself, by their names.

use heraldo_wire::time::Timestamp;

use super::{Captured, Coordinates, Examined};

/// Whether the photo can be decoded at all; named only when it cannot.
pub const READABLE: &str = "readable";

/// What is known of a photo when it is judged.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub captured: Option<Captured>,
    pub uploaded_at: Timestamp,
    pub location: Option<Coordinates>,
    /// Of the inspection's other photos.
    pub other_locations: Vec<Coordinates>,
    pub distance_max_metres: f64,
    pub width_pixels: u32,
    pub height_pixels: u32,
    pub examined: &'a Examined,
    /// An earlier photo of the company shows the same picture.
    pub has_earlier_twin: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    pub valid: bool,
    /// From 0 to 1.
    pub confidence: f64,
}

/// Carries out a check; `None` when it is none of those that Heraldo makes itself.
#[must_use]
pub fn judge(_check: &str, _facts: &Facts<'_>) -> Option<Judgement> {
    None
}
