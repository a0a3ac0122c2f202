//! Lanes that must let time pass although they have something ready, and the clock that is told to them.

use std::time::Duration;

use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::Lanes;
use super::lane::Wait;

/// Those who tell the time may do so a little out of turn; a clock that goes back further was set.
const OUT_OF_TURN_MAX: Duration = Duration::from_secs(1);

impl Lanes {
    /// When there is something to do that only waits for time to pass: the earliest of all.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let due = self.due.first().map(|(at, _)| *at);
        due.into_iter().chain(self.next_resume()).min()
    }

    /// When a lane may go on that must let time pass before it starts what it has ready, the earliest of
    /// all.
    #[must_use]
    pub fn next_resume(&self) -> Option<Timestamp> {
        self.resumes.first().map(|(at, _)| *at)
    }

    /// Whether [`Lanes::next_wake`] may have become earlier because a lane has to wait, since this was last
    /// asked.
    pub fn wake_is_earlier(&mut self) -> bool {
        std::mem::take(&mut self.wake_is_earlier)
    }

    /// Keeps a lane from starting anything before the time, or the token, has come.
    pub(super) fn wait(&mut self, webhook: WebhookId, wait: Wait) {
        let Some(lane) = self.lanes.get_mut(&webhook) else {
            return;
        };
        lane.wait = wait;
        if let Wait::Until(at) = wait {
            self.resumes.insert((at, webhook));
            self.wake_is_earlier |= self.resumes.first() == Some(&(at, webhook));
        }
    }

    /// Lets a lane look anew whether it must wait.
    pub(super) fn stop_waiting(&mut self, webhook: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook)
            && let Wait::Until(at) = std::mem::take(&mut lane.wait)
        {
            self.resumes.remove(&(at, webhook));
        }
    }

    /// Something changed for a lane that may have waited for it.
    pub(super) fn look_again(&mut self, webhook: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook)
            && lane.wait == Wait::ForToken
        {
            lane.wait = Wait::No;
            // Whoever sends or ends an attempt need not look for the next one.
            self.wake_is_earlier = true;
        }
        self.enter_turn(webhook);
    }

    /// Lets the lanes go on whose time has come.
    pub(super) fn resume(&mut self, now: Timestamp) {
        while let Some((at, webhook)) = self.resumes.first().copied().filter(|(at, _)| *at <= now) {
            self.resumes.remove(&(at, webhook));
            self.stop_waiting(webhook);
            self.enter_turn(webhook);
        }
    }

    /// The time as it counts here: it does not go back, unless the clock was set, which moves all that was
    /// remembered with it.
    pub(super) fn tick(&mut self, now: Timestamp) -> Timestamp {
        let back = self.latest.since(now);
        if back > OUT_OF_TURN_MAX {
            self.set_back(self.latest.as_millis() - now.as_millis());
            self.latest = now;
        }
        self.latest = self.latest.max(now);
        self.latest
    }

    fn set_back(&mut self, step_ms: i64) {
        let earlier = |at: Timestamp| Timestamp::from_millis(at.as_millis() - step_ms);
        self.opened_at = earlier(self.opened_at);
        self.resumes = std::mem::take(&mut self.resumes)
            .into_iter()
            .map(|(at, webhook)| (earlier(at), webhook))
            .collect();
        for lane in self.lanes.values_mut() {
            if let Wait::Until(at) = &mut lane.wait {
                *at = earlier(*at);
            }
            if let Some(held_until) = &mut lane.held_until {
                *held_until = earlier(*held_until);
            }
            if let Some(counts_until) = &mut lane.counts_until {
                *counts_until = earlier(*counts_until);
            }
            if let Some(bucket) = &mut lane.bucket {
                bucket.set_back(step_ms);
            }
        }
        // What an ended webhook waits for is only that it may be forgotten, or have something cancelled.
        let ended = self.lanes.iter().filter(|(_, lane)| lane.is_ended());
        let ended: Vec<_> = ended
            .filter_map(|(webhook, lane)| Some((*webhook, lane.next_due_at?)))
            .collect();
        for (webhook, at) in ended {
            self.set_due(webhook, Some(earlier(at)));
        }
    }
}
