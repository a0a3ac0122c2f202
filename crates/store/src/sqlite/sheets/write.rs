//! Writes a group's inspections into their sheets, at the end of its transaction: many inspections that go
//! into one sheet cost one write.

use heraldo_wire::id::CompanyId;
use rusqlite::{Connection, params};

use super::anew::mark_stale;
use super::{Entry, Row};
use crate::sqlite::fault::{Done, Fault};
use crate::sqlite::rows::one;

/// Puts the entries where they belong; of several of one inspection the last one stands.
pub(in crate::sqlite) fn write(db: &Connection, mut entries: Vec<Entry>) -> Done<()> {
    // Newest first among those of one inspection, of which the first is kept.
    entries.reverse();
    let place = |entry: &Entry| (entry.company_id, entry.fact.key());
    entries.sort_by_key(place);
    entries.dedup_by_key(|entry| place(entry));
    for of_company in entries.chunk_by(|a, b| a.company_id == b.company_id) {
        let Some(Entry { company_id, .. }) = of_company.first() else {
            continue;
        };
        let facts: Vec<_> = of_company.iter().map(|entry| entry.fact).collect();
        put(db, *company_id, &facts)?;
        let texts: Vec<_> = of_company.iter().map(|entry| entry.text.clone()).collect();
        put(db, *company_id, &texts)?;
    }
    Ok(())
}

/// What was found where rows belong.
enum At<R> {
    /// They are there already.
    Same,
    Held {
        id: i64,
        rows: Vec<R>,
        is_last: bool,
    },
}

/// Puts rows, in the order of their keys, into a company's sheets.
fn put<R: Row>(db: &Connection, company: CompanyId, mut rows: &[R]) -> Done<()> {
    while let Some(row) = rows.first() {
        let mut here = rows;
        let at = params![company.0.as_bytes(), row.key()];
        let at = one(db, R::AT, at, |sheet| {
            let next: Option<i64> = sheet.get(1)?;
            let before_next = |row: &R| next.is_none_or(|next| row.key() < next);
            here = rows.split_at(rows.partition_point(before_next)).0;
            look(db, sheet, here, next.is_none())
        })?;
        rows = rows.split_at(here.len()).1;
        match at {
            None => {
                for piece in cut(here, true) {
                    R::insert(db, company, piece)?;
                }
            }
            Some(At::Same) => {}
            Some(At::Held { id, rows, is_last }) => {
                let merged = merge(rows, here);
                let mut pieces = cut(&merged, is_last).into_iter();
                if let Some(piece) = pieces.next() {
                    R::update(db, id, piece)?;
                }
                for piece in pieces {
                    R::insert(db, company, piece)?;
                }
            }
        }
    }
    Ok(())
}

fn look<R: Row>(
    db: &Connection,
    sheet: &rusqlite::Row<'_>,
    rows: &[R],
    is_last: bool,
) -> Done<At<R>> {
    let held = || {
        for row in rows {
            if !row.is_held_by(sheet)? {
                return R::held_by(sheet).map(Some);
            }
        }
        Ok(None)
    };
    let rows = match held() {
        Ok(None) => return Ok(At::Same),
        Ok(Some(rows)) => rows,
        // A damaged sheet keeps nobody from writing: the lists are made anew at the next start.
        Err(Fault::Unreadable(why)) => {
            tracing::error!(
                why,
                "a sheet of a list is damaged; restart to make the lists anew"
            );
            mark_stale(db)?;
            Vec::new()
        }
        Err(fault) => return Err(fault),
    };
    let id = sheet.get(0)?;
    Ok(At::Held { id, rows, is_last })
}

/// The rows of a sheet with others put among them or in their place.
fn merge<R: Row>(held: Vec<R>, others: &[R]) -> Vec<R> {
    let mut merged = Vec::with_capacity(held.len() + others.len());
    let mut others = others.iter().peekable();
    for row in held {
        while let Some(other) = others.next_if(|other| other.key() < row.key()) {
            merged.push(other.clone());
        }
        let instead = others.next_if(|other| other.key() == row.key());
        merged.push(instead.cloned().unwrap_or(row));
    }
    merged.extend(others.cloned());
    merged
}

/// Rows cut into as many sheets as they need: at the end of a company's list each is filled, because what
/// follows is newer; elsewhere they are of one size, because what follows may come between.
fn cut<R: Row>(rows: &[R], at_the_end: bool) -> Vec<&[R]> {
    let weight: usize = rows.iter().map(Row::weight).sum();
    let sheets = weight.div_ceil(R::WEIGHT_MAX).max(1);
    let each = if at_the_end {
        R::WEIGHT_MAX
    } else {
        weight.div_ceil(sheets)
    };
    let (mut pieces, mut rest) = (Vec::with_capacity(sheets), rows);
    while !rest.is_empty() {
        let mut filled = 0;
        let fits = rest.iter().take_while(|row| {
            filled += row.weight();
            filled <= each
        });
        // A row that is larger than a sheet has one to itself.
        let (piece, others) = rest.split_at(fits.count().max(1));
        pieces.push(piece);
        rest = others;
    }
    pieces
}
