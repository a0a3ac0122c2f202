//! The page behind the magic link in a real browser.

use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::process::Setup;

#[test]
fn the_page_behind_the_magic_link_lets_a_phone_in_with_the_code() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let made = server.api().inspection();
    let page = Browser::start(Look::PHONE);
    page.open(&format!(
        "http://{}/inspection/{}?accessCode={}",
        server.address(),
        made.id,
        made.access_code
    ));
    page.see("Tu inspección");
    page.assert_fits();
    page.assert_accessible();
    page.assert_quiet();
    page.screenshot("consumer-start");

    // The code of the link is filled in; only the button starts the inspection, and this browser stays let in.
    page.find("form.code button").click();
    page.see("Toma cada foto");
    page.assert_fits();
    page.assert_accessible();
    page.assert_quiet();
    page.screenshot("consumer-photos");
    page.reload();
    page.see("Toma cada foto");
    page.change(Look::PHONE.dark().speaking("en"));
    page.reload();
    page.see("Take each photo");
    page.assert_accessible();
    page.screenshot("consumer-photos-dark");
}
