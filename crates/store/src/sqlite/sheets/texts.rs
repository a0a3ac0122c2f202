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
use memchr::memmem::Finder;
use rusqlite::{Connection, params};

use super::held::Weighed;
use super::marks::{Mark, Marks, may_hold};
use super::{Bytes, Row, blob, small};
use crate::sqlite::fault::{Done, Fault};

/// Some pages of 4 KiB: all but the first are read past the cache, which halves the time of a search.
const BYTES_MAX: usize = 20_000;
/// Texts hold no control characters.
const END: u8 = 0;
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
    keys: Box<[i64]>,
    plates: Column,
    searches: Column,
}

/// One text of each row, with zero bytes around them, and where those behind the rows stand.
#[derive(Debug)]
struct Column {
    texts: Box<[u8]>,
    ends: Box<[u32]>,
}

impl Column {
    fn read(texts: &[u8]) -> Self {
        let ends = memchr_iter(END, texts).skip(1);
        Self {
            texts: texts.into(),
            ends: ends
                .map(|end| u32::try_from(end).unwrap_or(u32::MAX))
                .collect(),
        }
    }

    const fn bytes(&self) -> usize {
        self.texts.len() + size_of_val(&*self.ends)
    }

    /// The rows in which a text stands, oldest first.
    const fn rows_holding<'a>(&'a self, finder: &'a Finder<'_>) -> RowsHolding<'a> {
        RowsHolding {
            column: self,
            finder,
            row: 0,
            from: 0,
            places: None,
        }
    }
}

/// The rows in which a text stands, oldest first.
struct RowsHolding<'a> {
    column: &'a Column,
    finder: &'a Finder<'a>,
    /// The next row, and the zero byte before it: what is looked for may begin with it.
    row: usize,
    from: usize,
    /// How far from its row's beginning, and from its end, the text stood the last time. Where many rows hold it, it
    /// stands at the same place in most, and looking there takes a fraction of a search.
    places: Option<(usize, usize)>,
}

impl Iterator for RowsHolding<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let (texts, ends) = (&self.column.texts, &self.column.ends);
        let mut end = *ends.get(self.row)? as usize;
        let needle = self.finder.needle();
        let is_at = |at: usize| {
            let is_here = (self.from..end).contains(&at);
            is_here && texts.get(at..).is_some_and(|rest| rest.starts_with(needle))
        };
        let is_there_again = self.places.is_some_and(|(after, before)| {
            is_at(self.from + after) || end.checked_sub(before).is_some_and(is_at)
        });
        if !is_there_again {
            let at = self.from + self.finder.find(texts.get(self.from..)?)?;
            while end <= at {
                self.from = end;
                self.row += 1;
                end = *ends.get(self.row)? as usize;
            }
            self.places = Some((at - self.from, end - at));
        }
        let row = self.row;
        self.from = end;
        self.row += 1;
        Some(row)
    }
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
        let keys = names.keys.iter().map(|key| i64::from_le_bytes(*key));
        Ok(Self {
            keys: keys.collect(),
            plates: Column::read(names.plates),
            searches: Column::read(searches),
        })
    }

    /// How many rows hold what is asked for.
    pub(super) fn count(&self, parts: &Parts) -> usize {
        match (&parts.plate, &parts.identification, &parts.search) {
            (None, None, Some(finder)) => self.searches.rows_holding(finder).count(),
            (Some(plate), None, None) => self.plates.rows_holding(&plate.finder).count(),
            (_, _, _) => self.keys(parts).len(),
        }
    }

    /// The keys of the rows that hold what is asked for, newest first.
    pub(super) fn keys(&self, parts: &Parts) -> Vec<i64> {
        let mut rows: Option<Vec<usize>> = None;
        for (column, finder) in [
            (
                &self.plates,
                parts.plate.as_ref().map(|whole| &whole.finder),
            ),
            (
                &self.searches,
                parts.identification.as_ref().map(|whole| &whole.finder),
            ),
            (&self.searches, parts.search.as_ref()),
        ] {
            if let Some(finder) = finder {
                let holding = column.rows_holding(finder);
                rows = Some(match rows {
                    None => holding.collect(),
                    Some(rows) => holding
                        .filter(|row| rows.binary_search(row).is_ok())
                        .collect(),
                });
            }
        }
        let rows = rows.unwrap_or_default();
        let key = |row: &usize| self.keys.get(*row).copied();
        rows.iter().rev().filter_map(key).collect()
    }
}

/// The texts that a filter asks for. A plate and an identification are asked for as a whole.
#[derive(Debug, Default)]
pub(super) struct Parts {
    plate: Option<Whole>,
    identification: Option<Whole>,
    search: Option<Finder<'static>>,
}

/// A text that is asked for as a whole, and what finds it with what stands before and after it.
#[derive(Debug)]
struct Whole {
    text: String,
    finder: Finder<'static>,
}

impl Parts {
    /// `None` when the filter asks for no text.
    pub(super) fn of(filter: &InspectionFilter) -> Option<Self> {
        let finder = |text: String| Finder::new(text.as_bytes()).into_owned();
        let whole = |text: &String, before: &str, after: &str| {
            let text = match_key(text);
            let finder = finder(format!("{before}{text}{after}"));
            Whole { text, finder }
        };
        let plate = filter.plate.as_ref();
        let identification = filter.consumer_identification.as_ref();
        let search = filter.search.as_deref();
        let parts = Self {
            plate: plate.map(|text| whole(text, "\0", "\0")),
            identification: identification.map(|text| whole(text, "\0\n", "\n")),
            search: search.map(|text| finder(search_part(text))),
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
