//! The audit log.

use heraldo_domain::account::Role;
use heraldo_domain::change::{Actor, AuditAction, AuditEntry, Change};
use heraldo_domain::ops::disable_webhook::{Complaint, Means, disable_webhook};
use heraldo_domain::ports::Clock as _;
use heraldo_domain::store::Store as _;
use heraldo_domain::webhook::Defaults;
use heraldo_wire::id::AuditEntryId;

use super::Browser;
use super::browser::checked;
use crate::world::World;

const PAGE: &str = "/dashboard/audit";

#[tokio::test]
async fn the_log_says_who_did_what_also_what_heraldo_did() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let secret = format!("/v1/notification/webhook/{webhook}/secret");
    world.get(&secret).await.json(200);
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    let fields = [("name", "<b>quotes</b>"), ("scopes", "webhooks")];
    let form = "/dashboard/keys/new";
    checked(&browser.submit(form, "/dashboard/keys", &fields).await, 201);
    let means = Means {
        store: &*world.context.store,
        clock: &*world.context.clock,
        entropy: &*world.context.entropy,
        ids: &world.context.ids,
        server: &Defaults::default(),
    };
    let complaint = Complaint::Gone {
        endpoint: "https://receiver.example.com/hook".to_owned(),
    };
    let disabled = disable_webhook(means, webhook.parse().unwrap(), &complaint).await;
    assert!(disabled.unwrap().is_some());

    let page = browser.page(PAGE, 200).await;
    for part in [
        "<span class=\"mark\">Heraldo</span>",
        "disabled a webhook<br><small lang=\"en\">its receiver answered 410 Gone",
        "<th scope=\"row\">Ana</th>",
        "made an API key",
        "<th scope=\"row\">API key “first key” <small class=\"mono\">",
        "revealed a secret",
        &format!(
            "dashboard/webhooks/{webhook}\">https://receiver.example.com/hook</a> <small class=\"mono\">{webhook}"
        ),
        "dashboard/developers\">&#60;b&#62;quotes&#60;/b&#62;</a>",
        "The server&#39;s command line",
        "created the company",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let at = |part: &str| page.find(part).unwrap();
    assert!(
        at("disabled a webhook") < at("made an API key"),
        "newest first"
    );
    browser.language = "es";
    let page = browser.page(PAGE, 200).await;
    assert!(page.contains("vio un secreto") && page.contains("desactivó un webhook"));
    assert!(page.contains("aria-current=\"page\">Auditoría"), "{page}");
}

/// A webhook whose secret was revealed once a second for a minute.
async fn sixty_reveals(world: &World) -> String {
    let webhook = world.create_webhook().await;
    let secret = format!("/v1/notification/webhook/{webhook}/secret");
    for _ in 0..60 {
        world.get(&secret).await.json(200);
        world.clock.step(1_000);
    }
    webhook
}

#[tokio::test]
async fn the_log_goes_on_page_by_page_and_stays_within_the_company() {
    let world = World::new().await;
    let webhook = sixty_reveals(&world).await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let page = browser.page(PAGE, 200).await;
    assert_eq!(page.matches("<td data-name=\"When\">").count(), 36);
    let older = page.split("dashboard/audit?before=").nth(1).unwrap();
    let older = older.split('"').next().unwrap();
    let page = browser.page(&format!("{PAGE}?before={older}"), 200).await;
    // 60 reveals, the webhook, the company, this user and that the user signed in.
    assert_eq!(page.matches("<td data-name=\"When\">").count(), 28);
    assert!(page.contains("← Newest") && page.contains("created the company"));
    checked(&browser.get(&format!("{PAGE}?before=x")).await, 400);

    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Owner).await;
    let page = stranger.page(PAGE, 200).await;
    assert!(
        !page.contains(&webhook) && !page.contains("revealed a secret</td>"),
        "{page}"
    );
    let producer = Browser::signed_in(&world, Role::Producer).await;
    checked(&producer.get(PAGE).await, 403);
    let page = producer.page("/dashboard/account", 200).await;
    assert!(!page.contains("dashboard/audit"), "{page}");
}

#[tokio::test]
async fn the_log_is_filtered_by_action_person_and_time_and_pages_within_that() {
    let world = World::new().await;
    let webhook = sixty_reveals(&world).await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let path = format!("/dashboard/webhooks/{webhook}");
    browser.submit(&path, &format!("{path}/secret"), &[]).await;
    browser
        .submit(
            &path,
            &format!("{path}/test"),
            &[("event", "inspection_created")],
        )
        .await;
    let count = async |query: &str| {
        let page = browser.page(&format!("{PAGE}?{query}"), 200).await;
        (page.matches("<td data-name=\"When\">").count(), page)
    };
    let (found, page) = count("action=secret_revealed").await;
    assert_eq!(found, 36);
    assert!(
        page.contains("<option value=\"secret_revealed\" selected>"),
        "{page}"
    );
    let older = page.split("dashboard/audit?").nth(1).unwrap();
    let older = older.split('"').next().unwrap().replace("&#38;", "&");
    let (found, page) = count(&older).await;
    assert_eq!(found, 25, "{older}");
    assert!(
        page.contains("audit?action=secret_revealed\">← Newest"),
        "{page}"
    );
    let owner = world.owner.to_string();
    let people = page.split("<option value=\"user-").skip(1);
    let mut people = people.map(|rest| rest.split('"').next().unwrap());
    let me = people.find(|id| *id != owner).unwrap();
    let (found, page) = count(&format!("action=secret_revealed&who=user-{me}")).await;
    assert_eq!(found, 1, "{page}");
    let (found, page) = count(&format!("who=user-{me}")).await;
    // Signed in, revealed, sent a test event.
    assert_eq!(found, 3, "{page}");
    assert!(
        page.contains("sent a test event<br><small lang=\"en\">inspection_created</small>")
            && page.contains("signed in"),
        "{page}"
    );
    let (found, _) = count("who=command-line&action=company_created").await;
    assert_eq!(found, 1);
    let (found, _) = count("from=2026-11-18T09:46:50&to=2026-11-18T09:47:00").await;
    assert_eq!(found, 10);
    let (found, page) = count("action=oauth_app_deleted").await;
    assert_eq!(found, 0);
    assert!(page.contains("Nothing matches the filters"), "{page}");
    browser.language = "es";
    for (query, field) in [
        ("action=slept", "action"),
        ("who=nobody", "who"),
        ("from=ayer", "from"),
    ] {
        let page = checked(&browser.get(&format!("{PAGE}?{query}")).await, 400);
        assert!(page.contains(&format!("<a href=\"#{field}\">")), "{page}");
        assert!(page.contains(&format!("id=\"{field}-wrong\"")), "{page}");
    }
}

#[tokio::test]
async fn a_filter_that_hardly_anything_passes_says_how_far_it_looked_and_how_to_go_on() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let webhook = world.create_webhook().await;
    for _ in 0..8_000 {
        world.clock.step(1_000);
        let now = world.clock.now();
        let entry = AuditEntry {
            id: AuditEntryId(world.context.ids.next(now, &*world.context.entropy)),
            company_id: world.company,
            actor: Actor::System,
            action: AuditAction::WebhookDisabled,
            subject: webhook.clone(),
            detail: None,
            at: now,
        };
        let change = Change {
            audit: Some(entry),
            ..Change::default()
        };
        world.store.commit(change).await.unwrap();
    }
    let mut address = format!("{PAGE}?action=webhook_created");
    for looks in 1.. {
        let page = browser.page(&address, 200).await;
        let found = page.matches("<td data-name=\"When\">").count();
        let looked = page.contains("4,000 entries were looked through, back to <time");
        if looks == 3 {
            assert_eq!((found, looked), (1, false), "{page}");
            break;
        }
        assert_eq!((found, looked), (0, true), "{page}");
        assert!(
            page.contains(
                "Nothing matches the filters so far. What is older has not been looked at yet."
            ),
            "{page}"
        );
        let (link, _) = page.split_once("\">Look further back →").unwrap();
        let link = link.rsplit("dashboard/audit?").next().unwrap();
        address = format!("{PAGE}?{}", link.replace("&#38;", "&"));
    }
    // What nothing passes at all is told apart.
    browser.language = "es";
    let page = browser
        .page(&format!("{PAGE}?action=oauth_app_deleted"), 200)
        .await;
    assert!(
        page.contains("Se miraron 4.000 entradas, hasta <time"),
        "{page}"
    );
    let page = browser
        .page(
            &format!("{PAGE}?action=oauth_app_deleted&to=2026-11-18T09:46:41"),
            200,
        )
        .await;
    assert!(
        page.contains("Nada cumple los filtros. Quita alguno."),
        "{page}"
    );
}
