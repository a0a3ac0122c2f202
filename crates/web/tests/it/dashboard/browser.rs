//! A browser without scripts: it keeps cookies, follows redirects and fills forms in.

use std::cell::RefCell;
use std::collections::BTreeMap;

use heraldo_domain::account::Role;
use heraldo_domain::ops::accounts::{Person, create_user};
use heraldo_wire::id::CompanyId;
use url::{Url, form_urlencoded};

use crate::world::{Answer, World};

/// No page and its style and script together weigh more (60 KB).
const PAGE_BYTES_MAX: usize = 60_000;

pub struct Browser<'w> {
    world: &'w World,
    cookies: RefCell<BTreeMap<String, String>>,
    pub language: &'static str,
}

impl<'w> Browser<'w> {
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            cookies: RefCell::default(),
            language: "en",
        }
    }

    /// A new user of this role, signed in.
    pub async fn signed_in(world: &'w World, role: Role) -> Self {
        Self::of(world, world.company, role).await
    }

    /// A new user of another company.
    pub async fn of(world: &'w World, company: CompanyId, role: Role) -> Self {
        let email = format!("{role}@example.com");
        Self::with_address(world, company, role, email).await
    }

    /// A new user with an address of the first company.
    pub async fn signed_in_as(
        world: &'w World,
        company: CompanyId,
        role: Role,
        name: &str,
    ) -> Self {
        Self::with_address(world, company, role, format!("{name}@first.example")).await
    }

    async fn with_address(world: &'w World, company: CompanyId, role: Role, email: String) -> Self {
        let person = Person {
            email: Some(email),
            first_name: Some("Ana".to_owned()),
            ..Person::default()
        };
        let user = create_user(&world.context, company, role, person).await;
        let browser = Self::new(world);
        let token = user.unwrap().sign_in_token;
        let answer = browser.post("/signin", &[("token", token.reveal())]).await;
        assert_eq!(answer.header("location"), Some("dashboard"));
        browser
    }

    /// Gives another browser what this one holds.
    pub fn lend_cookies_to(&self, other: &Browser<'_>) {
        other.cookies.replace(self.cookies.borrow().clone());
    }

    /// What it holds under this name.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// All that it holds, as it sends it.
    pub fn cookies(&self) -> String {
        let cookies = self.cookies.borrow();
        cookies.iter().fold(String::new(), |all, (name, value)| {
            format!("{all}{name}={value}; ")
        })
    }

    /// What the forms of its session carry.
    pub async fn form_token(&self) -> String {
        let page = self.page("/dashboard/account", 200).await;
        let token = page.split("name=\"form\" value=\"").nth(1).unwrap();
        token.split('"').next().unwrap().replace("&#43;", "+")
    }

    async fn send(&self, method: &str, path: &str, fields: Option<&[(&str, &str)]>) -> Answer {
        let cookies = self.cookies();
        let mut call = self
            .world
            .bare(method, path)
            .header("host", "inspect.example.com")
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("accept-language", self.language)
            .header("cookie", &cookies);
        if let Some(fields) = fields {
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            call = call
                .header("content-type", "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin")
                .body(body);
        }
        let answer = call.send().await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut cookies = self.cookies.borrow_mut();
            if rest.contains("Max-Age=0;") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, Some(fields)).await
    }

    /// The text of a page, after a look at what every page must be.
    pub async fn page(&self, path: &str, status: u16) -> String {
        checked(&self.get(path).await, status)
    }

    /// Opens `page`, fills its form that leads to `action` in, and sends it.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.page(page, 200).await;
        let base = Url::parse("https://inspect.example.com").unwrap();
        let base = base.join(page).unwrap();
        let mut forms = shown.split("<form").skip(1);
        let form = forms.find(|form| {
            let target = form.split("action=\"").nth(1).unwrap();
            let target = target.split('"').next().unwrap();
            base.join(target).unwrap().path() == action
        });
        let form = form.unwrap_or_else(|| panic!("{page} has no form for {action}"));
        let form = form.split("</form>").next().unwrap();
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
        let mut all: Vec<(String, String)> = hidden
            .map(|input| {
                let (name, rest) = input.split_once("\" value=\"").unwrap();
                let value = rest.split('"').next().unwrap().replace("&#43;", "+");
                (name.to_owned(), value)
            })
            .collect();
        all.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let all: Vec<_> = all
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.post(action, &all).await
    }

    /// As [`Browser::submit`]; the page that follows.
    pub async fn submit_and_follow(
        &self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> (String, String) {
        let answer = self.submit(page, action, fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let base = Url::parse("https://inspect.example.com").unwrap();
        let next = base
            .join(action)
            .unwrap()
            .join(answer.header("location").unwrap());
        let next = next.unwrap().path().to_owned();
        let shown = self.page(&next, 200).await;
        (next, shown)
    }
}

/// What a script weighs as it is served: without comments and indentation.
fn bytes_of(script: &str) -> usize {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(|line| line.len() + 1).sum()
}

/// What the page says by naming the id of something else on it, with the attribute that does.
fn named_ids(page: &str) -> Vec<(&'static str, &str)> {
    let mut named = Vec::new();
    for name in [
        " aria-describedby=\"",
        " aria-labelledby=\"",
        " aria-controls=\"",
        " aria-details=\"",
        " for=\"",
        " form=\"",
        " data-also=\"",
        " data-copy=\"",
        " href=\"#",
    ] {
        let values = page.split(name).skip(1);
        let values = values.map(|rest| rest.split('"').next().unwrap());
        let ids = values.flat_map(|value| value.split(' '));
        named.extend(ids.filter(|id| !id.is_empty()).map(|id| (name, id)));
    }
    named
}

/// What every page must be, whatever it shows.
#[track_caller]
pub fn checked(answer: &Answer, status: u16) -> String {
    let text = answer.text();
    assert_eq!(answer.status.as_u16(), status, "{text}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{text}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
        "{policy}"
    );
    assert!(
        !text.contains("<script>") && !text.contains("style=") && !text.contains(" onclick"),
        "{text}"
    );
    let mut files = include_str!("../../../assets/heraldo.css").len()
        + bytes_of(include_str!("../../../assets/heraldo.js"));
    if text.contains("assets/live-") {
        files += bytes_of(include_str!("../../../assets/live.js"));
    }
    for (name, id) in named_ids(text) {
        let place = format!(" id=\"{id}\"");
        assert!(
            text.contains(&place),
            "{name} names {id}, which is not there: {text}"
        );
    }
    assert!(text.len() + files < PAGE_BYTES_MAX, "{} bytes", text.len());
    // Where a line may end is no part of the text.
    text.replace("<wbr>", "").replace('\u{a0}', " ")
}
