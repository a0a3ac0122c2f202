//! What EXIF says of a photo: when, where, and how it is turned. Whatever cannot be read is left out; EXIF
//! is never a reason to refuse a photo.

use heraldo_domain::photo::{Captured, Coordinates};
use heraldo_wire::time::Timestamp;

use super::tiff::{Directory, Tiff};

/// EXIF's number for a picture that needs no turning.
pub(super) const UPRIGHT: u8 = 1;

/// Where in EXIF things are said.
mod tag {
    pub(super) const ORIENTATION: u16 = 0x0112;
    pub(super) const EXIF: u16 = 0x8769;
    pub(super) const GPS: u16 = 0x8825;

    pub(super) const DATE_TIME_ORIGINAL: u16 = 0x9003;
    pub(super) const DATE_TIME_DIGITIZED: u16 = 0x9004;
    pub(super) const OFFSET_TIME_ORIGINAL: u16 = 0x9011;
    pub(super) const OFFSET_TIME_DIGITIZED: u16 = 0x9012;

    pub(super) const GPS_LATITUDE_REF: u16 = 1;
    pub(super) const GPS_LATITUDE: u16 = 2;
    pub(super) const GPS_LONGITUDE_REF: u16 = 3;
    pub(super) const GPS_LONGITUDE: u16 = 4;
    pub(super) const GPS_TIME_STAMP: u16 = 7;
    pub(super) const GPS_DATE_STAMP: u16 = 29;
}

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
    let Some(main) = Tiff::new(block).and_then(Tiff::first_directory) else {
        return Said::default();
    };
    let gps = main.directory(tag::GPS);
    Said {
        captured: captured(main.directory(tag::EXIF), gps),
        location: gps.and_then(location),
        orientation: main
            .short(tag::ORIENTATION)
            .and_then(|number| u8::try_from(number).ok())
            .filter(|number| (1..=8).contains(number))
            .unwrap_or(UPRIGHT),
    }
}

/// The camera's clock with its zone; else the satellites' clock, when it can be the same moment; else the
/// camera's clock in a zone that nobody knows.
fn captured(exif: Option<Directory<'_>>, gps: Option<Directory<'_>>) -> Option<Captured> {
    let clock = exif.and_then(|exif| {
        let (date, offset) = [
            (tag::DATE_TIME_ORIGINAL, tag::OFFSET_TIME_ORIGINAL),
            (tag::DATE_TIME_DIGITIZED, tag::OFFSET_TIME_DIGITIZED),
        ]
        .into_iter()
        .find_map(|(date, offset)| Some((exif.text(date)?, exif.text(offset))))?;
        clock_time(date, offset)
    });
    match (clock, gps.and_then(satellite_time)) {
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

fn satellite_time(gps: Directory<'_>) -> Option<Timestamp> {
    let day = gps.text(tag::GPS_DATE_STAMP)?.replace(':', "-");
    let [hour, minute, second] = gps.three_fractions(tag::GPS_TIME_STAMP)?;
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

fn location(gps: Directory<'_>) -> Option<Coordinates> {
    let degrees = |value: u16, side: u16, plus: &str, minus: &str| {
        let [degrees, minutes, seconds] = gps.three_fractions(value)?;
        let size = degrees + minutes / 60.0 + seconds / 3600.0;
        match gps.text(side)? {
            side if side.eq_ignore_ascii_case(plus) => Some(size),
            side if side.eq_ignore_ascii_case(minus) => Some(-size),
            _ => None,
        }
    };
    let latitude = degrees(tag::GPS_LATITUDE, tag::GPS_LATITUDE_REF, "N", "S")?;
    let longitude = degrees(tag::GPS_LONGITUDE, tag::GPS_LONGITUDE_REF, "E", "W")?;
    // Zero and zero is what devices write that have no fix.
    if latitude == 0.0 && longitude == 0.0 {
        return None;
    }
    Coordinates::new(latitude, longitude)
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
    fn directories_that_lie_in_each_other_are_not_followed_round() {
        let entry = |tag: u16, at: u32| {
            let mut entry = [0; 12];
            entry[..2].copy_from_slice(&tag.to_le_bytes());
            entry[2..8].copy_from_slice(&[4, 0, 1, 0, 0, 0]);
            entry[8..].copy_from_slice(&at.to_le_bytes());
            entry
        };
        let mut block = b"II*\0\x08\0\0\0\xff\xff".to_vec();
        for at in 0..5_000 {
            block.extend(entry(tag::EXIF, 2 * at));
            block.extend(entry(tag::GPS, 8));
        }
        assert_eq!(read(&block), Said::default());
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
