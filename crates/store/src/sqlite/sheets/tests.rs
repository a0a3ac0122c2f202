//! Lists against a plain look at every inspection, and how sheets are cut.

use std::collections::BTreeMap;

use heraldo_domain::inspection::search_part;
use heraldo_domain::query::{INSPECTIONS_COUNTED_MIN, InspectionFilter};
use heraldo_wire::id::{CompanyId, InspectionId};
use heraldo_wire::object::InspectionStatus;
use rusqlite::Connection;

use super::super::codes::id_from;
use super::super::migrations;
use super::facts::Fact;
use super::texts::Text;
use super::{Entry, Held, Row, find, write};

fn database(entries: impl Iterator<Item = i64>) -> Connection {
    let mut db = Connection::open_in_memory().expect("a database");
    migrations::all().to_latest(&mut db).expect("the steps");
    let entries = entries.map(|key| Entry {
        company_id: CompanyId::default(),
        fact: Fact::sample(key),
        text: Text::sample(key, "ANA"),
    });
    write(&db, entries.collect()).expect("sheets");
    db
}

fn found((db, held): (&Connection, &Held), search: Option<&str>, offset: u64) -> (Vec<i64>, u64) {
    let filter = InspectionFilter {
        search: search.map(str::to_owned),
        ..InspectionFilter::default()
    };
    let found = find(db, held, CompanyId::default(), &filter, offset, 3);
    let found = found.expect("readable sheets");
    (found.keys, found.total)
}

#[test]
fn a_search_that_nearly_all_match_is_counted_as_far_as_it_is_shown() {
    let many = INSPECTIONS_COUNTED_MIN.cast_signed() + 10_000;
    let (db, held) = (database(1..=many), Held::default());
    let all = u64::try_from(many).expect("many");
    assert_eq!(
        found((&db, &held), None, 0),
        (vec![many, many - 1, many - 2], all)
    );
    let (keys, total) = found((&db, &held), Some("ana"), 0);
    assert_eq!((keys.len(), total), (3, INSPECTIONS_COUNTED_MIN));
    // There is always a next page until there is none.
    let (keys, total) = found((&db, &held), Some("ana"), INSPECTIONS_COUNTED_MIN);
    assert_eq!((keys.len(), total), (3, INSPECTIONS_COUNTED_MIN + 4));
    let (keys, total) = found((&db, &held), Some("ana"), all - 2);
    assert_eq!((keys, total), (vec![2, 1], all));
}

#[test]
fn sheets_at_the_end_are_filled_and_those_between_are_halved() {
    let rows = |db: &Connection| -> Vec<u16> {
        let mut statement = db
            .prepare("SELECT rows FROM facts_sheet ORDER BY first")
            .expect("the sheets");
        let rows = statement
            .query_map([], |row| row.get(0))
            .expect("the sheets");
        rows.map(|rows| rows.expect("a count")).collect()
    };
    let full = u16::try_from(Fact::WEIGHT_MAX).expect("small");
    let db = database((0..600).map(|key| 2 * key));
    assert_eq!(rows(&db), [full, full, 600 - 2 * full]);
    let between = Entry {
        company_id: CompanyId::default(),
        fact: Fact::sample(3),
        text: Text::sample(3, "ANA"),
    };
    write(&db, vec![between]).expect("sheets");
    assert_eq!(rows(&db), [126, 125, full, 600 - 2 * full]);
}

#[test]
fn a_text_larger_than_a_sheet_has_one_to_itself() {
    let (db, held) = (database(1..=2), Held::default());
    let large = "X".repeat(3 * Text::WEIGHT_MAX);
    let entries = [large.as_str(), "BO"].map(|name| Entry {
        company_id: CompanyId::default(),
        fact: Fact::sample(name.len() as i64),
        text: Text::sample(name.len() as i64, name),
    });
    write(&db, entries.to_vec()).expect("sheets");
    let last = 3 * Text::WEIGHT_MAX as i64;
    assert_eq!(found((&db, &held), Some("xxxx"), 0), (vec![last], 1));
    assert_eq!(found((&db, &held), Some("bo"), 0), (vec![2], 1));
    assert_eq!(found((&db, &held), Some("an"), 0), (vec![1], 1));
}

#[test]
fn a_list_shows_what_was_written_since_the_last_one() {
    let (db, held) = (database(1..=600), Held::default());
    assert_eq!(found((&db, &held), Some("ana"), 0).1, 600);
    let named = |key, name: &str| Entry {
        company_id: CompanyId::default(),
        fact: Fact::sample(key),
        text: Text::sample(key, name),
    };
    // One in the middle is called otherwise, and one comes after the others.
    write(&db, vec![named(200, "BO")]).expect("sheets");
    write(&db, vec![named(601, "ANA")]).expect("sheets");
    assert_eq!(
        found((&db, &held), Some("ana"), 0),
        (vec![601, 600, 599], 600)
    );
    assert_eq!(found((&db, &held), Some("bo"), 0), (vec![200], 1));
    assert_eq!(found((&db, &held), None, 0), (vec![601, 600, 599], 601));
    // What is taken back by its transaction is not seen, and does not hide what is written instead.
    db.execute_batch("BEGIN").expect("a transaction");
    write(&db, vec![named(602, "CARLA")]).expect("sheets");
    db.execute_batch("ROLLBACK").expect("no transaction");
    write(&db, vec![named(602, "DORA")]).expect("sheets");
    assert_eq!(found((&db, &held), Some("carla"), 0), (vec![], 0));
    assert_eq!(found((&db, &held), Some("dora"), 0), (vec![602], 1));
}

#[test]
fn texts_and_facts_that_meet_everywhere_somewhere_or_nowhere_are_found() {
    const ROWS: i64 = 6_000;
    let status_of = |key: i64| match key {
        // Only here.
        2_000..2_600 => InspectionStatus::Completed,
        _ if key % 3 == 0 => InspectionStatus::Started,
        _ => InspectionStatus::Created,
    };
    // What stands at one place in many rows, at another in some, and in few.
    let name_of = |key: i64| {
        let who =
            ["ANA", "BRUNO", "CARLA", "DORA DEL CARMEN"][usize::try_from(key % 4).expect("four")];
        let at = if key % 3 == 0 { "CORREO" } else { "MAIL" };
        format!("{who}{}@{at}.EXAMPLE", key % 100)
    };
    let mut db = Connection::open_in_memory().expect("a database");
    migrations::all().to_latest(&mut db).expect("the steps");
    let entries = (1..=ROWS).map(|key| Entry {
        company_id: CompanyId::default(),
        fact: Fact::sample_in(key, status_of(key)),
        text: Text::sample(key, &name_of(key)),
    });
    write(&db, entries.collect()).expect("sheets");
    let held = Held::default();
    let searches = [
        "example",
        "carla",
        "del carmen",
        "correo",
        "77@",
        "a7",
        "nobody",
    ];
    let statuses = [
        None,
        Some(InspectionStatus::Created),
        Some(InspectionStatus::Started),
        Some(InspectionStatus::Completed),
        Some(InspectionStatus::Blocked),
    ];
    for (search, status) in searches
        .iter()
        .flat_map(|search| statuses.map(|status| (search, status)))
    {
        let mut expected: Vec<i64> = (1..=ROWS)
            .filter(|key| status.is_none_or(|status| status_of(*key) == status))
            .filter(|key| {
                let (name, search) = (name_of(*key), search.to_uppercase());
                if search.len() < 3 {
                    name.starts_with(&search)
                } else {
                    name.contains(&search)
                }
            })
            .collect();
        expected.reverse();
        let filter = InspectionFilter {
            search: Some((*search).to_owned()),
            status,
            ..InspectionFilter::default()
        };
        for offset in [0, 10, 1_490, 5_990] {
            let found = find(&db, &held, CompanyId::default(), &filter, offset, 10);
            let found = found.expect("readable sheets");
            let page = expected
                .iter()
                .skip(usize::try_from(offset).expect("small"))
                .take(10);
            let page: Vec<i64> = page.copied().collect();
            let total = u64::try_from(expected.len()).expect("few");
            assert_eq!(
                (found.keys, found.total),
                (page, total),
                "{search} {status:?} {offset}"
            );
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).expect("63 bits") % sides
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as i64)).expect("a place")]
    }
}

const STATUSES: [InspectionStatus; 3] = [
    InspectionStatus::Created,
    InspectionStatus::Started,
    InspectionStatus::Completed,
];

/// One inspection as a plain look sees it.
#[derive(Clone)]
struct Seen {
    status: InspectionStatus,
    plate: Option<String>,
    identification: Option<String>,
    /// First name and e-mail.
    others: String,
}

impl Seen {
    fn some(dice: &mut Dice, key: i64) -> Self {
        let name = dice.of(&["ANA", "ANA MARÍA", "BRUNO", "CARLA"]);
        // Those of one status write from one provider, so that a text and a status can exclude each other.
        let status = dice.of(&STATUSES);
        let at = if status == InspectionStatus::Started {
            "CORREO"
        } else {
            "MAIL"
        };
        let plate = [
            "AB123CD".to_owned(),
            String::new(),
            format!("P{}", key % 40),
        ];
        Self {
            status,
            plate: Some(plate[usize::try_from(dice.below(3)).expect("three")].clone())
                .filter(|_| key % 5 != 0),
            identification: Some(format!("{}", 30 + dice.below(400))).filter(|_| key % 7 != 0),
            others: format!("{name}\n{name}.{}@{at}.EXAMPLE", key % 100),
        }
    }

    fn search_text(&self) -> String {
        match &self.identification {
            Some(identification) => format!("\n{identification}\n{}\n", self.others),
            None => format!("\n{}\n", self.others),
        }
    }

    fn entry(&self, key: i64) -> Entry {
        let (plate, nothing) = (self.plate.as_deref(), self.identification.is_none());
        Entry {
            company_id: CompanyId::default(),
            fact: Fact::sample_in(key, self.status),
            text: Text::sample_of(key, plate, nothing, &self.search_text()),
        }
    }

    fn fits(&self, filter: &InspectionFilter) -> bool {
        let text = |asked: &Option<String>, own: &Option<String>| asked.is_none() || asked == own;
        let part = filter.search.as_deref().map(search_part);
        filter.status.is_none_or(|status| status == self.status)
            && text(&filter.plate, &self.plate)
            && text(&filter.consumer_identification, &self.identification)
            && part.is_none_or(|part| self.search_text().contains(&part))
    }
}

/// Changes inspections as they change in life: new ones, one made before others, another name, another status,
/// several times in one group.
fn change(dice: &mut Dice, all: &BTreeMap<i64, Seen>) -> Vec<(i64, Seen)> {
    let last = all.keys().next_back().copied().unwrap_or(0);
    let some_key = |dice: &mut Dice| 2 * (1 + dice.below(last / 2));
    let key = some_key(dice);
    let mut known = all[&key].clone();
    match dice.below(5) {
        0 => (1..=1 + dice.below(400))
            .map(|more| (last + 2 * more, Seen::some(dice, last + 2 * more)))
            .collect(),
        1 => vec![(key - 1, Seen::some(dice, key - 1))],
        2 => {
            known.others = format!("ZOE\nZOE.{key}@ELSEWHERE.EXAMPLE");
            vec![(key, known)]
        }
        3 => {
            known.status = dice.of(&STATUSES);
            known.plate = Some("AB123CD".to_owned());
            vec![(key, known)]
        }
        _ => {
            let twice = [(key, Seen::some(dice, key)), (key, Seen::some(dice, key))];
            let others = (0..20).map(|_| some_key(dice)).collect::<Vec<_>>();
            let others = others.into_iter().map(|key| (key, Seen::some(dice, key)));
            twice.into_iter().chain(others).collect()
        }
    }
}

fn some_filter(dice: &mut Dice, last: i64) -> InspectionFilter {
    let searches = [
        "example",
        "@correo",
        "@mail",
        "carla",
        "ana maría",
        "zoe.",
        "7@",
        "3",
        "a",
        "nobody",
    ];
    let some = |dice: &mut Dice| dice.below(3) == 0;
    let key = |dice: &mut Dice| InspectionId(id_from(dice.below(last + 3), 0));
    let mut filter = InspectionFilter::default();
    if !some(dice) {
        filter.search = Some(dice.of(&searches).to_owned());
    }
    if !some(dice) {
        filter.status = Some(dice.of(&STATUSES));
    }
    if some(dice) {
        filter.plate = Some(dice.of(&["AB123CD", "", "P7", "P8"]).to_owned());
    }
    if some(dice) && some(dice) {
        filter.consumer_identification = Some((30 + dice.below(400)).to_string());
    }
    if some(dice) {
        filter.before = Some(key(dice));
    }
    filter
}

#[test]
fn lists_are_those_of_a_plain_look_after_each_change() {
    let mut db = Connection::open_in_memory().expect("a database");
    migrations::all().to_latest(&mut db).expect("the steps");
    let (held, mut dice) = (Held::default(), Dice(0x9e37_79b9_7f4a_7c15));
    let mut all: BTreeMap<i64, Seen> = (1..=2_000)
        .map(|number| (2 * number, Seen::some(&mut dice, 2 * number)))
        .collect();
    let entries = |seen: &mut dyn Iterator<Item = (&i64, &Seen)>| -> Vec<Entry> {
        seen.map(|(key, seen)| seen.entry(*key)).collect()
    };
    write(&db, entries(&mut all.iter())).expect("sheets");
    for round in 0..120 {
        let changed = change(&mut dice, &all);
        let change = entries(&mut changed.iter().map(|(key, seen)| (key, seen)));
        if round % 9 == 0 {
            // What is taken back is as if it had not been.
            db.execute_batch("BEGIN").expect("a transaction");
            write(&db, change).expect("sheets");
            db.execute_batch("ROLLBACK").expect("no transaction");
        } else {
            write(&db, change).expect("sheets");
            all.extend(changed);
        }
        for _ in 0..25 {
            let last = *all.keys().next_back().expect("many");
            let filter = some_filter(&mut dice, last);
            let before = filter
                .before
                .map_or(i64::MAX, |id| super::super::codes::key_of(id.0));
            let fitting = all.range(..before).rev();
            let fitting = fitting.filter(|(_, seen)| seen.fits(&filter));
            let fitting: Vec<i64> = fitting.map(|(key, _)| *key).collect();
            let offset = dice.below(1 + 2 * fitting.len() as i64);
            let page = fitting
                .iter()
                .skip(usize::try_from(offset).expect("small"))
                .take(7);
            let page: Vec<i64> = page.copied().collect();
            let offset = u64::try_from(offset).expect("small");
            let found = find(&db, &held, CompanyId::default(), &filter, offset, 7);
            let found = found.expect("readable sheets");
            assert_eq!(
                (found.keys, found.total),
                (page, fitting.len() as u64),
                "round {round}, {offset} before {filter:?}"
            );
        }
    }
}

#[test]
fn rows_that_stand_in_one_kind_of_sheet_alone_hide_no_others() {
    let (db, held) = (database(1..=2_000), Held::default());
    // As if a sheet of facts were damaged: its rows are in no list that asks for facts.
    let lost: (i64, u16) = db
        .query_row(
            "DELETE FROM facts_sheet WHERE first = (SELECT max(first) FROM facts_sheet WHERE first < 900)
             RETURNING first, rows",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("a sheet");
    let lost = lost.0..lost.0 + i64::from(lost.1);
    // Another one lacks a row in its middle, so that its rows do not stand beside the texts'.
    let (id, mut rows) = db
        .query_row(
            "SELECT id, first, doc FROM facts_sheet WHERE first = 1",
            [],
            |row| Ok((row.get::<_, i64>(0)?, Fact::held_by(row).expect("facts"))),
        )
        .expect("a sheet");
    rows.retain(|row| row.key() != 100);
    Fact::update(&db, id, &rows).expect("a sheet");
    let filter = InspectionFilter {
        search: Some("ana".to_owned()),
        status: Some(InspectionStatus::Completed),
        ..InspectionFilter::default()
    };
    let found = find(&db, &held, CompanyId::default(), &filter, 0, 10).expect("readable sheets");
    assert_eq!((found.keys, found.total), (vec![], 0));
    let filter = InspectionFilter {
        status: Some(InspectionStatus::Created),
        ..filter
    };
    let found = find(&db, &held, CompanyId::default(), &filter, 0, 3_000).expect("readable sheets");
    let left = (1..=2_000).rev();
    let left: Vec<i64> = left
        .filter(|key| !lost.contains(key) && *key != 100)
        .collect();
    assert_eq!(found.keys, left);
}
