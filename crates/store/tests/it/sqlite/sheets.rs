//! Sheets, which lists of inspections are read from: damaged or missing, they are made anew.

use heraldo_domain::change::Write;
use heraldo_domain::inspection::Inspection;
use heraldo_domain::query::InspectionFilter;
use heraldo_store::conformance::block_on;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::sqlite::DATABASE_FILE;
use heraldo_wire::id::InspectionId;
use rusqlite::Connection;

use super::*;

/// More than one sheet of each kind holds.
const MANY: usize = 600;

/// So many inspections, the first of which has a plate of its own.
fn filled(sqlite: &Sqlite) -> (Scene<'_>, Vec<Inspection>) {
    let (scene, _) = Scene::new(sqlite);
    let made: Vec<Inspection> = (0..MANY)
        .map(|number| scene.inspection(if number == 0 { "FIRST" } else { "AB123" }))
        .collect();
    let writes = made
        .iter()
        .map(|inspection| Write::CreateInspection(Box::new(inspection.clone())));
    let change = heraldo_domain::change::Change {
        writes: writes.collect(),
        ..Default::default()
    };
    scene.commit(change).unwrap();
    (scene, made)
}

fn spoil(sqlite: &Sqlite, sql: &str) {
    let db = Connection::open(sqlite.path().join("data").join(DATABASE_FILE)).unwrap();
    db.execute_batch(sql).unwrap();
}

fn listed(scene: &Scene<'_>, filter: InspectionFilter) -> (Vec<InspectionId>, usize) {
    let found = block_on(scene.store.inspections(scene.company, filter, 0, 1_000));
    let (page, total) = found.unwrap();
    let ids = page.into_iter().map(|inspection| inspection.id).collect();
    (ids, usize::try_from(total).unwrap())
}

fn of_plate(plate: &str) -> InspectionFilter {
    InspectionFilter {
        plate: Some(plate.to_owned()),
        ..InspectionFilter::default()
    }
}

fn newest_first(made: &[Inspection]) -> Vec<InspectionId> {
    made.iter().rev().map(|inspection| inspection.id).collect()
}

/// All are listed, also those that were written after the damage.
#[track_caller]
fn all_are_listed(scene: &Scene<'_>, made: &[Inspection]) {
    let all = newest_first(made);
    assert_eq!(
        listed(scene, InspectionFilter::default()),
        (all, made.len())
    );
    assert_eq!(listed(scene, of_plate("first")), (vec![made[0].id], 1));
    let others = newest_first(&made[1..]);
    assert_eq!(listed(scene, of_plate("AB123")), (others, made.len() - 1));
}

#[test]
fn a_damaged_sheet_hides_what_it_holds_and_keeps_nobody_from_writing() {
    for damage in [
        "UPDATE facts_sheet SET doc = x'0500';
         UPDATE texts_sheet SET searches = x'00', names = x'ffff00';",
        "UPDATE facts_sheet SET doc = zeroblob(0);
         UPDATE texts_sheet SET searches = zeroblob(9), names = zeroblob(2);",
    ] {
        let sqlite = Sqlite::new();
        let (scene, mut made) = filled(&sqlite);
        spoil(&sqlite, damage);
        let (found, _) = listed(
            &scene,
            InspectionFilter {
                search: Some("12345678K".to_owned()),
                ..InspectionFilter::default()
            },
        );
        assert_eq!(found, []);

        let late = scene.add_inspection("AB123");
        made.push(late.clone());
        assert_eq!(listed(&scene, of_plate("AB123")), (vec![late.id], 1));
        let (scene, _) = scene.crash();
        all_are_listed(&scene, &made);
    }
}

#[test]
fn sheets_that_are_gone_or_not_made_yet_are_made_at_the_start() {
    let sqlite = Sqlite::new();
    let (scene, mut made) = filled(&sqlite);
    spoil(
        &sqlite,
        "DELETE FROM facts_sheet; DELETE FROM texts_sheet;
         INSERT INTO meta (name, value) VALUES ('lists', 'stale');",
    );
    assert_eq!(listed(&scene, InspectionFilter::default()), (vec![], 0));
    made.push(scene.add_inspection("AB123"));
    let (scene, _) = scene.crash();
    all_are_listed(&scene, &made);
    // Made, they are left alone.
    spoil(&sqlite, "UPDATE inspection SET doc = '{}'");
    let (scene, _) = scene.crash();
    let (_, total) = listed(&scene, InspectionFilter::default());
    assert_eq!(total, made.len());
}

#[test]
fn an_inspection_that_cannot_be_read_is_in_no_list_that_is_made_anew() {
    let sqlite = Sqlite::new();
    let (scene, made) = filled(&sqlite);
    spoil(
        &sqlite,
        "UPDATE inspection SET doc = '{}' WHERE key = (SELECT max(key) FROM inspection);
         INSERT INTO meta (name, value) VALUES ('lists', 'stale');",
    );
    let (scene, _) = scene.crash();
    all_are_listed(&scene, &made[..MANY - 1]);
}

fn due(sqlite: &Sqlite) -> i64 {
    let database = sqlite.path().join("data").join(DATABASE_FILE);
    let db = Connection::open(database).unwrap();
    let mut count = db.prepare("SELECT count(*) FROM sheet_due").unwrap();
    count.query_row([], |row| row.get(0)).unwrap()
}

#[test]
fn sheets_are_written_for_many_inspections_at_once_and_before_a_list_is_read() {
    let sqlite = Sqlite::new();
    let (scene, mut made) = filled(&sqlite);
    assert_eq!(due(&sqlite), 0, "enough for a write");
    made.extend([(); 2].map(|()| scene.add_inspection("AB123")));
    assert_eq!(due(&sqlite), 2);
    all_are_listed(&scene, &made);
    assert_eq!(due(&sqlite), 0);
}

#[test]
fn what_a_killed_server_left_due_is_in_its_lists_from_the_next_start_on() {
    let sqlite = Sqlite::new();
    let (scene, mut made) = filled(&sqlite);
    made.push(scene.add_inspection("AB123"));
    assert_eq!(due(&sqlite), 1);
    let (scene, _) = scene.crash();
    all_are_listed(&scene, &made);
}

#[test]
fn what_another_process_changed_while_it_was_due_is_listed_as_it_is_now() {
    let sqlite = Sqlite::new();
    let (scene, _) = filled(&sqlite);
    let made = scene.add_inspection("XY987");
    assert_eq!(due(&sqlite), 1);
    spoil(
        &sqlite,
        "UPDATE inspection SET doc = replace(doc, 'XY987', 'ZZ555')",
    );
    assert_eq!(listed(&scene, of_plate("XY987")), (vec![], 0));
    assert_eq!(listed(&scene, of_plate("ZZ555")), (vec![made.id], 1));
}
