//! OAuth tokens as the SDKs use them: exchanged, renewed, and acting for their user.

use futures_util::future::join_all;
use heraldo_domain::account::Role;
use heraldo_domain::change::Actor;
use heraldo_domain::ops::accounts::{NewUser, Person, create_user};
use heraldo_domain::ops::oauth_apps::{
    ConsentRequest, NewOauthApp, authorise, consent, create_oauth_app, create_oauth_code,
};
use heraldo_domain::ops::sign_in::SignedIn;
use heraldo_wire::api::{OauthScope, parse_oauth_scopes};
use heraldo_wire::id::UserId;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// SHA-256 of it in base64url is [`CHALLENGE`] (RFC 7636, appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub const REDIRECT: &str = "https://app.example/callback";

pub async fn user(world: &World, email: &str, invited_by: Option<UserId>) -> NewUser {
    let person = Person {
        email: Some(email.to_owned()),
        invited_by,
        ..Person::default()
    };
    let user = create_user(&world.context, world.company, Role::Producer, person).await;
    user.unwrap()
}

pub async fn app(world: &World) -> NewOauthApp {
    let redirects = vec![
        REDIRECT.to_owned(),
        "http://localhost:3000/cb?x=1".to_owned(),
    ];
    let app = create_oauth_app(
        &world.context,
        world.company,
        Actor::CommandLine,
        "Cotizador",
        redirects,
    )
    .await;
    app.unwrap()
}

pub async fn code(world: &World, app: &NewOauthApp, user: UserId, scopes: &str) -> String {
    let scopes = parse_oauth_scopes(scopes).unwrap();
    let code = create_oauth_code(&world.context, app.id, user, scopes).await;
    code.unwrap().reveal().to_owned()
}

pub fn exchange_body(app: &NewOauthApp, code: &str) -> Value {
    json!({"code": code, "client_app_id": app.id, "client_secret": app.secret.reveal()})
}

/// As the Node SDK sends it: with the company's key, which does not matter here.
pub async fn exchange(world: &World, body: &Value) -> Answer {
    world.post("/v1/account/oauth/exchange_code", body).await
}

pub async fn renew(world: &World, body: &Value) -> Answer {
    let renew = world.bare("POST", "/v1/account/oauth/refresh_token");
    renew.json(body).send().await
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// An access token of a user within scopes.
pub async fn token(world: &World, app: &NewOauthApp, user: UserId, scopes: &str) -> String {
    let code = code(world, app, user, scopes).await;
    let tokens = exchange(world, &exchange_body(app, &code)).await.json(200);
    text(&tokens["access_token"])
}

/// As the Node SDK sends it: the key comes along.
pub async fn read(world: &World, path: &str, token: &str) -> Answer {
    let call = world.request("GET", path);
    call.header("authorization", &format!("Bearer {token}"))
        .send()
        .await
}

const TEMPLATES: &str = "/v1/inspection/template/oauth/list/all";
pub const MEMBERSHIPS: &str = "/v1/account/membership/authenticated";

#[tokio::test]
async fn a_code_gives_tokens_once_and_a_second_use_takes_them_back() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let code = code(&world, &app, user.user_id, "memberships").await;
    let body = exchange_body(&app, &code);
    let tokens = exchange(&world, &body).await.json(200);
    let keys: Vec<_> = tokens.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["access_token", "refresh_token", "expires_in"]);
    assert_eq!(tokens["expires_in"], 3_600);
    let access = text(&tokens["access_token"]);
    let listed = read(&world, MEMBERSHIPS, &access).await.json(200);
    let company = json!({"_id": world.company, "logo": "", "societyReason": "Seguros del Sur"});
    assert_eq!(
        listed,
        json!([{"_id": user.membership_id, "role": "producer", "company": company}])
    );

    let again = exchange(&world, &body).await;
    again.problem(ProblemCode::InvalidCredentials);
    let taken_back = read(&world, MEMBERSHIPS, &access).await;
    taken_back.problem(ProblemCode::InvalidCredentials);
    let renewal = json!({"refresh_token": tokens["refresh_token"], "client_app_id": app.id,
        "client_secret": app.secret.reveal()});
    let renewed = renew(&world, &renewal).await;
    renewed.problem(ProblemCode::InvalidCredentials);
}

#[tokio::test]
async fn of_many_who_exchange_a_code_at_once_one_does() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let code = code(&world, &app, user.user_id, "memberships").await;
    let body = exchange_body(&app, &code);
    let answers = join_all((0..8).map(|_| exchange(&world, &body))).await;
    let (given, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(given.len(), 1);
    for answer in refused {
        answer.problem(ProblemCode::InvalidCredentials);
    }
}

#[tokio::test]
async fn users_are_counted_once_for_each_application() {
    let world = World::new().await;
    let app = app(&world).await;
    let ana = user(&world, "ana@example.com", None).await.user_id;
    let ben = user(&world, "ben@example.com", None).await.user_id;
    let connected = async || {
        let request = ConsentRequest {
            client_app_id: app.id.to_string(),
            scopes: vec!["account".to_owned()],
            ..ConsentRequest::default()
        };
        let consent = consent(&world.context, &request).await.unwrap();
        consent.app.connected_users
    };
    assert_eq!(connected().await, 0);
    for (user, expected) in [(ana, 1), (ana, 1), (ben, 2), (ana, 2)] {
        token(&world, &app, user, "account").await;
        assert_eq!(connected().await, expected);
    }
}

#[tokio::test]
async fn what_is_wrong_in_an_exchange_is_refused_and_spends_nothing() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let other = create_oauth_app(
        &world.context,
        world.company,
        Actor::CommandLine,
        "Otra",
        vec![REDIRECT.to_owned()],
    );
    let other = other.await.unwrap();
    let first = code(&world, &app, user.user_id, "account").await;
    let good = exchange_body(&app, &first);
    let but = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for wrong in [
        but("code", json!("oc_wrong")),
        but("client_secret", json!("hs_wrong")),
        but("client_app_id", json!("651ae032ff786d198dfa4ce4")),
        but("client_app_id", json!("none")),
        but("code_verifier", json!(VERIFIER)),
        exchange_body(&other, &first),
    ] {
        let refused = exchange(&world, &wrong).await;
        refused.problem(ProblemCode::InvalidCredentials);
    }
    let missing = exchange(&world, &json!({"code": first})).await;
    missing.problem(ProblemCode::InvalidBody);
    world.clock.step(599_999);
    exchange(&world, &good).await.json(200);

    let late = code(&world, &app, user.user_id, "account").await;
    world.clock.step(600_000);
    let late = exchange(&world, &exchange_body(&app, &late)).await;
    late.problem(ProblemCode::InvalidCredentials);
}

#[tokio::test]
async fn wrong_tries_count_like_wrong_keys() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let code = code(&world, &app, user.user_id, "account").await;
    let send = |body: Value| {
        let call = world.bare("POST", "/v1/account/oauth/exchange_code");
        call.from("192.0.2.1").json(&body).send()
    };
    for _ in 0..20 {
        let refused = send(exchange_body(&app, "oc_wrong")).await;
        refused.problem(ProblemCode::InvalidCredentials);
    }
    let refused = send(exchange_body(&app, "oc_wrong")).await;
    refused.problem(ProblemCode::TooManyWrongKeys);
    send(exchange_body(&app, &code)).await.json(200);
}

#[tokio::test]
async fn a_code_asked_for_with_a_challenge_needs_its_verifier() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let request = ConsentRequest {
        client_app_id: app.id.to_string(),
        scopes: vec!["account".to_owned()],
        code_challenge: Some(CHALLENGE.to_owned()),
        code_challenge_method: Some("S256".to_owned()),
        ..ConsentRequest::default()
    };
    let consent = consent(&world.context, &request).await.unwrap();
    let user = SignedIn {
        user_id: user.user_id,
        company_id: world.company,
    };
    let code = authorise(&world.context, &consent, user).await.unwrap();
    let mut body = exchange_body(&app, code.reveal());
    let without = exchange(&world, &body).await;
    without.problem(ProblemCode::InvalidCredentials);
    body["code_verifier"] = json!("wrong");
    let wrong = exchange(&world, &body).await;
    wrong.problem(ProblemCode::InvalidCredentials);
    body["code_verifier"] = json!(VERIFIER);
    exchange(&world, &body).await.json(200);
}

#[tokio::test]
async fn a_refresh_token_gives_access_for_30_days_in_both_spellings() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let code = code(&world, &app, user.user_id, "memberships").await;
    let tokens = exchange(&world, &exchange_body(&app, &code)).await;
    let tokens = tokens.json(200);
    let first = text(&tokens["access_token"]);
    world.clock.step(3_599_999);
    read(&world, MEMBERSHIPS, &first).await.json(200);
    world.clock.step(1);
    let expired = read(&world, MEMBERSHIPS, &first).await;
    expired.problem(ProblemCode::InvalidCredentials);

    let body = |name: &str, secret: &str| json!({name: tokens["refresh_token"], "client_app_id": app.id, "client_secret": secret});
    let secret = app.secret.reveal();
    for name in ["refresh_token", "refreshToken"] {
        let renewed = renew(&world, &body(name, secret)).await.json(200);
        let keys: Vec<_> = renewed.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["access_token", "expires_in"]);
        assert_eq!(renewed["expires_in"], 3_600);
        let access = text(&renewed["access_token"]);
        read(&world, MEMBERSHIPS, &access).await.json(200);
    }
    let wrong = renew(&world, &body("refresh_token", "hs_wrong")).await;
    wrong.problem(ProblemCode::InvalidCredentials);
    let not_one = json!({"refresh_token": first, "client_app_id": app.id, "client_secret": secret});
    let not_one = renew(&world, &not_one).await;
    not_one.problem(ProblemCode::InvalidCredentials);

    // An access token lives no longer than the refresh token it comes from.
    world.clock.step(30 * 86_400_000 - 3_600_000 - 60_000);
    let renewed = renew(&world, &body("refresh_token", secret)).await;
    assert_eq!(renewed.json(200)["expires_in"], 60);
    world.clock.step(60_000);
    let over = renew(&world, &body("refresh_token", secret)).await;
    over.problem(ProblemCode::InvalidCredentials);
}

#[tokio::test]
async fn each_route_asks_for_its_oauth_scope() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let inspection = text(&world.create_inspection().await["inspectionId"]);
    let one = format!("/v1/inspection/{inspection}");
    let membership = user.membership_id;
    let me = format!("/v1/inspection/me?membershipId={membership}");
    let all = format!("/v1/inspection/all?membershipId={membership}");
    for (path, needed) in [
        (MEMBERSHIPS, OauthScope::Memberships),
        (&one, OauthScope::Inspections),
        (&me, OauthScope::Inspections),
        (&all, OauthScope::Inspections),
        (TEMPLATES, OauthScope::Inspections),
    ] {
        for scope in OauthScope::ALL {
            let token = token(&world, &app, user.user_id, scope.as_str()).await;
            let answer = read(&world, path, &token).await;
            if *scope == needed {
                answer.json(200);
            } else {
                let detail = answer.problem(ProblemCode::ForbiddenScope);
                assert!(detail.contains(needed.as_str()), "{detail}");
            }
        }
        read(&world, path, "oa_wrong")
            .await
            .problem(ProblemCode::InvalidCredentials);
        if path != one {
            let without = world.get(path).await;
            without.problem(ProblemCode::MissingCredentials);
        }
    }
    // What a key may do, a user may not.
    let token = token(
        &world,
        &app,
        user.user_id,
        "memberships,account,inspections",
    )
    .await;
    for path in [
        "/v1/inspection",
        "/v1/notification/webhook",
        "/v1/account/key",
    ] {
        let refused = read(&world, path, &token).await;
        refused.problem(ProblemCode::ForbiddenScope);
    }
}

#[tokio::test]
async fn a_user_produces_what_the_token_creates() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let token = token(&world, &app, user.user_id, "inspections").await;
    let plain = json!({"templateId": "easy"});
    let mut with_token = plain.clone();
    with_token["access_token"] = json!(token);
    let create = |kind: &str| world.bare("POST", &format!("/v1/inspection/{kind}"));
    let bearer = format!("Bearer {token}");
    for kind in [
        "car",
        "moto",
        "bike",
        "machinery",
        "goods",
        "people",
        "custom",
        "cellphone",
    ] {
        let made = [
            create(kind).header("authorization", &bearer).json(&plain),
            create(kind).json(&with_token),
            create(kind)
                .header("x-api-key", &world.key)
                .json(&with_token),
        ];
        for call in made {
            let made = call.send().await.json(201);
            let path = format!("/v1/inspection/{}", text(&made["inspectionId"]));
            let read = read(&world, &path, &token).await.json(200);
            assert_eq!(read["producer"]["userId"], json!(user.user_id), "{kind}");
        }
    }
}

#[tokio::test]
async fn a_stronger_credential_wins_and_is_refused_when_wrong() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let good = token(&world, &app, user.user_id, "inspections").await;
    let narrow = token(&world, &app, user.user_id, "account").await;
    // Bearer, body and key: right (+), wrong (-), too narrow (o) or absent.
    for (bearer, body, key, expected) in [
        ("+", "", "", Ok(true)),
        ("+", "-", "-", Ok(true)),
        ("-", "+", "+", Err(ProblemCode::InvalidCredentials)),
        ("o", "+", "+", Err(ProblemCode::ForbiddenScope)),
        ("", "+", "", Ok(true)),
        ("", "+", "-", Ok(true)),
        ("", "-", "+", Err(ProblemCode::InvalidCredentials)),
        ("", "o", "+", Err(ProblemCode::ForbiddenScope)),
        ("", "", "+", Ok(false)),
        ("", "", "-", Err(ProblemCode::InvalidCredentials)),
        ("", "", "", Err(ProblemCode::MissingCredentials)),
    ] {
        let pick = |sign: &str, right: &str| match sign {
            "+" => Some(right.to_owned()),
            "o" => Some(narrow.clone()),
            "-" => Some("wrong".to_owned()),
            _ => None,
        };
        let mut call = world.bare("POST", "/v1/inspection/car");
        if let Some(token) = pick(bearer, &good) {
            call = call.header("authorization", &format!("Bearer {token}"));
        }
        if let Some(key) = pick(key, &world.key) {
            call = call.header("x-api-key", &key);
        }
        let mut request = json!({"templateId": "easy"});
        if let Some(token) = pick(body, &good) {
            request["access_token"] = json!(token);
        }
        let answer = call.json(&request).send().await;
        let case = format!("bearer {bearer:?}, body {body:?}, key {key:?}");
        match expected {
            Ok(by_user) => {
                let id = text(&answer.json(201)["inspectionId"]);
                let read = world.get(&format!("/v1/inspection/{id}")).await.json(200);
                let is_user = read["producer"]["userId"] == json!(user.user_id);
                assert_eq!(is_user, by_user, "{case}");
            }
            Err(code) => drop(answer.problem(code)),
        }
    }
}

#[tokio::test]
async fn an_idempotency_key_of_one_user_is_not_anothers() {
    let world = World::new().await;
    let app = app(&world).await;
    let ana = user(&world, "ana@example.com", None).await.user_id;
    let ben = user(&world, "ben@example.com", None).await.user_id;
    let (ana, ben) = (
        token(&world, &app, ana, "inspections").await,
        token(&world, &app, ben, "inspections").await,
    );
    let send = |token: &str| {
        let call = world.bare("POST", "/v1/inspection/car");
        call.header("authorization", &format!("Bearer {token}"))
            .header("idempotency-key", "one")
            .json(&json!({"templateId": "easy"}))
            .send()
    };
    let first = send(&ana).await.json(201);
    assert_eq!(send(&ana).await.json(201), first);
    send(&ben).await.problem(ProblemCode::IdempotencyConflict);
}
