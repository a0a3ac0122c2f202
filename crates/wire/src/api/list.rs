//! Shapes that several routes share: a page by cursor, a bare message.

use serde::{Deserialize, Serialize};

/// How many rows a list has when the query names no `limit` (contract 1.3, E13).
pub const LIMIT_DEFAULT: u32 = 10;
/// The largest `limit`.
pub const LIMIT_MAX: u32 = 100;

/// One page of a list by cursor, newest first (contract 8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorPage<T> {
    pub data: Vec<T>,
    /// The `cursor` of the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// An answer that says what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageAnswer {
    pub message: String,
}

impl MessageAnswer {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}
