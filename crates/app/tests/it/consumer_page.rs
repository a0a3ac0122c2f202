//! The page behind the magic link in a real browser.

use heraldo_media::testing::PhotoMaker;
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

    // A photo goes out as soon as it is chosen, and is still there when the page is opened again.
    let photo = folder.path().join("front.jpg");
    std::fs::write(&photo, PhotoMaker::jpeg(640, 480).make()).unwrap();
    page.find("li.side[data-side] input[type=file]")
        .upload(&photo);
    page.find("#done.progress strong");
    page.find("li.side[data-side]:not([data-status=missing]):not([data-busy]) img[src*='/files/']");
    page.reload();
    page.find("li.side[data-side] img[src*='/files/']");
    page.assert_accessible();
    page.screenshot("consumer-one-photo");
    // The inspection's own language comes first; the consumer may take the other.
    page.change(Look::PHONE.dark());
    page.see("English").click();
    page.see("Take each photo");
    page.assert_accessible();
    page.screenshot("consumer-photos-dark");
}
