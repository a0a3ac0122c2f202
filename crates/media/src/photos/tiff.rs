//! Reads single values out of a TIFF block, which is what EXIF is written in.
//!
//! Each question looks through one directory and takes nothing with it, so that a block made to be read in
//! circles costs no more than its length. (A reader of all fields was led to 320 MB by 64 KiB.)

use super::container::{be16, be32, le16, le32};

/// More than any camera writes into one directory.
const ENTRIES_MAX: usize = 1_000;
const ENTRY_BYTES: usize = 12;

/// What a value is made of.
pub(super) mod kind {
    pub(in super::super) const TEXT: u16 = 2;
    pub(in super::super) const SHORT: u16 = 3;
    pub(in super::super) const LONG: u16 = 4;
    pub(in super::super) const FRACTION: u16 = 5;
}

/// A block in one of the two orders of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

/// A list of entries: where in the block it starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'a> {
    tiff: Tiff<'a>,
    at: usize,
}

impl<'a> Tiff<'a> {
    /// `None`: it is no TIFF block.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_little = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, is_little })
    }

    pub(super) fn first_directory(self) -> Option<Directory<'a>> {
        let at = usize::try_from(self.long(4)?).ok()?;
        Some(Directory { tiff: self, at })
    }

    fn short(self, at: usize) -> Option<u16> {
        let read = if self.is_little { le16 } else { be16 };
        read(self.bytes, at)
    }

    fn long(self, at: usize) -> Option<u32> {
        let read = if self.is_little { le32 } else { be32 };
        read(self.bytes, at)
    }
}

impl<'a> Directory<'a> {
    /// The bytes of a value of this kind: those of the first entry with this tag.
    fn value(self, tag: u16, kind: u16) -> Option<&'a [u8]> {
        let tiff = self.tiff;
        let count = usize::from(tiff.short(self.at)?).min(ENTRIES_MAX);
        let first = self.at.checked_add(2)?;
        let entry = (0..count)
            .map(|number| first + number * ENTRY_BYTES)
            .find(|at| tiff.short(*at) == Some(tag))?;
        if tiff.short(entry + 2)? != kind {
            return None;
        }
        let unit_bytes = match kind {
            kind::TEXT => 1,
            kind::SHORT => 2,
            kind::LONG => 4,
            kind::FRACTION => 8,
            _ => return None,
        };
        let length = usize::try_from(tiff.long(entry + 4)?)
            .ok()?
            .checked_mul(unit_bytes)?;
        // What fits into four bytes stands in the entry itself.
        let at = if length <= 4 {
            entry + 8
        } else {
            usize::try_from(tiff.long(entry + 8)?).ok()?
        };
        tiff.bytes.get(at..at.checked_add(length)?)
    }

    /// The directory that an entry points to.
    pub(super) fn directory(self, tag: u16) -> Option<Self> {
        let pointer = self.value(tag, kind::LONG)?;
        let at = self.within(pointer).long(0)?;
        Some(Self {
            tiff: self.tiff,
            at: usize::try_from(at).ok()?,
        })
    }

    /// A text up to its first NUL, unless it is empty or blank.
    pub(super) fn text(self, tag: u16) -> Option<&'a str> {
        let bytes = self.value(tag, kind::TEXT)?;
        let text = bytes.split(|byte| *byte == 0).next()?;
        let text = std::str::from_utf8(text).ok()?.trim();
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn short(self, tag: u16) -> Option<u16> {
        let bytes = self.value(tag, kind::SHORT)?;
        self.within(bytes).short(0)
    }

    /// The first three fractions; missing ones at the end count as zero. `None` when one has no value.
    pub(super) fn three_fractions(self, tag: u16) -> Option<[f64; 3]> {
        let bytes = self.value(tag, kind::FRACTION)?;
        let fraction = |number: usize| {
            let part = self.within(bytes.get(number * 8..)?);
            if part.bytes.is_empty() && number > 0 {
                return Some(0.0);
            }
            let (over, under) = (part.long(0)?, part.long(4)?);
            (under != 0).then(|| f64::from(over) / f64::from(under))
        };
        Some([fraction(0)?, fraction(1)?, fraction(2)?])
    }

    /// Numbers of a value, in the block's order of bytes.
    fn within(self, bytes: &'a [u8]) -> Tiff<'a> {
        Tiff { bytes, ..self.tiff }
    }
}
