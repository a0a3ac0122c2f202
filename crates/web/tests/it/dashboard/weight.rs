//! No page weighs much, however much there is to show: `checked` looks at every page that a test opens.

use heraldo_domain::account::{Caller, Role};
use heraldo_domain::change::Actor;
use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_domain::ops::accounts::{KeyRequest, Person, create_key, create_user};
use heraldo_domain::ops::invitations::create_invitation;
use heraldo_domain::ops::oauth_apps::create_oauth_app;
use heraldo_web::{WebConfig, dashboard_routes};
use heraldo_wire::api::Scope;
use http::Method;
use serde_json::json;

use super::Browser;
use super::browser::checked;
use super::samples::Samples;
use crate::deliveries::attempt;
use crate::world::World;

/// A company with many of everything, all with long names.
async fn crowded(world: &World) -> Samples {
    let samples = Samples::of(world).await;
    let long = "a-rather-long-part-of-an-address-as-customers-have-them";
    for number in 0..40 {
        let hook = json!({
            "endpoint": format!("https://hooks-{number}.customer.example/{long}/{number}"),
            "events": ["inspection_created", "inspection_completed", "image_processed"],
            "description": format!("webhook {number} of the crowd, {long}"),
        });
        let made = world
            .post("/v1/notification/webhook", &hook)
            .await
            .json(201);
        let webhook = made["_id"].as_str().unwrap().to_owned();
        if number < 30 {
            continue;
        }
        world.create_inspection().await;
        let refused = AttemptResult::Answered(Received {
            status: 500,
            body: "<b>\"no\" & never</b>".repeat(200),
            ..Received::default()
        });
        attempt(world, &webhook, &refused).await;
        world.clock.step(61_000);
    }
    let owner = Caller {
        company_id: world.company,
        actor: Actor::User(world.owner),
        testing: false,
    };
    for number in 0..30 {
        let person = Person {
            email: Some(format!("person-{number}-of-the-crowd@customer.example")),
            first_name: Some(format!("Maximiliana {number}")),
            last_name: Some("Etcheverrigaray de la Fuente".to_owned()),
            ..Person::default()
        };
        create_user(&world.context, world.company, Role::Producer, person)
            .await
            .unwrap();
        let email = format!("guest-{number}-of-the-crowd@customer.example");
        create_invitation(&world.context, &owner, &email, Role::Producer)
            .await
            .unwrap();
        let request = KeyRequest {
            name: Some(format!(
                "key {number} of the crowd, which names its whole purpose"
            )),
            scopes: Scope::ALL.to_vec(),
            testing: true,
        };
        create_key(&world.context, world.company, owner.actor, request)
            .await
            .unwrap();
    }
    for number in 0..8 {
        let redirects =
            ["one", "two"].map(|end| format!("https://app-{number}.customer.example/{long}/{end}"));
        create_oauth_app(
            &world.context,
            world.company,
            owner.actor,
            &format!("application {number} of the crowd"),
            redirects.to_vec(),
        )
        .await
        .unwrap();
    }
    samples
}

#[tokio::test]
async fn no_page_weighs_more_than_60_kb_however_much_there_is() {
    let world = World::with_webhooks(WebConfig::default(), 50).await;
    let samples = crowded(&world).await;
    let mut browser = Browser::signed_in(&world, Role::Owner).await;
    browser.language = "es";
    for route in dashboard_routes() {
        let is_page = route.method == Method::GET
            && ![
                "/dashboard/settings",
                "/dashboard/deliveries/stream",
                "/dashboard/events/{id}/body",
            ]
            .contains(&route.path);
        if !is_page {
            continue;
        }
        checked(&browser.get(&samples.path_of(&route)).await, 200);
    }
}

/// How often a part is on a list, page after page.
async fn found_on_all_pages(browser: &Browser<'_>, first: &str, part: &str, list: &str) -> usize {
    let mut address = first.to_owned();
    let mut found = 0;
    loop {
        let page = browser.page(&address, 200).await;
        found += page.matches(part).count();
        let next = format!("Next page<span class=\"hidden-label\">: {list}</span>");
        let Some((before, _)) = page.split_once(&next) else {
            return found;
        };
        let link = before.rsplit("href=\"").next().unwrap();
        let link = link.split(['"', '#']).next().unwrap();
        address = format!("/{}", link.trim_start_matches("../"));
    }
}

#[tokio::test]
async fn everything_of_a_long_list_is_found_by_leafing() {
    let world = World::with_webhooks(WebConfig::default(), 50).await;
    let samples = crowded(&world).await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let event = samples.path("/dashboard/events/{id}");
    for (page, part, list, count) in [
        (
            "/dashboard/developers",
            "of the crowd, a-rather-long",
            "Webhooks",
            40,
        ),
        (
            "/dashboard/developers",
            "<th scope=\"row\" class=\"long\">key ",
            "API keys",
            31,
        ),
        (
            "/dashboard/developers",
            "<td data-name=\"client_app_id\">",
            "OAuth applications",
            9,
        ),
        (
            "/dashboard/team",
            "of-the-crowd@customer.example</td>",
            "People",
            30,
        ),
        ("/dashboard/team", ">guest-", "Open invitations", 30),
        (
            event.as_str(),
            "<th scope=\"row\" class=\"where\">",
            "Webhooks",
            41,
        ),
    ] {
        let found = found_on_all_pages(&browser, page, part, list).await;
        assert_eq!(found, count, "{page}: {list}");
    }
}
