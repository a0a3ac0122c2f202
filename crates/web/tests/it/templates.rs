//! Templates: the built-in ones are read, a company's own are made, changed and used.

use heraldo_wire::api::Scope;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{World, id_in};

const TEMPLATES: &str = "/v1/inspection/template";
const EASY_CAR: &str = "62be865212ca0918bcabf2a5";

fn roof() -> Value {
    json!({
        "name": "Alta de auto",
        "inspectionType": "car",
        "images": [
            {"side": "front", "validations": [
                {"validation": "date", "run": true, "required": true},
                {"validation": "plate_reader", "run": true, "required": false},
            ]},
            {"side": "roof", "required": false},
        ],
        "inputs": [
            {"label": "Uso", "type": "select", "stages": "create",
             "options": [{"label": "Particular"}, {"label": "Comercial"}]},
            {"identifier": "nota", "label": "Nota", "type": "textarea", "stages": "update",
             "validationSchema": {"maxLength": 10}},
        ],
        "parameters": {"maxAttempts": 2, "lifetime": "2d"},
        "features": [{"feature": "damages", "isActive": false}],
    })
}

fn names(list: &Value) -> Vec<String> {
    let name = |item: &Value| {
        let kind = item["inspectionType"].as_str().unwrap();
        format!("{kind} {}", item["name"].as_str().unwrap())
    };
    list.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn a_fresh_server_has_templates_for_every_type() {
    let world = World::new().await;
    let all = world.get(TEMPLATES).await.json(200);
    assert_eq!(all.as_array().unwrap().len(), 32);
    assert_eq!(world.get("/v1/inspection/template/").await.json(200), all);
    let cars = world
        .get(&format!("{TEMPLATES}?inspectionType=car&type=built-in"))
        .await
        .json(200);
    assert_eq!(
        names(&cars),
        ["car easy", "car deep", "car damage", "car full_control"]
    );
    let own = world.get(&format!("{TEMPLATES}?type=created")).await;
    assert_eq!(own.json(200), json!([]));
    let wrong = world.get(&format!("{TEMPLATES}?inspectionType=boat")).await;
    let detail = wrong.problem(ProblemCode::InvalidParameter);
    assert!(detail.contains("inspectionType"), "{detail}");
}

#[tokio::test]
async fn a_preview_is_the_list_without_schema_inputs_and_variables() {
    let world = World::new().await;
    world.post(TEMPLATES, &roof()).await.json(201);
    let mut whole = world.get(TEMPLATES).await.json(200);
    let preview = world.get(&format!("{TEMPLATES}/preview")).await.json(200);
    for template in whole.as_array_mut().unwrap() {
        let template = template.as_object_mut().unwrap();
        for key in ["schema", "inputs", "variables"] {
            assert!(template.remove(key).is_some(), "{key}");
        }
    }
    assert_eq!(preview, whole);
}

#[tokio::test]
async fn one_template_is_read_by_its_id_and_not_by_its_alias() {
    let world = World::new().await;
    let easy = world
        .get(&format!("{TEMPLATES}/{EASY_CAR}"))
        .await
        .json(200);
    assert_eq!(easy["name"], "easy");
    assert_eq!(easy["type"], "built-in");
    assert_eq!(easy["lastSave"], easy["updatedAt"]);
    let own = world.post(TEMPLATES, &roof()).await.json(201);
    let path = format!("{TEMPLATES}/{}", id_in(&own));
    assert_eq!(world.get(&path).await.json(200), own);
    for unknown in ["easy", "ffffffffffffffffffffffff"] {
        let answer = world.get(&format!("{TEMPLATES}/{unknown}")).await;
        answer.problem(ProblemCode::NotFound);
    }
    let other = world.other_key().await;
    for method in ["GET", "PUT"] {
        let call = world.bare(method, &path).header("x-api-key", &other);
        call.json(&roof())
            .send()
            .await
            .problem(ProblemCode::NotFound);
    }
}

#[tokio::test]
async fn a_template_is_made_whole() {
    let world = World::new().await;
    let made = world.post(TEMPLATES, &roof()).await.json(201);
    assert_eq!(made["type"], "created");
    assert_eq!(
        made["parameters"],
        json!({"maxAttempts": 2, "lifetime": "2d"})
    );
    assert_eq!(made["images"][0]["required"], true);
    assert_eq!(made["images"][1]["required"], false);
    assert_eq!(
        made["images"][0]["validations"][1]["validation"],
        "plate_reader"
    );
    assert_eq!(made["images"][0]["_id"].as_str().unwrap().len(), 24);
    let identifier = made["inputs"][0]["identifier"].as_str().unwrap();
    let uuid = identifier.strip_prefix("input_").unwrap();
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
    assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
    assert!(b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    assert_eq!(made["inputs"][1]["identifier"], "nota");
    assert_eq!(made["inputs"][1]["type"], "textare");
    assert_eq!(
        made["inputs"][1]["validationSchema"],
        json!({"required": false, "maxLength": 10})
    );
    let listed = world.get(&format!("{TEMPLATES}?type=created")).await;
    assert_eq!(listed.json(200), json!([made]));
    let other = world.other_key().await;
    let listed = world.bare("GET", &format!("{TEMPLATES}?type=created"));
    let listed = listed.header("x-api-key", &other).send().await;
    assert_eq!(listed.json(200), json!([]));
}

#[tokio::test]
async fn a_name_is_used_once_in_a_company_and_a_repeated_request_is_carried_out_once() {
    let world = World::new().await;
    let make = || {
        let call = world.request("POST", TEMPLATES).json(&roof());
        call.header("idempotency-key", "once").send()
    };
    let first = make().await;
    let again = make().await;
    assert_eq!(first.json(201), again.json(201));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let detail = world
        .post(TEMPLATES, &roof())
        .await
        .problem(ProblemCode::Conflict);
    assert!(detail.contains("name"), "{detail}");
    let mut second = roof();
    second["name"] = json!("Otra");
    let second = world.post(TEMPLATES, &second).await.json(201);
    let path = format!("{TEMPLATES}/{}", id_in(&second));
    let call = world.request("PUT", &path).json(&roof());
    call.send().await.problem(ProblemCode::Conflict);
    let other = world.other_key().await;
    let call = world.bare("POST", TEMPLATES).header("x-api-key", &other);
    call.json(&roof()).send().await.json(201);
}

#[tokio::test]
async fn a_company_has_so_many_templates_and_no_more() {
    let world = World::new().await;
    for number in 0..4 {
        let mut template = roof();
        template["name"] = json!(format!("Alta {number}"));
        let answer = world.post(TEMPLATES, &template).await;
        if number < 3 {
            answer.json(201);
        } else {
            let detail = answer.problem(ProblemCode::LimitReached);
            assert!(detail.contains('3'), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_changed_template_keeps_the_ids_of_the_parts_that_stay() {
    let world = World::new().await;
    let made = world.post(TEMPLATES, &roof()).await.json(201);
    let path = format!("{TEMPLATES}/{}", id_in(&made));
    let put = async |body: &Value| world.request("PUT", &path).json(body).send().await;
    world.clock.step(1_000);
    assert_eq!(put(&made).await.json(200), made, "the same again");
    let mut changed = made.clone();
    changed["images"] = json!([{"side": "tailgate"}, made["images"][0]]);
    changed["inputs"] = json!([made["inputs"][1]]);
    let answer = put(&changed).await.json(200);
    assert_eq!(answer["_id"], made["_id"]);
    assert_eq!(answer["images"][1], made["images"][0]);
    assert_eq!(answer["inputs"][0], made["inputs"][1]);
    assert_eq!(answer["createdAt"], made["createdAt"]);
    assert_ne!(answer["updatedAt"], made["updatedAt"]);
    assert_eq!(world.get(&path).await.json(200), answer);
    let mut other_type = roof();
    other_type["inspectionType"] = json!("moto");
    let detail = put(&other_type).await.problem(ProblemCode::InvalidBody);
    assert!(detail.contains("inspectionType"), "{detail}");
    let built_in = world.request("PUT", &format!("{TEMPLATES}/{EASY_CAR}"));
    built_in
        .json(&roof())
        .send()
        .await
        .problem(ProblemCode::Conflict);
}

#[tokio::test]
async fn an_inspection_keeps_the_template_that_it_was_made_with() {
    let world = World::new().await;
    let made = world.post(TEMPLATES, &roof()).await.json(201);
    let create = json!({
        "templateId": made["_id"],
        "inputs": [{"identifier": made["inputs"][0]["identifier"], "value": "Particular"}],
    });
    let created = world.post("/v1/inspection/car", &create).await.json(201);
    let path = format!(
        "/v1/inspection/{}",
        created["inspectionId"].as_str().unwrap()
    );
    let read = world.get(&path).await.json(200);
    assert_eq!(read["template"]["type"], "created");
    assert_eq!(read["template"]["_id"], made["_id"]);
    let lifetime = |read: &Value| read["expiresAt"].as_str().unwrap()[..10].to_owned();
    let mut changed = roof();
    changed["inputs"] = json!([]);
    changed["parameters"] = json!({"lifetime": "4d"});
    let template = format!("{TEMPLATES}/{}", id_in(&made));
    world
        .request("PUT", &template)
        .json(&changed)
        .send()
        .await
        .json(200);
    // The input is gone from the template, and still one of the inspection's.
    let nota = json!({"inputs": [{"identifier": "nota", "value": "rayada"}]});
    world
        .request("PUT", &path)
        .json(&nota)
        .send()
        .await
        .json(200);
    let again = world.get(&path).await.json(200);
    assert_eq!(lifetime(&again), lifetime(&read));
    assert_eq!(again["products"][0]["inputs"][1]["value"], "rayada");
    let next = json!({"templateId": made["_id"], "inputs": [{"identifier": "nota", "value": "x"}]});
    let refused = world.post("/v1/inspection/car", &next).await;
    refused.problem(ProblemCode::UnknownInput);
    let moto = world.post("/v1/inspection/moto", &create).await;
    moto.problem(ProblemCode::UnknownTemplate);
}

#[tokio::test]
async fn what_makes_no_sense_in_a_template_is_named() {
    let world = World::new().await;
    let check = async |pointer: &str, value: Value, field: &str| {
        let mut body = roof();
        match pointer.rsplit_once('/') {
            Some((parent, key)) => body.pointer_mut(parent).unwrap()[key] = value,
            None => unreachable!("a pointer begins with a slash"),
        }
        let detail = world
            .post(TEMPLATES, &body)
            .await
            .problem(ProblemCode::InvalidBody);
        assert!(detail.contains(&format!("`{field}`")), "{detail}");
    };
    check("/name", json!(" "), "name").await;
    check("/name", json!(EASY_CAR), "name").await;
    check("/inspectionType", json!("boat"), "inspectionType").await;
    check("/images/1/side", json!("front"), "images[1].side").await;
    check("/images/1/side", json!(""), "images[1].side").await;
    check(
        "/images/0/validations",
        json!([{"validation": "date", "run": true, "required": true}, {"validation": "date", "run": true, "required": true}]),
        "images[0].validations[1].validation",
    )
    .await;
    check(
        "/parameters/maxAttempts",
        json!(0),
        "parameters.maxAttempts",
    )
    .await;
    check("/parameters/lifetime", json!("0s"), "parameters.lifetime").await;
    check("/inputs/0/options", json!([]), "inputs[0].options").await;
    check(
        "/inputs/0/options",
        json!([{"label": "a"}, {"label": "a"}]),
        "inputs[0].options[1].label",
    )
    .await;
    check(
        "/inputs/0/identifier",
        json!("nota"),
        "inputs[1].identifier",
    )
    .await;
    check(
        "/inputs/0/identifier",
        json!("data"),
        "inputs[0].identifier",
    )
    .await;
    check(
        "/inputs/1/options",
        json!([{"label": "a"}]),
        "inputs[1].options",
    )
    .await;
    let rules = "/inputs/1/validationSchema";
    check(
        rules,
        json!({"minLength": 5, "maxLength": 4}),
        "inputs[1].validationSchema",
    )
    .await;
    check(
        rules,
        json!({"minimum": 5}),
        "inputs[1].validationSchema.minimum",
    )
    .await;
    check(
        "/inputs/1/type",
        json!("date"),
        "inputs[1].validationSchema.maxLength",
    )
    .await;
    check("/features/0/feature", json!(""), "features[0].feature").await;
    check("/inputs/1/stages", json!("later"), "inputs[1].stages").await;
}

#[tokio::test]
async fn templates_need_the_scope_of_inspections() {
    let world = World::new().await;
    let key = world.key_with(&[Scope::Webhooks]).await;
    for (method, path) in [
        ("GET", TEMPLATES.to_owned()),
        ("POST", TEMPLATES.to_owned()),
    ] {
        let call = world.bare(method, &path).header("x-api-key", &key);
        call.send().await.problem(ProblemCode::ForbiddenScope);
    }
}

/// A template with required inputs, two of them at once.
fn asking() -> Value {
    json!({
        "name": "Con datos", "inspectionType": "car", "images": [
            {"side": "roof", "required": false, "inputs": [
                {"identifier": "rayas", "label": "Rayas", "type": "numeric", "stages": "update",
                 "validationSchema": {"required": true, "maximum": 9}},
            ]},
        ],
        "inputs": [
            {"identifier": "uso", "label": "Uso", "type": "select", "stages": "create",
             "options": [{"label": "Particular"}], "validationSchema": {"required": true}},
            {"identifier": "alta", "label": "Alta", "type": "date", "stages": "create",
             "validationSchema": {"minDate": "2026-01-01"}},
            {"identifier": "mail", "label": "Mail", "type": "text", "stages": "update",
             "validationSchema": {"required": true, "email": true}},
        ],
    })
}

#[tokio::test]
async fn inputs_hold_to_the_rules_of_the_template() {
    let world = World::new().await;
    let made = world.post(TEMPLATES, &asking()).await.json(201);
    let car = "/v1/inspection/car";
    let body = |inputs: Value| json!({"templateId": made["_id"], "inputs": inputs});
    let good = json!({"identifier": "uso", "value": "Particular"});
    let refused = async |inputs: Value, code, word: &str| {
        let detail = world.post(car, &body(inputs)).await.problem(code);
        assert!(detail.contains(word), "{detail}");
    };
    use ProblemCode::{InvalidInput, UnknownInput};
    refused(json!([]), InvalidInput, "`uso`").await;
    refused(json!(null), InvalidInput, "`uso`").await;
    refused(
        json!([{"identifier": "uso", "value": ""}]),
        InvalidInput,
        "`uso`",
    )
    .await;
    refused(
        json!([{"identifier": "uso", "value": "Taxi"}]),
        InvalidInput,
        "Particular",
    )
    .await;
    let late = json!([good, {"identifier": "alta", "value": "2025-12-31"}]);
    refused(late, InvalidInput, "2026-01-01").await;
    refused(
        json!([good, {"identifier": "otro", "value": 1}]),
        UnknownInput,
        "uso",
    )
    .await;
    let photo = json!([good, {"identifier": "rayas", "value": "10"}]);
    refused(photo, InvalidInput, "`rayas`").await;
    let inputs = json!([good, {"identifier": "alta", "value": "2026-03-01"}]);
    let created = world.post(car, &body(inputs)).await.json(201);
    let path = format!(
        "/v1/inspection/{}",
        created["inspectionId"].as_str().unwrap()
    );
    let put = async |inputs: Value| {
        let call = world.request("PUT", &path);
        call.json(&json!({"inputs": inputs})).send().await
    };
    put(json!([])).await.json(200);
    put(json!([{"identifier": "mail", "value": "ana"}]))
        .await
        .problem(InvalidInput);
    put(json!([{"identifier": "uso", "value": null}]))
        .await
        .problem(InvalidInput);
    let read = world.get(&path).await.json(200);
    assert_eq!(read["products"][0]["inputs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_required_photo_requires_at_the_create_is_due_there() {
    let world = World::new().await;
    let mut template = asking();
    template["images"][0]["required"] = true.into();
    template["images"][0]["inputs"][0]["stages"] = "create".into();
    let made = world.post(TEMPLATES, &template).await.json(201);
    let create = async |inputs: Value| {
        let body = json!({"templateId": made["_id"], "inputs": inputs});
        world.post("/v1/inspection/car", &body).await
    };
    let uso = json!({"identifier": "uso", "value": "Particular"});
    let detail = create(json!([uso]))
        .await
        .problem(ProblemCode::InvalidInput);
    assert!(detail.contains("`rayas` (Rayas)"), "{detail}");
    create(json!([uso, {"identifier": "rayas", "value": 3}]))
        .await
        .json(201);
    // The schema asks for it as well.
    let due = made["schema"]["properties"]["inputs"]["allOf"]
        .as_array()
        .unwrap();
    let named = |one: &Value| one["contains"]["properties"]["identifier"]["const"].clone();
    let due: Vec<Value> = due.iter().map(named).collect();
    assert_eq!(due, ["uso", "rayas"]);
}

#[tokio::test]
async fn an_inspection_is_not_finished_before_what_is_required_is_there() {
    let world = World::new().await;
    let made = world.post(TEMPLATES, &asking()).await.json(201);
    let body = json!({
        "templateId": made["_id"], "initialStatus": "started",
        "inputs": [{"identifier": "uso", "value": "Particular"}],
    });
    let created = world.post("/v1/inspection/car", &body).await.json(201);
    let id = created["inspectionId"].as_str().unwrap();
    let finish = format!("/v1/inspection/finish/{id}");
    let detail = world
        .post(&finish, &json!({}))
        .await
        .problem(ProblemCode::InvalidInput);
    assert!(detail.contains("`mail`"), "{detail}");
    // That photo is not required, and was not taken.
    assert!(!detail.contains("rayas"), "{detail}");
    let mail = json!({"inputs": [{"identifier": "mail", "value": "ana@example.com"}]});
    let path = format!("/v1/inspection/{id}");
    world
        .request("PUT", &path)
        .json(&mail)
        .send()
        .await
        .json(200);
    world.post(&finish, &json!({})).await.json(200);
}

#[tokio::test]
async fn an_inspection_expires_whatever_is_missing() {
    let world = World::new().await;
    let mut template = asking();
    template["parameters"] = json!({"lifetime": "1s"});
    let made = world.post(TEMPLATES, &template).await.json(201);
    let body = json!({
        "templateId": made["_id"], "initialStatus": "started",
        "inputs": [{"identifier": "uso", "value": "Particular"}],
    });
    let created = world.post("/v1/inspection/car", &body).await.json(201);
    let id = created["inspectionId"].as_str().unwrap();
    world.clock.step(2_000);
    let finish = format!("/v1/inspection/finish/{id}");
    let answer = world.post(&finish, &json!({})).await;
    answer.problem(ProblemCode::InspectionExpired);
    let read = world.get(&format!("/v1/inspection/{id}")).await.json(200);
    assert_eq!(read["completedBy"], "expiration");
}

#[tokio::test]
async fn the_schema_of_a_template_says_what_to_send() {
    let world = World::new().await;
    let made = world.post(TEMPLATES, &asking()).await.json(201);
    let schema = &made["schema"];
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["required"], json!(["templateId", "inputs"]));
    assert_eq!(
        schema["properties"]["templateId"]["enum"],
        json!([made["_id"]])
    );
    let identifiers = &schema["properties"]["inputs"]["items"]["properties"]["identifier"];
    assert_eq!(identifiers["enum"], json!(["uso", "alta", "mail", "rayas"]));
    let easy = world
        .get(&format!("{TEMPLATES}/{EASY_CAR}"))
        .await
        .json(200);
    let names = &easy["schema"]["properties"]["templateId"]["enum"];
    assert_eq!(*names, json!([EASY_CAR, "easy"]));
}
