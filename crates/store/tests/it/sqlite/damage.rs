//! A row that cannot be read: the others are read all the same, and it is named.

use std::io;
use std::sync::Mutex;

use heraldo_domain::change::Write;
use heraldo_domain::inspection::Inspection;
use heraldo_domain::job::{Job, Task};
use heraldo_domain::query::{DeliveryFilter, InspectionFilter, Page};
use heraldo_domain::store::{Result, StoreError};
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::{Scene, first_page};
use heraldo_store::sqlite::DATABASE_FILE;
use heraldo_wire::id::{Id, InspectionId, JobId, ReportId};
use rusqlite::{Connection, params};

use super::*;

/// The lines that were logged on this thread while something ran.
fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let value = tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    (value, text)
}

/// A scene with inspections, some of whose documents say nothing any more.
struct Damaged<'s> {
    scene: Scene<'s>,
    whole: Vec<Inspection>,
    damaged: Vec<InspectionId>,
}

/// Writes into the database what no program of ours writes.
fn spoil(sqlite: &Sqlite, sql: &str, id: Id) {
    let db = Connection::open(sqlite.path().join("data").join(DATABASE_FILE)).unwrap();
    let key = (id.key() ^ (1 << 63)).cast_signed();
    assert_eq!(db.execute(sql, params![key]).unwrap(), 1);
}

impl<'s> Damaged<'s> {
    /// Oldest first: `damaged` rows that cannot be read, then `whole` ones.
    fn new(sqlite: &'s Sqlite, damaged: usize, whole: usize) -> Self {
        let (scene, _) = Scene::new(sqlite);
        let mut made: Vec<_> = (0..damaged + whole)
            .map(|_| scene.add_inspection("AB123"))
            .collect();
        let whole = made.split_off(damaged);
        let damaged: Vec<_> = made.into_iter().map(|inspection| inspection.id).collect();
        for (number, id) in damaged.iter().enumerate() {
            let sql = [
                "UPDATE inspection SET doc = '{\"id\":' WHERE key = ?1",
                "UPDATE inspection SET doc = '{}' WHERE key = ?1",
                "UPDATE inspection SET doc = CAST(x'ff00fe' AS TEXT) WHERE key = ?1",
                "UPDATE inspection SET event_count = -1 WHERE key = ?1",
            ][number % 4];
            spoil(sqlite, sql, id.0);
        }
        Self {
            scene,
            whole,
            damaged,
        }
    }

    fn list(&self, offset: u64, limit: u32) -> (Vec<InspectionId>, u64) {
        let asked = InspectionFilter::default();
        let company = self.scene.company;
        let found = block_on(self.scene.store.inspections(company, asked, offset, limit));
        let (rows, total) = found.unwrap();
        (rows.into_iter().map(|row| row.id).collect(), total)
    }

    fn lapsed(&self, limit: u32) -> Vec<InspectionId> {
        let found = block_on(self.scene.store.lapsed(self.scene.now(), limit)).unwrap();
        found.into_iter().map(|row| row.id).collect()
    }
}

fn ids(rows: &[Inspection]) -> Vec<InspectionId> {
    rows.iter().map(|row| row.id).collect()
}

#[test]
fn a_damaged_inspection_is_left_out_of_its_page_and_named_once() {
    let sqlite = Sqlite::new();
    let world = Damaged::new(&sqlite, 4, 2);
    let newest_first: Vec<_> = ids(&world.whole).into_iter().rev().collect();
    let (found, text) = logged(|| (world.list(0, 10), world.list(0, 10), world.list(2, 4)));
    assert_eq!(found.0, (newest_first.clone(), 6), "counted, and left out");
    assert_eq!(found.1, (newest_first, 6));
    assert_eq!(found.2, (vec![], 6));
    assert_eq!(text.lines().count(), 4, "{text}");
    for id in &world.damaged {
        assert_eq!(text.matches(&id.to_string()).count(), 1, "{text}");
    }
    assert!(text.contains("ERROR"), "{text}");
}

#[test]
fn a_search_passes_over_what_it_cannot_read() {
    let sqlite = Sqlite::new();
    let world = Damaged::new(&sqlite, 2, 3);
    let asked = InspectionFilter {
        from: Some(heraldo_wire::time::Timestamp::from_millis(0)),
        ..InspectionFilter::default()
    };
    let search = || {
        let found = world
            .scene
            .store
            .inspections(world.scene.company, asked.clone(), 1, 9);
        let (rows, total) = block_on(found).unwrap();
        (ids(&rows), total)
    };
    let (found, text) = logged(search);
    let whole = vec![world.whole[1].id, world.whole[0].id];
    assert_eq!(found, (whole, 5), "counted, and left out");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_damaged_job_does_not_stand_before_the_others() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    let job = || Job {
        id: JobId(scene.world.id()),
        company_id: scene.company,
        task: Task::RenderReport {
            report_id: ReportId(scene.world.id()),
        },
        due_at: scene.now(),
        failures: 0,
        created_at: scene.now(),
    };
    let made = [job(), job()];
    for job in &made {
        scene.write(Write::CreateJob(job.clone())).unwrap();
    }
    spoil(
        &sqlite,
        "UPDATE job SET doc = '{}' WHERE key = ?1",
        made[0].id.0,
    );
    let (found, text) = logged(|| block_on(scene.store.jobs(None, 1)).unwrap());
    assert_eq!(found, made[1..]);
    assert!(text.contains(&made[0].id.to_string()), "{text}");
}

#[test]
fn damaged_inspections_do_not_stand_before_those_whose_time_is_over() {
    let sqlite = Sqlite::new();
    let world = Damaged::new(&sqlite, 9, 3);
    world.scene.world.clock.step(100 * 86_400_000);
    let (found, text) = logged(|| (world.lapsed(2), world.lapsed(50)));
    assert_eq!(found.0, ids(&world.whole[..2]));
    assert_eq!(found.1, ids(&world.whole));
    assert_eq!(text.lines().count(), 9, "each is named once: {text}");
}

#[test]
fn asking_for_a_damaged_row_says_which_one_it_is() {
    let sqlite = Sqlite::new();
    let world = Damaged::new(&sqlite, 4, 1);
    for id in &world.damaged {
        let read: Result<_> = block_on(world.scene.store.inspection(*id));
        let error = read.expect_err("it cannot be read");
        assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&id.to_string()), "{text}");
        assert!(text.contains("restore a backup"), "{text}");
    }
    let whole = &world.whole[0];
    let read = block_on(world.scene.store.inspection(whole.id)).unwrap();
    assert_eq!(read.as_ref(), Some(whole));
}

#[test]
fn a_page_by_cursor_is_full_in_spite_of_damaged_rows() {
    let sqlite = Sqlite::new();
    let (scene, _) = Scene::new(&sqlite);
    let webhook = scene.add_webhook();
    let inspection = InspectionId(scene.world.id());
    scene.world.hand_over.set_room(100);
    let made: Vec<_> = (0..9)
        .map(|_| {
            let event = scene.publish_about(inspection, webhook);
            scene.settle(&scene.world.hand_over.last(), 200);
            (event.id, event.deliveries[0].id)
        })
        .collect();
    // The newest but one and four below it.
    for (_, delivery) in &made[3..8] {
        let sql = "UPDATE delivery SET last_attempt = '[' WHERE key = ?1";
        spoil(&sqlite, sql, delivery.0);
    }
    spoil(
        &sqlite,
        "UPDATE event SET type = 99 WHERE key = ?1",
        made[7].0.0,
    );
    let by_inspection = DeliveryFilter {
        inspection_id: Some(inspection),
        ..DeliveryFilter::default()
    };
    for filter in [DeliveryFilter::default(), by_inspection] {
        let page = Page {
            limit: 3,
            before: None,
        };
        let found = block_on(scene.store.deliveries(scene.company, filter, page)).unwrap();
        let found: Vec<_> = found.into_iter().map(|row| row.id).collect();
        assert_eq!(found, [made[8].1, made[2].1, made[1].1]);
    }
    let page = Page {
        limit: 2,
        before: None,
    };
    let found = block_on(scene.store.events(scene.company, Default::default(), page)).unwrap();
    let found: Vec<_> = found.into_iter().map(|row| row.id).collect();
    assert_eq!(found, [made[8].0, made[6].0]);
    let read = block_on(scene.store.delivery(scene.company, made[4].1));
    let text = read.expect_err("it cannot be read").to_string();
    assert!(text.contains(&made[4].1.to_string()), "{text}");
}

#[test]
fn a_damaged_key_is_left_out_and_the_doctor_is_told_of_damaged_inspections() {
    let sqlite = Sqlite::new();
    let world = Damaged::new(&sqlite, 1, 1);
    let scene = &world.scene;
    let keys = ["hk_live_0001", "hk_live_0002"].map(|text| scene.api_key(text));
    for key in &keys {
        scene.write(Write::CreateApiKey(key.clone())).unwrap();
    }
    let sql = "UPDATE api_key SET doc = '{}' WHERE key = ?1";
    spoil(&sqlite, sql, keys[1].id.0);
    let found = block_on(scene.store.api_keys(scene.company, first_page())).unwrap();
    assert_eq!(found, [keys[0].clone()]);

    let beside = SqliteConfig {
        exclusive: false,
        ..config(sqlite.path(), &scene.world)
    };
    let damage = block_on(SqliteStore::open(beside).unwrap().damage()).unwrap();
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert!(damage[0].contains(&world.damaged[0].to_string()));
}
