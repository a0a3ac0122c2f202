//! Readers for values that clients spell in more than one way, and the writer of plain numbers.

use serde::{Deserialize, Deserializer, Serializer};

use super::Sex;

/// A sex as its word, or as the ISO 5218 number that older SDKs send (contract 2.10). `0`, "not known",
/// is the same as saying nothing.
pub(super) fn sex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sex>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Number(u64),
        Text(String),
    }
    let wrong = |given: &str| {
        serde::de::Error::custom(format_args!(
            "`{given}` is not a sex; use one of male, female, not_applicable (or 0, 1, 2, 9)"
        ))
    };
    let word = match Option::<Spelling>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Spelling::Number(number)) => number.to_string(),
        Some(Spelling::Text(word)) => word,
    };
    match word.as_str() {
        "0" => Ok(None),
        "1" => Ok(Some(Sex::Male)),
        "2" => Ok(Some(Sex::Female)),
        "9" => Ok(Some(Sex::NotApplicable)),
        word => word
            .parse()
            .map(Some)
            .map_err(|_| wrong(&word.chars().take(40).collect::<String>())),
    }
}

/// Writes a whole number without a fraction (`1`, not `1.0`), as the documented examples do.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and below 2^53: nothing is cut off"
        )]
        return serializer.serialize_i64(*value as i64);
    }
    serializer.serialize_f64(*value)
}
