//! The rules: the inspection machine, webhooks and their fan-out, the delivery machine, the use cases,
//! and the contract that every store engine keeps.
//!
//! Nothing here reaches a real clock, real dice, a socket, a file or SQL: time and randomness are
//! arguments, the store is a trait.

pub mod account;
pub mod change;
pub mod delivery;
pub mod diagnosis;
pub mod endpoint;
pub mod explain;
pub mod fanout;
pub mod health;
pub mod inspection;
pub mod invitation;
pub mod job;
pub mod key_uses;
pub mod life;
pub mod links;
pub mod oauth;
pub mod ops;
pub mod password;
pub mod photo;
pub mod ports;
pub mod query;
pub mod record;
pub mod recover_count;
pub mod recovery;
pub mod report;
pub mod retention;
pub mod retry;
pub mod sheet;
pub mod statistics;
pub mod store;
pub mod template;
pub mod token;
pub mod webhook;
