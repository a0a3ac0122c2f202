//! Finds one page of the inspections that a filter keeps, and counts all of them.

use std::cmp::Reverse;

use heraldo_domain::query::{INSPECTIONS_COUNTED_MIN, InspectionFilter};
use heraldo_wire::id::CompanyId;
use rusqlite::{CachedStatement, Connection, Row, params};

use super::blob;
use super::facts::{Facts, Wanted};
use super::texts::{Names, Parts};
use crate::sqlite::fault::Done;
use crate::sqlite::lists::key_range;

/// The inspections of one page by their keys, newest first, and how many match in all.
#[derive(Debug)]
pub(in crate::sqlite) struct Found {
    pub keys: Vec<i64>,
    pub total: u64,
    offset: u64,
    limit: usize,
}

impl Found {
    /// Takes the next one that matches.
    fn take(&mut self, key: i64) {
        if self.total >= self.offset && self.keys.len() < self.limit {
            self.keys.push(key);
        }
        self.total += 1;
    }

    /// Counts the next ones, all of which match, unless one of them is on the page.
    fn pass(&mut self, count: u64) -> bool {
        let all_before = self.total + count <= self.offset;
        let passed = all_before || self.keys.len() >= self.limit;
        self.total += if passed { count } else { 0 };
        passed
    }
}

pub(in crate::sqlite) fn find(
    db: &Connection,
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
    };
    let Some(wanted) = Wanted::by(filter) else {
        return Ok(found);
    };
    let sheets = Sheets {
        db,
        company,
        range: key_range(filter.before.map(|id| id.0), filter.from, filter.to),
    };
    match Parts::of(filter) {
        Some(parts) if wanted.is_nothing() => {
            let shown = offset.saturating_add(u64::from(limit));
            let enough = INSPECTIONS_COUNTED_MIN.max(shown + 1);
            sheets.with_texts(&parts, |key| {
                found.take(key);
                found.total < enough
            })?;
        }
        Some(parts) => {
            let mut keys = Vec::new();
            sheets.with_texts(&parts, |key| {
                keys.push(key);
                true
            })?;
            if !keys.is_empty() {
                sheets.with_facts(&wanted, Some(&keys), &mut found)?;
            }
        }
        None => sheets.with_facts(&wanted, None, &mut found)?,
    }
    Ok(found)
}

/// A company's sheets, of which only these keys are asked for: from the first to before the second.
struct Sheets<'db> {
    db: &'db Connection,
    company: CompanyId,
    range: (i64, i64),
}

impl Sheets<'_> {
    /// Gives the keys of the rows that hold these texts, newest first, until `take` says that it is enough.
    fn with_texts(&self, parts: &Parts, mut take: impl FnMut(i64) -> bool) -> Done<()> {
        let prepare = |columns| {
            let sql = format!("SELECT {columns} FROM texts_sheet WHERE id = ?1");
            self.db.prepare_cached(&sql)
        };
        let (mut searches, mut whole) = (prepare("searches")?, prepare("searches, names")?);
        // Where a sheet held nothing, its neighbour is likely to hold nothing, and is not read whole at once.
        let mut is_likely = !parts.ask_for_searches();
        self.each(
            "SELECT first, marks, id FROM texts_sheet INDEXED BY texts_sheet_list
             WHERE company = ?1 AND first < ?2 ORDER BY first DESC",
            |sheet, _| {
                if !parts.may_be_in(blob(sheet, 1)?) {
                    return Ok(true);
                }
                let id: i64 = sheet.get(2)?;
                if !is_likely {
                    let holds = |row: &Row<'_>| Ok(parts.are_in(blob(row, 0)?));
                    if one_of(&mut searches, id, holds)? != Some(true) {
                        return Ok(true);
                    }
                }
                let taken = one_of(&mut whole, id, |row| {
                    let holding = parts.rows_in(blob(row, 0)?);
                    is_likely = holding.as_ref().is_none_or(|rows| !rows.is_empty());
                    let Some(names) = sound(blob(row, 1).and_then(Names::read)) else {
                        return Ok(true);
                    };
                    let keys = names.with(parts, holding).rev();
                    Ok(keys.filter(|key| self.holds(*key)).all(&mut take))
                })?;
                Ok(taken != Some(false))
            },
        )
    }

    /// Takes the rows that have these facts, newest first; of `among` alone, which is in the same order.
    /// A sheet of which nothing is asked but how many it holds is not read.
    fn with_facts(&self, wanted: &Wanted, among: Option<&[i64]>, found: &mut Found) -> Done<()> {
        let mut doc = self
            .db
            .prepare_cached("SELECT doc FROM facts_sheet WHERE id = ?1")?;
        let mut among = among;
        self.each(
            "SELECT first, rows, id FROM facts_sheet INDEXED BY facts_sheet_list
             WHERE company = ?1 AND first < ?2 ORDER BY first DESC",
            |sheet, next| {
                let first: i64 = sheet.get(0)?;
                let here = among.map(|keys| {
                    let (here, rest) = keys.split_at(keys.partition_point(|key| *key >= first));
                    among = Some(rest);
                    here
                });
                if here.is_some_and(<[i64]>::is_empty) {
                    return Ok(true);
                }
                let whole = first >= self.range.0 && next <= self.range.1;
                let plain = whole && here.is_none() && wanted.is_nothing();
                if plain && found.pass(sheet.get::<_, u16>(1)?.into()) {
                    return Ok(true);
                }
                one_of(&mut doc, sheet.get(2)?, |row| {
                    let Some(facts) = sound(blob(row, 0).and_then(Facts::read)) else {
                        return Ok(());
                    };
                    let Some(kept) = facts.with(wanted) else {
                        return Ok(());
                    };
                    if whole && here.is_none() {
                        let count = kept.iter().filter(|kept| **kept).count();
                        if found.pass(u64::try_from(count).unwrap_or(u64::MAX)) {
                            return Ok(());
                        }
                    }
                    let is_here = |key: &i64| {
                        here.is_none_or(|here| {
                            here.binary_search_by_key(&Reverse(*key), |key| Reverse(*key))
                                .is_ok()
                        })
                    };
                    let keys = facts.keys(&kept).filter(|key| self.holds(*key));
                    keys.filter(is_here).for_each(|key| found.take(key));
                    Ok(())
                })?;
                Ok(true)
            },
        )
    }

    fn holds(&self, key: i64) -> bool {
        (self.range.0..self.range.1).contains(&key)
    }

    /// Looks at each sheet that may hold asked keys, newest first, with the `first` of the one after it,
    /// until one says that it was the last.
    fn each(&self, sql: &str, mut look: impl FnMut(&Row<'_>, i64) -> Done<bool>) -> Done<()> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut sheets = statement.query(params![self.company.0.as_bytes(), self.range.1])?;
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

/// What is read of one sheet.
fn one_of<T>(
    statement: &mut CachedStatement<'_>,
    id: i64,
    read: impl FnOnce(&Row<'_>) -> Done<T>,
) -> Done<Option<T>> {
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// A damaged sheet hides what it holds and nothing else.
fn sound<T>(sheet: Done<T>) -> Option<T> {
    sheet
        .inspect_err(|error| {
            tracing::error!(
                ?error,
                "a sheet of a list is damaged and left out; restart to make the lists anew"
            );
        })
        .ok()
}
