//! What the dispatcher runs on and sends through: tokio and the transport in a server. A simulation brings tasks,
//! time and receivers of its own, and runs the same dispatcher.
//!
//! Bound at compile time: nothing is boxed or looked up for it.

use std::time::Duration;

use heraldo_domain::ports::TlsRefused;
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::id::WebhookId;
use heraldo_wire::signature::Secret;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::transport::{Identity, Outgoing, Report, Transport};

/// What a task of the dispatcher is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Reads settings and plans claims, as long as the dispatcher runs.
    Manage,
    /// Writes outcomes and gives leases back, as long as the dispatcher runs.
    Settle,
    /// Starts what the store hands over, as long as the dispatcher runs.
    HandOver,
    /// Sends one delivery after the other, the first to this webhook. It has a slot whenever it waits.
    Work(WebhookId),
    Claim(WebhookId),
    Cancel(WebhookId),
    Disable(WebhookId),
    SendRetries(WebhookId),
}

/// Everything that a dispatcher touches beside its ports.
pub trait Runtime: Send + Sync + 'static {
    /// At most this many outcomes go into one write.
    const GROUP_MAX: usize = 1_024;
    /// Rows cancelled in one write for a webhook that was disabled or deleted.
    const CANCEL_SLICE: u32 = 500;
    /// Retries that are brought forward in one write.
    const RETRIES_SLICE: u32 = 500;

    /// Lets a task run beside all others, until it ends or the server does.
    fn spawn(&self, task: Task, future: impl Future<Output = ()> + Send + 'static);

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// As [`Transport::identity`].
    ///
    /// # Errors
    /// What is wrong with the certificates or the key.
    fn identity(
        &self,
        settings: &TlsSettings,
        client_key: Option<&Secret>,
    ) -> Result<Identity, TlsRefused>;

    /// As [`Transport::send`].
    fn send(&self, outgoing: Outgoing) -> impl Future<Output = Report> + Send;

    /// As [`Transport::send_recorded`].
    fn send_recorded(
        &self,
        outgoing: Outgoing,
        record: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = Report> + Send;
}

/// What a server's dispatcher runs on.
#[derive(Debug)]
pub struct Live {
    transport: Transport,
    tracker: TaskTracker,
    runtime: Handle,
}

impl Live {
    /// Runs and sends on `runtime`; whoever waits for `tracker` waits for what runs.
    #[must_use]
    pub fn new(transport: Transport, tracker: TaskTracker, runtime: Handle) -> Self {
        Self {
            transport,
            tracker,
            runtime,
        }
    }
}

impl Runtime for Live {
    fn spawn(&self, _task: Task, future: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn_on(future, &self.runtime);
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn identity(
        &self,
        settings: &TlsSettings,
        client_key: Option<&Secret>,
    ) -> Result<Identity, TlsRefused> {
        self.transport.identity(settings, client_key)
    }

    fn send(&self, outgoing: Outgoing) -> impl Future<Output = Report> + Send {
        self.transport.send(outgoing)
    }

    fn send_recorded(
        &self,
        outgoing: Outgoing,
        record: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = Report> + Send {
        self.transport.send_recorded(outgoing, record)
    }
}

/// `None`: the time was over first.
pub(super) async fn within<T>(
    runtime: &impl Runtime,
    time: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = runtime.sleep(time) => None,
    }
}
