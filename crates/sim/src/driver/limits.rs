//! What holds at every moment: windows, bytes, slots; and that nobody waits for something that has happened.

use std::collections::BTreeMap;

use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use heraldo_delivery::lanes::Sign;

use super::Driver;
use crate::oracle::{Oracle, place_name};
use crate::world::{Check, World, violated};

/// How many attempts a webhook may have at once, and its successes since that changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brake {
    at_once: usize,
    successes: usize,
}

impl Driver {
    pub(super) fn check_limits(&self) -> Check {
        let limits = self.config.limits;
        let shared = self.port.shared();
        if shared.lanes.bytes() != shared.bytes {
            return violated(format!(
                "the lanes count {} bytes in memory, but there are {}",
                shared.lanes.bytes(),
                shared.bytes
            ));
        }
        if let Some((_, places)) = shared
            .places
            .iter()
            .find(|(_, held)| **held > limits.window_max)
        {
            return violated(format!("a window of {} holds {places}", limits.window_max));
        }
        let body = shared.largest_body_bytes;
        let lanes = shared.places.len();
        let bytes_max =
            limits.bytes_max + lanes * (limits.bytes_max / 4 + (1 + limits.window_min) * body);
        if shared.bytes > bytes_max {
            return violated(format!(
                "{} bytes in memory are more than {bytes_max}",
                shared.bytes
            ));
        }
        let slots = self.slots();
        let in_flight: usize = slots.values().sum();
        if shared.lanes.in_flight() != in_flight {
            let counted = shared.lanes.in_flight();
            return violated(format!(
                "the lanes count {counted} slots taken, but there are {in_flight}"
            ));
        }
        // Each lane may exceed the limit by one of its own, and only by its first.
        let firsts = slots.len();
        if in_flight > limits.in_flight_max + firsts.saturating_sub(1).max(1) {
            return violated(format!(
                "{in_flight} attempts are under way in {firsts} lanes, the limit being {}",
                limits.in_flight_max
            ));
        }
        Ok(())
    }

    /// How many slots each webhook holds.
    fn slots(&self) -> BTreeMap<WebhookId, usize> {
        let mut slots = BTreeMap::new();
        for worker in self.workers.iter().filter(|worker| worker.stage.has_slot()) {
            *slots.entry(worker.hold.webhook_id).or_default() += 1;
        }
        slots
    }

    /// When nothing can go on before time passes, nothing that could go on may have been forgotten.
    ///
    /// # Errors
    /// When something was.
    pub fn check_idle(&self, world: &World) -> Check {
        if !self.is_running() {
            return Ok(());
        }
        let mut shared = self.port.shared();
        if let Some((delivery, _)) = shared.lanes.next_start(world.now()) {
            return violated(format!(
                "delivery {} may start and nobody starts it",
                delivery.delivery_id
            ));
        }
        if shared.lanes.stale().is_empty() && shared.lanes.wants_attention() {
            return violated("a claim is worth making and nobody makes it");
        }
        let due = shared.lanes.next_wake();
        if let (Some(due), Some(wake)) = (due, self.planner.wake())
            && due.max(world.now()) < wake
        {
            return violated("something is due before anybody looks again");
        }
        Ok(())
    }

    /// Where nothing ever fails: when nothing can go on before time passes, a webhook that is enabled, has no limit and
    /// has nothing under way has nothing that is due: a lane with nothing under way may always start one.
    ///
    /// # Errors
    /// When it has.
    pub fn check_overdue(&self, oracle: &Oracle, world: &mut World) -> Check {
        if !self.is_running() {
            return Ok(());
        }
        let now = world.now();
        let slots = self.slots();
        let waits = |webhook: &WebhookId| {
            let held = self.holds.get(webhook).is_some_and(|until| now < *until);
            let settings = self.configured.get(webhook);
            let limited = settings.is_none_or(|settings| settings.rate_per_second.is_some());
            held || limited || slots.contains_key(webhook)
        };
        match oracle.due(now).find(|(webhook, ..)| !waits(webhook)) {
            None => Ok(()),
            Some(place) => {
                let name = place_name(place, world);
                violated(format!("{name} is due, and nobody sends it"))
            }
        }
    }

    /// At the end nothing is left in memory.
    ///
    /// # Errors
    /// When something is.
    pub fn check_empty(&self, world: &mut World) -> Check {
        let shared = self.port.shared();
        if let Some((webhook, places)) = shared.places.iter().find(|(_, places)| **places > 0) {
            let name = world.webhook(*webhook);
            return violated(format!(
                "{places} deliveries to {name} were taken and never settled"
            ));
        }
        let lanes = &shared.lanes;
        if lanes.bytes() != 0 || lanes.in_flight() != 0 || !lanes.is_empty() {
            return violated(format!(
                "at rest the lanes still hold something: {} bytes, {} slots",
                lanes.bytes(),
                lanes.in_flight()
            ));
        }
        Ok(())
    }

    /// What the lanes hold a webhook's attempts to: its own limit, or the server's, or less while they time
    /// out.
    fn concurrency_of(&self, webhook: WebhookId) -> usize {
        let most = self.most_at_once(webhook);
        let braked = self.brakes.get(&webhook);
        braked.map_or(most, |brake| brake.at_once.min(most))
    }

    fn most_at_once(&self, webhook: WebhookId) -> usize {
        let own = self
            .configured
            .get(&webhook)
            .and_then(|settings| settings.concurrency);
        own.unwrap_or(self.config.limits.concurrency).max(1)
    }

    /// Half as many after each timeout, one more after as many successes as there may be at once.
    pub(super) fn heed(&mut self, webhook: WebhookId, sign: Sign) {
        let most = self.most_at_once(webhook);
        match (sign, self.brakes.get_mut(&webhook)) {
            (Sign::TimedOut, braked) => {
                let at_once = braked.map_or(most, |brake| brake.at_once.min(most));
                let brake = Brake {
                    at_once: (at_once / 2).max(1),
                    successes: 0,
                };
                self.brakes.insert(webhook, brake);
            }
            (Sign::Delivered, Some(brake)) => {
                brake.successes += 1;
                if brake.successes == brake.at_once {
                    brake.at_once += 1;
                    brake.successes = 0;
                }
                if brake.at_once >= most {
                    self.brakes.remove(&webhook);
                }
            }
            (Sign::Hold(until), _) => {
                let held = self.holds.entry(webhook).or_insert(until);
                *held = until.max(*held);
            }
            (Sign::Delivered, None) | (Sign::Other, _) => {}
        }
    }

    /// A start must have found a slot of its webhook's own, and one of all, or be its webhook's only one.
    pub(super) fn check_start(&self, webhook: WebhookId, now: Timestamp) -> Check {
        if self.holds.get(&webhook).is_some_and(|until| now < *until) {
            return violated("a webhook is sent something that asked for fewer requests");
        }
        let slots = self.slots();
        let own = slots.get(&webhook).copied().unwrap_or(0);
        let all: usize = slots.values().sum();
        if own > self.concurrency_of(webhook) {
            return violated(format!(
                "{own} attempts at once are more than the {} that the webhook takes",
                self.concurrency_of(webhook)
            ));
        }
        if all > self.config.limits.in_flight_max && own > 1 {
            return violated("a webhook took a second slot when all slots were taken");
        }
        Ok(())
    }
}
