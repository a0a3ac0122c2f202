//! What a template decides about the inspections that are made with it.

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::inspections::{code, wrong};
use crate::oauth::{app, read, token, user};
use crate::world::{World, id_in};

const TEMPLATES: &str = "/v1/inspection/template";

#[tokio::test]
async fn max_attempts_of_the_template_wins_over_the_servers() {
    let world = World::new().await;
    let template = json!({
        "name": "strict", "inspectionType": "car", "images": [], "parameters": {"maxAttempts": 2},
    });
    let made = world.post(TEMPLATES, &template).await.json(201);
    let body = json!({"templateId": made["_id"]});
    let created = world.post("/v1/inspection/car", &body).await.json(201);
    let path = format!(
        "/v1/inspection/{}/access",
        created["inspectionId"].as_str().unwrap()
    );
    let enter = async |code: &str| {
        let call = world.bare("POST", &path);
        call.json(&json!({"accessCode": code})).send().await
    };
    let first = enter(wrong(&code(&created))).await;
    assert_eq!(first.json(403)["attemptsLeft"], 1);
    let second = enter(wrong(&code(&created))).await;
    second.problem(ProblemCode::InspectionBlocked);
    let right = enter(&code(&created)).await;
    right.problem(ProblemCode::InspectionBlocked);
}

/// Bodies that break one word of a schema each, with the field that they break: the ways into objects, and of an
/// array its items.
fn violations(schema: &Value, place: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut breaks = |value: Value| found.push((place.to_owned(), value));
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let of_types = [
        ("string", json!("no such word")),
        ("object", json!({ "no": "such" })),
        ("array", json!([[]])),
        ("boolean", json!(true)),
    ];
    if let Some((_, other)) = of_types
        .into_iter()
        .find(|(kind, _)| !types.is_empty() && !types.contains(kind))
    {
        breaks(other);
    }
    if schema["enum"].is_array() {
        breaks(json!("no such word"));
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        breaks(json!("x".repeat(most as usize + 1)));
    }
    if let Some(most) = schema["maxItems"].as_u64() {
        breaks(json!(vec![json!({}); most as usize + 1]));
    }
    if let Some(most) = schema["maxProperties"].as_u64() {
        let many = (0..=most).map(|number| (format!("k{number}"), json!("v")));
        breaks(Value::Object(many.collect()));
    }
    if schema["additionalProperties"]["type"] == "string" {
        breaks(json!({ "key": ["no text"] }));
    }
    if schema["then"]["anyOf"].is_array() {
        breaks(json!({ "disabled": false }));
    }
    for (key, of_key) in schema["properties"].as_object().into_iter().flatten() {
        let inside = violations(of_key, key).into_iter();
        found.extend(inside.map(|(field, value)| (field, json!({ key: value }))));
    }
    if schema["items"].is_object() {
        let items = violations(&schema["items"], place).into_iter();
        found.extend(items.map(|(field, value)| (field, json!([value]))));
    }
    found
}

#[tokio::test]
async fn what_the_schema_of_a_template_refuses_is_refused_with_its_field_in_every_type() {
    let world = World::new().await;
    let built_in = format!("{TEMPLATES}?type=built-in");
    let all = world.get(&built_in).await.json(200);
    let all = all.as_array().unwrap().iter();
    let easy: Vec<&Value> = all.filter(|template| template["name"] == "easy").collect();
    assert_eq!(easy.len(), 8, "one for each type");
    for template in easy {
        let kind = template["inspectionType"].as_str().unwrap();
        let path = format!("/v1/inspection/{kind}");
        let create = async |body: Value| world.post(&path, &body).await;
        create(json!({ "templateId": "easy" })).await.json(201);
        let schema = &template["schema"];
        let mut tried = 0;
        for (key, of_key) in schema["properties"].as_object().unwrap() {
            for (field, value) in violations(of_key, key) {
                let mut body = json!({ "templateId": "easy" });
                body[key] = value;
                let answer = create(body.clone()).await;
                assert_eq!(
                    answer.status.as_u16(),
                    400,
                    "{kind}: {body} got {}",
                    answer.text()
                );
                let detail = answer.json(400)["detail"].to_string();
                assert!(detail.contains(&field), "{kind}: {body} got {detail}");
                tried += 1;
            }
        }
        assert!(tried > 20, "{kind}: only {tried} were tried");
    }
}

/// What the schema decides alone: these are refused by nothing else.
#[tokio::test]
async fn a_create_that_breaks_the_schema_of_its_template_is_refused_by_it_and_names_the_input() {
    let world = World::new().await;
    let template = json!({
        "name": "things", "inspectionType": "goods", "images": [],
        "inputs": [
            {"identifier": "plan", "label": "Plan", "type": "select", "stages": "create",
             "options": [{"label": "Oro"}], "validationSchema": {"required": true}},
            {"identifier": "note", "label": "Note", "type": "text", "stages": "create",
             "validationSchema": {"maxLength": 3}},
            {"identifier": "acta", "label": "Acta", "type": "file", "stages": "create"},
        ],
    });
    let made = world.post(TEMPLATES, &template).await.json(201);
    let create = async |goods: usize, inputs: Value| {
        let goods = vec![json!({}); goods];
        let body = json!({"templateId": made["_id"], "goods": goods, "inputs": inputs});
        world.post("/v1/inspection/goods", &body).await
    };
    let plan = json!({"identifier": "plan", "value": "Oro"});
    create(50, json!([plan])).await.json(201);
    let detail = create(51, json!([plan]))
        .await
        .problem(ProblemCode::InvalidBody);
    let rule = |place: &str, word: &str| {
        format!("`{place}` breaks the rule `{word}` of the template's schema")
    };
    assert_eq!(detail, rule("/goods", "maxItems"));
    let missing = "these inputs are required before the inspection can be created: `plan` (Plan)";
    for (inputs, code, words, broken) in [
        (
            json!([]),
            ProblemCode::InvalidInput,
            missing,
            rule("/inputs", "contains"),
        ),
        (
            json!(null),
            ProblemCode::InvalidInput,
            missing,
            rule("", "required"),
        ),
        (
            json!([{"identifier": "plan", "value": "Plata"}]),
            ProblemCode::InvalidInput,
            "the input `plan` is one of: Oro",
            rule("/inputs/0/value", "enum"),
        ),
        (
            json!([plan, {"identifier": "note", "value": "four"}]),
            ProblemCode::InvalidInput,
            "the input `note` has at most 3 characters",
            rule("/inputs/1/value", "anyOf"),
        ),
        (
            json!([plan, {"identifier": "acta", "value": "no file"}]),
            ProblemCode::InvalidInput,
            "the input `acta` takes a file, sent as a part of a multipart body",
            rule("/inputs/1/value", "anyOf"),
        ),
        (
            json!([plan, {"identifier": "otro", "value": 1}]),
            ProblemCode::UnknownInput,
            "the template has no input `otro`; it has plan, note, acta",
            rule("/inputs/1/identifier", "enum"),
        ),
    ] {
        let detail = create(1, inputs).await.problem(code);
        assert_eq!(detail, format!("{words}; {broken}"));
    }
}

#[tokio::test]
async fn a_user_sees_the_templates_of_the_own_company_and_of_no_other() {
    let world = World::new().await;
    let template = |name: &str| json!({"name": name, "inspectionType": "car", "images": []});
    let own = world.post(TEMPLATES, &template("own")).await.json(201);
    let other = world.other_key().await;
    let call = world.bare("POST", TEMPLATES).header("x-api-key", &other);
    let foreign = call.json(&template("foreign")).send().await.json(201);
    let app = app(&world).await;
    let ana = user(&world, "ana@example.com", None).await;
    let token = token(&world, &app, ana.user_id, "inspections").await;
    let path = "/v1/inspection/template/oauth/list/all";
    let listed = read(&world, path, &token).await.json(200);
    let listed: Vec<String> = listed.as_array().unwrap().iter().map(id_in).collect();
    let has = |template: &Value| listed.contains(&id_in(template));
    assert!(has(&own) && !has(&foreign));
    // Beside the built-in ones of every type.
    assert_eq!(listed.len(), 33);
}
