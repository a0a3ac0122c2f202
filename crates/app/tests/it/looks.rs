//! Every page in every look: both languages, light and dark, on a desk and on a phone. Each is checked, and a
//! picture of it is kept.
//!
//! One table ties the routes of the dashboard and the templates to what is looked at: a page that is not in it
//! fails a test.

mod places;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use heraldo_web::dashboard_routes;
use serde_json::json;
use tempfile::tempdir;

use crate::browser::{Browser, Look};
use crate::client::{Api, text};
use crate::dashboard_views::{completed, photos};
use crate::process::{Server, Setup, answer_of};
use crate::receiver::{Reaction, Receiver};
use crate::traffic::keep_count;
use crate::waiting::eventually;

use places::How::{self, Open, Send};
use places::{
    COUNTING, FULL, LOOKS, NO_PAGES, PASSWORD, PLACES, PROBLEM, Place, SCRIPT, Shown, TOO_MANY, Who,
};

/// The frames that the other templates extend.
const FRAMES: [&str; 2] = ["frame.html", "page.html"];

fn templates(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            templates(&entry.path(), &format!("{name}/"), found);
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let is_page = FRAMES
            .iter()
            .any(|frame| text.starts_with(&format!("{{% extends \"{frame}\" %}}")));
        if is_page && !FRAMES.contains(&name.as_str()) {
            found.insert(name);
        }
    }
}

#[test]
fn every_page_and_every_template_of_the_dashboard_is_looked_at() {
    let places: Vec<&Place> = PLACES
        .iter()
        .chain(TOO_MANY)
        .chain(COUNTING)
        .chain(FULL)
        .collect();
    let names: BTreeSet<&str> = places.iter().map(|place| place.1).collect();
    assert_eq!(names.len(), places.len(), "two pictures have one name");
    for route in dashboard_routes() {
        let is_page = route.method == http::Method::GET && !NO_PAGES.contains(&route.path);
        let mut seen = places
            .iter()
            .filter(|place| place.2 == route.path && place.3 != PROBLEM);
        assert!(
            !is_page || seen.next().is_some(),
            "{} is looked at nowhere: add it to the table of this test",
            route.path
        );
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/templates");
    let mut known = BTreeSet::new();
    templates(&folder, "", &mut known);
    assert!(known.len() > 20, "{known:?}");
    let seen: BTreeSet<String> = places.iter().map(|place| place.3.to_owned()).collect();
    assert_eq!(known, seen);
}

/// A server with everything on it, and a browser.
struct Gallery<'a> {
    page: &'a Browser,
    root: String,
    samples: BTreeMap<&'static str, String>,
    /// What the browser holds for each session.
    sessions: BTreeMap<&'static str, String>,
    /// What is wrong with the pages so far: all of it is said at once.
    wrong: RefCell<Vec<String>>,
}

const SESSION: &str = "heraldo_session";

impl Gallery<'_> {
    fn key(who: Who) -> &'static str {
        match who {
            Who::Nobody => "nobody",
            Who::Newcomer => "newcomer",
            Who::Owner => "owner",
            Who::Producer => "producer",
        }
    }

    /// Signs in by a link, and keeps the session.
    fn enter(&mut self, who: Who, link: &str) {
        let token = link.split("token=").nth(1).unwrap();
        self.page.open(&format!("{}/signin", self.root));
        // Whoever signs in anew ends the session that the browser holds.
        self.page.hold(SESSION, "none");
        self.page.send("/signin", &[("token", token)]);
        self.page.find("details.menu");
        let held = self.page.held(SESSION);
        self.sessions.insert(Self::key(who), held);
    }

    /// Goes on in the session of somebody else.
    fn be(&self, who: Who) {
        let held = self.sessions.get(Self::key(who));
        self.page.hold(SESSION, held.map_or("none", String::as_str));
        let first = match who {
            Who::Nobody => "signin",
            Who::Newcomer | Who::Owner | Who::Producer => "dashboard/account",
        };
        self.page.open(&format!("{}/{first}", self.root));
    }

    fn filled(&self, text: &str, look: &str) -> String {
        let mut filled = text.replace("{new-email}", &format!("{look}@example.com"));
        for (name, value) in &self.samples {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        filled
    }

    /// Looks at these places in every look.
    fn show(&self, places: &[Place]) {
        for shown in &LOOKS {
            self.page.change(shown.look);
            self.page.hold("heraldo_theme", shown.theme);
            // Chosen against the browser with the theme, else the browser's own.
            self.page.hold("heraldo_language", shown.language);
            let mut is_now = None;
            for (who, name, _, _, how, there) in places {
                if is_now != Some(*who) {
                    self.be(*who);
                    is_now = Some(*who);
                }
                self.go(*how, shown.name);
                self.page.find(there);
                self.look_at(&format!("{name}-{}", shown.name), shown);
            }
        }
    }

    fn go(&self, how: How, look: &str) {
        match how {
            Open(address) => {
                let address = self.filled(address, look);
                self.page.open(&format!("{}{address}", self.root));
            }
            Send(action, fields) => {
                let fields: Vec<(&str, String)> = fields
                    .iter()
                    .map(|(field, value)| (*field, self.filled(value, look)))
                    .collect();
                let fields: Vec<(&str, &str)> = fields
                    .iter()
                    .map(|(field, value)| (*field, value.as_str()))
                    .collect();
                self.page.send(&self.filled(action, look), &fields);
            }
        }
    }

    fn look_at(&self, name: &str, shown: &Shown) {
        let page = self.page;
        let script = "const root = document.documentElement;\
            const cut = [...document.querySelectorAll('nav ul')].filter(ul => ul.scrollWidth > ul.clientWidth);\
            return [root.lang, root.dataset.theme ?? 'auto', window.ran ?? null, \
            root.scrollWidth - root.clientWidth, cut.length]";
        let found = page.run(script, json!([]));
        let expected = json!([shown.language, shown.theme, null, 0, 0]);
        let mut wrong = Vec::new();
        if found != expected {
            wrong.push(format!(
                "language, theme, script, px outside, navigations that are cut: {found}"
            ));
        }
        let photos = photos(page);
        if !photos.is_u64() {
            wrong.push(format!("a photo is not shown: {photos}"));
        }
        // Whatever has another status than 200 is told to the console under the page's own address.
        let address = page.address();
        let own = address.split('#').next().unwrap();
        let own = format!("{own} - Failed to load resource");
        let complaints = page.complaints().into_iter();
        wrong.extend(complaints.filter(|line| !line.starts_with(&own)));
        page.screenshot(name);
        if shown.is_checked {
            wrong.extend(page.barriers());
        }
        let wrong = wrong.into_iter().map(|what| format!("{name}: {what}"));
        self.wrong.borrow_mut().extend(wrong);
    }

    fn assert_right(&self) {
        let wrong = self.wrong.borrow();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

fn link_of_first_run(server: &Server) -> String {
    let line = server.out.wait_for("/signin?token=").unwrap();
    let mut words = line.split_whitespace();
    let link = words.find(|word| word.contains("/signin?token="));
    link.unwrap().to_owned()
}

fn places(wanted: impl Fn(Who) -> bool) -> Vec<Place> {
    let places = PLACES.iter().filter(|place| wanted(place.0));
    places.copied().collect()
}

#[test]
fn pages_of_nobody_of_newcomers_and_of_failures_are_seen_in_every_look() {
    let folder = tempdir().unwrap();
    let mut setup = Setup::serve(folder.path()).env("HERALDO_WRONG_PASSWORDS_PER_MINUTE", "1000");
    let server = setup.start();
    let link = link_of_first_run(&server);
    let tell = |arguments: &[&str]| answer_of(folder.path(), arguments);
    let newcomer = tell(&["company", "create", "--name", "Nueva"]);
    let company = text(&newcomer["companyId"]);
    let ana = tell(&[
        "user",
        "create",
        "--company",
        &company,
        "--email",
        "ana@example.com",
        "--role",
        "admin",
    ]);
    let unused = tell(&[
        "user",
        "create",
        "--company",
        &company,
        "--email",
        "eva@example.com",
    ]);
    let app = tell(&[
        "oauth",
        "app",
        "create",
        "--company",
        &company,
        "--name",
        SCRIPT,
        "--redirect",
        "https://app.example/cb",
    ]);
    let browser = Browser::start(Look::DESKTOP);
    let mut gallery = Gallery {
        page: &browser,
        root: format!("http://{}", server.address()),
        samples: BTreeMap::new(),
        sessions: BTreeMap::new(),
        wrong: RefCell::default(),
    };
    let page = gallery.page;
    // One address with one password in two companies.
    let password = [("password", PASSWORD), ("again", PASSWORD)];
    gallery.enter(Who::Producer, &text(&ana["signInLink"]));
    page.send("/dashboard/account/password", &password);
    gallery.enter(Who::Owner, &link);
    let own = [&[("email", "ana@example.com")][..], &password].concat();
    page.send("/dashboard/account/password", &own);
    gallery.sessions.insert("owner", page.held(SESSION));
    let invited = [("email", "leo@example.com"), ("role", "producer")];
    page.send("/dashboard/team/invitations", &invited);
    let invitation = page.find("#link").text();
    gallery.enter(Who::Newcomer, &text(&newcomer["signInLink"]));
    let (_, path) = invitation.split_once("/invitation").unwrap();
    let consent = format!(
        "/oauth/connect?client_app_id={}&scopes=memberships&scopes=account&scopes=inspections",
        text(&app["client_app_id"])
    );
    gallery.samples = BTreeMap::from([
        (
            "sign-in-link",
            text(&unused["signInLink"])
                .split_once("/signin")
                .map(|(_, rest)| format!("/signin{rest}"))
                .unwrap(),
        ),
        ("invitation-link", format!("/invitation{path}")),
        (
            "invitation-token",
            path.split("token=").nth(1).unwrap().to_owned(),
        ),
        ("consent", consent),
    ]);
    gallery.show(&places(|who| matches!(who, Who::Nobody | Who::Newcomer)));

    // The same server with a low limit: one wrong password, then no more.
    let address = server.address();
    let webhook = server.api().webhook("http://127.0.0.1:9/webhook");
    let listed = tell(&["company", "list"]);
    let mut companies = listed["companies"].as_array().unwrap().iter();
    let own = companies.find(|one| one["companyId"] != newcomer["companyId"]);
    let own = text(&own.unwrap()["companyId"]);
    server.stop();
    let (own, webhook) = (own.parse().unwrap(), webhook.parse().unwrap());
    let count = keep_count(folder.path(), own, webhook);
    gallery.samples.insert("count", count);
    setup = setup
        .env("HERALDO_WRONG_PASSWORDS_PER_MINUTE", "1")
        .env("HERALDO_LISTEN", address.to_string());
    let server = setup.start();
    gallery.be(Who::Owner);
    gallery.show(COUNTING);
    gallery.go(TOO_MANY[0].4, "");
    page.send(
        "/signin",
        &[("email", "leo@example.com"), ("password", "x")],
    );
    page.complaints();
    gallery.show(TOO_MANY);
    drop(server);

    // Another whose disk is full: no file may grow past 2 MiB, in blocks of 512 bytes.
    let folder = tempdir().unwrap();
    let setup = Setup::serve(folder.path()).before("trap '' XFSZ; ulimit -f 4096");
    let server = setup.start();
    gallery.root = format!("http://{}", server.address());
    gallery.enter(Who::Owner, &link_of_first_run(&server));
    let filler = "x".repeat(8_000);
    let event = json!({"event": "inspection_started", "payload": {"_id": "651ae032ff786d198dfa4ce4", "filler": filler}});
    let api = server.api();
    for events in [vec![event.clone(); 20], vec![event]] {
        let body = json!(events);
        let mut refused = 0;
        while refused < 3 {
            let answer = api.call("POST", "/v1/notification/event", Some(&body));
            refused += u32::from(answer.unwrap().status == 503);
        }
    }
    gallery.show(FULL);
    gallery.assert_right();
}

/// Everything that a company can have, by what the places call it.
fn samples(api: &Api, receiver: &Receiver) -> BTreeMap<&'static str, String> {
    let hostile =
        json!({"description": SCRIPT, "retrySchedule": ["1s"], "headers": {"x-note": SCRIPT}});
    let webhook = api.webhook_with(&receiver.url(), hostile);
    let disabled = api.webhook_with(
        &receiver.url().replace("/webhook", "/other"),
        json!({"events": ["inspection_created"], "retrySchedule": []}),
    );
    completed(api);
    let made = api.get("/v1/inspection");
    let inspection = text(&made["inspections"][0]["_id"]);
    eventually("all is settled", || {
        api.deliveries("status=pending").is_empty().then_some(())
    });
    let failed = api.deliveries(&format!("webhookId={webhook}&status=failed"));
    let of_disabled = api.deliveries(&format!("webhookId={disabled}"));
    api.patch(
        &format!("/v1/notification/webhook/{disabled}"),
        json!({"status": "disabled"}),
    );
    let range = json!({"from": "2020-01-01T00:00:00Z", "status": ["failed"]});
    let path = format!("/v1/notification/webhook/{webhook}/recover");
    let begun = api.call("POST", &path, Some(&range)).unwrap().json();
    let recovery = text(&begun["_id"]);
    eventually("the recovery is over", || {
        let shown = api.get(&format!("/v1/notification/recovery/{recovery}"));
        (shown["state"] == "completed").then_some(())
    });
    BTreeMap::from([
        ("delivery", text(&failed[0]["_id"])),
        ("event", text(&failed[0]["eventId"])),
        ("of-disabled", text(&of_disabled[0]["_id"])),
        ("webhook", webhook),
        ("disabled", disabled),
        ("inspection", inspection),
        ("recovery", recovery),
    ])
}

#[test]
fn pages_of_a_company_in_use_are_seen_in_every_look_and_no_word_of_others_runs() {
    let folder = tempdir().unwrap();
    let receiver = Receiver::new(|request| match request.event().as_str() {
        "image_processed" | "inspection_started" => Reaction::Says(500, SCRIPT),
        _ => Reaction::Says(200, SCRIPT),
    });
    let server = Setup::serve(folder.path())
        .env("HERALDO_WRONG_PASSWORDS_PER_MINUTE", "1000")
        .start();
    let api = server.api();
    let samples = samples(&api, &receiver);
    let browser = Browser::start(Look::DESKTOP);
    let mut gallery = Gallery {
        page: &browser,
        root: format!("http://{}", server.address()),
        samples,
        sessions: BTreeMap::new(),
        wrong: RefCell::default(),
    };
    let page = gallery.page;
    gallery.enter(Who::Owner, &link_of_first_run(&server));
    let own = [
        ("email", "ana@example.com"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    page.send("/dashboard/account/password", &own);
    gallery.sessions.insert("owner", page.held(SESSION));
    for action in ["/dashboard/applications", "/dashboard/keys"] {
        let fields = [
            ("name", SCRIPT),
            ("redirects", "https://app.example/cb"),
            ("scopes", "webhooks"),
        ];
        page.send(action, &fields);
        if let Some(id) = page
            .has("#client-id")
            .then(|| page.find("#client-id").text())
        {
            let consent = format!(
                "/oauth/connect?client_app_id={id}&scopes=memberships&scopes=account&scopes=inspections"
            );
            gallery.samples.insert("consent", consent);
        }
    }
    let tell = |arguments: &[&str]| answer_of(folder.path(), arguments);
    let listed = tell(&["company", "list"]);
    let company = text(&listed["companies"][0]["companyId"]);
    let user = |email: &str| tell(&["user", "create", "--company", &company, "--email", email]);
    let producer = user("leo@example.com");
    gallery
        .samples
        .insert("member", text(&user("eva@example.com")["userId"]));
    gallery.enter(Who::Producer, &text(&producer["signInLink"]));
    gallery.show(&places(|who| matches!(who, Who::Owner | Who::Producer)));

    // What others wrote is there, as text.
    gallery.be(Who::Owner);
    for (address, at) in [
        ("/dashboard/webhooks/{webhook}", "main > p"),
        ("/dashboard/deliveries/{delivery}", "details[open] pre"),
        ("/dashboard/inspections/{inspection}", "dl.facts dd"),
        ("/dashboard/developers", "#applications"),
    ] {
        gallery.go(Open(address), "");
        page.find(at);
        let shown = "return [document.querySelector('main').textContent, window.ran ?? null]";
        let shown = page.run(shown, json!([]));
        assert!(text(&shown[0]).contains("<script>"), "{address}: {shown}");
        assert!(shown[1].is_null(), "{address}: a script ran");
    }
    page.assert_quiet();
    gallery.assert_right();
}
