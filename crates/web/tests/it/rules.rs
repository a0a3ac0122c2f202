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

/// All else that a schema says is said in words before it is asked.
#[tokio::test]
async fn what_only_the_schema_refuses_is_refused_by_it() {
    let world = World::new().await;
    let template = json!({
        "name": "things", "inspectionType": "goods", "images": [],
        "inputs": [{"identifier": "note", "label": "Note", "type": "text", "stages": "create"}],
    });
    let made = world.post(TEMPLATES, &template).await.json(201);
    let create = async |goods: usize| {
        let body = json!({"templateId": made["_id"], "goods": vec![json!({}); goods]});
        world.post("/v1/inspection/goods", &body).await
    };
    create(50).await.json(201);
    let detail = create(51).await.problem(ProblemCode::InvalidBody);
    assert_eq!(
        detail,
        "`/goods` breaks the rule `maxItems` of the template's schema"
    );
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
