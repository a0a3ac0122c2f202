//! What lists of inspections are filtered by, packed into sheets: a sheet holds some hundred inspections of
//! one company in the order of their keys, and fits into one page of the database.
//!
//! Reading all of a company's sheets takes less than an index takes for a filter that most rows pass, and
//! answers every combination of filters with its exact count. There are two kinds: facts ([`facts`]) and texts
//! ([`texts`]). Those that were read stay in memory ([`held`]). Both say nothing that the table `inspection` does
//! not, so that they can be made anew from it ([`anew`]).

mod anew;
mod column;
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
mod tests;
