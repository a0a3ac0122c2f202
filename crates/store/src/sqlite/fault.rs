//! What can go wrong inside the engine, and what the contract calls it.

use heraldo_domain::store::StoreError;
use rusqlite::ErrorCode;

/// A failure inside the engine: decided by a rule, come from SQLite, or a row that says nothing.
#[derive(Debug)]
pub(super) enum Fault {
    Store(StoreError),
    Sql(rusqlite::Error),
    /// Something in the database that this program cannot have written.
    Unreadable(String),
}

pub(super) type Done<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn unreadable(what: &str) -> Self {
        Self::Unreadable(format!("the database holds {what}"))
    }

    /// This failure; if it is a row's own, it says whose.
    pub(super) fn of(self, what: &str, id: impl std::fmt::Display) -> Self {
        match self {
            Self::Unreadable(why) => Self::Unreadable(format!("{what} {id}: {why}")),
            Self::Store(_) | Self::Sql(_) => self,
        }
    }

    pub(super) fn is_constraint(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation))
    }

    /// This failure, but a broken uniqueness is `taken`.
    pub(super) fn or_taken(self, taken: StoreError) -> Self {
        if self.is_constraint() {
            Self::Store(taken)
        } else {
            self
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => Self::unreadable("a value of a wrong kind"),
            error => Self::Sql(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(_: serde_json::Error) -> Self {
        Self::unreadable("a document in an unknown form")
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Unreadable(why) => Self::Unreadable(why),
            Fault::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Self::Full,
                Some(ErrorCode::DatabaseBusy) => Self::Failed(
                    "another process has held the database locked for too long".to_owned(),
                ),
                _ => Self::Failed(error.to_string()),
            },
        }
    }
}
