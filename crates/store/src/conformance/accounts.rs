//! Companies, members, keys, webhooks and the audit log.

use std::time::Duration;

use heraldo_domain::account::{KeyHash, Role};
use heraldo_domain::change::{Actor, AuditAction, AuditEntry, Change, Write};
use heraldo_domain::query::Page;
use heraldo_domain::store::StoreError;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::id::{ApiKeyId, AuditEntryId, CompanyId, UserId};
use heraldo_wire::signature::{Secret, SigningKey};

use super::scene::{Scene, first_page, refused};
use super::{Harness, block_on};

pub fn what_was_created_is_read_back(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let member = scene.member(scene.company, UserId(scene.world.id()), Role::Producer);
    let key = scene.api_key("hk_live_0001");
    let webhook = scene.webhook();
    let writes = vec![
        Write::CreateMember(member.clone()),
        Write::CreateApiKey(key.clone()),
        Write::CreateWebhook(webhook.clone()),
    ];
    scene
        .commit(Change {
            writes,
            ..Change::default()
        })
        .unwrap();

    // Twice: once from where it is stored, once from where it is kept.
    for _ in 0..2 {
        let view = block_on(scene.store.company(scene.company))
            .unwrap()
            .expect("the company");
        assert_eq!(view.company.id, scene.company);
        assert_eq!(view.member(member.user_id), Some(&member));
        assert_eq!(view.members.len(), 2);
        assert_eq!(view.webhook(webhook.id).map(|kept| &**kept), Some(&webhook));
        let found = block_on(scene.store.api_key(key.hash)).unwrap();
        assert_eq!(found.as_deref(), Some(&key));
        let found = block_on(scene.store.webhook(webhook.id)).unwrap();
        assert_eq!(found.as_deref(), Some(&webhook));
    }
    assert_eq!(
        block_on(scene.store.api_key(KeyHash::of("other"))).unwrap(),
        None
    );
    assert_eq!(
        block_on(scene.store.api_keys(scene.company, first_page())).unwrap(),
        [key]
    );
    assert_eq!(scene.world.hand_over.changed(), [Some(webhook.id)]);
}

pub fn a_revoked_key_is_unknown_at_once(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let key = scene.api_key("hk_live_0001");
    scene.write(Write::CreateApiKey(key.clone())).unwrap();
    assert!(block_on(scene.store.api_key(key.hash)).unwrap().is_some());

    let (stranger, _) = scene.add_company();
    let anothers = scene.write(Write::RevokeApiKey {
        company_id: stranger,
        id: key.id,
    });
    assert_eq!(refused(anothers), StoreError::NotFound);

    scene
        .write(Write::RevokeApiKey {
            company_id: scene.company,
            id: key.id,
        })
        .unwrap();
    assert_eq!(block_on(scene.store.api_key(key.hash)).unwrap(), None);
    assert_eq!(
        block_on(scene.store.api_keys(scene.company, first_page())).unwrap(),
        []
    );
    let again = scene.write(Write::RevokeApiKey {
        company_id: scene.company,
        id: key.id,
    });
    assert_eq!(refused(again), StoreError::NotFound);
}

pub fn a_changed_webhook_shows_at_once(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.webhook();
    scene.write(Write::CreateWebhook(webhook.clone())).unwrap();
    assert!(block_on(scene.store.webhook(webhook.id)).unwrap().is_some());
    assert!(
        block_on(scene.store.company(scene.company))
            .unwrap()
            .is_some()
    );

    let secret = Secret::parse("whsec_next").unwrap();
    let secrets = webhook.secrets.rotate(
        secret,
        SigningKey::from_random([9; 32]),
        Duration::from_secs(60),
        scene.now(),
    );
    let changed = Webhook {
        version: 2,
        secrets,
        ..webhook.clone()
    };
    scene.write(Write::UpdateWebhook(changed.clone())).unwrap();

    let found = block_on(scene.store.webhook(webhook.id)).unwrap();
    assert_eq!(found.as_deref(), Some(&changed));
    let view = block_on(scene.store.company(scene.company))
        .unwrap()
        .expect("the company");
    assert_eq!(view.webhook(webhook.id).map(|kept| &**kept), Some(&changed));
    assert_eq!(
        scene.world.hand_over.changed(),
        [Some(webhook.id), Some(webhook.id)]
    );

    let stale = scene.write(Write::UpdateWebhook(changed.clone()));
    assert_eq!(refused(stale), StoreError::Conflict);
    let unknown = scene.write(Write::UpdateWebhook(scene.webhook()));
    assert_eq!(refused(unknown), StoreError::NotFound);
    let (stranger, _) = scene.add_company();
    let anothers = Webhook {
        company_id: stranger,
        version: 3,
        ..changed
    };
    assert_eq!(
        refused(scene.write(Write::UpdateWebhook(anothers))),
        StoreError::NotFound
    );
}

pub fn a_deleted_webhook_is_gone_at_once(harness: &dyn Harness) {
    let (scene, epoch) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let event = scene.publish(webhook);
    assert!(block_on(scene.store.webhook(webhook)).unwrap().is_some());

    scene
        .write(Write::DeleteWebhook {
            company_id: scene.company,
            id: webhook,
        })
        .unwrap();
    assert_eq!(block_on(scene.store.webhook(webhook)).unwrap(), None);
    let view = block_on(scene.store.company(scene.company))
        .unwrap()
        .expect("the company");
    assert!(view.webhooks.is_empty());
    let again = scene.write(Write::DeleteWebhook {
        company_id: scene.company,
        id: webhook,
    });
    assert_eq!(refused(again), StoreError::NotFound);

    // What waits for it is still there, for the dispatcher to cancel.
    assert_eq!(
        block_on(scene.store.waiting()).unwrap()[0].webhook_id,
        webhook
    );
    let claimed = scene.claim(webhook, epoch);
    assert_eq!(claimed.leased[0].delivery_id, event.deliveries[0].id);
}

pub fn secrets_survive_a_new_start(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let mut webhook = scene.webhook();
    let next = Secret::parse("any text, even with ✓").unwrap();
    let key = |byte| SigningKey::from_random([byte; 32]);
    webhook.secrets.client_key = Some(Secret::parse("a private key").unwrap());
    webhook.secrets.sign_asymmetrically(true, key(7));
    webhook.secrets = webhook
        .secrets
        .rotate(next, key(8), Duration::from_secs(60), scene.now());
    scene.write(Write::CreateWebhook(webhook.clone())).unwrap();
    let (scene, _) = scene.crash();
    let found = block_on(scene.store.webhook(webhook.id)).unwrap();
    assert_eq!(found.as_deref(), Some(&webhook));
}

pub fn companies_and_their_keys_are_found_without_a_caller(harness: &dyn Harness) {
    let world = super::World::default();
    let store = harness.open(&world);
    assert!(!block_on(store.has_companies()).unwrap());
    drop(store);

    let (scene, _) = Scene::new(harness);
    assert!(block_on(scene.store.has_companies()).unwrap());
    let (second, _) = scene.add_company();
    let all = block_on(scene.store.companies(first_page())).unwrap();
    assert_eq!(
        all.iter().map(|company| company.id).collect::<Vec<_>>(),
        [second, scene.company]
    );
    let rest = block_on(scene.store.companies(Page {
        limit: 1,
        before: Some(second),
    }))
    .unwrap();
    assert_eq!(
        rest.iter().map(|company| company.id).collect::<Vec<_>>(),
        [scene.company]
    );

    let key = scene.api_key("hk_live_0001");
    scene.write(Write::CreateApiKey(key.clone())).unwrap();
    assert_eq!(
        block_on(scene.store.api_key_company(key.id)).unwrap(),
        Some(scene.company)
    );
    let unknown = ApiKeyId(scene.world.id());
    assert_eq!(
        block_on(scene.store.api_key_company(unknown)).unwrap(),
        None
    );
}

pub fn accounts_of_an_unknown_company_are_not_found(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let nobody = CompanyId(scene.world.id());
    let mut key = scene.api_key("hk_live_0001");
    key.company_id = nobody;
    let webhook = Webhook {
        company_id: nobody,
        ..scene.webhook()
    };
    let member = scene.member(nobody, scene.user, Role::Admin);
    let writes = [
        Write::CreateApiKey(key),
        Write::CreateWebhook(webhook),
        Write::CreateMember(member),
    ];
    for write in writes {
        assert_eq!(refused(scene.write(write)), StoreError::NotFound);
    }
    assert!(block_on(scene.store.company(nobody)).unwrap().is_none());
}

pub fn a_users_places_are_listed_oldest_first(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (second, _) = scene.add_company();
    let user = UserId(scene.world.id());
    // Joined in the other order than the companies were made.
    let places = [second, scene.company].map(|company| {
        let member = scene.member(company, user, Role::Producer);
        scene.write(Write::CreateMember(member.clone())).unwrap();
        member
    });
    let found = block_on(scene.store.memberships(user)).unwrap();
    let (members, companies): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    assert_eq!(members, places);
    assert!(
        members
            .iter()
            .all(|member| member.invited_by == Some(scene.user))
    );
    assert_eq!(
        companies
            .iter()
            .map(|company| company.id)
            .collect::<Vec<_>>(),
        [second, scene.company]
    );
    let nobody = UserId(scene.world.id());
    assert_eq!(block_on(scene.store.memberships(nobody)).unwrap(), []);
}

pub fn audit_entries_are_listed_newest_first(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let entry = |action| AuditEntry {
        id: AuditEntryId(scene.world.id()),
        company_id: scene.company,
        actor: Actor::CommandLine,
        action,
        subject: scene.company.to_string(),
        detail: None,
        at: scene.now(),
    };
    let entries = [AuditAction::CompanyCreated, AuditAction::SecretRevealed].map(entry);
    for entry in &entries {
        scene
            .commit(Change {
                audit: Some(entry.clone()),
                ..Change::default()
            })
            .unwrap();
    }
    let [first, second] = entries;
    let all = block_on(scene.store.audit(scene.company, first_page())).unwrap();
    assert_eq!(all, [second.clone(), first.clone()]);
    let older = Page {
        limit: 5,
        before: Some(second.id),
    };
    assert_eq!(
        block_on(scene.store.audit(scene.company, older)).unwrap(),
        [first]
    );
    let (stranger, _) = scene.add_company();
    assert_eq!(
        block_on(scene.store.audit(stranger, first_page())).unwrap(),
        []
    );
}
