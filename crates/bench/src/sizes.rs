//! How much of everything the scenarios make: enough to mean something, or little enough to be tried.

use serde::{Deserialize, Serialize};

/// One number for each kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Events stored before STORED measures.
    pub stored: u32,
    /// Deliveries that wait in BACKLOG; the backlog that it is compared with is a hundredth of it.
    pub waiting: u32,
    /// Webhooks of DEAD.
    pub webhooks: u32,
    /// Inspections that LISTS lists.
    pub inspections: u32,
    /// Inspections that live in W4.
    pub lives: u32,
    /// Photos of PHOTO.
    pub photos: u32,
    /// Deliveries queued for slow receivers in ISO.
    pub queued: u32,
    /// The most of what grows in GROWTH, but for webhooks and fan-out.
    pub growth: u32,
}

impl Sizes {
    /// The figures of the table in the documentation.
    pub const FULL: Self = Self {
        stored: 10_000_000,
        waiting: 1_000_000,
        webhooks: 1_000,
        inspections: 1_000_000,
        lives: 500,
        photos: 40,
        queued: 10_000,
        growth: 1_000_000,
    };

    /// Two minutes in all.
    pub const QUICK: Self = Self {
        stored: 50_000,
        waiting: 50_000,
        webhooks: 40,
        inspections: 20_000,
        lives: 40,
        photos: 8,
        queued: 10_000,
        growth: 10_000,
    };

    /// Whether anything is lost shows with few as well.
    pub const SMOKE: Self = Self {
        stored: 1_000,
        waiting: 2_000,
        webhooks: 10,
        inspections: 500,
        lives: 4,
        photos: 1,
        queued: 2_000,
        growth: 1_000,
    };
}
