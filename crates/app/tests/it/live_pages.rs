//! Deliveries and recoveries in a real browser, as they happen.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::tempdir;

use crate::browser::{Browser, Line, Look};
use crate::client::{Api, text};
use crate::process::{Server, Setup, run};
use crate::receiver::{Reaction, Receiver};
use crate::recovering::publish_thousand;
use crate::secrets::verified;
use crate::waiting::eventually;

/// Opens a page of the dashboard as the first run's owner.
fn open_as_owner(page: &Browser, server: &Server, path: &str) {
    let line = server.out.wait_for("/signin?token=").unwrap();
    let (_, token) = line.split_once("/signin?token=").unwrap();
    let token = token.split_whitespace().next().unwrap();
    let root = format!("http://{}", server.address());
    page.open(&format!("{root}/signin?token={token}"));
    page.find("main form button").click();
    page.find("details.menu");
    page.open(&format!("{root}{path}"));
}

/// What every page must be, and a picture of it.
fn look_at(page: &Browser, name: &str) {
    page.assert_accessible();
    page.assert_fits();
    page.assert_quiet();
    page.screenshot(name);
}

fn wait_until_settled(api: &Api) {
    eventually("all are delivered", || {
        api.deliveries("status=pending").is_empty().then_some(())
    });
}

/// The ids of the rows, from top to bottom.
fn rows(page: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('#deliveries tbody tr')].map(row => row.id)";
    let ids = page.run(script, json!([]));
    ids.as_array().unwrap().iter().map(text).collect()
}

/// That the list shows the newest deliveries, each once, in their order, and says how many passed.
fn assert_shows_the_newest(page: &Browser, api: &Api, count: &str) {
    page.see(&format!("Attempts since you opened the page: {count}"));
    let shown = rows(page);
    assert_eq!(shown.len(), 500);
    assert_eq!(shown.iter().collect::<HashSet<_>>().len(), 500);
    assert!(shown.is_sorted_by(|newer, older| newer > older));
    let newest = api.deliveries("");
    let newest: Vec<String> = newest.iter().map(|one| text(&one["_id"])).collect();
    assert_eq!(shown[..newest.len()], newest);
    // What fell off the page is where the link leads.
    let older = page.find("#older").attribute("href").unwrap();
    assert!(
        older.ends_with(&format!("cursor={}", shown[499])),
        "{older}"
    );
}

#[test]
fn a_thousand_deliveries_pass_and_none_is_lost_while_the_page_is_paused_or_cut_off() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::ok();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    api.webhook(&receiver.url());
    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    open_as_owner(&page, &server, "/dashboard/deliveries");
    page.find("#live[data-state=on]");
    page.see("There are no deliveries yet");
    look_at(&page, "deliveries-empty-en");
    publish_thousand(&api, 0);
    assert_shows_the_newest(&page, &api, "1,000");

    page.find("#live-pause").click();
    page.see("Paused: when you go on");
    publish_thousand(&api, 1_000);
    receiver.wait_for(2_000);
    wait_until_settled(&api);
    page.see("Attempts since you opened the page: 1,000");
    page.find("#live-pause").click();
    assert_shows_the_newest(&page, &api, "2,000");
    page.assert_quiet();

    // The server is killed and comes back at the same address: the browser connects again by itself.
    let address = server.address();
    server.kill();
    page.see("Connection lost");
    let setup = Setup::serve(folder.path()).env("HERALDO_LISTEN", address.to_string());
    let server = setup.start();
    let api = server.api_with(&api.key);
    for number in 0..10 {
        api.publish("inspection_completed", &format!("{number:024x}"));
    }
    assert_shows_the_newest(&page, &api, "2,010");
    page.find("#live[data-state=on]");
    // The console told of the lost connection.
    page.complaints();

    // Whoever signs out elsewhere sees the sign-in page here.
    let sign_out = "const form = document.querySelector('form[action$=sign-out]');\
        fetch(form.action, {method: 'POST', body: new URLSearchParams(new FormData(form))})";
    page.run(sign_out, json!([]));
    page.find("#live[data-state=on]");
    api.publish("inspection_completed", "000000000000000000000001");
    page.find("input[name=token]");
}

#[test]
fn a_failed_delivery_is_understood_repeated_and_resent_on_its_page() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::new(|request| {
        // Only what is sent a second time is taken.
        match request.header("autoinspector-attempt") {
            "1" => Reaction::Status(500),
            // Late enough for the page to be seen without it.
            _ => Reaction::Late(Duration::from_secs(2)),
        }
    });
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let headers = json!({"headers": {"x-region": "it's south"}});
    let webhook = api.webhook_with(&receiver.url(), headers);
    let other = json!({"events": ["inspection_completed"]});
    api.webhook_with("http://127.0.0.1:9/elsewhere", other);
    api.inspection_with(json!({"metadata": {"note": "it's \"quoted\" & ñ"}}));
    let sent = receiver.wait_for(1);
    api.settled(sent[0].header("webhook-id"));
    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    open_as_owner(&page, &server, "/dashboard/deliveries?status=failed");
    page.find("#live[data-state=on]");
    look_at(&page, "deliveries-en");
    page.find("#deliveries tbody a").click();
    page.see("The receiver failed: see its own logs");
    look_at(&page, "delivery-en");

    // The headers are those that came; the script sends the same again, signed with the secret.
    let shown = page.run(
        "return [...document.querySelectorAll('dl.mono dt')].map(dt => [dt.textContent, dt.nextElementSibling.textContent])",
        json!([]),
    );
    for header in shown.as_array().unwrap() {
        let (name, value) = (text(&header[0]), text(&header[1]));
        let came = sent[0].header(&name);
        assert!(
            name.contains("signature") || came == value,
            "{name}: {came} is not {value}"
        );
    }
    let names = shown.as_array().unwrap().len();
    // All but the host, which the address says.
    assert_eq!(names + 1, sent[0].headers.len(), "{:?}", sent[0].headers);
    let secret = api.secret(&webhook);
    let command = text(&page.find("#command").property("textContent"));
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).arg("-euc");
    shell.arg(command.replace("whsec_…", &secret));
    let output = run(shell, b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let repeated = receiver.wait_for(2).remove(1);
    assert_eq!(repeated.body, sent[0].body);
    assert_eq!(verified(&repeated, &secret), (true, true));
    assert_eq!(repeated.header("x-region"), "it's south");

    page.see("Resend").click();
    page.find("form[action$=resend] button").click();
    page.see("One more attempt is on its way");
    let sent_attempt = "return [...document.querySelectorAll('#as-sent dt')].find(dt => \
        dt.textContent === 'autoinspector-attempt').nextElementSibling.textContent";
    assert_eq!(page.run(sent_attempt, json!([])), "1");
    page.run(
        "document.querySelector('#standing a[href$=\"#why\"]').focus()",
        json!([]),
    );
    // The attempt appears without loading the page again, and everything that it changes with it.
    page.find("#standing .timeline li.good");
    page.find("#standing[data-live=\"15000\"]");
    assert_eq!(page.run(sent_attempt, json!([])), "2");
    let command = text(&page.find("#command").property("textContent"));
    assert!(command.contains("autoinspector-attempt: 2"), "{command}");
    assert!(
        !page.has("#done"),
        "one more attempt is not on its way any more"
    );
    // Whoever is there with the keyboard stays at the same link.
    let focused = page.run(
        "return document.activeElement.getAttribute('href')",
        json!([]),
    );
    assert!(text(&focused).ends_with("#why"), "{focused}");
    look_at(&page, "delivery-resent-en");

    // What is complete follows what happens elsewhere, too: another attempt, asked for by the API.
    let id = page.address().rsplit('/').next().unwrap().to_owned();
    let resend = format!("/v1/notification/delivery/{id}/resend");
    api.post(202, &resend, json!({}));
    page.find("#standing .timeline > li:nth-child(3)");
    page.find("#standing[data-live=\"15000\"]");
    assert_eq!(page.run(sent_attempt, json!([])), "3");
    // Nothing is lost while the page is not connected: it is looked for as soon as it is again.
    page.network(Line::Broken);
    api.post(202, &resend, json!({}));
    receiver.wait_for(5);
    wait_until_settled(&api);
    page.network(Line::Whole);
    page.find("#standing .timeline > li:nth-child(4)");
    page.complaints();
    page.change(Look::PHONE.dark());
    page.reload();
    page.see("reenvío ·");
    look_at(&page, "delivery-phone-es-dark");
    page.see("en cada webhook").click();
    page.see("no estaba suscrito a este evento");
    look_at(&page, "event-phone-es-dark");
    page.change(Look::DESKTOP);
    page.reload();
    look_at(&page, "event-es");
    page.change(Look::PHONE.dark());
    page.open(&format!("http://{}/dashboard/deliveries", server.address()));
    page.find("#live[data-state=on]");
    look_at(&page, "deliveries-phone-es-dark");
    // Without scripts it is a plain list.
    page.without_scripts();
    page.reload();
    assert!(!page.find("#live").is_displayed());
    assert!(page.find("#deliveries").is_displayed());
}

#[test]
fn a_recovery_is_counted_run_over_a_restart_and_cancelled_on_its_pages() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::ok();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let slow = json!({"status": "disabled", "ratePerSecond": 200});
    let webhook = api.webhook_with(&receiver.url(), slow);
    publish_thousand(&api, 0);
    let path = format!("/v1/notification/webhook/{webhook}");
    api.patch(&path, json!({"status": "enabled"}));
    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    open_as_owner(&page, &server, "/dashboard/recover");
    page.see("There was none yet");
    look_at(&page, "recover-empty-en");
    page.find("form[method=get] button").click();
    page.see("Never sent");
    look_at(&page, "recover-count-en");
    page.see("Send (1,000)").click();
    page.see("The recovery has begun");
    page.find("#progress progress[value]");
    look_at(&page, "recovery-running-en");
    receiver.wait_for(200);
    let address = server.address();
    server.kill();
    let setup = Setup::serve(folder.path()).env("HERALDO_LISTEN", address.to_string());
    let server = setup.start();
    page.see("Everything that was missing was enqueued");
    page.find("#progress:not([data-live])");
    assert!(!page.has("#stop button") && !page.has("#done"));
    assert!(page.find("#ended").text().contains("Ended"));
    // The console told of the server that was away.
    page.complaints();
    look_at(&page, "recovery-completed-en");
    page.change(Look::PHONE.dark());
    page.reload();
    page.see("Todo lo que faltaba se encoló");
    look_at(&page, "recovery-phone-es-dark");

    let again = format!(
        "http://{}/dashboard/recover?webhook={webhook}&from=2020-01-01T00:00&status=delivered",
        server.address()
    );
    page.open(&again);
    look_at(&page, "recover-count-phone-es-dark");
    page.find("#counted form[action$='dashboard/recover'] button")
        .click();
    page.find("#stop button").click();
    page.see("Alguien la canceló");
    page.change(Look::DESKTOP);
    page.open(&format!("http://{}/dashboard/recover", server.address()));
    page.see("Terminada");
    look_at(&page, "recover-es");
}
