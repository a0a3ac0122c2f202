//! Passwords: what one must be, and what is stored of it.

use std::fmt;

use heraldo_wire::problem::{Problem, ProblemCode};
use serde::{Deserialize, Serialize};

use crate::account::Member;

/// Shorter ones are guessed.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longer ones only cost time.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// What is stored of a password: its hash with its salt and its parameters, as a PHC string.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A person who may sign in with an e-mail address, in one company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub member: Member,
    /// `None` until one was set.
    pub password: Option<PasswordHash>,
}

/// Refuses what is too short or too long to be a password.
///
/// # Errors
/// `invalid_body`, with the limits.
pub fn check_password(password: &str) -> Result<(), Problem> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`password` must have at least {PASSWORD_CHARS_MIN} characters and at most \
             {PASSWORD_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_neither_too_short_nor_too_long() {
        for (password, fits) in [
            ("", false),
            ("elevenchars", false),
            ("twelve chars", true),
            // Characters count, not bytes.
            ("ñandúñandú1", false),
            ("ñandúñandú12", true),
        ] {
            assert_eq!(check_password(password).is_ok(), fits, "{password}");
        }
        assert!(check_password(&"x".repeat(PASSWORD_BYTES_MAX)).is_ok());
        assert!(check_password(&"x".repeat(PASSWORD_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn what_is_stored_of_a_password_does_not_show() {
        let hash = PasswordHash("$argon2id$v=19$…".to_owned());
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }
}
