//! Signing in and the consent page, as a browser walks them.

use heraldo_domain::change::Actor;
use heraldo_domain::ops::accounts::{NewUser, Person, create_company};
use heraldo_domain::ops::oauth_apps::{NewOauthApp, create_oauth_app};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::oauth::{REDIRECT, app, user};
use crate::world::{Answer, Call, World};

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn post<'w>(world: &'w World, path: &str, fields: &[(&str, &str)]) -> Call<'w> {
    world
        .bare("POST", path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(form(fields))
}

#[track_caller]
fn page(answer: &Answer, status: u16) -> &str {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'; "),
        "{policy}"
    );
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert!(!answer.text().contains("<script>"), "{}", answer.text());
    answer.text()
}

/// Presses the button of a sign-in link; the cookie to send from then on.
async fn signed_in(world: &World, user: &NewUser) -> String {
    let token = user.sign_in_token.reveal();
    let answer = post(world, "/signin", &[("token", token)]).send().await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let cookie = answer.header("set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn link(app: &NewOauthApp, more: &str) -> String {
    format!(
        "/oauth/connect?client_app_id={}&scopes=memberships&scopes=inspections{more}",
        app.id
    )
}

/// The hidden fields of the page's form.
fn hidden(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
    inputs
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            let (value, _) = rest.split_once('"').unwrap();
            let value = value
                .replace("&#38;", "&")
                .replace("&#43;", "+")
                .replace("&#34;", "\"");
            (name.to_owned(), value)
        })
        // Of the form that chooses the language.
        .filter(|(name, _)| name != "back")
        .collect()
}

#[tokio::test]
async fn a_sign_in_link_is_spent_by_its_button_and_not_by_looking() {
    let world = World::new().await;
    let user = user(&world, "ana@example.com", None).await;
    let token = user.sign_in_token.reveal();
    let path = format!("/signin?token={token}");
    for _ in 0..3 {
        let looked = world.bare("GET", &path).send().await;
        assert!(page(&looked, 200).contains(">Entrar</button>"));
        assert_eq!(looked.header("set-cookie"), None);
    }
    let pressed = post(&world, "/signin", &[("token", token)]).send().await;
    assert_eq!(pressed.status, 303);
    assert_eq!(pressed.header("location"), Some("dashboard"));
    let cookie = pressed.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-heraldo_session=se_"), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    let again = post(&world, "/signin", &[("token", token)]).send().await;
    assert!(page(&again, 401).contains("role=\"alert\""));
    assert_eq!(again.header("set-cookie"), None);
    let looked = world.bare("GET", &path).send().await;
    page(&looked, 401);
}

#[tokio::test]
async fn a_link_is_too_old_after_a_day_and_a_session_after_twelve_hours() {
    let world = World::new().await;
    let ana = user(&world, "ana@example.com", None).await;
    let ben = user(&world, "ben@example.com", None).await;
    let app = app(&world).await;
    let cookie = signed_in(&world, &ana).await;
    let open = || {
        world
            .bare("GET", &link(&app, ""))
            .header("cookie", &cookie)
            .send()
    };
    world.clock.step(12 * 3_600_000 - 1);
    page(&open().await, 200);
    world.clock.step(1);
    page(&open().await, 401);
    world.clock.step(12 * 3_600_000);
    let token = ben.sign_in_token.reveal();
    let late = post(&world, "/signin", &[("token", token)]).send().await;
    page(&late, 401);
}

#[tokio::test]
async fn a_user_gives_an_application_access_with_one_button() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let cookie = signed_in(&world, &user).await;
    let open = world
        .bare("GET", &link(&app, "&state=a+b%26%22c"))
        .header("cookie", &cookie);
    let opened = open.header("accept-language", "en").send().await;
    let shown = page(&opened, 200);
    for part in [
        "Cotizador asks for access",
        "by Seguros del Sur",
        "see which companies you belong to",
        "create inspections in your name",
        "signed in as ana@example.com",
        "sent to app.example",
        "created on <time>2026-11-18</time>",
        "Connected users: 0",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("know who you are"), "{shown}");
    assert_eq!(shown.matches("<button class=\"first\">").count(), 1);
    assert!(
        opened
            .header("content-security-policy")
            .unwrap()
            .contains("form-action 'self' https:;")
    );

    let fields = hidden(shown);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let pressed = post(&world, "/oauth/connect", &fields).header("cookie", &cookie);
    let pressed = pressed.send().await;
    assert_eq!(pressed.status, 303, "{}", pressed.text());
    let to = Url::parse(pressed.header("location").unwrap()).unwrap();
    assert!(
        to.as_str().starts_with(&format!("{REDIRECT}?code=oc_")),
        "{to}"
    );
    let pairs: Vec<_> = to.query_pairs().collect();
    assert_eq!((&*pairs[1].0, &*pairs[1].1), ("state", "a b&\"c"));

    let body = json!({"code": pairs[0].1, "client_app_id": app.id,
        "client_secret": app.secret.reveal()});
    let tokens: Value = world
        .post("/v1/account/oauth/exchange_code", &body)
        .await
        .json(200);
    let token = tokens["access_token"].as_str().unwrap();
    let me = world.bare("GET", "/v1/account/membership/authenticated");
    let me = me
        .header("authorization", &format!("Bearer {token}"))
        .send()
        .await;
    assert_eq!(me.json(200)[0]["_id"], json!(user.membership_id));
    let open = world
        .bare("GET", &link(&app, ""))
        .header("cookie", &cookie)
        .send()
        .await;
    assert!(page(&open, 200).contains("Usuarios conectados: 1"));
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_how_and_led_back() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let opened = world.bare("GET", &link(&app, "&state=x")).send().await;
    let shown = page(&opened, 401);
    assert!(shown.contains("heraldo user create"), "{shown}");
    let back = hidden(shown);
    // The form for a password and the one for a link lead back alike.
    assert_eq!(back.len(), 2, "{back:?}");
    assert_eq!(back[0], back[1]);
    let pasted = format!(
        " https://inspect.example.com/signin?token={} ",
        user.sign_in_token.reveal()
    );
    let fields = [("token", pasted.as_str()), (&back[0].0, &back[0].1)];
    let pressed = post(&world, "/signin", &fields).send().await;
    assert_eq!(pressed.status, 303);
    assert_eq!(
        pressed.header("location"),
        Some(&link(&app, "&state=x")[1..])
    );

    let elsewhere = super::oauth::user(&world, "ben@example.com", None).await;
    let token = elsewhere.sign_in_token.reveal();
    let fields = [("token", token), ("return", "https://evil.example")];
    let pressed = post(&world, "/signin", &fields).send().await;
    assert_eq!(pressed.header("location"), Some("dashboard"));
}

#[tokio::test]
async fn addresses_are_matched_character_by_character() {
    let world = World::new().await;
    let app = app(&world).await;
    let open = async |redirect: &str| {
        let redirect = form(&[("redirect_uri", redirect)]);
        world
            .bare("GET", &link(&app, &format!("&{redirect}")))
            .send()
            .await
    };
    page(&open(REDIRECT).await, 401);
    let second = open("http://localhost:3000/cb?x=1").await;
    page(&second, 401);
    let policy = second.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self' https: http://localhost:3000;"),
        "{policy}"
    );
    for wrong in [
        "https://app.example/callback/",
        "https://app.example/Callback",
        "https://app.example:443/callback",
        "https://app.example/callback?x=1",
        "https://evil.example/callback",
        "http://localhost:3000/cb",
    ] {
        let refused = open(wrong).await;
        assert_eq!(refused.header("location"), None);
        assert!(page(&refused, 400).contains("redirect_uri"), "{wrong}");
    }
}

#[tokio::test]
async fn a_link_that_is_wrong_is_explained_and_leads_nowhere() {
    let world = World::new().await;
    let app = app(&world).await;
    let challenge = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for (path, status, part) in [
        ("/oauth/connect".to_owned(), 404, "client_app_id"),
        (
            "/oauth/connect?client_app_id=abc&scopes=account".to_owned(),
            404,
            "client_app_id",
        ),
        (
            format!("/oauth/connect?client_app_id={}", app.id),
            400,
            "scopes",
        ),
        (link(&app, "&scopes=admin"), 400, "scopes"),
        (link(&app, challenge), 400, "S256"),
        (
            link(&app, &format!("{challenge}&code_challenge_method=plain")),
            400,
            "S256",
        ),
        (
            link(&app, "&code_challenge=short&code_challenge_method=S256"),
            400,
            "code_challenge",
        ),
        (
            link(&app, "&code_challenge_method=S256"),
            400,
            "code_challenge",
        ),
        (
            link(&app, &format!("&state={}", "x".repeat(2_049))),
            400,
            "state",
        ),
    ] {
        let refused = world.bare("GET", &path).send().await;
        assert!(page(&refused, status).contains(part), "{path}");
        assert_eq!(refused.header("location"), None, "{path}");
    }
    page(
        &world
            .bare(
                "GET",
                &link(&app, &format!("{challenge}&code_challenge_method=S256")),
            )
            .send()
            .await,
        401,
    );
}

#[tokio::test]
async fn no_other_site_can_press_the_buttons() {
    let world = World::new().await;
    let (app, ana) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let ben = user(&world, "ben@example.com", None).await;
    let cookie = signed_in(&world, &ana).await;
    let bens = signed_in(&world, &ben).await;
    let opened = world
        .bare("GET", &link(&app, ""))
        .header("cookie", &bens)
        .send()
        .await;
    let of_ben = hidden(page(&opened, 200));
    let opened = world
        .bare("GET", &link(&app, ""))
        .header("cookie", &cookie)
        .send()
        .await;
    let of_ana = hidden(page(&opened, 200));
    let press = |fields: &[(String, String)], header: (&str, &str), cookie: &str| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        world
            .bare("POST", "/oauth/connect")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "inspect.example.com")
            .header("cookie", cookie)
            .header(header.0, header.1)
            .body(form(&fields))
            .send()
    };
    let own = ("sec-fetch-site", "same-origin");
    // Another session's form, and no form at all.
    page(&press(&of_ben, own, &cookie).await, 400);
    let without: Vec<_> = of_ana
        .iter()
        .filter(|(name, _)| name != "form")
        .cloned()
        .collect();
    page(&press(&without, own, &cookie).await, 400);
    // Another site's form.
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        page(&press(&of_ana, header, &cookie).await, 400);
    }
    // Nobody is signed in.
    page(&press(&of_ana, own, "x=y").await, 401);
    let pressed = press(&of_ana, ("origin", "https://inspect.example.com"), &cookie).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text());

    let eva = user(&world, "eva@example.com", None).await;
    let body = form(&[("token", eva.sign_in_token.reveal())]);
    let foreign = world
        .bare("POST", "/signin")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(body);
    page(&foreign.send().await, 400);
    signed_in(&world, &eva).await;
}

#[tokio::test]
async fn what_others_wrote_is_shown_as_text() {
    let world = World::new().await;
    let name = "<script>alert(1)</script>\"'";
    let company = create_company(&world.context, name, Person::default())
        .await
        .unwrap();
    let redirects = vec![REDIRECT.to_owned()];
    let app = create_oauth_app(
        &world.context,
        company.company_id,
        Actor::CommandLine,
        name,
        redirects,
    )
    .await;
    let path = link(&app.unwrap(), "&state=%22%3E%3Cscript%3E");
    page(&world.bare("GET", &path).send().await, 401);
}

#[tokio::test]
async fn addresses_that_no_browser_can_be_sent_to_are_not_registered() {
    let world = World::new().await;
    for wrong in [
        "javascript:alert(1)",
        "app.example/callback",
        "https://app.example/callback#x",
        "https://user:pass@app.example/callback",
        "https://app.example/a b",
        "https://app.example/\u{f1}",
        "",
    ] {
        let redirects = vec![REDIRECT.to_owned(), wrong.to_owned()];
        let made = create_oauth_app(
            &world.context,
            world.company,
            Actor::CommandLine,
            "App",
            redirects,
        )
        .await;
        assert_eq!(made.unwrap_err().code, ProblemCode::InvalidUrl, "{wrong}");
    }
    let none = create_oauth_app(
        &world.context,
        world.company,
        Actor::CommandLine,
        "App",
        Vec::new(),
    )
    .await;
    assert_eq!(none.unwrap_err().code, ProblemCode::InvalidUrl);
}
