//! What lists of inspections are filtered by, packed into sheets: a sheet holds some hundred inspections of
//! one company in the order of their keys, and fits into one page of the database.
//!
//! Reading all of a company's sheets takes less than an index takes for a filter that most rows pass, and
//! answers every combination of filters with its exact count. There are two kinds: facts ([`facts`]) and texts
//! ([`texts`]). Those that were read stay in memory ([`held`]). Both say nothing that the table `inspection` does
//! not, so that they can be made anew from it ([`anew`]).

mod anew;
mod due;
mod facts;
mod find;
mod held;
mod marks;
mod texts;
mod write;

use heraldo_domain::inspection::Inspection;
use heraldo_wire::id::CompanyId;
use rusqlite::Connection;

use self::facts::Fact;
use self::texts::Text;
use super::codes::key_of;
use super::fault::{Done, Fault};

pub(super) use self::anew::{are_due, make_anew};
pub(super) use self::due::{Due, finish};
pub(super) use self::find::find;
pub(super) use self::held::Held;
pub(super) use self::write::write;

/// One inspection as its sheets hold it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    company_id: CompanyId,
    fact: Fact,
    text: Text,
}

impl Entry {
    pub(super) fn of(inspection: &Inspection) -> Self {
        let key = key_of(inspection.id.0);
        Self {
            company_id: inspection.company_id,
            fact: Fact::of(key, inspection),
            text: Text::of(key, inspection),
        }
    }
}

/// A row of one kind of sheet.
trait Row: Clone {
    /// How much a sheet holds: the sum of its rows' weights.
    const WEIGHT_MAX: usize;
    /// The sheet of company ?1 in which key ?2 belongs, the first one if that is before all: its id, the
    /// `first` of the one after it, and what [`Row::held_by`] and [`Row::is_held_by`] read.
    const AT: &str;

    fn key(&self) -> i64;
    fn weight(&self) -> usize;
    fn held_by(sheet: &rusqlite::Row<'_>) -> Done<Vec<Self>>;
    /// Whether the sheet holds exactly this row.
    fn is_held_by(&self, sheet: &rusqlite::Row<'_>) -> Done<bool>;
    /// Under an id that no sheet had before, as all writes: [`held`] relies on it.
    fn insert(db: &Connection, company: CompanyId, rows: &[Self]) -> Done<()>;
    /// Writes a sheet anew, under another id.
    fn update(db: &Connection, id: i64, rows: &[Self]) -> Done<()>;
}

fn blob<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Done<&'a [u8]> {
    let value = row.get_ref(column)?;
    value
        .as_blob()
        .map_err(|_| Fault::unreadable("a sheet of an odd kind"))
}

/// A sheet's bytes, taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Done<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| Fault::unreadable("a sheet that is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Done<usize> {
        let (bytes, _) = self.take(2)?.as_chunks();
        Ok(bytes
            .first()
            .map_or(0, |bytes| u16::from_le_bytes(*bytes))
            .into())
    }

    fn chunks<const N: usize>(&mut self, count: usize) -> Done<&'a [[u8; N]]> {
        Ok(self.take(count.saturating_mul(N))?.as_chunks().0)
    }
}

/// A count that is known to be small, as sheets hold it.
fn small(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use heraldo_domain::query::{INSPECTIONS_COUNTED_MIN, InspectionFilter};
    use heraldo_wire::id::CompanyId;
    use heraldo_wire::object::InspectionStatus;
    use rusqlite::Connection;

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

    fn found(
        (db, held): (&Connection, &Held),
        search: Option<&str>,
        offset: u64,
    ) -> (Vec<i64>, u64) {
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
            let who = ["ANA", "BRUNO", "CARLA", "DORA DEL CARMEN"]
                [usize::try_from(key % 4).expect("four")];
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
}
