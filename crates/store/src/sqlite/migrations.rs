//! The steps that bring a database to the form that this program knows.

use rusqlite_migration::{M, Migrations};

/// Each with its name; other engines carry the same names. They are never changed, only added to.
pub(super) const STEPS: [(&str, &str); 1] = [(
    "foundation",
    include_str!("../../migrations/sqlite/0001_foundation.sql"),
)];

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
    #[test]
    fn the_steps_make_a_database() {
        super::all().validate().expect("steps that run");
    }
}
