//! Deleting what was kept long enough, in slices that hold the writer for a few milliseconds each.

use heraldo_wire::id::EventId;
use heraldo_wire::time::Timestamp;

/// One slice of the events that are old enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Only events that were made before this instant.
    pub before: Timestamp,
    /// Only events newer than this one; `None`: from the oldest on.
    pub after: Option<EventId>,
    /// About so many rows are deleted at most, and so many events looked at.
    pub rows_max: u32,
    /// After so many bytes of deleted bodies the slice ends; one event goes however large it is.
    pub body_bytes_max: u64,
}

/// What a slice deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Events that are gone whole.
    pub events: u32,
    /// Where the next slice goes on; `None`: nothing older is left to look at.
    pub after: Option<EventId>,
    /// Whether there may be more to delete.
    pub more: bool,
}
