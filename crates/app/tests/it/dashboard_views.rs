//! The overview, inspections and the audit log in a real browser.

use heraldo_media::testing::PhotoMaker;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::client::{Api, text};
use crate::photos::upload;
use crate::process::{Server, Setup};
use crate::receiver::Receiver;
use crate::traffic::write_month;
use crate::waiting::eventually;

/// Follows a sign-in link.
fn sign_in(page: &Browser, server: &Server, link: &str) {
    page.open(&format!("http://{}{link}", server.address()));
    page.find("main form button").click();
    page.find("nav a[aria-current=true]");
}

/// What every page of the dashboard must be.
fn look_at(page: &Browser, name: &str) {
    page.assert_accessible();
    page.assert_fits();
    page.assert_quiet();
    page.screenshot(name);
}

/// `target/screenshots/dashboard.png` is the picture of the README: copy it to `docs/dashboard.png`.
#[test]
fn the_overview_shows_a_month_of_traffic_in_every_look() {
    let folder = tempdir().unwrap();
    let link = write_month(folder.path());
    let server = Setup::serve(folder.path()).start();
    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    sign_in(&page, &server, &link);
    page.see("Top failing webhooks");
    page.see("Heraldo disabled a webhook");
    look_at(&page, "overview-en");
    page.window("dashboard");

    // The page brings itself up to date, and what is open stays open.
    page.find("#figures-open").click();
    let root = format!("http://{}/dashboard", server.address());
    look_at(&page, "overview-table-en");
    page.change(Look::DESKTOP.dark());
    page.open(&format!("{root}?range=day"));
    page.see("Webhooks que más fallan");
    look_at(&page, "overview-day-es-dark");
    page.change(Look::PHONE);
    page.open(&format!("{root}?range=month"));
    page.see("Últimos 30 días");
    look_at(&page, "overview-month-phone");
    page.change(Look::PHONE.dark().speaking("en"));
    page.open(&root);
    look_at(&page, "overview-phone-dark");
}

/// A completed inspection with a photo of each side that its template asks for.
pub fn completed(api: &Api) {
    let body = json!({
        "templateId": "easy",
        "initialStatus": "started",
        "car": {"plate": "AB123CD", "brand": "Fiat", "model": "Cronos", "color": "rojo"},
        "consumer": {
            "firstName": "Íñigo", "lastName": "Núñez", "identification": "30.111.222",
            "email": "inigo@example.com",
        },
        "metadata": {"policy": "P-2041", "note": "<script>document.title = 'hacked'</script>"},
    });
    let made = api.post(201, "/v1/inspection/car", body);
    let (id, product) = (text(&made["inspectionId"]), text(&made["productId"]));
    for (number, side) in (0..).zip(["front", "back", "sideLeft", "sideRight"]) {
        let photo = PhotoMaker::jpeg(1_280, 960).scene(number).make();
        assert_eq!(upload(api, &product, side, &photo), 201);
    }
    api.post(200, &format!("/v1/inspection/finish/{id}"), json!({}));
    eventually("the inspection is completed", || {
        let shown = api.get(&format!("/v1/inspection/{id}"));
        (shown["status"] == "completed").then_some(())
    });
}

/// Waits in the page until every photo of it is loaded, and says how many there are.
pub fn photos(page: &Browser) -> Value {
    let script = "const done = arguments[0]; const all = [...document.images];\
        all.forEach(image => { image.loading = 'eager'; });\
        Promise.all(all.map(image => image.decode())).then(() => done(all.length), error => done(String(error)));";
    page.run_until_called(script, json!([]))
}

#[test]
fn an_inspection_is_seen_reviewed_reported_and_followed_by_a_child_in_the_browser() {
    let folder = tempdir().unwrap();
    // One that is expired by the time that it is looked at.
    let server = Setup::serve(folder.path())
        .env("HERALDO_INSPECTION_LIFETIME", "1ms")
        .start();
    let key = server.api().key.clone();
    let link = server.out.wait_for("/signin?token=").unwrap();
    let (_, link) = link.split_once("/signin").unwrap();
    let link = format!("/signin{}", link.split_whitespace().next().unwrap());
    let expired = server.api().inspection().id;
    server.stop();
    let server = Setup::serve(folder.path()).start();
    let api = server.api_with(&key);
    let receiver = Receiver::ok();
    api.webhook_with(&receiver.url(), json!({"description": "Cotizador"}));
    completed(&api);
    let fresh = api.inspection();

    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    sign_in(&page, &server, &link);
    page.see("Inspections").click();
    page.see("3 inspections");
    look_at(&page, "inspections-en");
    page.find(".filters summary").click();
    page.find("#plate").type_text("ab123cd");
    page.find("#status option[value=completed]").click();
    page.find(".filters button").click();
    page.see("1 inspection");
    look_at(&page, "inspections-filtered-en");
    page.see("Car · AB123CD").click();
    page.see("P-2041");
    assert_eq!(page.title(), "Car · AB123CD · Heraldo");
    assert_eq!(photos(&page), 4);
    look_at(&page, "inspection-en");

    page.find("input[name=veredict][value=disapproved]").click();
    page.find("#reason").type_text("The plate is not his");
    page.see("Save the review").click();
    page.see("Review saved.");
    page.see("The plate is not his");
    page.see("inspection_reviewed");
    page.see("Photo by photo").click();
    page.find("#photos select option[value=approve]").click();
    page.see("Save the photos").click();
    page.see("Review saved.");

    // The report shows as soon as it is written, without a reload.
    page.see("Request a report").click();
    page.find("#report-list a[href*='/files/']");
    page.assert_accessible();

    page.change(Look::DESKTOP.dark());
    page.reload();
    page.see("Revisión");
    assert_eq!(photos(&page), 4);
    look_at(&page, "inspection-es-dark");
    page.change(Look::PHONE);
    page.reload();
    assert_eq!(photos(&page), 4);
    look_at(&page, "inspection-phone");

    let root = format!("http://{}/dashboard", server.address());
    page.open(&format!("{root}/inspections/{expired}"));
    page.see("Crear inspección hija").click();
    page.see("Inspección hija creada.");
    page.see("Continúa la inspección");
    look_at(&page, "inspection-child-phone");
    page.change(Look::PHONE.dark().speaking("en"));
    page.open(&format!("{root}/inspections"));
    page.see("4 inspections");
    look_at(&page, "inspections-phone-dark");
    page.open(&format!("{root}/inspections/{}", fresh.id));
    page.see("Show the link and the code").click();
    page.see(&fresh.access_code);

    page.change(Look::DESKTOP.speaking("en-GB"));
    page.open(&format!("{root}/audit"));
    page.see("made a webhook");
    look_at(&page, "audit-en");
    page.change(Look::PHONE.dark());
    page.reload();
    page.see("creó un webhook");
    look_at(&page, "audit-es-phone-dark");
}
