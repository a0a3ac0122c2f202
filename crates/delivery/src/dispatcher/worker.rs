//! A worker sends one delivery after the other, taking each next one from the lanes in turn, and ends
//! when nothing may start.

use std::sync::Arc;

use heraldo_domain::delivery::{
    Attempt, AttemptReport, AttemptResult, INTERRUPTIONS_MAX, Leased, Next, Received, Settlement,
    interrupted_report, settle,
};
use heraldo_domain::query::DeliveryRecord;
use heraldo_domain::store::StoreError;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::{DeliveryStatus, WebhookStatus};
use heraldo_wire::attempt::PhaseTimings;
use heraldo_wire::id::AttemptId;

use super::life::Gone;
use super::prepared::Prepared;
use super::runtime::Runtime;
use super::{Inner, STORE_PAUSE, Started};
use crate::lanes::{Hold, Sign};
use crate::transport::{Answer, Outgoing, Report};

/// Frees the slot and the chain of a delivery even when sending it panicked.
struct Slot<'a, R: Runtime> {
    inner: &'a Arc<Inner<R>>,
    hold: Hold,
    /// What its outcome tells.
    sign: Sign,
    /// Taken out once its outcome is in the outbox.
    unsettled: Option<Leased>,
}

impl<R: Runtime> Drop for Slot<'_, R> {
    fn drop(&mut self) {
        match self.unsettled.take() {
            None => self.inner.lanes().ended(&self.hold, self.sign),
            Some(leased) => {
                // Not sent, or nobody knows: the lease goes back, so that it is sent again.
                let back = self.inner.lanes().turn_back(&self.hold, leased);
                self.inner.give_back(back);
            }
        }
        self.inner.outbox.changed();
        if std::thread::panicking() {
            // This worker takes no next one, so that others must.
            self.inner.start_workers();
        }
    }
}

pub(super) async fn run<R: Runtime>(inner: Arc<Inner<R>>, mut leased: Leased, mut hold: Hold) {
    let Some(started) = inner.started.get() else {
        return;
    };
    loop {
        deliver(&inner, started, leased, hold).await;
        let Some(next) = inner.next_start() else {
            return;
        };
        // What ended may have made room for more than one: a lane whose turn it is not would wait for
        // this worker, which the next receiver may hold for as long as the deadline is.
        inner.start_workers();
        (leased, hold) = next;
    }
}

async fn deliver<R: Runtime>(inner: &Arc<Inner<R>>, started: &Started, leased: Leased, hold: Hold) {
    let mut slot = Slot {
        inner,
        hold,
        sign: Sign::Other,
        unsettled: None,
    };
    let leased = slot.unsettled.insert(leased);
    let Some(webhook) = webhook_to_send_to(inner, started, leased).await else {
        return;
    };
    let report = if leased.interruptions >= INTERRUPTIONS_MAX {
        interrupted_report(inner.clock.now())
    } else {
        if slot.hold.metered {
            inner.spend(&mut slot.hold);
        }
        send(inner, started, &webhook, leased).await
    };
    let now = inner.clock.now();
    let id = AttemptId(inner.ids.next(now, &*inner.entropy));
    let policy = webhook.retry_policy(&inner.config.defaults);
    let settlement = settle(leased, report, id, &policy, now);
    let ended = inner.heard().map(|_| Box::new(ended(leased, &settlement)));
    slot.unsettled = None;
    slot.sign = Sign::of(&settlement);
    let gone = settlement.says_gone().then(|| Gone {
        webhook: webhook.id,
        endpoint: webhook.settings.endpoint.clone(),
    });
    inner.outbox.settle(settlement, hold, ended, gone);
}

/// What is told of a delivery once its outcome is written.
fn ended(leased: &Leased, settlement: &Settlement) -> DeliveryRecord {
    let (status, next_attempt_at) = match settlement.next {
        Next::Delivered => (DeliveryStatus::Delivered, None),
        Next::Failed => (DeliveryStatus::Failed, None),
        Next::Cancelled => (DeliveryStatus::Cancelled, None),
        Next::RetryAt(at) => (DeliveryStatus::Pending, Some(at)),
    };
    DeliveryRecord {
        id: leased.delivery_id,
        company_id: leased.company_id,
        webhook_id: leased.webhook_id,
        event_id: leased.event_id,
        event_type: leased.event_type,
        inspection_id: leased.inspection_id,
        status,
        next_attempt_at,
        created_at: leased.delivery_id.0.made_at(),
        attempt_count: settlement.attempt.number,
        last_attempt: Some(Attempt::clone(&settlement.attempt)),
        attempts: Vec::new(),
    }
}

/// The webhook as it is now; `None` when nothing may be sent to it. A store that fails is asked until it
/// answers: giving the delivery back would need the store as well.
async fn webhook_to_send_to<R: Runtime>(
    inner: &Arc<Inner<R>>,
    started: &Started,
    leased: &Leased,
) -> Option<Arc<Webhook>> {
    loop {
        match started.store.webhook(leased.webhook_id).await {
            Ok(Some(webhook)) if webhook.settings.status == WebhookStatus::Enabled => {
                return Some(webhook);
            }
            Ok(_) => {
                inner.lanes().mark_stale(Some(leased.webhook_id));
                inner.attention.notify_one();
                return None;
            }
            Err(error) => {
                tracing::warn!(webhook = %leased.webhook_id, %error, "cannot read a webhook");
                pause_unless_stopped(inner, &error).await?;
            }
        }
    }
}

/// Records durably that an attempt recovered from a crash is being sent, so that crashes in the middle of it are
/// counted (contract 8.2, last rule). When that fails the attempt goes on uncounted: once more than promised is
/// better than not at all. Whether its lease still holds its outcome will tell.
async fn record_start(started: &Started, leased: &Leased) {
    let (delivery, webhook) = (leased.delivery_id, leased.webhook_id);
    match started
        .store
        .mark_started(leased.lease, vec![delivery])
        .await
    {
        Ok(_) => tracing::debug!(
            %delivery, %webhook, interruptions = leased.interruptions,
            "an attempt that was cut off is being sent again, which is recorded"
        ),
        Err(error) => tracing::warn!(
            %delivery, %webhook, %error,
            "cannot record that an attempt that was cut off is being sent again: should it be cut off once more, that is not counted"
        ),
    }
}

/// Keeps a failing store from being asked in a tight loop. `None`: it is not to be asked again.
async fn pause_unless_stopped<R: Runtime>(inner: &Arc<Inner<R>>, error: &StoreError) -> Option<()> {
    if *error == StoreError::Closed {
        return None;
    }
    tokio::select! {
        biased;
        () = inner.stopping.cancelled() => None,
        () = inner.runtime.sleep(STORE_PAUSE) => Some(()),
    }
}

async fn send<R: Runtime>(
    inner: &Arc<Inner<R>>,
    started: &Started,
    webhook: &Arc<Webhook>,
    leased: &Leased,
) -> AttemptReport {
    let prepared = inner.prepared(webhook);
    let started_at = inner.clock.now();
    let target = match prepared.target() {
        Ok(target) => target.clone(),
        Err(problem) => {
            return AttemptReport {
                started_at,
                duration_ms: 0,
                result: problem.clone(),
                timings: PhaseTimings::default(),
            };
        }
    };
    let outgoing = Outgoing {
        url: target,
        headers: prepared.headers(leased, started_at),
        body: leased.body.clone(),
        timeout: prepared.timeout(&inner.config.defaults),
    };
    let report = if leased.recovered {
        let record = record_start(started, leased);
        // In memory of its own: it is rare, and larger than the other.
        Box::pin(inner.runtime.send_recorded(outgoing, record)).await
    } else {
        inner.runtime.send(outgoing).await
    };
    to_report(started_at, report)
}

fn to_report(started_at: heraldo_wire::time::Timestamp, report: Report) -> AttemptReport {
    let result = match report.outcome {
        Ok(answer) => AttemptResult::Answered(received(answer)),
        Err(failure) => AttemptResult::Failed {
            class: failure.class,
            phase: failure.phase,
            error: failure.detail,
            status: failure.status,
            part: failure.answer.map(|answer| Box::new(received(*answer))),
        },
    };
    AttemptReport {
        started_at,
        duration_ms: u32::try_from(report.duration.as_millis()).unwrap_or(u32::MAX),
        result,
        timings: report.timings,
    }
}

fn received(answer: Answer) -> Received {
    Received {
        status: answer.status,
        body: String::from_utf8_lossy(&answer.body_head).into_owned(),
        headers: answer.headers,
        retry_after: answer.retry_after,
    }
}

impl<R: Runtime> Inner<R> {
    /// The attempt goes out now; another that waits for its token may have to wait for less.
    fn spend(&self, hold: &mut Hold) {
        let mut lanes = self.lanes();
        lanes.sending(hold, self.clock.now());
        let earlier = lanes.wake_is_earlier();
        drop(lanes);
        if earlier {
            self.attention.notify_one();
        }
    }

    /// What is made once for each version of a webhook.
    fn prepared(&self, webhook: &Arc<Webhook>) -> Arc<Prepared> {
        let mut known = self
            .prepared
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match known.get(&webhook.id) {
            Some(prepared) if prepared.is_of(webhook) => prepared.clone(),
            _ => {
                let prepared =
                    Arc::new(Prepared::of(webhook, &self.config.defaults, &self.runtime));
                known.insert(webhook.id, prepared.clone());
                prepared
            }
        }
    }
}
