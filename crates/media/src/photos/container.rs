//! What a walk over the parts of a photo's file finds, whatever its format.

use std::ops::Range;

use super::exif;

/// Why a file cannot be taken for a whole photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    CutOff,
    /// What is wrong.
    Damaged(&'static str),
    /// What it is.
    Unsupported(&'static str),
}

/// One stretch of the file that belongs to the picture itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a>(pub &'a [u8]);

/// The parts that matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Container<'a> {
    pub width_pixels: u32,
    pub height_pixels: u32,
    /// A TIFF block.
    pub exif: Option<&'a [u8]>,
    /// In the order of the file, without its head.
    pub kept: Vec<Kept<'a>>,
}

impl<'a> Container<'a> {
    pub(super) fn keep(&mut self, bytes: &'a [u8], place: Range<usize>) {
        self.kept.extend(bytes.get(place).map(Kept));
    }

    /// From 1 (upright) to 8, as EXIF counts.
    pub(super) fn orientation(&self) -> u8 {
        self.exif
            .map_or(exif::UPRIGHT, |block| exif::read(block).orientation)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
}

pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}
