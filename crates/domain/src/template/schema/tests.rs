//! What the schema of a template says, and that it says the same as the checker.

use heraldo_wire::api::CreateInspectionRequest;

use super::super::checker::check;
use super::*;
use crate::template::{built_in, built_ins};

/// Words that say something about a value without checking it.
const ANNOTATIONS: [&str; 6] = [
    "$schema",
    "title",
    "description",
    "examples",
    "default",
    "format",
];
/// Words that check.
const ASSERTIONS: [&str; 16] = [
    "type",
    "const",
    "enum",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "contains",
    "maxItems",
    "maxProperties",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "allOf",
    "anyOf",
];
/// The word that checks under a condition; the condition itself checks nothing.
const CONDITIONAL: [&str; 2] = ["if", "then"];

/// The built-in `easy` of cars with inputs of its own.
fn asking(inputs: Value) -> Template {
    let easy = built_in(InspectionType::Car, "easy").expect("the alias");
    Template {
        inputs: serde_json::from_value(inputs).expect("inputs"),
        ..(*easy).clone()
    }
}

fn one_of_each() -> Template {
    asking(json!([
        {"identifier": "t", "label": "T", "type": "text", "stages": "create",
         "validationSchema": {"required": true, "minLength": 2, "maxLength": 3}},
        {"identifier": "a", "label": "A", "type": "textarea", "stages": "update",
         "validationSchema": {"required": true, "email": true}},
        {"identifier": "d", "label": "D", "type": "date", "stages": "create",
         "validationSchema": {"minDate": "2026-01-01", "maxDate": "2026-12-31"}},
        {"identifier": "s", "label": "S", "type": "select", "stages": "create",
         "options": [{"label": "Oro"}]},
        {"identifier": "n", "label": "N", "type": "numeric", "stages": "create",
         "validationSchema": {"minimum": 1, "maximum": 5}},
        {"identifier": "c", "label": "C", "type": "check", "stages": "create"},
        {"identifier": "f", "label": "F", "type": "file", "stages": "create"},
    ]))
}

/// Every word of a schema, wherever a schema may stand in it.
fn words_of(schema: &Value, found: &mut Vec<String>) {
    for (word, rule) in schema.as_object().into_iter().flatten() {
        found.push(word.clone());
        match word.as_str() {
            "properties" => rule
                .as_object()
                .into_iter()
                .flatten()
                .for_each(|(_, schema)| words_of(schema, found)),
            "items" | "contains" | "if" | "then" | "additionalProperties" => words_of(rule, found),
            "allOf" | "anyOf" => rule
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|schema| words_of(schema, found)),
            _ => {}
        }
    }
}

#[test]
fn the_checker_knows_every_word_that_a_schema_holds() {
    let mut found = Vec::new();
    words_of(&schema(&one_of_each()), &mut found);
    for template in built_ins() {
        words_of(&schema(template), &mut found);
    }
    let known = [&ANNOTATIONS[..], &ASSERTIONS[..], &CONDITIONAL[..]].concat();
    for word in &found {
        assert!(known.contains(&word.as_str()), "{word} is not checked");
    }
    for word in ASSERTIONS {
        let written = found.iter().any(|found| found == word);
        assert!(written, "{word} is known to the checker and never written");
    }
}

#[test]
fn a_create_of_every_type_holds_to_its_schema() {
    for template in built_ins() {
        let schema = schema(template);
        let mut body = json!({
            "templateId": template.name,
            "locale": "es_AR",
            "delivery": {"disabled": false, "channel": "wsp", "destination": "+54", "countryISO": "AR"},
            "consumer": {"firstName": "Ana", "sex": 1},
            "producer": {"internalId": "7", "mustMatchUser": false},
            "inputs": [],
            "metadata": {"policyId": "POL-1"},
            "initialStatus": "started",
            "callbackURL": "https://example.com/done",
            "unknown": {"key": 1},
        });
        let attributes =
            json!({"type": "a_thing_of_tomorrow", "year": 2020, "milage": "many", "x": [1]});
        let kind = template.inspection_type.as_str();
        body[kind] = match template.inspection_type {
            InspectionType::Goods => json!([attributes]),
            _ => attributes,
        };
        assert_eq!(check(&schema, &body), Ok(()), "{kind} {}", template.name);
        body["templateId"] = json!(template.id.to_string());
        assert_eq!(check(&schema, &body), Ok(()), "{kind} {}", template.name);
        body["delivery"] = json!({"disabled": false, "channel": "sms"});
        let violation = check(&schema, &body).expect_err("nowhere to send");
        assert_eq!(violation.place, "/delivery");
    }
}

#[test]
fn what_the_reader_makes_of_the_forms_of_the_sdks_holds_to_the_schema() {
    let template = built_in(InspectionType::Car, "easy").expect("the alias");
    for body in [
        json!({"templateId": "easy"}),
        json!({"templateId": "easy", "car": [], "metadata": [], "consumer": [], "inputs": []}),
        json!({"templateId": "easy", "consumer": {"sex": "0"}, "locale": null, "goods": null}),
        json!({"templateId": "easy", "delivery": {"disabled": true, "channel": "email"}}),
    ] {
        let read: CreateInspectionRequest = serde_json::from_value(body).expect("readable");
        let written = serde_json::to_value(&read).expect("writable");
        assert_eq!(check(&schema(&template), &written), Ok(()), "{written}");
    }
}

#[test]
fn the_rules_of_inputs_are_in_the_schema() {
    let schema = schema(&one_of_each());
    let send = |identifier: &str, value: Value| {
        let mut inputs = vec![json!({"identifier": "t", "value": "año"})];
        inputs.push(json!({"identifier": identifier, "value": value}));
        check(&schema, &json!({"templateId": "easy", "inputs": inputs}))
    };
    for (identifier, value) in [
        ("t", json!(123)),
        ("a", json!("x")),
        ("d", json!("2026-05-05")),
        ("d", json!("")),
        ("s", json!("Oro")),
        ("s", json!(null)),
        ("n", json!(5)),
        ("n", json!("5")),
        ("c", json!(true)),
        ("c", json!("false")),
        ("f", json!({"type": "Buffer", "data": [1]})),
    ] {
        assert_eq!(
            send(identifier, value.clone()),
            Ok(()),
            "{identifier} {value}"
        );
    }
    for (identifier, value) in [
        ("t", json!("a")),
        ("t", json!("años")),
        ("t", json!(null)),
        ("a", json!("")),
        ("d", json!(5)),
        ("s", json!("oro")),
        ("n", json!(6)),
        ("c", json!("yes")),
        ("f", json!("x")),
        ("unknown", json!("x")),
    ] {
        let violation = send(identifier, value.clone()).expect_err(identifier);
        assert!(violation.place.starts_with("/inputs/1/"), "{violation:?}");
    }
    let missing = check(&schema, &json!({"templateId": "easy"})).expect_err("inputs");
    assert_eq!(missing.keyword, "required");
    let missing = check(&schema, &json!({"templateId": "easy", "inputs": []})).expect_err("t");
    assert_eq!(
        (missing.place.as_str(), missing.keyword.as_str()),
        ("/inputs", "contains")
    );
}
