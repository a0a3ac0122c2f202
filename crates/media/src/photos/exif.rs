//! What EXIF says of a photo: when, where, and how it is turned. Whatever cannot be read is left out; EXIF
//! is never a reason to refuse a photo.

use exif::{Exif, In, Rational, Reader, Tag, Value};
use heraldo_domain::photo::{Captured, Coordinates};
use heraldo_wire::time::Timestamp;

/// EXIF's number for a picture that needs no turning.
pub(super) const UPRIGHT: u8 = 1;

/// A JPEG cannot hold more; more in another format is no camera's.
const BLOCK_BYTES_MAX: usize = 64 * 1024;

/// What is read of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    pub captured: Option<Captured>,
    pub location: Option<Coordinates>,
    /// From 1 to 8.
    pub orientation: u8,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            captured: None,
            location: None,
            orientation: UPRIGHT,
        }
    }
}

/// Reads a TIFF block as far as it can be read.
pub(super) fn read(block: &[u8]) -> Said {
    if block.len() > BLOCK_BYTES_MAX {
        return Said::default();
    }
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let exif = match reader.read_raw(block.to_vec()) {
        Ok(exif) => exif,
        Err(exif::Error::PartialResult(partial)) => partial.into_inner().0,
        Err(_) => return Said::default(),
    };
    Said {
        captured: captured(&exif),
        location: location(&exif),
        orientation: orientation(&exif),
    }
}

fn orientation(exif: &Exif) -> u8 {
    exif.get_field(Tag::Orientation, In::PRIMARY)
        .and_then(|field| field.value.get_uint(0))
        .and_then(|number| u8::try_from(number).ok())
        .filter(|number| (1..=8).contains(number))
        .unwrap_or(UPRIGHT)
}

/// The camera's clock with its zone; else the satellites' clock, when it can be the same moment; else the
/// camera's clock in a zone that nobody knows.
fn captured(exif: &Exif) -> Option<Captured> {
    let clock = [
        (Tag::DateTimeOriginal, Tag::OffsetTimeOriginal),
        (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized),
    ]
    .into_iter()
    .find_map(|(date, offset)| Some((text(exif, date)?, text(exif, offset))))
    .and_then(|(date, offset)| clock_time(date, offset));
    match (clock, satellite_time(exif)) {
        (Some(Captured::SomewhereAt(clock)), Some(satellite))
            if is_one_moment(clock, satellite) =>
        {
            Some(Captured::At(satellite))
        }
        (None, Some(satellite)) => Some(Captured::At(satellite)),
        (clock, _) => clock,
    }
}

/// Some zone of the earth makes the clock's time that of the satellites, give or take.
fn is_one_moment(clock: Timestamp, satellite: Timestamp) -> bool {
    const MINUTE_MS: i64 = 60_000;
    const SLACK_MS: i64 = 15 * MINUTE_MS;
    let ahead = clock.as_millis().saturating_sub(satellite.as_millis());
    (-12 * 60 * MINUTE_MS - SLACK_MS..=14 * 60 * MINUTE_MS + SLACK_MS).contains(&ahead)
}

/// `2026:11:20 14:03:22` and `+01:00`.
fn clock_time(date: &str, offset: Option<&str>) -> Option<Captured> {
    let (day, time) = date.trim().split_once(' ')?;
    let local = format!("{}T{time}", day.replace(':', "-"));
    let zoned = offset
        .map(str::trim)
        .filter(|offset| *offset == "Z" || (offset.len() == 6 && offset.is_ascii()))
        .and_then(|offset| format!("{local}{offset}").parse().ok());
    match zoned {
        Some(instant) => Some(Captured::At(instant)),
        None => Some(Captured::SomewhereAt(format!("{local}Z").parse().ok()?)),
    }
}

fn satellite_time(exif: &Exif) -> Option<Timestamp> {
    let day = text(exif, Tag::GPSDateStamp)?.trim().replace(':', "-");
    let [hour, minute, second] = three(exif, Tag::GPSTimeStamp)?;
    let whole = |number: f64, below: f64| (0.0..below).contains(&number).then_some(number as u8);
    let (hour, minute, second) = (
        whole(hour, 24.0)?,
        whole(minute, 60.0)?,
        whole(second, 61.0)?,
    );
    format!("{day}T{hour:02}:{minute:02}:{second:02}Z")
        .parse()
        .ok()
}

fn location(exif: &Exif) -> Option<Coordinates> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, "N", "S")?;
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, "E", "W")?;
    // Zero and zero is what devices write that have no fix.
    if latitude == 0.0 && longitude == 0.0 {
        return None;
    }
    Coordinates::new(latitude, longitude)
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag, plus: &str, minus: &str) -> Option<f64> {
    let [degrees, minutes, seconds] = three(exif, tag)?;
    let size = degrees + minutes / 60.0 + seconds / 3600.0;
    let side = text(exif, reference)?;
    let side = side.trim();
    if side.eq_ignore_ascii_case(plus) {
        Some(size)
    } else if side.eq_ignore_ascii_case(minus) {
        Some(-size)
    } else {
        None
    }
}

/// Three numbers that are numbers; missing ones at the end count as zero.
fn three(exif: &Exif, tag: Tag) -> Option<[f64; 3]> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let number = |at: usize| match parts.get(at) {
        None if at > 0 => Some(0.0),
        None | Some(Rational { denom: 0, .. }) => None,
        Some(part) => Some(part.to_f64()),
    };
    Some([number(0)?, number(1)?, number(2)?])
}

fn text(exif: &Exif, tag: Tag) -> Option<&str> {
    let Value::Ascii(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let text = std::str::from_utf8(parts.first()?).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// A TIFF block that says how the picture is turned and nothing else; `None` when it is upright.
pub(super) fn only_orientation(orientation: u8) -> Option<Vec<u8>> {
    if orientation == UPRIGHT {
        return None;
    }
    let mut block = Vec::with_capacity(26);
    block.extend_from_slice(b"II*\0\x08\0\0\0");
    // One entry: the tag, the type `short`, one value, padded to four bytes; no next directory.
    block.extend_from_slice(&[1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    block.extend_from_slice(&[0, 0, 0, 0]);
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(date: &str, offset: Option<&str>, expected: Option<(&str, bool)>) {
        let expected = expected.map(|(instant, known)| {
            let instant = instant.parse().expect("an instant");
            if known {
                Captured::At(instant)
            } else {
                Captured::SomewhereAt(instant)
            }
        });
        assert_eq!(clock_time(date, offset), expected, "{date} {offset:?}");
    }

    #[test]
    fn a_clock_with_its_zone_is_a_moment_and_without_it_somewhere() {
        let date = "2026:11:20 14:03:22";
        check(date, Some("+01:00"), Some(("2026-11-20T13:03:22Z", true)));
        check(date, Some("-05:30"), Some(("2026-11-20T19:33:22Z", true)));
        check(date, None, Some(("2026-11-20T14:03:22Z", false)));
        check(date, Some("   :  "), Some(("2026-11-20T14:03:22Z", false)));
    }

    #[test]
    fn years_far_away_are_read_as_they_are() {
        check(
            "1904:01:01 00:00:00",
            None,
            Some(("1904-01-01T00:00:00Z", false)),
        );
        check(
            "2099:12:31 23:59:59",
            Some("+14:00"),
            Some(("2099-12-31T09:59:59Z", true)),
        );
        // No instant can be so late.
        check("9999:12:31 23:59:59", Some("-23:59"), None);
    }

    #[test]
    fn what_is_no_date_is_left_out() {
        for date in [
            "0000:00:00 00:00:00",
            "    :  :     :  :  ",
            "2026:13:01 00:00:00",
            "yesterday",
            "",
        ] {
            check(date, None, None);
        }
    }

    #[test]
    fn a_block_that_only_says_how_it_is_turned_can_be_read_again() {
        for orientation in 2..=8 {
            let block = only_orientation(orientation).expect("a block");
            assert_eq!(
                read(&block),
                Said {
                    orientation,
                    ..Said::default()
                }
            );
        }
        assert_eq!(only_orientation(UPRIGHT), None);
    }
}
