//! Takes deliveries to their receivers: the dispatcher, the transport and the network guard.
//!
//! The only HTTP client of Heraldo. Nothing here decides whether an attempt counts as delivered or when
//! the next one is due: `domain` does.

pub mod api_client;
pub mod callbacks;
pub mod dispatcher;
pub mod guard;
pub mod lanes;
pub mod transport;
