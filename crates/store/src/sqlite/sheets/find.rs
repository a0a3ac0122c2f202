//! Finds one page of the inspections that a filter keeps, and counts all of them.

use std::collections::VecDeque;
use std::sync::Arc;

use heraldo_domain::query::{INSPECTIONS_COUNTED_MIN, InspectionFilter};
use heraldo_wire::id::CompanyId;
use rusqlite::{CachedStatement, Connection, Row, Rows, params};

use super::blob;
use super::facts::{FactsSheet, Wanted};
use super::held::Held;
use super::texts::{Parts, TextsSheet};
use crate::sqlite::fault::Done;
use crate::sqlite::lists::key_range;

const FACTS: &str = "SELECT first, rows, id FROM facts_sheet INDEXED BY facts_sheet_list
     WHERE company = ?1 AND first < ?2 ORDER BY first DESC";
const TEXTS: &str = "SELECT first, marks, id FROM texts_sheet INDEXED BY texts_sheet_list
     WHERE company = ?1 AND first < ?2 ORDER BY first DESC";

/// The inspections of one page by their keys, newest first, and how many match in all.
#[derive(Debug)]
pub(in crate::sqlite) struct Found {
    pub keys: Vec<i64>,
    pub total: u64,
    offset: u64,
    limit: usize,
    /// No more than so many are counted.
    enough: u64,
}

impl Found {
    /// Takes those rows of a sheet that match, newest first, until it is enough.
    fn take_all(&mut self, keys: &[[u8; 8]], rows: &[bool]) {
        let count = rows.iter().filter(|row| **row).count();
        if self.pass(u64::try_from(count).unwrap_or(u64::MAX)) {
            return;
        }
        for (key, _) in keys.iter().zip(rows).rev().filter(|(_, row)| **row) {
            if self.is_enough() {
                return;
            }
            if self.total >= self.offset && self.keys.len() < self.limit {
                self.keys.push(i64::from_le_bytes(*key));
            }
            self.total += 1;
        }
    }

    const fn is_enough(&self) -> bool {
        self.total >= self.enough
    }

    /// Counts the next ones, all of which match, unless one of them is on the page or the last to be counted.
    fn pass(&mut self, count: u64) -> bool {
        let all_before = self.total + count <= self.offset;
        let all_behind = self.keys.len() >= self.limit && self.total + count <= self.enough;
        let passed = all_before || all_behind;
        self.total += if passed { count } else { 0 };
        passed
    }
}

pub(in crate::sqlite) fn find(
    db: &Connection,
    held: &Held,
    company: CompanyId,
    filter: &InspectionFilter,
    offset: u64,
    limit: u32,
) -> Done<Found> {
    let mut found = Found {
        keys: Vec::new(),
        total: 0,
        offset,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        enough: u64::MAX,
    };
    let Some(wanted) = Wanted::by(filter) else {
        return Ok(found);
    };
    let sheets = Sheets {
        db,
        held,
        list: held.next_list(),
        company,
        range: key_range(filter.before.map(|id| id.0), filter.from, filter.to),
    };
    match Parts::of(filter) {
        Some(parts) => {
            let shown = offset.saturating_add(u64::from(limit));
            found.enough = INSPECTIONS_COUNTED_MIN.max(shown.saturating_add(1));
            sheets.with_texts(&parts, &wanted, &mut found)?;
        }
        None => sheets.with_facts(&wanted, &mut found)?,
    }
    Ok(found)
}

/// A company's sheets, of which only these keys are asked for: from the first to before the second.
struct Sheets<'db> {
    db: &'db Connection,
    held: &'db Held,
    list: u64,
    company: CompanyId,
    range: (i64, i64),
}

impl Sheets<'_> {
    /// Takes the rows that hold these texts and have these facts, newest first, until enough are counted.
    ///
    /// Texts and facts of one stretch are looked at together, so that what is enough ends both, and of a stretch
    /// where one of them finds nothing the other is not looked at.
    fn with_texts(&self, parts: &Parts, wanted: &Wanted, found: &mut Found) -> Done<()> {
        let mut facts = self.db.prepare_cached(FACTS)?;
        let mut kept = if wanted.is_nothing() {
            None
        } else {
            Some(Kept::new(self, self.start(&mut facts)?, wanted))
        };
        // Where no row had the facts it is likely that none has in the next stretch, and they go first there.
        let mut facts_first = false;
        self.each(TEXTS, |sheet, next| {
            if !parts.may_be_in(blob(sheet, 1)?) {
                return Ok(true);
            }
            let first: i64 = sheet.get(0)?;
            if facts_first && let Some(kept) = &mut kept {
                facts_first = !kept.reach(first, next)?;
                if facts_first {
                    return Ok(true);
                }
            }
            let Some(texts) = self.texts(sheet.get(2)?)? else {
                return Ok(true);
            };
            let mut rows = texts.with(parts);
            if !rows.contains(&true) {
                return Ok(true);
            }
            self.keep_asked((first, next), texts.keys(), &mut rows);
            if let Some(kept) = &mut kept {
                facts_first = !kept.reach(first, next)?;
                kept.keep(texts.keys(), &mut rows)?;
            }
            found.take_all(texts.keys(), &rows);
            Ok(!found.is_enough())
        })
    }

    /// Takes the rows that have these facts, newest first. A sheet of which nothing is asked but how many it
    /// holds is not looked at.
    fn with_facts(&self, wanted: &Wanted, found: &mut Found) -> Done<()> {
        self.each(FACTS, |sheet, next| {
            let first: i64 = sheet.get(0)?;
            let whole = self.is_whole(first, next);
            if whole && wanted.is_nothing() && found.pass(sheet.get::<_, u16>(1)?.into()) {
                return Ok(true);
            }
            let Some(sheet) = self.facts(sheet.get(2)?)? else {
                return Ok(true);
            };
            let facts = sheet.facts()?;
            if let Some(mut rows) = facts.with(wanted) {
                self.keep_asked((first, next), facts.keys(), &mut rows);
                found.take_all(facts.keys(), &rows);
            }
            Ok(true)
        })
    }

    /// A sheet of facts, unless it is damaged.
    fn facts(&self, id: i64) -> Done<Option<Arc<FactsSheet>>> {
        self.held.facts.sheet(id, self.list, || {
            let sql = "SELECT doc FROM facts_sheet WHERE id = ?1";
            one_of(self.db, sql, id, |row| FactsSheet::read(blob(row, 0)?))
        })
    }

    /// A sheet of texts, unless it is damaged.
    fn texts(&self, id: i64) -> Done<Option<Arc<TextsSheet>>> {
        self.held.texts.sheet(id, self.list, || {
            let sql = "SELECT searches, names FROM texts_sheet WHERE id = ?1";
            one_of(self.db, sql, id, |row| {
                TextsSheet::read(blob(row, 0)?, blob(row, 1)?)
            })
        })
    }

    fn start<'s>(&self, statement: &'s mut CachedStatement<'_>) -> Done<Rows<'s>> {
        Ok(statement.query(params![self.company.0.as_bytes(), self.range.1])?)
    }

    /// Whether all keys of a sheet are asked for.
    const fn is_whole(&self, first: i64, next: i64) -> bool {
        first >= self.range.0 && next <= self.range.1
    }

    /// Keeps of the rows of a sheet, from `first` to before `next`, those that are asked for.
    fn keep_asked(&self, (first, next): (i64, i64), keys: &[[u8; 8]], rows: &mut [bool]) {
        if !self.is_whole(first, next) {
            let asked = self.range.0..self.range.1;
            for (row, key) in rows.iter_mut().zip(keys) {
                *row &= asked.contains(&i64::from_le_bytes(*key));
            }
        }
    }

    /// Looks at each sheet that may hold asked keys, newest first, with the `first` of the one after it,
    /// until one says that it was the last.
    fn each(&self, sql: &str, mut look: impl FnMut(&Row<'_>, i64) -> Done<bool>) -> Done<()> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut sheets = self.start(&mut statement)?;
        let mut next = i64::MAX;
        while next > self.range.0
            && let Some(sheet) = sheets.next()?
            && look(sheet, next)?
        {
            next = sheet.get(0)?;
        }
        Ok(())
    }
}

/// The rows with the wanted facts, stretch by stretch.
struct Kept<'s> {
    sheets: &'s Sheets<'s>,
    rows: Rows<'s>,
    wanted: &'s Wanted,
    /// The sheets of the stretch that was reached last, newest first.
    near: VecDeque<Near>,
    /// All sheets from here on were passed.
    passed: i64,
}

/// A sheet's smallest key, how many of its rows were not looked at yet, and which have the wanted facts, unless
/// none has.
struct Near {
    first: i64,
    left: usize,
    some: Option<(Arc<FactsSheet>, Vec<bool>)>,
}

impl<'s> Kept<'s> {
    const fn new(sheets: &'s Sheets<'s>, rows: Rows<'s>, wanted: &'s Wanted) -> Self {
        Self {
            sheets,
            rows,
            wanted,
            near: VecDeque::new(),
            passed: i64::MAX,
        }
    }

    /// Goes to the rows from `first` to before `next`, which are older than those of the stretch before. Whether
    /// sheets in which they stand have any with the wanted facts.
    fn reach(&mut self, first: i64, next: i64) -> Done<bool> {
        while self.near.front().is_some_and(|near| near.first >= next) {
            self.near.pop_front();
        }
        while self.passed > first
            && let Some(row) = self.rows.next()?
        {
            self.passed = row.get(0)?;
            if self.passed < next {
                let mut near = Near {
                    first: self.passed,
                    left: row.get::<_, u16>(1)?.into(),
                    some: None,
                };
                if let Some(sheet) = self.sheets.facts(row.get(2)?)?
                    && let Some(kept) = sheet.facts()?.with(self.wanted)
                    && kept.contains(&true)
                {
                    near.some = Some((sheet, kept));
                }
                self.near.push_back(near);
            }
        }
        Ok(self.near.iter().any(|near| near.some.is_some()))
    }

    /// Keeps of the rows with these keys, oldest first, those that have the wanted facts.
    fn keep(&mut self, keys: &[[u8; 8]], rows: &mut [bool]) -> Done<()> {
        let (mut keys, mut rows) = (keys, rows);
        for Near { first, left, some } in &mut self.near {
            let older = rows_before(keys, *first, keys.len().saturating_sub(*left));
            let (older_keys, keys_here) = keys.split_at(older);
            let (older_rows, rows_here) = rows.split_at_mut(older);
            *left = match some {
                Some((sheet, kept)) => sheet.facts()?.keep(kept, *left, keys_here, rows_here),
                None => {
                    rows_here.fill(false);
                    left.saturating_sub(keys_here.len())
                }
            };
            (keys, rows) = (older_keys, older_rows);
        }
        rows.fill(false);
        Ok(())
    }
}

/// How many keys, oldest first, are smaller than this one: likely so many.
fn rows_before(keys: &[[u8; 8]], first: i64, likely: usize) -> usize {
    let is_before = |key: &[u8; 8]| i64::from_le_bytes(*key) < first;
    let (before, behind) = keys.split_at(likely.min(keys.len()));
    let is_so = before.last().is_none_or(is_before) && !behind.first().is_some_and(is_before);
    if is_so {
        before.len()
    } else {
        keys.partition_point(is_before)
    }
}

/// What is read of one sheet; of a damaged one nothing: it hides what it holds and nothing else.
fn one_of<T>(
    db: &Connection,
    sql: &str,
    id: i64,
    read: impl FnOnce(&Row<'_>) -> Done<T>,
) -> Done<Option<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    match read(row) {
        Ok(sheet) => Ok(Some(sheet)),
        Err(error) => {
            tracing::error!(
                ?error,
                "a sheet of a list is damaged and left out; restart to make the lists anew"
            );
            Ok(None)
        }
    }
}
