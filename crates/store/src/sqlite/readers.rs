//! A small pool of threads, each with its own connection, that read.

use std::sync::Arc;
use std::thread::JoinHandle;

use heraldo_domain::store::{Result, StoreError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::disk::Disk;
use super::fault::Done;
use super::open::{OpenError, Place};
use super::queue::{Queue, Taken};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The queue that the readers share. Each takes one job at a time, so that none waits behind a slow one
/// while a reader is free.
pub(super) struct Readers {
    jobs: Arc<Queue<Job>>,
    disk: Arc<Disk>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

impl Readers {
    pub(super) fn start(
        place: &Place,
        disk: &Arc<Disk>,
        readers: usize,
        jobs_max: usize,
    ) -> std::result::Result<(Self, Vec<JoinHandle<()>>), OpenError> {
        let jobs: Arc<Queue<Job>> = Arc::new(Queue::new(jobs_max, usize::MAX));
        let started = Self {
            jobs: Arc::clone(&jobs),
            disk: Arc::clone(disk),
        };
        let mut threads = Vec::with_capacity(readers);
        for number in 0..readers.max(1) {
            let thread = place
                .connect_reader()
                .map_err(|error| place.explain(error))
                .and_then(|db| {
                    let jobs = Arc::clone(&jobs);
                    std::thread::Builder::new()
                        .name(format!("store-reader-{number}"))
                        .spawn(move || run(&jobs, &db))
                        .map_err(|error| place.failed(&error))
                });
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    started.close();
                    return Err(error);
                }
            }
        }
        Ok((started, threads))
    }

    /// Runs `read` on one of the connections. What it found is told once it is durable, and not at all while
    /// the disk has failed and may have lost it.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Done<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // Nobody waits any more: spare the work.
            if !caller.is_closed() {
                drop(caller.send(read(db).map_err(StoreError::from)));
            }
        });
        self.jobs.push(job, 0, false)?;
        let read = answer.await.unwrap_or(Err(StoreError::Closed))?;
        self.disk.seen().await?;
        Ok(read)
    }

    pub(super) fn close(&self) {
        self.jobs.close();
    }
}

fn run(jobs: &Queue<Job>, db: &Connection) {
    while let Taken::Items { items, .. } = jobs.take(1, usize::MAX, None) {
        for job in items {
            // A read that breaks an invariant ends alone; its caller sees a closed channel.
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(db))).is_err() {
                tracing::error!("a read broke an invariant and was given up");
            }
        }
    }
}
