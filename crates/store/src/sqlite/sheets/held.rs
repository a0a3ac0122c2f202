//! Sheets that were read stay in memory, so that the next list reads from the database only what changed since:
//! reading them takes several times as long as looking through them.
//!
//! A sheet's id stands for its content: whoever writes a sheet anew gives it an id that no sheet had before. What
//! is held under an id is therefore never wrong, whoever wrote since.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::facts::FactsSheet;
use super::texts::TextsSheet;
use crate::sqlite::fault::Done;

/// Some 65 bytes for each inspection of an ordinary kind: a million fit.
const TEXTS_BYTES_MAX: usize = 80 * 1024 * 1024;
/// 16 bytes for each inspection.
const FACTS_BYTES_MAX: usize = 20 * 1024 * 1024;

/// The sheets that are held, for all readers.
#[derive(Debug)]
pub(in crate::sqlite) struct Held {
    pub(super) facts: Shelf<FactsSheet>,
    pub(super) texts: Shelf<TextsSheet>,
    lists: AtomicU64,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            facts: Shelf::new(FACTS_BYTES_MAX),
            texts: Shelf::new(TEXTS_BYTES_MAX),
            lists: AtomicU64::new(0),
        }
    }
}

impl Held {
    /// The number of a list that begins; later ones have larger numbers.
    pub(super) fn next_list(&self) -> u64 {
        self.lists.fetch_add(1, Ordering::Relaxed)
    }
}

/// What knows how many bytes it takes.
pub(super) trait Weighed {
    fn bytes(&self) -> usize;
}

/// The sheets of one kind.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    bytes_max: usize,
    sheets: Mutex<Sheets<T>>,
}

#[derive(Debug)]
struct Sheets<T> {
    by_id: HashMap<i64, One<T>>,
    bytes: usize,
    /// The list that made room last.
    cleared_by: Option<u64>,
}

#[derive(Debug)]
struct One<T> {
    sheet: Arc<T>,
    used_by: u64,
}

impl<T: Weighed> Shelf<T> {
    fn new(bytes_max: usize) -> Self {
        let sheets = Sheets {
            by_id: HashMap::new(),
            bytes: 0,
            cleared_by: None,
        };
        Self {
            bytes_max,
            sheets: Mutex::new(sheets),
        }
    }

    /// The sheet of this id for a list: as it is held, or as it is read now.
    pub(super) fn sheet(
        &self,
        id: i64,
        list: u64,
        read: impl FnOnce() -> Done<Option<T>>,
    ) -> Done<Option<Arc<T>>> {
        if let Some(one) = self.lock().by_id.get_mut(&id) {
            one.used_by = one.used_by.max(list);
            return Ok(Some(Arc::clone(&one.sheet)));
        }
        // Without the lock: others read meanwhile.
        let sheet = read()?.map(Arc::new);
        if let Some(sheet) = &sheet {
            self.hold(id, list, Arc::clone(sheet));
        }
        Ok(sheet)
    }

    /// Holds a sheet if there is room, or if there will be without what neither this list nor the last one used:
    /// sheets that were written anew since, and those of other companies. A list that is larger than all of the
    /// room so keeps its newest part instead of driving it out by its oldest.
    fn hold(&self, id: i64, list: u64, sheet: Arc<T>) {
        let bytes = sheet.bytes();
        let mut held = self.lock();
        if held.bytes + bytes > self.bytes_max && held.cleared_by != Some(list) {
            held.cleared_by = Some(list);
            held.by_id.retain(|_, one| one.used_by + 1 >= list);
            held.bytes = held.by_id.values().map(|one| one.sheet.bytes()).sum();
        }
        if held.bytes + bytes > self.bytes_max {
            return;
        }
        let one = One {
            sheet,
            used_by: list,
        };
        if held.by_id.insert(id, one).is_none() {
            held.bytes += bytes;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sheets<T>> {
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sheet(usize);

    impl Weighed for Sheet {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    /// Asks for sheets of 10 bytes and answers which of them had to be read.
    fn read_by(shelf: &Shelf<Sheet>, list: u64, ids: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut read = Vec::new();
        for id in ids {
            let sheet = shelf.sheet(id, list, || {
                read.push(id);
                Ok(Some(Sheet(10)))
            });
            assert!(sheet.expect("a sheet").is_some());
        }
        read
    }

    #[test]
    fn what_was_read_is_held_and_what_is_not_there_is_asked_for_again() {
        let shelf = Shelf::new(100);
        assert_eq!(read_by(&shelf, 1, [3, 2, 1]), [3, 2, 1]);
        assert_eq!(read_by(&shelf, 2, [4, 2, 1]), [4]);
        for _ in 0..2 {
            let mut asked = false;
            let sheet = shelf.sheet(9, 3, || {
                asked = true;
                Ok(None)
            });
            assert!(sheet.expect("no fault").is_none() && asked);
        }
    }

    #[test]
    fn a_list_larger_than_the_room_keeps_its_beginning() {
        let shelf = Shelf::new(50);
        assert_eq!(read_by(&shelf, 1, 1..=8).len(), 8);
        assert_eq!(read_by(&shelf, 2, 1..=8), [6, 7, 8]);
        assert_eq!(read_by(&shelf, 3, 1..=8), [6, 7, 8]);
    }

    #[test]
    fn what_nobody_asks_for_any_more_makes_room() {
        let shelf = Shelf::new(50);
        read_by(&shelf, 1, 1..=5);
        // One of them was written anew; the old one still takes its room.
        assert_eq!(read_by(&shelf, 2, [1, 2, 3, 4, 6]), [6]);
        assert_eq!(read_by(&shelf, 3, [1, 2, 3, 4, 6]), [6]);
        assert_eq!(read_by(&shelf, 4, [1, 2, 3, 4, 6]), [] as [i64; 0]);
    }
}
