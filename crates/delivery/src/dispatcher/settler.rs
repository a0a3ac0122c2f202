//! The settler writes outcomes in groups, each only if its lease still holds, and gives unused leases
//! back. While one group is being written the next one gathers, and a few wait a moment for others: each
//! write is a commit, and nobody waits for an outcome to be written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heraldo_domain::delivery::{Leased, Next, Settlement};
use heraldo_domain::query::DeliveryRecord;
use heraldo_domain::store::{Settled, StoreError};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::life::Gone;
use super::runtime::Runtime;
use super::{Inner, STORE_PAUSE, life};
use crate::lanes::Hold;

/// Outcomes on their way to the store.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
    /// It is not worth waiting for more.
    pressed: Notify,
    /// Told after every change that could leave nothing to do.
    emptied: Notify,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    settlements: Vec<Settlement>,
    /// The hold of each settlement, in the same order.
    holds: Vec<Hold>,
    /// What is told of each once it is written, in the same order; `None` while nobody listens.
    ended: Vec<Option<Box<DeliveryRecord>>>,
    releases: Vec<Release>,
    /// What is to be told of receivers once the outcomes are written.
    gone: Vec<Gone>,
    /// Taken by the settler and not yet written.
    writing: bool,
    /// Something follows when these are written: the next event of a strict order, or what a receiver's
    /// answer means for its webhook.
    pressing: bool,
}

impl Waiting {
    fn is_pressed(&self) -> bool {
        self.pressing || self.settlements.len() >= ENOUGH || !self.releases.is_empty()
    }
}

/// A lease on its way back, with the place in the window that it holds until then.
#[derive(Debug, Clone, Copy)]
struct Release {
    delivery_id: DeliveryId,
    webhook_id: WebhookId,
    body_bytes: usize,
}

/// A few outcomes wait so long for others. A crash in that time means that their attempts are made again.
const GATHERING: Duration = Duration::from_millis(3);
/// So many wait for no others.
const ENOUGH: usize = 128;

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settle(
        &self,
        settlement: Settlement,
        hold: Hold,
        ended: Option<Box<DeliveryRecord>>,
        gone: Option<Gone>,
    ) {
        let mut waiting = self.waiting();
        waiting.pressing |= gone.is_some() || settlement.strict.is_some();
        waiting.gone.extend(gone);
        waiting.settlements.push(settlement);
        waiting.holds.push(hold);
        waiting.ended.push(ended);
        let (first, pressed) = (waiting.settlements.len() == 1, waiting.is_pressed());
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
        if pressed {
            self.pressed.notify_one();
        }
    }

    /// Gives leases back, and their places in the window once that is written.
    pub(super) fn release(&self, leased: Vec<Leased>) {
        let releases = leased.into_iter().map(|delivery| Release {
            delivery_id: delivery.delivery_id,
            webhook_id: delivery.webhook_id,
            body_bytes: delivery.body.len(),
        });
        self.waiting().releases.extend(releases);
        self.filled.notify_one();
        self.pressed.notify_one();
    }

    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        !waiting.writing && waiting.settlements.is_empty() && waiting.releases.is_empty()
    }

    /// Resolves after the next change; call it before looking.
    pub(super) fn idle(&self) -> impl Future<Output = ()> + '_ {
        let mut notified = Box::pin(self.emptied.notified());
        notified.as_mut().enable();
        notified
    }

    pub(super) fn changed(&self) {
        self.emptied.notify_waiters();
    }

    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    fn take(&self, most: usize) -> Option<Waiting> {
        let mut waiting = self.waiting();
        if waiting.settlements.is_empty() && waiting.releases.is_empty() {
            return None;
        }
        let batch = Waiting {
            settlements: first(&mut waiting.settlements, most),
            holds: first(&mut waiting.holds, most),
            ended: first(&mut waiting.ended, most),
            releases: std::mem::take(&mut waiting.releases),
            gone: std::mem::take(&mut waiting.gone),
            writing: true,
            pressing: std::mem::take(&mut waiting.pressing),
        };
        waiting.writing = true;
        Some(batch)
    }

    /// Waits a moment for more, unless what is there is enough or must not wait.
    async fn gather(&self, runtime: &impl Runtime) {
        let nothing_to_wait_for = {
            let waiting = self.waiting();
            waiting.settlements.is_empty() || waiting.is_pressed()
        };
        if nothing_to_wait_for {
            return;
        }
        tokio::select! {
            biased;
            () = self.pressed.notified() => {}
            () = self.closed.cancelled() => {}
            () = runtime.sleep(GATHERING) => {}
        }
    }

    fn written(&self) {
        self.waiting().writing = false;
        self.changed();
    }
}

/// Takes out as many as one write may have. Nearly always that is all there are, which are not copied then, and the
/// next ones find room for as many.
fn first<T>(waiting: &mut Vec<T>, most: usize) -> Vec<T> {
    if waiting.len() <= most {
        let room = Vec::with_capacity(waiting.len());
        std::mem::replace(waiting, room)
    } else {
        waiting.drain(..most).collect()
    }
}

pub(super) async fn run<R: Runtime>(inner: Arc<Inner<R>>) {
    loop {
        inner.outbox.gather(&inner.runtime).await;
        if let Some(batch) = inner.outbox.take(R::GROUP_MAX) {
            write(&inner, batch).await;
            inner.outbox.written();
            inner.look_again();
            continue;
        }
        tokio::select! {
            biased;
            () = inner.outbox.filled.notified() => {}
            () = inner.outbox.closed.cancelled() => return,
        }
    }
}

async fn write<R: Runtime>(inner: &Arc<Inner<R>>, mut batch: Waiting) {
    let releases = std::mem::take(&mut batch.releases);
    if !batch.settlements.is_empty() {
        settle(inner, batch).await;
    }
    if !releases.is_empty() {
        release(inner, &releases).await;
    }
}

/// Writes until it is written: an outcome that is known is never dropped while the server runs. The
/// windows stay full meanwhile, so memory stays bounded.
async fn settle<R: Runtime>(inner: &Arc<Inner<R>>, batch: Waiting) {
    let Some(started) = inner.started.get() else {
        return;
    };
    let settlements = batch.settlements;
    let outcome = loop {
        match started.store.settle(settlements.clone()).await {
            Ok(outcome) => break outcome,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, count = settlements.len(), "cannot write outcomes; trying again");
                inner.runtime.sleep(STORE_PAUSE).await;
            }
        }
    };
    let now = inner.clock.now();
    announce(inner, batch.ended, &outcome.each, now);
    let wanted = {
        let mut lanes = inner.lanes();
        let wake = lanes.next_wake();
        for ((settlement, hold), settled) in settlements.iter().zip(&batch.holds).zip(outcome.each)
        {
            let due_at = match (settled, settlement.next) {
                (Settled::WrittenResendDue, _) => Some(now),
                (Settled::Written, Next::RetryAt(at)) => Some(at),
                (Settled::Written | Settled::LeaseLost, _) => None,
            };
            lanes.settled(hold, due_at);
        }
        lanes.next_wake() != wake || lanes.wants_attention()
    };
    if wanted {
        inner.attention.notify_one();
    }
    life::heed(inner, outcome.turns, batch.gone).await;
}

/// Tells whoever listens of the outcomes that were written.
fn announce<R: Runtime>(
    inner: &Inner<R>,
    ended: Vec<Option<Box<DeliveryRecord>>>,
    outcome: &[Settled],
    now: Timestamp,
) {
    let Some(announcer) = inner.heard() else {
        return;
    };
    let written = ended
        .into_iter()
        .zip(outcome)
        .filter_map(|(ended, settled)| {
            let ended = *ended?;
            match settled {
                Settled::Written => Some(ended),
                Settled::WrittenResendDue => Some(DeliveryRecord {
                    status: DeliveryStatus::Pending,
                    next_attempt_at: Some(now),
                    ..ended
                }),
                Settled::LeaseLost => None,
            }
        });
    let written: Vec<DeliveryRecord> = written.collect();
    if !written.is_empty() {
        announcer.announce(written);
    }
}

async fn release<R: Runtime>(inner: &Arc<Inner<R>>, releases: &[Release]) {
    let Some(started) = inner.started.get() else {
        return;
    };
    let deliveries: Vec<DeliveryId> = releases.iter().map(|release| release.delivery_id).collect();
    loop {
        match started
            .store
            .release(started.lease, deliveries.clone())
            .await
        {
            Ok(()) => break,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "cannot give leases back; trying again");
                inner.runtime.sleep(STORE_PAUSE).await;
            }
        }
    }
    {
        let mut lanes = inner.lanes();
        for release in releases {
            lanes.returned(release.webhook_id, release.body_bytes);
        }
    }
    for release in releases {
        inner.tell_lull(release.webhook_id);
    }
}
