//! Whether this server is ready: store working, dispatcher running, accepting (contract 8.2 "Ready").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heraldo_delivery::dispatcher::Dispatcher;
use heraldo_domain::ports::Clock;
use heraldo_domain::store::Store;
use heraldo_web::Health;
use heraldo_wire::time::Timestamp;
use tokio::sync::Mutex;

/// The route needs no key and looking at the store costs a write: it is looked at this often at most.
const LOOKED_FOR: Duration = Duration::from_millis(250);

/// What the readiness route asks.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    dispatcher: Dispatcher,
    clock: Arc<dyn Clock>,
    stopping: AtomicBool,
    /// When the store was last looked at, and what was wrong with it.
    looked: Mutex<Option<(Timestamp, Option<String>)>>,
}

impl Readiness {
    pub fn new(store: Arc<dyn Store>, dispatcher: Dispatcher, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (stopping, looked) = (AtomicBool::new(false), Mutex::new(None));
        Arc::new(Self {
            store,
            dispatcher,
            clock,
            stopping,
            looked,
        })
    }

    /// From now on it is not ready: it stops.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    async fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.stopping.load(Ordering::Acquire) {
            reasons.push("the server is shutting down".to_owned());
        }
        if !self.dispatcher.is_running() {
            reasons.push("no deliveries are being sent".to_owned());
        }
        reasons.extend(self.store_trouble().await);
        reasons
    }

    async fn store_trouble(&self) -> Option<String> {
        // Those who ask meanwhile wait for the one who looks.
        let mut looked = self.looked.lock().await;
        let now = self.clock.now();
        if let Some((at, trouble)) = looked.as_ref()
            && now >= *at
            && now.since(*at) < LOOKED_FOR
        {
            return trouble.clone();
        }
        let trouble = self
            .store
            .check()
            .await
            .err()
            .map(|error| error.to_string());
        *looked = Some((now, trouble.clone()));
        trouble
    }
}

impl Health for Readiness {
    fn reasons_not_ready(&self) -> Vec<String> {
        // The route asks without waiting; the runtime moves its other work to another thread.
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.reasons()))
    }
}
