//! The promises to the outside: identifiers, times, events, API types, signatures and problem codes.
//!
//! No IO and no async runtime: SDKs, the command line and benches link this crate without the server.

pub mod api;
pub mod attempt;
pub mod complaint;
pub mod event;
pub mod headers;
pub mod id;
pub mod object;
pub mod problem;
pub mod signature;
pub mod time;
