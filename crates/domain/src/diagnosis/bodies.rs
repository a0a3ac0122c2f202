//! What a body may have been before, or has become since it was signed.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::Fault;

/// A body that the signature may have been made over instead.
pub struct Variant<'a> {
    pub body: Cow<'a, [u8]>,
    pub fault: Option<Fault>,
}

/// The body itself, and what it may have been, the likeliest first.
pub fn variants(body: &[u8]) -> Vec<Variant<'_>> {
    let mut all = vec![Variant {
        body: Cow::Borrowed(body),
        fault: None,
    }];
    let mut add = |body: Cow<'_, [u8]>, fault| {
        all.push(Variant {
            body: Cow::Owned(body.into_owned()),
            fault: Some(fault),
        });
    };
    for end in [&b"\r\n"[..], b"\n"] {
        if let Some(rest) = body.strip_suffix(end) {
            add(Cow::Borrowed(rest), Fault::NewlineAdded);
        }
        add(Cow::Owned([body, end].concat()), Fault::NewlineSigned);
    }
    add(Cow::Borrowed(body.trim_ascii()), Fault::BlanksAroundBody);
    if let Some(rest) = body.strip_prefix("\u{feff}".as_bytes()) {
        add(Cow::Borrowed(rest), Fault::ByteOrderMark);
    }
    let text = String::from_utf8_lossy(body);
    let lines = text.replace("\r\n", "\n");
    add(lines.clone().into_bytes().into(), Fault::LineEnds);
    add(
        lines.replace('\n', "\r\n").into_bytes().into(),
        Fault::LineEnds,
    );
    if let Ok(mut value) = serde_json::from_slice::<Value>(body.trim_ascii()) {
        // Key order survives, so that a body with other blanks is brought back to what was sent.
        for written in written(&value) {
            add(written.into(), Fault::Rewritten);
        }
        value.sort_all_objects();
        for written in written(&value) {
            add(written.into(), Fault::KeyOrder);
        }
    }
    all
}

/// The ways in which libraries write JSON.
fn written(value: &Value) -> Vec<Vec<u8>> {
    let compact = value.to_string();
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    let ascii = ascii(&compact);
    [
        indented(&pretty),
        ascii.replace('/', "\\/"),
        spaced(&compact),
        spaced(&ascii),
        ascii,
        pretty,
        compact,
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// Four blanks a level instead of two.
fn indented(pretty: &str) -> String {
    let lines = pretty.lines().map(|line| {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        format!("{}{text}", " ".repeat(depth * 2))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// With escapes for everything that is not ASCII.
fn ascii(compact: &str) -> String {
    let mut text = String::with_capacity(compact.len());
    for character in compact.chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            // Writing into a text cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

/// As Python writes it: a blank after each comma and colon.
fn spaced(compact: &str) -> String {
    let mut text = String::with_capacity(compact.len() + 64);
    let (mut is_within, mut is_escaped) = (false, false);
    for character in compact.chars() {
        text.push(character);
        match character {
            '"' if !is_escaped => is_within = !is_within,
            ',' | ':' if !is_within => text.push(' '),
            _ => {}
        }
        is_escaped = is_within && character == '\\' && !is_escaped;
    }
    text
}

/// How `given` differs from a body that was sent, when both say the same; `None`: they do not.
pub fn compared(given: &[u8], sent: &[u8]) -> Option<Option<Fault>> {
    if given == sent {
        return Some(None);
    }
    let read = |body: &[u8]| serde_json::from_slice::<Value>(body.trim_ascii()).ok();
    let (given, sent) = (read(given)?, read(sent)?);
    if !are_same(&given, &sent) {
        return None;
    }
    let fault = if keys(&given) == keys(&sent) {
        Fault::Rewritten
    } else {
        Fault::KeyOrder
    };
    Some(Some(fault))
}

/// Whether two values say the same: key order aside, and 1.0 is 1.
fn are_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|it| are_same(value, it)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, it)| are_same(one, it))
        }
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (one, other) => one == other,
    }
}

/// Every key in its place.
fn keys(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| std::iter::once(key.as_str()).chain(keys(value)))
            .collect(),
        Value::Array(array) => array.iter().flat_map(keys).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
