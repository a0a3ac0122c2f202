//! What a reader of a body or of a query complains about, in the words of JSON: its own are those of the
//! types that this program is written in.

/// Answers quote at most this much of what the reader complained about.
const COMPLAINT_CHARS_MAX: usize = 300;
const WHOLE: &str = "a whole number that is not negative";

/// The sentence about one field, or about the `whole` when the field has no name.
#[must_use]
pub fn complaint(whole: &str, name: &str, error: &str) -> String {
    let complaint: String = in_words_of_json(error)
        .chars()
        .take(COMPLAINT_CHARS_MAX)
        .collect();
    let name: String = name.chars().take(COMPLAINT_CHARS_MAX).collect();
    if name.is_empty() || name == "." {
        format!("{whole}: {complaint}")
    } else {
        format!("`{name}`: {complaint}")
    }
}

fn in_words_of_json(error: &str) -> String {
    // Parameters of a query are text: their readers know only that the text is no number.
    match error {
        "invalid digit found in string"
        | "cannot parse integer from empty string"
        | "number too large to fit in target type"
        | "number too small to fit in target type" => return format!("expected {WHOLE}"),
        "provided string was not `true` or `false`" => {
            return "expected `true` or `false`".to_owned();
        }
        _ => {}
    }
    // An array with too few elements stood where an object belongs.
    if error.starts_with("invalid length ") && error.contains(", expected struct ") {
        return "invalid type: array, expected an object".to_owned();
    }
    let complaints = ["invalid type: ", "invalid value: "];
    let parts = complaints.iter().find_map(|start| {
        // What was sent may hold these words, too; what was expected comes last.
        let (sent, expected) = error.strip_prefix(start)?.rsplit_once(", expected ")?;
        Some((start, sent, expected))
    });
    match parts {
        Some((start, sent, expected)) => {
            format!(
                "{start}{}, expected {}",
                sent_in_json(sent),
                expected_in_json(expected)
            )
        }
        None => error.to_owned(),
    }
}

/// `floating point `1.5`` is `number `1.5``.
fn sent_in_json(sent: &str) -> String {
    for (own, json) in [
        ("floating point `", "number `"),
        ("integer `", "number `"),
        ("sequence", "array"),
        ("map", "object"),
        ("unit value", "null"),
        ("Option value", "null"),
    ] {
        if let Some(rest) = sent.strip_prefix(own) {
            return format!("{json}{rest}");
        }
    }
    sent.to_owned()
}

fn expected_in_json(expected: &str) -> String {
    let whole = |min: i128, max: i128| format!("a whole number from {min} to {max}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => whole(0, u64::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => whole(i64::MIN.into(), i64::MAX.into()),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a map" => "an object".to_owned(),
        // A word of a closed list.
        "string or map" | "variant identifier" => "a string".to_owned(),
        "unit" | "unit value" => "null".to_owned(),
        expected if expected.starts_with("struct ") => "an object".to_owned(),
        expected if expected.starts_with("a tuple") || expected.starts_with("tuple ") => {
            "an array".to_owned()
        }
        expected if expected.starts_with("enum ") => "a string".to_owned(),
        expected => expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_complained_about_in_words_of_json() {
        for (error, expected) in [
            (
                "invalid type: floating point `1.5`, expected u64",
                "invalid type: number `1.5`, expected a whole number from 0 to 18446744073709551615",
            ),
            (
                "invalid value: integer `-1`, expected u8",
                "invalid value: number `-1`, expected a whole number from 0 to 255",
            ),
            (
                "invalid type: sequence, expected struct Consumer",
                "invalid type: array, expected an object",
            ),
            (
                "invalid type: string \"a, expected u8\", expected f64",
                "invalid type: string \"a, expected u8\", expected a number",
            ),
            (
                "invalid digit found in string",
                "expected a whole number that is not negative",
            ),
            (
                "unknown variant `x`, expected `a` or `b`",
                "unknown variant `x`, expected `a` or `b`",
            ),
        ] {
            assert_eq!(
                complaint("the body", "a.b", error),
                format!("`a.b`: {expected}")
            );
        }
    }
}
