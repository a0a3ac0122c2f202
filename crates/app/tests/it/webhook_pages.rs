//! The pages of webhooks in a real browser: the documented steps, and what an engineer does with an endpoint.

use std::time::Duration;

use heraldo_wire::headers::AUTOINSPECTOR_SIGNATURE;
use heraldo_wire::signature::{Secret, verify_body};
use serde_json::json;
use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::process::{Server, Setup};
use crate::receiver::{Reaction, Received, Receiver};

/// Opens the dashboard as the first run says: by the link that it prints.
fn sign_in(page: &Browser, server: &Server) {
    let lines = server.out.all().join(" ");
    let mut words = lines.split_whitespace();
    let link = words.find(|word| word.contains("/signin?token=")).unwrap();
    page.open(link);
    page.find("main form button").click();
    page.find(".menu summary");
}

/// Looks at the page in both languages, themes and sizes, each once.
fn look_at(page: &Browser, name: &str) {
    for (look, suffix) in [
        (Look::PHONE.dark().speaking("en"), "en-phone-dark"),
        (Look::DESKTOP, "es"),
    ] {
        page.change(look);
        page.reload();
        page.assert_accessible();
        page.assert_fits();
        page.screenshot(&format!("{name}-{suffix}"));
    }
}

/// The same for what a form answered: it stays in its language.
fn look_once(page: &Browser, name: &str) {
    for (look, suffix) in [(Look::PHONE.dark(), "es-phone-dark"), (Look::DESKTOP, "es")] {
        page.change(look);
        page.assert_accessible();
        page.assert_fits();
        page.screenshot(&format!("{name}-{suffix}"));
    }
}

fn is_signed_with(received: &Received, secret: &str) -> bool {
    let secret = Secret::parse(secret).unwrap();
    let signature = received.header(AUTOINSPECTOR_SIGNATURE);
    verify_body(&secret, &received.body, signature)
}

fn reveal(page: &Browser) -> String {
    page.find("form[action$='/secret'] button").click();
    page.find("#secret").text()
}

#[test]
fn the_documented_steps_lead_to_a_delivery_verified_with_the_secret_read_off_the_page() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let receiver = Receiver::ok();
    let page = Browser::start(Look::DESKTOP);
    sign_in(&page, &server);

    // Profile icon → Configuración → Developers → add an endpoint.
    page.find(".menu summary").click();
    page.find(".menu a[href$='dashboard/settings']").click();
    page.see("Todavía no hay endpoints");
    look_at(&page, "webhooks-empty");
    page.see("Agregar endpoint").click();
    // A wrong form says so at the field, and keeps what was typed.
    page.find("#endpoint").type_text("http://10.0.0.1/hook");
    page.find("#description").type_text("<b>cotizador</b>");
    page.find("details.more summary").click();
    page.find("#timeout").type_text("2000");
    look_once(&page, "webhook-form");
    page.see("Crear Endpoint").click();
    page.see("Revisa la dirección");
    page.complaints();
    look_once(&page, "webhook-form-wrong");
    assert_eq!(
        page.find("#description").property("value"),
        "<b>cotizador</b>"
    );
    let endpoint = page.find("#endpoint");
    endpoint.clear();
    endpoint.type_text(&receiver.url());
    page.see("Crear Endpoint").click();
    page.see("Endpoint creado.");
    page.see("<b>cotizador</b>");
    let detail = page.address();
    let first = reveal(&page);
    look_once(&page, "webhook-secret");

    // A real delivery, verified with what the page shows.
    api.inspection();
    assert!(is_signed_with(&receiver.wait_for(1)[0], &first));

    // Regenerated at once, the next one verifies with the new one only.
    page.open(&detail);
    page.find("#rotate summary").click();
    page.find("#rotate button").click();
    page.see("Hay un secreto nuevo");
    let second = reveal(&page);
    assert_ne!(first, second);
    api.inspection();
    let got = receiver.wait_for(2);
    assert!(is_signed_with(&got[1], &second) && !is_signed_with(&got[1], &first));

    // With an overlap the old one signs until it ends, and the page counts down.
    page.open(&detail);
    page.find("#rotate summary").click();
    page.find("#overlap option[value='3600']").click();
    page.find("#rotate button").click();
    let left = page.find(".countdown").text();
    assert!(left.starts_with("00:59:") || left == "01:00:00", "{left}");
    api.inspection();
    assert!(is_signed_with(&receiver.wait_for(3)[2], &second));
    look_at(&page, "webhook");
    let third = reveal(&page);
    assert!(third != second && third != first);
    page.assert_quiet();
}

#[test]
fn a_test_event_appears_as_it_happens_and_the_check_says_what_is_wrong() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    // What is asked for late is seen to wait first.
    let receiver = Receiver::new(|received| match received.event().as_str() {
        "inspection_blocked" => Reaction::Status(500),
        "inspection_started" => Reaction::Late(Duration::from_secs(2)),
        _ => Reaction::Status(200),
    });
    let webhook = api.webhook_with(
        &receiver.url(),
        json!({"description": "pruebas", "asymmetricSignature": true}),
    );
    let secret = api.secret(&webhook);
    let detail = format!("http://{}/dashboard/webhooks/{webhook}", server.address());
    let page = Browser::start(Look::DESKTOP);
    sign_in(&page, &server);
    page.open(&detail);
    page.find("#event option:nth-child(3)").click();
    page.see("Enviar prueba").click();
    page.see("esperando el intento");
    page.see("entregado");
    assert!(page.find("#test").text().contains("inspection_started"));
    page.find("#event option:nth-child(6)").click();
    page.see("Enviar prueba").click();
    page.see("El receptor falló: mira sus propios registros.");
    look_at(&page, "webhook-test");

    // The check, with what came to the receiver.
    let got = receiver.wait_for(2);
    let body = String::from_utf8(got[0].body.clone()).unwrap();
    let signature = got[0].header(AUTOINSPECTOR_SIGNATURE).to_owned();
    let check = |signature: &str, body: &str, said: &str| {
        let fill = "document.querySelector('#signature').value = arguments[0];\
            document.querySelector('#body').value = arguments[1];";
        page.run(fill, json!([signature, body]));
        page.see("Comprobar la firma").click();
        page.see(said);
    };
    page.open(&format!("{detail}/receiver"));
    look_at(&page, "webhook-receiver");
    check(&signature, &body, "La firma es correcta.");
    look_once(&page, "webhook-check-right");
    check(
        &signature,
        &format!("{body}\n"),
        "un salto de línea al final",
    );
    check(&signature.to_uppercase(), &body, "está en mayúsculas");
    check(&format!("sha256={signature}"), &body, "quítalo: sha256=");
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    check(&signature, &pretty, "se volvió a escribir como JSON");
    look_once(&page, "webhook-check-wrong");
    let other = String::from_utf8(got[1].body.clone()).unwrap();
    check(&signature, &other, "es la de otra entrega");
    assert!(
        !page
            .run("return document.body.outerHTML", json!([]))
            .to_string()
            .contains(&secret)
    );

    // The list, and what happens to waiting events.
    page.open(&format!("http://{}/dashboard/developers", server.address()));
    page.see("50\u{a0}%");
    look_at(&page, "webhooks");
    page.open(&detail);
    page.find("details:has(button[value=paused]) summary")
        .click();
    page.see("Pausar este webhook").click();
    page.see("El webhook está en pausa");
    api.inspection();
    page.reload();
    page.see("Ahora espera 1 entrega.");
    look_at(&page, "webhook-paused");
    page.find("details:has(button[value=enabled]) summary")
        .click();
    page.see("Reanudar este webhook").click();
    receiver.wait_for(3);
    page.find("details:has(button[value=disabled]) summary")
        .click();
    page.see("Desactivar este webhook").click();
    page.see("Desactivado desde");
    look_at(&page, "webhook-disabled");
    page.find("details:has(form[action$='/delete']) summary")
        .click();
    page.see("Eliminar este webhook").click();
    page.see("El webhook se eliminó.");
}
