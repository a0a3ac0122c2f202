//! Threads that decode photos or write documents and serve nobody else, so that no request waits for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::{mpsc, oneshot};

/// Work that waits beyond this holds its senders back, not its bytes in memory here.
const WAITING_MAX: usize = 16;

type Work = Box<dyn FnOnce() + Send>;

/// A fixed number of threads behind one queue. They end with it.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Option<mpsc::Sender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn start(name: &str, threads: usize) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel::<Work>(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = (0..threads.max(1))
            .map(|number| {
                let waiting = Arc::clone(&waiting);
                Builder::new()
                    .name(format!("{name}-{number}"))
                    .spawn(move || run(&waiting))
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            queue: Some(queue),
            threads,
        })
    }

    /// Waits for a thread and for what it makes. `None`: the work panicked, and nothing else was hurt.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (done, made) = oneshot::channel();
        let work: Work = Box::new(move || {
            // Whoever asked may have gone away while it waited.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        });
        self.queue.as_ref()?.send(work).await.ok()?;
        made.await.ok()
    }
}

/// Only one thread waits at the queue at a time; the others wait for it to leave with work.
fn run(waiting: &Mutex<mpsc::Receiver<Work>>) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some(work) = next else { return };
        // Work owns what it touches, so nothing half changed stays behind. The panic hook has told it.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_told_and_the_thread_goes_on() {
        let pool = Pool::start("photos", 1).unwrap();
        assert_eq!(pool.run(|| panic!("as a decoder might")).await, None::<()>);
        assert_eq!(pool.run(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn work_runs_on_the_threads_of_the_pool() {
        let pool = Pool::start("photos", 2).unwrap();
        let name = pool
            .run(|| std::thread::current().name().map(str::to_owned))
            .await;
        assert!(name.flatten().unwrap().starts_with("photos-"));
    }

    #[tokio::test]
    async fn more_work_than_the_queue_holds_is_done_in_its_turn() {
        let pool = Pool::start("photos", 1).unwrap();
        let jobs = (0..5 * WAITING_MAX).map(|number| pool.run(move || number));
        let made = futures_util::future::join_all(jobs).await;
        assert_eq!(made, (0..5 * WAITING_MAX).map(Some).collect::<Vec<_>>());
    }
}
