//! The checks that Heraldo makes itself, by their names (contract 2.6, 8.2 "`date` validation"). Each says
//! what it measures; none claims to have understood the picture.

use heraldo_wire::time::Timestamp;

use super::{Captured, Coordinates, Examined};

/// Whether the photo can be decoded at all; named only when it cannot.
pub const READABLE: &str = "readable";

/// The names of all checks that Heraldo makes itself.
pub const BUILT_IN: [&str; 6] = [
    "date",
    "distance",
    "sharpness",
    "exposure",
    "resolution",
    "duplicate",
];

/// A photo may be older than its upload by this.
const AGE_MAX_MS: i64 = 24 * HOUR_MS;
/// The clock of a phone may be ahead of ours by this.
const AHEAD_MAX_MS: i64 = 5 * 60 * 1_000;
const HOUR_MS: i64 = 3_600 * 1_000;
/// Zones lie from twelve hours behind UTC to fourteen ahead of it.
const ZONES_MS: std::ops::RangeInclusive<i64> = -12 * HOUR_MS..=14 * HOUR_MS;

/// A variance of the Laplacian below this counts as blurred.
const SHARPNESS_MIN: f64 = 20.0;
/// At most this share of the pixels may be nearly black, and as many nearly white.
const DARK_MAX: f64 = 0.75;
const BRIGHT_MAX: f64 = 0.75;
/// The shorter edge has at least so many pixels: a plate or a serial number can be read from there on.
const SHORT_EDGE_PIXELS_MIN: u32 = 480;

/// What is known of a photo when it is judged.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub captured: Option<Captured>,
    pub uploaded_at: Timestamp,
    pub location: Option<Coordinates>,
    /// Of the inspection's other photos.
    pub other_locations: Vec<Coordinates>,
    pub distance_max_metres: f64,
    pub width_pixels: u32,
    pub height_pixels: u32,
    pub examined: &'a Examined,
    /// An earlier photo of the company shows the same picture.
    pub has_earlier_twin: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    pub valid: bool,
    /// From 0 to 1: how far the measured value lies from the limit, or how much is known at all.
    pub confidence: f64,
}

const NOTHING_KNOWN: Judgement = Judgement {
    valid: false,
    confidence: 0.0,
};

const fn certain(valid: bool) -> Judgement {
    Judgement {
        valid,
        confidence: 1.0,
    }
}

/// Carries out a check; `None` when it is none of those that Heraldo makes itself.
#[must_use]
pub fn judge(check: &str, facts: &Facts<'_>) -> Option<Judgement> {
    Some(match check {
        "date" => date(facts),
        "distance" => distance(facts),
        "sharpness" => beyond(facts.examined.sharpness, SHARPNESS_MIN),
        "exposure" => exposure(facts.examined),
        "resolution" => {
            certain(facts.width_pixels.min(facts.height_pixels) >= SHORT_EDGE_PIXELS_MIN)
        }
        "duplicate" => duplicate(facts),
        _ => return None,
    })
}

/// Whether it was taken from 24 hours before the upload to 5 minutes after. Without a date it is not valid,
/// with confidence 0; of a date without a zone it is asked whether any zone makes it so, with confidence
/// 0.5.
fn date(facts: &Facts<'_>) -> Judgement {
    let uploaded_at = facts.uploaded_at.as_millis();
    let window = uploaded_at.saturating_sub(AGE_MAX_MS)..=uploaded_at.saturating_add(AHEAD_MAX_MS);
    match facts.captured {
        None => NOTHING_KNOWN,
        Some(Captured::At(at)) => certain(window.contains(&at.as_millis())),
        Some(Captured::SomewhereAt(shown)) => {
            // Somewhere ahead of UTC the same reading is an earlier instant.
            let earliest = shown.as_millis().saturating_sub(*ZONES_MS.end());
            let latest = shown.as_millis().saturating_sub(*ZONES_MS.start());
            Judgement {
                valid: earliest <= *window.end() && latest >= *window.start(),
                confidence: 0.5,
            }
        }
    }
}

/// Whether no other photo of the inspection lies further away than the limit. Without a place of its own it
/// is not valid, with confidence 0; with no other place to compare it is valid, with confidence 0.5.
fn distance(facts: &Facts<'_>) -> Judgement {
    let Some(here) = facts.location else {
        return NOTHING_KNOWN;
    };
    if facts.other_locations.is_empty() {
        return Judgement {
            valid: true,
            confidence: 0.5,
        };
    }
    let near = |there: &Coordinates| here.metres_to(*there) <= facts.distance_max_metres;
    certain(facts.other_locations.iter().all(near))
}

/// Whether too much of the picture is nearly black or nearly white for anything to be seen.
fn exposure(examined: &Examined) -> Judgement {
    let dark = beyond(DARK_MAX, examined.dark);
    let bright = beyond(BRIGHT_MAX, examined.bright);
    if dark.valid { bright } else { dark }
}

/// Whether the picture is another than those of the company's earlier photos. A picture too even to be told
/// from others is not accused; its confidence is 0.5.
fn duplicate(facts: &Facts<'_>) -> Judgement {
    match facts.examined.fingerprint {
        Some(_) => certain(!facts.has_earlier_twin),
        None => Judgement {
            valid: true,
            confidence: 0.5,
        },
    }
}

/// Whether a value reaches its limit. The confidence is 0.5 at the limit and 1 where the value is twice or
/// half of it.
fn beyond(value: f64, limit: f64) -> Judgement {
    let valid = value >= limit;
    let (less, more) = if valid {
        (limit, value)
    } else {
        (value, limit)
    };
    let apart = if more > 0.0 { 1.0 - less / more } else { 0.0 };
    Judgement {
        valid,
        // Two decimals: more would claim more than is known.
        confidence: ((0.5 + apart.clamp(0.0, 0.5)) * 100.0).round() / 100.0,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const UPLOADED_AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn examined() -> Examined {
        Examined {
            sharpness: 100.0,
            dark: 0.1,
            bright: 0.1,
            fingerprint: Some(7),
            thumbnail: Bytes::new(),
        }
    }

    fn check(name: &str, change: impl FnOnce(&mut Facts<'_>, &mut Examined)) -> (bool, f64) {
        let mut examined = examined();
        let standing = examined.clone();
        let mut facts = Facts {
            captured: None,
            uploaded_at: UPLOADED_AT,
            location: None,
            other_locations: Vec::new(),
            distance_max_metres: 200.0,
            width_pixels: 640,
            height_pixels: 480,
            examined: &standing,
            has_earlier_twin: false,
        };
        change(&mut facts, &mut examined);
        facts.examined = &examined;
        let judgement = judge(name, &facts).expect("a check that Heraldo makes");
        (judgement.valid, judgement.confidence)
    }

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_millis(UPLOADED_AT.as_millis() + hours * HOUR_MS)
    }

    #[test]
    fn every_named_check_is_made_and_no_other() {
        let examined = examined();
        for name in BUILT_IN {
            check(name, |_, _| {});
        }
        let facts = Facts {
            captured: None,
            uploaded_at: UPLOADED_AT,
            location: None,
            other_locations: Vec::new(),
            distance_max_metres: 1.0,
            width_pixels: 1,
            height_pixels: 1,
            examined: &examined,
            has_earlier_twin: false,
        };
        for name in ["recaptured", "damage", "plate", READABLE, ""] {
            assert_eq!(judge(name, &facts), None, "{name}");
        }
    }

    #[test]
    fn a_photo_may_be_a_day_old_and_five_minutes_ahead() {
        let at = |ms| {
            let taken = Timestamp::from_millis(UPLOADED_AT.as_millis() + ms);
            check("date", |facts, _| {
                facts.captured = Some(Captured::At(taken))
            })
        };
        assert_eq!(at(0), (true, 1.0));
        assert_eq!(at(-AGE_MAX_MS), (true, 1.0));
        assert_eq!(at(-AGE_MAX_MS - 1), (false, 1.0));
        assert_eq!(at(AHEAD_MAX_MS), (true, 1.0));
        assert_eq!(at(AHEAD_MAX_MS + 1), (false, 1.0));
        assert_eq!(check("date", |_, _| {}), (false, 0.0));
    }

    #[test]
    fn a_date_without_a_zone_counts_where_any_zone_makes_it_valid() {
        let shown = |shown| {
            check("date", |facts, _| {
                facts.captured = Some(Captured::SomewhereAt(shown));
            })
        };
        assert_eq!(shown(hours(0)), (true, 0.5));
        assert_eq!(shown(hours(14)), (true, 0.5));
        assert_eq!(shown(hours(15)), (false, 0.5));
        assert_eq!(shown(hours(-36)), (true, 0.5));
        assert_eq!(shown(hours(-37)), (false, 0.5));
        // 1904 and 2099.
        assert_eq!(
            shown(Timestamp::from_millis(-2_082_844_800_000)),
            (false, 0.5)
        );
        assert_eq!(
            shown(Timestamp::from_millis(4_102_358_400_000)),
            (false, 0.5)
        );
    }

    #[test]
    fn photos_lie_near_each_other() {
        let obelisk = Coordinates::new(-34.603_7, -58.381_6);
        let beside = Coordinates::new(-34.604_5, -58.381_6);
        let cordoba = Coordinates::new(-31.416_7, -64.183_3);
        let at = |here, others: &[Option<Coordinates>]| {
            let others = others.iter().flatten().copied().collect();
            check("distance", |facts, _| {
                facts.location = here;
                facts.other_locations = others;
            })
        };
        assert_eq!(at(None, &[obelisk]), (false, 0.0));
        assert_eq!(at(obelisk, &[]), (true, 0.5));
        assert_eq!(at(obelisk, &[beside]), (true, 1.0));
        assert_eq!(at(obelisk, &[beside, cordoba]), (false, 1.0));
    }

    #[test]
    fn what_cannot_be_seen_is_not_valid() {
        assert_eq!(
            check("sharpness", |_, seen| seen.sharpness = 40.0),
            (true, 1.0)
        );
        assert_eq!(
            check("sharpness", |_, seen| seen.sharpness = 20.0),
            (true, 0.5)
        );
        assert_eq!(
            check("sharpness", |_, seen| seen.sharpness = 0.0),
            (false, 1.0)
        );
        assert!(check("exposure", |_, _| {}).0);
        assert!(!check("exposure", |_, seen| seen.dark = 0.9).0);
        assert!(!check("exposure", |_, seen| seen.bright = 0.9).0);
        assert_eq!(check("resolution", |_, _| {}), (true, 1.0));
        assert_eq!(
            check("resolution", |facts, _| facts.height_pixels = 479),
            (false, 1.0)
        );
        assert_eq!(check("duplicate", |_, _| {}), (true, 1.0));
        assert_eq!(
            check("duplicate", |facts, _| facts.has_earlier_twin = true),
            (false, 1.0)
        );
        assert_eq!(
            check("duplicate", |_, seen| seen.fingerprint = None),
            (true, 0.5)
        );
    }
}
