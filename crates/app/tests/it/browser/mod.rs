//! A real browser for tests of pages: Debian's Chromium, driven over WebDriver.
//!
//! ```ignore
//! let server = Setup::serve(folder.path()).start();
//! let page = Browser::start(Look::PHONE.speaking("en"));
//! page.open(&format!("http://{}/dashboard", server.address()));
//! page.find("input[name=email]").type_text("ana@example.com");
//! page.find("input[type=file]").upload(&path);
//! page.find("button[type=submit]").click();
//! page.see("Welcome");                  // waits until the page shows it
//! page.change(Look::DESKTOP.dark());    // size, scheme and language, also of an open page
//! page.screenshot("dashboard-dark");    // target/screenshots/dashboard-dark.png, the whole page
//! page.assert_accessible();             // axe-core; fails with what it found
//! page.assert_fits();                   // nothing sticks out at the side
//! page.assert_quiet();                  // no error in the console, nothing blocked by the policy
//! ```
//!
//! Each test has a browser of its own with an empty profile; dropping it ends it, and a test that fails leaves
//! `target/screenshots/failed-NAME-OF-THE-TEST.png`. [`find`](Browser::find) and [`see`](Browser::see) wait,
//! in the driver, up to [`PATIENCE`]; nothing else does. A start takes seconds, so walk through many states in
//! few tests. `cargo xtask needs` installs what this needs. The calls are our own: they are a dozen, over the
//! HTTP client that these tests have anyway, where a crate would bring an asynchronous client with it.

mod driver;
mod look;
mod tests;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::text;
use crate::waiting::PATIENCE;

use driver::{Driver, Failed};
pub use look::Look;

/// How WebDriver marks an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What axe-core checks: WCAG 2.2 at level AA and everything before it, and what is good practice beside it.
const TAGS: [&str; 6] = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22aa",
    "best-practice",
];

/// What axe-core cannot decide by itself: the rule, what it says of it, and why it is right all the same.
const UNDECIDED: [(&str, &str, &str); 0] = [];

/// What a browser's network is like.
#[derive(Debug, Clone, Copy)]
pub enum Line {
    Whole,
    /// To the server; from it nothing is slowed down.
    Slow {
        bytes_per_second: u32,
    },
    Broken,
}

/// A browser with one page.
pub struct Browser {
    driver: Driver,
    /// The path of the session's calls.
    session: String,
    /// Whether those of pages are run.
    runs_scripts: Cell<bool>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one that shows pages as `look` says.
    pub fn start(look: Look) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let driver = Driver::start();
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"implicit": PATIENCE.as_millis(), "script": PATIENCE.as_millis()},
        }}});
        let made = driver.call("POST", "/session", &wanted);
        let made = made.unwrap_or_else(|failed| panic!("Chromium did not start: {failed:?}"));
        let browser = Self {
            driver,
            session: format!("/session/{}", text(&made["sessionId"])),
            runs_scripts: Cell::new(true),
            _profile: profile,
        };
        browser.change(look);
        browser
    }

    /// Shows pages in another way from now on; the open page changes its size and scheme at once.
    pub fn change(&self, look: Look) {
        for (command, parameters) in look.commands(&self.user_agent()) {
            self.devtools(command, parameters);
        }
    }

    fn user_agent(&self) -> String {
        text(&self.run("return navigator.userAgent", json!([])))
    }

    /// Opens an address and waits until its page is loaded.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({"url": url}));
    }

    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// The address of the open page.
    pub fn address(&self) -> String {
        text(&self.command("GET", "/url", &Value::Null))
    }

    pub fn title(&self) -> String {
        text(&self.command("GET", "/title", &Value::Null))
    }

    /// Waits for the first element that a CSS selector names.
    pub fn find(&self, css: &str) -> Element<'_> {
        self.locate("css selector", css)
    }

    /// Waits until an element that is not hidden has this in its own text, and returns it.
    pub fn see(&self, part: &str) -> Element<'_> {
        assert!(!part.contains('"'), "XPath has no way to quote {part}");
        let path = format!(
            "//body//text()[contains(normalize-space(.), \"{part}\")]\
             /parent::*[not(ancestor-or-self::*[@hidden or self::script or self::style])]"
        );
        self.locate("xpath", &path)
    }

    fn locate(&self, using: &str, value: &str) -> Element<'_> {
        let found = self.try_command("POST", "/element", &json!({"using": using, "value": value}));
        let found = found.unwrap_or_else(|failed| {
            let page = self.run("return document.body.innerText", json!([]));
            let address = self.address();
            panic!(
                "{failed:?}\n{address} shows:\n{}",
                page.as_str().unwrap_or_default()
            )
        });
        Element {
            browser: self,
            id: text(&found[ELEMENT]),
        }
    }

    /// Whether there is such an element now.
    pub fn has(&self, css: &str) -> bool {
        let script = "return document.querySelector(arguments[0]) !== null";
        self.run(script, json!([css])) == true
    }

    /// Runs a script in the page and gives what it returns.
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.command("POST", "/execute/sync", &body)
    }

    /// The same for a script that calls its last argument when it is done.
    pub fn run_until_called(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.command("POST", "/execute/async", &body)
    }

    /// Presses keys where the focus is: letters, or `\u{E004}` for Tab, `\u{E007}` for Enter and the like.
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()}))
            })
            .collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": strokes});
        self.command("POST", "/actions", &json!({"actions": [keyboard]}));
    }

    /// Loads pages without running their scripts, as some people's browsers do. Scripts of the test still run.
    pub fn without_scripts(&self) {
        self.disable_scripts(true);
    }

    /// Lets what needs scripts work on the open page, such as the checker; those of the page are not run late.
    pub fn with_scripts(&self) {
        self.disable_scripts(false);
    }

    fn disable_scripts(&self, disabled: bool) {
        let command = "Emulation.setScriptExecutionDisabled";
        self.devtools(command, json!({"value": disabled}));
        self.runs_scripts.set(!disabled);
    }

    /// One command of the DevTools protocol, for what WebDriver has no call for.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.command("POST", "/goog/cdp/execute", &body)
    }

    /// Lets pages know a place that this browser is at.
    pub fn stand_at(&self, latitude: f64, longitude: f64) {
        let allowed = json!({"descriptor": {"name": "geolocation"}, "state": "granted"});
        self.command("POST", "/permissions", &allowed);
        self.devtools(
            "Emulation.setGeolocationOverride",
            json!({"latitude": latitude, "longitude": longitude, "accuracy": 5}),
        );
    }

    /// Lets the network be as `line` says from now on, also for what is under way.
    pub fn network(&self, line: Line) {
        let (is_offline, upload_bytes_per_second) = match line {
            Line::Whole => (false, -1),
            Line::Slow { bytes_per_second } => (false, i64::from(bytes_per_second)),
            Line::Broken => (true, -1),
        };
        self.devtools("Network.enable", json!({}));
        self.devtools(
            "Network.emulateNetworkConditions",
            json!({
                "offline": is_offline, "latency": 0, "downloadThroughput": -1,
                "uploadThroughput": upload_bytes_per_second,
            }),
        );
    }

    /// Lets pages find the browser in this zone of the IANA database.
    pub fn live_in(&self, zone: &str) {
        self.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": zone}));
    }

    /// Holds a cookie for the server of the open page from now on.
    pub fn hold(&self, name: &str, value: &str) {
        let cookie = json!({"name": name, "value": value, "path": "/"});
        self.command("POST", "/cookie", &json!({"cookie": cookie}));
    }

    /// What it holds under this name for the server of the open page.
    pub fn held(&self, name: &str) -> String {
        text(&self.command("GET", &format!("/cookie/{name}"), &Value::Null)["value"])
    }

    /// Sends a form of the open page's session to this address, with these fields, and waits for the answer.
    pub fn send(&self, action: &str, fields: &[(&str, &str)]) {
        let script = "const [action, fields] = arguments;\
            const form = document.createElement('form');\
            form.method = 'post';\
            form.action = action;\
            const token = document.querySelector('input[name=form]')?.value;\
            const all = token && !fields.some(([name]) => name === 'form') ? [['form', token], ...fields] : fields;\
            for (const [name, value] of all) {\
              const field = document.createElement('textarea');\
              field.name = name;\
              field.value = value;\
              form.append(field);\
            }\
            document.documentElement.dataset.left = '';\
            document.body.append(form);\
            form.submit();";
        self.run(script, json!([action, fields]));
        self.find("html:not([data-left]) body");
    }

    /// Keeps a picture of the whole page as `target/screenshots/NAME.png`.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        self.try_screenshot(name)
            .unwrap_or_else(|failed| panic!("no picture: {failed:?}"))
    }

    /// The same of what the window shows.
    pub fn window(&self, name: &str) -> PathBuf {
        self.take(name, false)
            .unwrap_or_else(|failed| panic!("no picture: {failed:?}"))
    }

    fn try_screenshot(&self, name: &str) -> Result<PathBuf, Failed> {
        self.take(name, true)
    }

    fn take(&self, name: &str, is_whole: bool) -> Result<PathBuf, Failed> {
        if self.runs_scripts.get() {
            // What changed last is painted when the second frame begins.
            let script = "const done = arguments[0];\
                requestAnimationFrame(() => requestAnimationFrame(() => done()));";
            self.try_command(
                "POST",
                "/execute/async",
                &json!({"script": script, "args": []}),
            )?;
        }
        let body = json!({
            "cmd": "Page.captureScreenshot",
            "params": {"format": "png", "captureBeyondViewport": is_whole},
        });
        let taken = self.try_command("POST", "/goog/cdp/execute", &body)?;
        let picture = BASE64_STANDARD.decode(text(&taken["data"])).unwrap();
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, picture).unwrap();
        Ok(path)
    }

    /// Fails with what axe-core finds wrong with the page as it is now, and with what it could not decide unless
    /// [`UNDECIDED`] says why nobody needs to.
    pub fn assert_accessible(&self) {
        let found = self.barriers();
        let address = self.address();
        assert!(
            found.is_empty(),
            "{address} is not accessible:\n{}",
            found.join("\n")
        );
    }

    /// What [`Browser::assert_accessible`] fails with.
    pub fn barriers(&self) -> Vec<String> {
        self.run(&axe(), json!([]));
        let check = "const [tags, undecided, done] = arguments;\
            const say = (one, nodes) => one.impact + ': ' + one.help + ' (' + one.id + ')\\n' + \
            nodes.map(node => '    ' + node.html + '\\n    ' + node.failureSummary).join('\\n');\
            const open = one => one.nodes.filter(node => !undecided.some(([id, said]) => id === one.id && \
            node.any.concat(node.all, node.none).some(check => new RegExp(said).test(check.message))));\
            axe.run(document, {runOnly: tags, rules: {'target-size': {enabled: true}}, \
            resultTypes: ['violations', 'incomplete']}).then(\
            found => done([...found.violations.map(one => say(one, one.nodes)), \
            ...found.incomplete.filter(one => open(one).length > 0).map(one => 'not decided, ' + say(one, open(one)))]),\
            error => done([String(error)]));";
        let undecided = UNDECIDED.map(|(rule, said, _)| [rule, said]);
        let found = self.run_until_called(check, json!([TAGS, undecided]));
        found.as_array().unwrap().iter().map(text).collect()
    }

    /// Fails when the page has to be scrolled sideways.
    pub fn assert_fits(&self) {
        let script = "const root = document.documentElement;\
            return [root.scrollWidth - root.clientWidth, \
            [...document.querySelectorAll('body *')].filter(one => \
            one.getBoundingClientRect().right > root.clientWidth + 1).map(one => \
            one.outerHTML.slice(0, 120)).slice(0, 5)]";
        let found = self.run(script, json!([]));
        assert!(
            found[0].as_i64().unwrap() <= 0,
            "{} px stick out: {:#}",
            found[0],
            found[1]
        );
    }

    /// Fails when the console of the browser has warnings or errors that it had not at the last call.
    pub fn assert_quiet(&self) {
        let lines = self.complaints();
        assert!(lines.is_empty(), "the console says:\n{}", lines.join("\n"));
    }

    /// The warnings and errors of the console since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().unwrap().iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| text(&entry["message"]))
            .collect()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_command(method, path, body)
            .unwrap_or_else(|failed| panic!("{method} {path}: {failed:?}"))
    }

    fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failed> {
        let path = format!("{}{path}", self.session);
        self.driver.call(method, &path, body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("test").replace("::", "-");
            // What the test failed for is said already.
            let _ = self.try_screenshot(&format!("failed-{name}"));
        }
        // The driver ends Chromium before it answers; a driver that is gone has said so already.
        let _ = self.driver.call("DELETE", &self.session, &Value::Null);
    }
}

/// An element of the open page.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Element<'_> {
    /// Clicks in its middle; waits for the page that this leads to.
    pub fn click(&self) {
        self.command("POST", "click", &json!({}));
    }

    /// Types into it, behind what is there.
    pub fn type_text(&self, keys: &str) {
        self.command("POST", "value", &json!({"text": keys}));
    }

    pub fn clear(&self) {
        self.command("POST", "clear", &json!({}));
    }

    /// Chooses a file in it, as a person would in the dialogue.
    pub fn upload(&self, file: &Path) {
        self.type_text(&file.display().to_string());
    }

    /// Its text as shown.
    pub fn text(&self) -> String {
        text(&self.command("GET", "text", &Value::Null))
    }

    pub fn attribute(&self, name: &str) -> Option<String> {
        let value = self.command("GET", &format!("attribute/{name}"), &Value::Null);
        value.as_str().map(str::to_owned)
    }

    /// A property of its object, such as `value` or `checked`.
    pub fn property(&self, name: &str) -> Value {
        self.command("GET", &format!("property/{name}"), &Value::Null)
    }

    pub fn is_displayed(&self) -> bool {
        self.command("GET", "displayed", &Value::Null) == true
    }

    fn command(&self, method: &str, what: &str, body: &Value) -> Value {
        let path = format!("/element/{}/{what}", self.id);
        self.browser.command(method, &path, body)
    }
}

/// Where pictures are kept.
pub fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots")
}

/// The checker, as npm installed it.
fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/browser-tools/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("axe-core is not installed ({error}); `cargo xtask needs` does it")
    })
}
