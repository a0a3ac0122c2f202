//! Developers: keys, applications, webhooks.

use heraldo_domain::account::Role;
use serde_json::json;

use super::Browser;
use super::browser::checked;
use crate::world::World;

#[tokio::test]
async fn the_documented_steps_lead_to_crear_endpoint() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    browser.language = "es";
    let home = browser.page("/dashboard", 200).await;
    assert!(
        home.contains("Configuración") && home.contains("dashboard/settings"),
        "{home}"
    );
    assert_eq!(
        browser.get("/dashboard/settings").await.header("location"),
        Some("../dashboard/developers")
    );
    let developers = browser.page("/dashboard/developers", 200).await;
    assert!(developers.contains(">Agregar endpoint</a>"), "{developers}");
    let form = browser.page("/dashboard/webhooks/new", 200).await;
    assert!(form.contains(">Crear Endpoint</button>"), "{form}");
    let fields = [
        ("endpoint", "https://receiver.example.com/hook"),
        ("events", "inspection_created"),
        ("events", "inspection_completed"),
        ("description", "<script>alert('x')</script>"),
        ("schedule", "10s, 1m"),
        ("headers", "X-Region: sur"),
    ];
    let (path, page) = browser
        .submit_and_follow("/dashboard/webhooks/new", "/dashboard/webhooks", &fields)
        .await;
    assert!(page.contains("Endpoint creado"), "{page}");
    assert!(page.contains("&#60;script&#62;"), "{page}");
    // Said once.
    assert!(!browser.page(&path, 200).await.contains("Endpoint creado"));
    let hooks = world.get("/v1/notification/webhook").await.json(200);
    assert_eq!(hooks["data"][0]["retrySchedule"], json!(["10s", "1m"]));
    assert_eq!(hooks["data"][0]["headers"], json!({"X-Region": "sur"}));
    assert_eq!(
        hooks["data"][0]["events"],
        json!(["inspection_created", "inspection_completed"])
    );
    let list = browser.page("/dashboard/developers", 200).await;
    assert!(
        list.contains("receiver.example.com/hook") && list.contains("&#60;script&#62;"),
        "{list}"
    );
}

#[tokio::test]
async fn a_wrong_webhook_form_says_what_to_change_and_keeps_what_was_typed() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let good = [
        ("endpoint", "https://receiver.example.com"),
        ("events", "image_processed"),
        ("description", "kept text"),
    ];
    let long = "x".repeat(1_025);
    for (name, value, field) in [
        ("endpoint", "", "endpoint"),
        ("endpoint", "receiver.example.com", "endpoint"),
        ("endpoint", "http://127.0.0.1/hook", "endpoint"),
        ("events", "no_such_event", "events"),
        ("events", "", "events"),
        ("description", long.as_str(), "description"),
        ("ordering", "random", "ordering"),
        ("schedule", "soon", "schedule"),
        ("schedule", "99d", "schedule"),
        ("schedule", "none, 5m", "schedule"),
        ("retried", "inspection_lost", "retried"),
        ("timeout", "5", "timeout"),
        ("timeout", "fast", "timeout"),
        ("concurrency", "1000", "concurrency"),
        ("rate", "-1", "rate"),
        ("headers", "no colon", "headers"),
        ("headers", "content-type: text/plain", "headers"),
    ] {
        let mut fields: Vec<_> = good
            .iter()
            .copied()
            .filter(|(given, _)| *given != name)
            .collect();
        fields.push((name, value));
        let answer = browser
            .submit("/dashboard/webhooks/new", "/dashboard/webhooks", &fields)
            .await;
        let text = checked(&answer, 400);
        assert!(
            text.contains(&format!("<a href=\"#{field}\">")),
            "{name}={value}: {text}"
        );
        assert!(text.contains("role=\"alert\""));
        assert!(name == "description" || text.contains("kept text"));
    }
    let hooks = world.get("/v1/notification/webhook").await.json(200);
    assert_eq!(hooks["data"], json!([]));
}

#[tokio::test]
async fn a_webhook_that_tries_nothing_again_stays_so_when_its_form_is_saved_as_it_is() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let id = world.create_webhook().await;
    let api = format!("/v1/notification/webhook/{id}");
    let nothing = json!({"retrySchedule": [], "retryEvents": []});
    world
        .request("PATCH", &api)
        .json(&nothing)
        .send()
        .await
        .json(200);
    let settings = format!("/dashboard/webhooks/{id}/settings");
    let form = browser.page(&settings, 200).await;
    for field in ["schedule", "retried"] {
        let shown = format!(
            "id=\"{field}\" name=\"{field}\" aria-describedby=\"{field}-hint\" value=\"none\""
        );
        assert!(form.contains(&shown), "{field}: {form}");
    }
    let kept = [
        ("endpoint", "https://receiver.example.com"),
        ("events", "image_processed"),
        ("schedule", "none"),
        ("retried", "none"),
    ];
    browser.submit_and_follow(&settings, &settings, &kept).await;
    let hook = world.get(&api).await.json(200);
    assert_eq!(
        (&hook["retrySchedule"], &hook["retryEvents"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test]
async fn the_settings_of_a_webhook_are_changed_as_the_form_says() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let id = world.create_webhook().await;
    let page = format!("/dashboard/webhooks/{id}/settings");
    let form = browser.page(&page, 200).await;
    assert!(
        form.contains("value=\"https://receiver.example.com/hook\""),
        "{form}"
    );
    let fields = [
        ("endpoint", "https://other.example.com"),
        ("events", "inspection_blocked"),
        ("ordering", "strict"),
        ("timeout", "2000"),
    ];
    let (next, shown) = browser.submit_and_follow(&page, &page, &fields).await;
    assert_eq!(next, format!("/dashboard/webhooks/{id}"));
    assert!(
        shown.contains("https://other.example.com") && shown.contains("Changes saved"),
        "{shown}"
    );
    let hook = world
        .get(&format!("/v1/notification/webhook/{id}"))
        .await
        .json(200);
    assert_eq!(hook["ordering"], "strict");
    assert_eq!(hook["timeoutMs"], 2000);
    assert_eq!(hook["events"], json!(["inspection_blocked"]));
    let answer = browser
        .submit(&page, &page, &[("endpoint", "ftp://x")])
        .await;
    checked(&answer, 400);
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let fields = [
        ("name", "<b>quotes</b>"),
        ("scopes", "webhooks"),
        ("scopes", "secrets"),
    ];
    let answer = browser
        .submit("/dashboard/keys/new", "/dashboard/keys", &fields)
        .await;
    let page = checked(&answer, 201);
    let key = page
        .split("<code id=\"key\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(key.starts_with("hk_live_"), "{key}");
    let call = |path| world.bare("GET", path).header("x-api-key", key).send();
    call("/v1/notification/webhook").await.json(200);
    call("/v1/inspection").await.json(403);
    let list = browser.page("/dashboard/developers", 200).await;
    assert!(!list.contains(key) && list.contains(&key[..12]), "{list}");
    assert!(list.contains("&#60;b&#62;quotes"), "{list}");
    let action = list
        .split("action=\"")
        .find(|part| part.contains("/revoke\""))
        .unwrap();
    let action = format!(
        "/{}",
        action.split('"').next().unwrap().trim_start_matches("../")
    );
    let (_, after) = browser
        .submit_and_follow("/dashboard/developers", &action, &[])
        .await;
    assert!(after.contains("The key no longer works."));
    call("/v1/notification/webhook").await.json(401);
    for wrong in [
        &[("name", ""), ("scopes", "webhooks")][..],
        &[("name", "x")],
        &[("name", "x"), ("scopes", "root")],
    ] {
        let answer = browser
            .submit("/dashboard/keys/new", "/dashboard/keys", wrong)
            .await;
        checked(&answer, 400);
    }
}

#[tokio::test]
async fn an_application_is_made_and_its_secret_shown_once() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let fields = [
        ("name", "Cotizador"),
        (
            "redirects",
            "https://app.example/cb\n\nhttp://localhost:3000/cb\n",
        ),
    ];
    let answer = browser
        .submit(
            "/dashboard/applications/new",
            "/dashboard/applications",
            &fields,
        )
        .await;
    let page = checked(&answer, 201);
    let secret = page
        .split("<code id=\"client-secret\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(secret.starts_with("hs_"), "{secret}");
    let list = browser.page("/dashboard/developers", 200).await;
    assert!(
        list.contains("http://localhost:3000/cb") && !list.contains(secret),
        "{list}"
    );
    // What becomes of what users gave it is said before it is deleted.
    assert!(list.contains("Its codes, its tokens and all that users gave it end at once"));
    let action = list
        .split("action=\"../")
        .find(|part| part.starts_with("dashboard/applications/") && part.contains("/delete\""))
        .unwrap();
    let action = format!("/{}", action.split('"').next().unwrap());
    let (next, after) = browser
        .submit_and_follow("/dashboard/developers", &action, &[])
        .await;
    assert_eq!(next, "/dashboard/developers");
    assert!(
        after.contains("The application was deleted.") && !after.contains("localhost:3000"),
        "{after}"
    );
    assert!(after.contains("There are no applications yet."), "{after}");
    for wrong in [
        &[("name", ""), ("redirects", "https://app.example/cb")][..],
        &[("name", "x"), ("redirects", "javascript:alert(1)")],
        &[("name", "x")],
    ] {
        let answer = browser
            .submit(
                "/dashboard/applications/new",
                "/dashboard/applications",
                wrong,
            )
            .await;
        checked(&answer, 400);
    }
}

/// Each refusal is one sentence, at the field that it is about, in the page's language.
#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_once_at_its_field_in_the_pages_language() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    browser.language = "es";
    let page_of = |webhook: &str| format!("/dashboard/webhooks/{webhook}");
    let webhook = page_of(&world.create_webhook().await);
    let settings = format!("{webhook}/settings");
    let rotate = format!("{webhook}/secret/rotate");
    for (page, action, fields, field, said) in [
        (
            "/dashboard/keys/new",
            "/dashboard/keys",
            &[("name", ""), ("scopes", "webhooks")][..],
            "name",
            "El nombre debe tener entre 1 y 200 caracteres.",
        ),
        (
            "/dashboard/keys/new",
            "/dashboard/keys",
            &[("name", "x")],
            "scopes",
            "Elige al menos un permiso.",
        ),
        (
            "/dashboard/applications/new",
            "/dashboard/applications",
            &[("name", "x"), ("redirects", "x")],
            "redirects",
            "Escribe entre 1 y 20 direcciones http o https completas, sin fragmento.",
        ),
        (
            "/dashboard/team/invite",
            "/dashboard/team/invitations",
            &[("email", "x"), ("role", "admin")],
            "email",
            "Revisa el correo: debe tener una @ y no ser de otra persona de la empresa.",
        ),
        (
            "/dashboard/team/invite",
            "/dashboard/team/invitations",
            &[("email", "x@example.com")],
            "role",
            "Elige uno de los roles de la lista.",
        ),
        (
            "/dashboard/account",
            "/dashboard/account/password",
            &[("password", "una frase larga"), ("again", "otra")],
            "again",
            "Las dos contraseñas nuevas no son iguales.",
        ),
        (
            settings.as_str(),
            settings.as_str(),
            &[
                ("endpoint", "https://x.example.com"),
                ("events", "image_processed"),
                ("timeout", "5"),
            ],
            "timeout",
            "Escribe un número de milisegundos entre 100 y 60000.",
        ),
        (
            webhook.as_str(),
            rotate.as_str(),
            &[("overlap", "soon")],
            "overlap",
            "Elige algo de la lista.",
        ),
    ] {
        let page = checked(&browser.submit(page, action, fields).await, 400);
        let sentence = format!("<p class=\"wrong\" id=\"{field}-wrong\">{said}</p>");
        assert!(page.contains(&sentence), "{field}: {page}");
        assert_eq!(page.matches(said).count(), 1, "{field}: {page}");
        let link = format!("<a href=\"#{field}\">Corrige el dato que está marcado.</a>");
        assert!(page.contains(&link), "{field}: {page}");
        assert!(
            page.contains(&format!("{field}-wrong\"")),
            "{field}: {page}"
        );
        assert!(!page.contains("lang=\"en\">`"), "{field}: {page}");
    }
}
