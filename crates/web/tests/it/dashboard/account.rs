//! Passwords, sessions, and the limits on guessing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use heraldo_domain::account::{Caller, Role};
use heraldo_domain::change::{Actor, AuditAction};
use heraldo_domain::ops::Context;
use heraldo_domain::ops::accounts::{NewUser, Person, create_company, create_user};
use heraldo_domain::ops::people::{change_role, remove_member};
use heraldo_domain::password::PasswordHash;
use heraldo_domain::ports::{Passwords, PasswordsBusy};
use heraldo_domain::query::Page;
use heraldo_domain::store::Store as _;
use heraldo_web::{Web, WebConfig};
use heraldo_wire::id::{CompanyId, UserId};
use http::HeaderMap;
use url::form_urlencoded;

use super::Browser;
use super::browser::checked;
use crate::world::{Answer, World};

const ACCOUNT: &str = "/dashboard/account";
const SET: &str = "/dashboard/account/password";
const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "__Host-heraldo_session";

async fn user(world: &World, company: CompanyId, email: &str, role: Role) -> NewUser {
    let person = Person {
        email: Some(email.to_owned()),
        ..Person::default()
    };
    let user = create_user(&world.context, company, role, person).await;
    user.unwrap()
}

/// A user with a password, signed in by link.
pub async fn with_password<'w>(
    world: &'w World,
    company: CompanyId,
    email: &str,
    role: Role,
) -> (Browser<'w>, UserId) {
    let user = user(world, company, email, role).await;
    let browser = Browser::new(world);
    let token = [("token", user.sign_in_token.reveal())];
    assert_eq!(browser.post("/signin", &token).await.status, 303);
    let fields = [("password", PASSWORD), ("again", PASSWORD)];
    let (next, page) = browser.submit_and_follow(ACCOUNT, SET, &fields).await;
    assert_eq!(next, ACCOUNT);
    assert!(page.contains("The password is saved."), "{page}");
    (browser, user.user_id)
}

/// Tries a password from an address.
async fn enter(world: &World, address: &str, email: &str, password: &str) -> Answer {
    let fields = [("email", email), ("password", password)];
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    world
        .bare("POST", "/signin")
        .from(address)
        .header("accept-language", "en")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(body)
        .send()
        .await
}

fn is_in(headers: &HeaderMap) -> bool {
    headers.get("location").is_some_and(|to| to == "dashboard")
        && headers.contains_key("set-cookie")
}

async fn may_enter(world: &World, email: &str, password: &str) -> bool {
    is_in(&enter(world, "192.0.2.99", email, password).await.headers)
}

#[tokio::test]
async fn a_password_is_set_and_signs_in_again() {
    let world = World::new().await;
    let (browser, _) = with_password(&world, world.company, "eva@example.com", Role::Admin).await;
    let fields = [("email", "Eva@example.com"), ("password", PASSWORD)];
    let other = Browser::new(&world);
    let answer = other.submit("/signin", "/signin", &fields).await;
    assert!(is_in(&answer.headers), "{}", answer.text());
    let page = other.page("/dashboard", 200).await;
    assert!(!page.contains("Choose a password"), "{page}");
    // What was typed in is remembered, the password never.
    let fields = [("email", "\"><script>x</script>"), ("password", PASSWORD)];
    let answer = Browser::new(&world).post("/signin", &fields).await;
    let page = checked(&answer, 401);
    assert!(
        page.contains("&#60;script&#62;") && !page.contains(PASSWORD),
        "{page}"
    );
    // A way back is followed as for links.
    let fields = [
        ("email", "eva@example.com"),
        ("password", PASSWORD),
        ("return", "dashboard/developers"),
    ];
    let answer = other.post("/signin", &fields).await;
    assert_eq!(answer.header("location"), Some("dashboard/developers"));
    browser.page(ACCOUNT, 200).await;
}

#[tokio::test]
async fn whether_an_address_is_known_cannot_be_told_from_the_answer() {
    let world = World::new().await;
    with_password(&world, world.company, "eva@example.com", Role::Admin).await;
    user(&world, world.company, "link@example.com", Role::Admin).await;
    let mut answers = Vec::new();
    for email in ["eva@example.com", "link@example.com", "nobody@example.com"] {
        let answer = enter(&world, "192.0.2.1", email, "something wrong").await;
        let page = checked(&answer, 401);
        assert!(page.contains("The e-mail address or the password is wrong."));
        answers.push(page.replace(email, ""));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

/// Counts what is computed; the hash of a password is the password.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl Passwords for Counting {
    async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordsBusy> {
        Ok(PasswordHash(password.to_owned()))
    }

    async fn matches(
        &self,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordsBusy> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(hash.is_some_and(|hash| hash.0 == password))
    }
}

#[tokio::test]
async fn an_unknown_address_costs_the_one_hash_that_a_wrong_password_costs() {
    let mut world = World::new().await;
    let passwords = Arc::new(Counting::default());
    let context = Context {
        passwords: passwords.clone(),
        ..world.context.clone()
    };
    world.web = Web::new(context, world.health.clone(), WebConfig::default());
    with_password(&world, world.company, "eva@example.com", Role::Admin).await;
    user(&world, world.company, "link@example.com", Role::Admin).await;
    let computed = || passwords.0.swap(0, Ordering::Relaxed);
    computed();
    for email in [
        "eva@example.com",
        "link@example.com",
        "nobody@example.com",
        "",
    ] {
        checked(&enter(&world, "192.0.2.1", email, "wrong").await, 401);
        assert_eq!(computed(), 1, "{email}");
    }
    // Nothing is computed for whoever tried too often.
    for _ in 0..6 {
        enter(&world, "192.0.2.1", "eva@example.com", "wrong").await;
    }
    computed();
    checked(
        &enter(&world, "192.0.2.1", "eva@example.com", PASSWORD).await,
        429,
    );
    assert_eq!(computed(), 0);
}

#[tokio::test]
async fn a_password_is_changed_with_the_present_one_and_ends_all_other_sessions() {
    let world = World::new().await;
    let (browser, _) = with_password(&world, world.company, "eva@example.com", Role::Owner).await;
    let elsewhere = Browser::new(&world);
    let fields = [("email", "eva@example.com"), ("password", PASSWORD)];
    elsewhere.post("/signin", &fields).await;
    elsewhere.page("/dashboard", 200).await;
    let stolen = Browser::new(&world);
    browser.lend_cookies_to(&stolen);

    let new = "another long phrase";
    for (fields, said) in [
        (
            [
                ("present", PASSWORD),
                ("password", "too short"),
                ("again", "too short"),
            ],
            "at least 12 characters",
        ),
        (
            [
                ("present", PASSWORD),
                ("password", new),
                ("again", "another long phrasE"),
            ],
            "are not the same",
        ),
        (
            [("present", "wrong"), ("password", new), ("again", new)],
            "The present password is wrong.",
        ),
        (
            [("present", ""), ("password", new), ("again", new)],
            "The present password is wrong.",
        ),
    ] {
        let answer = browser.submit(ACCOUNT, SET, &fields).await;
        let page = checked(&answer, 400);
        assert!(page.contains(said), "{page}");
        assert!(!page.contains("another long"), "a password is never shown");
        assert!(page.contains("name=\"email\" type=\"email\" value=\"eva@example.com\""));
    }
    assert!(may_enter(&world, "eva@example.com", PASSWORD).await);
    let before = browser.cookie(SESSION);
    let fields = [("present", PASSWORD), ("password", new), ("again", new)];
    browser.submit_and_follow(ACCOUNT, SET, &fields).await;
    assert_ne!(browser.cookie(SESSION), before);
    for gone in [&elsewhere, &stolen] {
        assert_eq!(gone.get("/dashboard").await.status, 303);
    }
    assert!(!may_enter(&world, "eva@example.com", PASSWORD).await);
    assert!(may_enter(&world, "eva@example.com", new).await);
    let audit = world.store.audit(
        world.company,
        Page {
            limit: 2,
            before: None,
        },
    );
    // Who does not get in leaves no line.
    let actions = audit.await.unwrap().into_iter().map(|entry| entry.action);
    let actions: Vec<_> = actions.collect();
    assert_eq!(actions, [AuditAction::SignedIn, AuditAction::PasswordSet]);
}

#[tokio::test]
async fn a_person_without_an_address_gives_one_with_the_first_password() {
    let world = World::new().await;
    let company = create_company(&world.context, "Nueva", Person::default()).await;
    let company = company.unwrap();
    let browser = Browser::new(&world);
    let token = [("token", company.sign_in_token.reveal())];
    browser.post("/signin", &token).await;
    let home = browser.page("/dashboard", 200).await;
    assert!(home.contains("Choose a password"), "{home}");
    let without = [("password", PASSWORD), ("again", PASSWORD)];
    checked(&browser.submit(ACCOUNT, SET, &without).await, 400);
    let fields = [("email", "first@example.com"), without[0], without[1]];
    browser.submit_and_follow(ACCOUNT, SET, &fields).await;
    assert!(may_enter(&world, "first@example.com", PASSWORD).await);

    // Names need no password; another address does.
    let names = [
        ("first_name", "Ana"),
        ("last_name", "Ríos"),
        ("email", "first@example.com"),
    ];
    let (_, page) = browser.submit_and_follow(ACCOUNT, ACCOUNT, &names).await;
    assert!(page.contains("value=\"Ríos\""), "{page}");
    let address = [names[0], names[1], ("email", "new@example.com")];
    let refused = browser.submit(ACCOUNT, ACCOUNT, &address).await;
    assert!(checked(&refused, 400).contains("The present password is wrong."));
    let fields = [address[0], address[1], address[2], ("present", PASSWORD)];
    browser.submit_and_follow(ACCOUNT, ACCOUNT, &fields).await;
    assert!(may_enter(&world, "new@example.com", PASSWORD).await);
    assert!(!may_enter(&world, "first@example.com", PASSWORD).await);
    // Nobody takes an address that another member has.
    user(&world, company.company_id, "taken@example.com", Role::Admin).await;
    let fields = [
        address[0],
        address[1],
        ("email", "Taken@example.com"),
        fields[3],
    ];
    checked(&browser.submit(ACCOUNT, ACCOUNT, &fields).await, 409);
}

#[tokio::test]
async fn an_address_with_one_password_in_two_companies_chooses() {
    let world = World::new().await;
    let other = create_company(&world.context, "Otra & Co", Person::default()).await;
    let other = other.unwrap().company_id;
    for company in [world.company, other] {
        with_password(&world, company, "eva@example.com", Role::Admin).await;
    }
    let browser = Browser::new(&world);
    let fields = [("email", "eva@example.com"), ("password", PASSWORD)];
    let answer = browser.post("/signin", &fields).await;
    let page = checked(&answer, 200);
    assert!(page.contains("Enter Seguros del Sur") && page.contains("Enter Otra &#38; Co"));
    let token = page.split("name=\"token\" value=\"").nth(2).unwrap();
    let token = token.split('"').next().unwrap();
    let answer = browser.post("/signin", &[("token", token)]).await;
    assert!(is_in(&answer.headers));
    assert!(browser.page(ACCOUNT, 200).await.contains("Otra &#38; Co"));
}

#[tokio::test]
async fn wrong_passwords_are_limited_by_address_and_by_account() {
    let world = World::new().await;
    for email in ["eva@example.com", "leo@example.com"] {
        with_password(&world, world.company, email, Role::Admin).await;
    }
    let attacker = "192.0.2.1";
    for _ in 0..10 {
        let answer = enter(&world, attacker, "eva@example.com", "wrong wrong wrong").await;
        checked(&answer, 401);
    }
    world.clock.step(20_000);
    // Neither the account from elsewhere nor another account from there, right or wrong.
    for (address, email) in [
        (attacker, "eva@example.com"),
        (attacker, "leo@example.com"),
        ("192.0.2.2", "eva@example.com"),
    ] {
        let answer = enter(&world, address, email, PASSWORD).await;
        let page = checked(&answer, 429);
        assert_eq!(answer.header("retry-after"), Some("40"));
        assert!(page.contains("Try again in 40 s.") && page.contains("<time datetime="));
    }
    let answer = enter(&world, "192.0.2.3", "leo@example.com", PASSWORD).await;
    assert!(is_in(&answer.headers));
    world.clock.step(40_000);
    let answer = enter(&world, attacker, "eva@example.com", PASSWORD).await;
    assert!(is_in(&answer.headers), "{}", answer.text());
    // Right passwords use nothing up.
    for _ in 0..15 {
        let answer = enter(&world, attacker, "eva@example.com", PASSWORD).await;
        assert!(is_in(&answer.headers));
    }
}

#[tokio::test]
async fn the_present_password_cannot_be_guessed_either() {
    let world = World::new().await;
    let (browser, _) = with_password(&world, world.company, "eva@example.com", Role::Admin).await;
    let new = "another long phrase";
    let fields = [("present", "wrong"), ("password", new), ("again", new)];
    for _ in 0..10 {
        checked(&browser.submit(ACCOUNT, SET, &fields).await, 400);
    }
    let answer = browser.submit(ACCOUNT, SET, &fields).await;
    assert!(checked(&answer, 429).contains("Try again in 60 s."));
    assert_eq!(answer.header("retry-after"), Some("60"));
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_at_once() {
    let world = World::new().await;
    let (browser, _) =
        with_password(&world, world.company, "eva@example.com", Role::Producer).await;
    let elsewhere = Browser::new(&world);
    let fields = [("email", "eva@example.com"), ("password", PASSWORD)];
    elsewhere.post("/signin", &fields).await;
    elsewhere.page("/dashboard", 200).await;
    let (next, _) = browser
        .submit_and_follow(ACCOUNT, "/dashboard/sign-out-everywhere", &[])
        .await;
    assert_eq!(next, "/signin");
    assert_eq!(elsewhere.get("/dashboard").await.status, 303);
    assert!(may_enter(&world, "eva@example.com", PASSWORD).await);
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_held() {
    let world = World::new().await;
    let (browser, _) =
        with_password(&world, world.company, "eva@example.com", Role::Producer).await;
    let stolen = Browser::new(&world);
    browser.lend_cookies_to(&stolen);
    let fields = [("email", "eva@example.com"), ("password", PASSWORD)];
    browser.post("/signin", &fields).await;
    browser.page("/dashboard", 200).await;
    assert_eq!(stolen.get("/dashboard").await.status, 303);
}

#[tokio::test]
async fn another_role_holds_at_once_under_a_new_session_text_and_a_removed_member_is_out() {
    let world = World::new().await;
    let owner = world.owner;
    let caller = Caller {
        company_id: world.company,
        actor: Actor::User(owner),
        testing: false,
    };
    let (browser, user) =
        with_password(&world, world.company, "eva@example.com", Role::Producer).await;
    checked(&browser.get("/dashboard/keys/new").await, 403);
    let old = browser.cookie(SESSION);
    let stolen = Browser::new(&world);
    browser.lend_cookies_to(&stolen);
    change_role(&world.context, &caller, user, Role::Admin)
        .await
        .unwrap();
    browser.page("/dashboard/keys/new", 200).await;
    assert_ne!(browser.cookie(SESSION), old);
    assert_eq!(stolen.get("/dashboard").await.status, 303);
    let kept = browser.cookie(SESSION);
    browser.page("/dashboard", 200).await;
    assert_eq!(browser.cookie(SESSION), kept);
    // A form that was open before is judged by the role as it is now.
    change_role(&world.context, &caller, user, Role::Producer)
        .await
        .unwrap();
    let token = [("form", "x")];
    checked(&browser.post("/dashboard/keys", &token).await, 403);
    remove_member(&world.context, &caller, user).await.unwrap();
    assert_eq!(browser.get("/dashboard").await.status, 303);
    assert!(!may_enter(&world, "eva@example.com", PASSWORD).await);
}
