//! The routes, one file each: `api/<resource>/<verb>.rs`.

pub mod delivery;
pub mod description;
pub mod event;
pub mod file;
pub mod health;
pub mod image;
pub mod inspection;
pub mod key;
pub mod membership;
pub mod metrics;
pub mod oauth;
pub mod recovery;
pub mod report;
pub mod statistics;
pub mod template;
pub mod webhook;

use heraldo_domain::query::Page;
use serde::Deserialize;

/// Query of a list that has nothing but pages.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// From 1 to 100; 10 without it.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// Cuts one page out of a list that is in memory, oldest first, and has no engine to ask.
pub fn newest_first<R, C: Ord + Copy>(
    rows: impl DoubleEndedIterator<Item = R>,
    page: &Page<C>,
    id: impl Fn(&R) -> C,
) -> Vec<R> {
    rows.rev()
        .filter(|row| page.before.is_none_or(|before| id(row) < before))
        .take(page.limit as usize)
        .collect()
}
