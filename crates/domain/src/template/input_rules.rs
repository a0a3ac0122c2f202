//! Whether what is asked of an input makes sense (contract 2.9).

use std::collections::HashSet;

use heraldo_wire::object::{InputType, TemplateInput};
use heraldo_wire::problem::Problem;
use heraldo_wire::time::Day;

use super::draft::{check_count, check_text, invalid, twice};

/// Choices of one `select`.
const OPTIONS_MAX: usize = 500;

/// Checks the options and the rules of an input. A rule that does not fit its type is refused, because it
/// would never be kept.
///
/// # Errors
/// `invalid_body`.
pub(super) fn check_input(field: &str, input: &TemplateInput) -> Result<(), Problem> {
    check_options(field, input)?;
    let rules = &input.validation_schema;
    let text = matches!(input.kind, InputType::Text | InputType::Textare);
    let numeric = input.kind == InputType::Numeric;
    let date = input.kind == InputType::Date;
    for (rule, given, fits) in [
        ("minLength", rules.min_length.is_some(), text),
        ("maxLength", rules.max_length.is_some(), text),
        ("email", rules.email == Some(true), text),
        ("minimum", rules.minimum.is_some(), numeric),
        ("maximum", rules.maximum.is_some(), numeric),
        ("minDate", rules.min_date.is_some(), date),
        ("maxDate", rules.max_date.is_some(), date),
    ] {
        if given && !fits {
            let kind = word(input.kind);
            return Err(invalid(
                &format!("{field}.validationSchema.{rule}"),
                &format!("does not go with the type `{kind}`; leave it out"),
            ));
        }
    }
    let least = read_day(field, "minDate", rules.min_date.as_deref())?;
    let most = read_day(field, "maxDate", rules.max_date.as_deref())?;
    check_order(
        field,
        "minLength",
        rules.min_length,
        "maxLength",
        rules.max_length,
    )?;
    check_order(field, "minimum", rules.minimum, "maximum", rules.maximum)?;
    check_order(field, "minDate", least, "maxDate", most)?;
    if let Some(context) = &input.context {
        check_text(&format!("{field}.context.message"), &context.message)?;
        check_text(&format!("{field}.context.locale"), &context.locale)?;
    }
    Ok(())
}

/// The word of an input's type on the wire.
pub(crate) const fn word(kind: InputType) -> &'static str {
    match kind {
        InputType::Text => "text",
        InputType::Date => "date",
        InputType::Textare => "textare",
        InputType::Select => "select",
        InputType::Numeric => "numeric",
        InputType::Check => "check",
        InputType::File => "file",
    }
}

fn check_options(field: &str, input: &TemplateInput) -> Result<(), Problem> {
    let field = format!("{field}.options");
    match (input.kind, input.options.is_empty()) {
        (InputType::Select, true) => {
            return Err(invalid(&field, "must name what a `select` offers"));
        }
        (InputType::Select, false) => {}
        (_, true) => return Ok(()),
        (kind, false) => {
            let kind = word(kind);
            return Err(invalid(
                &field,
                &format!("goes with the type `select` only, not with `{kind}`"),
            ));
        }
    }
    check_count(&field, input.options.len(), OPTIONS_MAX)?;
    let mut labels = HashSet::new();
    for (index, option) in input.options.iter().enumerate() {
        let field = format!("{field}[{index}].label");
        check_text(&field, &option.label)?;
        if !labels.insert(&option.label) {
            return Err(twice(&field, &option.label));
        }
    }
    Ok(())
}

fn read_day(field: &str, rule: &str, text: Option<&str>) -> Result<Option<Day>, Problem> {
    text.map(str::parse).transpose().map_err(|_| {
        invalid(
            &format!("{field}.validationSchema.{rule}"),
            "must be a date like 2026-11-20",
        )
    })
}

fn check_order<T: PartialOrd>(
    field: &str,
    least: &str,
    least_given: Option<T>,
    most: &str,
    most_given: Option<T>,
) -> Result<(), Problem> {
    match (least_given, most_given) {
        (Some(low), Some(high)) if low > high => Err(invalid(
            &format!("{field}.validationSchema"),
            &format!("has a `{least}` above its `{most}`; no value holds to that"),
        )),
        _ => Ok(()),
    }
}
