//! What the lanes know of their webhooks: what has to be read again, and what was read.

use heraldo_domain::delivery::Leased;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::lane::Lane;
use super::pace::Bucket;
use super::{LaneSettings, Lanes};

impl Lanes {
    /// The webhook was changed, or, with `None`, any may have been: settings are read before more room
    /// is given.
    pub fn mark_stale(&mut self, webhook: Option<WebhookId>) {
        match webhook {
            Some(webhook) => {
                self.lane(webhook);
                self.mark(webhook);
            }
            None => {
                for webhook in self.in_order() {
                    self.mark(webhook);
                }
            }
        }
    }

    /// Lets a lane be known. `true`: its settings are to be read first.
    pub fn look_at(&mut self, webhook: WebhookId) -> bool {
        self.lane(webhook);
        self.stale.contains_key(&webhook)
    }

    /// Lanes whose settings must be read and given to [`Lanes::configure`] with the same mark. Until
    /// then their reservations are refused. In the order in which they were marked.
    #[must_use]
    pub fn stale(&self) -> Vec<(WebhookId, u64)> {
        let stale = self.stale.iter();
        let mut stale: Vec<_> = stale.map(|(webhook, mark)| (*webhook, *mark)).collect();
        stale.sort_unstable_by_key(|(_, mark)| *mark);
        stale
    }

    pub(super) fn mark(&mut self, webhook: WebhookId) {
        self.marks += 1;
        self.stale.insert(webhook, self.marks);
        self.hungry.remove(&webhook);
    }

    /// Sets what was read of a webhook. Whatever came while it was not known may wait in the store.
    ///
    /// `mark` is the one that [`Lanes::stale`] gave; a newer one stays. Returns what is in memory for a
    /// webhook that nothing may be sent to.
    #[must_use = "what is returned must be given back to the store, and told to `returned`"]
    pub fn configure(
        &mut self,
        webhook: WebhookId,
        mark: u64,
        settings: LaneSettings,
        now: Timestamp,
    ) -> Vec<Leased> {
        let now = self.tick(now);
        let opened_at = self.opened_at;
        if self.stale.get(&webhook) == Some(&mark) {
            self.stale.remove(&webhook);
        }
        let lane = self.lane(webhook);
        if lane.settings.status != settings.status {
            lane.backlog = true;
        }
        let rate = settings.rate_per_second;
        lane.bucket = match (lane.bucket.take(), rate) {
            (was, None) => {
                let counts_until = was.as_ref().map(Bucket::last_return);
                lane.counts_until = lane.counts_until.max(counts_until);
                None
            }
            (Some(mut bucket), Some(rate)) => {
                bucket.set_tokens(rate);
                Some(bucket)
            }
            // What it sent until now was not counted.
            (None, Some(rate)) if lane.has_started => Some(Bucket::new(rate, now)),
            (None, Some(rate)) => Some(Bucket::new(rate, opened_at)),
        };
        lane.settings = settings;
        let back = if lane.is_enabled() {
            Vec::new()
        } else {
            lane.send_back()
        };
        self.stop_waiting(webhook);
        self.enter_turn(webhook);
        self.weigh(webhook);
        back
    }

    /// Whether anything is known of a webhook: it has a lane.
    #[must_use]
    pub fn knows(&self, webhook: WebhookId) -> bool {
        self.lanes.contains_key(&webhook)
    }

    /// Whether what waits for this webhook is to be cancelled: it was disabled or deleted.
    #[must_use]
    pub fn is_ended(&self, webhook: WebhookId) -> bool {
        self.lanes.get(&webhook).is_some_and(Lane::is_ended)
    }

    /// Forgets a lane whose webhook was disabled or deleted and that holds nothing. One that is stale stays:
    /// it may have been enabled meanwhile, or something may wait for it again. One that sent something
    /// a moment ago stays until that counts no more for its rate, should it be enabled again.
    /// `true`: it is forgotten.
    pub fn forget(&mut self, webhook: WebhookId, now: Timestamp) -> bool {
        let now = self.tick(now);
        let idle = |lane: &Lane| {
            lane.is_ended() && lane.held == 0 && lane.in_flight == 0 && !lane.claiming
        };
        let Some(lane) = self.lanes.get(&webhook).filter(|lane| idle(lane)) else {
            return false;
        };
        if self.stale.contains_key(&webhook) {
            return false;
        }
        let last_return = lane.bucket.as_ref().map(Bucket::last_return);
        match last_return.max(lane.counts_until) {
            Some(at) if at > now => {
                self.due(webhook, at);
                false
            }
            Some(_) | None => {
                self.stop_waiting(webhook);
                self.set_due(webhook, None);
                self.lanes.remove(&webhook);
                self.hungry.remove(&webhook);
                true
            }
        }
    }

    /// Whether there is something to do for [`Lanes::stale`] or [`Lanes::plan_claims`] at once.
    #[must_use]
    pub fn wants_attention(&self) -> bool {
        !self.stale.is_empty() || !self.hungry.is_empty()
    }
}
