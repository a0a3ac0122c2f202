//! Files that are given as values of inputs: what is kept, and what comes out again.

use axum::body::Body;
use bytes::Bytes;
use heraldo_domain::photo::{Coordinates, PhotoFormat};
use heraldo_media::testing::PhotoMaker;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{Answer, PUBLIC_URL, World};

const BOUNDARY: &str = "--------------------------478203962110238400127341";

/// A template with one file that may come with the create.
async fn template(world: &World) -> Value {
    let template = json!({
        "name": "papers", "inspectionType": "car", "images": [],
        "inputs": [{"identifier": "input_paper", "label": "Paper", "type": "file", "stages": "create"}],
    });
    let made = world.post("/v1/inspection/template", &template).await;
    made.json(201)["_id"].clone()
}

/// As Node sends it: the file first, the JSON last.
async fn create(world: &World, template: &Value, file: &[u8]) -> Answer {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"input_paper\"; filename=\"paper.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    let data = json!({"templateId": template});
    body.extend_from_slice(
        format!(
            "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n--{BOUNDARY}--\r\n"
        )
        .as_bytes(),
    );
    let call = world.request("POST", "/v1/inspection/car").header(
        "content-type",
        &format!("multipart/form-data; boundary={BOUNDARY}"),
    );
    call.body(Body::from(body)).send().await
}

/// What whoever has the address of the value gets.
async fn fetched(world: &World, created: &Answer) -> Bytes {
    let id = created.json(201)["inspectionId"].clone();
    let path = format!("/v1/inspection/{}", id.as_str().unwrap());
    let read = world.get(&path).await.json(200);
    let input = &read["products"][0]["inputs"][0];
    assert_eq!(input["identifier"], "input_paper");
    let address = input["value"].as_str().unwrap();
    let path = address.strip_prefix(PUBLIC_URL).unwrap();
    let answer = world.bare("GET", path).send().await;
    assert_eq!(answer.status, 200, "{address}");
    answer.body
}

#[tokio::test]
async fn a_picture_comes_out_without_the_place_where_it_was_taken() {
    let world = World::new().await;
    let template = template(&world).await;
    let home = Coordinates {
        latitude: 40.4168,
        longitude: -3.7038,
    };
    for format in [PhotoFormat::Jpeg, PhotoFormat::Png, PhotoFormat::Webp] {
        let with = PhotoMaker::new(format, 90, 60).place(home).make();
        let location = |bytes: &Bytes| world.context.photos.head(bytes).unwrap().location;
        assert!(location(&with).is_some(), "{format:?}");
        let without = fetched(&world, &create(&world, &template, &with).await).await;
        assert_eq!(location(&without), None, "{format:?}");
        let clean = world.context.photos.without_metadata(&with).unwrap();
        assert_eq!(without, clean, "{format:?}");
    }
}

#[tokio::test]
async fn what_is_no_picture_comes_out_as_it_went_in() {
    let world = World::new().await;
    let template = template(&world).await;
    for file in [
        &b"%PDF-1.7\n%\xe2\xe3 /Exif"[..],
        b"a text",
        b"GIF89a",
        b"\0\x01\x02",
    ] {
        let created = create(&world, &template, file).await;
        assert_eq!(fetched(&world, &created).await, file);
    }
}

#[tokio::test]
async fn a_picture_from_which_the_place_cannot_be_taken_is_refused() {
    let world = World::new().await;
    let template = template(&world).await;
    let cut_off = PhotoMaker::jpeg(90, 60).make().slice(..400);
    for (file, said) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (&cut_off, "cut off"),
    ] {
        let refused = create(&world, &template, file).await;
        let detail = refused.problem(ProblemCode::InvalidInput);
        assert!(
            detail.contains("`input_paper`") && detail.contains(said),
            "{detail}"
        );
    }
}
