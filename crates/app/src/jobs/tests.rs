//! Jobs that wait for servers that never answer, and the others.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::change::{Change, Write};
use heraldo_domain::job::Task;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::Settings;
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_domain::ports::{Callback, CallbackFailed, Callbacks, Clock, IdMaker, NoHandOver};
use heraldo_domain::record::Record;
use heraldo_domain::report::{Report, ReportState};
use heraldo_store::MemoryStore;
use heraldo_wire::id::{CompanyId, Id, ImageId, InspectionId, ReportId};

use super::*;
use crate::ports::OsEntropy;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOUR_MS: i64 = 3_600_000;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Counts the calls and answers none.
#[derive(Debug, Default)]
struct Silent(AtomicUsize);

#[async_trait]
impl Callbacks for Silent {
    async fn post(&self, _: Callback) -> Result<Bytes, CallbackFailed> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

struct World {
    context: Context,
    silent: Arc<Silent>,
    numbers: u32,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(NoHandOver), Arc::new(Still)));
        let links = Links {
            public_url: "https://inspect.example.com".to_owned(),
            key: LinkKey([7; 32]),
            file_lifetime: Duration::from_secs(60),
        };
        let mut context = Context::new(
            store,
            Arc::new(Still),
            Arc::new(OsEntropy),
            Arc::new(IdMaker::default()),
            links,
            Settings::default(),
        );
        let silent = Arc::new(Silent::default());
        context.callbacks = silent.clone();
        Self {
            context,
            silent,
            numbers: 0,
        }
    }

    async fn company(&self) -> CompanyId {
        let made = create_company(&self.context, "One", Person::default()).await;
        made.unwrap().company_id
    }

    fn id(&mut self) -> Id {
        self.numbers += 1;
        Id::from_parts(u64::from(self.numbers), 1)
    }

    /// Adds a job that came due so many milliseconds ago.
    async fn add(&mut self, company_id: CompanyId, task: Task, ago_ms: i64) -> JobId {
        let job = Job {
            id: JobId(self.id()),
            company_id,
            task,
            due_at: Timestamp::from_millis(NOW.as_millis() - ago_ms),
            failures: 0,
            created_at: NOW,
        };
        let id = job.id;
        self.commit(vec![Write::CreateJob(job)]).await;
        id
    }

    /// Adds the call of a report.
    async fn add_call(&mut self, company_id: CompanyId, ago_ms: i64) {
        let report_id = ReportId(self.id());
        let report = Report {
            id: report_id,
            inspection_id: InspectionId(self.id()),
            company_id,
            version: 1,
            callback_url: Some("https://desk.example.com/".to_owned()),
            created_at: NOW,
            state: ReportState::Completed {
                processing_at: NOW,
                at: NOW,
            },
        };
        let record = Record::of(&report).unwrap();
        self.commit(vec![Write::CreateRecord(record)]).await;
        self.add(company_id, Task::CallBackReport { report_id }, ago_ms)
            .await;
    }

    /// Adds a job about a photo. It ends at once, because there is no such photo.
    async fn add_photo(&mut self, company_id: CompanyId, ago_ms: i64) -> JobId {
        let task = Task::ExamineImage {
            inspection_id: InspectionId(self.id()),
            image_id: ImageId(self.id()),
        };
        self.add(company_id, task, ago_ms).await
    }

    async fn commit(&self, writes: Vec<Write>) {
        let change = Change {
            writes,
            ..Change::default()
        };
        self.context.store.commit(change).await.unwrap();
    }

    async fn is_done(&self, id: JobId) -> bool {
        let jobs = self.context.store.jobs(None, 10_000).await.unwrap();
        jobs.iter().all(|job| job.id != id)
    }
}

#[tokio::test]
async fn callbacks_that_never_answer_hold_up_no_photo_and_no_other_company() {
    let mut world = World::new();
    let [silent, other] = [world.company().await, world.company().await];
    // More than are read in one go, and all of them before the others.
    for _ in 0..600 {
        world.add_call(silent, HOUR_MS).await;
    }
    world.add_call(other, 0).await;
    let photo = world.add_photo(other, 0).await;
    let own = world.add_photo(silent, 0).await;
    let stop = CancellationToken::new();
    let running = run(world.context.clone(), Arc::default(), stop.clone());
    let watching = async {
        while !world.is_done(photo).await || !world.is_done(own).await {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(running, watching);
    assert_eq!(
        world.silent.0.load(Ordering::SeqCst),
        3,
        "two of one, one of the other"
    );
}

#[tokio::test]
async fn a_long_stretch_that_waits_for_others_is_passed_over_for_a_minute() {
    let mut world = World::new();
    let company = world.company().await;
    for number in 0..600 {
        world.add_call(company, HOUR_MS - number).await;
    }
    let store = Arc::clone(&world.context.store);
    let mut look = Look::default();
    let mut found = async |now: Timestamp| look.look(&*store, now).await.0;
    assert_eq!(found(NOW).await.len(), 2);
    let fresh = world.add_photo(company, 0).await;
    let jobs = found(NOW).await;
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [fresh]);
    // One that comes to stand within the stretch, as after the clock was set back.
    let late = world.add_photo(company, HOUR_MS - 500).await;
    assert_eq!(found(NOW).await, []);
    let jobs = found(NOW.plus(PASS_OVER)).await;
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [late]);
}
