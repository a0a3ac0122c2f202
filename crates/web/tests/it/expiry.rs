//! Inspections whose time is over, and the children that are made from them.

use heraldo_domain::ops::sweep::expire_lapsed;
use heraldo_domain::store::Store as _;
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::{CompletedBy, DeliveryPreference, InspectionStatus, Veredict};
use serde_json::{Value, json};

use crate::images::{events, names, photo, read, started, upload};
use crate::world::World;

const HOUR_MS: i64 = 3_600_000;

/// A template whose inspections live for two days, with a required input.
async fn template(world: &World) -> Value {
    let template = json!({
        "name": "two days", "inspectionType": "car",
        "images": [{"side": "front", "validations": [{"validation": "date", "run": true, "required": true}]}],
        "inputs": [{"identifier": "use", "label": "Use", "type": "text", "stages": "create",
            "validationSchema": {"required": true}}],
        "parameters": {"lifetime": "2d"},
    });
    let made = world.post("/v1/inspection/template", &template).await;
    made.json(201)["_id"].clone()
}

fn all_there_is(template: &Value) -> Value {
    json!({
        "templateId": template,
        "locale": "es_MX",
        "callbackURL": "https://example.com/back",
        "delivery": {"disabled": false, "channel": "email", "destination": "ana@example.com"},
        "consumer": {"firstName": "Ana", "identification": "30111222", "email": "ana@example.com"},
        "producer": {"internalId": "desk-7"},
        "car": {"plate": "AB123CD", "make": "Fiat"},
        "inputs": [{"identifier": "use", "value": "Taxi"}],
        "metadata": {"policyId": "POL-2291"},
    })
}

#[tokio::test]
async fn a_child_takes_all_that_was_said_of_its_parent_and_nothing_that_happened_to_it() {
    let world = World::new().await;
    let template = template(&world).await;
    let made = world
        .post("/v1/inspection/car", &all_there_is(&template))
        .await;
    let made = made.json(201);
    let id = made["inspectionId"].as_str().unwrap();
    let two_days_and_more = 49 * HOUR_MS;
    world.clock.step(two_days_and_more);
    let path = format!("/v1/inspection/{id}/children");
    let answer = world.post(&path, &json!({})).await.json(201);
    let load = async |id: &str| {
        let id: InspectionId = id.parse().unwrap();
        world.store.inspection(id).await.unwrap().unwrap()
    };
    let parent = load(id).await;
    let child = load(answer["inspectionId"].as_str().unwrap()).await;
    assert_eq!(child.parent_id, Some(parent.id));
    assert_eq!(child.template, parent.template);
    assert_eq!(child.template_revision, parent.template_revision);
    assert_eq!(child.consumer.first_name.as_deref(), Some("Ana"));
    assert_eq!(child.consumer, parent.consumer);
    assert_eq!(child.producer.internal_id.as_deref(), Some("desk-7"));
    assert_eq!(child.producer, parent.producer);
    assert_eq!(child.locale, "es_MX");
    assert_eq!(
        child.callback_url.as_deref(),
        Some("https://example.com/back")
    );
    assert_ne!(child.delivery, DeliveryPreference::Disabled);
    assert_eq!(child.delivery, parent.delivery);
    assert_eq!(child.metadata, parent.metadata);
    assert_eq!(child.metadata.0.len(), 1);
    assert_eq!(child.products[0].attributes, parent.products[0].attributes);
    assert_eq!(child.products[0].attributes.plate(), Some("AB123CD"));
    let said = |inspection: &heraldo_domain::inspection::Inspection| {
        let inputs = inspection.inputs().cloned();
        inputs.map(|input| input.value).collect::<Vec<_>>()
    };
    assert_eq!(said(&child), [Some(json!("Taxi"))]);
    // Its life begins now, and is as long.
    assert_eq!(child.created_at, world.context.clock.now());
    let two_days = std::time::Duration::from_secs(2 * 86_400);
    assert_eq!(child.expires_at.since(child.created_at), two_days);
    assert_eq!(child.status(), InspectionStatus::Created);
    assert_ne!(child.products[0].id, parent.products[0].id);
    let code = |answer: &Value| {
        answer["magicLink"]
            .as_str()
            .unwrap()
            .rsplit_once('=')
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(code(&answer), child.access_code);
    // One code in ten thousand is the same by chance; here the dice are always the same.
    assert_ne!(child.access_code, parent.access_code);
}

#[tokio::test]
async fn a_started_inspection_ends_with_what_was_uploaded_once_that_was_looked_at() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    upload(&world, &product, "front", &photo(1)).await.json(201);
    world.clock.step(8 * 24 * HOUR_MS);
    assert_eq!(expire_lapsed(&world.context, 10).await, Ok(1));
    // The photo has not been looked at: its result is awaited.
    let waiting = read(&world, &id).await;
    assert_eq!(waiting["status"], "processing");
    assert_eq!(waiting["completedBy"], "expiration");
    assert_eq!(names(&events(&world, &id).await), ["inspection_created"]);
    assert_eq!(expire_lapsed(&world.context, 10).await, Ok(0));
    world.run_jobs().await;
    let events = events(&world, &id).await;
    assert_eq!(
        names(&events),
        [
            "inspection_created",
            "image_processed",
            "inspection_completed"
        ]
    );
    let told = &events[2]["payload"];
    assert_eq!(told["completedBy"], "expiration");
    assert_eq!(
        told["veredict"],
        Veredict::Disapproved.as_str(),
        "three sides are missing"
    );
    assert_eq!(told["products"][0]["images"][0]["processed"], true);

    // The system ended it, so it may have a child, without the photos.
    let path = format!("/v1/inspection/{id}/children");
    let answer = world.post(&path, &json!({})).await.json(201);
    let child = read(&world, answer["inspectionId"].as_str().unwrap()).await;
    assert_eq!(child["status"], "created");
    assert_eq!(child["parentInspectionId"], id.as_str());
    assert_eq!(child["products"][0]["images"], json!([]));
    assert_eq!(child["completedBy"], Value::Null);
    let parent: InspectionId = id.parse().unwrap();
    let parent = world.store.inspection(parent).await.unwrap().unwrap();
    assert_eq!(parent.completed_by(), Some(CompletedBy::Expiration));
}
