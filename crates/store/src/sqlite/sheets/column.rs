//! One text of each row of a sheet, as they are held in memory, and the search for rows that hold a part.

use memchr::memchr_iter;
use memchr::memmem::Finder;

/// Stands before the first text and behind each; texts hold no control characters.
pub(super) const END: u8 = 0;

/// How many bytes are compared at once where a part is likely to stand.
const WORD: usize = size_of::<u64>();

/// One text of each row, with zero bytes around them, and where those behind the rows stand.
#[derive(Debug)]
pub(super) struct Column {
    texts: Box<[u8]>,
    ends: Box<[u32]>,
}

impl Column {
    pub(super) fn read(texts: &[u8]) -> Self {
        let ends = memchr_iter(END, texts).skip(1);
        Self {
            texts: texts.into(),
            ends: ends
                .map(|end| u32::try_from(end).unwrap_or(u32::MAX))
                .collect(),
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.texts.len() + size_of_val(&*self.ends)
    }

    /// Marks the rows in which a part stands, oldest first, and leaves the others as they are.
    ///
    /// Where many rows hold a part it stands at the same place in most: as far from the row's beginning, or from
    /// its end, as in the last row that held it. Looking there takes a fraction of a search.
    pub(super) fn mark(&self, part: &Part, rows: &mut [bool]) {
        // The zero byte before the row: a part may begin with it.
        let mut from = 0;
        // Where the part stands next, as far as that is known.
        let mut ahead: Option<usize> = None;
        let mut likely = (usize::MAX, usize::MAX);
        for (end, marked) in self.ends.iter().zip(rows) {
            let end = *end as usize;
            let is_at = |at: &usize| (from..end).contains(at) && part.is_at(&self.texts, *at);
            let again = || {
                let after = Some(from.wrapping_add(likely.0)).filter(is_at);
                after.or_else(|| Some(end.wrapping_sub(likely.1)).filter(is_at))
            };
            let Some(at) = ahead
                .or_else(again)
                .or_else(|| part.find(&self.texts, from))
            else {
                return;
            };
            ahead = Some(at);
            if at < end {
                *marked = true;
                likely = (at - from, end - at);
                ahead = None;
            }
            from = end;
        }
    }
}

/// What is looked for in a column. It may begin or end with the zero byte that stands around a text, and has no other.
#[derive(Debug)]
pub(super) struct Part {
    finder: Finder<'static>,
    /// Its first bytes, and which of them it has.
    word: u64,
    mask: u64,
}

impl Part {
    pub(super) fn new(text: &str) -> Self {
        let (mut word, mut mask) = ([0; WORD], [0; WORD]);
        for ((word, mask), byte) in word.iter_mut().zip(&mut mask).zip(text.bytes()) {
            (*word, *mask) = (byte, u8::MAX);
        }
        Self {
            finder: Finder::new(text).into_owned(),
            word: u64::from_le_bytes(word),
            mask: u64::from_le_bytes(mask),
        }
    }

    fn find(&self, texts: &[u8], from: usize) -> Option<usize> {
        Some(from + self.finder.find(texts.get(from..)?)?)
    }

    fn is_at(&self, texts: &[u8], at: usize) -> bool {
        let needle = self.finder.needle();
        let here = texts.get(at..).unwrap_or_default();
        let Some((first, rest)) = here.split_first_chunk::<WORD>() else {
            return here.starts_with(needle);
        };
        (u64::from_le_bytes(*first) ^ self.word) & self.mask == 0
            && needle
                .get(WORD..)
                .is_none_or(|behind| rest.starts_with(behind))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn column(rows: &[String]) -> Column {
        let texts = rows.iter().flat_map(|row| [row.as_str(), "\0"]);
        Column::read(format!("\0{}", texts.collect::<String>()).as_bytes())
    }

    fn marked(rows: &[String], part: &str) -> Vec<bool> {
        let mut marked = vec![false; rows.len()];
        column(rows).mark(&Part::new(part), &mut marked);
        marked
    }

    #[test]
    fn a_part_is_found_at_the_place_where_it_stood_before_and_elsewhere() {
        let rows = [
            "x-part-1",
            "yy-part-2",
            "z-part-3",
            "part",
            "par",
            "",
            "art-part-of-it",
        ];
        let rows = rows.map(str::to_owned);
        assert_eq!(
            marked(&rows, "part"),
            [true, true, true, true, false, false, true]
        );
        assert_eq!(
            marked(&rows, "part-of-it"),
            [false, false, false, false, false, false, true]
        );
        assert_eq!(
            marked(&rows, "\0part"),
            [false, false, false, true, false, false, false]
        );
        assert_eq!(
            marked(&rows, "\0part\0"),
            [false, false, false, true, false, false, false]
        );
        assert_eq!(
            marked(&rows, "\0\0"),
            [false, false, false, false, false, true, false]
        );
    }

    #[test]
    fn what_is_marked_already_stays() {
        let mut rows = [true, false];
        column(&["a".to_owned(), "b".to_owned()]).mark(&Part::new("b"), &mut rows);
        assert_eq!(rows, [true, true]);
    }

    proptest! {
        /// Few letters and short texts, so that parts begin again inside themselves and stand at the edges.
        #[test]
        fn the_rows_that_hold_a_part_are_those_of_a_plain_look(
            rows in prop::collection::vec("[ab\n]{0,14}", 0..40),
            part in "[ab\n]{1,11}",
            (before, behind) in any::<(bool, bool)>(),
        ) {
            let edge = |is_there| if is_there { "\0" } else { "" };
            let part = format!("{}{part}{}", edge(before), edge(behind));
            let plain: Vec<bool> = rows
                .iter()
                .map(|row| format!("\0{row}\0").contains(&part))
                .collect();
            prop_assert_eq!(marked(&rows, &part), plain);
        }
    }
}
