//! The chunks of a PNG: its head, whether it is whole, and a copy without metadata.

use super::container::{Broken, Container, Kept, be32};
use super::exif;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const CHUNKS_MAX: usize = 1_000_000;
/// Length, name and checksum around what a chunk holds.
const FRAME_BYTES: usize = 12;

/// Walks to the chunk that ends the picture; what comes behind it is no part of it.
pub(super) fn walk(bytes: &[u8]) -> Result<Container<'_>, Broken> {
    let mut found = Container::default();
    let mut has_pixels = false;
    let mut at = SIGNATURE.len();
    for _ in 0..CHUNKS_MAX {
        let length = be32(bytes, at).ok_or(Broken::CutOff)?;
        let length = usize::try_from(length).map_err(|_| Broken::CutOff)?;
        let end = at.saturating_add(length).saturating_add(FRAME_BYTES);
        let name = bytes.get(at + 4..at + 8).ok_or(Broken::CutOff)?;
        let body = bytes
            .get(at + 8..end.saturating_sub(4))
            .ok_or(Broken::CutOff)?;
        if end > bytes.len() {
            return Err(Broken::CutOff);
        }
        if (found.width_pixels == 0) != (name == b"IHDR") {
            return Err(Broken::Damaged("its head is missing or there twice"));
        }
        match name {
            b"IHDR" => head(body, &mut found)?,
            b"IDAT" => has_pixels = true,
            b"eXIf" if found.exif.is_none() => found.exif = Some(body),
            _ => {}
        }
        if is_of_the_picture(name) {
            found.keep(bytes, at..end);
        }
        if name == b"IEND" {
            return if has_pixels {
                Ok(found)
            } else {
                Err(Broken::Damaged("there is no picture in it"))
            };
        }
        at = end;
    }
    Err(Broken::Damaged("it has too many chunks"))
}

fn head(body: &[u8], found: &mut Container<'_>) -> Result<(), Broken> {
    found.width_pixels = be32(body, 0).ok_or(Broken::CutOff)?;
    found.height_pixels = be32(body, 4).ok_or(Broken::CutOff)?;
    if found.width_pixels == 0 || found.height_pixels == 0 {
        return Err(Broken::Damaged("its width or height is 0"));
    }
    Ok(())
}

/// Chunks without which the picture could not be shown, or not in the same colours.
fn is_of_the_picture(name: &[u8]) -> bool {
    matches!(
        name,
        b"IHDR"
            | b"PLTE"
            | b"IDAT"
            | b"IEND"
            | b"tRNS"
            | b"cHRM"
            | b"gAMA"
            | b"iCCP"
            | b"sBIT"
            | b"sRGB"
            | b"cICP"
            | b"mDCV"
            | b"cLLI"
            | b"bKGD"
            | b"pHYs"
    )
}

/// The picture's own chunks, with no more EXIF than how it is turned.
pub(super) fn without_metadata(found: &Container<'_>) -> Vec<u8> {
    let mut copy = SIGNATURE.to_vec();
    let mut kept = found.kept.iter();
    if let Some(Kept(head)) = kept.next() {
        copy.extend_from_slice(head);
    }
    if let Some(turned) = exif::only_orientation(found.orientation()) {
        push_chunk(&mut copy, *b"eXIf", &turned);
    }
    for Kept(bytes) in kept {
        copy.extend_from_slice(bytes);
    }
    copy
}

/// Appends a chunk with its checksum.
pub(crate) fn push_chunk(png: &mut Vec<u8>, name: [u8; 4], body: &[u8]) {
    png.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    png.extend_from_slice(&name);
    png.extend_from_slice(body);
    let checksum = crc32(name.iter().chain(body));
    png.extend_from_slice(&checksum.to_be_bytes());
}

/// PNG's checksum, for chunks of a few bytes.
fn crc32<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
