//! The segments of a JPEG: its head, whether it is whole, and a copy without metadata.

use super::container::{Broken, Container, Kept, be16};
use super::exif;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COM: u8 = 0xfe;

const EXIF_HEAD: &[u8] = b"Exif\0\0";
/// More tables and scans than any camera writes; a file of nothing but tiny ones is not walked to its end.
const SEGMENTS_MAX: usize = 10_000;

/// Walks from the first marker to the end of the picture. What comes behind it (padding, a second picture,
/// a phone's trailer, a video) is no part of it.
pub(super) fn walk(bytes: &[u8]) -> Result<Container<'_>, Broken> {
    let mut found = Container::default();
    let mut scans = 0_usize;
    let mut at = 2;
    for _ in 0..SEGMENTS_MAX {
        let (marker, start) = next_marker(bytes, at)?;
        // From the 0xff to behind the marker; fill bytes before it are left out.
        let marker_bytes = start.saturating_sub(2)..start;
        match marker {
            EOI => {
                if scans == 0 || found.width_pixels == 0 {
                    return Err(Broken::Damaged("there is no picture in it"));
                }
                found.keep(bytes, marker_bytes);
                return Ok(found);
            }
            // Restarts and the like carry nothing.
            SOI | 0x01 | 0xd0..=0xd7 => {
                at = start;
                continue;
            }
            _ => {}
        }
        let length = usize::from(be16(bytes, start).ok_or(Broken::CutOff)?);
        if length < 2 {
            return Err(Broken::Damaged("a segment has no length"));
        }
        let end = start.saturating_add(length);
        let body = bytes.get(start + 2..end).ok_or(Broken::CutOff)?;
        let whole = marker_bytes.start..end;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                frame(marker, body, &mut found)?;
                found.keep(bytes, whole);
            }
            SOS => {
                scans += 1;
                at = end_of_scan(bytes, end).ok_or(Broken::CutOff)?;
                found.keep(bytes, marker_bytes.start..at);
                continue;
            }
            APP1 if found.exif.is_none() && body.starts_with(EXIF_HEAD) => {
                found.exif = body.get(EXIF_HEAD.len()..);
            }
            APP0..=APP15 | COM if !is_of_the_picture(marker, body) => {}
            _ => found.keep(bytes, whole),
        }
        at = end;
    }
    Err(Broken::Damaged("it has too many segments"))
}

/// The marker at or after this place, and the place behind it. Bytes between two segments that are no
/// marker are passed over, as decoders do.
fn next_marker(bytes: &[u8], at: usize) -> Result<(u8, usize), Broken> {
    let rest = bytes.get(at..).ok_or(Broken::CutOff)?;
    let found = rest
        .array_windows()
        .position(|&[head, marker]| head == 0xff && marker != 0xff && marker != 0)
        .ok_or(Broken::CutOff)?;
    let start = at + found + 2;
    let marker = *bytes.get(start - 1).ok_or(Broken::CutOff)?;
    Ok((marker, start))
}

/// Where the compressed data of a scan ends: at the next marker that is no restart.
fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..)?;
        let head = rest.iter().position(|byte| *byte == 0xff)?;
        match rest.get(head + 1)? {
            0 | 0xd0..=0xd7 => at += head + 2,
            0xff => at += head + 1,
            _ => return Some(at + head),
        }
    }
}

fn frame(marker: u8, body: &[u8], found: &mut Container<'_>) -> Result<(), Broken> {
    let &[precision, h1, h0, w1, w0, components, ..] = body else {
        return Err(Broken::CutOff);
    };
    if found.width_pixels != 0 {
        return Err(Broken::Damaged("it says twice how large it is"));
    }
    if !matches!(marker, 0xc0..=0xc2) || precision != 8 || !matches!(components, 1 | 3 | 4) {
        return Err(Broken::Unsupported(
            "a kind of JPEG that cameras and browsers do not use",
        ));
    }
    found.width_pixels = u32::from(u16::from_be_bytes([w1, w0]));
    found.height_pixels = u32::from(u16::from_be_bytes([h1, h0]));
    if found.width_pixels == 0 || found.height_pixels == 0 {
        return Err(Broken::Damaged("its width or height is 0"));
    }
    Ok(())
}

/// What decoders need to show the same colours: JFIF's head, the colour profile, Adobe's colour transform.
fn is_of_the_picture(marker: u8, body: &[u8]) -> bool {
    match marker {
        APP0 => body.starts_with(b"JFIF\0"),
        APP2 => body.starts_with(b"ICC_PROFILE\0"),
        APP14 => body.starts_with(b"Adobe"),
        _ => false,
    }
}

/// The picture's own segments, with no more EXIF than how it is turned.
pub(super) fn without_metadata(found: &Container<'_>) -> Vec<u8> {
    let mut copy = vec![0xff, SOI];
    let mut kept = found.kept.iter().peekable();
    // JFIF wants to be first.
    if let Some(Kept(jfif)) = kept.next_if(|Kept(bytes)| bytes.get(1) == Some(&APP0)) {
        copy.extend_from_slice(jfif);
    }
    if let Some(turned) = exif::only_orientation(found.orientation()) {
        let length = 2 + EXIF_HEAD.len() + turned.len();
        copy.extend_from_slice(&[0xff, APP1]);
        copy.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        copy.extend_from_slice(EXIF_HEAD);
        copy.extend_from_slice(&turned);
    }
    for Kept(bytes) in kept {
        copy.extend_from_slice(bytes);
    }
    copy
}
