//! One of each thing that an address of the dashboard can name.

use heraldo_domain::account::Role;
use heraldo_domain::change::{Change, Write};
use heraldo_domain::record::Record;
use heraldo_domain::recover_count::{RecoverCount, Stage, Tally};
use heraldo_domain::recovery::Range;
use heraldo_domain::store::Store as _;
use heraldo_web::PageRoute;
use heraldo_wire::api::RecoverStatus;
use heraldo_wire::id::RecoverCountId;
use serde_json::json;

use super::Browser;
use super::inspections::completed;
use crate::world::{World, id_in};

/// What only the company itself may read on a page, one for each kind of thing.
pub const OWN_WORDS: [&str; 8] = [
    "receiver.example.com",
    "Seguros del Sur",
    "key of the first",
    "application of the first",
    "app.first.example",
    "invited@first.example",
    "member@first.example",
    "Núñez",
];

pub struct Samples {
    webhook: String,
    key: String,
    application: String,
    member: String,
    invitation: String,
    pub inspection: String,
    event: String,
    delivery: String,
    recovery: String,
    count: String,
}

impl Samples {
    pub async fn of(world: &World) -> Self {
        let webhook = world.create_webhook().await;
        let inspection = completed(world).await;
        let delivery = world.get("/v1/notification/delivery").await.json(200)["data"][0].clone();
        let owner = Browser::signed_in_as(world, world.company, Role::Owner, "first").await;
        let member = Browser::signed_in_as(world, world.company, Role::Producer, "member").await;
        for (page, action, fields) in [
            (
                "/dashboard/keys/new",
                "/dashboard/keys",
                &[("name", "key of the first"), ("scopes", "webhooks")][..],
            ),
            (
                "/dashboard/applications/new",
                "/dashboard/applications",
                &[
                    ("name", "application of the first"),
                    ("redirects", "https://app.first.example/cb"),
                ],
            ),
            (
                "/dashboard/team/invite",
                "/dashboard/team/invitations",
                &[("email", "invited@first.example"), ("role", "producer")],
            ),
        ] {
            let answer = owner.submit(page, action, fields).await;
            assert_eq!(answer.status, 201, "{action}: {}", answer.text());
        }
        let begin = json!({"from": "2026-11-18T00:00:00Z"});
        let begin = world
            .post(
                &format!("/v1/notification/webhook/{webhook}/recover"),
                &begin,
            )
            .await;
        let recovery = id_in(&begin.json(begin.status.as_u16()));
        let lists = owner.page("/dashboard/developers", 200).await
            + &owner.page("/dashboard/team", 200).await;
        let of = |part: &str, end: &str| {
            let mut actions = lists.split("action=\"").skip(1);
            let found = actions.find_map(|rest| {
                let id = rest.split('"').next()?.split(part).nth(1)?;
                id.strip_suffix(end)
            });
            found
                .unwrap_or_else(|| panic!("no {part}…{end}"))
                .to_owned()
        };
        let (key, application) = (
            of("dashboard/keys/", "/revoke"),
            of("dashboard/applications/", "/secret"),
        );
        let invitation = of("dashboard/team/invitations/", "/revoke");
        let company = world.store.company(world.company).await.unwrap().unwrap();
        let mut members = company.members.iter();
        let found = members.find(|one| one.email == "member@first.example");
        drop(member);
        let webhook_id = webhook.clone();
        Self {
            member: found.unwrap().user_id.to_string(),
            event: delivery["eventId"].as_str().unwrap().to_owned(),
            delivery: id_in(&delivery),
            webhook,
            key,
            application,
            invitation,
            inspection,
            count: keep_count(world, &webhook_id).await,
            recovery,
        }
    }

    /// The address of a route, with the id of what it is about.
    pub fn path(&self, route: &str) -> String {
        let below = route.strip_prefix("/dashboard").unwrap();
        let kinds = [
            ("/webhooks/{id}", &self.webhook),
            ("/keys/{id}", &self.key),
            ("/applications/{id}", &self.application),
            ("/team/invitations/{id}", &self.invitation),
            ("/team/{id}", &self.member),
            ("/inspections/{id}", &self.inspection),
            ("/events/{id}", &self.event),
            ("/deliveries/{id}", &self.delivery),
            ("/recover/counts/{id}", &self.count),
            ("/recover/{id}", &self.recovery),
        ];
        if !route.contains("{id}") {
            return route.to_owned();
        }
        let mut kinds = kinds.iter();
        let kind = kinds.find(|(kind, _)| below.starts_with(kind));
        let (_, id) = kind.unwrap_or_else(|| panic!("there is no sample for {route}"));
        route.replace("{id}", id)
    }

    pub fn path_of(&self, route: &PageRoute) -> String {
        self.path(route.path)
    }
}

/// A count of a webhook's that somebody stopped before it came to its end.
async fn keep_count(world: &World, webhook: &str) -> String {
    let now = world.context.clock.now();
    let id = RecoverCountId(world.context.ids.next(now, &*world.context.entropy));
    let count = RecoverCount {
        id,
        company_id: world.company,
        webhook_id: webhook.parse().unwrap(),
        version: 1,
        range: Range {
            from: now.minus(std::time::Duration::from_secs(60)),
            to: now,
            statuses: vec![RecoverStatus::Missing],
        },
        is_open: false,
        subscribed: Vec::new(),
        stage: Stage::Stopped,
        tally: Tally::default(),
        name: webhook.to_owned(),
    };
    let change = Change {
        writes: vec![Write::CreateRecord(Record::of(&count).unwrap())],
        ..Change::default()
    };
    world.store.commit(change).await.unwrap();
    id.to_string()
}
