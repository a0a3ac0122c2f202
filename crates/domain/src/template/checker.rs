//! Checks a document against a JSON Schema, as far as the schemas of templates go: it knows the words that
//! [`schema`](super::schema) writes, and no others (see `docs/decisions/0012`).

use std::fmt;

use serde_json::Value;

/// Where a document does not hold to its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A JSON pointer into the document.
    pub place: String,
    /// The word of the schema that it breaks.
    pub keyword: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, keyword } = self;
        write!(
            f,
            "`{place}` breaks the rule `{keyword}` of the template's schema"
        )
    }
}

/// Checks a document.
///
/// # Errors
/// The first violation that is found.
pub fn check(schema: &Value, document: &Value) -> Result<(), Violation> {
    check_at(schema, document, "")
}

fn check_at(schema: &Value, value: &Value, place: &str) -> Result<(), Violation> {
    let Some(words) = schema.as_object() else {
        return broken_unless(*schema != Value::Bool(false), place, "false");
    };
    for (word, rule) in words {
        match (word.as_str(), value) {
            ("type", _) => broken_unless(is_of_type(rule, value), place, word)?,
            ("const", _) => broken_unless(rule == value, place, word)?,
            ("enum", _) => broken_unless(listed(rule).contains(value), place, word)?,
            ("required", Value::Object(object)) => {
                let has = |key: &Value| key.as_str().is_some_and(|key| object.contains_key(key));
                broken_unless(listed(rule).iter().all(has), place, word)?;
            }
            ("properties", Value::Object(object)) => {
                for (key, schema) in rule.as_object().into_iter().flatten() {
                    if let Some(value) = object.get(key) {
                        check_at(schema, value, &format!("{place}/{key}"))?;
                    }
                }
            }
            ("additionalProperties", Value::Object(object)) => {
                let known = |key: &str| {
                    words
                        .get("properties")
                        .is_some_and(|of| of.get(key).is_some())
                };
                for (key, value) in object.iter().filter(|(key, _)| !known(key)) {
                    check_at(rule, value, &format!("{place}/{key}"))?;
                }
            }
            ("items", Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    check_at(rule, item, &format!("{place}/{index}"))?;
                }
            }
            ("contains", Value::Array(items)) => {
                let holds = |item: &Value| check_at(rule, item, place).is_ok();
                broken_unless(items.iter().any(holds), place, word)?;
            }
            ("maxItems", Value::Array(items)) => at_most(rule, items.len(), place, word)?,
            ("maxProperties", Value::Object(object)) => at_most(rule, object.len(), place, word)?,
            ("maxLength", Value::String(text)) => at_most(rule, text.chars().count(), place, word)?,
            ("minLength", Value::String(text)) => {
                let enough = rule
                    .as_u64()
                    .is_none_or(|min| text.chars().count() as u64 >= min);
                broken_unless(enough, place, word)?;
            }
            ("minimum", Value::Number(number)) => {
                broken_unless(number.as_f64() >= rule.as_f64(), place, word)?;
            }
            ("maximum", Value::Number(number)) => {
                broken_unless(number.as_f64() <= rule.as_f64(), place, word)?;
            }
            ("allOf", _) => {
                for schema in listed(rule) {
                    check_at(schema, value, place)?;
                }
            }
            ("anyOf", _) => {
                let holds = |schema: &Value| check_at(schema, value, place).is_ok();
                broken_unless(listed(rule).iter().any(holds), place, word)?;
            }
            ("if", _) => {
                if let Some(then) = words.get("then")
                    && check_at(rule, value, place).is_ok()
                {
                    check_at(then, value, place)?;
                }
            }
            // Words for values of another type, annotations, and `then`, which `if` has read.
            _ => {}
        }
    }
    Ok(())
}

fn broken_unless(holds: bool, place: &str, keyword: &str) -> Result<(), Violation> {
    if holds {
        return Ok(());
    }
    Err(Violation {
        place: place.to_owned(),
        keyword: keyword.to_owned(),
    })
}

fn at_most(rule: &Value, count: usize, place: &str, keyword: &str) -> Result<(), Violation> {
    let fits = rule.as_u64().is_none_or(|max| count as u64 <= max);
    broken_unless(fits, place, keyword)
}

fn listed(rule: &Value) -> &[Value] {
    rule.as_array().map_or(&[], Vec::as_slice)
}

/// `rule` is the name of a type, or an array of such names.
fn is_of_type(rule: &Value, value: &Value) -> bool {
    let own = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    *rule == own || listed(rule).iter().any(|name| name == own)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The reference implementation for Python, `jsonschema` 4, says the same of each of these.
    #[track_caller]
    fn check_all(schema: Value, good: &[Value], bad: &[(Value, &str, &str)]) {
        for document in good {
            assert_eq!(check(&schema, document), Ok(()), "{document}");
        }
        for (document, place, keyword) in bad {
            let violation = check(&schema, document).expect_err("bad");
            assert_eq!(
                (violation.place.as_str(), violation.keyword.as_str()),
                (*place, *keyword),
                "{document}"
            );
        }
    }

    #[test]
    fn types_and_words() {
        check_all(
            json!({"type": ["string", "null"], "enum": ["a", null]}),
            &[json!("a"), json!(null)],
            &[(json!(1), "", "type"), (json!("b"), "", "enum")],
        );
        check_all(
            json!({"const": "a"}),
            &[json!("a")],
            &[(json!("b"), "", "const")],
        );
        check_all(json!(true), &[json!(1)], &[]);
        check_all(json!(false), &[], &[(json!(1), "", "false")]);
    }

    #[test]
    fn objects() {
        let schema = json!({
            "required": ["a"],
            "properties": {"a": {"type": "object", "properties": {"b": {"type": "number"}}}},
            "additionalProperties": {"type": "string"},
            "maxProperties": 2,
        });
        check_all(
            schema,
            &[
                json!({"a": {}}),
                json!({"a": {"b": 1, "c": []}, "d": ""}),
                json!([]),
            ],
            &[
                (json!({}), "", "required"),
                (json!({"a": {"b": ""}}), "/a/b", "type"),
                (json!({"a": {}, "d": 1}), "/d", "type"),
                (json!({"a": {}, "d": "", "e": ""}), "", "maxProperties"),
            ],
        );
    }

    #[test]
    fn arrays() {
        check_all(
            json!({"items": {"type": "number"}, "contains": {"minimum": 5}, "maxItems": 2}),
            &[json!([5]), json!([1, 6]), json!("no array")],
            &[
                (json!([]), "", "contains"),
                (json!([1]), "", "contains"),
                (json!(["a", 5]), "/0", "type"),
                (json!([5, 5, 5]), "", "maxItems"),
            ],
        );
    }

    #[test]
    fn lengths_count_characters_and_bounds_are_inclusive() {
        check_all(
            json!({"minLength": 2, "maxLength": 3, "minimum": 1, "maximum": 2.5}),
            &[json!("ñá"), json!("año"), json!(1), json!(2.5), json!(null)],
            &[
                (json!("a"), "", "minLength"),
                (json!("años"), "", "maxLength"),
                (json!(0), "", "minimum"),
                (json!(2.6), "", "maximum"),
            ],
        );
    }

    #[test]
    fn combinations() {
        let schema = json!({
            "allOf": [{"type": "object"}, {"required": ["a"]}],
            "anyOf": [{"required": ["b"]}, {"required": ["c"]}],
            "if": {"properties": {"a": {"const": 1}}},
            "then": {"required": ["d"]},
        });
        check_all(
            schema,
            &[json!({"a": 2, "b": 0}), json!({"a": 1, "c": 0, "d": 0})],
            &[
                (json!([]), "", "type"),
                (json!({"b": 0}), "", "required"),
                (json!({"a": 2}), "", "anyOf"),
                (json!({"a": 1, "b": 0}), "", "required"),
            ],
        );
    }
}
