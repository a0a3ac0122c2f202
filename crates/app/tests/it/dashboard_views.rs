//! The overview, inspections and the audit log in a real browser.

use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::process::{Server, Setup};
use crate::traffic::write_month;

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
