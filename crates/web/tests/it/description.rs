//! The API description and the router say the same.

use std::collections::BTreeSet;

use heraldo_web::{openapi, openapi_json};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::World;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn described() -> Value {
    serde_json::from_str(&openapi_json()).unwrap()
}

#[tokio::test]
async fn the_description_is_served_and_stable() {
    let world = World::new().await;
    let served = world.bare("GET", "/openapi.json").send().await;
    assert_eq!(served.json(200), described());
    assert_eq!(served.text(), openapi_json());
}

#[tokio::test]
async fn every_described_route_answers_and_no_other_method_does() {
    let world = World::new().await;
    for (path, item) in described()["paths"].as_object().unwrap() {
        let concrete = path.replace("{id}", "651ae032ff786d198dfa4ce4");
        for method in METHODS {
            let answer = world.bare(&method.to_uppercase(), &concrete).send().await;
            let unrouted = answer.text().contains("there is no such route; ");
            let routed = answer.status != 405 && !unrouted;
            let described = item.get(method).is_some();
            assert_eq!(routed, described, "{method} {path}: {}", answer.status);
        }
    }
}

#[test]
fn every_operation_is_whole() {
    let described = described();
    let mut names = BTreeSet::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{place}: {name} twice");
            assert!(operation["summary"].is_string(), "{place}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{place}");
            let open = !path.starts_with("/v1/")
                || path.ends_with("/access")
                || path.ends_with("/public-key")
                || path.starts_with("/v1/account/oauth/");
            assert_eq!(operation.get("security").is_none(), open, "{place}");
            let default = &operation["responses"]["default"]["$ref"];
            let is_page = operation["tags"][0] == "pages";
            let refusal = if is_page { "Page" } else { "Problem" };
            let expected = format!("#/components/responses/{refusal}");
            assert_eq!(default, expected.as_str(), "{place}");
        }
    }
    assert_eq!(described["openapi"], "3.1.0");
}

#[test]
fn closed_lists_are_described_with_the_words_of_the_wire() {
    let described = described();
    let check = |schema: &str, words: Value| {
        assert_eq!(
            described["components"]["schemas"][schema]["enum"], words,
            "{schema}"
        );
    };
    check("WebhookStatus", json!(["enabled", "paused", "disabled"]));
    check(
        "InspectionStatus",
        json!(["created", "started", "processing", "completed", "blocked"]),
    );
    check("Ordering", json!(["inspection", "strict", "none"]));
    check("ReviewVeredict", json!(["approved", "disapproved"]));
    let codes: Vec<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    check("ProblemCode", json!(codes));
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, whole: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(
                        whole.pointer(pointer).is_some(),
                        "{reference} leads nowhere"
                    );
                }
                map.values().for_each(|value| check(value, whole));
            }
            Value::Array(values) => values.iter().for_each(|value| check(value, whole)),
            _ => {}
        }
    }
    check(&described(), &described());
    assert!(openapi().components.is_some());
}
