//! Checks of photos from the upload to the verdict, and what an outside processor needs for its own.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use heraldo_domain::ops::{Processor, Settings};
use heraldo_domain::ports::{Callback, CallbackFailed, Callbacks};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::images::{form_of, photo, read, send, started};
use crate::world::{PUBLIC_URL, World, id_in};

/// Uploads a photo that was taken there, now.
async fn upload_from(world: &World, product: &str, side: &str, latitude: f64, number: u32) {
    let path = format!("/v1/inspection/image/{product}");
    let data = json!({
        "side": side, "date": "2026-11-18T09:46:40.000Z",
        "coordinates": {"latitude": latitude, "longitude": -58.3816},
    });
    let call = world.request("POST", &path);
    send(call, &photo(number), &data).await.json(201);
    world.run_jobs().await;
}

#[tokio::test]
async fn photos_that_lie_far_apart_fail_the_check_distance_and_the_inspection() {
    let template = |required: bool| {
        let distance = json!({"validation": "distance", "run": true, "required": required});
        json!({
            "name": format!("place {required}"), "inspectionType": "bike",
            "images": [
                {"side": "front", "validations": [distance]},
                {"side": "back", "validations": [distance]},
            ],
        })
    };
    // A thousandth of a degree is 111 m; 200 m are allowed.
    for (required, second, valid, veredict) in [
        (true, -34.6047, true, "approved"),
        (true, -34.6137, false, "disapproved"),
        (false, -34.6137, false, "approved"),
    ] {
        let world = World::new().await;
        let made = world
            .post("/v1/inspection/template", &template(required))
            .await;
        let more = json!({"templateId": made.json(201)["_id"]});
        let (id, product) = started(&world, "bike", &more).await;
        upload_from(&world, &product, "front", -34.6037, 1).await;
        upload_from(&world, &product, "back", second, 2).await;
        let finish = format!("/v1/inspection/finish/{id}");
        world.post(&finish, &json!({})).await.json(200);
        let read = read(&world, &id).await;
        assert_eq!(read["veredict"], veredict, "{read}");
        let images = read["products"][0]["images"].as_array().unwrap();
        let found = |side: &str| {
            let image = images.iter().find(|image| image["side"] == side).unwrap();
            (image["validations"][0].clone(), image["approved"].clone())
        };
        let (first, _) = found("front");
        assert_eq!(
            (&first["type"], &first["valid"]),
            (&json!("distance"), &json!(true))
        );
        assert_eq!(
            first["confidence"], 0.5,
            "there was nothing to compare it with"
        );
        let (second, approved) = found("back");
        assert_eq!(second["valid"], valid);
        assert_eq!(approved, valid || !required);
    }
}

#[derive(Debug, Default)]
struct Recorded(Mutex<Vec<Callback>>);

#[async_trait]
impl Callbacks for Recorded {
    async fn post(&self, callback: Callback) -> Result<Bytes, CallbackFailed> {
        self.0.lock().unwrap().push(callback);
        Ok(Bytes::new())
    }
}

#[tokio::test]
async fn an_outside_processor_can_fetch_the_photo_that_it_is_asked_about() {
    let mut world = World::new().await;
    let asked = Arc::new(Recorded::default());
    world.context.callbacks = asked.clone();
    world.context.settings = Arc::new(Settings {
        processor: Some(Processor {
            url: "https://processor.example.com/look".to_owned(),
            secret: None,
        }),
        ..Settings::default()
    });
    let template = json!({
        "name": "plates", "inspectionType": "car",
        "images": [{"side": "front", "validations": [{"validation": "plate", "run": true, "required": true}]}],
    });
    let made = world.post("/v1/inspection/template", &template).await;
    let more = json!({"templateId": made.json(201)["_id"]});
    let (id, product) = started(&world, "car", &more).await;
    let path = format!("/v1/inspection/image/{product}");
    let image = photo(1);
    send(
        world.request("POST", &path),
        &image,
        &json!({"side": "front"}),
    )
    .await
    .json(201);
    world.run_jobs().await;
    let asked = asked.0.lock().unwrap().remove(0);
    assert_eq!(asked.url, "https://processor.example.com/look");
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(request["inspectionId"], id.as_str());
    assert_eq!(request["validations"], json!(["plate"]));
    let shown = read(&world, &id).await;
    let shown = &shown["products"][0]["images"][0];
    assert_eq!(request["_id"], shown["_id"]);
    // It has no key of ours.
    let address = request["src"].as_str().unwrap();
    let path = address.strip_prefix(PUBLIC_URL).unwrap();
    let fetched = world.bare("GET", path).send().await;
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.header("content-type"), Some("image/jpeg"));
    assert_eq!(fetched.body, image, "this photo has no metadata to lose");
    let path = format!("/v1/inspection/image/{}/result", id_in(&request));
    let verdict = json!({"validations": [{"type": "plate", "valid": true, "confidence": 0.9}]});
    world.post(&path, &verdict).await.json(200);
    let shown = read(&world, &id).await;
    assert_eq!(shown["products"][0]["images"][0]["approved"], true);
}

#[tokio::test]
async fn a_photo_of_more_than_20_mib_is_a_413_by_key_and_by_token() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    let path = format!("/v1/inspection/image/token/{product}");
    let made = world.post(&path, &json!({"side": "front"})).await.json(201);
    let token = made["token"].as_str().unwrap();
    let path = format!("/v1/inspection/image/{product}");
    let mut large = photo(1).to_vec();
    large.resize(20 << 20, 0);
    let (content_type, body) = form_of(&large.into(), &json!({"side": "front"}));
    let body = Bytes::from(body);
    for call in [
        world.request("POST", &path),
        world.bare("POST", &path).header("x-image-token", token),
    ] {
        let call = call.header("content-type", &content_type);
        let answer = call.body(Body::from(body.clone())).send().await;
        answer.problem(ProblemCode::BodyTooLarge);
    }
    assert_eq!(read(&world, &id).await["products"][0]["images"], json!([]));
    // The token is not spent by that.
    let call = world.bare("POST", &path).header("x-image-token", token);
    send(call, &photo(1), &json!({"side": "front"}))
        .await
        .json(201);
}
