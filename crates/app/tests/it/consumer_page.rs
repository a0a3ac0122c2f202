//! The page behind the magic link in a real browser.

use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::process::Setup;

#[test]
fn the_page_behind_the_magic_link_opens_on_a_phone() {
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
}
