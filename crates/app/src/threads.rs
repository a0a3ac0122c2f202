//! The threads that requests and deliveries run on.
//!
//! Deliveries have threads of their own, one for each two cores: an attempt is so short that waking another
//! thread for a part of it costs as much as the attempt, and a burst of requests cannot keep deliveries waiting.

use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::failure::{Failure, Outcome};

/// Cores that this process may use.
pub fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// Starts so many threads for asynchronous work.
pub fn start(name: &str, count: usize) -> Outcome<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(count)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("threads cannot be started: {error}")))
}

/// The threads that send deliveries. They end when this is dropped; what is under way then is cut off.
pub struct DeliveryThreads {
    pub handle: Handle,
    runtime: Option<Runtime>,
}

impl DeliveryThreads {
    pub fn start() -> Outcome<Self> {
        let count = (cores() / 2).max(1);
        let runtime = start("deliveries", count)?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }
}

impl Drop for DeliveryThreads {
    fn drop(&mut self) {
        // To wait for them is not allowed on the threads of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
