//! Whether a value holds to the rules of its input (contract 2.8, 2.9).

use heraldo_wire::object::{InputType, TemplateInput};
use heraldo_wire::time::Day;
use serde_json::Value;

/// A text that is given as a value, whatever the template allows: it is kept with the inspection and sent in
/// events.
const VALUE_BYTES_MAX: usize = 16_384;
/// As long as an address can be (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;
/// The words of a check beside the two of JSON.
pub(super) const CHECK_WORDS: [&str; 2] = ["true", "false"];

/// Whether nothing is given: null, or the empty text that forms send.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Checks a value against its input; files are not looked at here.
///
/// # Errors
/// What the value has to be, as the end of a sentence.
pub fn check_value(input: &TemplateInput, value: &Value) -> Result<(), String> {
    if is_empty(value) {
        return if input.validation_schema.required {
            Err("is required; give it a value".to_owned())
        } else {
            Ok(())
        };
    }
    if value
        .as_str()
        .is_some_and(|text| text.len() > VALUE_BYTES_MAX)
    {
        return Err(format!("has at most {VALUE_BYTES_MAX} bytes"));
    }
    match input.kind {
        InputType::Text | InputType::Textare => check_text(input, value),
        InputType::Numeric => check_number(input, value),
        InputType::Date => check_date(input, value),
        InputType::Select => check_choice(input, value),
        InputType::Check => match value {
            Value::Bool(_) => Ok(()),
            Value::String(text) if CHECK_WORDS.contains(&text.as_str()) => Ok(()),
            _ => Err("is true or false".to_owned()),
        },
        InputType::File => Ok(()),
    }
}

/// Numbers pass as the text that they are.
fn check_text(input: &TemplateInput, value: &Value) -> Result<(), String> {
    let rules = &input.validation_schema;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err("is a text".to_owned()),
    };
    let chars = text.chars().count();
    if let Some(least) = rules.min_length
        && chars < least as usize
    {
        return Err(format!("has at least {least} characters"));
    }
    if let Some(most) = rules.max_length
        && chars > most as usize
    {
        return Err(format!("has at most {most} characters"));
    }
    if rules.email == Some(true) && !is_email(&text) {
        return Err("is an e-mail address like ana@example.com".to_owned());
    }
    Ok(())
}

/// A number, or the text of one.
fn check_number(input: &TemplateInput, value: &Value) -> Result<(), String> {
    let rules = &input.validation_schema;
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return Err("is a number, like 12 or 12.5".to_owned());
    };
    if let Some(least) = rules.minimum
        && number < least
    {
        return Err(format!("is at least {least}"));
    }
    if let Some(most) = rules.maximum
        && number > most
    {
        return Err(format!("is at most {most}"));
    }
    Ok(())
}

fn check_date(input: &TemplateInput, value: &Value) -> Result<(), String> {
    let rules = &input.validation_schema;
    let day: Option<Day> = value.as_str().and_then(|text| text.parse().ok());
    let Some(day) = day else {
        return Err("is a date like 2026-11-20".to_owned());
    };
    let bound = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Day>().ok());
    if let Some(first) = bound(&rules.min_date)
        && day < first
    {
        return Err(format!("is no earlier than {first}"));
    }
    if let Some(last) = bound(&rules.max_date)
        && day > last
    {
        return Err(format!("is no later than {last}"));
    }
    Ok(())
}

fn check_choice(input: &TemplateInput, value: &Value) -> Result<(), String> {
    let offered = |text: &str| input.options.iter().any(|option| option.label == text);
    if value.as_str().is_some_and(offered) {
        return Ok(());
    }
    let labels: Vec<&str> = input
        .options
        .iter()
        .take(20)
        .map(|option| option.label.as_str())
        .collect();
    Err(format!("is one of: {}", labels.join(", ")))
}

/// What a form would let pass: one `@`, something before it, and a name with a dot after it. Only a letter
/// sent there proves more.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let labels = || host.split('.');
    text.len() <= EMAIL_BYTES_MAX
        && !local.is_empty()
        && !host.contains('@')
        && labels().count() > 1
        && labels().all(|label| !label.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(kind: &str, rules: Value) -> TemplateInput {
        serde_json::from_value(json!({
            "identifier": "x", "label": "X", "type": kind, "stages": "create",
            "options": [{"label": "Oro"}, {"label": "Plata"}], "validationSchema": rules,
        }))
        .expect("an input")
    }

    #[track_caller]
    fn check(kind: &str, rules: Value, good: &[Value], bad: &[Value]) {
        let input = input(kind, rules);
        for value in good {
            assert_eq!(check_value(&input, value), Ok(()), "{kind} {value}");
        }
        for value in bad {
            assert!(check_value(&input, value).is_err(), "{kind} {value}");
        }
    }

    #[test]
    fn each_kind_takes_its_own_values() {
        check(
            "text",
            json!({}),
            &[json!("a"), json!(5), json!("")],
            &[json!([]), json!({}), json!(true)],
        );
        check(
            "textarea",
            json!({}),
            &[json!("a\nb")],
            &[json!("x".repeat(20_000))],
        );
        check(
            "numeric",
            json!({}),
            &[json!(1), json!(-2.5), json!("12"), json!(" 1.5 ")],
            &[
                json!("doce"),
                json!("NaN"),
                json!("inf"),
                json!(true),
                json!("1,5"),
            ],
        );
        check(
            "select",
            json!({}),
            &[json!("Oro"), json!(null)],
            &[json!("oro"), json!(1)],
        );
        check(
            "check",
            json!({}),
            &[json!(true), json!(false), json!("true"), json!("false")],
            &[json!("yes"), json!(1)],
        );
        check(
            "date",
            json!({}),
            &[json!("2026-11-20"), json!("2026-11-20T10:00:00Z")],
            &[json!("20/11/2026"), json!("2026-02-30"), json!(20)],
        );
    }

    #[test]
    fn rules_hold_at_their_bounds_and_not_beyond() {
        check(
            "text",
            json!({"minLength": 2, "maxLength": 3}),
            &[json!("ñá"), json!("año"), json!(123), json!("")],
            &[json!("a"), json!("años"), json!(1)],
        );
        check(
            "numeric",
            json!({"minimum": 1, "maximum": 2.5}),
            &[json!(1), json!("2.5")],
            &[json!(0.99), json!("2.51")],
        );
        check(
            "date",
            json!({"minDate": "2026-01-01", "maxDate": "2026-12-31"}),
            &[json!("2026-01-01"), json!("2026-12-31T23:59:59-03:00")],
            &[json!("2025-12-31"), json!("2027-01-01")],
        );
        check(
            "text",
            json!({"email": true}),
            &[json!("ana@example.com"), json!("a.b+c@mail.example.com.ar")],
            &[
                json!("ana"),
                json!("@x.y"),
                json!("a@b"),
                json!("a@b..c"),
                json!("a@b@c.d"),
                json!("a b@c.d"),
            ],
        );
        check(
            "check",
            json!({"required": true}),
            &[json!(false)],
            &[json!(null), json!("")],
        );
    }
}
