//! Readers for values that clients spell in more than one way, and the writer of plain numbers.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

use super::Sex;

/// A value that must be a JSON object.
///
/// The readers that serde derives take an array for an object, its elements in the order of the fields;
/// here an array is refused. Only the empty one passes, because PHP writes an empty object so.
pub(crate) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(A::Error::invalid_type(Unexpected::Seq, &self));
                }
                let nothing = MapDeserializer::new(std::iter::empty::<(&str, &str)>());
                T::deserialize(nothing).map(Object)
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// An object, or null for none.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let given = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(given.map(|Object(value)| value))
}

/// An array of objects, or null for none.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let given = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(given.map(|given| given.into_iter().map(|Object(value)| value).collect()))
}

/// A sex as its word, or as the ISO 5218 number that older SDKs send (contract 2.10). `0`, "not known",
/// is the same as saying nothing.
pub(super) fn sex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sex>, D::Error> {
    struct Reader;

    impl Visitor<'_> for Reader {
        type Value = Option<Sex>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one of male, female, not_applicable (or 0, 1, 2, 9)")
        }

        fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
            match word {
                "0" => Ok(None),
                "1" => Ok(Some(Sex::Male)),
                "2" => Ok(Some(Sex::Female)),
                "9" => Ok(Some(Sex::NotApplicable)),
                word => word.parse().map(Some).map_err(|_| {
                    let word: String = word.chars().take(40).collect();
                    E::invalid_value(Unexpected::Str(&word), &self)
                }),
            }
        }
    }

    deserializer.deserialize_any(Reader)
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

/// [`number`], when there is one.
#[expect(clippy::ref_option, reason = "the signature that serde calls")]
pub(super) fn number_or_none<S: Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => number(value, serializer),
        None => serializer.serialize_none(),
    }
}
