//! Saying more about inspections and products, and adding goods.

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::images::{read, started};
use crate::world::World;

#[tokio::test]
async fn products_and_inspections_can_be_described_further() {
    let world = World::new().await;
    let (id, product) = started(
        &world,
        "car",
        &json!({"car": {"plate": "AB1", "year": 2020}}),
    )
    .await;
    let put =
        async |path: String, body: Value| world.request("PUT", &path).json(&body).send().await;
    put(
        format!("/v1/inspection/car/{product}"),
        json!({"car": {"plate": "XY2"}, "inputs": []}),
    )
    .await
    .json(200);
    put(
        format!("/v1/inspection/moto/{product}"),
        json!({"moto": {"plate": "XY3"}}),
    )
    .await
    .problem(ProblemCode::NotFound);
    put(
        format!("/v1/inspection/{id}"),
        json!({"consumer": {"firstName": "Ana"}, "metadata": {"a": "1"}}),
    )
    .await
    .json(200);
    put(
        format!("/v1/inspection/{id}"),
        json!({"consumer": {"lastName": "Paz"}, "metadata": {"b": "2"}}),
    )
    .await
    .json(200);
    let after = read(&world, &id).await;
    assert_eq!(
        after["products"][0]["attributes"],
        json!({"plate": "XY2", "year": 2020})
    );
    assert_eq!(after["metadata"], json!({"a": "1", "b": "2"}));
    assert_eq!(after["identity"]["firstName"], "Ana");
    assert_eq!(after["identity"]["lastName"], "Paz");
    // Node sends the bare object of machinery.
    let (id, product) = started(
        &world,
        "machinery",
        &json!({"machinery": {"type": "tractor"}}),
    )
    .await;
    put(
        format!("/v1/inspection/machinery/{product}"),
        json!({"make": "Deere", "type": "seeder"}),
    )
    .await
    .json(200);
    let after = read(&world, &id).await;
    assert_eq!(
        after["products"][0]["attributes"],
        json!({"type": "seeder", "make": "Deere"})
    );
}

#[tokio::test]
async fn goods_are_added_and_changed_on_one_path() {
    let world = World::new().await;
    let made = world
        .post("/v1/inspection/goods", &json!({"templateId": "easy"}))
        .await
        .json(201);
    assert_eq!(made["productIds"], json!([]));
    let id = made["inspectionId"].as_str().unwrap();
    let path = format!("/v1/inspection/goods/{id}");
    let body = json!({"goods": [{"type": "laptop", "make": "A"}, {"type": "tv", "make": "B"}]});
    let added = world.post(&path, &body).await.json(201);
    let ids = added["productIds"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 2);
    let path = format!("/v1/inspection/goods/{}", ids[1].as_str().unwrap());
    let good = json!({"good": {"type": "drone", "category": "x", "price": "10"}});
    let changed = world.post(&path, &good).await.json(200);
    assert_eq!(changed["productIds"], json!([ids[1]]));
    let after = read(&world, id).await;
    assert_eq!(after["products"][0]["attributes"]["make"], "A");
    assert_eq!(
        after["products"][1]["attributes"],
        json!({"type": "tv", "make": "B", "price": "10"})
    );
    for wrong in [json!({}), json!({"goods": [], "good": {}})] {
        world
            .post(&path, &wrong)
            .await
            .problem(ProblemCode::InvalidBody);
    }
}
