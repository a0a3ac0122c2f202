//! Makes all sheets anew from the inspections themselves.

use heraldo_domain::inspection::Inspection;
use rusqlite::{Connection, Row};

use super::facts::Facts;
use super::texts::Names;
use super::{Entry, blob, write};
use crate::sqlite::fault::{Done, Fault};
use crate::sqlite::load::doc_at;

/// Inspections read before their sheets are written.
const BATCH: usize = 5_000;

/// Whether the sheets are not made yet, or one of them is damaged. Reads all of them.
pub(in crate::sqlite) fn are_due(db: &Connection) -> Done<bool> {
    let stale = "SELECT 1 FROM meta WHERE name = 'lists' AND value = 'stale'";
    Ok(db.prepare_cached(stale)?.exists([])?
        || has_damage(db, "SELECT doc FROM facts_sheet", |sheet| {
            Facts::read(blob(sheet, 0)?).map(drop)
        })?
        || has_damage(db, "SELECT searches, names FROM texts_sheet", |sheet| {
            Names::read(blob(sheet, 1)?)?.belong_to(blob(sheet, 0)?)
        })?)
}

fn has_damage(db: &Connection, sql: &str, read: impl Fn(&Row<'_>) -> Done<()>) -> Done<bool> {
    let mut statement = db.prepare(sql)?;
    let mut sheets = statement.query([])?;
    while let Some(sheet) = sheets.next()? {
        match read(sheet) {
            Ok(()) => {}
            Err(Fault::Unreadable(_)) => return Ok(true),
            Err(fault) => return Err(fault),
        }
    }
    Ok(false)
}

/// Has the sheets made anew at the next start.
pub(super) fn mark_stale(db: &Connection) -> Done<()> {
    db.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('lists', 'stale')")?
        .execute([])?;
    Ok(())
}

/// Makes them in one transaction. An inspection that cannot be read is in no list.
pub(in crate::sqlite) fn make_anew(db: &Connection) -> Done<()> {
    let all = db.unchecked_transaction()?;
    db.execute_batch(
        "DELETE FROM facts_sheet; DELETE FROM texts_sheet; DELETE FROM sheet_due;
         DELETE FROM meta WHERE name = 'lists';",
    )?;
    let mut statement = db.prepare("SELECT doc FROM inspection ORDER BY key")?;
    let mut rows = statement.query([])?;
    let (mut entries, mut unreadable) = (Vec::with_capacity(BATCH), 0_u64);
    while let Some(row) = rows.next()? {
        match doc_at::<Inspection>(row, 0) {
            Ok(inspection) => entries.push(Entry::of(&inspection)),
            Err(_) => unreadable += 1,
        }
        if entries.len() >= BATCH {
            write(db, std::mem::take(&mut entries))?;
        }
    }
    drop(rows);
    drop(statement);
    write(db, entries)?;
    all.commit()?;
    if unreadable > 0 {
        tracing::error!(
            unreadable,
            "inspections cannot be read and are in no list; restore a backup"
        );
    }
    Ok(())
}
