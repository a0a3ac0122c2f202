//! Errors about bodies and queries speak of JSON, not of the types that read it.

use std::collections::HashSet;

use heraldo_web::openapi_json;
use serde_json::{Value, json};

use crate::world::World;

/// Words that only somebody who knows the program's language knows.
const OWN_WORDS: [&str; 13] = [
    "u8", "u16", "u32", "u64", "usize", "i32", "i64", "f32", "f64", "struct", "sequence",
    "integer", "digit",
];

fn speaks_of_json(asked: &str, answer: &Value) {
    let detail = answer["detail"].as_str().unwrap();
    let words = detail.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words {
        assert!(!OWN_WORDS.contains(&word), "{asked}: {detail}");
    }
    assert!(!detail.contains("floating point"), "{asked}: {detail}");
    assert!(!detail.contains("expected a map"), "{asked}: {detail}");
    assert!(!detail.contains("string or map"), "{asked}: {detail}");
}

/// A documented route for each JSON object that one takes, with the names of its fields.
fn routes() -> Vec<(String, String, Vec<String>)> {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let (mut routes, mut seen) = (Vec::new(), HashSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, route) in item.as_object().unwrap() {
            let schema = &route["requestBody"]["content"]["application/json"]["schema"];
            let Some(name) = schema["$ref"].as_str() else {
                continue;
            };
            let name = name.rsplit('/').next().unwrap();
            if !seen.insert(name.to_owned()) {
                continue;
            }
            let fields = &document["components"]["schemas"][name]["properties"];
            let Some(fields) = fields.as_object() else {
                continue;
            };
            let path = path.replace("{id}", "64f0c0ffee0123456789abcd");
            let fields = fields.keys().cloned().collect();
            routes.push((method.to_uppercase(), path, fields));
        }
    }
    routes
}

#[tokio::test]
async fn no_field_of_any_route_is_complained_about_in_the_programs_own_words() {
    let world = World::new().await;
    let values = [
        json!(true),
        json!(1.5),
        json!(-1),
        json!("x"),
        json!([]),
        json!([7]),
        json!({ "a": 1 }),
    ];
    let mut refused = 0;
    for (method, path, fields) in routes() {
        for field in fields {
            for value in &values {
                let body = json!({ &field: value });
                let answer = world.request(&method, &path).json(&body).send().await;
                if answer.status.as_u16() == 400 {
                    refused += 1;
                    speaks_of_json(&format!("{method} {path} {body}"), &answer.json(400));
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

#[tokio::test]
async fn a_number_of_the_wrong_kind_is_told_what_would_be_right() {
    let world = World::new().await;
    let path = format!("/v1/notification/webhook/{}", world.create_webhook().await);
    for (field, value, expected) in [
        (
            "timeoutMs",
            json!(1.5),
            "expected a whole number from 0 to 18446744073709551615",
        ),
        (
            "timeoutMs",
            json!("5"),
            "expected a whole number from 0 to 18446744073709551615",
        ),
        (
            "concurrency",
            json!(-1),
            "expected a whole number from 0 to 4294967295",
        ),
        (
            "ratePerSecond",
            json!(true),
            "expected a whole number from 0 to 4294967295",
        ),
    ] {
        let call = world.request("PATCH", &path).json(&json!({ field: value }));
        let answer = call.send().await.json(400);
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("`{field}`: ")), "{detail}");
        assert!(detail.ends_with(expected), "{detail}");
    }
    for query in ["limit=ten", "limit=-1", "page=99999999999", "page=1.5"] {
        let answer = world
            .get(&format!("/v1/inspection?{query}"))
            .await
            .json(400);
        speaks_of_json(query, &answer);
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains("a whole number"), "{query}: {detail}");
    }
}
