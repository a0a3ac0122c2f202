//! What goes wrong around photos while the real server runs: an outside processor that is silent or says it
//! twice, no room in the middle of an upload, storage that is away.

use std::collections::HashSet;
use std::path::Path;

use heraldo_domain::photo::PhotoFormat;
use heraldo_media::testing::PhotoMaker;
use heraldo_wire::signature::{Secret, Signer};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Answer, Api, text};
use crate::photos::{send_photo, started, upload};
use crate::process::Setup;
use crate::receiver::{Reaction, Received, Receiver};
use crate::waiting::eventually;

#[expect(dead_code, reason = "the tests of storage use all of it")]
#[path = "../../../media/tests/it/s3_server.rs"]
mod s3_server;

use s3_server::{ACCESS_KEY_ID, BUCKET, S3Server, SECRET_ACCESS_KEY};

fn small() -> Vec<u8> {
    PhotoMaker::jpeg(320, 240).make().to_vec()
}

fn of_photos(got: &[Received]) -> Vec<Value> {
    let about = got
        .iter()
        .filter(|received| received.event() == "image_processed");
    about.map(Received::json).collect()
}

fn photo_in(event: &Value) -> &Value {
    &event["payload"]["product"]["image"][0]
}

#[test]
fn a_silent_processor_is_a_failed_check_and_a_second_answer_changes_nothing() {
    const SECRET: &str = "whsec_of_the_processor";
    let folder = tempdir().unwrap();
    // It takes one request and never answers the other; both are told of by its own call, or not at all.
    let processor = Receiver::new(|asked: &Received| match asked.json()["side"] == "back" {
        true => Reaction::Hang,
        false => Reaction::Status(200),
    });
    let receiver = Receiver::ok();
    let secret = folder.path().join("processor-secret");
    std::fs::write(&secret, SECRET).unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_IMAGE_PROCESSOR_URL", processor.url())
        .env(
            "HERALDO_IMAGE_PROCESSOR_SECRET_FILE",
            secret.to_str().unwrap(),
        )
        .env("HERALDO_IMAGE_PROCESSOR_TIMEOUT", "5s")
        .start();
    let api = server.api();
    api.webhook(&receiver.url());
    let plate = json!([{ "validation": "plate", "run": true, "required": true }]);
    let sides = ["front", "back"].map(|side| json!({ "side": side, "validations": plate }));
    let template = json!({ "name": "Patente", "inspectionType": "car", "images": sides });
    let template = api.post(201, "/v1/inspection/template", template);
    let body = json!({ "templateId": template["_id"], "initialStatus": "started" });
    let made = api.post(201, "/v1/inspection/car", body);
    let product = text(&made["productId"]);
    assert_eq!(upload(&api, &product, "front", &small()), 201);
    assert_eq!(upload(&api, &product, "back", &small()), 201);

    let asked = processor.wait_for(2);
    let signer = Signer::new(&Secret::parse(SECRET).unwrap());
    for request in &asked {
        let signature = signer.sign_body(&request.body);
        assert_eq!(
            request.header("autoinspector-signature"),
            signature.as_str()
        );
        assert_eq!(request.json()["validations"], json!(["plate"]));
    }
    let front = asked
        .iter()
        .map(Received::json)
        .find(|asked| asked["side"] == "front");
    let result = format!(
        "/v1/inspection/image/{}/result",
        text(&front.unwrap()["_id"])
    );
    let said = json!({ "validations": [{ "type": "plate", "valid": true, "confidence": 0.9 }] });
    api.post(200, &result, said.clone());
    let again = api.call("POST", &result, Some(&said)).unwrap();
    assert_eq!(again.status, 409);
    // Nobody says anything of the other one.
    let got = receiver.wait("both photos are told of", |got| of_photos(got).len() == 2);
    let told = of_photos(&got);
    for (event, side, valid, confidence) in [
        (&told[0], "front", true, 0.9),
        (&told[1], "back", false, 0.0),
    ] {
        let photo = photo_in(event);
        assert_eq!(photo["side"], side);
        assert_eq!(photo["approved"], valid);
        let check = &photo["validations"][0];
        assert_eq!(check["type"], "plate");
        assert_eq!(
            (&check["valid"], check["confidence"].as_f64()),
            (&json!(valid), Some(confidence))
        );
    }
    let late = format!(
        "/v1/inspection/image/{}/result",
        text(&photo_in(&told[1])["_id"])
    );
    assert_eq!(api.call("POST", &late, Some(&said)).unwrap().status, 409);
    let finish = format!("/v1/inspection/finish/{}", text(&made["inspectionId"]));
    api.post(200, &finish, json!({}));
    let is_end = |received: &Received| received.event() == "inspection_completed";
    let got = receiver.wait("it is completed", |got| got.iter().any(is_end));
    let end = got.iter().find(|received| is_end(received)).unwrap().json();
    assert_eq!(end["payload"]["veredict"], "disapproved");
    assert_eq!(of_photos(&got).len(), 2, "a photo was told of twice");
}

fn refused(answer: &Answer, code: &str) {
    let problem = answer.json();
    assert_eq!(
        (answer.status, &problem["code"]),
        (503, &json!(code)),
        "{problem}"
    );
    assert!(answer.header("retry-after").is_some());
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn an_upload_for_which_there_is_no_room_is_refused_whole_and_a_smaller_one_is_taken() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        // No file may grow past 2 MiB: the shell counts in blocks of 512 bytes.
        .before("trap '' XFSZ; ulimit -f 4096")
        .start();
    let api = server.api();
    let (id, product) = started(&api);
    let large = PhotoMaker::new(PhotoFormat::Png, 1_600, 1_200).make();
    assert!(large.len() > 2 << 20, "{}", large.len());
    refused(&send_photo(&api, &product, "front", &large), "storage_full");
    assert_eq!(
        files(&folder.path().join("files")),
        Vec::<std::path::PathBuf>::new()
    );
    let images =
        |api: &Api| api.get(&format!("/v1/inspection/{id}"))["products"][0]["images"].clone();
    assert_eq!(images(&api), json!([]));
    assert_eq!(upload(&api, &product, "front", &small()), 201);
    eventually("it is looked at", || {
        Some(images(&api)).filter(|images| images[0]["processed"] == true)
    });
}

#[test]
fn while_the_storage_is_away_uploads_are_refused_and_afterwards_all_is_told_once() {
    let folder = tempdir().unwrap();
    let place = tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let storage = runtime.block_on(S3Server::start(place.path()));
    let address = storage.address;
    let secret = place.path().join("secret");
    std::fs::write(&secret, SECRET_ACCESS_KEY).unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_S3_BUCKET", BUCKET)
        .env("HERALDO_S3_ENDPOINT", format!("http://{address}"))
        .env("HERALDO_S3_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("HERALDO_S3_SECRET_KEY_FILE", secret.to_str().unwrap())
        .start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let (id, product) = started(&api);
    assert_eq!(upload(&api, &product, "front", &small()), 201);
    let shown = api.get(&format!("/v1/inspection/{id}"));
    let file = text(&shown["products"][0]["images"][0]["src"]);
    let (_, file) = file.split_once("/files/").unwrap();
    let file = format!("/files/{file}");
    runtime.block_on(storage.stop());
    // The first photo may be waiting to be looked at; the second cannot be kept.
    refused(&send_photo(&api, &product, "back", &small()), "unavailable");
    refused(&api.call("GET", &file, None).unwrap(), "unavailable");
    api.post(
        201,
        &format!("/v1/inspection/{id}/report/request"),
        json!({}),
    );
    let _storage = runtime.block_on(S3Server::start_at(place.path(), address));
    assert_eq!(upload(&api, &product, "back", &small()), 201);
    assert_eq!(api.call("GET", &file, None).unwrap().status, 200);
    api.post(200, &format!("/v1/inspection/finish/{id}"), json!({}));
    let is_end = |received: &Received| received.event() == "inspection_completed";
    let got = receiver.wait("it is completed", |got| got.iter().any(is_end));
    let told = of_photos(&got);
    let photos: HashSet<_> = told
        .iter()
        .map(|event| text(&photo_in(event)["_id"]))
        .collect();
    assert_eq!((told.len(), photos.len()), (2, 2));
    let reports = format!("/v1/inspection/{id}/report/request");
    eventually("the report is written", || {
        let reports = api.get(&reports)["reportRequests"].clone();
        Some(reports).filter(|reports| reports[0]["status"] == "completed")
    });
}
