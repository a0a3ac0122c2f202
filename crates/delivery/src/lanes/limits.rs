//! How much is kept in memory and under way.

/// How much of everything is kept in memory and under way.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts under way in all. A lane with none under way may exceed it by one, so that slots held
    /// by dead receivers never stop a healthy one.
    pub in_flight_max: usize,
    /// Attempts under way for one webhook, unless the webhook says otherwise.
    pub concurrency: usize,
    /// Deliveries of one webhook in memory: waiting, under way, or being settled.
    pub window_max: usize,
    /// Below this a lane is given room even when `bytes_max` is reached.
    pub window_min: usize,
    /// Bytes of event bodies in memory, over all lanes.
    pub bytes_max: usize,
    /// Deliveries asked for in one claim.
    pub claim_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight_max: 8_192,
            concurrency: 32,
            window_max: 1_024,
            window_min: 16,
            bytes_max: 64 * 1024 * 1024,
            claim_max: 256,
        }
    }
}
