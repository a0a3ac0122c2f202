//! What depends on who is in front of the page: the keyboard alone, another zone, another way to write dates.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::client::text;
use crate::process::{Server, Setup};

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";

fn sign_in(page: &Browser, server: &Server) {
    let line = server.out.wait_for("/signin?token=").unwrap();
    let mut words = line.split_whitespace();
    page.open(words.find(|word| word.contains("/signin?token=")).unwrap());
    page.find("main form button").click();
    page.find(".menu summary");
}

/// Whether the element with the focus is one of these.
fn is_at(page: &Browser, css: &str) -> bool {
    let script = "return document.activeElement.matches(arguments[0])";
    page.run(script, json!([css])) == true
}

/// Goes on by the keyboard until this is reached. Whatever is passed can be seen, and lies further on in the
/// page.
fn tab_to(page: &Browser, css: &str, stops_max: usize) {
    for _ in 0..stops_max {
        page.run("window.before = document.activeElement", json!([]));
        page.press(TAB);
        let script = "const now = document.activeElement; const box = now.getBoundingClientRect();\
            const follows = window.before === document.body || \
            (window.before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;\
            return [follows, box.width > 0 && box.height > 0 && box.bottom > 0, now.outerHTML.slice(0, 80)]";
        let now = page.run(script, json!([]));
        assert!(now[0] == true && now[1] == true, "{now}");
        if is_at(page, css) {
            return;
        }
    }
    panic!("{css} is not reached by {stops_max} stops");
}

#[test]
fn the_keyboard_alone_opens_the_menu_skips_the_navigation_and_adds_an_endpoint() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    sign_in(&page, &server);
    let developers = format!("http://{}/dashboard/developers", server.address());
    page.open(&developers);
    // The menu: opened, and closed by Escape with the focus where it was.
    tab_to(&page, ".menu summary", 10);
    page.press(ENTER);
    page.find("details.menu[open]");
    tab_to(&page, ".sheet a", 2);
    page.press(ESCAPE);
    assert!(!page.has("details.menu[open]"));
    assert!(is_at(&page, ".menu summary"));

    // Past the navigation at once, then to what the page is for.
    page.open(&developers);
    tab_to(&page, ".skip", 1);
    page.press(ENTER);
    assert!(is_at(&page, "#content"));
    tab_to(&page, "a.first", 8);
    page.press(ENTER);
    page.find("#endpoint");
    tab_to(&page, "#endpoint", 12);
    page.press("http://10.0.0.1/hook");
    tab_to(&page, "button.first", 20);
    page.press(ENTER);
    // What is wrong is said first, and leads to its field.
    page.find("[role=alert] a");
    page.complaints();
    tab_to(&page, "[role=alert] a", 20);
    page.press(ENTER);
    assert!(is_at(&page, "#endpoint[aria-invalid=true]"));
}

/// The first instant of the page: as it is shown, as its hover says, and as it would be shown in this zone to
/// this reader.
fn instant(page: &Browser, zone: &str, reader: &str) -> Value {
    page.find("main time");
    let script = "const [zone, reader] = arguments; const time = document.querySelector('main time');\
        const shown = new Intl.DateTimeFormat(reader, {dateStyle: 'medium', timeStyle: 'medium', timeZone: zone});\
        return [time.textContent, time.title, shown.format(new Date(time.title))]";
    page.run(script, json!([zone, reader]))
}

#[test]
fn times_and_days_are_those_of_the_viewers_zone_and_hovering_says_the_exact_instant() {
    let folder = tempdir().unwrap();
    let server = Setup::serve(folder.path()).start();
    let api = server.api();
    let made = api.inspection();
    let created_at = text(&api.get(&format!("/v1/inspection/{}", made.id))["createdAt"]);
    let page = Browser::start(Look::DESKTOP.speaking("en-GB"));
    sign_in(&page, &server);
    let list = format!("http://{}/dashboard/inspections", server.address());
    for (look, zone, reader) in [
        (
            Look::DESKTOP.speaking("en-GB"),
            "America/Argentina/Buenos_Aires",
            "en-GB",
        ),
        (Look::DESKTOP.speaking("en-US"), "Asia/Kolkata", "en-US"),
        (Look::DESKTOP, "Pacific/Auckland", "es-AR"),
    ] {
        page.change(look);
        page.live_in(zone);
        page.open(&list);
        let found = instant(&page, zone, reader);
        assert_eq!(found[0], found[2], "{zone}: {found}");
        assert_eq!(found[1], created_at.as_str());
    }

    // Where it is another day than in UTC, the filter means the day that the rows show.
    let hour: u32 = created_at[11..13].parse().unwrap();
    let zone = if hour >= 10 {
        "Pacific/Kiritimati"
    } else {
        "Pacific/Pago_Pago"
    };
    page.change(Look::DESKTOP.speaking("en-GB"));
    page.live_in(zone);
    page.open(&list);
    let fill = "const [made, zone, more] = arguments; const day = new Intl.DateTimeFormat('en-CA', {timeZone: zone})\
        .format(new Date(Date.parse(made) + more * 86400000));\
        for (const id of ['from', 'to']) document.getElementById(id).value = day;\
        document.querySelector('.filters').open = true; return day";
    let day = page.run(fill, json!([created_at, zone, 0]));
    assert_ne!(text(&day), created_at[..10]);
    assert_eq!(page.find("label[for=from] small").text(), zone);
    page.find(".filters button").click();
    page.see("1 inspection");
    let offset = if hour >= 10 { "%2B14%3A00" } else { "-11%3A00" };
    let address = page.address();
    assert!(
        address.contains(&format!("from={}{offset}", text(&day))),
        "{address}"
    );
    assert_eq!(page.find("#from").property("value"), day);
    page.run(fill, json!([created_at, zone, -1]));
    page.find(".filters button").click();
    page.see("No inspection matches");
    page.assert_quiet();

    // Without scripts it is UTC, and says so.
    page.without_scripts();
    page.open(&list);
    let zone = page.find("label[for=from] small");
    assert_eq!(zone.property("textContent"), "UTC");
    let shown = page.find("main time").text();
    assert_eq!(
        shown,
        format!("{} {} UTC", &created_at[..10], &created_at[11..19])
    );
}
