//! How large the parts of an inspection may be: what is kept is sent in events and read back, so that
//! nothing may go in that cannot come out again.

use heraldo_wire::api::{ChildrenRequest, CreateInspectionRequest, UpdateInspectionRequest};
use heraldo_wire::object::{Consumer, DeliveryPreference, Metadata, ProductAttributes};
use heraldo_wire::problem::{Problem, ProblemCode};
use serde_json::Value;

/// Texts that are kept with an inspection are at most this long.
const TEXT_BYTES_MAX: usize = 2_048;
/// A locale is at most this long, as the longest language tags are.
const LOCALE_BYTES_MAX: usize = 35;
/// Entries of `metadata`.
const METADATA_ENTRIES_MAX: usize = 100;
/// All of `metadata` as JSON, where one character may take six bytes. With everything else at its bound,
/// the two created events stay below the 100 kB that Express reads of a body unless it is told otherwise
/// (contract 4.1).
const METADATA_BYTES_MAX: usize = 64 * 1024;
/// All of `consumer` as JSON: it is in the events of the end, beside `metadata`.
const CONSUMER_BYTES_MAX: usize = 8 * 1024;
/// What JSON makes of one byte of text at most: `\u0001`.
const ESCAPED_BYTES_MAX: usize = 6;
/// Arrays and objects inside one declared attribute or input. Readers of JSON give up somewhere beyond
/// 100 levels, and what is kept lies some levels deeper than it came.
const NESTING_MAX: usize = 16;

/// Checks a create request.
///
/// # Errors
/// `invalid_body` with the field that is too large, `invalid_url` for a `callbackURL` that is none.
pub(super) fn check_bounds(request: &CreateInspectionRequest) -> Result<(), Problem> {
    if let Some(locale) = &request.locale
        && locale.len() > LOCALE_BYTES_MAX
    {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`locale` is longer than {LOCALE_BYTES_MAX} characters; send one like es_AR"
        )));
    }
    if let Some(url) = &request.callback_url {
        check_text("callbackURL", Some(url))?;
        // A browser opens it, so any host may stand in it, but no `javascript:` and the like.
        let web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !web {
            return Err(ProblemCode::InvalidUrl.problem(
                "`callbackURL` must be a whole http or https URL, like https://example.com/done",
            ));
        }
    }
    if let Some(metadata) = &request.metadata {
        check_metadata(metadata)?;
    }
    if let Some(consumer) = &request.consumer {
        check_consumer(consumer)?;
    }
    if let Some(producer) = &request.producer {
        check_text("producer.internalId", producer.internal_id.as_ref())?;
    }
    if let Some(delivery) = &request.delivery {
        check_delivery(delivery)?;
    }
    check_nesting(request)
}

/// Checks what is said of an inspection later; its consumer and metadata are checked as a whole.
///
/// # Errors
/// `invalid_body` with the field that is too large.
pub(super) fn check_description(request: &UpdateInspectionRequest) -> Result<(), Problem> {
    match request
        .inputs
        .iter()
        .flatten()
        .find(|input| is_deeper(&input.value, NESTING_MAX))
    {
        None => Ok(()),
        Some(_) => Err(too_deep("inputs")),
    }
}

/// Checks the attributes of one product.
///
/// # Errors
/// `invalid_body`.
pub(super) fn check_attributes(field: &str, attributes: &ProductAttributes) -> Result<(), Problem> {
    if attributes
        .0
        .values()
        .any(|value| is_deeper(value, NESTING_MAX))
    {
        return Err(too_deep(field));
    }
    Ok(())
}

/// Checks what a child inspection changes.
///
/// # Errors
/// `invalid_body` with the field that is too large.
pub(super) fn check_child_bounds(request: &ChildrenRequest) -> Result<(), Problem> {
    request.delivery.as_ref().map_or(Ok(()), check_delivery)
}

/// Checks the whole `metadata` of an inspection.
///
/// # Errors
/// `invalid_body`.
pub(super) fn check_metadata(metadata: &Metadata) -> Result<(), Problem> {
    if metadata.0.len() > METADATA_ENTRIES_MAX {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`metadata` has more than {METADATA_ENTRIES_MAX} entries; send fewer"
        )));
    }
    let too_long = |(key, value): (&String, &String)| key.len() + value.len() > TEXT_BYTES_MAX;
    if metadata.0.iter().any(too_long) {
        return Err(too_long_text("metadata"));
    }
    let entries = metadata.0.iter();
    let bytes: usize = entries
        .map(|(key, value)| key.len() + value.len() + 6)
        .sum();
    // Nearly always far below, whatever its characters are.
    let is_small = bytes * ESCAPED_BYTES_MAX <= METADATA_BYTES_MAX;
    if !is_small
        && serde_json::to_vec(metadata).is_ok_and(|written| written.len() > METADATA_BYTES_MAX)
    {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`metadata` takes more than {METADATA_BYTES_MAX} bytes as JSON; it is in every event, so send \
             an id, and keep on your side what is large"
        )));
    }
    Ok(())
}

/// Checks the whole `consumer` of an inspection.
///
/// # Errors
/// `invalid_body`.
pub(super) fn check_consumer(consumer: &Consumer) -> Result<(), Problem> {
    let Consumer {
        first_name,
        last_name,
        identification,
        email,
        phone,
        birthdate,
        sex: _,
        country,
        state,
        city,
        address,
    } = consumer;
    for (field, text) in [
        ("consumer.firstName", first_name),
        ("consumer.lastName", last_name),
        ("consumer.identification", identification),
        ("consumer.email", email),
        ("consumer.phone", phone),
        ("consumer.birthdate", birthdate),
        ("consumer.country", country),
        ("consumer.state", state),
        ("consumer.city", city),
        ("consumer.address", address),
    ] {
        check_text(field, text.as_ref())?;
    }
    if serde_json::to_vec(consumer).is_ok_and(|written| written.len() > CONSUMER_BYTES_MAX) {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`consumer` takes more than {CONSUMER_BYTES_MAX} bytes as JSON; shorten its texts"
        )));
    }
    Ok(())
}

fn check_delivery(delivery: &DeliveryPreference) -> Result<(), Problem> {
    match delivery {
        DeliveryPreference::Disabled => Ok(()),
        DeliveryPreference::Enabled {
            channel: _,
            destination,
            country_iso,
        } => {
            check_text("delivery.destination", Some(destination))?;
            check_text("delivery.countryISO", country_iso.as_ref())
        }
    }
}

fn check_nesting(request: &CreateInspectionRequest) -> Result<(), Problem> {
    let single = [
        ("car", &request.car),
        ("moto", &request.moto),
        ("bike", &request.bike),
        ("machinery", &request.machinery),
        ("people", &request.people),
        ("cellphone", &request.cellphone),
    ];
    let single = single
        .into_iter()
        .filter_map(|(field, product)| Some((field, product.as_ref()?)));
    let goods = request.goods.iter().flatten();
    let attributes = single
        .chain(goods.map(|product| ("goods", product)))
        .flat_map(|(field, product)| product.0.values().map(move |value| (field, value)));
    let inputs = request.inputs.iter().flatten();
    let inputs = inputs.map(|input| ("inputs", &input.value));
    match attributes
        .chain(inputs)
        .find(|(_, value)| is_deeper(value, NESTING_MAX))
    {
        None => Ok(()),
        Some((field, _)) => Err(too_deep(field)),
    }
}

fn too_deep(field: &str) -> Problem {
    ProblemCode::InvalidBody.problem(format!(
        "`{field}` holds a value with more than {NESTING_MAX} levels of arrays and objects; send a flatter \
         one"
    ))
}

/// Whether a value has more than `levels` levels of arrays and objects; looks no deeper than that.
fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(values) => values.iter().any(|value| is_deeper(value, levels - 1)),
        Value::Object(values) => values.values().any(|value| is_deeper(value, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn check_text(field: &str, text: Option<&String>) -> Result<(), Problem> {
    match text {
        Some(text) if text.len() > TEXT_BYTES_MAX => Err(too_long_text(field)),
        Some(_) | None => Ok(()),
    }
}

fn too_long_text(field: &str) -> Problem {
    ProblemCode::InvalidBody.problem(format!(
        "`{field}` is longer than {TEXT_BYTES_MAX} bytes; shorten it"
    ))
}
