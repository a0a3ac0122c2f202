//! The chunks of a WebP: its head, whether it is whole, and a copy without metadata.

use super::container::{Broken, Container, Kept, le16, le24, le32};
use super::exif;

const CHUNKS_MAX: usize = 1_000;
const HEAD_BYTES: usize = 12;

/// Flags of the chunk VP8X.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
const IS_ANIMATED: u8 = 0x02;

/// Walks to the end that the head names; what comes behind it is no part of the picture.
pub(super) fn walk(bytes: &[u8]) -> Result<Container<'_>, Broken> {
    let size = le32(bytes, 4).ok_or(Broken::CutOff)?;
    let end = usize::try_from(size)
        .ok()
        .and_then(|size| size.checked_add(8))
        .ok_or(Broken::CutOff)?;
    let bytes = bytes.get(..end).ok_or(Broken::CutOff)?;
    let mut found = Container::default();
    let mut has_pixels = false;
    let mut at = HEAD_BYTES;
    for _ in 0..CHUNKS_MAX {
        if at >= bytes.len() {
            break;
        }
        let name = bytes.get(at..at + 4).ok_or(Broken::CutOff)?;
        let length = le32(bytes, at + 4).ok_or(Broken::CutOff)?;
        let length = usize::try_from(length).map_err(|_| Broken::CutOff)?;
        let body_end = (at + 8).saturating_add(length);
        let body = bytes.get(at + 8..body_end).ok_or(Broken::CutOff)?;
        let first_size = found.width_pixels == 0;
        let mut is_of_the_picture = true;
        match name {
            b"VP8X" if at == HEAD_BYTES => canvas(body, &mut found)?,
            b"VP8 " | b"VP8L" => {
                has_pixels = true;
                if first_size {
                    let size = if name == b"VP8 " {
                        lossy(body)
                    } else {
                        lossless(body)
                    };
                    (found.width_pixels, found.height_pixels) =
                        size.ok_or(Broken::Damaged("its picture has no head"))?;
                }
            }
            b"ICCP" | b"ALPH" => {}
            b"EXIF" => {
                is_of_the_picture = false;
                // Some writers put the head of JPEG's segment before it.
                found.exif = Some(body.strip_prefix(b"Exif\0\0").unwrap_or(body));
            }
            _ => is_of_the_picture = false,
        }
        // A chunk of odd length is followed by a byte of padding; the last one's may be missing.
        let padded_end = body_end.saturating_add(length % 2).min(bytes.len());
        if is_of_the_picture {
            found.keep(bytes, at..padded_end);
        }
        at = padded_end;
    }
    if !has_pixels {
        return Err(Broken::Damaged("there is no picture in it"));
    }
    if found.width_pixels == 0 || found.height_pixels == 0 {
        return Err(Broken::Damaged("its width or height is 0"));
    }
    Ok(found)
}

fn canvas(body: &[u8], found: &mut Container<'_>) -> Result<(), Broken> {
    let flags = body.first().ok_or(Broken::CutOff)?;
    if flags & IS_ANIMATED != 0 {
        return Err(Broken::Unsupported("an animation"));
    }
    found.width_pixels = 1 + le24(body, 4).ok_or(Broken::CutOff)?;
    found.height_pixels = 1 + le24(body, 7).ok_or(Broken::CutOff)?;
    Ok(())
}

fn lossy(body: &[u8]) -> Option<(u32, u32)> {
    const START: [u8; 3] = [0x9d, 0x01, 0x2a];
    const SIZE: u16 = 0x3fff;
    (body.get(3..6)? == START).then_some(())?;
    let width = le16(body, 6)? & SIZE;
    let height = le16(body, 8)? & SIZE;
    Some((u32::from(width), u32::from(height)))
}

fn lossless(body: &[u8]) -> Option<(u32, u32)> {
    const SIZE: u32 = 0x3fff;
    (*body.first()? == 0x2f).then_some(())?;
    let bits = le32(body, 1)?;
    Some((1 + (bits & SIZE), 1 + ((bits >> 14) & SIZE)))
}

/// The picture's own chunks, with no more EXIF than how it is turned.
pub(super) fn without_metadata(found: &Container<'_>) -> Vec<u8> {
    let extended = found
        .kept
        .first()
        .is_some_and(|Kept(bytes)| bytes.starts_with(b"VP8X"));
    // Only the extended form has room for EXIF, and so for a picture that is turned.
    let turned = exif::only_orientation(found.orientation()).filter(|_| extended);
    let mut copy = b"RIFF\0\0\0\0WEBP".to_vec();
    for Kept(bytes) in &found.kept {
        copy.extend_from_slice(bytes);
        if copy.len() % 2 == 1 {
            copy.push(0);
        }
    }
    const FLAGS: usize = HEAD_BYTES + 8;
    if let Some(flags) = copy.get_mut(FLAGS).filter(|_| extended) {
        *flags &= !(HAS_EXIF | HAS_XMP);
        if turned.is_some() {
            *flags |= HAS_EXIF;
        }
    }
    if let Some(turned) = turned {
        push_chunk(&mut copy, *b"EXIF", &turned);
    }
    set_size(&mut copy);
    copy
}

/// Appends a chunk and its padding; the file's size is set by [`set_size`].
pub(crate) fn push_chunk(webp: &mut Vec<u8>, name: [u8; 4], body: &[u8]) {
    webp.extend_from_slice(&name);
    webp.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_le_bytes());
    webp.extend_from_slice(body);
    if body.len() % 2 == 1 {
        webp.push(0);
    }
}

/// Writes into the head how large the file is.
pub(crate) fn set_size(webp: &mut [u8]) {
    let size = u32::try_from(webp.len().saturating_sub(8)).unwrap_or(u32::MAX);
    if let Some(place) = webp.get_mut(4..8) {
        place.copy_from_slice(&size.to_le_bytes());
    }
}
