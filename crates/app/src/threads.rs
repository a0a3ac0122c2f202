//! The threads that requests and deliveries run on.
//!
//! Deliveries have threads of their own, one for each two cores: an attempt is so short that waking another
//! thread for a part of it costs as much as the attempt, and a burst of requests cannot keep deliveries waiting.

use std::num::NonZero;
use std::thread::{self, available_parallelism};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

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
        .map_err(not_started)
}

const DELIVERIES: &str = "deliveries";

/// The threads that send deliveries. They end when this is dropped; what is under way then is cut off.
pub struct DeliveryThreads {
    pub handle: Handle,
    /// Of one thread: it ends when this is gone.
    _one: Option<oneshot::Sender<()>>,
    many: Option<Runtime>,
}

impl DeliveryThreads {
    pub fn start() -> Outcome<Self> {
        match cores() / 2 {
            0 | 1 => Self::one(),
            count => {
                let runtime = start(DELIVERIES, count)?;
                Ok(Self {
                    handle: runtime.handle().clone(),
                    _one: None,
                    many: Some(runtime),
                })
            }
        }
    }

    /// A runtime of one thread has nothing to share out, so that its tasks cost less.
    fn one() -> Outcome<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(not_started)?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name(DELIVERIES.to_owned())
            .spawn(move || {
                // An error says that the other end is gone, which is what is waited for.
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .map_err(not_started)?;
        Ok(Self {
            handle,
            _one: Some(end),
            many: None,
        })
    }
}

impl Drop for DeliveryThreads {
    fn drop(&mut self) {
        // To wait for them is not allowed on the threads of another runtime.
        if let Some(runtime) = self.many.take() {
            runtime.shutdown_background();
        }
    }
}

fn not_started(error: std::io::Error) -> Failure {
    Failure::new(format!("threads cannot be started: {error}"))
}
