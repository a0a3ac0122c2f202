//! Photos that cannot be or say what cannot be, sent over the API: a clear refusal, or a stated result.

use bytes::Bytes;
use heraldo_domain::photo::PhotoFormat;
use heraldo_media::testing::{PhotoMaker, Tag};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::images::{photo, read, send, started, upload};
use crate::world::World;

/// A PNG whose head claims so many pixels.
fn claiming(width: u32, height: u32) -> Bytes {
    let mut bytes = PhotoMaker::new(PhotoFormat::Png, 10, 10).make().to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes.into()
}

#[tokio::test]
async fn what_is_no_photo_is_refused_in_words_that_say_what_to_send() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    let whole = photo(1);
    let cut = |share: usize| whole.slice(..whole.len() * share / 100);
    let heic = Bytes::from_static(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    for (bytes, said) in [
        (
            Bytes::from_static(b"a text named photo.jpg"),
            "this is text",
        ),
        (Bytes::from_static(b"<!doctype html><p>"), "a web page"),
        (Bytes::from_static(b"%PDF-1.7"), "a PDF document"),
        (heic, "HEIC photo; send JPEG, PNG or WebP"),
        (claiming(8_000, 5_000), "more than the 36 million"),
        (claiming(u32::MAX, u32::MAX), "more than the 36 million"),
        (claiming(1, 30_000), "no edge may be longer than 20000"),
        (cut(1), "cut off"),
        (cut(50), "cut off"),
        (cut(99), "cut off"),
        (Bytes::new(), "the part `image` is empty"),
    ] {
        let answer = upload(&world, &product, "front", &bytes).await;
        let detail = answer.problem(ProblemCode::InvalidImage);
        assert!(detail.contains(said), "{said}: {detail}");
    }
    let product = &read(&world, &id).await["products"][0];
    assert_eq!(product["images"], json!([]));
    let kept = std::fs::read_dir(world.folder.path().join("inspections"));
    assert!(kept.is_err(), "a refused photo stays on the disk");
}

#[tokio::test]
async fn coordinates_that_no_place_has_are_refused_with_their_name() {
    let world = World::new().await;
    let (_, product) = started(&world, "car", &json!({})).await;
    let upload = format!("/v1/inspection/image/{product}");
    let token = format!("/v1/inspection/image/token/{product}");
    for (latitude, longitude, named) in [
        (json!(91), json!(0), "latitude"),
        (json!(-90.01), json!(0), "latitude"),
        (json!(0), json!(181), "longitude"),
        (json!(0), json!(-1e300), "longitude"),
        (json!("south"), json!(0), "latitude"),
        (json!(0), Value::Null, "longitude"),
    ] {
        let coordinates = json!({"latitude": latitude, "longitude": longitude});
        let data = json!({"side": "front", "coordinates": coordinates});
        let answer = send(world.request("POST", &upload), &photo(1), &data).await;
        let detail = answer.problem(ProblemCode::InvalidBody);
        assert!(detail.contains(named), "{coordinates}: {detail}");
        let answer = world.post(&token, &data).await;
        let detail = answer.problem(ProblemCode::InvalidBody);
        assert!(detail.contains(named), "{coordinates}: {detail}");
    }
}

#[tokio::test]
async fn a_camera_that_says_1904_or_2099_or_an_impossible_place_is_judged_and_not_trusted() {
    let world = World::new().await;
    let more = json!({"templateId": "deep"});
    let (id, product) = started(&world, "custom", &more).await;
    let of = |degrees: u32| [(degrees, 1), (0, 1), (0, 1)];
    let taken = |scene: u32, date: &str| {
        PhotoMaker::jpeg(640, 480)
            .scene(scene)
            .taken(date)
            .ascii(Tag::GPSLatitudeRef, "N")
            .rationals(Tag::GPSLatitude, of(91))
            .ascii(Tag::GPSLongitudeRef, "E")
            .rationals(Tag::GPSLongitude, of(181))
            .make()
    };
    let path = format!("/v1/inspection/image/{product}");
    for (side, photo) in [
        ("front", taken(1, "1904:01:01 00:00:00")),
        ("back", taken(2, "2099:12:31 23:59:59")),
    ] {
        // What the request says of its time does not count beside the camera's.
        let data = json!({"side": side, "date": "2026-11-18T00:00:00.000Z"});
        let call = world.request("POST", &path);
        send(call, &photo, &data).await.json(201);
    }
    world.run_jobs().await;
    let path = format!("/v1/inspection/finish/{id}");
    world.post(&path, &json!({})).await.json(200);
    let after = read(&world, &id).await;
    assert_eq!(after["veredict"], "disapproved", "{after}");
    for image in after["custom"]["images"].as_array().unwrap() {
        let checks = image["validations"].as_array().unwrap();
        for kind in ["date", "distance"] {
            let check = checks.iter().find(|check| check["type"] == kind).unwrap();
            assert_eq!(check["valid"], false, "{image}");
        }
    }
}
