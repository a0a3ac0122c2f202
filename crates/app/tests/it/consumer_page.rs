//! The page behind the magic link in a real browser, from the code to the end, and what the company hears of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use heraldo_media::testing::PhotoMaker;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::browser::{Browser, Line, Look};
use crate::client::{Api, Made, text};
use crate::photos::of_inspection;
use crate::process::{Server, Setup};
use crate::receiver::{Received, Receiver};
use crate::secrets::verified;

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

fn link(server: &Server, made: &Made) -> String {
    let Made { id, access_code } = made;
    format!(
        "http://{}/inspection/{id}?accessCode={access_code}",
        server.address()
    )
}

fn wrong(made: &Made) -> &'static str {
    if made.access_code == "0000" {
        "0001"
    } else {
        "0000"
    }
}

/// The page as it is now has nothing to complain of; its picture is kept.
fn look_at(page: &Browser, name: &str) {
    page.assert_fits();
    page.assert_accessible();
    page.screenshot(name);
}

fn saved(folder: &Path, name: &str, photo: &PhotoMaker) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, photo.make()).unwrap();
    path
}

/// A site of the company's own, on which the consumer goes on.
fn shop() -> SocketAddr {
    const PAGE: &str = "<!doctype html><html lang=es><title>Seguro</title><main><h1>Seguimos con tu seguro</h1></main>";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the tests.
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4_096]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{PAGE}",
                PAGE.len()
            );
        }
    });
    address
}

/// Asks for a photo with strict checks, one without, one that may be left out, and two answers.
fn template(api: &Api) -> String {
    let check = |validation| json!({ "validation": validation, "run": true, "required": true });
    let strict = ["date", "distance", "sharpness"].map(check);
    let options = ["Roja", "Azul"].map(|label| json!({ "label": label }));
    let template = json!({
        "name": "Alta de bicicleta",
        "inspectionType": "bike",
        "images": [
            { "side": "front", "validations": strict },
            { "side": "sideLeft", "validations": [] },
            { "side": "sideRight", "required": false, "validations": [] },
        ],
        "inputs": [
            {
                "identifier": "frame", "label": "Número de cuadro", "type": "text", "stages": "update",
                "validationSchema": { "required": true },
            },
            {
                "identifier": "colour", "label": "Color", "type": "select", "options": options,
                "stages": "update", "validationSchema": { "required": false },
            },
        ],
    });
    text(&api.post(201, "/v1/inspection/template", template)["_id"])
}

fn is_end(received: &Received) -> bool {
    received.event() == "inspection_completed"
}

#[test]
fn a_consumer_walks_from_the_code_to_the_end_over_a_bad_line() {
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path());
    let server = setup.start();
    let api = server.api();
    let key = api.key.clone();
    let receiver = Receiver::ok();
    let secret = api.secret(&api.webhook(&receiver.url()));
    let shop = shop();
    let body = json!({
        "templateId": template(&api),
        "locale": "es_AR",
        "callbackURL": format!("http://{shop}/gracias?poliza=7"),
    });
    let made = Made::from(&api.post(201, "/v1/inspection/bike", body));
    let page = Browser::start(Look::PHONE);
    page.stand_at(-34.6037, -58.3816);
    page.open(&link(&server, &made));
    page.see("El código de tu enlace ya está puesto");
    look_at(&page, "consumer-start");
    page.assert_quiet();

    // A wrong code is told of and counted; the right one opens the page for this browser.
    let code = page.find("#code");
    code.clear();
    code.type_text(wrong(&made));
    page.find("form.code button").click();
    page.see("Intentos que te quedan: 2");
    look_at(&page, "consumer-wrong-code");
    let complaints = page.complaints();
    assert!(
        complaints.iter().all(|line| line.contains("403")),
        "{complaints:#?}"
    );
    page.find("#code").type_text(&made.access_code);
    page.find("form.code button").click();
    page.see("Toma cada foto");
    page.see("Compartir mi ubicación").click();
    page.see("Tu ubicación se enviará con cada foto");
    assert!(!page.find("[data-place] button").is_displayed());
    look_at(&page, "consumer-photos");

    // A photo that does not hold says why, where it was taken.
    let sharp = |name: &str, scene| {
        let photo = PhotoMaker::jpeg(1_280, 960).scene(scene).quality(95);
        saved(folder.path(), name, &photo)
    };
    let blurred = PhotoMaker::jpeg(1_280, 960).blurred();
    let file = |side: u32| format!("#photo-0-{side}-file");
    page.find(&file(0))
        .upload(&saved(folder.path(), "blurred.jpg", &blurred));
    page.find("#photo-0-0[data-status=rejected]");
    page.see("La foto está borrosa");
    look_at(&page, "consumer-rejected");

    // The line breaks in the middle of the next one; it goes out again by itself and counts once.
    page.network(Line::Slow {
        bytes_per_second: 10_000,
    });
    page.find(&file(0)).upload(&sharp("front.jpg", 2));
    page.find("#photo-0-0 progress:not([value='0']):not([hidden])");
    look_at(&page, "consumer-uploading");
    page.network(Line::Broken);
    page.see("Se cortó la conexión. Volvemos a intentar…");
    look_at(&page, "consumer-broken-line");
    page.complaints();
    page.network(Line::Whole);
    page.find("#photo-0-0[data-status=approved]");

    // Opened again, it goes on where it was, and asks for no code.
    page.open(&format!(
        "http://{}/inspection/{}",
        server.address(),
        made.id
    ));
    page.find("#photo-0-0[data-status=approved] img[src*='/files/']");
    page.see("Tu ubicación se enviará con cada foto");
    page.see("1 de 3");
    page.assert_quiet();

    // A server that is gone for a while is waited for as well.
    let address = server.address();
    server.kill();
    page.find(&file(1)).upload(&sharp("left.jpg", 3));
    page.see("Se cortó la conexión. Volvemos a intentar…");
    let server = setup.env("HERALDO_LISTEN", address.to_string()).start();
    page.find("#photo-0-1[data-status=approved]");
    // Another photo chosen while one is on its way goes after it.
    page.network(Line::Slow {
        bytes_per_second: 10_000,
    });
    page.find("#extra-file").upload(&sharp("dent.jpg", 4));
    page.find("#extra progress:not([value='0']):not([hidden])");
    page.find("#extra-file").upload(&sharp("scratch.jpg", 5));
    page.network(Line::Whole);
    page.find("#extra-photos li[data-status=approved] + li[data-status=approved]");
    look_at(&page, "consumer-photos-done");
    page.complaints();

    // Without a required answer it does not end; the page says which, and keeps what was answered.
    page.find("#finish").click();
    page.see("Respuesta: Número de cuadro");
    assert!(!page.has("form"), "an end is offered that is refused");
    look_at(&page, "consumer-answer-missing");
    page.see("Volver y completar").click();
    page.find("#question-0").type_text("WBX-4417");
    page.see("Guardar respuestas").click();
    page.see("Tus respuestas están guardadas");
    assert_eq!(page.find("#question-0").property("value"), "WBX-4417");
    look_at(&page, "consumer-answered");
    page.assert_quiet();
    page.find("#finish").click();

    // The consumer goes on to the company's site, which is told of which inspection (contract 5.6).
    page.see("Seguimos con tu seguro");
    let gone_on = format!("http://{shop}/gracias?poliza=7&inspectionId={}", made.id);
    assert_eq!(page.address(), gone_on);
    let got = receiver.wait("it is completed", |got| got.iter().any(is_end));
    let events = of_inspection(&got, &made.id);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "inspection_created",
        "inspection_started",
        "image_processed",
        "image_processed",
        "image_processed",
        "extra_image_processed",
        "extra_image_processed",
        "inspection_completed",
    ];
    assert_eq!(names, expected);
    for received in &got {
        assert!(verified(received, &secret).0, "{}", received.event());
    }
    let approved: Vec<&Value> = events
        .iter()
        .filter(|(name, _)| name == "image_processed")
        .map(|(_, event)| &event["payload"]["product"]["image"][0]["approved"])
        .collect();
    assert_eq!(approved, [false, true, true]);
    let end = &events[7].1["payload"];
    assert_eq!(end["veredict"], "approved");
    assert_eq!(end["products"][0]["inputs"][0]["value"], "WBX-4417");
    let shown = server.api_with(&key);
    let shown = shown.get(&format!("/v1/inspection/{}", made.id));
    let images = shown["products"][0]["images"].as_array().unwrap();
    assert_eq!(images.len(), 3, "a photo that was sent twice counts twice");

    // Whoever comes back is not driven away, and nobody else learns anything.
    page.open(&format!("http://{address}/inspection/{}", made.id));
    page.see("¡Gracias!");
    look_at(&page, "consumer-thanks");
    page.devtools("Network.clearBrowserCookies", json!({}));
    page.reload();
    page.see("Esta inspección ya terminó");
    look_at(&page, "consumer-ended");
}

#[test]
fn wrong_codes_block_the_inspection_and_the_page_says_what_to_do() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path())
        .env("HERALDO_SWEEP_INTERVAL", "50ms")
        .start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let made = api.inspection_with(json!({ "locale": "en_GB" }));
    let page = Browser::start(Look::PHONE.dark().speaking("en-GB"));
    page.open(&format!(
        "http://{}/inspection/{}",
        server.address(),
        made.id
    ));
    page.see("Enter the 4-digit code");
    look_at(&page, "consumer-start-dark");
    // By keyboard alone: past the skip link and the other language.
    page.press(&TAB.repeat(3));
    for left in ["2", "1"] {
        page.press(wrong(&made));
        page.press(&format!("{TAB}{ENTER}"));
        // The field has the focus again, with what was wrong said of it.
        page.see(&format!("Attempts left: {left}"));
        let focused = "return document.activeElement.id";
        assert_eq!(page.run(focused, json!([])), "code");
    }
    look_at(&page, "consumer-wrong-code-dark");
    page.press(wrong(&made));
    page.press(ENTER);
    page.see("This inspection is blocked");
    look_at(&page, "consumer-blocked-dark");
    page.open(&link(&server, &made));
    page.see("This inspection is blocked");
    let is_blocked = |received: &Received| received.event() == "inspection_blocked";
    let got = receiver.wait("it is blocked", |got| got.iter().any(is_blocked));
    let blocked = got.iter().find(|received| is_blocked(received)).unwrap();
    assert_eq!(blocked.json()["payload"]["blockedReason"], "max_attempts");

    // One whose time is over, and one that never was.
    let short = json!({
        "name": "Short", "inspectionType": "car", "images": [{ "side": "front", "validations": [] }],
        "parameters": { "lifetime": "1s" },
    });
    let short = &api.post(201, "/v1/inspection/template", short)["_id"];
    let lapsed = api.inspection_with(json!({ "locale": "en_GB", "templateId": short }));
    let has_lapsed =
        |received: &Received| received.inspection() == lapsed.id && is_blocked(received);
    receiver.wait("its time is over", |got| got.iter().any(has_lapsed));
    page.open(&link(&server, &lapsed));
    page.see("This inspection has expired");
    look_at(&page, "consumer-expired-dark");
    page.open(&format!("http://{}/inspection/unknown", server.address()));
    page.see("There is no such inspection");
    look_at(&page, "consumer-unknown-dark");
}

#[test]
fn without_scripts_all_of_it_works_as_well() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    api.webhook(&receiver.url());
    let body = json!({ "templateId": "easy", "locale": "es_AR" });
    let made = Made::from(&api.post(201, "/v1/inspection/bike", body));
    let page = Browser::start(Look::PHONE.dark());
    page.without_scripts();
    let look = |name: &str| {
        page.with_scripts();
        look_at(&page, name);
        page.without_scripts();
    };
    page.open(&link(&server, &made));
    page.find("form.code button").click();
    page.see("Toma cada foto");
    // The inspection's own language comes first; the consumer may take the other, which is kept.
    page.see("English").click();
    page.see("Take each photo");
    look("consumer-no-scripts-dark");
    let notes = folder.path().join("notes.jpg");
    std::fs::write(&notes, "a text named .jpg").unwrap();
    page.find("#photo-0-0-file").upload(&notes);
    page.find("#photo-0-0 form button").click();
    page.see("The file is not a photo that we can read");
    look("consumer-no-photo-dark");
    page.complaints();
    let photo = saved(folder.path(), "left.jpg", &PhotoMaker::jpeg(640, 480));
    page.find("#photo-0-0-file").upload(&photo);
    page.find("#photo-0-0 form button").click();
    page.find("#photo-0-0:not([data-status=missing])");
    receiver.wait("the photo is told of", |got| {
        got.iter()
            .any(|received| received.event() == "image_processed")
    });
    page.see("Refresh").click();
    page.find("#photo-0-0[data-status=approved] img[src*='/files/']");
    page.find("#finish").click();
    page.see("Something is still missing");
    page.see("Right side: missing");
    look("consumer-confirm-dark");
    page.see("Finish anyway").click();
    page.see("Thank you!");
    page.see("you can close this page");
    look("consumer-thanks-dark");
    page.assert_quiet();
    let got = receiver.wait("it is completed", |got| got.iter().any(is_end));
    let end = got.iter().find(|received| is_end(received)).unwrap();
    assert_eq!(end.json()["payload"]["veredict"], "disapproved");
}
