//! The part of the dispatcher that disables webhooks for what their outcomes say, and sends the waiting retries
//! of those that have recovered.

use heraldo_domain::health::{Turn, WebhookTurn};
use heraldo_domain::ops::disable_webhook::{Complaint, Means, disable_webhook};
use heraldo_domain::store::StoreError;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;

use super::settler::Batch;
use super::{Driver, STORE_PAUSE};
use crate::oracle::Oracle;
use crate::workload::ENDPOINT;
use crate::world::{Check, World, wait_for};

/// Small, so that it takes several slices.
const RETRIES_SLICE: u32 = 3;

/// Something to be done with a webhook itself.
#[derive(Debug)]
pub(super) struct Heed {
    webhook: WebhookId,
    act: Act,
    pub(super) wake: Option<Timestamp>,
}

#[derive(Debug)]
enum Act {
    Disable(Complaint),
    SendRetries,
}

impl Driver {
    /// What a group of outcomes, which is stored, told of its webhooks.
    pub(super) fn take_turns(
        &mut self,
        batch: &Batch,
        turns: &[WebhookTurn],
        world: &mut World,
    ) -> Check {
        for webhook in batch.gone() {
            let endpoint = ENDPOINT.to_owned();
            self.add_heed(webhook, Act::Disable(Complaint::Gone { endpoint }));
        }
        for (id, turn) in turns {
            // What cannot be read is looked at after the next outcome.
            if world.dice.chance(world.faults.read) {
                continue;
            }
            let Ok(Some(webhook)) = wait_for(self.store.webhook(*id))? else {
                continue;
            };
            let server = &self.config.defaults;
            match turn {
                Turn::Failing(run) => {
                    if webhook.disable_policy(server).is_over(run, world.now()) {
                        self.add_heed(*id, Act::Disable(Complaint::Failing));
                    }
                }
                Turn::Recovered if webhook.retry_on_recovery(server) => {
                    self.add_heed(*id, Act::SendRetries);
                }
                Turn::Recovered => {}
            }
        }
        Ok(())
    }

    fn add_heed(&mut self, webhook: WebhookId, act: Act) {
        self.heeds.push(Heed {
            webhook,
            act,
            wake: None,
        });
    }

    pub(super) fn heed_one(&mut self, at: usize, world: &mut World, oracle: &mut Oracle) -> Check {
        let mut heed = self.heeds.swap_remove(at);
        if self.is_stopping() {
            return Ok(());
        }
        self.store.maybe_fail(world)?;
        let goes_on = match &heed.act {
            Act::Disable(complaint) => self.disable(heed.webhook, complaint, world, oracle)?,
            Act::SendRetries => self.send_retries(heed.webhook, world, oracle)?,
        };
        if let Some(wake) = goes_on {
            heed.wake = Some(wake);
            self.heeds.push(heed);
        }
        Ok(())
    }

    /// Returns when to try again; `None`: it is done.
    fn disable(
        &self,
        webhook: WebhookId,
        complaint: &Complaint,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check<Option<Timestamp>> {
        let means = Means {
            store: &*self.store,
            clock: &*world.clock,
            entropy: &*world.entropy,
            ids: &self.ids,
            server: &self.config.defaults,
        };
        match wait_for(disable_webhook(means, webhook, complaint))? {
            Ok(None) | Err(StoreError::Closed) => Ok(None),
            Ok(Some(disabled)) => {
                let policy = disabled.disable_policy(&self.config.defaults);
                oracle.disabled(webhook, complaint, policy, world)?;
                Ok(None)
            }
            Err(_) => Ok(Some(world.now().plus(STORE_PAUSE))),
        }
    }

    fn send_retries(
        &self,
        webhook: WebhookId,
        world: &mut World,
        oracle: &mut Oracle,
    ) -> Check<Option<Timestamp>> {
        let now = world.now();
        let brought = wait_for(self.store.bring_forward(webhook, now, RETRIES_SLICE))?;
        // What cannot be brought forward keeps its time.
        let Ok(brought) = brought else {
            return Ok(None);
        };
        if brought == 0 {
            return Ok(None);
        }
        oracle.brought_forward(webhook, brought, world);
        let mut shared = self.port.shared();
        shared.lanes.due(webhook, now);
        shared.attention = true;
        Ok((brought == RETRIES_SLICE).then_some(now))
    }
}
