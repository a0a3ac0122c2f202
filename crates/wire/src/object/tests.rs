//! Facts about how plain data reads and shows.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

#[test]
fn a_sex_reads_as_its_word_or_its_iso_number() {
    let check = |given: Value, expected: Option<Sex>| {
        let consumer: Consumer = serde_json::from_value(json!({ "sex": given })).unwrap();
        assert_eq!(consumer.sex, expected);
    };
    check(json!("male"), Some(Sex::Male));
    check(json!(1), Some(Sex::Male));
    check(json!(2), Some(Sex::Female));
    check(json!("9"), Some(Sex::NotApplicable));
    check(json!(0), None);
    check(Value::Null, None);
    for wrong in [json!("unsure"), json!(3), json!(true)] {
        assert!(serde_json::from_value::<Consumer>(json!({ "sex": wrong })).is_err());
    }
}

#[test]
fn a_year_stays_the_text_or_the_number_it_was() {
    for year in [json!(2020), json!("2020")] {
        let declared: ProductAttributes =
            serde_json::from_value(json!({ "year": year, "later": [1] })).unwrap();
        assert_eq!(
            serde_json::to_value(&declared).unwrap(),
            json!({ "year": year, "later": [1] })
        );
    }
}

#[test]
fn a_delivery_says_disabled_or_where_to_send() {
    let check = |given: Value, expected: Option<DeliveryPreference>| {
        assert_eq!(serde_json::from_value(given).ok(), expected);
    };
    let enabled = |channel, destination: &str, country: Option<&str>| {
        Some(DeliveryPreference::Enabled {
            channel,
            destination: destination.into(),
            country_iso: country.map(Into::into),
        })
    };
    check(
        json!({ "disabled": true }),
        Some(DeliveryPreference::Disabled),
    );
    check(
        json!({ "disabled": false, "channel": "email", "destination": "a@example.com" }),
        enabled(DeliveryChannel::Email, "a@example.com", None),
    );
    check(
        json!({ "disabled": false, "channel": "sms", "destination": "+541100000000", "countryISO": "AR" }),
        enabled(DeliveryChannel::Sms, "+541100000000", Some("AR")),
    );
    check(
        json!({ "channel": "wsp", "destination": "+541100000000" }),
        enabled(DeliveryChannel::Wsp, "+541100000000", None),
    );
    check(json!({ "disabled": false }), None);
    check(
        json!({ "disabled": false, "channel": "post", "destination": "x" }),
        None,
    );
    assert_eq!(
        serde_json::to_value(DeliveryPreference::Disabled).unwrap(),
        json!({ "disabled": true })
    );
}

#[test]
fn an_input_type_reads_both_spellings_and_writes_the_published_one() {
    for spelling in ["textare", "textarea"] {
        let kind: InputType = serde_json::from_value(json!(spelling)).unwrap();
        assert_eq!(serde_json::to_value(kind).unwrap(), json!("textare"));
    }
}

#[test]
fn merging_keeps_what_the_update_does_not_name() {
    let mut metadata: Metadata = [("a", "1"), ("b", "2")].into_iter().collect();
    metadata.merge([("b", "3"), ("c", "4")].into_iter().collect());
    assert_eq!(
        serde_json::to_string(&metadata).unwrap(),
        r#"{"a":"1","b":"3","c":"4"}"#
    );

    let mut consumer = Consumer {
        email: Some("a@example.com".into()),
        ..Consumer::default()
    };
    consumer.merge(Consumer {
        city: Some("Rosario".into()),
        ..Consumer::default()
    });
    assert_eq!(
        serde_json::to_value(&consumer).unwrap(),
        json!({ "email": "a@example.com", "city": "Rosario" })
    );
}

#[test]
fn an_unknown_word_is_quoted_short_and_the_known_ones_are_listed() {
    let error = "x".repeat(500).parse::<Veredict>().unwrap_err().to_string();
    assert!(error.len() < 150, "{error}");
    assert!(
        error.ends_with("use one of approved, disapproved, not_defined, not_provided"),
        "{error}"
    );
}

#[test]
fn a_confidential_text_is_not_in_its_debug_output() {
    assert!(!format!("{:?}", Confidential::new("4821")).contains("4821"));
}
