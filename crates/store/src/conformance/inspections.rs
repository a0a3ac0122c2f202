//! Lists of inspections: their filters, their counts, and those whose time is over.

use heraldo_domain::change::{Change, Write};
use heraldo_domain::inspection::{Inspection, State};
use heraldo_domain::query::InspectionFilter;
use heraldo_wire::id::{CompanyId, TemplateId, UserId};
use heraldo_wire::object::{CompletedBy, Consumer, InspectionStatus, InspectionType, Veredict};
use heraldo_wire::time::Timestamp;

use super::scene::Scene;
use super::{Harness, block_on};
use crate::filter::keeps_inspection;

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
        state: State::started(scene.now()),
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

/// Numbers below so many, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// What the inspections of [`whatever_is_asked_is_listed_and_counted`] are made of.
struct Stock {
    companies: Vec<CompanyId>,
    templates: Vec<TemplateId>,
    producers: Vec<UserId>,
}

const PLATES: [&str; 4] = ["AB123", "ab 123", "ÑU777", "X"];
const NAMES: [&str; 6] = ["Ana", "ana", "Ñandú", "Bo", "", "José María"];
const SEARCHES: [&str; 8] = ["ana", "an", "ñ", "1234", "a@x", "nobody", "maría", ""];
const STATUSES: [InspectionStatus; 3] = [
    InspectionStatus::Created,
    InspectionStatus::Started,
    InspectionStatus::Completed,
];
const VEREDICTS: [Veredict; 3] = [
    Veredict::Approved,
    Veredict::Disapproved,
    Veredict::NotDefined,
];

fn drawn(scene: &Scene<'_>, stock: &Stock, dice: &mut Dice) -> Inspection {
    scene.world.clock.step(i64::from(dice.below(3) == 0));
    let plate = dice.one(&PLATES);
    let mut inspection = scene.inspection(plate);
    // Most are the first company's.
    inspection.company_id = stock.companies[dice.below(6).saturating_sub(3)];
    inspection.inspection_type = dice.one(&[InspectionType::Car, InspectionType::Moto]);
    inspection.template.id = dice.one(&stock.templates);
    inspection.producer.user_id = (dice.below(5) > 0).then(|| dice.one(&stock.producers));
    if dice.below(5) == 0 {
        inspection.products.clear();
    }
    redraw(scene, &mut inspection, dice);
    inspection
}

/// What changes in the course of an inspection.
fn redraw(scene: &Scene<'_>, inspection: &mut Inspection, dice: &mut Dice) {
    let at = scene.now();
    inspection.state = match dice.below(3) {
        0 => State::Created { wrong_codes: 0 },
        1 => State::started(at),
        _ => State::Completed {
            completed_by: CompletedBy::Client,
            veredict: dice.one(&VEREDICTS[..2]),
            at,
            review: None,
        },
    };
    let given = |dice: &mut Dice, text: String| (dice.below(3) > 0).then_some(text);
    let number = dice.below(2_000);
    let name = dice.one(&NAMES);
    inspection.consumer = Consumer {
        identification: given(dice, format!("12{number}k")),
        first_name: given(dice, name.to_owned()),
        email: given(dice, format!("{name}.{number}@x.example")),
        ..Consumer::default()
    };
}

fn drawn_filter(stock: &Stock, made: &[Inspection], dice: &mut Dice) -> InspectionFilter {
    let mut filter = InspectionFilter::default();
    for _ in 0..dice.below(4) {
        match dice.below(11) {
            0 => filter.status = Some(dice.one(&STATUSES)),
            1 => {
                filter.inspection_type =
                    Some(dice.one(&[InspectionType::Car, InspectionType::Bike]));
            }
            2 => filter.veredict = Some(dice.one(&VEREDICTS)),
            3 => filter.plate = Some(dice.one(&["ab123 ", "AB 123", "", "AB12"]).to_owned()),
            4 => filter.consumer_identification = dice.one(made).consumer.identification,
            5 => filter.template_id = Some(dice.one(&stock.templates).to_string()),
            6 => {
                let producers = [0, 1].map(|_| dice.one(&stock.producers));
                filter.producers = Some(producers[..dice.below(3)].to_vec());
            }
            7 => filter.from = Some(dice.one(made).created_at),
            8 => filter.to = Some(dice.one(made).created_at),
            9 => filter.before = Some(dice.one(made).id),
            _ => filter.search = Some(dice.one(&SEARCHES).to_owned()),
        }
    }
    filter
}

pub fn whatever_is_asked_is_listed_and_counted(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let others = [0, 1].map(|_| scene.add_company().0);
    let stock = Stock {
        companies: vec![scene.company, others[0], others[1]],
        templates: (0..5).map(|_| TemplateId(scene.world.id())).collect(),
        producers: (0..9).map(|_| UserId(scene.world.id())).collect(),
    };
    let mut dice = Dice(7);
    let mut made: Vec<Inspection> = (0..1_200)
        .map(|_| drawn(&scene, &stock, &mut dice))
        .collect();
    // Not in the order in which their ids were made: first every other one, then those between.
    let mut order: Vec<usize> = (0..1_200).step_by(2).collect();
    order.extend((0..1_200).skip(1).step_by(2));
    for place in (0..1_200).step_by(3) {
        order.swap(place, (place + dice.below(40)).min(1_199));
    }
    let mut rest = &order[..];
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(1 + dice.below(90)));
        let writes = now
            .iter()
            .map(|number| Write::CreateInspection(Box::new(made[*number].clone())));
        scene
            .commit(Change {
                writes: writes.collect(),
                ..Change::default()
            })
            .unwrap();
        rest = later;
    }
    for _ in 0..400 {
        let inspection = &mut made[dice.below(1_200)];
        inspection.version += 1;
        redraw(&scene, inspection, &mut dice);
        scene
            .write(Write::UpdateInspection(Box::new(inspection.clone())))
            .unwrap();
    }

    for _ in 0..150 {
        let filter = drawn_filter(&stock, &made, &mut dice);
        let company = dice.one(&stock.companies);
        let offset = dice.one(&[0, 0, 3, 260, 2_000]);
        let matching: Vec<&Inspection> = made
            .iter()
            .rev()
            .filter(|inspection| inspection.company_id == company)
            .filter(|inspection| keeps_inspection(&filter, inspection))
            .collect();
        let page: Vec<Inspection> = matching
            .iter()
            .skip(offset)
            .take(10)
            .map(|inspection| Inspection::clone(inspection))
            .collect();
        let asked = u64::try_from(offset).unwrap();
        let found = block_on(scene.store.inspections(company, filter.clone(), asked, 10));
        let total = u64::try_from(matching.len()).unwrap();
        assert_eq!(found, Ok((page, total)), "{filter:?} after {offset}");
    }
}
