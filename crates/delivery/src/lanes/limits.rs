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
    /// So many of them for each slot that the webhook has now: a receiver that takes much has much ready, and
    /// one that only times out keeps little from the others.
    pub window_per_slot: usize,
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
            window_max: 8_192,
            window_per_slot: 256,
            window_min: 16,
            bytes_max: 64 * 1024 * 1024,
            claim_max: 2_048,
        }
    }
}

impl Limits {
    /// Deliveries in memory of a webhook that has so many slots.
    pub(super) fn window(&self, slots: usize) -> usize {
        let window = slots.saturating_mul(self.window_per_slot);
        window.max(self.window_min).min(self.window_max)
    }
}
