//! Records: versions, names and lists, each kind for itself.

use heraldo_domain::change::Write;
use heraldo_domain::query::Page;
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::store::StoreError;
use heraldo_wire::id::{CompanyId, Id};

use super::scene::{Scene, first_page};
use super::{Harness, block_on};

fn template(scene: &Scene<'_>, name: &str) -> Record {
    Record {
        kind: RecordKind::Template,
        id: scene.world.id(),
        company_id: scene.company,
        version: 1,
        subject: None,
        name: Some(name.to_owned()),
        doc: format!("{{\"name\":\"{name}\"}}"),
    }
}

fn report(scene: &Scene<'_>, subject: Id) -> Record {
    Record {
        kind: RecordKind::Report,
        subject: Some(subject),
        name: None,
        ..template(scene, "")
    }
}

fn create(scene: &Scene<'_>, record: &Record) -> Result<(), StoreError> {
    scene.write(Write::CreateRecord(record.clone())).map(drop)
}

fn update(scene: &Scene<'_>, record: &Record) -> Result<(), StoreError> {
    scene.write(Write::UpdateRecord(record.clone())).map(drop)
}

fn read(scene: &Scene<'_>, record: &Record) -> Option<Record> {
    block_on(scene.store.record(record.kind, record.id)).unwrap()
}

fn listed(
    scene: &Scene<'_>,
    kind: RecordKind,
    company: CompanyId,
    subject: Option<Id>,
    page: Page<Id>,
) -> Vec<Record> {
    block_on(scene.store.records(kind, company, subject, page)).unwrap()
}

pub fn a_record_is_read_back_and_replaced(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let subject = Some(scene.world.id());
    let first = Record {
        subject,
        ..template(&scene, "easy")
    };
    create(&scene, &first).unwrap();
    assert_eq!(read(&scene, &first), Some(first.clone()));
    let of_another_kind = block_on(scene.store.record(RecordKind::Report, first.id)).unwrap();
    assert_eq!(of_another_kind, None);

    let second = Record {
        version: 2,
        subject: None,
        name: Some("hard".to_owned()),
        doc: "{\"name\":\"hard\",\"more\":[1]}".to_owned(),
        ..first.clone()
    };
    update(&scene, &second).unwrap();
    let (scene, _) = scene.crash();
    assert_eq!(read(&scene, &first), Some(second));
    assert_eq!(
        listed(&scene, first.kind, scene.company, subject, first_page()),
        [],
        "it belongs to nothing any more"
    );
}

pub fn a_record_of_an_older_version_is_a_conflict(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let first = template(&scene, "easy");
    create(&scene, &first).unwrap();
    assert_eq!(create(&scene, &first), Err(StoreError::Conflict));
    let next = |version| Record {
        version,
        doc: format!("{{\"version\":{version}}}"),
        ..first.clone()
    };
    assert_eq!(update(&scene, &next(1)), Err(StoreError::Conflict));
    assert_eq!(update(&scene, &next(3)), Err(StoreError::Conflict));
    assert_eq!(update(&scene, &next(2)), Ok(()));
    assert_eq!(update(&scene, &next(2)), Err(StoreError::Conflict));
    assert_eq!(read(&scene, &first), Some(next(2)));

    let unknown = Record {
        version: 2,
        ..template(&scene, "unknown")
    };
    assert_eq!(update(&scene, &unknown), Err(StoreError::NotFound));
    let (stranger, _) = scene.add_company();
    let anothers = Record {
        company_id: stranger,
        ..next(3)
    };
    assert_eq!(update(&scene, &anothers), Err(StoreError::NotFound));
    let of_nobody = Record {
        company_id: CompanyId(scene.world.id()),
        ..template(&scene, "of nobody")
    };
    assert_eq!(create(&scene, &of_nobody), Err(StoreError::NotFound));
}

pub fn a_record_is_deleted_as_it_was_read(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let delete = |record: &Record| {
        let write = Write::DeleteRecord(record.clone());
        scene.write(write).map(drop)
    };
    let first = template(&scene, "easy");
    create(&scene, &first).unwrap();
    let second = Record {
        version: 2,
        ..first.clone()
    };
    update(&scene, &second).unwrap();
    assert_eq!(delete(&first), Err(StoreError::Conflict));
    let (stranger, _) = scene.add_company();
    let anothers = Record {
        company_id: stranger,
        ..second.clone()
    };
    assert_eq!(delete(&anothers), Err(StoreError::NotFound));
    assert_eq!(read(&scene, &second), Some(second.clone()));
    assert_eq!(delete(&second), Ok(()));
    assert_eq!(delete(&second), Err(StoreError::NotFound));
    assert_eq!(read(&scene, &second), None);
    // Its name is free again.
    assert_eq!(create(&scene, &template(&scene, "easy")), Ok(()));
    let (scene, _) = scene.crash();
    assert_eq!(read(&scene, &second), None);
}

pub fn the_records_of_a_subject_are_deleted_together(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (subject, other) = (scene.world.id(), scene.world.id());
    let of = |subject| {
        let record = report(&scene, subject);
        create(&scene, &record).unwrap();
        record
    };
    let gone = [of(subject), of(subject)];
    let of_other = of(other);
    let of_another_kind = Record {
        kind: RecordKind::TemplateRevision,
        ..report(&scene, subject)
    };
    create(&scene, &of_another_kind).unwrap();
    let (stranger, _) = scene.add_company();
    let anothers = Record {
        company_id: stranger,
        ..report(&scene, subject)
    };
    create(&scene, &anothers).unwrap();
    let delete = || {
        let write = Write::DeleteRecordsOf {
            company_id: scene.company,
            kind: RecordKind::Report,
            subject,
        };
        scene.write(write).map(drop)
    };
    assert_eq!(delete(), Ok(()));
    assert_eq!(delete(), Ok(()), "none is as good as many");
    let (scene, _) = scene.crash();
    for record in &gone {
        assert_eq!(read(&scene, record), None);
    }
    for kept in [&of_other, &of_another_kind, &anothers] {
        assert_eq!(read(&scene, kept).as_ref(), Some(kept));
    }
}

pub fn a_name_is_taken_within_a_company_and_a_kind(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let easy = template(&scene, "easy");
    create(&scene, &easy).unwrap();
    let again = template(&scene, "easy");
    assert_eq!(create(&scene, &again), Err(StoreError::NameTaken));
    assert_eq!(read(&scene, &again), None);

    let (stranger, _) = scene.add_company();
    let anothers = Record {
        company_id: stranger,
        ..template(&scene, "easy")
    };
    assert_eq!(create(&scene, &anothers), Ok(()));
    let of_another_kind = Record {
        kind: RecordKind::OauthApp,
        ..template(&scene, "easy")
    };
    assert_eq!(create(&scene, &of_another_kind), Ok(()));

    let hard = template(&scene, "hard");
    create(&scene, &hard).unwrap();
    let renamed = |record: &Record, version, name: Option<&str>| Record {
        version,
        name: name.map(str::to_owned),
        ..record.clone()
    };
    let to_easy = renamed(&hard, 2, Some("easy"));
    assert_eq!(update(&scene, &to_easy), Err(StoreError::NameTaken));
    assert_eq!(update(&scene, &renamed(&hard, 2, Some("hard"))), Ok(()));
    // A name that was given up is free, and nothing is called nothing.
    assert_eq!(update(&scene, &renamed(&easy, 2, None)), Ok(()));
    assert_eq!(update(&scene, &renamed(&hard, 3, Some("easy"))), Ok(()));
    assert_eq!(update(&scene, &renamed(&hard, 4, None)), Ok(()));
}

pub fn records_are_listed_newest_first_by_subject(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let subjects = [scene.world.id(), scene.world.id()];
    let made: Vec<Record> = [0, 1, 0, 0, 1]
        .into_iter()
        .map(|subject: usize| {
            let record = report(&scene, subjects[subject]);
            create(&scene, &record).unwrap();
            record
        })
        .collect();
    create(&scene, &template(&scene, "easy")).unwrap();
    let (kind, company) = (RecordKind::Report, scene.company);
    let newest_first = |numbers: &[usize]| {
        numbers
            .iter()
            .map(|number| made[*number].clone())
            .collect::<Vec<_>>()
    };
    let all = listed(&scene, kind, company, None, first_page());
    assert_eq!(all, newest_first(&[4, 3, 2, 1, 0]));
    let of_first = listed(&scene, kind, company, Some(subjects[0]), first_page());
    assert_eq!(of_first, newest_first(&[3, 2, 0]));
    let page = |limit, before: Option<usize>| Page {
        limit,
        before: before.map(|number| made[number].id),
    };
    let of_first = |page| listed(&scene, kind, company, Some(subjects[0]), page);
    assert_eq!(of_first(page(2, None)), newest_first(&[3, 2]));
    assert_eq!(of_first(page(2, Some(2))), newest_first(&[0]));
    assert_eq!(
        listed(&scene, kind, company, None, page(2, Some(3))),
        newest_first(&[2, 1])
    );
    let (stranger, _) = scene.add_company();
    for subject in [None, Some(subjects[0])] {
        assert_eq!(listed(&scene, kind, stranger, subject, first_page()), []);
    }
}
