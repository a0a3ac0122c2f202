//! Who listens to attempts as they end: one bounded channel for each company with listeners. Whoever tells
//! of an attempt never waits, and a reader that falls too far behind is cut off.

pub mod reader;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heraldo_domain::ports::Announcer;
use heraldo_domain::query::DeliveryRecord;
use heraldo_wire::id::CompanyId;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// A delivery whose attempt has ended: its last one.
pub type Ended = Arc<DeliveryRecord>;

/// All listeners of this server.
#[derive(Debug)]
pub struct Streams {
    /// Listeners of every company.
    open: AtomicUsize,
    companies: Mutex<HashMap<CompanyId, Channel>>,
    closing: CancellationToken,
    limits: StreamLimits,
}

/// How many may listen, and how far they may fall behind.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Open streams of one company.
    pub per_company_max: usize,
    /// Attempts that a reader may be behind.
    pub backlog_max: usize,
}

#[derive(Debug)]
struct Channel {
    sender: broadcast::Sender<Ended>,
    open: usize,
}

/// One listener; dropping it ends it.
pub struct Subscription {
    pub ended: broadcast::Receiver<Ended>,
    company: CompanyId,
    streams: Arc<Streams>,
}

impl Streams {
    pub fn new(limits: StreamLimits) -> Self {
        Self {
            open: AtomicUsize::new(0),
            companies: Mutex::default(),
            closing: CancellationToken::new(),
            limits,
        }
    }

    fn companies(&self) -> MutexGuard<'_, HashMap<CompanyId, Channel>> {
        self.companies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to a company's attempts from now on; `None` when it has as many listeners as it may have.
    pub fn subscribe(self: &Arc<Self>, company: CompanyId) -> Option<Subscription> {
        let mut companies = self.companies();
        let channel = companies.entry(company).or_insert_with(|| Channel {
            sender: broadcast::channel(self.limits.backlog_max).0,
            open: 0,
        });
        if channel.open >= self.limits.per_company_max {
            return None;
        }
        channel.open += 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Subscription {
            ended: channel.sender.subscribe(),
            company,
            streams: self.clone(),
        })
    }

    pub const fn limits(&self) -> StreamLimits {
        self.limits
    }

    /// Cancelled when every stream is to end.
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut companies = self.streams.companies();
        if let Some(channel) = companies.get_mut(&self.company) {
            channel.open = channel.open.saturating_sub(1);
            if channel.open == 0 {
                companies.remove(&self.company);
            }
        }
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("company", &self.company)
            .finish_non_exhaustive()
    }
}

impl Announcer for Streams {
    fn is_heard(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    fn announce(&self, ended: Vec<DeliveryRecord>) {
        let companies = self.companies();
        for delivery in ended {
            if let Some(channel) = companies.get(&delivery.company_id) {
                // Nobody may be left to hear it.
                let _ = channel.sender.send(Arc::new(delivery));
            }
        }
    }
}
