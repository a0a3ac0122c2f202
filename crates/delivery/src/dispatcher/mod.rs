//! The dispatcher: takes what the store hands over, sends it, and has the outcome written.
//!
//! It holds no transaction and no lock across the network: [`Lanes`] decides under a short lock, a
//! worker sends, a settler writes outcomes in groups. What it knows is a hint; the store is the truth.

mod life;
mod lulls;
mod prepared;
mod runtime;
mod settler;
mod worker;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use heraldo_domain::delivery::{Claim, Epoch, Leased};
use heraldo_domain::ports::{Announcer, Clock, Entropy, HandOver, IdMaker};
use heraldo_domain::store::{Store, StoreError};
use heraldo_domain::webhook::Defaults;
use heraldo_wire::id::WebhookId;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::lanes::{ClaimPlan, Hold, LaneSettings, Lanes, Limits};
use crate::transport::Transport;
pub use runtime::{Live, Runtime, Task};

use lulls::Waiters;
use prepared::Prepared;
use runtime::within;
use settler::Outbox;

/// How the dispatcher behaves unless a webhook says otherwise.
#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    pub limits: Limits,
    pub defaults: Defaults,
}

/// After the store failed, it is asked again after this long.
const STORE_PAUSE: Duration = Duration::from_millis(250);
/// A due time further away than this is looked at again on the way: the wall clock may be set.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Clone-able handle to the one dispatcher of a server.
pub struct Dispatcher<R: Runtime = Live> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Runtime> {
    config: DispatcherConfig,
    lanes: Mutex<Lanes>,
    prepared: Mutex<HashMap<WebhookId, Arc<Prepared>>>,
    outbox: Outbox,
    waiters: Waiters,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ids: Arc<IdMaker>,
    runtime: R,
    /// Set by [`Dispatcher::announce_to`].
    announcer: OnceLock<Arc<dyn Announcer>>,
    /// Something was handed over.
    handed_over: Notify,
    /// Wakes the manager: a lane wants something, or an earlier time is due.
    attention: Notify,
    /// Ends the manager and, once nothing is under way, the settler.
    stopping: CancellationToken,
    /// Set by [`Dispatcher::start`]; the store is made with the dispatcher, so it comes later.
    started: OnceLock<Started>,
}

struct Started {
    store: Arc<dyn Store>,
    lease: Epoch,
}

impl<R: Runtime> Clone for Dispatcher<R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<R: Runtime> fmt::Debug for Dispatcher<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

/// The ports that a dispatcher works with.
#[derive(Debug, Clone)]
pub struct Ports {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ids: Arc<IdMaker>,
}

impl Dispatcher {
    /// A dispatcher that refuses everything until it is started; it runs and sends on `runtime`.
    #[must_use]
    pub fn new(
        config: DispatcherConfig,
        transport: Transport,
        ports: Ports,
        tracker: TaskTracker,
        runtime: Handle,
    ) -> Self {
        Self::on(Live::new(transport, tracker, runtime), config, ports)
    }
}

impl<R: Runtime> Dispatcher<R> {
    /// The same on whatever it is to run on.
    #[must_use]
    pub fn on(runtime: R, config: DispatcherConfig, ports: Ports) -> Self {
        let lanes = Mutex::new(Lanes::new(config.limits));
        let inner = Inner {
            config,
            lanes,
            prepared: Mutex::default(),
            outbox: Outbox::default(),
            waiters: Waiters::default(),
            clock: ports.clock,
            entropy: ports.entropy,
            ids: ports.ids,
            runtime,
            announcer: OnceLock::new(),
            handed_over: Notify::new(),
            attention: Notify::new(),
            stopping: CancellationToken::new(),
            started: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Has the ends of attempts announced from now on. Whoever was named first stays.
    pub fn announce_to(&self, announcer: Arc<dyn Announcer>) {
        // A second one is not needed: one server announces to one place.
        let _ = self.inner.announcer.set(announcer);
    }

    /// Opens a new epoch on the store and begins to deliver: first what earlier ones left.
    ///
    /// # Errors
    /// The store's, when the epoch cannot be opened or the backlog cannot be read.
    ///
    /// # Panics
    /// When it was started before.
    pub async fn start(&self, store: Arc<dyn Store>) -> Result<(), StoreError> {
        let lease = store.open_epoch().await?;
        let waiting = store.waiting().await?;
        let fresh = self.inner.started.set(Started { store, lease }).is_ok();
        assert!(fresh, "a dispatcher is started once");
        {
            let mut lanes = self.inner.lanes();
            for lane in waiting {
                lanes.left_over(lane.webhook_id, lane.next_due_at);
            }
            lanes.open(self.inner.clock.now());
        }
        let runtime = &self.inner.runtime;
        runtime.spawn(Task::Manage, manage(self.inner.clone()));
        runtime.spawn(Task::Settle, settler::run(self.inner.clone()));
        runtime.spawn(Task::HandOver, start_what_comes(self.inner.clone()));
        self.inner.attention.notify_one();
        Ok(())
    }

    /// Whether deliveries are being sent.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.inner.started.get().is_some() && !self.inner.stopping.is_cancelled()
    }

    /// Attempts under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.inner.lanes().in_flight()
    }

    /// Lets somebody look at the lanes as they are between two decisions. For a simulation: it holds the lock.
    pub fn with_lanes<T>(&self, look: impl FnOnce(&Lanes) -> T) -> T {
        look(&self.inner.lanes())
    }

    /// Starts nothing more, waits up to `limit` for attempts under way and has them settled; what was
    /// waiting in memory goes back to the store. Attempts cut off by the limit are made again at the
    /// next start.
    pub async fn stop(&self, limit: Duration) {
        let waiting = self.inner.lanes().close();
        self.inner.give_back(waiting);
        self.inner.stopping.cancel();
        let drained = async {
            loop {
                let idle = self.inner.outbox.idle();
                if self.inner.lanes().in_flight() == 0 && self.inner.outbox.is_empty() {
                    break;
                }
                idle.await;
            }
        };
        let runtime = &self.inner.runtime;
        if within(runtime, limit, drained).await.is_none() {
            tracing::warn!(
                in_flight = self.in_flight(),
                "stopped with attempts under way; they are made again at the next start"
            );
        }
        self.inner.outbox.close();
    }
}

impl<R: Runtime> HandOver for Dispatcher<R> {
    fn reserve(&self, webhook: WebhookId, body_bytes: usize) -> bool {
        let mut lanes = self.inner.lanes();
        let reserved = lanes.reserve(webhook, body_bytes);
        let wanted = !reserved && lanes.wants_attention();
        drop(lanes);
        if wanted {
            self.inner.attention.notify_one();
        }
        reserved
    }

    fn release(&self, webhook: WebhookId, body_bytes: usize) {
        self.inner.lanes().release(webhook, body_bytes);
        self.inner.look_again();
    }

    fn deferred(&self, webhook: WebhookId) -> u64 {
        self.inner.lanes().deferred(webhook)
    }

    fn hand_over(&self, leased: Vec<Leased>) {
        let late = self.inner.lanes().push(leased);
        self.inner.give_back(late);
        // Not here: this is the one thread that writes.
        self.inner.handed_over.notify_one();
    }

    fn webhook_changed(&self, webhook: Option<WebhookId>) {
        self.inner.lanes().mark_stale(webhook);
        self.inner.attention.notify_one();
    }
}

impl<R: Runtime> Inner<R> {
    /// The lock is held for decisions only. A panic inside one leaves counts, not memory, in doubt, and
    /// the lease in the store outlives it; so a poisoned lock is used on.
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever is to be told of attempts that end, while somebody listens.
    fn heard(&self) -> Option<&Arc<dyn Announcer>> {
        self.announcer
            .get()
            .filter(|announcer| announcer.is_heard())
    }

    fn look_again(&self) {
        if self.lanes().wants_attention() {
            self.attention.notify_one();
        }
    }

    /// Starts a worker for each delivery that may go now.
    fn start_workers(self: &Arc<Self>) {
        while let Some((leased, hold)) = self.next_start() {
            let task = Task::Work(leased.webhook_id);
            self.runtime
                .spawn(task, worker::run(self.clone(), leased, hold));
        }
    }

    fn next_start(&self) -> Option<(Leased, Hold)> {
        let mut lanes = self.lanes();
        let next = lanes.next_start(self.clock.now());
        let earlier = lanes.wake_is_earlier();
        drop(lanes);
        if earlier {
            self.attention.notify_one();
        }
        if let Some((leased, _)) = &next {
            self.tell_lull(leased.webhook_id);
        }
        next
    }

    /// Has leases given back to the store that were not used.
    fn give_back(&self, leased: Vec<Leased>) {
        if !leased.is_empty() {
            self.outbox.release(leased);
        }
    }
}

/// Starts what is handed over, on the threads that will send it.
async fn start_what_comes<R: Runtime>(inner: Arc<Inner<R>>) {
    loop {
        tokio::select! {
            biased;
            () = inner.stopping.cancelled() => return,
            () = inner.handed_over.notified() => inner.start_workers(),
        }
    }
}

/// Reads settings, cancels what has nobody to go to, and claims what is due.
async fn manage<R: Runtime>(inner: Arc<Inner<R>>) {
    let Some(started) = inner.started.get() else {
        return;
    };
    loop {
        let stale = inner.lanes().stale();
        for (webhook, mark) in stale {
            if configure(&inner, &started.store, webhook, mark)
                .await
                .is_err()
            {
                // The mark stays; the store is asked again below.
                break;
            }
        }
        let now = inner.clock.now();
        let plans = inner.lanes().plan_claims(now);
        for plan in plans {
            let task = Task::Claim(plan.webhook_id);
            inner.runtime.spawn(task, claim(inner.clone(), plan));
        }
        // A lane may have waited for this moment.
        inner.start_workers();
        let wait = {
            let lanes = inner.lanes();
            let stale = if lanes.stale().is_empty() {
                SLEEP_MAX
            } else {
                STORE_PAUSE
            };
            lanes
                .next_wake()
                .map_or(stale, |at| at.since(now).min(stale))
        };
        tokio::select! {
            biased;
            () = inner.stopping.cancelled() => return,
            () = inner.attention.notified() => {}
            () = inner.runtime.sleep(wait) => {}
        }
    }
}

async fn configure<R: Runtime>(
    inner: &Arc<Inner<R>>,
    store: &Arc<dyn Store>,
    id: WebhookId,
    mark: u64,
) -> Result<(), StoreError> {
    let webhook = store.webhook(id).await.inspect_err(|error| {
        tracing::warn!(webhook = %id, %error, "cannot read a webhook's settings");
    })?;
    let settings = LaneSettings::of(webhook.as_deref(), &inner.config.defaults);
    let now = inner.clock.now();
    let back = inner.lanes().configure(id, mark, settings, now);
    inner.give_back(back);
    inner.start_workers();
    inner.tell_lull(id);
    if inner.lanes().is_ended(id) {
        inner
            .runtime
            .spawn(Task::Cancel(id), cancel(inner.clone(), id));
    }
    Ok(())
}

/// Cancels what waits for a webhook that was disabled or deleted, in slices.
async fn cancel<R: Runtime>(inner: Arc<Inner<R>>, webhook: WebhookId) {
    let Some(started) = inner.started.get() else {
        return;
    };
    while !inner.stopping.is_cancelled() {
        match started.store.cancel_waiting(webhook, R::CANCEL_SLICE).await {
            Ok(cancelled) if cancelled < R::CANCEL_SLICE => break,
            Ok(_) => {}
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%webhook, %error, "cannot cancel what waits for a webhook; trying again");
                inner.runtime.sleep(STORE_PAUSE).await;
            }
        }
    }
    inner
        .prepared
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&webhook);
    inner.lanes().forget(webhook, inner.clock.now());
    // It may be too early to forget it.
    inner.attention.notify_one();
}

async fn claim<R: Runtime>(inner: Arc<Inner<R>>, plan: ClaimPlan) {
    let Some(started) = inner.started.get() else {
        return;
    };
    let now = inner.clock.now();
    let claim = Claim {
        webhook_id: plan.webhook_id,
        lease: started.lease,
        limit: u32::try_from(plan.limit).unwrap_or(u32::MAX),
        body_bytes_max: inner.config.limits.bytes_max / 4,
        now,
    };
    match started.store.claim(claim).await {
        Ok(claimed) => {
            // An operator whose server ends again and again sees whose deliveries were under way.
            let cut_off = claimed.leased.iter().filter(|one| one.recovered).count();
            if cut_off > 0 {
                tracing::info!(
                    webhook = %plan.webhook_id, cut_off,
                    "attempts that the end of the server cut off are made again"
                );
            }
            let late = inner.lanes().claimed(plan, claimed);
            inner.give_back(late);
            inner.start_workers();
            inner.tell_lull(plan.webhook_id);
        }
        Err(error) => {
            if error != StoreError::Closed {
                tracing::warn!(webhook = %plan.webhook_id, %error, "cannot claim deliveries; trying again");
            }
            inner.lanes().claim_failed(plan, now.plus(STORE_PAUSE));
        }
    }
    inner.attention.notify_one();
}
