//! People: invited, given another role, let in again, removed; and what is said of keys and applications.

use heraldo_domain::account::Role;
use heraldo_domain::change::AuditAction;
use heraldo_domain::ops::accounts::write_key_uses;
use heraldo_domain::query::Page;
use heraldo_domain::store::Store as _;
use heraldo_wire::id::UserId;
use serde_json::{Value, json};

use super::Browser;
use super::account::with_password;
use super::browser::checked;
use crate::world::World;

const TEAM: &str = "/dashboard/team";
const PASSWORD: &str = "correct horse battery";

/// Invites somebody and gives the path of the link, which must be a whole address.
async fn invite(browser: &Browser<'_>, email: &str, role: &str) -> String {
    let fields = [("email", email), ("role", role)];
    let form = format!("{TEAM}/invite");
    let answer = browser
        .submit(&form, &format!("{TEAM}/invitations"), &fields)
        .await;
    let page = checked(&answer, 201);
    link_in(&page)
}

fn link_in(page: &str) -> String {
    let link = page.split("<code id=\"link\">").nth(1).unwrap();
    let link = link.split('<').next().unwrap();
    let path = link.strip_prefix("https://inspect.example.com").unwrap();
    path.to_owned()
}

const ACCEPT: [(&str, &str); 4] = [
    ("first_name", "Leo"),
    ("last_name", "Paz"),
    ("password", PASSWORD),
    ("again", PASSWORD),
];

async fn newest_audit(world: &World) -> (AuditAction, Option<String>) {
    let page = Page {
        limit: 1,
        before: None,
    };
    let entries = world.store.audit(world.company, page).await.unwrap();
    (entries[0].action, entries[0].detail.clone())
}

async fn user_of(world: &World, email: &str) -> Option<UserId> {
    let company = world.store.company(world.company).await.unwrap().unwrap();
    let mut members = company.members.iter();
    let found = members.find(|member| member.email == email);
    found.map(|member| member.user_id)
}

#[tokio::test]
async fn an_invitation_is_accepted_once_with_names_and_a_password() {
    let world = World::new().await;
    let admin = Browser::signed_in(&world, Role::Admin).await;
    let link = invite(&admin, "leo@example.com", "producer").await;
    let made = (
        AuditAction::InvitationCreated,
        Some("producer: leo@example.com".to_owned()),
    );
    assert_eq!(newest_audit(&world).await, made);
    let list = admin.page(TEAM, 200).await;
    assert!(
        list.contains("leo@example.com") && !list.contains("in_"),
        "{list}"
    );

    let leo = Browser::new(&world);
    for _ in 0..2 {
        let page = leo.page(&link, 200).await;
        assert!(
            page.contains("Ana invites you to the company Seguros del Sur. Your role: Producer.")
        );
        assert!(page.contains("value=\"leo@example.com\""), "{page}");
    }
    for (field, wrong) in [
        ("first_name", " "),
        ("password", "too short"),
        ("again", "something else"),
    ] {
        let mut fields = ACCEPT.to_vec();
        for (name, value) in &mut fields {
            if *name == field || (field == "password" && *name == "again") {
                *value = wrong;
            }
        }
        let answer = leo.submit(&link, "/invitation", &fields).await;
        let page = checked(&answer, 400);
        assert!(
            page.contains("aria-invalid=\"true\"") && page.contains("value=\"Paz\""),
            "{page}"
        );
        assert!(!page.contains(PASSWORD));
    }
    let second = Browser::new(&world);
    let late = [
        ("token", token_of(&link)),
        ACCEPT[0],
        ACCEPT[1],
        ACCEPT[2],
        ACCEPT[3],
    ];
    let answer = leo.submit(&link, "/invitation", &ACCEPT).await;
    assert_eq!(answer.header("location"), Some("dashboard"));
    assert!(leo.page("/dashboard", 200).await.contains("Leo Paz"));
    checked(&leo.get(TEAM).await, 403);
    checked(&second.get(&link).await, 401);
    checked(&second.post("/invitation", &late).await, 401);
    let accepted = (AuditAction::InvitationAccepted, Some("producer".to_owned()));
    assert_eq!(newest_audit(&world).await, accepted);
    let list = admin.page(TEAM, 200).await;
    assert!(
        list.contains("Leo Paz") && list.contains("Nobody has an open invitation"),
        "{list}"
    );
    let fields = [("email", "leo@example.com"), ("password", PASSWORD)];
    assert_eq!(second.post("/signin", &fields).await.status, 303);
}

fn token_of(link: &str) -> &str {
    link.split("token=").nth(1).unwrap()
}

#[tokio::test]
async fn an_invitation_ends_when_it_is_revoked_or_too_old_or_its_inviter_may_not_make_it_any_more()
{
    let world = World::new().await;
    let owner = Browser::signed_in(&world, Role::Owner).await;
    let (admin, _) = with_password(&world, world.company, "eva@example.com", Role::Admin).await;
    let nobody = Browser::new(&world);
    let revoked = invite(&owner, "a@example.com", "owner").await;
    nobody.page(&revoked, 200).await;
    let list = owner.page(TEAM, 200).await;
    let action = action_in(&list, "/revoke");
    let (_, page) = owner.submit_and_follow(TEAM, &action, &[]).await;
    assert!(page.contains("The invitation no longer works."), "{page}");
    checked(&nobody.get(&revoked).await, 401);
    assert_eq!(newest_audit(&world).await.0, AuditAction::InvitationRevoked);
    let token = owner.form_token().await;
    checked(&owner.post(&action, &[("form", &token)]).await, 409);

    let of_admin = invite(&admin, "b@example.com", "admin").await;
    let old = invite(&owner, "c@example.com", "producer").await;
    let eva = user_of(&world, "eva@example.com").await.unwrap();
    let role = format!("{TEAM}/{eva}/role");
    let (_, page) = owner
        .submit_and_follow(TEAM, &role, &[("role", "producer")])
        .await;
    assert!(page.contains("The role is changed."), "{page}");
    checked(&nobody.get(&of_admin).await, 401);
    let fields = [
        ("token", token_of(&of_admin)),
        ACCEPT[0],
        ACCEPT[2],
        ACCEPT[3],
    ];
    checked(&nobody.post("/invitation", &fields).await, 401);
    world.clock.step(7 * 86_400_000 - 1);
    nobody.page(&old, 200).await;
    world.clock.step(1);
    checked(&nobody.get(&old).await, 401);
    let fields = [("token", token_of(&old)), ACCEPT[0], ACCEPT[2], ACCEPT[3]];
    checked(&nobody.post("/invitation", &fields).await, 401);
    assert_eq!(user_of(&world, "c@example.com").await, None);
}

/// The address of the first form that ends in this.
fn action_in(page: &str, end: &str) -> String {
    let mut actions = page.split("action=\"").skip(1);
    let action = actions.find_map(|rest| {
        let action = rest.split('"').next()?;
        action.ends_with(end).then_some(action)
    });
    format!("/{}", action.unwrap().trim_start_matches("../"))
}

#[tokio::test]
async fn nobody_is_invited_twice_or_above_what_the_inviter_may_give() {
    let world = World::new().await;
    let admin = Browser::signed_in(&world, Role::Admin).await;
    let form = format!("{TEAM}/invite");
    assert!(!admin.page(&form, 200).await.contains("value=\"owner\""));
    let send = async |email, role| {
        let fields = [("email", email), ("role", role)];
        let action = format!("{TEAM}/invitations");
        admin.submit(&form, &action, &fields).await
    };
    checked(&send("leo@example.com", "owner").await, 400);
    checked(&send("leo@example.com", "king").await, 400);
    checked(&send("no address", "producer").await, 400);
    checked(&send("<script>@x", "producer").await, 201);
    checked(&send("leo@example.com", "producer").await, 201);
    checked(&send("LEO@example.com", "admin").await, 409);
    checked(&send("Admin@example.com", "producer").await, 409);
    let list = admin.page(TEAM, 200).await;
    assert!(list.contains("&#60;script&#62;@x"), "{list}");
}

#[tokio::test]
async fn an_admin_touches_no_owner_and_the_last_owner_stays() {
    let world = World::new().await;
    let (admin, admins) =
        with_password(&world, world.company, "eva@example.com", Role::Admin).await;
    let (owner, owners) =
        with_password(&world, world.company, "ana@example.com", Role::Owner).await;
    let first = world.owner;
    let token = admin.form_token().await;
    for (path, role) in [
        (format!("{TEAM}/{owners}/role"), "producer"),
        (format!("{TEAM}/{owners}/remove"), ""),
        (format!("{TEAM}/{owners}/reset"), ""),
        (format!("{TEAM}/{admins}/role"), "owner"),
    ] {
        let answer = admin.post(&path, &[("form", &token), ("role", role)]).await;
        let page = checked(&answer, 403);
        assert!(page.contains("ask an owner"), "{path}: {page}");
    }
    let list = admin.page(TEAM, 200).await;
    assert!(!list.contains(&format!("{owners}/")), "{list}");

    // The company's first owner leaves; what keys make is produced by the one who stays.
    let remove = format!("{TEAM}/{first}/remove");
    let (_, page) = owner.submit_and_follow(TEAM, &remove, &[]).await;
    assert!(
        page.contains("The person is no longer of the company."),
        "{page}"
    );
    assert!(page.contains("This is the only owner"), "{page}");
    assert_eq!(newest_audit(&world).await.0, AuditAction::UserRemoved);
    let made = world.create_inspection().await;
    let path = format!(
        "/v1/inspection/car/{}",
        made["inspectionId"].as_str().unwrap()
    );
    let shown = world.get(&path.replace("car/", "")).await.json(200);
    assert!(shown.to_string().contains(&owners.to_string()), "{shown}");
    let token = owner.form_token().await;
    for (path, role) in [
        (format!("{TEAM}/{owners}/remove"), ""),
        (format!("{TEAM}/{owners}/role"), "admin"),
    ] {
        let answer = owner.post(&path, &[("form", &token), ("role", role)]).await;
        assert!(checked(&answer, 409).contains("last owner"));
    }
    let role = format!("{TEAM}/{admins}/role");
    owner
        .submit_and_follow(TEAM, &role, &[("role", "owner")])
        .await;
    let changed = (AuditAction::RoleChanged, Some("admin → owner".to_owned()));
    assert_eq!(newest_audit(&world).await, changed);
    let leave = format!("{TEAM}/{owners}/remove");
    let answer = owner.submit(TEAM, &leave, &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(owner.get("/dashboard").await.status, 303);
    admin.page(TEAM, 200).await;
}

#[tokio::test]
async fn whoever_forgot_the_password_gets_in_by_a_new_link_and_chooses_another() {
    let world = World::new().await;
    let admin = Browser::signed_in(&world, Role::Admin).await;
    let (eva, user) = with_password(&world, world.company, "eva@example.com", Role::Producer).await;
    let answer = admin
        .submit(TEAM, &format!("{TEAM}/{user}/reset"), &[])
        .await;
    let link = link_in(&checked(&answer, 201));
    assert_eq!(newest_audit(&world).await.0, AuditAction::AccessReset);
    assert_eq!(eva.get("/dashboard").await.status, 303);
    let fields = [("email", "eva@example.com"), ("password", PASSWORD)];
    assert_eq!(eva.post("/signin", &fields).await.status, 401);
    let (_, home) = eva.submit_and_follow(&link, "/signin", &[]).await;
    assert!(home.contains("Choose a password"), "{home}");
    let new = "another long phrase";
    let fields = [("password", new), ("again", new)];
    let set = "/dashboard/account/password";
    eva.submit_and_follow("/dashboard/account", set, &fields)
        .await;
}

#[tokio::test]
async fn another_company_sees_and_changes_no_people_and_invitations() {
    let world = World::new().await;
    let owner = Browser::signed_in(&world, Role::Owner).await;
    invite(&owner, "leo@example.com", "producer").await;
    let revoke = action_in(&owner.page(TEAM, 200).await, "/revoke");
    let user = user_of(&world, "owner@example.com").await.unwrap();
    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Owner).await;
    let list = stranger.page(TEAM, 200).await;
    assert!(!list.contains("leo@example.com") && !list.contains(&user.to_string()));
    let token = stranger.form_token().await;
    for path in [
        revoke,
        format!("{TEAM}/{user}/role"),
        format!("{TEAM}/{user}/remove"),
        format!("{TEAM}/{user}/reset"),
    ] {
        let fields = [("form", token.as_str()), ("role", "producer")];
        checked(&stranger.post(&path, &fields).await, 404);
    }
    owner.page(TEAM, 200).await;
}

#[tokio::test]
async fn the_last_use_of_a_key_is_listed_and_written_for_many_requests_at_once() {
    let world = World::new().await;
    let admin = Browser::signed_in(&world, Role::Admin).await;
    assert!(
        admin
            .page("/dashboard/developers", 200)
            .await
            .contains(">never<")
    );
    let stored = async || {
        let page = Page {
            limit: 1,
            before: None,
        };
        let keys = world.store.api_keys(world.company, page).await.unwrap();
        keys[0].last_used_at
    };
    for _ in 0..20 {
        world.clock.step(1_000);
        world.get("/v1/notification/webhook").await.json(200);
    }
    let used = world.context.clock.now();
    // Shown before it is written, and after.
    for is_written in [false, true] {
        let page = admin.page("/dashboard/developers", 200).await;
        assert!(page.contains(&format!("datetime=\"{used}\"")), "{page}");
        assert_eq!(stored().await, is_written.then_some(used));
        write_key_uses(&world.context).await.unwrap();
    }
    world.clock.step(1_000);
    let keys = world.get("/v1/account/key").await.json(200);
    let now = world.context.clock.now().to_string();
    assert_eq!(keys["data"][0]["lastUsedAt"], now);
}

#[tokio::test]
async fn an_application_gets_another_secret_at_once() {
    let world = World::new().await;
    let owner = Browser::signed_in(&world, Role::Owner).await;
    let fields = [
        ("name", "Cotizador"),
        ("redirects", "https://app.example/cb"),
    ];
    let new = "/dashboard/applications/new";
    let answer = owner.submit(new, "/dashboard/applications", &fields).await;
    let secret = |page: &str| -> String {
        let secret = page.split("<code id=\"client-secret\">").nth(1).unwrap();
        secret.split('<').next().unwrap().to_owned()
    };
    let first = secret(&checked(&answer, 201));
    let list = owner.page("/dashboard/developers", 200).await;
    let rotate = action_in(&list, "/secret");
    let answer = owner.submit("/dashboard/developers", &rotate, &[]).await;
    let page = checked(&answer, 201);
    let second = secret(&page);
    assert!(second != first && page.contains("Cotizador"), "{page}");
    assert_eq!(
        newest_audit(&world).await.0,
        AuditAction::OauthSecretRotated
    );
    let id = rotate.split('/').nth(3).unwrap();
    let exchange = async |secret: &str| -> Value {
        let body = json!({"code": "x", "client_app_id": id, "client_secret": secret});
        let call = world.bare("POST", "/v1/account/oauth/exchange_code");
        call.json(&body).send().await.json(401)
    };
    let (old, new) = (exchange(&first).await, exchange(&second).await);
    assert!(old["detail"].to_string().contains("client_secret"), "{old}");
    assert!(
        !new["detail"].to_string().contains("client_secret"),
        "{new}"
    );
}
