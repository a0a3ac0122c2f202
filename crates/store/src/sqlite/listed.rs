//! Lists whose damaged rows are left out: one row that cannot be read hurts none of the others, and is
//! named in the log, once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use heraldo_wire::id::Id;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::codes::id_from;
use super::fault::{Done, Fault};

/// Damaged rows that are remembered as told; past this they are forgotten and told again.
const TOLD_MAX: usize = 10_000;

/// What a list found.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub rows: Vec<T>,
    pub left_out: Vec<LeftOut>,
}

/// A row that cannot be read.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub id: Id,
    pub why: String,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

impl<T> Listed<T> {
    /// Takes a row whose first two columns are its id's key and tail.
    pub(super) fn take(
        &mut self,
        row: &Row<'_>,
        read: impl FnOnce(&Row<'_>) -> Done<T>,
    ) -> Done<()> {
        self.take_if(row, read, |_| true)
    }

    /// The same, for rows that may not belong here; a damaged one is named all the same.
    pub(super) fn take_if(
        &mut self,
        row: &Row<'_>,
        read: impl FnOnce(&Row<'_>) -> Done<T>,
        belongs: impl FnOnce(&T) -> bool,
    ) -> Done<()> {
        match read(row) {
            Ok(value) if belongs(&value) => self.rows.push(value),
            Ok(_) => {}
            // The row is here already: what fails now is its own.
            Err(fault) => self.leave_out(row.get(0)?, row.get(1).unwrap_or(0), fault),
        }
        Ok(())
    }

    fn leave_out(&mut self, key: i64, tail: u32, fault: Fault) {
        let why = match fault {
            Fault::Unreadable(why) => why,
            Fault::Store(error) => error.to_string(),
            Fault::Sql(error) => error.to_string(),
        };
        let id = id_from(key, tail);
        self.left_out.push(LeftOut { id, why });
    }
}

/// Up to `limit` rows that can be read. The statement's last parameter is how many rows it gives, and
/// damaged ones are made up for: a page that is not full is the last one.
pub(super) fn page<T>(
    db: &Connection,
    sql: &str,
    values: &[Value],
    limit: u32,
    mut read: impl FnMut(&Row<'_>) -> Done<T>,
) -> Done<Listed<T>> {
    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut statement = db.prepare_cached(sql)?;
    let mut asked = limit;
    loop {
        let asked_rows = Value::Integer(i64::from(asked));
        let mut rows = statement.query(params_from_iter(values.iter().chain([&asked_rows])))?;
        let (mut listed, mut looked_at) = (Listed::default(), 0);
        while listed.rows.len() < full
            && let Some(row) = rows.next()?
        {
            looked_at += 1;
            listed.take(row, &mut read)?;
        }
        if listed.rows.len() == full || looked_at < asked {
            return Ok(listed);
        }
        let left_out = u32::try_from(listed.left_out.len()).unwrap_or(u32::MAX);
        asked = limit.saturating_add(left_out.saturating_mul(2));
    }
}

/// The damaged rows that the log names already.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<Id>>);

impl Told {
    /// Names in the log what was left out and was not named before; gives the rest of the list.
    pub(super) fn tell<T>(&self, what: &'static str, listed: Listed<T>) -> Vec<T> {
        if !listed.left_out.is_empty() {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for LeftOut { id, why } in listed.left_out {
                if told.len() >= TOLD_MAX {
                    told.clear();
                }
                if told.insert(id) {
                    tracing::error!(
                        what,
                        %id,
                        why,
                        "a damaged row is left out of lists and passed over; restore a backup"
                    );
                }
            }
        }
        listed.rows
    }
}
