//! How commands are carried out inside a transaction, so that one that fails leaves no trace.

use heraldo_domain::store::StoreError;
use rusqlite::Connection;

use super::command::Command;
use super::fault::{Done, Fault};
use super::group::Group;

#[derive(Clone, Copy)]
pub(super) enum Care {
    /// For the group as a whole, which may still grow; its commands have so many bytes.
    Group { bytes: usize },
    /// For each command, with a savepoint.
    Each,
}

/// Carries out a command without a savepoint. `false`: it failed after it had written something.
pub(super) fn one(group: &mut Group<'_, '_>, command: &mut Command) -> Done<bool> {
    let mark = group.mark();
    if let Err(fault) = command.carry_out(group) {
        if gave_up(group) {
            return Err(fault);
        }
        if may_have_written(group.has_written_since(mark), &fault) {
            return Ok(false);
        }
        group.undo(mark);
        command.fail(fault.into());
    }
    Ok(true)
}

/// Carries out a command that is undone alone when it fails.
pub(super) fn one_of_many(group: &mut Group<'_, '_>, command: &mut Command) -> Done<()> {
    let mark = group.mark();
    group.run("SAVEPOINT command", [])?;
    if let Err(fault) = command.carry_out(group) {
        if gave_up(group) {
            return Err(fault);
        }
        group.run("ROLLBACK TO command", [])?;
        group.undo(mark);
        command.fail(fault.into());
    }
    group.run("RELEASE command", [])?;
    Ok(())
}

/// Whether SQLite itself gave the whole transaction up.
fn gave_up(group: &Group<'_, '_>) -> bool {
    group.db.is_autocommit()
}

/// A failed statement of SQLite itself may have left its earlier ones behind.
fn may_have_written(rows_were_written: bool, fault: &Fault) -> bool {
    rows_were_written || (matches!(fault, Fault::Sql(_)) && !fault.is_constraint())
}

pub(super) fn roll_back(db: &Connection) -> Done<()> {
    if !db.is_autocommit() {
        db.prepare_cached("ROLLBACK")?.execute([])?;
    }
    Ok(())
}

pub(super) fn data_version(db: &Connection) -> Done<i64> {
    Ok(db
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?)
}

/// Writes what was gathered in a transaction of its own, when nothing else is to be written. `false`: it could
/// not be.
pub(super) fn alone(db: &Connection, write: impl FnOnce(&Connection) -> Done<()>) -> bool {
    let written = (|| {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        write(db)?;
        db.prepare_cached("COMMIT")?.execute([])?;
        Ok::<_, Fault>(())
    })();
    let Err(fault) = written else {
        return true;
    };
    tracing::warn!(error = %StoreError::from(fault), "figures and lists could not be written");
    if let Err(second) = roll_back(db) {
        tracing::error!(error = ?second, "a transaction could not be rolled back");
    }
    false
}
