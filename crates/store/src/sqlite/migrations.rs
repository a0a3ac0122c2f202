//! The steps that bring a database to the form that this program knows.

use rusqlite_migration::{M, Migrations};

/// Each with its name; other engines carry the same names. They are never changed, only added to.
pub(super) const STEPS: [(&str, &str); 13] = [
    (
        "foundation",
        include_str!("../../migrations/sqlite/0001_foundation.sql"),
    ),
    (
        "records",
        include_str!("../../migrations/sqlite/0002_records.sql"),
    ),
    (
        "strict_order",
        include_str!("../../migrations/sqlite/0003_strict_order.sql"),
    ),
    (
        "sheets",
        include_str!("../../migrations/sqlite/0004_sheets.sql"),
    ),
    (
        "webhook_life",
        include_str!("../../migrations/sqlite/0005_webhook_life.sql"),
    ),
    (
        "webhook_states",
        include_str!("../../migrations/sqlite/0006_webhook_states.sql"),
    ),
    (
        "statistics",
        include_str!("../../migrations/sqlite/0007_statistics.sql"),
    ),
    (
        "retention",
        include_str!("../../migrations/sqlite/0008_retention.sql"),
    ),
    (
        "people",
        include_str!("../../migrations/sqlite/0009_people.sql"),
    ),
    (
        "sheet_due",
        include_str!("../../migrations/sqlite/0014_sheet_due.sql"),
    ),
    (
        "log_filters",
        include_str!("../../migrations/sqlite/0015_log_filters.sql"),
    ),
    (
        "child_links",
        include_str!("../../migrations/sqlite/0016_child_links.sql"),
    ),
    (
        "delivery_room",
        include_str!("../../migrations/sqlite/0017_delivery_room.sql"),
    ),
];

/// The version of a database after the last step.
pub(super) const KNOWN: usize = STEPS.len();

pub(super) fn all() -> Migrations<'static> {
    Migrations::new(
        STEPS
            .iter()
            .map(|(name, sql)| M::up(sql).comment(name))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use heraldo_domain::account::{KeyHash, Role};
    use heraldo_domain::explain::WebhookState;
    use heraldo_domain::inspection::Inspection;
    use heraldo_domain::query::{InspectionFilter, Page};
    use heraldo_domain::record::RecordKind;
    use heraldo_domain::store::Store;
    use heraldo_domain::token::Purpose;
    use heraldo_wire::id::{CompanyId, Id, UserId};
    use heraldo_wire::time::Timestamp;
    use rusqlite::{Connection, params};

    use super::super::codes::{key_of, tail_of};
    use super::super::{load, people, records, sheets, states};
    use crate::MemoryStore;
    use crate::conformance::scene::Scene;
    use crate::conformance::{Harness, World};

    /// Only gives an inspection to store.
    struct Memory;

    impl Harness for Memory {
        fn open(&self, world: &World) -> Arc<dyn Store> {
            let (hand_over, clock) = (world.hand_over.clone(), world.clock.clone());
            Arc::new(MemoryStore::new(hand_over, clock))
        }

        fn reopen(&self, store: Arc<dyn Store>, _world: &World) -> Arc<dyn Store> {
            store
        }
    }

    #[test]
    fn the_steps_make_a_database() {
        super::all().validate().expect("steps that run");
    }

    #[test]
    fn sign_in_tokens_of_an_older_database_still_sign_in() {
        let mut db = Connection::open_in_memory().expect("a database");
        super::all().to_version(&mut db, 1).expect("the first step");
        let hash = KeyHash::of("link");
        let (user, company) = (Id::from_parts(0xabcd, 1), Id::from_parts(7, 2));
        db.execute(
            "INSERT INTO sign_in_token (hash, user, company, expires_at) VALUES (?1, ?2, ?3, 90)",
            params![hash.0, user.as_bytes(), company.as_bytes()],
        )
        .expect("a token");
        super::all().to_latest(&mut db).expect("the other steps");

        let found = records::token(&db, hash, Timestamp::from_millis(89));
        let token = found.expect("a readable token").expect("the token");
        let user_id = UserId(user);
        assert_eq!(token.purpose, Purpose::SignIn { user_id });
        assert_eq!(token.company_id, CompanyId(company));
        assert_eq!(token.expires_at, Timestamp::from_millis(90));
    }

    #[test]
    fn people_and_sessions_of_an_older_database_are_found() {
        let scene = Scene::without_epoch(&Memory);
        let member = scene.member(scene.company, scene.user, Role::Admin);
        let mut db = Connection::open_in_memory().expect("a database");
        super::all().to_version(&mut db, 8).expect("eight steps");
        let (company, user) = (scene.company.0.as_bytes(), scene.user.0.as_bytes());
        let mut capital = serde_json::to_value(&member).expect("a document");
        capital["email"] = "Ana@Example.com".into();
        db.execute(
            "INSERT INTO member (company, user, doc) VALUES (?1, ?2, ?3)",
            params![company, user, capital.to_string()],
        )
        .expect("a member");
        db.execute(
            "INSERT INTO member (company, user, doc) VALUES (?1, x'00', 'damaged')",
            params![company],
        )
        .expect("a damaged member");
        let session = format!(r#"{{"name":"session","user_id":"{}"}}"#, scene.user);
        db.execute(
            "INSERT INTO token (hash, company, expires_at, doc) VALUES (x'01', ?1, 9, ?2)",
            params![company, session],
        )
        .expect("a session");
        super::all().to_latest(&mut db).expect("the other steps");
        let found = people::logins(&db, "ana@example.com", 9).expect("logins");
        assert_eq!(found.len(), 1);
        let owner: Vec<u8> = db
            .query_row("SELECT user FROM token", [], |row| row.get(0))
            .expect("the session");
        assert_eq!(owner, user);
    }

    #[test]
    fn what_webhooks_of_an_older_database_are_set_to_is_known_since_their_last_change() {
        let webhook = Scene::without_epoch(&Memory).webhook();
        let mut db = Connection::open_in_memory().expect("a database");
        super::all().to_version(&mut db, 2).expect("two steps");
        db.execute(
            "INSERT INTO webhook (key, tail, company, version, settings, secrets, created_at, updated_at)
             VALUES (?1, ?2, ?3, 3, ?4, x'00', 7, 9)",
            params![
                key_of(webhook.id.0),
                tail_of(webhook.id.0),
                webhook.company_id.0.as_bytes(),
                serde_json::to_string(&webhook.settings).expect("settings")
            ],
        )
        .expect("a webhook");
        super::all().to_latest(&mut db).expect("the other steps");
        let found = states::around(&db, &[webhook.id], Timestamp::from_millis(9));
        let expected = WebhookState {
            version: 3,
            since: Timestamp::from_millis(9),
            ..WebhookState::of(&webhook)
        };
        assert_eq!(found.expect("states"), [expected]);
    }

    #[test]
    fn inspections_of_an_older_database_are_listed() {
        let inspection = Scene::without_epoch(&Memory).inspection("AB123");
        let mut db = Connection::open_in_memory().expect("a database");
        super::all().to_version(&mut db, 2).expect("two steps");
        let id = inspection.id.0;
        db.execute(
            "INSERT INTO inspection (key, tail, company, version, event_count, status, type, veredict,
                 plate, identification, template, expires_at, doc)
             VALUES (?1, ?2, ?3, 1, 0, 0, 0, 2, 'AB123', '12345678K', 'X', 7, ?4)",
            params![
                key_of(id),
                tail_of(id),
                inspection.company_id.0.as_bytes(),
                serde_json::to_string(&inspection).expect("a document")
            ],
        )
        .expect("an inspection");
        super::all().to_latest(&mut db).expect("the other steps");
        assert!(sheets::are_due(&db).expect("readable sheets"));
        sheets::make_anew(&db).expect("sheets");
        assert!(!sheets::are_due(&db).expect("readable sheets"));

        for search in ["3456", "an", "AB123"] {
            let filter = InspectionFilter {
                search: Some(search.to_owned()),
                ..InspectionFilter::default()
            };
            let found = load::inspections(
                &db,
                &sheets::Held::default(),
                inspection.company_id,
                &filter,
                0,
                9,
            );
            let (listed, total) = found.expect("a list");
            let expected: &[_] = if search == "3456" {
                std::slice::from_ref(&inspection)
            } else {
                &[]
            };
            assert_eq!((&listed.rows[..], total), (expected, expected.len() as u64));
        }
        let lapsed = load::lapsed(&db, Timestamp::from_millis(7), 9).expect("those over time");
        assert_eq!(lapsed.rows, [inspection]);
    }

    #[test]
    fn children_of_an_older_database_are_found_at_their_parent() {
        let scene = Scene::without_epoch(&Memory);
        let parent = scene.inspection("AB123");
        let child = Inspection {
            parent_id: Some(parent.id),
            ..scene.inspection("AB123")
        };
        let mut db = Connection::open_in_memory().expect("a database");
        super::all().to_version(&mut db, 11).expect("eleven steps");
        let store = |inspection: &Inspection, doc: &str| {
            let id = inspection.id.0;
            db.execute(
                "INSERT INTO inspection (key, tail, company, version, event_count, status, expires_at, doc)
                 VALUES (?1, ?2, ?3, 1, 0, 0, 7, ?4)",
                params![
                    key_of(id),
                    tail_of(id),
                    inspection.company_id.0.as_bytes(),
                    doc
                ],
            )
            .expect("an inspection");
        };
        for inspection in [&parent, &child] {
            let doc = serde_json::to_string(inspection).expect("a document");
            store(inspection, &doc);
        }
        store(&scene.inspection("AB123"), "damaged");
        super::all().to_latest(&mut db).expect("the last step");

        let page = Page {
            limit: 9,
            before: None,
        };
        let company = parent.company_id;
        let found = records::records(&db, RecordKind::Child, company, Some(parent.id.0), page);
        let found = found.expect("records").rows;
        let [link] = &found[..] else {
            panic!("one child, not {found:?}");
        };
        assert_eq!((link.id, link.subject), (child.id.0, Some(parent.id.0)));
        let said: serde_json::Value = serde_json::from_str(&link.doc).expect("a document");
        let expected = serde_json::json!({
            "id": child.id, "parent_id": parent.id, "company_id": company,
        });
        assert_eq!(said, expected);
    }
}
