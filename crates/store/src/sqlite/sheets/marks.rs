//! Marks: which plates and identifications a sheet may hold, in 512 bytes, so that of a million inspections
//! a few sheets are read for one of them. What is not marked is not there; what is marked may not be there
//! either (a Bloom filter).

const BYTES: usize = 512;
/// Places that one text marks. With some 560 texts a third of all places is marked, so that of 25 sheets
/// that do not hold a text one seems to.
const PLACES: u32 = 3;
/// 4,096 places are told by so many bits.
const PLACE_BITS: u32 = 12;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks([u8; BYTES]);

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Plate = 1,
    Identification = 2,
}

impl Marks {
    pub(super) const NONE: Self = Self([0; BYTES]);

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn add(&mut self, mark: Mark, text: &[u8]) {
        for (byte, bit) in places(mark, text) {
            if let Some(byte) = self.0.get_mut(byte) {
                *byte |= bit;
            }
        }
    }
}

/// Whether these marks say that the sheet may hold the text. Marks of another length say nothing.
pub(super) fn may_hold(marks: &[u8], mark: Mark, text: &[u8]) -> bool {
    marks.len() != BYTES
        || places(mark, text).all(|(byte, bit)| marks.get(byte).is_some_and(|byte| byte & bit != 0))
}

/// The places of a text: a byte and a bit of it each. They stand in the database: never change them.
fn places(mark: Mark, text: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let hash = [mark as u8]
        .iter()
        .chain(text)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    // FNV-1a leaves its low bits alike for texts that are; the high ones are mixed into them.
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..PLACES).map(move |number| {
        let place = (hash >> (64 - PLACE_BITS * (number + 1))) & ((1 << PLACE_BITS) - 1);
        (usize::try_from(place / 8).unwrap_or(0), 1 << (place % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_may_be_there_and_most_else_is_not() {
        let mut marks = Marks::NONE;
        for number in 0..280 {
            marks.add(Mark::Plate, format!("AB{number}CD").as_bytes());
            marks.add(
                Mark::Identification,
                format!("{}", 30_000_000 + number * 7).as_bytes(),
            );
        }
        for number in 0..280 {
            let plate = format!("AB{number}CD");
            assert!(may_hold(marks.as_bytes(), Mark::Plate, plate.as_bytes()));
        }
        let seeming = (280..2_280).filter(|number| {
            let plate = format!("AB{number}CD");
            may_hold(marks.as_bytes(), Mark::Plate, plate.as_bytes())
        });
        let seeming = seeming.count();
        assert!((20..160).contains(&seeming), "{seeming} of 2,000");
        assert!(
            may_hold(&[], Mark::Plate, b"AB0CD"),
            "marks that are not there say nothing"
        );
    }
}
