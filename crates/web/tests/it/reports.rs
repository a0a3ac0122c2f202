//! Reports and presigned detail pages over the API. The files, the decoder and the writer of documents are the
//! real ones.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::ports::{Callback, CallbackFailed, Callbacks};
use heraldo_web::{Web, WebConfig};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::images::{photo, started, upload};
use crate::world::{Answer, PUBLIC_URL, World, id_in};

/// Says no so many times, then keeps what it gets.
#[derive(Debug, Default)]
struct Desk {
    refusals: Mutex<u32>,
    taken: Mutex<Vec<Callback>>,
}

#[async_trait]
impl Callbacks for Desk {
    async fn post(&self, callback: Callback) -> Result<Bytes, CallbackFailed> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(CallbackFailed("it answered 500".to_owned()));
        }
        self.taken.lock().unwrap().push(callback);
        Ok(Bytes::new())
    }
}

/// A finished inspection of a car with two photos, one of which cannot be decoded.
async fn inspected(world: &World) -> String {
    let more = json!({
        "locale": "es_AR",
        "consumer": {"firstName": "Íñigo <b>", "lastName": "Núñez", "identification": "30.111.222"},
        "car": {"plate": "AB123CD", "color": "車"},
    });
    let (id, product) = started(world, "car", &more).await;
    for (number, side) in (0..).zip(["front", "back"]) {
        upload(world, &product, side, &photo(number))
            .await
            .json(201);
    }
    world.run_jobs().await;
    id
}

/// The path of an address that the server made.
fn path(url: &Value) -> String {
    url.as_str()
        .unwrap()
        .strip_prefix(PUBLIC_URL)
        .unwrap()
        .to_owned()
}

async fn report(world: &World, inspection: &str) -> Value {
    let requests = format!("/v1/inspection/{inspection}/report/request");
    let made = world.post(&requests, &json!({})).await.json(201);
    world.run_jobs().await;
    let one = format!("{requests}/{}", id_in(&made));
    world.get(&one).await.json(200)
}

/// What another program reads in a PDF, on one line.
fn pdf_text(pdf: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pdf).unwrap();
    let output = Command::new("pdftotext")
        .args(["-enc", "UTF-8"])
        .args([file.path(), Path::new("-")])
        .output()
        .unwrap_or_else(|error| {
            panic!("pdftotext does not start ({error}); `cargo xtask needs` installs it")
        });
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{complaints}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_report_is_pdf_and_html_with_every_photo_and_check() {
    let world = World::new().await;
    let id = inspected(&world).await;
    let report = report(&world, &id).await;
    assert_eq!(report["status"], "completed", "{report}");
    assert_eq!(report["inspectionId"], id);
    assert!(report["processingAt"].is_string() && report["completedAt"].is_string());

    let pdf = world
        .bare("GET", &path(&report["result"]["url"]))
        .send()
        .await;
    assert_eq!(pdf.status, 200);
    assert_eq!(pdf.header("content-type"), Some("application/pdf"));
    assert_eq!(pdf.header("content-security-policy"), None);
    assert!(pdf.body.starts_with(b"%PDF-") && pdf.body.trim_ascii_end().ends_with(b"%%EOF"));
    let read = pdf_text(&pdf.body);
    for part in [
        "Íñigo <b> Núñez",
        "AB123CD",
        "Seguros del Sur",
        "Frente",
        "Fotos que faltan",
        "Fecha:",
        "Distancia:",
        "se tomó cerca de las demás fotos",
        "no ha terminado",
        "Inspección creada",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    let pictures = pdf.body.windows(9).filter(|found| found == b"DCTDecode");
    assert_eq!(pictures.count(), 2);

    let html = world
        .bare("GET", &path(&report["result"]["htmlUrl"]))
        .send()
        .await;
    assert_eq!(html.status, 200);
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        html.header("content-security-policy")
            .unwrap()
            .ends_with("sandbox")
    );
    let text = html.text();
    for part in [
        "lang=\"es\"",
        "Íñigo &lt;b&gt; Núñez",
        "AB123CD",
        "Seguros del Sur",
        "Frente",
        "Fotos que faltan",
        "Fecha: ",
        "Distancia: ",
        "se tomó cerca de las demás fotos",
        "no ha terminado",
        "Inspección creada",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.matches("data:image/jpeg;base64,").count(), 2);
    assert!(!text.contains("<b>") && !text.contains("<script"));
    assert!(!text.contains("http"), "nothing from elsewhere");
}

#[tokio::test]
async fn an_ended_inspection_is_not_said_to_go_on() {
    let world = World::new().await;
    let id = inspected(&world).await;
    let finish = format!("/v1/inspection/finish/{id}");
    world.post(&finish, &json!({})).await.json(200);
    world.run_jobs().await;
    let report = report(&world, &id).await;
    let html = world
        .bare("GET", &path(&report["result"]["htmlUrl"]))
        .send()
        .await;
    assert!(!html.text().contains("no ha terminado"));
    assert!(html.text().contains("Resultado: Desaprobada"));
}

#[tokio::test]
async fn a_body_less_form_is_a_request_for_a_report_and_for_a_link() {
    let world = World::new().await;
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    for path in [
        format!("/v1/inspection/{id}/report/request"),
        format!("/v1/inspection/presign/detail/{id}"),
    ] {
        let call = world
            .request("POST", &path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("content-length", "0");
        call.send().await.json(201);
    }
}

#[tokio::test]
async fn requests_are_listed_newest_first_repeated_safely_and_limited() {
    let world = World::new().await;
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    let requests = format!("/v1/inspection/{id}/report/request");
    let again = || async {
        let call = world
            .request("POST", &requests)
            .header("idempotency-key", "k");
        id_in(&call.send().await.json(201))
    };
    let first = again().await;
    assert_eq!(again().await, first);
    let second = id_in(&world.post(&requests, &json!({})).await.json(201));
    let list = world.get(&requests).await.json(200);
    let ids: Vec<_> = list["reportRequests"]
        .as_array()
        .unwrap()
        .iter()
        .map(id_in)
        .collect();
    assert_eq!(ids, [second, first.clone()]);
    assert_eq!(list["reportRequests"][0]["status"], "pending");
    for _ in 2..100 {
        world.post(&requests, &json!({})).await.json(201);
    }
    let refused = world.post(&requests, &json!({})).await;
    assert!(refused.problem(ProblemCode::LimitReached).contains("100"));

    let other = world.other_key().await;
    for path in [requests.clone(), format!("{requests}/{first}")] {
        let foreign = world.bare("GET", &path).header("x-api-key", &other);
        foreign.send().await.problem(ProblemCode::NotFound);
    }
    let elsewhere = world.create_inspection().await;
    let elsewhere = elsewhere["inspectionId"].as_str().unwrap();
    let wrong = format!("/v1/inspection/{elsewhere}/report/request/{first}");
    world.get(&wrong).await.problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn an_address_inside_is_no_callback_url() {
    let world = World::new().await;
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    let requests = format!("/v1/inspection/{id}/report/request");
    for url in [
        "http://127.0.0.1/x",
        "ftp://example.com",
        "http://[::1]/",
        "nowhere",
    ] {
        let answer = world.post(&requests, &json!({"callbackURL": url})).await;
        let detail = answer.problem(ProblemCode::InvalidUrl);
        assert!(detail.contains("callbackURL"), "{detail}");
    }
}

#[tokio::test]
async fn the_callback_is_made_again_until_it_is_taken_and_signed_like_a_webhook() {
    let mut world = World::new().await;
    let desk = Arc::new(Desk::default());
    *desk.refusals.lock().unwrap() = 2;
    world.context.callbacks = desk.clone();
    world.web = Web::new(
        world.context.clone(),
        world.health.clone(),
        WebConfig::default(),
    );
    let webhook = world.create_webhook().await;
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    let requests = format!("/v1/inspection/{id}/report/request");
    let body = json!({"callbackURL": "https://receiver.example.com/report"});
    let report = id_in(&world.post(&requests, &body).await.json(201));
    world.run_jobs().await;
    for _ in 0..2 {
        assert!(desk.taken.lock().unwrap().is_empty());
        world.clock.step(5_000);
        world.run_jobs().await;
    }
    let taken = desk.taken.lock().unwrap().pop().unwrap();
    assert_eq!(taken.url, "https://receiver.example.com/report");
    assert_eq!(taken.id, format!("report_{report}"));
    let body: Value = serde_json::from_slice(&taken.body).unwrap();
    assert_eq!(body["_id"], report);
    assert_eq!(body["status"], "completed");
    assert!(body["result"]["url"].as_str().unwrap().ends_with(".pdf"));
    let secret = format!("/v1/notification/webhook/{webhook}/secret");
    let secret = world.get(&secret).await.json(200)["secret"].clone();
    assert_eq!(Some(taken.secret.unwrap().reveal()), secret.as_str());
}

#[tokio::test]
async fn a_callback_that_nobody_takes_is_given_up_after_a_day() {
    let mut world = World::new().await;
    let desk = Arc::new(Desk::default());
    *desk.refusals.lock().unwrap() = 1_000;
    world.context.callbacks = desk.clone();
    world.web = Web::new(
        world.context.clone(),
        world.health.clone(),
        WebConfig::default(),
    );
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    let requests = format!("/v1/inspection/{id}/report/request");
    let body = json!({"callbackURL": "https://receiver.example.com/report"});
    world.post(&requests, &body).await.json(201);
    for _ in 0..100 {
        world.run_jobs().await;
        world.clock.step(3_600_000);
    }
    let tries = 1_000 - *desk.refusals.lock().unwrap();
    assert!((20..60).contains(&tries), "{tries}");
    assert!(world.context.store.jobs(None, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_fails_in_the_end_and_says_so() {
    let mut world = World::new().await;
    let desk = Arc::new(Desk::default());
    world.context.callbacks = desk.clone();
    world.web = Web::new(
        world.context.clone(),
        world.health.clone(),
        WebConfig::default(),
    );
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap().to_owned();
    // A file stands where the folder of the reports would be.
    std::fs::write(world.folder.path().join("reports"), b"in the way").unwrap();
    let requests = format!("/v1/inspection/{id}/report/request");
    let body = json!({"callbackURL": "https://receiver.example.com/report"});
    let report = id_in(&world.post(&requests, &body).await.json(201));
    let one = format!("{requests}/{report}");
    world.run_jobs().await;
    let shown = world.get(&one).await.json(200);
    assert_eq!(shown["status"], "processing", "{shown}");
    for _ in 0..30 {
        world.clock.step(61_000);
        world.run_jobs().await;
    }
    let shown = world.get(&one).await.json(200);
    assert_eq!(shown["status"], "failed", "{shown}");
    assert!(shown["failedAt"].is_string() && shown.get("result").is_none());
    let taken = desk.taken.lock().unwrap().pop().unwrap();
    let body: Value = serde_json::from_slice(&taken.body).unwrap();
    assert_eq!(body["status"], "failed");
    assert!(taken.secret.is_none(), "the company has no webhook");
}

async fn presign(world: &World, inspection: &str, body: &Value) -> Answer {
    let path = format!("/v1/inspection/presign/detail/{inspection}");
    world.post(&path, body).await
}

async fn visit(world: &World, path: &str, language: &str) -> Answer {
    let call = world.bare("GET", path).header("accept-language", language);
    call.send().await
}

#[tokio::test]
async fn a_presigned_page_shows_the_inspection_until_it_expires() {
    let world = World::new().await;
    let id = inspected(&world).await;
    let made = presign(&world, &id, &json!({})).await.json(201);
    assert_eq!(made["expiresAt"], "2026-11-18T10:01:40.000Z");
    let at = path(&made["url"]);
    assert_eq!(
        at,
        format!("/detail/{}", made["accessToken"].as_str().unwrap())
    );

    let page = visit(&world, &at, "en-GB,en;q=0.8").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-language"), Some("en"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; img-src 'self'; style-src 'sha256-"));
    assert!(!policy.contains("unsafe") && !policy.contains("script"));
    let text = page.text();
    for part in [
        "lang=\"en\"",
        "Result: No result yet",
        "Front",
        "Distance: ",
        "AB123CD",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("<script") && !text.contains("http"));
    let photos: Vec<&str> = text
        .split('"')
        .filter_map(|part| part.strip_prefix(".."))
        .collect();
    assert_eq!(photos.len(), 4, "a thumbnail and a photo each");
    for photo in &photos {
        assert_eq!(world.bare("GET", photo).send().await.status, 200, "{photo}");
    }
    assert!(
        visit(&world, &at, "es")
            .await
            .text()
            .contains("Todavía sin resultado")
    );

    world.clock.step(15 * 60 * 1_000);
    let over = visit(&world, &at, "es-AR").await;
    assert_eq!(over.status, 410);
    assert!(over.text().contains("El enlace venció"));
    let gone = world.bare("GET", photos[0]).send().await;
    gone.problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn a_changed_token_opens_nothing() {
    let world = World::new().await;
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    let made = presign(&world, id, &json!({"expiresInSeconds": 60}))
        .await
        .json(201);
    let at = path(&made["url"]);
    let swapped = if at.contains('A') {
        at.replacen('A', "B", 1)
    } else {
        at.replacen('B', "A", 1)
    };
    for wrong in [swapped, "/detail/nothing".to_owned(), format!("{at}x")] {
        let page = visit(&world, &wrong, "en").await;
        assert_eq!(page.status, 404, "{wrong}");
        assert!(page.text().contains("The link opens nothing"));
    }
    // A link to something else is no link to the page.
    let file = Bytes::from(id.to_owned());
    assert_eq!(
        visit(&world, &format!("/detail/{file:?}"), "en")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_link_lives_from_a_second_to_a_day_and_names_people_of_the_company() {
    let world = World::new().await;
    let made = world.create_inspection().await;
    let id = made["inspectionId"].as_str().unwrap();
    for wrong in [
        json!({"expiresInSeconds": 0}),
        json!({"expiresInSeconds": 86_401}),
        json!({"expiresInSeconds": "900"}),
        json!({"identity": {"type": "user", "id": "651ae032ff786d198dfa4ce4"}}),
        json!({"identity": {"type": "user", "id": "x"}}),
        json!({"identity": {"type": "internalId", "id": "nobody"}}),
        json!({"identity": {"type": "email", "id": "nobody"}}),
    ] {
        let answer = presign(&world, id, &wrong).await;
        answer.problem(ProblemCode::InvalidBody);
    }
    let company = world
        .context
        .store
        .company(world.company)
        .await
        .unwrap()
        .unwrap();
    let user = company.company.owner;
    let body = json!({"expiresInSeconds": 86_400, "identity": {"type": "user", "id": user}});
    presign(&world, id, &body).await.json(201);
    let other = world.other_key().await;
    let path = format!("/v1/inspection/presign/detail/{id}");
    let foreign = world.bare("POST", &path).header("x-api-key", &other);
    foreign.send().await.problem(ProblemCode::NotFound);
}
