//! That the browser does what its tests of pages rely on, and that its checks find what they are for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;

use super::{Browser, Look};

const BAD: &str = "data:text/html,<!doctype html><html lang=en><meta name=viewport content='width=device-width'>\
<title>Bad</title><main><h1>Hello</h1><input id=field><div style='width:900px'>wide</div>\
<p hidden>unseen</p><p id=said></p><input type=file id=file aria-label=File>\
<button onclick='said.textContent=file.files[0].name'>Tell</button></main>\
<script>said.textContent='a script ran';console.error('broken')</script>";

/// What a check that must fail says.
fn complaint(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("it found nothing");
    panic.downcast_ref::<String>().expect("a sentence").clone()
}

#[test]
fn the_checks_of_pages_find_what_they_are_for() {
    let page = Browser::start(Look::PHONE.dark().speaking("en-GB"));
    page.open(BAD);
    assert_eq!(page.title(), "Bad");
    assert_eq!(page.run("return navigator.language", json!([])), "en-GB");
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    assert_eq!(page.run(dark, json!([])), true);
    let wrong = complaint(|| page.assert_accessible());
    assert!(wrong.contains("Form elements must have labels"), "{wrong}");
    let wrong = complaint(|| page.assert_fits());
    assert!(wrong.contains("wide"), "{wrong}");
    let wrong = complaint(|| page.assert_quiet());
    assert!(wrong.contains("broken"), "{wrong}");
    page.assert_quiet();
    page.change(Look::DESKTOP);
    assert_eq!(page.run(dark, json!([])), false);
    page.assert_fits();
}

#[test]
fn pages_are_used_as_people_use_them() {
    let page = Browser::start(Look::DESKTOP);
    page.open(BAD);
    page.see("a script ran");
    let field = page.find("#field");
    field.type_text("abc");
    field.clear();
    field.click();
    page.press("xy");
    assert_eq!(field.property("value"), "xy");
    assert_eq!(page.find("h1").text(), "Hello");
    assert!(page.has("#said") && !page.has("#unsaid"));
    assert!(!page.find("p[hidden]").is_displayed());
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    page.find("#file").upload(&file);
    page.find("button").click();
    page.see("Cargo.toml");
    assert_eq!(
        page.find("#file").attribute("type").as_deref(),
        Some("file")
    );
    page.without_scripts();
    page.reload();
    assert_eq!(page.find("#said").text(), "");
    assert!(page.address().starts_with("data:"));
    let picture = page.screenshot("browser-itself");
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
}
