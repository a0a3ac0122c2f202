//! Whether this server is ready: store working, dispatcher running, accepting (contract 8.2 "Ready").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heraldo_delivery::dispatcher::Dispatcher;
use heraldo_domain::store::Store;
use heraldo_web::Health;

/// What the readiness route asks.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    dispatcher: Dispatcher,
    stopping: AtomicBool,
}

impl Readiness {
    pub fn new(store: Arc<dyn Store>, dispatcher: Dispatcher) -> Arc<Self> {
        Arc::new(Self {
            store,
            dispatcher,
            stopping: AtomicBool::new(false),
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
        if let Err(error) = self.store.check().await {
            reasons.push(error.to_string());
        }
        reasons
    }
}

impl Health for Readiness {
    fn reasons_not_ready(&self) -> Vec<String> {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.reasons()))
    }
}
