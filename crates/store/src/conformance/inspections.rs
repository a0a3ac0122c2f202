//! Lists of inspections: their filters, their counts, and those whose time is over.

use heraldo_domain::change::Write;
use heraldo_domain::inspection::{Inspection, State};
use heraldo_domain::query::InspectionFilter;
use heraldo_wire::id::UserId;
use heraldo_wire::object::{CompletedBy, Consumer, InspectionStatus, InspectionType, Veredict};
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};

pub fn inspections_are_counted_and_filtered(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let mut made = Vec::new();
    for number in 0..5 {
        scene.world.clock.step(10);
        let mut inspection = scene.inspection(["ab123", "zz999"][number % 2]);
        if number == 3 {
            inspection.inspection_type = InspectionType::Moto;
            inspection.consumer.identification = None;
        }
        if number == 4 {
            inspection.state = State::Completed {
                completed_by: CompletedBy::Client,
                veredict: Veredict::Disapproved,
                at: scene.now(),
                review: None,
            };
        }
        scene
            .write(Write::CreateInspection(Box::new(inspection.clone())))
            .unwrap();
        made.push(inspection);
    }
    let find = |filter, offset, limit| {
        let found = block_on(
            scene
                .store
                .inspections(scene.company, filter, offset, limit),
        )
        .unwrap();
        (
            found
                .0
                .into_iter()
                .map(|inspection| inspection.id)
                .collect::<Vec<_>>(),
            found.1,
        )
    };
    let ids = |numbers: &[usize]| numbers.iter().map(|n| made[*n].id).collect::<Vec<_>>();
    let all = InspectionFilter::default();
    assert_eq!(find(all.clone(), 0, 100), (ids(&[4, 3, 2, 1, 0]), 5));
    assert_eq!(find(all.clone(), 1, 2), (ids(&[3, 2]), 5));
    assert_eq!(find(all.clone(), 9, 2), (ids(&[]), 5));
    let with = |change: fn(&mut InspectionFilter)| {
        let mut filter = InspectionFilter::default();
        change(&mut filter);
        find(filter, 0, 100)
    };
    assert_eq!(
        with(|filter| filter.status = Some(InspectionStatus::Completed)),
        (ids(&[4]), 1)
    );
    assert_eq!(
        with(|filter| filter.inspection_type = Some(InspectionType::Moto)),
        (ids(&[3]), 1)
    );
    assert_eq!(
        with(|filter| filter.veredict = Some(Veredict::Disapproved)),
        (ids(&[4]), 1)
    );
    assert_eq!(
        with(|filter| filter.plate = Some(" Ab123".to_owned())),
        (ids(&[4, 2, 0]), 3)
    );
    let identified = |filter: &mut InspectionFilter| {
        filter.consumer_identification = Some("12345678K".to_owned());
    };
    assert_eq!(with(identified), (ids(&[4, 2, 1, 0]), 4));
    let template_id = Some(made[2].template.id.to_string());
    assert_eq!(
        find(
            InspectionFilter {
                template_id,
                ..all.clone()
            },
            0,
            9
        ),
        (ids(&[2]), 1)
    );
    let found = block_on(scene.store.inspections(scene.company, all, 0, 1)).unwrap();
    assert_eq!(found.0, [made[4].clone()]);

    // A state that changes moves it from one filter to the other.
    let started = Inspection {
        version: 2,
        state: State::Started { at: scene.now() },
        ..made[0].clone()
    };
    scene
        .write(Write::UpdateInspection(Box::new(started)))
        .unwrap();
    assert_eq!(
        with(|filter| filter.status = Some(InspectionStatus::Started)),
        (ids(&[0]), 1)
    );
    assert_eq!(
        with(|filter| filter.status = Some(InspectionStatus::Created)).1,
        3
    );
}

pub fn inspections_are_found_by_who_made_them_when_and_for_whom(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let consumers = [
        (Some(" 12345678k "), Some("Ana"), Some("ana@example.com")),
        (Some("87654321"), Some("Ñandú"), None),
        (None, None, Some("JOSE.PEREZ@example.com")),
        (None, None, None),
    ];
    let producers = [0, 1, 2].map(|_| UserId(scene.world.id()));
    let mut made = Vec::new();
    for (number, (identification, first_name, email)) in consumers.into_iter().enumerate() {
        let mut inspection = scene.inspection("AB123");
        inspection.producer.user_id = producers.get(number).copied();
        inspection.consumer = Consumer {
            identification: identification.map(str::to_owned),
            first_name: first_name.map(str::to_owned),
            email: email.map(str::to_owned),
            ..Consumer::default()
        };
        scene
            .write(Write::CreateInspection(Box::new(inspection.clone())))
            .unwrap();
        made.push(inspection);
        scene.world.clock.step(10);
    }
    let (stranger, _) = scene.add_company();
    let mut anothers = scene.inspection("AB123");
    (anothers.company_id, anothers.producer.user_id) = (stranger, Some(producers[0]));
    scene
        .write(Write::CreateInspection(Box::new(anothers)))
        .unwrap();

    let all = InspectionFilter::default();
    let check = |filter: &InspectionFilter, expected: &[usize]| {
        let found = block_on(scene.store.inspections(scene.company, filter.clone(), 0, 9));
        let (page, total) = found.unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|number| made[*number].clone())
            .collect();
        let count = u64::try_from(expected.len()).unwrap();
        assert_eq!((page, total), (expected, count), "{filter:?}");
    };
    let by = |producers: &[UserId]| InspectionFilter {
        producers: Some(producers.to_vec()),
        ..all.clone()
    };
    check(&by(&producers[..2]), &[1, 0]);
    check(&by(&producers[2..]), &[2]);
    check(&by(&[]), &[]);

    let within = |from: Option<usize>, to: Option<usize>| InspectionFilter {
        from: from.map(|number| made[number].created_at),
        to: to.map(|number| made[number].created_at),
        ..all.clone()
    };
    check(&within(Some(1), Some(3)), &[2, 1]);
    check(&within(None, Some(1)), &[0]);
    check(&within(Some(2), None), &[3, 2]);
    check(&within(Some(2), Some(2)), &[]);

    let search = |text: &str| InspectionFilter {
        search: Some(text.to_owned()),
        ..all.clone()
    };
    check(&search("345678"), &[0]);
    check(&search(" example.COM "), &[2, 0]);
    check(&search("ñandú"), &[1]);
    check(&search("jose.perez@example.com"), &[2]);
    check(&search("nobody"), &[]);
    check(&search("ana\nANA"), &[]);
    // One or two characters are looked for where a text begins.
    check(&search("8"), &[1]);
    check(&search("an"), &[0]);
    check(&search("Ñ"), &[1]);
    check(&search("pe"), &[]);

    let both = InspectionFilter {
        search: Some("example".to_owned()),
        ..by(&producers[..2])
    };
    check(&both, &[0]);
    check(
        &InspectionFilter {
            from: Some(made[1].created_at),
            ..both
        },
        &[],
    );

    // A consumer who is corrected is found by what he is called now.
    let mut corrected = made[0].clone();
    corrected.version = 2;
    corrected.consumer.first_name = Some("Beatriz".to_owned());
    scene
        .write(Write::UpdateInspection(Box::new(corrected.clone())))
        .unwrap();
    let found = |text: &str| {
        let found = block_on(scene.store.inspections(scene.company, search(text), 0, 9));
        found.unwrap().0
    };
    assert_eq!(found("beatriz"), [corrected.clone()]);
    assert_eq!(found("an"), [corrected], "the e-mail stays");
}

pub fn lapsed_inspections_come_oldest_first(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let mut made = Vec::new();
    let at = scene.now().as_millis();
    for (number, expires_in_ms) in [300, 100, 200, 400].into_iter().enumerate() {
        let mut inspection = scene.inspection("AB123");
        inspection.expires_at = Timestamp::from_millis(at + expires_in_ms);
        if number == 2 {
            inspection.state = State::Processing {
                completed_by: CompletedBy::Client,
                at: scene.now(),
            };
        }
        scene
            .write(Write::CreateInspection(Box::new(inspection.clone())))
            .unwrap();
        made.push(inspection);
    }
    let lapsed = |limit| {
        let found = block_on(scene.store.lapsed(scene.now(), limit)).unwrap();
        found
            .into_iter()
            .map(|inspection| inspection.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(lapsed(9), []);
    scene.world.clock.step(300);
    assert_eq!(lapsed(9), [made[1].id, made[0].id]);
    assert_eq!(lapsed(1), [made[1].id]);
}

pub fn a_part_leads_to_its_inspection(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = scene.add_inspection("AB123CD");
    scene.add_inspection("XY987ZW");
    let product = inspection.products[0].id;
    let found = block_on(scene.store.inspection_with(product.0)).unwrap();
    assert_eq!(found.map(|found| found.id), Some(inspection.id));
    let elsewhere = scene.world.id();
    assert_eq!(
        block_on(scene.store.inspection_with(elsewhere)).unwrap(),
        None
    );
}
