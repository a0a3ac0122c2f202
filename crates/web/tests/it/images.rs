//! Photos over the API: uploads with keys and tokens, what is found on them, and the events and verdicts that
//! follow. The files and the decoder are the real ones.

use axum::body::Body;
use bytes::Bytes;
use heraldo_domain::photo::{Coordinates, PhotoFormat};
use heraldo_domain::store::Store as _;
use heraldo_media::testing::PhotoMaker;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{Answer, Call, World};

const BOUNDARY: &str = "--------------------------478203962110238400127341";

/// As Node sends a Buffer: the file first and without a name, the JSON last.
fn form(image: &Bytes, data: &Value) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(image);
    body.extend_from_slice(
        format!(
            "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n\
             --{BOUNDARY}--\r\n"
        )
        .as_bytes(),
    );
    body
}

/// The type of a form and its bytes.
pub fn form_of(image: &Bytes, data: &Value) -> (String, Vec<u8>) {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    (content_type, form(image, data))
}

pub async fn send(call: Call<'_>, image: &Bytes, data: &Value) -> Answer {
    let (content_type, body) = form_of(image, data);
    let call = call.header("content-type", &content_type);
    call.body(Body::from(body)).send().await
}

pub async fn upload(world: &World, product: &str, side: &str, image: &Bytes) -> Answer {
    let path = format!("/v1/inspection/image/{product}");
    let data = json!({
        "productId": product,
        "side": side,
        "coordinates": {"latitude": -34.6037, "longitude": -58.3816},
        "date": "2026-11-18T00:00:00.000Z",
    });
    send(world.request("POST", &path), image, &data).await
}

/// A sharp photo; another number is another picture.
pub fn photo(number: u32) -> Bytes {
    PhotoMaker::jpeg(640, 480).scene(number).make()
}

/// A started inspection: its id and its product's.
pub async fn started(world: &World, kind: &str, more: &Value) -> (String, String) {
    let mut body = json!({"templateId": "easy", "initialStatus": "started"});
    let object = body.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    let path = format!("/v1/inspection/{kind}");
    let made = world.post(&path, &body).await.json(201);
    let product = match &made["productIds"] {
        Value::Array(ids) => ids[0].clone(),
        _ => made["productId"].clone(),
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["inspectionId"]), text(&product))
}

pub async fn read(world: &World, id: &str) -> Value {
    world.get(&format!("/v1/inspection/{id}")).await.json(200)
}

/// The events of an inspection, oldest first.
pub async fn events(world: &World, id: &str) -> Vec<Value> {
    let path = format!("/v1/notification/event?inspectionId={id}&limit=100");
    let page = world.get(&path).await.json(200);
    let mut events = Vec::new();
    for event in page["data"].as_array().unwrap().iter().rev() {
        let id = event["_id"].as_str().unwrap();
        let path = format!("/v1/notification/event/{id}");
        let whole = world.get(&path).await.json(200);
        let body = whole["body"].as_str().unwrap();
        events.push(serde_json::from_str(body).unwrap());
    }
    events
}

pub fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_life_of_an_inspection_of_every_type() {
    let world = World::new().await;
    let cases = [
        ("car", json!({"car": {"plate": "AB123CD"}}), "product", 4),
        ("moto", json!({}), "product", 4),
        ("bike", json!({}), "product", 2),
        (
            "machinery",
            json!({"machinery": {"type": "tractor"}}),
            "product",
            4,
        ),
        (
            "goods",
            json!({"goods": [{"type": "laptop"}]}),
            "product",
            2,
        ),
        ("people", json!({}), "identity", 1),
        ("custom", json!({}), "custom", 1),
        ("cellphone", json!({}), "product", 2),
    ];
    for (number, (kind, more, target, sides)) in (0_u32..).zip(cases) {
        let (id, product) = started(&world, kind, &more).await;
        let template = heraldo_domain::template::built_in(kind.parse().unwrap(), "easy").unwrap();
        assert_eq!(template.images.len(), sides, "{kind}");
        for (place, image) in (0_u32..).zip(&template.images) {
            let photo = photo(100 * (number + 1) + place);
            upload(&world, &product, &image.side, &photo)
                .await
                .json(201);
        }
        let path = format!("/v1/inspection/finish/{id}");
        world.post(&path, &json!({})).await.json(200);
        assert_eq!(read(&world, &id).await["status"], "processing", "{kind}");
        world.run_jobs().await;
        let after = read(&world, &id).await;
        assert_eq!(after["status"], "completed", "{kind}");
        assert_eq!(after["veredict"], "approved", "{kind}: {after}");
        let events = events(&world, &id).await;
        let mut expected = vec!["inspection_created"];
        expected.extend(vec!["image_processed"; sides]);
        expected.push("inspection_completed");
        assert_eq!(names(&events), expected, "{kind}");
        let payload = &events[1]["payload"];
        assert_eq!(payload["type"], target, "{kind}");
        assert_eq!(payload["inspectionType"], kind);
        let image = match target {
            "product" => &payload["product"]["image"][0],
            target => &payload[target]["image"],
        };
        assert_eq!(image["processed"], true, "{kind}");
        let checks: Vec<_> = image["validations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (
                    one["type"].as_str().unwrap(),
                    one["valid"].as_bool().unwrap(),
                )
            })
            .collect();
        assert_eq!(checks, [("date", true), ("distance", true)], "{kind}");
    }
}

#[tokio::test]
async fn an_upload_needs_a_started_inspection_a_side_and_a_photo() {
    let world = World::new().await;
    let made = world.create_inspection().await;
    let product = made["productId"].as_str().unwrap();
    upload(&world, product, "front", &photo(1))
        .await
        .problem(ProblemCode::Conflict);
    let (id, product) = started(&world, "car", &json!({})).await;
    let path = format!("/v1/inspection/image/{product}");
    send(world.request("POST", &path), &photo(1), &json!({}))
        .await
        .problem(ProblemCode::InvalidBody);
    let out_of_range = json!({"side": "front", "coordinates": {"latitude": 91, "longitude": 0}});
    let answer = send(world.request("POST", &path), &photo(1), &out_of_range).await;
    assert!(
        answer
            .problem(ProblemCode::InvalidBody)
            .contains("latitude")
    );
    for (what, bytes) in [
        ("text", Bytes::from_static(b"not a photo at all")),
        ("cut off", photo(1).slice(..5_000)),
        ("empty", Bytes::new()),
    ] {
        let answer = upload(&world, &product, "front", &bytes).await;
        let detail = answer.problem(ProblemCode::InvalidImage);
        assert!(!detail.is_empty(), "{what}");
    }
    let path = format!("/v1/inspection/finish/{id}");
    world.post(&path, &json!({})).await.json(200);
    upload(&world, &product, "front", &photo(1))
        .await
        .problem(ProblemCode::Conflict);
    assert_eq!(read(&world, &id).await["veredict"], "not_provided");
    let kept = std::fs::read_dir(world.folder.path().join("inspections"));
    assert!(kept.is_err(), "a refused photo stays on the disk");
}

#[tokio::test]
async fn an_image_token_uploads_one_photo_of_its_side() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    // The PHP SDK asks on the upload path (contract C12).
    for path in [
        format!("/v1/inspection/image/token/{product}"),
        format!("/v1/inspection/image/{product}"),
    ] {
        let asked = world.post(&path, &json!({"side": "front"})).await.json(201);
        let token = asked["token"].as_str().unwrap();
        let path = format!("/v1/inspection/image/{product}");
        let by_token = || world.bare("POST", &path).header("x-image-token", token);
        send(by_token(), &photo(1), &json!({"side": "back"}))
            .await
            .problem(ProblemCode::InvalidCredentials);
        send(by_token(), &photo(1), &json!({"side": "front"}))
            .await
            .json(201);
        send(by_token(), &photo(2), &json!({"side": "front"}))
            .await
            .problem(ProblemCode::InvalidCredentials);
    }
    let path = format!("/v1/inspection/image/token/{product}");
    let asked = world.post(&path, &json!({"side": "front"})).await.json(201);
    world.clock.step(15 * 60 * 1_000);
    let path = format!("/v1/inspection/image/{product}");
    let token = asked["token"].as_str().unwrap();
    let call = world.bare("POST", &path).header("x-image-token", token);
    send(call, &photo(3), &json!({"side": "front"}))
        .await
        .problem(ProblemCode::InvalidCredentials);
    // A wrong token is refused even beside a right key (contract 1.1).
    let call = world
        .request("POST", &path)
        .header("x-image-token", "img_0");
    send(call, &photo(3), &json!({"side": "front"}))
        .await
        .problem(ProblemCode::InvalidCredentials);
    world.run_jobs().await;
    let images = &read(&world, &id).await["products"][0]["images"];
    assert_eq!(images.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn of_two_uploads_with_one_token_one_counts() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    let path = format!("/v1/inspection/image/token/{product}");
    let asked = world.post(&path, &json!({"side": "front"})).await.json(201);
    let token = asked["token"].as_str().unwrap();
    let path = format!("/v1/inspection/image/{product}");
    let go = |number| {
        let call = world.bare("POST", &path).header("x-image-token", token);
        let image = photo(number);
        async move { send(call, &image, &json!({})).await.status.as_u16() }
    };
    let mut answers = [0; 4];
    let (a, b, c, d) = tokio::join!(go(1), go(2), go(3), go(4));
    answers.copy_from_slice(&[a, b, c, d]);
    answers.sort_unstable();
    assert_eq!(answers, [201, 401, 401, 401]);
    let images = &read(&world, &id).await["products"][0]["images"];
    assert_eq!(images.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_side_that_the_template_lacks_makes_an_extra_photo() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    upload(&world, &product, "tailgate", &photo(1))
        .await
        .json(201);
    world.run_jobs().await;
    let product = &read(&world, &id).await["products"][0];
    assert_eq!(product["images"], json!([]));
    assert_eq!(product["extraImages"][0]["side"], "tailgate");
    assert_eq!(product["extraImages"][0]["target"], "product");
    assert_eq!(product["extraImages"][0]["approved"], true);
    let events = events(&world, &id).await;
    assert_eq!(
        names(&events),
        ["inspection_created", "extra_image_processed"]
    );
}

#[tokio::test]
async fn a_served_photo_has_no_place_in_it_and_its_address_ends() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    let place = Coordinates::new(-34.6037, -58.3816).unwrap();
    let taken = PhotoMaker::jpeg(640, 480)
        .taken("2026:11:18 00:00:00")
        .place(place)
        .make();
    upload(&world, &product, "front", &taken).await.json(201);
    world.run_jobs().await;
    let image = read(&world, &id).await["products"][0]["images"][0].clone();
    let src = image["src"].as_str().unwrap();
    let path = src.strip_prefix(crate::world::PUBLIC_URL).unwrap();
    let answer = world.bare("GET", path).send().await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    let has_exif = |bytes: &[u8]| bytes.windows(4).any(|window| window == b"Exif");
    assert!(has_exif(&taken) && !has_exif(&answer.body));
    let changed = path.replacen("/files/", "/files/A", 1);
    world
        .bare("GET", &changed)
        .send()
        .await
        .problem(ProblemCode::NotFound);
    world.clock.step(31 * 86_400 * 1_000);
    world
        .bare("GET", path)
        .send()
        .await
        .problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn photos_that_do_not_hold_disapprove_where_the_template_requires_it() {
    let world = World::new().await;
    let more = json!({"templateId": "deep"});
    let (id, product) = started(&world, "custom", &more).await;
    let old = PhotoMaker::new(PhotoFormat::Jpeg, 640, 480)
        .taken("1904:01:01 00:00:00")
        .make();
    upload(&world, &product, "front", &old).await.json(201);
    upload(&world, &product, "back", &photo(2)).await.json(201);
    world.run_jobs().await;
    let path = format!("/v1/inspection/finish/{id}");
    world.post(&path, &json!({})).await.json(200);
    let after = read(&world, &id).await;
    assert_eq!(after["veredict"], "disapproved", "{after}");
    let front = &after["custom"]["images"][0];
    assert_eq!(front["approved"], false, "{front}");
    assert_eq!(front["validations"][0]["type"], "date");
    assert_eq!(front["validations"][0]["valid"], false);
    // A reviewer sees that the clock of the phone was wrong.
    let review = json!({"images": [{"_id": front["_id"], "approved": true}]});
    let path = format!("/v1/inspection/{id}/review");
    let answer = world.post(&path, &review).await.json(200);
    assert_eq!(answer["veredict"], "approved");
    let again = world.post(&path, &review).await.json(200);
    assert_eq!(again["veredict"], "approved");
    let events = events(&world, &id).await;
    assert_eq!(
        names(&events),
        [
            "inspection_created",
            "image_processed",
            "image_processed",
            "inspection_completed",
            "inspection_reviewed"
        ]
    );
    let unknown = json!({"images": [{"_id": id, "approved": true}]});
    world
        .post(&path, &unknown)
        .await
        .problem(ProblemCode::InvalidBody);
}

#[tokio::test]
async fn the_same_picture_twice_is_seen() {
    let world = World::new().await;
    let more = json!({"templateId": "deep"});
    let (first, product) = started(&world, "custom", &more).await;
    upload(&world, &product, "front", &photo(5)).await.json(201);
    let (second, product) = started(&world, "custom", &more).await;
    world.run_jobs().await;
    upload(&world, &product, "front", &photo(5)).await.json(201);
    world.run_jobs().await;
    let duplicate = async |id: &str| {
        let image = read(&world, id).await["custom"]["images"][0].clone();
        let checks = image["validations"].as_array().unwrap().clone();
        let found = checks.into_iter().find(|one| one["type"] == "duplicate");
        found.unwrap()["valid"].clone()
    };
    assert_eq!(duplicate(&first).await, true);
    assert_eq!(duplicate(&second).await, false);
}

#[tokio::test]
async fn a_photo_whose_pixels_cannot_be_read_is_disapproved_and_told_of() {
    let world = World::new().await;
    let (id, product) = started(&world, "custom", &json!({})).await;
    let whole = PhotoMaker::new(PhotoFormat::Png, 640, 480).make();
    let mut broken = whole.to_vec();
    // The head and the end stay; what lies between is damaged.
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0xa5);
    upload(&world, &product, "front", &broken.into())
        .await
        .json(201);
    let path = format!("/v1/inspection/finish/{id}");
    world.post(&path, &json!({})).await.json(200);
    world.run_jobs().await;
    let after = read(&world, &id).await;
    assert_eq!(after["status"], "completed");
    assert_eq!(after["veredict"], "disapproved", "{after}");
    assert_eq!(
        after["custom"]["images"][0]["validations"][0]["type"],
        "readable"
    );
}

#[tokio::test]
async fn when_the_storage_is_gone_nothing_is_stored_and_later_it_works() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    upload(&world, &product, "front", &photo(1)).await.json(201);
    let folder = world.folder.path().join("inspections").join(&id);
    let away = world.folder.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    world.try_jobs().await;
    assert_eq!(
        read(&world, &id).await["products"][0]["images"][0]["processed"],
        false
    );
    std::fs::rename(&away, &folder).unwrap();
    world.clock.step(1_000);
    world.run_jobs().await;
    assert_eq!(
        read(&world, &id).await["products"][0]["images"][0]["processed"],
        true
    );
    let events = events(&world, &id).await;
    assert_eq!(names(&events), ["inspection_created", "image_processed"]);
}

#[tokio::test]
async fn a_storage_that_is_down_for_a_minute_costs_time_and_nothing_else() {
    let world = World::new().await;
    let (id, product) = started(&world, "car", &json!({})).await;
    upload(&world, &product, "front", &photo(1)).await.json(201);
    // Whatever goes through a link to itself fails, and nothing is missing.
    let folder = world.folder.path().join("inspections");
    let away = world.folder.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    std::os::unix::fs::symlink(&folder, &folder).unwrap();
    for second in 0..60 {
        assert_eq!(world.try_jobs().await, 0);
        if second % 20 == 0 {
            let refused = upload(&world, &product, "back", &photo(2)).await;
            refused.problem(ProblemCode::Unavailable);
        }
        world.clock.step(1_000);
    }
    let job = world.store.jobs(None, 10).await.unwrap().remove(0);
    // After 1, 2, 4, 8, 16 and 32 s.
    assert_eq!(job.failures, 6);
    assert_eq!(names(&events(&world, &id).await), ["inspection_created"]);
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    upload(&world, &product, "back", &photo(2)).await.json(201);
    world.clock.step(32_000);
    world.run_jobs().await;
    let path = format!("/v1/inspection/finish/{id}");
    world.post(&path, &json!({})).await.json(200);
    let shown = read(&world, &id).await;
    let images = shown["products"][0]["images"].as_array().unwrap();
    assert_eq!(images.len(), 2, "{shown}");
    assert!(
        images.iter().all(|image| image["approved"] == true),
        "{shown}"
    );
    assert_eq!(
        names(&events(&world, &id).await),
        [
            "inspection_created",
            "image_processed",
            "image_processed",
            "inspection_completed"
        ]
    );
}
