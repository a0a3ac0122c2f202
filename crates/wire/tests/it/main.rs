//! What the crate promises, seen from outside: documented examples, vectors for all SDKs, properties.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod documented;
#[path = "../../examples/vectors/make.rs"]
mod make;
mod properties;
mod vectors;
