//! The steps that bring a database to the form that this program knows.

use rusqlite_migration::{M, Migrations};

/// Each with its name; other engines carry the same names. They are never changed, only added to.
pub(super) const STEPS: [(&str, &str); 3] = [
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
    use heraldo_domain::account::KeyHash;
    use heraldo_domain::token::Purpose;
    use heraldo_wire::id::{CompanyId, Id, UserId};
    use heraldo_wire::time::Timestamp;
    use rusqlite::{Connection, params};

    use super::super::records;

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
}
