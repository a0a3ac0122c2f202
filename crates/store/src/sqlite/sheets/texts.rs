//! Texts: plate, identification, first name and e-mail of some 350 inspections, in one stretch each so that
//! looking for a part of them is looking for bytes.
//!
//! The search texts stand alone: a zero byte before the first one and after each. The names are the number of
//! rows, the keys, and the plates in the same way. A plate or an identification that is not there is a byte of
//! its own, so that it differs from one that is empty.

use heraldo_domain::inspection::{Inspection, match_key, search_part};
use heraldo_domain::query::InspectionFilter;
use heraldo_wire::id::CompanyId;
use memchr::memchr_iter;
use rusqlite::{Connection, params};

use super::column::{Column, END, Part};
use super::held::Weighed;
use super::marks::{Mark, Marks, may_hold};
use super::{Bytes, Row, blob, small};
use crate::sqlite::fault::{Done, Fault};

/// Some pages of 4 KiB: all but the first are read past the cache, which halves the time of a search.
const BYTES_MAX: usize = 20_000;
const NOTHING: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    key: i64,
    plate: Vec<u8>,
    search: Vec<u8>,
}

impl Text {
    pub(super) fn of(key: i64, inspection: &Inspection) -> Self {
        let plate = inspection.plate_key();
        let mut search = Vec::with_capacity(64);
        if inspection.consumer.identification.is_none() {
            search.push(NOTHING);
        }
        search.extend(inspection.search_text().into_bytes());
        Self {
            key,
            plate: plate.map_or_else(|| vec![NOTHING], String::into_bytes),
            search,
        }
    }
}

#[cfg(test)]
impl Text {
    pub(super) fn sample(key: i64, name: &str) -> Self {
        Self {
            key,
            plate: vec![NOTHING],
            search: format!("\u{1}\n{name}\n").into_bytes(),
        }
    }

    pub(super) fn sample_of(key: i64, plate: Option<&str>, nobody: bool, search: &str) -> Self {
        let nobody = if nobody { "\u{1}" } else { "" };
        Self {
            key,
            plate: plate.map_or_else(|| vec![NOTHING], |plate| plate.as_bytes().to_vec()),
            search: format!("{nobody}{search}").into_bytes(),
        }
    }
}

impl Row for Text {
    const WEIGHT_MAX: usize = BYTES_MAX;
    const AT: &str = "SELECT id,
            (SELECT first FROM texts_sheet next WHERE next.company = ?1 AND next.first > sheet.first
             ORDER BY first LIMIT 1),
            searches, names
        FROM texts_sheet sheet WHERE company = ?1
            AND first <= max(?2, (SELECT min(first) FROM texts_sheet WHERE company = ?1))
        ORDER BY first DESC LIMIT 1";

    fn key(&self) -> i64 {
        self.key
    }

    fn weight(&self) -> usize {
        size_of::<i64>() + self.plate.len() + self.search.len() + 2
    }

    fn held_by(sheet: &rusqlite::Row<'_>) -> Done<Vec<Self>> {
        let (searches, names) = (blob(sheet, 2)?, Names::read(blob(sheet, 3)?)?);
        names.belong_to(searches)?;
        let rows = names.rows(searches).map(|(key, plate, search)| Self {
            key,
            plate: plate.to_vec(),
            search: search.to_vec(),
        });
        Ok(rows.collect())
    }

    fn is_held_by(&self, sheet: &rusqlite::Row<'_>) -> Done<bool> {
        let (searches, names) = (blob(sheet, 2)?, Names::read(blob(sheet, 3)?)?);
        let mut rows = names.rows(searches);
        Ok(rows.any(|row| row == (self.key, &self.plate, &self.search)))
    }

    fn insert(db: &Connection, company: CompanyId, rows: &[Self]) -> Done<()> {
        let mut statement = db.prepare_cached(
            "INSERT INTO texts_sheet (company, first, marks, searches, names)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute(params![
            company.0.as_bytes(),
            rows.first().map_or(0, Row::key),
            marks(rows).as_bytes(),
            column(rows, |row| &row.search),
            names(rows)
        ])?;
        Ok(())
    }

    fn update(db: &Connection, id: i64, rows: &[Self]) -> Done<()> {
        let mut statement = db.prepare_cached(
            "UPDATE texts_sheet SET id = (SELECT max(id) + 1 FROM texts_sheet),
                 first = ?2, marks = ?3, searches = ?4, names = ?5 WHERE id = ?1",
        )?;
        statement.execute(params![
            id,
            rows.first().map_or(0, Row::key),
            marks(rows).as_bytes(),
            column(rows, |row| &row.search),
            names(rows)
        ])?;
        Ok(())
    }
}

/// One text of each row, with zero bytes around them.
fn column(rows: &[Text], text: impl Fn(&Text) -> &[u8]) -> Vec<u8> {
    let mut column = Vec::with_capacity(16 * 1024);
    column.push(END);
    for row in rows {
        column.extend(text(row));
        column.push(END);
    }
    column
}

fn names(rows: &[Text]) -> Vec<u8> {
    let mut names = small(rows.len()).to_le_bytes().to_vec();
    names.extend(rows.iter().flat_map(|row| row.key.to_le_bytes()));
    names.extend(column(rows, |row| &row.plate));
    names
}

fn marks(rows: &[Text]) -> Marks {
    let mut marks = Marks::NONE;
    for row in rows {
        marks.add(Mark::Plate, &row.plate);
        // The first field, unless something stands before its line break.
        let mut fields = row.search.split(|byte| *byte == b'\n');
        if let (Some([]), Some(identification)) = (fields.next(), fields.next()) {
            marks.add(Mark::Identification, identification);
        }
    }
    marks
}

/// The texts of one column, without the zero bytes around them.
fn each(column: &[u8]) -> impl Iterator<Item = &[u8]> {
    column
        .get(1..)
        .unwrap_or_default()
        .split(|byte| *byte == END)
}

/// The names as they stand in the database.
pub(super) struct Names<'a> {
    keys: &'a [[u8; 8]],
    plates: &'a [u8],
}

impl<'a> Names<'a> {
    pub(super) fn read(names: &'a [u8]) -> Done<Self> {
        let mut names = Bytes(names);
        let rows = names.number()?;
        Ok(Self {
            keys: names.chunks(rows)?,
            plates: names.0,
        })
    }

    /// Whether there are as many plates and search texts as keys.
    pub(super) fn belong_to(&self, searches: &[u8]) -> Done<()> {
        let is_one_each = |column| memchr_iter(END, column).count() == self.keys.len() + 1;
        if is_one_each(self.plates) && is_one_each(searches) {
            Ok(())
        } else {
            Err(Fault::unreadable("a sheet whose texts are not its keys'"))
        }
    }

    /// Key, plate and search text of each row, oldest first.
    fn rows(&self, searches: &'a [u8]) -> impl Iterator<Item = (i64, &'a [u8], &'a [u8])> {
        let texts = each(self.plates).zip(each(searches));
        let rows = self.keys.iter().zip(texts);
        rows.map(|(key, (plate, search))| (i64::from_le_bytes(*key), plate, search))
    }
}

/// A sheet as it is held in memory.
#[derive(Debug)]
pub(super) struct TextsSheet {
    keys: Box<[[u8; 8]]>,
    plates: Column,
    searches: Column,
}

impl Weighed for TextsSheet {
    fn bytes(&self) -> usize {
        size_of_val(&*self.keys) + self.plates.bytes() + self.searches.bytes()
    }
}

impl TextsSheet {
    pub(super) fn read(searches: &[u8], names: &[u8]) -> Done<Self> {
        let names = Names::read(names)?;
        names.belong_to(searches)?;
        Ok(Self {
            keys: names.keys.into(),
            plates: Column::read(names.plates),
            searches: Column::read(searches),
        })
    }

    /// Oldest first.
    pub(super) const fn keys(&self) -> &[[u8; 8]] {
        &self.keys
    }

    /// Which rows hold what is asked for, oldest first.
    pub(super) fn with(&self, parts: &Parts) -> Vec<bool> {
        let mut kept = vec![true; self.keys.len()];
        let mut keep = |column: &Column, part: Option<&Part>| {
            if let Some(part) = part {
                let mut holding = vec![false; kept.len()];
                column.mark(part, &mut holding);
                for (kept, holds) in kept.iter_mut().zip(holding) {
                    *kept &= holds;
                }
            }
        };
        keep(&self.plates, parts.plate.as_ref().map(|whole| &whole.part));
        let identification = parts.identification.as_ref();
        keep(&self.searches, identification.map(|whole| &whole.part));
        keep(&self.searches, parts.search.as_ref());
        kept
    }
}

/// The texts that a filter asks for. A plate and an identification are asked for as a whole.
#[derive(Debug, Default)]
pub(super) struct Parts {
    plate: Option<Whole>,
    identification: Option<Whole>,
    search: Option<Part>,
}

/// A text that is asked for as a whole, and the same with what stands before and after it.
#[derive(Debug)]
struct Whole {
    text: String,
    part: Part,
}

impl Parts {
    /// `None` when the filter asks for no text.
    pub(super) fn of(filter: &InspectionFilter) -> Option<Self> {
        let whole = |text: &String, before: &str, after: &str| {
            let text = match_key(text);
            let part = Part::new(&format!("{before}{text}{after}"));
            Whole { text, part }
        };
        let plate = filter.plate.as_ref();
        let identification = filter.consumer_identification.as_ref();
        let search = filter.search.as_deref();
        let parts = Self {
            plate: plate.map(|text| whole(text, "\0", "\0")),
            identification: identification.map(|text| whole(text, "\0\n", "\n")),
            search: search.map(|text| Part::new(&search_part(text))),
        };
        let any = parts.plate.is_some() || parts.identification.is_some() || parts.search.is_some();
        any.then_some(parts)
    }

    /// Whether a sheet with these marks may hold them.
    pub(super) fn may_be_in(&self, marks: &[u8]) -> bool {
        let may_hold = |mark, whole: &Option<Whole>| {
            whole
                .as_ref()
                .is_none_or(|whole| may_hold(marks, mark, whole.text.as_bytes()))
        };
        may_hold(Mark::Plate, &self.plate) && may_hold(Mark::Identification, &self.identification)
    }
}
