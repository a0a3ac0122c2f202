//! Recoveries: a time range of a webhook sent again (contract 8).

pub mod begin;
pub mod cancel;
pub mod list;
pub mod retrieve;
