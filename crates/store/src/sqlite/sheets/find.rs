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
    /// Takes the next one that matches, until it is enough.
    fn take(&mut self, key: i64) {
        if self.is_enough() {
            return;
        }
        if self.total >= self.offset && self.keys.len() < self.limit {
            self.keys.push(key);
        }
        self.total += 1;
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
        // Where one of both found nothing it is likely to find nothing in the next stretch, and goes first there.
        let mut facts_first = false;
        // Where all rows had the facts, they are likely to have them in the next stretch: its texts are only counted.
        let mut all_match = true;
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
            let Some(kept) = &mut kept else {
                let count = || u64::try_from(texts.count(parts)).unwrap_or(u64::MAX);
                if !self.is_whole(first, next) || !found.pass(count()) {
                    let keys = texts.keys(parts).into_iter();
                    keys.filter(|key| self.holds(*key))
                        .for_each(|key| found.take(key));
                }
                return Ok(!found.is_enough());
            };
            if all_match && self.is_whole(first, next) {
                let count = u64::try_from(texts.count(parts)).unwrap_or(u64::MAX);
                if count == 0 {
                    return Ok(true);
                }
                all_match = kept.reach(first, next)? && kept.are_all();
                if all_match && found.pass(count) {
                    return Ok(!found.is_enough());
                }
            }
            let keys = texts.keys(parts);
            if keys.is_empty() {
                return Ok(true);
            }
            facts_first = !kept.reach(first, next)?;
            all_match = kept.are_all();
            let keys = keys.into_iter().filter(|key| self.holds(*key));
            kept.of(keys, |key| found.take(key))?;
            Ok(!found.is_enough())
        })
    }

    /// Takes the rows that have these facts, newest first. A sheet of which nothing is asked but how many it
    /// holds is not looked at.
    fn with_facts(&self, wanted: &Wanted, found: &mut Found) -> Done<()> {
        self.each(FACTS, |sheet, next| {
            let whole = self.is_whole(sheet.get(0)?, next);
            if whole && wanted.is_nothing() && found.pass(sheet.get::<_, u16>(1)?.into()) {
                return Ok(true);
            }
            let Some(sheet) = self.facts(sheet.get(2)?)? else {
                return Ok(true);
            };
            let facts = sheet.facts()?;
            let Some(kept) = facts.with(wanted) else {
                return Ok(true);
            };
            let count = kept.iter().filter(|kept| **kept).count();
            if !whole || !found.pass(u64::try_from(count).unwrap_or(u64::MAX)) {
                let keys = facts.keys(&kept).filter(|key| self.holds(*key));
                keys.for_each(|key| found.take(key));
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

    fn holds(&self, key: i64) -> bool {
        (self.range.0..self.range.1).contains(&key)
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

/// A sheet's smallest key, and which of its rows have the wanted facts, unless none has.
struct Near {
    first: i64,
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

    /// Whether all rows of the sheets that were reached have the wanted facts.
    fn are_all(&self) -> bool {
        let is_all = |near: &Near| {
            let some = near.some.as_ref();
            some.is_some_and(|(_, kept)| !kept.contains(&false))
        };
        !self.near.is_empty() && self.near.iter().all(is_all)
    }

    /// Takes those of the keys, newest first, that have the wanted facts.
    fn of(&self, keys: impl Iterator<Item = i64>, mut take: impl FnMut(i64)) -> Done<()> {
        let mut keys = keys.peekable();
        for Near { first, some } in &self.near {
            let Some((sheet, kept)) = some else {
                while keys.next_if(|key| key >= first).is_some() {}
                continue;
            };
            let mut rows = sheet.facts()?.walk(kept);
            while let Some(key) = keys.next_if(|key| key >= first) {
                if rows.has(key) {
                    take(key);
                }
            }
        }
        Ok(())
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
