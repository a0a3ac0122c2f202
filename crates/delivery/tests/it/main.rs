//! What deliveries do against real receivers, friendly and hostile, on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod announcing;
mod answers;
mod challenge;
mod dispatcher;
mod life;
mod pace;
mod receiver;
mod transport_bodies;
mod transport_connections;
mod transport_departure;
mod transport_guard;
mod transport_heads;
mod transport_identity;
mod transport_proxy;
mod transport_tls;
mod world;
